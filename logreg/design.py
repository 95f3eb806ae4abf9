"""The design matrix: how X multiplies, by blocks of rows that stay in cache.

X is read, never copied or changed. Solvers work in coordinates in which every column has mean 0
and standard deviation about 1 (less where the penalty outweighs the data, so that the objective
curves about alike along all of them): the units a user chose do not matter.

    margin = X w + b = X̃ w̃ + b̃,     x̃_j = (x_j - centre_j) / scale_j,
    w_j = w̃_j / scale_j,             b = b̃ - Σ_j centre_j w_j.

X̃ is never formed. `scale` is a power of two, so the way there and back loses nothing; without an
intercept `centre` is 0. With more columns than rows, w lies in the row space of the (centred) X,
w = Q v for an orthonormal Q (d, n): then X Q, a small n × n matrix, stands in for X.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, solve_triangular

from logreg.row_blocks import GROUPS, Moments, RowBlocks

Array = NDArray[np.float64]

# Columns whose mean is more than this many standard deviations from zero are centred block by
# block before they are multiplied: by algebra afterwards, X'WX would lose twice as many digits.
FAR = 30.0


class Design(RowBlocks):
    """X with an intercept column or not, in coordinates that suit it.

    Parameters
    ----------
    X : array (n, d), all finite
    moments : Moments
        Of X's columns, from :meth:`RowBlocks.moments`.
    intercept : bool
    weight : array (n,), optional
        What the moments were weighted with.
    ridge : float
        The penalty's curvature, which counts as so much more deviation.
    n_threads : int
    """

    def __init__(
        self,
        X: NDArray[Any],
        moments: Moments,
        *,
        intercept: bool = True,
        weight: Array | None = None,
        ridge: float = 0.0,
        n_threads: int = 1,
    ) -> None:
        super().__init__(X, n_threads)
        self.intercept = intercept
        self.basis: Array | None = None
        if self.d > self.n:
            moments = self._use_row_space(moments, weight)
        self._set_coordinates(moments, ridge)

    def _use_row_space(self, moments: Moments, weight: Array | None) -> Moments:
        """X Q in place of X, for the rows that do not depend on others.

        Which ones, a pivoted QR of the standardised columns tells. Then large columns first and
        pivoting again: Householder's Q R is accurate for each column in its own size, whatever
        the units (Cox and Higham 1998).
        """
        self.outer_centre = moments.mean if self.intercept else np.zeros(self.d)
        columns = np.subtract(self.X, self.outer_centre, dtype=np.float64).T
        size = np.sqrt(moments.square + (moments.mean - self.outer_centre) ** 2)
        standard = columns / np.where(size > 0, size, 1.0)[:, None]
        r, pivot = qr(standard, mode="r", pivoting=True, check_finite=False, overwrite_a=True)
        diagonal = np.abs(np.diag(r))
        rank = max(1, int(np.sum(diagonal > 8 * self.d * np.finfo(float).eps * diagonal[0])))
        first, rest = pivot[:rank], pivot[rank:]

        order = np.argsort(-size, kind="stable")
        q, t, again = qr(columns[np.ix_(order, first)], mode="economic", pivoting=True)
        self.basis = np.empty((self.d, rank))
        self.basis[order] = q
        rows = np.empty((self.n, rank))
        rows[first[again]] = t.T
        rows[rest] = solve_triangular(r[:rank, :rank], r[:rank, rank:]).T @ rows[first]
        super().__init__(rows, self.n_threads)
        return self.moments(weight)

    def _set_coordinates(self, moments: Moments, ridge: float) -> None:
        # with an intercept: the deviation from the mean, times sqrt(Σ s); without: from zero
        self.total = moments.total
        far = 0.0 if self.intercept else moments.total * moments.mean**2
        self.column_norm = np.sqrt(moments.square + far)
        size = self.column_norm / np.sqrt(moments.total)
        # A column that varies by rounding only is constant: leave it as it is.
        constant = size <= 8 * np.finfo(float).eps * np.abs(moments.mean)
        # The likelihood curves by at most total/4 a deviation squared, the penalty by `ridge`.
        size = np.hypot(size, np.sqrt(4 * ridge / moments.total))
        self.scale = np.exp2(np.round(np.log2(np.where(constant | (size == 0), 1.0, size))))
        self.per_scale = 1.0 / self.scale  # exact, and a multiplication is cheaper
        self.centre = moments.mean if self.intercept else np.zeros(self.d)
        self.far = bool(np.any(np.abs(self.centre) > FAR * self.scale))

    # -- reading X ---------------------------------------------------------------------------

    @property
    def width(self) -> int:
        """Parameters an output: the columns, and the intercept if there is one."""
        return int(self.d + self.intercept)

    def rows(self, rows: slice) -> Array:
        """A block of rows in float64, centred if a column lies far from zero."""
        block: Array = self.X[rows]
        if self.far:
            return np.subtract(block, self.centre, dtype=np.float64)
        return block.astype(np.float64, copy=False)

    # -- coordinates -------------------------------------------------------------------------

    def to_user(self, theta: Array) -> tuple[Array, Array]:
        """(q, width) parameters of X̃ as weights (q, d) and intercepts (q,) of the user's X."""
        w, b = self.of_block(theta)
        if self.far:
            b = b - w @ self.centre
        if self.basis is not None:
            w = w @ self.basis.T
            b = b - w @ self.outer_centre
        return w, b

    def of_block(self, theta: Array) -> tuple[Array, Array]:
        """The same for the blocks that `rows` gives: margins are block @ w.T + b."""
        w = theta[:, : self.d] * self.per_scale
        b = theta[:, self.d] if self.intercept else np.zeros(len(theta))
        if self.intercept and not self.far:
            b = b - w @ self.centre
        return w, b

    def from_user(self, w: Array, b: Array) -> Array:
        """The inverse of `to_user`."""
        if self.basis is not None:
            b = b + w @ self.outer_centre
            w = w @ self.basis
        theta = w * self.scale
        if self.intercept:
            theta = np.column_stack([theta, b + w @ self.centre])
        return theta

    def pull_back(self, pulled: Array, total: Array) -> Array:
        """The gradient in θ̃ from block' residual (q, d) and the sums of the residuals (q,)."""
        if self.intercept and not self.far:
            pulled = pulled - total[:, None] * self.centre
        gradient = pulled * self.per_scale
        return np.column_stack([gradient, total]) if self.intercept else gradient

    def gram(self, root: Callable[[slice], Array], k: int = 1) -> Array:
        """X̃' diag(r_i²) X̃ for each row of r = root(rows) (k, m), as (k, width, width).

        One read of X. The column of ones and the scales are joined afterwards, which changes no
        digit. Centring afterwards would: the rows that carry the weight may be few and near.
        """
        d, centred = self.d, self.intercept and not self.far

        def kernel(blocks: Sequence[slice]) -> tuple[Array, Array, Array]:
            square, linear, total = np.zeros((k, d, d)), np.zeros((k, d)), np.zeros(k)
            size = blocks[0].stop - blocks[0].start
            deviation, scaled = np.empty((size * centred, d)), np.empty((size, d))
            for rows in blocks:
                x, z = self.rows(rows), scaled[: rows.stop - rows.start]
                if centred:
                    x = np.subtract(x, self.centre, out=deviation[: len(x)])
                for i, r in enumerate(root(rows)):
                    np.multiply(x, r[:, None], out=z)
                    square[i] += z.T @ z  # NumPy sees a symmetric product: half the work
                    linear[i] += np.dot(r, z)
                    total[i] += r @ r
            return square, linear, total

        groups = int(np.clip(4e6 // (k * d * d + 1), 2, GROUPS))
        square, linear, total = self.add_up(kernel, width=2 * d, groups=groups)
        gram = np.empty((k, self.width, self.width))
        gram[:, :d, :d] = square * self.per_scale * self.per_scale[:, None]
        if self.intercept:
            gram[:, d, :d] = gram[:, :d, d] = linear * self.per_scale
            gram[:, d, d] = total
        return gram

    def standard_rows(self, rows: slice, out: Array) -> Array:
        """A block of X̃ with its column of ones, written into `out` (m, width)."""
        out = out[: rows.stop - rows.start]
        np.subtract(self.X[rows], self.centre, out=out[:, : self.d])
        out[:, : self.d] *= self.per_scale
        if self.intercept:
            out[:, self.d] = 1.0
        return out

    def square_form(self, share: Array) -> tuple[Array, Array, float]:
        """Σ_j share_j x̃_ij² as block² @ square - block @ linear + constant, block from `rows`."""
        square = share[: self.d] * self.per_scale**2
        constant = float(share[self.d]) if self.intercept else 0.0
        if self.far:
            return square, np.zeros(self.d), constant
        return square, 2 * square * self.centre, constant + float(square @ self.centre**2)

    # -- sums over the columns ---------------------------------------------------------------

    def column_curvature(self) -> Array:
        """Σ_i s_i x̃_ij² for each parameter of an output, s being the weights."""
        square = (self.column_norm * self.per_scale) ** 2
        return np.append(square, self.total) if self.intercept else square

    def take(self, index: NDArray[np.intp]) -> "Design":
        """A design of some of the rows (gathered), in the same coordinates."""
        part = Design.__new__(Design)
        part.__dict__.update(self.__dict__)
        # np.take is twice as fast as X[index], but copies an X that is not in C order first
        rows = self.X.flags.c_contiguous
        part.X = np.take(self.X, index, axis=0) if rows else self.X[index]
        part.n = len(index)
        part.share = self.share * part.n / self.n
        return part

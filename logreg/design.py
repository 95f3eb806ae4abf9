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
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, solve_triangular

from logreg.row_blocks import GROUPS, Moments, Parts, RowBlocks

Array = NDArray[np.float64]

# Columns whose mean is more than this many standard deviations from zero are centred block by
# block before they are multiplied: by algebra afterwards, X'WX would lose twice as many digits.
FAR = 30.0
PAIR = 20.0  # work of a product of two entries of a sparse row, in units of about 0.2 ns


class Design:
    """X with an intercept column or not, in coordinates that suit it.

    Parameters
    ----------
    matrix : RowBlocks
        X (n, d), all finite.
    moments : Moments
        Of X's columns, from `matrix.moments`.
    intercept : bool
    weight : array (n,), optional
        What the moments were weighted with.
    ridge : float or array (d,)
        The penalty's curvature, which counts as so much more deviation.
    rotate : bool
        Whether the penalty allows X Q in place of an X of more columns than rows: it has to be
        the same in all directions.
    """

    def __init__(
        self,
        matrix: RowBlocks,
        moments: Moments,
        *,
        intercept: bool = True,
        weight: Array | None = None,
        ridge: Array | float = 0.0,
        rotate: bool = True,
    ) -> None:
        self.matrix, self.intercept = matrix, intercept
        self.basis: Array | None = None
        if rotate and self.d > self.n and not matrix.sparse:
            moments = self._use_row_space(moments, weight)
        self.moments = moments
        self._set_coordinates(moments, ridge)

    @property
    def n(self) -> int:
        return self.matrix.n

    @property
    def d(self) -> int:
        return self.matrix.d

    def _use_row_space(self, moments: Moments, weight: Array | None) -> Moments:
        """X Q in place of X, for the rows that do not depend on others.

        Which ones, a pivoted QR of the standardised columns tells. Then large columns first and
        pivoting again: Householder's Q R is accurate for each column in its own size, whatever
        the units (Cox and Higham 1998).
        """
        self.outer_centre = moments.mean if self.intercept else np.zeros(self.d)
        columns = np.subtract(self.matrix.X, self.outer_centre, dtype=np.float64).T
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
        self.matrix = RowBlocks(rows, self.matrix.n_threads)
        return self.matrix.moments(weight)

    def _set_coordinates(self, moments: Moments, ridge: Array | float) -> None:
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
        self.far = self._is_far()

    def _is_far(self) -> bool:
        off_centre = np.abs(self.centre) > FAR * self.scale
        return bool(np.any(off_centre)) and not self.matrix.sparse

    # -- reading X ---------------------------------------------------------------------------

    @property
    def width(self) -> int:
        """Parameters an output: the columns, and the intercept if there is one."""
        return int(self.d + self.intercept)

    def block(self, rows: slice) -> Any:
        """A block of rows in float64, centred if a column lies far from zero."""
        if self.far:
            return np.subtract(self.matrix.X[rows], self.centre, dtype=np.float64)
        return self.matrix.block(rows)

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
        """The same for the blocks that `block` gives: margins are block @ w.T + b."""
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

    def products(self, r: Array) -> Array:
        """X̃' r for each row of r (q, n), as (q, width)."""
        x = self.matrix

        def kernel(blocks: Sequence[slice]) -> tuple[Array, Array]:
            pulled, total = np.zeros((len(r), self.d)), np.zeros(len(r))
            for rows in blocks:
                part = np.ascontiguousarray(r[:, rows])
                pulled += x.backward(part, self.block(rows))
                total += part.sum(axis=1)
            return pulled, total

        return self.pull_back(*x.add_up(kernel))

    def gram(self, root: Callable[[slice], Array], k: int = 1) -> Array:
        """X̃' diag(r_i²) X̃ for each row of r = root(rows) (k, m), as (k, width, width).

        One read of X. The column of ones and the scales are joined afterwards, which changes no
        digit. Centring afterwards would: the rows that carry the weight may be few and near. It is
        done only where X is sparse, and its digits are there to be lost.
        """
        d = self.d
        square, linear, total = (
            self._products_about_zero(root, k) if self._stays_sparse else self._products(root, k)
        )
        if self._stays_sparse and self.intercept:
            raw, m = np.diagonal(square, axis1=1, axis2=2).copy(), self.centre
            linear -= total[:, None] * m
            square -= linear[:, :, None] * m + m[:, None] * linear[:, None, :]
            square -= total[:, None, None] * np.outer(m, m)
            if np.any(np.diagonal(square, axis1=1, axis2=2) < 1e-4 * raw):
                square, linear, total = self._products(root, k)
        gram = np.empty((k, self.width, self.width))
        gram[:, :d, :d] = square * self.per_scale * self.per_scale[:, None]
        if self.intercept:
            gram[:, d, :d] = gram[:, :d, d] = linear * self.per_scale
            gram[:, d, d] = total
        return gram

    def _products(self, root: Callable[[slice], Array], k: int) -> Parts:
        """The sums of r² (x - centre)(x - centre)', r² (x - centre) and r², for each r."""
        d, centred = self.d, self.intercept

        def kernel(blocks: Sequence[slice]) -> tuple[Array, Array, Array]:
            square, linear, total = np.zeros((k, d, d)), np.zeros((k, d)), np.zeros(k)
            size = blocks[0].stop - blocks[0].start
            deviation, scaled = np.empty((size * centred, d)), np.empty((size, d))
            for rows in blocks:
                x, z = self.matrix.dense(rows), scaled[: rows.stop - rows.start]
                if centred:
                    x = np.subtract(x, self.centre, out=deviation[: len(x)])
                for i, r in enumerate(root(rows)):
                    np.multiply(x, r[:, None], out=z)
                    square[i] += z.T @ z  # NumPy sees a symmetric product: half the work
                    linear[i] += np.dot(r, z)
                    total[i] += r @ r
            return square, linear, total

        groups = min(max(4_000_000 // (k * d * d + 1), 2), GROUPS)
        return self.matrix.add_up(kernel, width=2 * d, groups=groups, products=k * (1 + d // 16))

    def _products_about_zero(self, root: Callable[[slice], Array], k: int) -> Parts:
        """The same about zero: a sparse X stays sparse."""
        d = self.d

        def kernel(blocks: Sequence[slice]) -> tuple[Array, Array, Array]:
            square, linear, total = np.zeros((k, d, d)), np.zeros((k, d)), np.zeros(k)
            for rows in blocks:
                for i, r in enumerate(root(rows)):
                    products = self.matrix.products(self.matrix.block(rows), r)
                    square[i] += products[0]
                    linear[i] += products[1]
                    total[i] += r @ r
            return square, linear, total

        return self.matrix.add_up(kernel, groups=self.matrix.groups(k * d * d))

    @property
    def _stays_sparse(self) -> bool:
        return self.matrix.sparse and PAIR * self.matrix.pairs < self._dense_work

    @property
    def _dense_work(self) -> float:
        return 0.075 * self.n * self.width * (self.width + 100)

    @property
    def work_of_gram(self) -> float:
        """What :meth:`gram` takes for each k, in units of about 0.2 ns."""
        return PAIR * self.matrix.pairs if self._stays_sparse else self._dense_work

    def gram_diagonal(self, weight: Array) -> Array:
        """The diagonal of X̃' diag(weight) X̃, (width,); not exact for columns far from zero."""
        x = self.matrix

        def kernel(blocks: Sequence[slice]) -> tuple[Array, Array]:
            square, linear = np.zeros((1, self.d)), np.zeros((1, self.d))
            scratch = x.scratch(blocks[0].stop - blocks[0].start)
            for rows in blocks:
                block = self.block(rows)
                linear += x.backward(weight[None, rows], block)
                square += x.backward(weight[None, rows], x.squared(block, scratch))
            return square, linear

        (square,), (linear,) = x.add_up(kernel, groups=x.groups(2 * self.d))
        total = float(weight.sum())
        if not self.far:
            centred = square - 2 * linear * self.centre + total * self.centre**2
            square = np.maximum(centred, 1e-10 * square)
        diagonal: Array = square * self.per_scale**2
        return np.append(diagonal, total) if self.intercept else diagonal

    def standard_rows(self, rows: slice, out: Array) -> Array:
        """A block of X̃ with its column of ones, written into `out` (m, width)."""
        out = out[: rows.stop - rows.start]
        np.subtract(self.matrix.dense(rows), self.centre, out=out[:, : self.d])
        out[:, : self.d] *= self.per_scale
        if self.intercept:
            out[:, self.d] = 1.0
        return out

    def square_form(self, share: Array) -> tuple[Array, Array, float]:
        """Σ_j share_j x̃_ij² as squared @ square - block @ linear + constant."""
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

    def for_ridge(self, ridge: Array | float) -> "Design":
        """The same in the coordinates that suit another penalty."""
        other = copy(self)
        other._set_coordinates(self.moments, ridge)
        return other

    def columns(self, index: NDArray[np.intp]) -> "Design":
        """A design of some of the columns (gathered), in the same coordinates."""
        part = copy(self)
        part.matrix = self.matrix.columns(index)
        for name in ("centre", "scale", "per_scale", "column_norm"):
            setattr(part, name, getattr(self, name)[index])
        part.far = part._is_far()
        return part

    def over(self, matrix: RowBlocks) -> "Design":
        """A design of other rows, in the same coordinates."""
        part = copy(self)
        part.matrix = matrix
        return part

    def take(self, index: NDArray[np.intp]) -> "Design":
        """A design of some of the rows (gathered), in the same coordinates."""
        return self.over(self.matrix.take(index))

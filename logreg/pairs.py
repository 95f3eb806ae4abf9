"""Each row against each class but its own: the inequalities of a direction of recession.

See :mod:`logreg.recession`. Pair (i, k) asks that x̃_i·(v_y - v_k) >= 0 for the class y of row i.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from logreg.design import Design

Array = NDArray[np.float64]
Index = NDArray[np.intp]

ROUNDING = 1e-12  # of the sum of its terms' sizes: a margin that is zero but for rounding
SAMPLE = 1000  # pairs of the first program, or so many a parameter:
PER_PARAMETER = 10


class Pairs:
    """The pairs of a row and a class that is not its own, numbered class·n + row."""

    def __init__(self, design: Design, codes: NDArray[Any], n_classes: int) -> None:
        self.design, self.codes, self.K = design, codes.astype(np.intp), n_classes
        self.n, self.p = design.n, (n_classes - 1) * design.width
        self.count = self.n * (n_classes - 1)
        self.own = self.codes * self.n + np.arange(self.n)

    def theta(self, v: Array) -> Array:
        """(K, width) in the design's coordinates, in which a sparse X would be centred."""
        theta = np.zeros((self.K, self.design.width))
        theta[1:] = v.reshape(self.K - 1, -1)
        design = self.design
        if design.matrix.sparse and design.intercept:
            theta[:, -1] += (theta[:, :-1] * design.per_scale) @ design.centre
        return theta

    def functional(self, a: Array) -> Array:
        """What a'θ, in the design's coordinates, is of a v in those of `rows`: `theta` reversed."""
        design = self.design
        if not (design.matrix.sparse and design.intercept):
            return a
        each = a.reshape(self.K - 1, -1).copy()
        each[:, :-1] += each[:, -1:] * design.per_scale * design.centre
        return each.ravel()

    def rows(self, pairs: Index) -> Any:
        """Rows of A, each divided by a power of two near its size."""
        design, (other, row) = self.design, np.divmod(pairs, self.n)
        part, sparse = design.take(row), design.matrix.sparse
        x: Any
        if sparse:
            x = csr_array(part.matrix.X, dtype=np.float64).multiply(design.per_scale)
            x = hstack([x, csr_array(np.ones((len(row), 1)))]) if design.intercept else x
        else:
            x = part.standard_rows(slice(0, len(row)), np.empty((len(row), design.width)))
        parts: list[Any] = []
        for k in range(1, self.K):
            sign = ((self.codes[row] == k).astype(np.float64) - (other == k))[:, None]
            parts.append(csr_array(x).multiply(sign) if sparse else x * sign)
        A: Any = csr_array(hstack(parts)) if sparse else np.hstack(parts)
        largest: Any = abs(A).max(axis=1)
        largest = largest.toarray().ravel() if sparse else largest
        size = np.exp2(-np.round(np.log2(np.where(largest > 0, largest, 1.0))))[:, None]
        return csr_array(A.multiply(size)) if sparse else A * size

    def margins(self, theta: Array) -> tuple[Array, Array]:
        """A v and the sums of its terms' sizes, (K·n,) each; one read of X. The own class has 0."""
        x, design = self.design.matrix, self.design
        w, b = design.of_block(theta)
        size_w, size_b = np.abs(w), np.abs(b) + np.abs(w) @ np.abs(design.centre)
        size_b += 1e-3 * np.abs(theta).max()  # for v's own rounding, 1e-15
        eta, size = np.empty((2, self.K, self.n))
        operand, size_operand = x.operand(w), x.operand(size_w)

        def kernel(blocks: Any) -> tuple[()]:
            for rows in blocks:
                block = design.block(rows)
                eta[:, rows] = x.forward(block, operand) + b[:, None]
                if x.sparse:
                    size[:, rows] = (abs(block.rows) @ size_operand).T
                else:
                    size[:, rows] = x.forward(np.abs(block), size_operand)
                size[:, rows] += size_b[:, None]
            return ()

        x.add_up(kernel)
        margin = np.take_along_axis(eta, self.codes[None], axis=0) - eta
        size += np.take_along_axis(size, self.codes[None], axis=0)
        return margin.ravel(), size.ravel()

    def told(self, theta: Array) -> tuple[int, bool]:
        """How many pairs have a margin above zero, and whether none is below."""
        margin, size = self.margins(theta)
        return int(np.sum(margin > ROUNDING * size)), bool(np.all(margin >= -ROUNDING * size))

    def first(self, near: Array) -> Index:
        """The pairs of the first program: all of them, or a sample with rows of every class, and
        as many of those that a fit, `near` the end of the likelihood, is the least sure of.
        """
        target = max(SAMPLE, PER_PARAMETER * self.p)
        pairs = np.delete(np.arange(self.K * self.n), self.own)
        if len(pairs) <= 2 * target:
            return pairs
        rng = np.random.default_rng(0)
        count = np.bincount(self.codes, minlength=self.K)
        share = 1 / self.n + 1 / (self.K * count[self.codes])  # half evenly, half by class
        row = rng.choice(self.n, min(self.n, target), replace=False, p=share / share.sum())
        other = rng.integers(1, self.K, len(row)) + self.codes[row]
        margin, _ = self.margins(near)
        unsure = np.argpartition(margin[pairs], target)[:target]
        return np.union1d((other % self.K) * self.n + row, pairs[unsure])

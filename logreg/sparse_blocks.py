"""Reading a sparse X: the products of :mod:`logreg.row_blocks` for compressed rows.

Blocks are views of X's own arrays: nothing is copied and nothing becomes dense, but for blocks of
a few rows where a Gram matrix is wanted. SciPy's products release the GIL.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, issparse

from logreg.row_blocks import Moments, RowBlocks
from logreg.threads import cached_property

Array = NDArray[np.float64]

BLOCK_ENTRIES = 2**17  # stored in a block, at least: fewer, and the calls show
PER_COLUMN = 8  # ... and for each column, or adding up the blocks' products does


def row_blocks(X: Any, n_threads: int = 1) -> RowBlocks:
    """X, sparse or dense, as what the products are asked of."""
    return (SparseBlocks if issparse(X) else RowBlocks)(X, n_threads)


class SparseBlock(NamedTuple):
    """A block (m, d) and its transpose, of the same numbers."""

    rows: csr_array
    transposed: csc_array


def sparse_block(data: Any, indices: Any, indptr: Any, d: int) -> SparseBlock:
    """A block of these arrays themselves: the constructors would convert or copy them."""
    m = len(indptr) - 1
    block = SparseBlock(csr_array((m, d), dtype=data.dtype), csc_array((d, m), dtype=data.dtype))
    for part in block:
        part.data, part.indices, part.indptr = data, indices, indptr
    return block


class SparseBlocks(RowBlocks):
    """X (n, d) in compressed rows, without duplicate entries."""

    sparse = True
    threaded_size = 200_000  # a number takes longer than one of an array

    def __init__(self, X: Any, n_threads: int = 1) -> None:
        super().__init__(X, n_threads)
        self._views: dict[tuple[int, int], SparseBlock] = {}

    @property
    def entries(self) -> NDArray[Any]:
        entries: NDArray[Any] = self.X.data
        return entries

    def place(self, index: NDArray[np.intp]) -> tuple[int, int]:
        row = np.searchsorted(self.X.indptr, index[0], side="right") - 1
        return int(row), int(self.X.indices[index[0]])

    def column(self, j: int) -> NDArray[Any]:
        column: NDArray[Any] = self.X[:, [j]].toarray().ravel()
        return column

    def block(self, rows: slice) -> SparseBlock:
        """Some rows, as a view; made once, since making it costs as much as a small product."""
        key = rows.start, rows.stop
        if key not in self._views:
            self._views[key] = self._view(rows)
        return self._views[key]

    def _view(self, rows: slice) -> SparseBlock:
        indptr = self.X.indptr[rows.start : rows.stop + 1]
        part = slice(indptr[0], indptr[-1])
        return sparse_block(self.X.data[part], self.X.indices[part], indptr - indptr[0], self.d)

    def dense(self, rows: slice) -> NDArray[Any]:
        dense: NDArray[Any] = self._view(rows).rows.toarray()
        return dense

    def operand(self, w: Array) -> Array:
        return np.ascontiguousarray(w.T)

    def forward(self, block: SparseBlock, operand: Array, out: Array | None = None) -> Array:
        one = operand.shape[1] == 1
        product = block.rows @ (operand[:, 0] if one else operand)
        margin: Array = product[None] if one else product.T
        if out is None:
            return margin
        out[:] = margin
        return out

    def backward(self, r: Array, block: SparseBlock) -> Array:
        product: Array = block.transposed @ (r[0] if len(r) == 1 else r.T)
        return product[None] if len(r) == 1 else product.T

    def squared(self, block: SparseBlock, out: Array | None = None) -> SparseBlock:
        data, indices, indptr = block.rows.data, block.rows.indices, block.rows.indptr
        return sparse_block(np.square(data, dtype=np.float64), indices, indptr, self.d)

    def products(self, block: SparseBlock, r: Array) -> tuple[Array, Array]:
        data, indices, indptr = block.rows.data, block.rows.indices, block.rows.indptr
        z = sparse_block(data * np.repeat(r, np.diff(indptr)), indices, indptr, self.d)
        return (z.transposed @ z.rows).toarray(), z.transposed @ r

    @cached_property
    def pairs(self) -> float:
        """How many products two entries of a row make: the work of a sparse Gram matrix."""
        return float(np.square(np.diff(self.X.indptr), dtype=np.float64).sum())

    def scratch(self, n: int) -> None:
        return None

    def _some_columns(self, index: NDArray[np.intp]) -> Any:
        return self.X[:, index]

    @property
    def row_width(self) -> int:
        return max(1, int(self.X.nnz) // max(self.n, 1))

    def blocks(self, width: int, least: int = 1) -> list[slice]:
        if width > self.row_width:  # made dense
            return super().blocks(width, least)
        most = self.X.nnz / max(BLOCK_ENTRIES, PER_COLUMN * self.d)
        return self._slices(2 ** int(np.log2(max(most, 1))))

    def margins(self, w: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        out = np.empty((self.n, len(w)), np.result_type(self.X.dtype, w.dtype))
        operand, shift = self.operand(w.astype(np.float64)), b.astype(np.float64)[:, None]

        def kernel(blocks: Sequence[slice]) -> tuple[Any, ...]:
            with np.errstate(over="ignore", invalid="ignore"):  # a thread has its own
                for rows in blocks:
                    out[rows] = (self.forward(self.block(rows), operand) + shift).T
            return ()

        self.add_up(kernel)
        return out

    def moments(self, weight: Array | None) -> Moments:
        """Mean and sum of squares of each column, of the entries that are not stored as well."""
        s = np.ones(self.n) if weight is None else weight

        def kernel(blocks: Sequence[slice]) -> tuple[Array, Array]:
            linear, square = np.zeros(self.d), np.zeros(self.d)
            for rows in blocks:
                block = self.block(rows)
                linear += self.backward(s[None, rows], block)[0]
                square += self.backward(s[None, rows], self.squared(block))[0]
            return linear, square

        with np.errstate(over="ignore", invalid="ignore"):
            linear, from_zero = self.add_up(kernel, groups=self.groups(self.d))
            total = float(s.sum())
            mean = linear / total if total else np.zeros(self.d)
            square = from_zero - total * mean * mean
            cancelled = ~(square > 1e-4 * from_zero) & (from_zero > 0)
            if cancelled.any():
                shift, about = self._deviations(s, mean)
                mean[cancelled] += shift[cancelled]
                square[cancelled] = about[cancelled]
        return Moments(total, mean, square)

    def _deviations(self, s: Array, mean: Array) -> tuple[Array, Array]:
        """What the mean lacks, and Σ_i s_i (x_ij - mean_j)² about the right one, for columns far
        from zero: the sums would lose their digits.
        """

        def kernel(blocks: Sequence[slice]) -> tuple[Array, Array, Array, Array]:
            linear, square, stored, count = (np.zeros(self.d) for _ in range(4))
            for rows in blocks:
                block = self.block(rows).rows
                each = np.repeat(s[rows], np.diff(block.indptr))
                stored += np.bincount(block.indices, each, self.d)
                count += np.bincount(block.indices, each > 0, self.d)
                deviation = block.data - mean[block.indices]
                each *= deviation
                linear += np.bincount(block.indices, each, self.d)
                each *= deviation
                square += np.bincount(block.indices, each, self.d)
            return linear, square, stored, count

        linear, square, stored, count = self.add_up(kernel, groups=self.groups(self.d))
        # what rounding leaves of a full column's weight would be multiplied by a large mean
        left = np.where(count == np.count_nonzero(s), 0.0, np.maximum(s.sum() - stored, 0.0))
        shift = (linear - left * mean) / s.sum()
        return shift, np.maximum(square + left * mean**2 - s.sum() * shift**2, 0.0)

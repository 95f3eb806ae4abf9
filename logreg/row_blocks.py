"""Reading X: blocks of rows that stay in cache, shared by threads, added up in fixed order."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logreg.threads import run, single_threaded_blas

Array = NDArray[np.float64]
Parts = tuple[Any, ...]
Kernel = Callable[[Sequence[slice]], Parts]

# Of X: a block costs two threads some 70 µs in calls, so it has 4 MB where 2 MB are few rows:
# 60,000 x 1000 in blocks of 262, 524 and 1048 rows 35, 20, 22 ms; covtype (54 columns) of 4854 and
# 9709 rows 10.5, 9.3 ms.
BLOCK_BYTES, FEW_ROWS = 2**21, 16384
BLOCK_ROWS = 32768  # so that the per-row work of narrow tables stays in cache as well
GROUPS = 16  # jobs a pass is cut into, whatever the number of threads: fixes the order of summing
THREADED_SIZE = 1_000_000  # multiplications in a pass from which a second thread pays
ROW_WORK = 8  # multiplications that a row's sigmoid and loss count for, at least


class Moments(NamedTuple):
    """Weighted moments of the columns."""

    total: float  # Σ_i s_i
    mean: Array
    square: Array  # Σ_i s_i (x_ij - mean_j)²


class Meter:
    """Reads of all of X; a read of a sample counts for its share of the rows."""

    passes = 0.0


class RowBlocks:
    """X (n, d), dense, float64 or float32, and a meter of how often it was read.

    `block` gives some of its rows; what is done with a block depends on how X is stored, so the
    products are methods here: see :class:`logreg.sparse_blocks.SparseBlocks` for the other way.
    """

    sparse = False
    threaded_size = THREADED_SIZE
    reading = 0.0  # what it takes to have a number in memory, in units of about 0.2 ns

    def __init__(self, X: Any, n_threads: int = 1) -> None:
        self.X, self.n_threads = X, n_threads
        self.n, self.d = int(X.shape[0]), int(X.shape[1])
        self.meter, self.share = Meter(), 1.0

    # -- its numbers -------------------------------------------------------------------------

    @property
    def entries(self) -> NDArray[Any]:
        """The numbers that are stored."""
        entries: NDArray[Any] = self.X
        return entries

    def place(self, index: NDArray[np.intp]) -> tuple[int, int]:
        """Row and column of the entry at an index of `entries`."""
        return int(index[0]), int(index[1])

    def column(self, j: int) -> NDArray[Any]:
        """One column, (n,)."""
        column: NDArray[Any] = self.X[:, j]
        return column

    # -- a block and its products --------------------------------------------------------------

    def block(self, rows: slice) -> Any:
        """Some rows, in float64."""
        return self.dense(rows).astype(np.float64, copy=False)

    def dense(self, rows: slice) -> NDArray[Any]:
        """Some rows as an array (m, d)."""
        block: NDArray[Any] = self.X[rows]
        return block

    def operand(self, w: Array) -> Array:
        """w (q, d) in the layout that `forward` likes; made once a pass."""
        return w

    def forward(self, block: Any, operand: Array, out: Array | None = None) -> Array:
        """w block' (q, m)."""
        margin: Array = np.matmul(operand, block.T, out=out)
        return margin

    def backward(self, r: Array, block: Any) -> Array:
        """r block (q, d), for r (q, m)."""
        product: Array = np.dot(r, block)  # `@` would hold the GIL where a vector is on the left
        return product

    def scratch(self, n: int) -> Array | None:
        """Memory for `squared` blocks of up to n rows."""
        return np.empty((n, self.d))

    def squared(self, block: Any, out: Array | None = None) -> Any:
        """The block with its entries squared."""
        return np.multiply(block, block, out=None if out is None else out[: len(block)])

    def products(self, block: Any, r: Array) -> tuple[Array, Array]:
        """block' diag(r²) block and block' r²."""
        z = block * r[:, None]
        return z.T @ z, np.dot(r, z)

    @property
    def pairs(self) -> float:
        """How many products of two numbers of a row there are."""
        return float(self.n) * self.d**2

    def take(self, index: NDArray[np.intp]) -> "RowBlocks":
        """Some of the rows, gathered."""
        # np.take is twice as fast as X[index], but copies an X that is not in C order first
        c_order = not self.sparse and self.X.flags.c_contiguous
        part = type(self)(np.take(self.X, index, axis=0) if c_order else self.X[index])
        part.n_threads, part.meter = self.n_threads, self.meter
        part.share = self.share * part.n / self.n
        return part

    def columns(self, index: NDArray[np.intp]) -> "RowBlocks":
        """Some of the columns, gathered."""
        part = type(self)(self._some_columns(index), self.n_threads)
        part.meter = self.meter
        part.share = self.share * part.row_width / self.row_width
        return part

    def _some_columns(self, index: NDArray[np.intp]) -> Any:
        if self.X.flags.f_contiguous:  # np.take would copy all of it first
            return np.take(self.X.T, index, axis=0).T
        return np.take(self.X, index, axis=1)

    # -- reading all of it ---------------------------------------------------------------------

    @property
    def row_width(self) -> int:
        """Numbers read in a row."""
        return self.d

    def blocks(self, width: int, least: int = 1) -> list[slice]:
        """The rows in slices for which `width` numbers a row fill a cache block; so many at least.

        Of about equal size, and more than two are a multiple of four: so threads end together.
        """
        size = BLOCK_BYTES // (8 * width)
        size = min(max(size, min(2 * size, FEW_ROWS), 64), BLOCK_ROWS)
        count = max(-(-self.n // size), least)
        return self._slices(count if count <= 2 else -(-count // 4) * 4)

    def _slices(self, count: int) -> list[slice]:
        size = max(1, -(-self.n // count))
        return [slice(a, min(a + size, self.n)) for a in range(0, self.n, size)]

    def groups(self, size: int) -> int:
        """Into how many jobs to cut a pass whose kernel returns `size` numbers: all are kept."""
        return min(max(20_000_000 // max(size, 1), 4), GROUPS)

    def add_up(
        self, kernel: Kernel, *, width: int = 0, groups: int = GROUPS, products: int = 1
    ) -> Parts:
        """Sum what `kernel` returns for groups of consecutive blocks: one read of X.

        It needs room for `width` numbers a row, each of which takes part in so many `products`.
        Which rows make a group depends on the shape alone and groups are added in order, so the
        result has the same bits for any number of threads.
        """
        self.meter.passes += self.share
        return self.sum_over_rows(kernel, max(self.row_width, width), groups, products)

    def sum_over_rows(
        self, kernel: Kernel, width: int, groups: int = GROUPS, products: int = 1
    ) -> Parts:
        """The same of what is known of the rows without reading X."""
        width = max(width, 1)
        work = self.n * (width + ROW_WORK) * products
        blocks = self.blocks(width, 2 if work >= self.threaded_size else 1)
        groups = min(groups, len(blocks))
        cuts = [len(blocks) * i // groups for i in range(groups + 1)]
        jobs = [blocks[a:b] for a, b in pairwise(cuts)]
        threads = self.n_threads if work >= self.threaded_size else 1
        with single_threaded_blas():
            parts = run(kernel, jobs, threads)
        return reduce(add_parts, parts)

    def margins(self, w: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        """X w' + b (n, q), for w (q, d), in the type of X and w."""
        margin: NDArray[Any] = self.X @ w.T  # BLAS brings its own threads
        margin += b
        return margin

    def moments(self, weight: Array | None) -> Moments:
        """Mean and sum of squares of each column by Chan's pairwise update (Chan, Golub and
        LeVeque 1983): each block about its own mean, so that a far-off mean costs no digits.

        Not finite exactly where a column holds NaN or infinity, or values too large to square.
        """

        def kernel(blocks: Sequence[slice]) -> tuple[list[Moments]]:
            parts = []
            order: Literal["C", "F"] = "F" if self.X.flags.f_contiguous else "C"  # as X: no strides
            scratch = np.empty((blocks[0].stop - blocks[0].start, self.d), order=order)
            ones = np.ones(len(scratch))
            for rows in blocks:
                block = self.X[rows]
                s = ones[: len(block)] if weight is None else weight[rows]
                parts.append(_block_moments(block, s, scratch[: len(block)]))
            return (parts,)

        with np.errstate(over="ignore", invalid="ignore"):
            parts: list[Moments] = self.add_up(kernel)[0]
            return reduce(merged, parts)


def add_parts(a: Parts, b: Parts) -> Parts:
    """The sums of what stands at the same place."""
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _block_moments(block: NDArray[Any], s: Array, scratch: Array) -> Moments:
    total = float(s.sum())
    # np.dot, as `@` holds the GIL where a vector stands on the left
    mean = np.dot(s, block) / total if total else np.zeros(block.shape[1])
    from_zero = np.dot(s, np.multiply(block, block, out=scratch, dtype=np.float64))
    square = from_zero - total * mean * mean
    if not np.all(square > 1e-4 * from_zero):  # the difference has lost digits: centre first
        deviation = np.subtract(block, mean, out=scratch)
        deviation *= deviation
        square = np.dot(s, deviation)
    return Moments(total, mean, square)


def merged(a: Moments, b: Moments) -> Moments:
    """Of the rows of both."""
    total = a.total + b.total
    if not total:
        return Moments(total, a.mean, a.square + b.square)  # keeps NaN of rows without weight
    shift, share = b.mean - a.mean, b.total / total
    square = a.square + b.square + shift * shift * (a.total * share)
    return Moments(total, a.mean + shift * share, square)

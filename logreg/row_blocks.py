"""Reading X: blocks of rows that stay in cache, shared by threads, added up in fixed order."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logreg.threads import run, single_threaded_blas

Array = NDArray[np.float64]
Parts = tuple[Any, ...]
Kernel = Callable[[Sequence[slice]], Parts]

BLOCK_BYTES = 2**21  # of X: 2 MB blocks were best, 0.25 MB ones cost twice as much in calls
BLOCK_ROWS = 16384  # so that the per-row work of narrow tables stays in cache as well
GROUPS = 16  # jobs a pass is cut into, whatever the number of threads: fixes the order of summing
THREADED_SIZE = 200_000  # numbers worked on in a pass from which a second thread pays


class Moments(NamedTuple):
    """Weighted moments of the columns."""

    total: float  # Σ_i s_i
    mean: Array
    square: Array  # Σ_i s_i (x_ij - mean_j)²


class Meter:
    """Reads of all of X; a read of a sample counts for its share of the rows."""

    passes = 0.0


class RowBlocks:
    """X (n, d), dense, float64 or float32, and a meter of how often it was read."""

    def __init__(self, X: NDArray[Any], n_threads: int = 1) -> None:
        self.X, self.n_threads = X, n_threads
        self.n, self.d = X.shape
        self.meter, self.share = Meter(), 1.0

    def blocks(self, width: int) -> list[slice]:
        """The rows in slices for which `width` numbers a row fill a cache block."""
        size = int(np.clip(BLOCK_BYTES // (8 * width), 64, BLOCK_ROWS))
        return [slice(a, min(a + size, self.n)) for a in range(0, self.n, size)]

    def add_up(self, kernel: Kernel, *, width: int = 0, groups: int = GROUPS) -> Parts:
        """Sum what `kernel` returns for groups of consecutive blocks: one read of X.

        Which rows make a group depends on the shape alone and groups are added in order, so the
        result has the same bits for any number of threads.
        """
        self.meter.passes += self.share
        return self._share_out(
            kernel, self.blocks(max(self.d, width, 1)), groups, max(self.d, width)
        )

    def add_up_rows(self, kernel: Kernel, width: int) -> Parts:
        """The same for a kernel that does not look at X but at `width` numbers a row."""
        rows = max(1, BLOCK_BYTES // (32 * width))  # with the temporaries of a loss
        blocks = [slice(a, min(a + rows, self.n)) for a in range(0, self.n, rows)]
        return self._share_out(kernel, blocks, GROUPS, width)

    def _share_out(self, kernel: Kernel, blocks: Sequence[slice], groups: int, width: int) -> Parts:
        groups = min(groups, len(blocks))
        cuts = [len(blocks) * i // groups for i in range(groups + 1)]
        jobs = [blocks[a:b] for a, b in pairwise(cuts)]
        threads = self.n_threads if self.n * width >= THREADED_SIZE else 1
        with single_threaded_blas():
            parts = run(kernel, jobs, threads)
        return reduce(_add, parts)

    def moments(self, weight: Array | None) -> Moments:
        """Mean and sum of squares of each column by Chan's pairwise update (Chan, Golub and
        LeVeque 1983): each block about its own mean, so that a far-off mean costs no digits.

        Not finite exactly where a column holds NaN or infinity, or values too large to square.
        """

        def kernel(blocks: Sequence[slice]) -> tuple[list[Moments]]:
            parts = []
            scratch = np.empty((blocks[0].stop - blocks[0].start, self.d))
            ones = np.ones(len(scratch))
            for rows in blocks:
                block = self.X[rows]
                s = ones[: len(block)] if weight is None else weight[rows]
                parts.append(_block_moments(block, s, scratch[: len(block)]))
            return (parts,)

        with np.errstate(over="ignore", invalid="ignore"):
            parts: list[Moments] = self.add_up(kernel)[0]
            return reduce(_merge, parts)


def _add(a: Parts, b: Parts) -> Parts:
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


def _merge(a: Moments, b: Moments) -> Moments:
    total = a.total + b.total
    if not total:
        return Moments(total, a.mean, a.square + b.square)  # keeps NaN of rows without weight
    shift, share = b.mean - a.mean, b.total / total
    square = a.square + b.square + shift * shift * (a.total * share)
    return Moments(total, a.mean + shift * share, square)

"""The first read of blocks: what classes and columns there are, and a sample of the rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logreg import inputs
from logreg.blocks import Block, Blocks
from logreg.reservoir import Reservoir, uniforms
from logreg.row_blocks import Moments, merged
from logreg.sparse_blocks import row_blocks
from logreg.targets import LATER, Targets, check_two_classes, places

Array = NDArray[np.float64]

SAMPLE_BYTES = 2**25  # that a sample of the rows may have ...
FIRST, FIRST_A_COLUMN = 20_000, 320  # rows that the first look keeps: candidates for a start
ENOUGH = 20  # ... if it is not to have fewer rows than so many a column


@dataclass(frozen=True)
class Classes:
    """The weight of each class, by its label; and of the rows."""

    labels: NDArray[Any]
    totals: Array
    rows: int
    present: int  # rows with a weight
    smallest: float  # weight of these
    largest: float

    @classmethod
    def of(cls, block: Block) -> "Classes":
        labels, codes = block.y
        n, weight = len(codes), block.weight
        totals = np.bincount(codes, weight, len(labels)).astype(np.float64)
        if weight is None:
            return cls(labels, totals, n, n, 1.0, 1.0)
        positive = weight[weight > 0]
        smallest, largest = positive.min(initial=np.inf), positive.max(initial=0.0)
        return cls(labels, totals, n, len(positive), float(smallest), float(largest))

    def __add__(self, other: "Classes") -> "Classes":
        labels = _joined(self.labels, other.labels)
        totals = np.zeros(len(labels))
        for part in (self, other):
            totals[np.searchsorted(labels, part.labels)] += part.totals
        return Classes(
            labels,
            totals,
            self.rows + other.rows,
            self.present + other.present,
            min(self.smallest, other.smallest),
            max(self.largest, other.largest),
        )

    def checked(self) -> "Classes":
        """The same, if a model can be fitted to it."""
        if not self.totals.any():
            raise ValueError("sample_weight is zero for every row; at least one must be positive.")
        inputs.check_size(self.largest, "sample_weight")
        check_two_classes(Targets(self.labels, np.arange(len(self.labels))), self.totals)
        return self


def _joined(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    text = [x.dtype.kind in "OUT" for x in (a, b)]
    if text[0] != text[1]:
        raise ValueError(
            f"y mixes labels that cannot be sorted: {a.tolist()[0]!r} in one block and "
            f"{b.tolist()[0]!r} in another. Give all blocks the same type of labels."
        )
    if len(a) == len(b) and a.dtype == b.dtype and np.array_equal(a, b):
        return a
    return np.union1d(a, b)


@dataclass(frozen=True)
class Table:
    """What the columns are like."""

    dtype: np.dtype[Any]
    sparse: bool
    entries: int
    pairs: float
    moments: Moments

    def __add__(self, other: "Table") -> "Table":
        if self.sparse != other.sparse:
            raise ValueError("some blocks are sparse and others dense; give one kind.")
        return Table(
            np.result_type(self.dtype, other.dtype),
            self.sparse,
            self.entries + other.entries,
            self.pairs + other.pairs,
            merged(self.moments, other.moments),
        )


@dataclass(frozen=True)
class Survey:
    """What the first read told."""

    classes: Classes
    table: Table
    sample: Reservoir


def survey(
    blocks: Blocks, class_weight: Any, names: Callable[[], Any], threads: int, salt: int
) -> tuple[Survey, Array | None]:
    """What there is, and the factors of the classes' weights: these take a read of their own."""
    factors, known = None, None
    if class_weight is not None:
        (found,) = blocks.add_up(lambda block: (Classes.of(block),))
        known = found.checked()
        each = Targets(known.labels, np.arange(len(known.labels)))
        factors = inputs.class_factors(class_weight, each, known.totals)

    def look(block: Block) -> tuple[Classes, Table, Reservoir]:
        if known is not None:
            block = weighted(block, known.labels, factors)
        matrix = row_blocks(block.X, threads)
        moments = matrix.moments(block.weight)
        if block.weight is None or block.weight.any():
            inputs.check_columns(moments, matrix, block.weight, names())
        else:
            inputs.check_finite(matrix, names())
        entries = block.X.nnz if matrix.sparse else block.X.size
        most = min(most_rows(matrix), max(FIRST, FIRST_A_COLUMN * matrix.d))
        sample = Reservoir.of(
            most,
            block.X,
            block.y.classes[block.y.codes],
            block.weight,
            np.ones(matrix.n),
            uniforms(block.X, block.y, block.weight, salt, block.start),
            block.total if block.weight is None else None,
        )
        table = Table(block.X.dtype, matrix.sparse, entries, matrix.pairs, moments)
        return Classes.of(block), table, sample

    classes, table, sample = blocks.add_up(look)
    return Survey(classes.checked(), table, sample), factors


def most_rows(matrix: Any) -> int:
    """Rows that a sample may have."""
    row = (12 if matrix.sparse else 8) * max(matrix.row_width, 1)
    return int(max(SAMPLE_BYTES // row, min(ENOUGH * matrix.d, 8 * SAMPLE_BYTES // row), 1))


def weighted(block: Block, labels: NDArray[Any], factors: Array | None) -> Block:
    """The block with the factors of its classes in its weights."""
    if factors is None:
        return block
    each = factors[places(block.y, labels, LATER)]
    return block._replace(weight=each if block.weight is None else block.weight * each)

"""A block's rows as a problem of their own, and what they need to know of the whole."""

from copy import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logreg.blocks import Block
from logreg.design import Design
from logreg.loss import Binomial, Loss, Multinomial
from logreg.objective import Array, Index
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.row_blocks import Meter
from logreg.row_objective import RowObjective
from logreg.sparse_blocks import row_blocks
from logreg.targets import LATER, Targets, places, smallest

NO_PENALTY = ElasticNet(0.0, 0.0)


class Elsewhere:
    """An X that is read elsewhere: its shape, and a meter of its reads."""

    def __init__(self, n: int, d: int, table: Any, reading: float) -> None:
        self.reading = reading
        self.n, self.d, self.sparse, self.pairs = n, d, table.sparse, table.pairs
        self.row_width = max(1, table.entries // max(n, 1)) if table.sparse else d
        self.meter = Meter()

    def columns(self, index: Index) -> "Elsewhere":
        """Some of the columns."""
        part = copy(self)
        part.d = len(index)
        return part


class Whole(NamedTuple):
    """What a block needs to know of all of them."""

    design: Design
    labels: NDArray[Any]  # in y
    codes: NDArray[np.intp]  # of these, in the problem; any where no row has a weight
    factors: Array | None  # of their weights
    K: int
    threads: int

    def rows(self, block: Block) -> RowObjective | None:
        """The block as a problem without a penalty; None where no row has a weight."""
        X, y, weight = block.X, block.y, block.weight
        codes = self.places(y)
        if self.factors is not None:
            each = self.factors[codes]
            weight = each if weight is None else weight * each
        if weight is not None and not weight.any():
            return None
        return self.objective(X, codes, weight)

    def places(self, y: Targets) -> NDArray[Any]:
        """Where the rows' classes stand among all labels."""
        return places(y, self.labels, LATER)

    def objective(self, X: Any, codes: NDArray[Any], weight: Array | None) -> RowObjective:
        """The problem of some rows in memory, whose classes stand at `codes` among all labels."""
        if self.K < len(self.labels):  # some have no weight
            codes = smallest(self.codes, self.K)[codes]
        two = self.K == 2
        loss: Loss = Binomial(codes, weight) if two else Multinomial(codes, self.K, weight)
        return RowObjective(self.design.over(row_blocks(X, self.threads)), loss, NO_PENALTY)


class Place(NamedTuple):
    """A point, as far as a block needs to know it."""

    theta: Array
    columns: Index | None  # if not all


class Rows:
    """A block's problem, for all columns or for some."""

    def __init__(self, whole: RowObjective) -> None:
        self.whole = whole

    def of(self, index: Index | None) -> RowObjective:
        return self.whole if index is None else self.whole.columns(index)

    def at(self, place: Place) -> Point:
        """The point with its margins of these rows."""
        mine = self.of(place.columns)
        return mine.at(place.theta, mine.margins(place.theta))

"""The problem with its rows in blocks that are read again for each sum: from disk, or elsewhere.

A block is a small problem of its own, in the coordinates of the whole: what
:class:`logreg.row_objective.RowObjective` finds for it is added up. Nothing is kept that has a
number a row, so what a point knows of its margins is their range.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from logreg.block_rows import Place, Rows, Whole
from logreg.blocks import Block, Blocks
from logreg.collinear import are_independent, flat_directions, squares
from logreg.design import Design
from logreg.loss import log_odds
from logreg.metric import FactoredHessian, triangle
from logreg.objective import Advance, Array, Index, LargeSample, Objective, Shift
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.reservoir import Reservoir, uniforms
from logreg.row_blocks import Parts
from logreg.row_objective import AWAKE, MANY, RowObjective
from logreg.sampling import EVENLY
from logreg.survey import Survey, most_rows

FEW = 20_000  # rows that tell a mean


class Extent(NamedTuple):
    """What is kept of a point's margins."""

    lead: float
    largest: float
    move: float  # since the point that was looked at before
    before: Array | None  # its theta


class BlockPoint(Point):
    """A point that knows the range of its margins only."""

    @property
    def extent(self) -> Extent:
        extent: Extent = self._pass[2]
        return extent

    @property
    def margin(self) -> Array:
        raise TypeError("the margins of blocks are not kept")


class BlockObjective(Objective):
    """F as a sum over blocks."""

    margins_in_memory = False

    def __init__(
        self,
        blocks: Blocks,
        whole: Whole,
        found: Survey,
        design: Design,
        penalty: ElasticNet,
        flat: Array | None = None,
        index: Index | None = None,
    ) -> None:
        super().__init__(design, 1 if whole.K == 2 else whole.K, penalty, flat)
        self.blocks, self.whole, self.found, self.index = blocks, whole, found, index
        classes = found.classes
        self.unit = float(np.sqrt(min(1.0, classes.totals.sum() / classes.present)))
        self.smallest_weight = classes.smallest
        self._last: Array | None = None

    # -- one read of the blocks --------------------------------------------------------------------

    def add_up(self, function: Callable[[Rows], Parts]) -> Parts:
        """The sum of what the function returns for each block."""
        self.design.matrix.meter.passes += 1
        whole = self.whole

        def each(block: Block) -> Parts | None:
            rows = whole.rows(block)
            return None if rows is None else function(Rows(rows))

        return self.blocks.add_up(each)

    def at(self, theta: Array, margin: Any = None) -> Point:
        return BlockPoint(self, theta)

    def log_odds(self) -> Array:
        return log_odds(self.found.classes.totals[self.found.classes.totals > 0])

    def place(self, point: Point) -> Place:
        """Of a point of this objective, or of one of more columns."""
        objective = point.objective
        return Place(point.theta, getattr(objective, "index", None))

    def value_and_gradient(self, theta: Array, known: Any = None) -> tuple[float, Array, Extent]:
        index, unpenalised = self.index, not self.penalty.anything
        before, self._last = self._last, theta
        step = None if before is None else theta - before

        def function(rows: Rows) -> Parts:
            mine = rows.of(index)
            value, gradient, margin = mine.value_and_gradient(theta)
            point, lead, move = mine.at(theta, margin), 0.0, 0.0
            if unpenalised:  # else nobody asks
                lead = mine.lead(point)
                move = 0.0 if step is None else mine.farthest(step)
            return value, gradient, [lead], [mine.largest_margin(point)], [move]

        value, gradient, lead, largest, move = self.add_up(function)
        w, b = self.design.of_block(theta.reshape(self.shape))
        value += self.penalty.value(w)
        pull = self.design.pull_back(self.penalty.gradient(w), np.zeros_like(b))
        return (
            float(value),
            gradient + pull.ravel(),
            Extent(min(lead), max(largest), max(move), before if unpenalised else None),
        )

    def hessian(self, point: Point) -> Array:
        index, place = self.index, self.place(point)
        (h,) = self.add_up(lambda rows: (rows.of(index).hessian(rows.at(place)),))
        return self._with_penalty_and_flat(h)

    def hessian_times(self, point: Point, v: Array) -> Array:
        index, place = self.index, self.place(point)
        (product,) = self.add_up(lambda rows: (rows.of(index).hessian_times(rows.at(place), v),))
        ridge = self._penalty_diagonal * v.reshape(self.shape)
        whole: Array = product + ridge.ravel()
        return whole

    def root_of_rows(self, point: Point, still: int) -> list[Array]:
        index, place = self.index, self.place(point)

        def function(rows: Rows) -> Parts:
            parts = rows.of(index).root_of_rows(rows.at(place), still)
            return ([triangle(np.vstack(parts))],)

        parts: list[Array] = self.add_up(function)[0]
        return parts

    def diagonal(self, point: Point) -> Array:
        index, place = self.index, self.place(point)
        (diagonal,) = self.add_up(lambda rows: (rows.of(index).diagonal(rows.at(place)),))
        whole: Array = diagonal + self._penalty_diagonal
        return whole

    def diagonal_of_classes(self, point: Point) -> Array:
        index, place = self.index, self.place(point)
        (each,) = self.add_up(lambda rows: (rows.of(index).diagonal_of_classes(rows.at(place)),))
        return np.asarray(each)

    def mixture(self, point: Point, *, diagonal: bool = False) -> tuple[Array, Array, float]:
        index, place = self.index, self.place(point)
        s, products, total = self.add_up(
            lambda rows: rows.of(index).mixture(rows.at(place), diagonal=diagonal)
        )
        return s, products, total

    # -- what the margins tell ---------------------------------------------------------------------

    def intercept_information(self, point: Point) -> Array:
        if "hessian" in vars(point):
            places = np.arange(self.design.d, self.size, self.design.width)
            return point.hessian[np.ix_(places, places)]
        index, place = self.index, self.place(point)
        (s,) = self.add_up(lambda rows: (rows.of(index).intercept_information(rows.at(place)),))
        return np.asarray(s)

    def largest_margin(self, point: Point) -> float:
        assert isinstance(point, BlockPoint)
        return point.extent.largest

    def lead(self, point: Point) -> float:
        assert isinstance(point, BlockPoint)
        return point.extent.lead

    def largest_move(self, point: Point, before: Point) -> float:
        assert isinstance(point, BlockPoint)
        if point.extent.before is before.theta:
            return point.extent.move
        step = point.theta - before.theta
        index = self.index
        (moves,) = self.add_up(lambda rows: ([rows.of(index).farthest(step)],))
        return float(max(moves))

    def curvature_of_moved(self, point: Point, before: Point, metric: FactoredHessian) -> float:
        index, most = self.index, self.design.n // MANY
        places = self.place(point), self.place(before)

        def function(rows: Rows) -> Parts:
            here, there = (rows.at(place) for place in places)
            return rows.of(index).moved_rows(here, there, metric, most)

        curvature, count = self.add_up(function)
        return float(curvature) if count <= most else np.inf

    def advance(self, point: Point, step: Array) -> Advance:
        index, place = self.index, self.place(point)

        def function(rows: Rows) -> Parts:
            found = rows.of(index).advance(rows.at(place), step)
            return [found.farthest], [found.lead], found.told, found.all

        farthest, lead, told, everything = self.add_up(function)
        return Advance(max(farthest), min(lead), told, everything)

    def shift(self, point: Point, c: Array) -> Shift:
        if not np.any(c.reshape(self.shape)[:, : self.design.d]):
            return self._shift_of_intercepts(point, c)
        index, place = self.index, self.place(point)

        def function(rows: Rows) -> Parts:
            shift = rows.of(index).shift(rows.at(place), c)
            return [shift.widest], shift.norm**2

        widest, square = self.add_up(function)
        return Shift(max(widest), np.sqrt(square), self._divergence(point, c))

    def _shift_of_intercepts(self, point: Point, c: Array) -> Shift:
        """The same by a bound that needs no read: |δ_i|² / s_i ≤ ½ c'W_i c, as no curvature of a
        row is above a half of its weight.
        """
        b = c.reshape(self.shape)[:, -1] if self.design.intercept else np.zeros(self.q)
        square = 0.5 * float(b @ self.intercept_information(point) @ b) if b.any() else 0.0
        widest = max(float(b.max()), 0.0) - min(float(b.min()), 0.0)
        return Shift(widest, np.full(self.q, np.sqrt(square)), self._divergence(point, c))

    def _divergence(self, point: Point, c: Array) -> Callable[[float], float]:
        index, place = self.index, self.place(point)

        def divergence(share: float) -> float:
            def of_rows(rows: Rows) -> Parts:
                return (rows.of(index).shift(rows.at(place), c).divergence(share),)

            return float(self.add_up(of_rows)[0])

        return divergence

    def largest_deviation(self, metric: FactoredHessian) -> float:
        index = self.index
        (each,) = self.add_up(lambda rows: ([rows.of(index).largest_deviation(metric)],))
        return float(max(each))

    # -- some of the rows --------------------------------------------------------------------------

    @property
    def most_rows(self) -> int:
        return most_rows(self.design.matrix)

    @property
    def large_sample(self) -> LargeSample:  # a read costs more than its Hessians
        return LargeSample(min(self.most_rows, self.design.n // 2), accuracy=0.1)

    def candidates(self, size: int, rng: np.random.Generator) -> RowObjective:
        """Of those that the first read kept."""
        return self._problem(self.found.sample, size)

    def draw_by_leverage(
        self, theta: Array, curvature: Array, m: int, rng: np.random.Generator
    ) -> RowObjective:
        """In one read."""
        index, whole, salt = self.index, self.whole, int(rng.integers(2**63))
        # what the scores are on average tell the rows that were drawn evenly
        some = self._problem(self.found.sample, FEW)
        c = some.loss.trace(some.margins(theta), slice(0, some.design.n))
        rest = AWAKE * float(c.sum()) / self.design.n
        total = float(some.leverage(theta, curvature, rest).sum())
        evenly = EVENLY * total / self.design.n
        total *= 1 + EVENLY

        def function(block: Block) -> Parts | None:
            rows = whole.rows(block)
            if rows is None:
                return None
            u = uniforms(block.X, block.y, block.weight, salt, block.start)
            each = Rows(rows).of(index).leverage(theta, curvature, rest) + evenly
            codes = whole.places(block.y)
            known = None if block.total is None else total  # else nothing is sent
            return (Reservoir.of(m, block.X, codes, rows.loss.weight, each, u, known),)

        self.design.matrix.meter.passes += 1
        (sample,) = self.blocks.add_up(function)
        return self._problem(sample, m)

    def _problem(self, sample: Reservoir, m: int) -> RowObjective:
        """The problem of about m rows of a sample."""
        X, codes, weight = sample.drawn(m)
        some = Rows(self.whole.objective(X, codes, weight)).of(self.index)
        found = RowObjective(some.design, some.loss, self.penalty, flat=self.flat)
        found.is_sample = True
        return found

    # -- other columns, another penalty ------------------------------------------------------------

    def columns(self, index: Index) -> "BlockObjective":
        design, penalty = self.design.columns(index), self.penalty.columns(index)
        of_all = index if self.index is None else self.index[index]
        flat = self._flat_of(index)
        return BlockObjective(self.blocks, self.whole, self.found, design, penalty, flat, of_all)

    def alone(self, index: Index) -> "BlockObjective":
        part = self.columns(index)
        if self.flat is None:
            return part
        return part.with_flat(part.null_space() if part.design.width else None)

    def extension(self, part: Point, index: Index) -> Point:
        return self.at(self.extended(part.theta, index))

    def with_penalty(self, penalty: ElasticNet) -> "BlockObjective":
        whole = self.whole._replace(design=self.whole.design.for_ridge(penalty.l2))
        return self._with(whole, self.design.for_ridge(penalty.l2), penalty)

    def stronger(self, factor: float) -> "BlockObjective":
        return self._with(self.whole, self.design, self.penalty.times(factor))

    def with_flat(self, flat: Array | None) -> "BlockObjective":
        """The objective with what is known of the directions that change no margin."""
        return BlockObjective(
            self.blocks, self.whole, self.found, self.design, self.penalty, flat, self.index
        )

    def _with(self, whole: Whole, design: Design, penalty: ElasticNet) -> "BlockObjective":
        return BlockObjective(
            self.blocks, whole, self.found, design, penalty, self.flat, self.index
        )

    def without_offset(self) -> "BlockObjective":
        return self

    # -- directions that change no margin ----------------------------------------------------------

    def null_space(self) -> Array | None:
        """An orthonormal basis (width, k) of {z : X̃ z = 0}, or None: no read of the blocks where
        the sample shows that there is none.
        """
        some = self._problem(self.found.sample, min(self.most_rows, 20 * self.design.width))
        if are_independent(some.design, np.ones(some.design.n), self.design.n):
            return None
        index = self.index

        def gram(rows: Rows) -> Parts:
            mine = rows.of(index)
            return (mine.design.gram(lambda part: mine.present[None, part])[0],)

        def square(directions: Array) -> Array:
            def of_rows(rows: Rows) -> Parts:
                mine = rows.of(index)
                return (squares(mine.design, directions, mine.present),)

            total: Array = self.add_up(of_rows)[0] / self.design.n
            return total

        return flat_directions(self.add_up(gram)[0] / self.design.n, square)

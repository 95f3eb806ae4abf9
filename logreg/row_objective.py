"""The problem with its rows in memory: what is done with a block of rows while it is in cache."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logreg.collinear import null_space
from logreg.design import Design
from logreg.loss import Loss
from logreg.metric import FactoredHessian, FullMetric, triangle
from logreg.objective import Advance, Array, Index, LargeSample, Objective, Shift
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.sampling import drawn
from logreg.threads import cached_property

AWAKE = 0.1  # of the mean curvature
WIDE, NARROW = 20.0, 500  # log-odds between offsets; columns whose least squares are no trouble
PLENTY = 1000  # rows a parameter of a sample: each step goes to a thirtieth of the distance
MANY = 50  # one row in so many that moved: then the metric is believed no more


class RowObjective(Objective):
    """F as a sum over the rows of X in memory."""

    def __init__(
        self,
        design: Design,
        loss: Loss,
        penalty: ElasticNet,
        offset: Array | None = None,
        flat: Array | None = None,
    ) -> None:
        super().__init__(design, loss.q, penalty, flat)
        self.loss, self.offset = loss, offset
        present = np.ones(1) if loss.weight is None else loss.weight[loss.weight > 0]
        self.unit = float(np.sqrt(min(1.0, present.mean())))
        self.smallest_weight = float(present.min())

    @property
    def _all(self) -> slice:
        return slice(0, self.design.n)

    def at(self, theta: Array, margin: Array | None = None) -> Point:
        """F at theta. Margins that are known already need not be computed again."""
        return Point(self, theta, margin)

    def log_odds(self) -> Array:
        odds = self.loss.log_odds()
        if self.offset is not None:
            mean = np.average(self.offset, axis=1, weights=self.loss.weight)
            odds -= mean - (mean.mean() if self.q > 1 else 0.0)
        return odds

    def start(self) -> Array:
        """As without rows; or, where the offset spreads so far that it saturates margins, at the
        least squares of the offset on the columns, which take back what they can of it.
        """
        theta, offset = super().start(), self.offset
        if offset is None or np.ptp(offset) < WIDE or not 0 < self.design.width <= NARROW:
            return theta
        s = np.ones(self.design.n) if self.loss.weight is None else self.loss.weight
        apart = offset - offset.mean(axis=0) if self.q > 1 else offset
        gram = self.design.gram(lambda rows: np.sqrt(s[None, rows]))[0]
        gram[np.diag_indices_from(gram)] += self._penalty_diagonal
        back = -FullMetric(gram).solve(self.design.products(apart * s).T).T
        return min(theta, self.settled(back.ravel()), key=lambda start: self.at(start).value)

    # -- value, gradient, Hessian ------------------------------------------------------------------

    def value_and_gradient(
        self, theta: Array, known: Array | None = None
    ) -> tuple[float, Array, Array]:
        """F, the gradient (p,) of its smooth part and the margins (q, n), in one read of X."""
        w, b = self.design.of_block(theta.reshape(self.shape))
        x = self.design.matrix
        margin = np.empty((self.q, self.design.n)) if known is None else known
        operand = x.operand(w)

        def kernel(blocks: Sequence[slice]) -> tuple[float, Array, Array]:
            value, pulled, total = 0.0, np.zeros_like(w), np.zeros_like(b)
            for rows in blocks:
                block = self.design.block(rows)
                part = margin[:, rows]
                if known is None:
                    part = self._margin(block, operand, b, rows, out=part)
                loss, residual = self.loss.value_and_residual(part, rows)
                value += loss
                pulled += x.backward(residual, block)
                total += residual.sum(axis=1)
            return value, pulled, total

        groups = x.groups(self.size)
        value, pulled, total = x.add_up(kernel, groups=groups, products=self.q)
        value += self.penalty.value(w)
        gradient = self.design.pull_back(pulled + self.penalty.gradient(w), total)
        return float(value), gradient.ravel(), margin

    def hessian(self, point: Point) -> Array:
        """H (p, p), by symmetric products of blocks scaled by the root of W.

        With several classes W_i = Σ_{k<l} s p_k p_l (e_k - e_l)(e_k - e_l)': one product a pair of
        classes, all of them added. The other way, diag(p) - p p', would subtract nearly equal
        numbers where a class is sure.
        """
        q, width = self.shape
        margin: Array = point.margin
        first, second = self._pairs

        def root(rows: slice) -> Array:
            diag, root = self.loss.curvature(margin[:, rows], rows)
            return np.sqrt(diag if root is None else root[first] * root[second])

        products = self.design.gram(root, max(len(first), 1))
        if q == 1:
            return self._with_penalty_and_flat(products[0])
        h = np.zeros((q, width, q, width))
        for product, k, m in zip(products, first, second, strict=True):
            h[k, :, k, :] += product
            h[m, :, m, :] += product
            h[k, :, m, :] = h[m, :, k, :] = -product
        return self._with_penalty_and_flat(h.reshape(self.size, self.size))

    @cached_property
    def _pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The pairs of classes; none where there is one output."""
        if self.q == 1:
            return np.empty(0, np.intp), np.empty(0, np.intp)
        return np.tril_indices(self.q, -1)

    def root_of_rows(self, point: Point, still: int) -> list[Array]:
        """Triangles whose rows together have as products those of the rows sqrt(s p_k p_l)
        (e_k - e_l)' ⊗ x̃_i', by blocks (Demmel et al. 2012, Communication-optimal QR).
        """
        q, width = self.shape
        margin: Array = point.margin
        moving = np.delete(np.arange(q), still) if q > 1 else np.array([0])
        pairs = [(k, m) for k in range(q) for m in range(k)] if q > 1 else [(0, 0)]
        p = len(moving) * width

        def kernel(blocks: Sequence[slice]) -> tuple[list[Array]]:
            out = np.empty((blocks[0].stop - blocks[0].start, width))
            upper = np.zeros((p, p))
            for rows in blocks:
                x = self.design.standard_rows(rows, out)
                diag, root = self.loss.curvature(margin[:, rows], rows)
                z = np.zeros((len(pairs), len(x), len(moving), width))
                for part, (k, m) in zip(z, pairs, strict=True):
                    w = np.sqrt(diag[0]) if root is None else np.sqrt(root[k] * root[m])
                    part[:, moving == k] = (w[:, None] * x)[:, None]
                    if k != m:
                        part[:, moving == m] = -(w[:, None] * x)[:, None]
                upper = triangle(np.vstack([upper, z.reshape(-1, p)]))
            return ([upper],)

        parts: list[Array] = self.design.matrix.add_up(kernel, width=len(pairs) * p)[0]
        return parts

    def diagonal(self, point: Point) -> Array:
        """The diagonal of H for two classes, (p,); no read of X where all margins are the same."""
        margin: Array = point.margin
        diag, _ = self.loss.curvature(margin, self._all)
        if np.ptp(margin) == 0:
            each = diag.sum() / self.design.total
            diagonal: Array = self.design.column_curvature() * each
        else:
            diagonal = self.design.gram_diagonal(diag[0])
        return diagonal + self._penalty_diagonal

    def diagonal_of_classes(self, point: Point) -> Array:
        """H's diagonal with the classes added up, but for the penalty, (width,)."""
        return self.design.gram_diagonal(self.loss.trace(point.margin, self._all))

    def mixture(self, point: Point, *, diagonal: bool = False) -> tuple[Array, Array, float]:
        diag, root = self.loss.curvature(point.margin, self._all)
        s = np.diag(diag.sum(axis=1))
        c = diag.sum(axis=0)
        if root is not None:
            s -= root @ root.T
            c = np.maximum(c - (root * root).sum(axis=0), 0.0)
        total = float(c.sum())
        if diagonal:
            return s, self.design.gram_diagonal(c), total
        np.sqrt(c, out=c)
        (b,) = self.design.gram(lambda rows: c[None, rows])
        return s, b, total

    def hessian_times(self, point: Point, v: Array) -> Array:
        """H v (p,), in one read of X."""
        margin: Array = point.margin
        w, b = self.design.of_block(v.reshape(self.shape))
        x = self.design.matrix
        operand = x.operand(w)

        def kernel(blocks: Sequence[slice]) -> tuple[Array, Array]:
            pulled, total = np.zeros_like(w), np.zeros_like(b)
            for rows in blocks:
                block = self.design.block(rows)
                change = x.forward(block, operand)
                change += b[:, None]
                diag, root = self.loss.curvature(margin[:, rows], rows)
                product = diag * change
                if root is not None:
                    product -= root * (root * change).sum(axis=0)
                pulled += x.backward(product, block)
                total += product.sum(axis=1)
            return pulled, total

        pulled, total = x.add_up(kernel, groups=x.groups(self.size), products=self.q)
        pulled += self.penalty.curvature(w) * w
        return self.design.pull_back(pulled, total).ravel()

    def margin_change(self, step: Array) -> Array:
        """What a step in theta adds to the margins, (q, n)."""
        w, b = self.design.of_block(step.reshape(self.shape))
        x, change = self.design.matrix, np.empty((self.q, self.design.n))
        operand = x.operand(w)

        def kernel(blocks: Sequence[slice]) -> tuple[Any, ...]:
            for rows in blocks:
                x.forward(self.design.block(rows), operand, out=change[:, rows])
            return ()

        x.add_up(kernel)
        change += b[:, None]
        return change

    def margins(self, theta: Array) -> Array:
        """The margins (q, n) at theta, without the rest of a pass."""
        margin = self.margin_change(theta)
        return margin if self.offset is None else margin + self.offset

    def _margin(
        self, block: Any, operand: Array, b: Array, rows: slice, out: Array | None = None
    ) -> Array:
        margin = self.design.matrix.forward(block, operand, out)
        margin += b[:, None]
        if self.offset is not None:
            margin += self.offset[:, rows]
        return margin

    # -- what the margins tell ---------------------------------------------------------------------

    def intercept_information(self, point: Point) -> Array:
        margin: Array = point.margin

        def kernel(blocks: Sequence[slice]) -> tuple[Array]:
            total = np.zeros((self.q, self.q))
            for rows in blocks:
                diag, root = self.loss.curvature(margin[:, rows], rows)
                total += diag.sum() if root is None else root @ root.T
            return (total,)

        (information,) = self.design.matrix.sum_over_rows(kernel, self.q)
        if self.q > 1:  # Σ_l p_k p_l on the diagonal: nothing cancels
            np.fill_diagonal(information, 0.0)
            information = np.diag(information.sum(axis=1)) - information
        return np.asarray(information)

    def largest_margin(self, point: Point) -> float:
        margin: Array = point.margin
        if self.q == 1:
            return max(float(margin.max()), -float(margin.min()))
        return float(np.ptp(margin, axis=0).max())

    def lead(self, point: Point) -> float:
        margin: Array = point.margin
        return self.loss.lead(margin if self.offset is None else margin - self.offset)

    def farthest(self, step: Array) -> float:
        """How far a step moves the log-odds of a row, at most."""
        return float(_range(self.margin_change(step)).max())

    @property
    def present(self) -> Array:
        """1 for rows with a weight, 0 for the others."""
        weight = self.loss.weight
        return np.ones(self.design.n) if weight is None else (weight > 0).astype(np.float64)

    def largest_move(self, point: Point, before: Point) -> float:
        return float(_range(point.margin - before.margin).max())

    def curvature_of_moved(self, point: Point, before: Point, metric: FactoredHessian) -> float:
        return self.moved_rows(point, before, metric, self.design.n // MANY)[0]

    def moved_rows(
        self, point: Point, before: Point, metric: FactoredHessian, most: int
    ) -> tuple[float, int]:
        """The same with how many these rows are, which may be at most so many."""
        rows = np.flatnonzero((_range(point.margin - before.margin) > 1.0) & (self.present > 0))
        if not 0 < len(rows) <= most:
            return (np.inf if len(rows) else 0.0), len(rows)
        part = self.take(rows, np.ones(len(rows)))
        x = part.design.standard_rows(part._all, np.empty((len(rows), part.design.width)))
        c = part.loss.trace(before.margin[:, rows], part._all)
        return float(c @ metric.deviations(x) ** 2), len(rows)

    def advance(self, point: Point, step: Array) -> Advance:
        change = self.margin_change(step)
        how_far = _range(change.copy())
        moved = how_far > 0.5
        diag, root = self.loss.curvature(point.margin, self._all)
        share = (diag * change**2).sum(axis=0)
        if root is not None:
            share -= (root * change).sum(axis=0) ** 2
        told, everything = float(share[moved].sum()), float(share.sum())
        return Advance(float(how_far.max()), self.loss.lead(change), told, everything)

    def shift(self, point: Point, c: Array) -> Shift:
        columns = np.any(c.reshape(self.shape)[:, : self.design.d])
        change = self.margin_change(c) if columns else c.reshape(self.shape)[:, -1:]
        margin: Array = point.margin

        def parts(rows: slice) -> tuple[Array, Array, Array]:
            """How the margins change, and the residuals, as they are and at a weight of 1."""
            part = change[:, rows] if columns else change
            diag, root = self.loss.curvature(margin[:, rows], rows)
            delta = diag * part
            if root is not None:
                delta -= root * (root * part).sum(axis=0)
            return part, delta, delta * self._inverse_weight(rows)

        def sizes(blocks: Sequence[slice]) -> tuple[list[float], Array]:
            widest, square = [0.0], np.zeros(self.q)
            for part, delta, each in map(parts, blocks):
                above, below = part.max(axis=0), part.min(axis=0)
                widest.append(float((np.maximum(above, 0.0) - np.minimum(below, 0.0)).max()))
                square += np.einsum("ij,ij->i", delta, each)
            return widest, square

        def divergence(share: float) -> float:
            def total(blocks: Sequence[slice]) -> tuple[float]:
                each = ((margin[:, rows], parts(rows)[2], share, rows) for rows in blocks)
                return (sum(self.loss.divergence(*block) for block in each),)

            return float(self.design.matrix.sum_over_rows(total, self.q)[0])

        widest, square = self.design.matrix.sum_over_rows(sizes, self.q)
        return Shift(max(widest), np.sqrt(square), divergence)

    def _inverse_weight(self, rows: slice) -> Array | float:
        """1/s, and 0 for the rows without a weight."""
        if self.loss.weight is None:
            return 1.0
        weight = self.loss.weight[rows]
        return np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0)

    def largest_deviation(self, metric: FactoredHessian) -> float:
        """At the price of two Hessians."""
        q, width = self.shape

        def kernel(blocks: Sequence[slice]) -> tuple[list[float]]:
            out = np.empty((blocks[0].stop - blocks[0].start, width))
            rows = (self.design.standard_rows(rows, out) for rows in blocks)
            return ([metric.deviations(x).max() for x in rows],)

        return float(max(self.design.matrix.add_up(kernel, width=q * width, products=width)[0]))

    # -- some of the rows --------------------------------------------------------------------------

    @property
    def most_rows(self) -> int:
        return self.design.n

    @property
    def large_sample(self) -> LargeSample:
        return LargeSample(min(self.design.n // 10, PLENTY * self.size), accuracy=0.5)

    def candidates(self, size: int, rng: np.random.Generator) -> "RowObjective":
        n = self.design.n
        index = np.sort(rng.integers(0, n, size))
        return self.sample(index, np.full(size, n / size))

    def draw_by_leverage(
        self, theta: Array, curvature: Array, m: int, rng: np.random.Generator
    ) -> "RowObjective":
        return self.draw(self.leverage(theta, curvature), m, rng)

    def draw(self, score: Array, m: int, rng: np.random.Generator) -> "RowObjective":
        """The objective of about m rows, each kept with probability min(1, ∝ score), weighted by
        its inverse. Changes `score`.
        """
        index, weight = drawn(score, m, rng)
        del score  # a number a row, before the sample is gathered
        return self.sample(index, weight)

    def sample(self, index: Index, factor: Array) -> "RowObjective":
        """The objective of rows that stand for all."""
        part = self.take(index, factor)
        part.is_sample = True
        return part

    def cautious(self, rows: float) -> "RowObjective":
        """With a ridge as if so many rows more had been seen of each column, alone in them and of
        its typical size: what a sample's few rows tell apart by chance would run away.

            ridge_j = rows Σ_i s_i² x̃_ij⁴ / Σ_i s_i x̃_ij²
        """
        design, s = self.design, self.loss.weight
        assert s is not None  # a sample's rows have weights

        def kernel(blocks: Sequence[slice]) -> tuple[Array, Array]:
            out = np.empty((blocks[0].stop - blocks[0].start, design.width))
            fourth, square = np.zeros(design.d), np.zeros(design.d)
            for block in blocks:
                x = np.square(design.standard_rows(block, out)[:, : design.d])
                square += np.dot(s[block], x)
                fourth += np.dot(np.square(s[block]), np.square(x))
            return fourth, square

        fourth, square = design.matrix.add_up(kernel, width=design.width)
        each = np.divide(fourth, square, out=np.zeros(design.d), where=square > 0)
        penalty = self.penalty.with_ridge(rows * each * design.scale**2)
        part = RowObjective(design, self.loss, penalty, self.offset, self.flat)
        part.is_sample = self.is_sample
        return part

    def leverage(self, theta: Array, curvature: Array, rest: float | None = None) -> Array:
        """A score a row, (n,): its share of each column's curvature, summed over the columns.

            score_i = c_i Σ_j x̃_ij² / Σ_k c_k x̃_kj²,      c = trace of the row's curvature at theta

        Rare columns and rare classes get their rows' full share, which uniform draws miss. The
        sums over k are the caller's, `curvature` (width,), up to a common factor. Rows at rest now
        may wake up: no c is below `rest`, or a tenth of the mean. One read of X.
        """
        share = np.divide(1.0, curvature, out=np.zeros(len(curvature)), where=curvature > 0)
        square, linear, constant = self.design.square_form(share)
        w, b = self.design.of_block(theta.reshape(self.shape))
        x = self.design.matrix
        operand, score, c = x.operand(w), np.empty(self.design.n), np.empty(self.design.n)
        of_squares, of_linear = x.operand(square[None]), x.operand(linear[None])

        def kernel(blocks: Sequence[slice]) -> tuple[Any, ...]:
            scratch = x.scratch(blocks[0].stop - blocks[0].start)
            for rows in blocks:
                block = self.design.block(rows)
                c[rows] = self.loss.trace(self._margin(block, operand, b, rows), rows)
                score[rows] = x.forward(x.squared(block, scratch), of_squares)[0]
                score[rows] -= x.forward(block, of_linear)[0]
            return ()

        x.add_up(kernel)
        score += constant
        np.maximum(c, AWAKE * c.mean() if rest is None else rest, out=c)
        score *= c
        if self.loss.weight is not None:
            score *= self.loss.weight > 0
        return score

    def take(self, index: Index, factor: Array) -> "RowObjective":
        """The objective of some rows, their weights times `factor`; the penalty as it is."""
        offset = None if self.offset is None else self.offset[:, index]
        loss = self.loss.take(index, factor)
        return RowObjective(self.design.take(index), loss, self.penalty, offset, self.flat)

    # -- other columns, another penalty ------------------------------------------------------------

    def columns(self, index: Index) -> "RowObjective":
        design, penalty = self.design.columns(index), self.penalty.columns(index)
        return RowObjective(design, self.loss, penalty, self.offset, self._flat_of(index))

    def alone(self, index: Index) -> "RowObjective":
        part = self.columns(index)
        if self.flat is not None:
            part.flat = null_space(part.design, self.loss.weight) if part.design.width else None
        return part

    def extension(self, part: Point, index: Index) -> Point:
        return self.at(self.extended(part.theta, index), part.margin)

    def with_penalty(self, penalty: ElasticNet) -> "RowObjective":
        design = self.design.for_ridge(penalty.l2)
        return RowObjective(design, self.loss, penalty, self.offset, self.flat)

    def stronger(self, factor: float) -> "RowObjective":
        penalty = self.penalty.times(factor)
        return RowObjective(self.design, self.loss, penalty, self.offset, self.flat)

    def without_offset(self) -> "RowObjective":
        return RowObjective(self.design, self.loss, self.penalty, flat=self.flat)


def _range(change: Array) -> Array:
    """How far the log-odds of a row move: of several classes, the widest pair. Writes into them."""
    several = len(change) > 1
    spread: Array = np.ptp(change, axis=0) if several else np.abs(change[0], out=change[0])
    return spread

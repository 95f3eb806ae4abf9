"""The rows of a stream that are kept as they are, and what is left of those that were let go."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from logreg.design import Design
from logreg.loss import Loss
from logreg.metric import DiagonalMetric, Metric
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.row_objective import RowObjective
from logreg.solvers.line_search import backtrack
from logreg.solvers.newton_cg import newton_step_by_conjugate_gradients
from logreg.spread import is_sparse

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

# Without a penalty: the curvature of one, per variance of a column, and of the intercept's, where
# rows have weight 1. By it a column that tells the classes apart so far has a finite weight, of
# some 20 log-odds.
VANISHING = 1e-5
SOLVED, ROUGHLY = 1e-2, 0.1  # standard errors from the optimum; by conjugate gradients
FARTHEST = 10.0  # log-odds that a margin may move at once, if it is not larger itself


class KeptRows:
    """Rows of X, their codes and weights, up to `most` rows or so many numbers."""

    def __init__(self, most: int, numbers: int) -> None:
        self.most, self.numbers = most, numbers
        self.parts: list[Any] = []
        self.codes, self.weight = np.empty(0, np.intp), np.empty(0)
        self.size = self.stored = 0
        self.old = 0  # rows that were there before the last that came

    def room(self, X: Any, start: int) -> int:
        """How many rows of X from `start` on find room, at least one."""
        left = max(self.numbers - self.stored, 0)
        if is_sparse(X):
            rows = int(np.searchsorted(X.indptr, X.indptr[start] + left, side="right")) - 1 - start
        else:
            rows = left // max(X.shape[1], 1)
        return max(1, min(self.most - self.size, rows))

    @property
    def is_full(self) -> bool:
        return self.size >= self.most or self.stored * (1 + 1 / self.size) > self.numbers

    def append(self, x: Any, codes: Codes, weight: Array) -> None:
        self.parts.append(x)
        self.codes, self.weight = np.append(self.codes, codes), np.append(self.weight, weight)
        self.size += len(codes)
        self.stored += x.nnz if is_sparse(x) else x.size

    def gather(self) -> tuple[Any, Codes, Array, int]:
        """X, codes, weights, and how many rows were there when this was last asked."""
        if len(self.parts) > 1:
            stack = sparse.vstack if is_sparse(self.parts[0]) else np.vstack
            parts: Any = stack(self.parts)
            parts = sparse.csr_array(parts) if is_sparse(parts) else parts
            self.parts = [parts]
        old, self.old = self.old, self.size
        return self.parts[0], self.codes, self.weight, old

    def keep(self, index: Codes, weight: Array) -> None:
        """Some of the rows only, with other weights."""
        x = self.gather()[0][index]
        self.codes, self.weight = self.codes[index], weight
        self.parts, self.size, self.old = [x], len(index), len(index)
        self.stored = x.nnz if is_sparse(x) else x.size


class Past:
    """Q(θ), of the rows that were let go."""

    def __init__(self, p: int, is_large: bool) -> None:
        self.anchor, self.slope = np.zeros(p), np.zeros(p)
        self.curvature = np.zeros(p if is_large else (p, p))
        self.is_empty = True

    def times(self, v: Array) -> Array:
        product: Array = self.curvature @ v if self.curvature.ndim == 2 else self.curvature * v
        return product

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        change = theta - self.anchor
        bent = self.times(change)
        return float(self.slope @ change + 0.5 * bent @ change), self.slope + bent

    def add(self, point: Point, ahead: Point) -> None:
        """The second order of other rows, their slope at a point, to which all of Q is carried, and
        their curvature at one ahead of it.
        """
        self.slope = self.value_and_gradient(point.theta)[1] + point.gradient
        self.curvature += ahead.hessian if self.curvature.ndim == 2 else _diagonal(ahead)
        self.anchor, self.is_empty = point.theta, False

    def fade(self, factor: float) -> None:
        self.slope *= factor
        self.curvature *= factor

    def move(self, ratio: Array, shift: Array, shape: tuple[int, ...]) -> None:
        """To other coordinates, θ = J θ': slope' = J'slope, curvature' = J' curvature J."""
        self.anchor = moved(self.anchor.reshape(shape), ratio, shift).ravel()
        if self.is_empty:
            return
        self.slope = _pulled(self.slope.reshape(shape), ratio, shift).ravel()
        for _ in range(2):  # one side, then the other
            each = self.curvature.reshape(-1, *shape)
            p = self.anchor.size
            self.curvature = np.ascontiguousarray(_pulled(each, ratio, shift).reshape(p, p).T)


def moved(theta: Array, ratio: Array, shift: Array) -> Array:
    """J⁻¹ θ, for new columns x' = (x - shift) / ratio: w' = ratio w, b' = b + shift·w."""
    new, d = theta.copy(), len(ratio)
    new[:, d:] += (theta[:, :d] @ shift)[:, None]
    new[:, :d] *= ratio
    return new


def _pulled(v: Array, ratio: Array, shift: Array) -> Array:
    """v J along the last axis: the columns are those of x'."""
    new, d = v.copy(), len(ratio)
    if v.shape[-1] > d:
        new[..., :d] -= v[..., d:] * shift
    new[..., :d] /= ratio
    return new


class Kept(RowObjective):
    """F: the rows that are kept, the penalty, and Q for all others."""

    def __init__(
        self, design: Design, loss: Loss, penalty: ElasticNet, past: Past, vanishing: float
    ) -> None:
        super().__init__(design, loss, penalty)
        weak = np.zeros(self.shape)
        weak[:, design.d :] = vanishing  # or one class alone would have no optimum
        self.past, self.weak = past, weak.ravel()

    def value_and_gradient(
        self, theta: Array, known: Array | None = None
    ) -> tuple[float, Array, Array]:
        value, gradient, margin = super().value_and_gradient(theta, known)
        before, slope = self.past.value_and_gradient(theta)
        pull = self.weak * theta
        return value + before + 0.5 * float(pull @ theta), gradient + slope + pull, margin

    def hessian(self, point: Point) -> Array:
        h = super().hessian(point)
        h += self.past.curvature
        h.flat[:: len(h) + 1] += self.weak
        return h

    def hessian_times(self, point: Point, v: Array) -> Array:
        return super().hessian_times(point, v) + self.past.times(v) + self.weak * v

    def metric_by_root(self, point: Point, still: int) -> None:
        """Of the past there is no root."""
        return

    def pull_of_penalty(self, theta: Array) -> Array:
        """The penalty's part of the gradient."""
        return np.tile(self._penalty_diagonal, self.q) * theta

    def whole_diagonal(self, point: Point) -> Array:
        """The diagonal of H, (p,)."""
        penalty = np.tile(self._penalty_diagonal, self.q)
        return _diagonal(point) + penalty + self.past.curvature + self.weak

    def search(self, point: Point, step: Array, slope: float) -> Point | None:
        """The next point along a step. Where a row is wrong and sure, its curvature is almost 0 and
        a step might go anywhere: no margin is to do more than double.
        """
        farthest = float(np.abs(self.margin_change(step)).max())
        most = max(FARTHEST, float(np.abs(point.margin).max()))
        return backtrack(self, point, step, slope, t=min(1.0, most / max(farthest, 1e-300)))


def _diagonal(point: Point) -> Array:
    """The diagonal of X̃'W X̃, (p,)."""
    design = point.objective.design
    diag, root = point.objective.loss.curvature(point.margin, slice(0, design.n))
    each = diag if root is None else np.maximum(diag - root * root, 0.0)
    diagonal: Array = np.concatenate([design.gram_diagonal(c) for c in each])
    return diagonal


def by_newton(kept: Kept, point: Point) -> tuple[Point, Metric]:
    for _ in range(50):
        step = point.newton_step
        if point.decrement < SOLVED:  # its square is what is left after the step
            return kept.at(point.theta + step), point.metric
        after = kept.search(point, step, -(point.decrement**2))
        if after is None:
            break
        point = after
    return point, point.metric


def by_conjugate_gradients(kept: Kept, point: Point) -> tuple[Point, DiagonalMetric]:
    for _ in range(50):
        metric = DiagonalMetric(kept.whole_diagonal(point))
        step, decrement = newton_step_by_conjugate_gradients(point, metric.solve, 0.1)
        after = kept.search(point, -step, -float(point.gradient @ step))
        if after is None:
            break
        point = after
        if decrement < ROUGHLY:
            break
    return point, metric

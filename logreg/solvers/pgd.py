"""Preconditioned gradient descent: the default for tall data.

Gradient descent is slow because one step size has to serve directions of different curvature.
Measured in the right metric M every direction has curvature 1, and θ ← θ - M⁻¹ g arrives at once;
with M = H that is Newton's method, at n p² a Hessian. A *sample* of rows gives nearly the same
metric for much less:

1. Draw m = 20 p rows by leverage, find their optimum by Newton's method, start there.
2. Again with a tenth of all rows; each stage divides the distance by about sqrt(m/p), and is solved
   only to its own statistical accuracy.
3. On all rows, limited-memory BFGS (Nocedal & Wright, Numerical Optimization, algorithm 7.4) with
   the Hessian of the last sample as its initial metric.
4. Where the forecast of the passes still needed exceeds the price of an exact Hessian of all rows
   (where columns nearly separate the classes, coefficients travel far and the curvature changes on
   the way), take one as the metric and go on.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from logreg.metric import Metric
from logreg.objective import Objective, Point
from logreg.solvers.line_search import backtrack
from logreg.solvers.newton import newton

Array = NDArray[np.float64]

MEMORY = 12  # pairs of step and gradient change kept


def sample_rows(objective: Objective) -> int:
    """Rows of the first sample: 10 p of them cost a third more passes, 100 p save none."""
    return max(2000, 20 * objective.size)


def preconditioned_gradient_descent(
    objective: Objective, theta: Array, rng: np.random.Generator
) -> Iterator[tuple[Point, float]]:
    """θ ← θ - t M⁻¹ g, M from samples of the rows, corrected by what the steps teach."""
    n, m = objective.design.n, sample_rows(objective)
    warm = bool(theta.any())
    at, curvature = theta if warm else None, objective.design.column_curvature()
    metric: Metric | None = None
    for size, steps in ((m, 30), (n // 10, 12)):
        if not m <= size <= n // 4:
            continue
        sample = draw(objective, objective.leverage(at, curvature), size, rng)
        point = sample.at(theta)
        if not warm:  # the optimum of a sample would throw a good start away
            point = settle(sample, theta, 0.1 * np.sqrt(n / size * objective.size), steps)
        at = theta = point.theta
        metric = Metric(point.hessian)
        curvature = np.diag(point.hessian).reshape(objective.shape).sum(axis=0)
    yield from refine(objective, theta, metric)


def draw(objective: Objective, score: Array, m: int, rng: np.random.Generator) -> Objective:
    """The objective of about m rows, each kept with probability min(1, ∝ score), weighted by its
    inverse. A fifth of the scores is spread evenly, so that no row's weight is enormous.
    """
    score = score + 0.2 * score.mean()
    keep = np.minimum(1.0, m * score / score.sum())
    for _ in range(4):  # rows kept for certain leave room for the others
        sure = keep >= 1.0
        if not sure.any():
            break
        room, rest = m - sure.sum(), score[~sure].sum()
        if room <= 0 or rest <= 0:
            break
        keep = np.where(sure, 1.0, np.minimum(1.0, room * score / rest))
    index = np.flatnonzero(rng.random(len(keep)) < keep)
    return objective.take(index, 1.0 / keep[index])


def settle(sample: Objective, theta: Array, accuracy: float, steps: int) -> Point:
    """Newton's method on a sample until it is within `accuracy` of the sample's optimum."""
    none = np.random.default_rng(0)
    for step, (point, decrement) in enumerate(newton(sample, theta, none)):
        if decrement <= accuracy or step >= steps:
            break
    return point


def refine(
    objective: Objective, theta: Array, metric: Metric | None
) -> Iterator[tuple[Point, float]]:
    """Limited-memory BFGS on all rows in the metric, renewed when the forecast says it pays."""
    price = 3.5 if objective.size < 150 else 0.04 * objective.size  # of a Hessian, in passes
    point = objective.at(theta)
    exact = metric is None
    metric = metric or Metric(point.hessian)
    memory = SecantMemory(MEMORY)
    recent: list[float] = []
    while True:
        direction = memory.solve(metric, point.gradient)
        decrement = float(np.sqrt(max(point.gradient @ direction, 0.0)))
        yield point, decrement
        recent.append(decrement)
        after = None
        if not slow(recent, price):
            after = backtrack(objective, point, -direction, -(decrement**2))
        if after is None:
            if exact and not recent[1:]:
                return  # not even the exact metric finds a better point
            metric, exact = Metric(point.hessian), True
            memory.clear()
            recent.clear()
            continue
        memory.add(after.theta - point.theta, after.gradient - point.gradient)
        point = after


def slow(recent: list[float], price: float) -> bool:
    """Whether, at the rate of the last two steps, a hundredfold gain costs more than a Hessian."""
    if len(recent) < 3:
        return False
    rate = float(np.sqrt(recent[-1] / recent[-3]))
    return rate > 0.999 or np.log(1e-2) / np.log(rate) > price + 6


class SecantMemory:
    """The last pairs s = Δθ, y = Δg, each of which says y = H s: what the steps taught."""

    def __init__(self, size: int) -> None:
        self.pairs: deque[tuple[Array, Array, float]] = deque(maxlen=size)

    def clear(self) -> None:
        self.pairs.clear()

    def add(self, s: Array, y: Array) -> None:
        sy = float(s @ y)
        if sy > 1e-14 * np.linalg.norm(s) * np.linalg.norm(y):
            self.pairs.append((s, y, sy))

    def solve(self, metric: Metric, g: Array) -> Array:
        """The two-loop recursion: the inverse metric corrected by the pairs, times g."""
        q = g.copy()
        shares = []
        for s, y, sy in reversed(self.pairs):
            a = float(s @ q) / sy
            q -= a * y
            shares.append(a)
        r = metric.solve(q)
        for (s, y, sy), a in zip(self.pairs, reversed(shares), strict=True):
            r += s * (a - float(y @ r) / sy)
        return r

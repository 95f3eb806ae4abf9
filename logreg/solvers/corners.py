"""Where the penalty has corners: faces, the quadratic model with corners, and a line search.

F(θ) = f(θ) + Σ_j l1_j |θ_j|, f being smooth with gradient g. Within one orthant F is smooth too, so
a Newton step on the weights that are free to move needs no corner; what would cross zero stops
there (Andrew and Gao 2007, Scalable training of L1-regularized log-linear models; Bertsekas 1982,
Projected Newton methods).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv

from logreg.objective import Objective
from logreg.point import Point

Array = NDArray[np.float64]


FLAT = 1e-11  # added to the diagonal, relative to it
HIDDEN = 1e-10  # of F: a fall that may drown in the rounding of the margins
SHORTEST = 0.02  # part of a step, before the quadratic is made steeper, ...
STEEPER = 10  # ... tenfold at a time
SHORTER = (1.0, 0.5, 0.2, 0.05)  # steps that are tried where the full one crosses zero


class Face(NamedTuple):
    """The weights that are free to move from a point, and into which orthant."""

    sign: Array  # (p,): 0 where there is no corner, and where a weight stays at 0
    free: NDArray[np.bool_]  # not at 0, or pulled away from it by more than l1
    gradient: Array  # of F within the orthant; 0 where not free
    resting: NDArray[np.bool_]  # at 0 now, with a corner there


def face(theta: Array, g: Array, l1: Array) -> Face:
    resting = (theta == 0) & (l1 > 0)
    sign = np.where(resting, np.where(np.abs(g) > l1, -np.sign(g), 0.0), np.sign(theta))
    sign[l1 == 0] = 0.0
    free = ~resting | (sign != 0)
    return Face(sign, free, np.where(free, g + l1 * sign, 0.0), resting)


def shrink(v: Array, by: Array) -> Array:
    """argmin_u ½ (u - v)² + by |u|: the soft threshold."""
    return np.copysign(np.maximum(np.abs(v) - by, 0.0), v)


def minimise_quadratic(
    b: Array, g: Array, theta: Array, l1: Array, *, accuracy: float = 1e-3, steps: int = 500
) -> Array:
    """argmin_u g'(u - θ) + ½ (u - θ)'B(u - θ) + Σ l1 |u|, until its gradient is `accuracy` of what
    it was, by an active set: Newton steps on a face, to its minimum or to where weights cross zero.
    These stay at zero until a minimum is reached; then whatever is pulled away from zero is freed.
    """
    u, q, first = theta.copy(), g.copy(), 0.0
    diagonal = np.where(b.diagonal() > 0, b.diagonal(), 1.0)
    root = np.sqrt(diagonal)
    b = b.copy()  # columns may repeat each other: no direction's curvature is left to rounding
    b.flat[:: len(b) + 1] = diagonal * (1 + FLAT)
    held = np.zeros(len(u), dtype=bool)
    for _ in range(steps):
        here = face(u, q, l1)
        size = float(np.max(np.abs(here.gradient) / root, initial=0.0))
        first = first or size
        if size <= accuracy * first:
            break
        held &= here.resting
        step = newton_step(b, here, held)
        u, q, crossed = _walk(b, u, q, l1, here, step)
        if crossed.any():
            held |= crossed
        else:
            held[:] = False
    return u


def newton_step(b: Array, here: Face, held: NDArray[np.bool_]) -> Array:
    """-B_FF⁻¹ gradient_F on the free weights that are not held, and do not want to leave zero the
    wrong way: those are held as well. Changes `held`.
    """
    step = np.zeros_like(here.sign)
    while True:
        free = np.flatnonzero(here.free & ~held)
        if not len(free):  # rounding alone pulled them
            return step
        part, jitter = b[np.ix_(free, free)], FLAT
        diagonal = part.diagonal().copy()
        while True:
            _, move, failed = dposv(part, -here.gradient[free], lower=True)
            if not failed:
                break
            jitter *= 100
            part.flat[:: len(part) + 1] = diagonal * (1 + jitter)
        wrong = here.resting[free] & (move * here.sign[free] < 0)
        if not wrong.any():
            break
        held[free[wrong]] = True
    step[free] = move
    return step


def _walk(
    b: Array, u: Array, q: Array, l1: Array, here: Face, step: Array
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """The full step; or where weights cross zero the lowest of some shorter ones, with what crosses
    stopped at zero, down to the first that does. With the gradient there, and what was stopped.
    """
    across = (u + step) * here.sign < 0
    if not across.any():
        return u + step, q + b @ step, across
    when = np.full(len(u), np.inf)
    np.divide(u, -step, out=when, where=across)
    best, lowest, change = u, np.inf, np.zeros_like(u)
    for t in [t for t in SHORTER if t > when.min()] + [when.min()]:
        after = np.where(when <= t, 0.0, u + t * step)
        move = after - u
        pulled = b @ move
        fall = float(here.gradient @ move + 0.5 * (move @ pulled))
        if fall < lowest:
            best, lowest, change = after, fall, pulled
    return best, q + change, across & (best == 0)


def descend(objective: Objective, point: Point, t: float) -> tuple[Point | None, float]:
    """A step of proximal gradient descent, shrink(θ - t g), t falling until F does; and that t."""
    g, l1 = point.gradient, objective.threshold
    for _ in range(60):
        theta = shrink(point.theta - t * g, t * l1)
        trial, step = objective.at(theta), theta - point.theta
        slope = float(g @ step + l1 @ (np.abs(theta) - np.abs(point.theta)))
        if slope < 0 and trial.value - point.value <= 1e-4 * slope:
            return trial, t
        t *= 0.5
    return None, t


class Damped:
    """Steps to the minimum of the quadratic model, which is made steeper while they fail: far from
    the optimum curvature says little about what a long step meets (Levenberg and Marquardt).
    """

    def __init__(self, objective: Objective) -> None:
        self.objective, self.damping = objective, 0.0
        self.scale = np.tile(objective.design.column_curvature(), objective.q)

    def step(self, point: Point, b: Array, accuracy: float) -> tuple[Point | None, float]:
        """The next point, or None, and what F would fall by were it linear between its corners."""
        g, l1 = point.gradient, self.objective.threshold
        for _ in range(STEEPER):
            steep = b + np.diag(self.damping * self.scale) if self.damping else b
            goal = minimise_quadratic(steep, g, point.theta, l1, accuracy=accuracy)
            slope = float(g @ (goal - point.theta) + l1 @ (np.abs(goal) - np.abs(point.theta)))
            after, t = backtrack_to(self.objective, point, goal, slope)
            if after is not None:
                self.damping = 0.0 if self.damping < 1e-6 else self.damping / (10 if t == 1 else 1)
                return after, slope
            if not slope < 0:
                return None, slope
            self.damping = max(10 * self.damping, 1e-4)
        return None, slope


def backtrack_to(
    objective: Objective, point: Point, goal: Array, slope: float
) -> tuple[Point | None, float]:
    """The first point on the way to `goal`, halving, where F has fallen enough, and its share of
    the way; None if none has. Where rounding may hide the fall, a slope there that is at most half
    of the one here will do, as F is convex.
    """
    l1, step, t = objective.threshold, goal - point.theta, 1.0
    while slope < 0 and t > SHORTEST:
        trial = objective.at(goal if t == 1 else point.theta + t * step)
        change = trial.value - point.value
        if change <= 1e-4 * t * slope:
            return trial, t
        if abs(change) <= HIDDEN * abs(point.value):
            corner = np.where(trial.theta == 0, np.abs(step), np.sign(trial.theta) * step)
            if abs(float(trial.gradient @ step + l1 @ corner)) <= -0.5 * slope:
                return trial, t
        t *= 0.5
    return None, t

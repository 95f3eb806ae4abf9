"""Newton steps on a face by conjugate gradients: where the penalty has corners, for thousands of
columns. The Hessian is multiplied with, never formed.
"""

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from logreg.objective import Objective
from logreg.point import Point
from logreg.solvers.conjugate_gradients import conjugate_gradients
from logreg.solvers.corners import Face, face, shrink
from logreg.solvers.line_search import ROUNDING

Array = NDArray[np.float64]

STEPS = 20  # between two looks at the duality gap
PRODUCTS = 60  # with the Hessian a step


def by_faces(objective: Objective, theta: Array, distance: float) -> Point:
    """Newton steps on faces by conjugate gradients, until the gradient is a tenth of its start."""
    point, first, damping = objective.at(theta), 0.0, 0.0
    for _ in range(STEPS):
        here = face(point.theta, point.gradient, objective.threshold)
        size = float(np.abs(here.gradient).max(initial=0.0))
        first = first or size
        if size < 0.1 * first or size == 0:
            break
        step = step_by_conjugate_gradients(point, here, damping, min(0.1, np.sqrt(distance)))
        after, t = _search(objective, point, here, step)
        if after is None:
            damping = max(4 * damping, 1e-2)
            after = shrunk(objective, point)
            if after is None:
                break
        elif t == 1:
            damping = 0.0 if damping < 1e-3 else damping / 8
        elif t < 0.25:
            damping = max(4 * damping, 1e-2)
        point = after
    return point


def step_by_conjugate_gradients(point: Point, here: Face, damping: float, accuracy: float) -> Array:
    """-(H + damping diag)_FF⁻¹ gradient_F by conjugate gradients, roughly."""
    diagonal = diagonal_curvature(point)
    inverse = np.where(here.free, 1 / diagonal, 0.0) / (1 + damping)

    def times(p: Array) -> Array:
        return np.where(here.free, point.hessian_times(p) + damping * diagonal * p, 0.0)

    steps = conjugate_gradients(times, -here.gradient, lambda r: inverse * r)
    x, start, _ = next(steps)
    for x, left, _ in islice(steps, PRODUCTS):  # noqa: B007
        if left <= accuracy**2 * start:
            break
    x[here.resting & (x * here.sign < 0)] = 0.0
    return x


def _search(
    objective: Objective, point: Point, here: Face, step: Array
) -> tuple[Point | None, float]:
    """The first point along the step, projected onto the orthant, where F has fallen enough."""
    t = 1.0
    for _ in range(12):
        theta = point.theta + t * step
        theta[theta * here.sign < 0] = 0.0
        trial = objective.at(theta)
        change = trial.value - point.value
        enough = 1e-4 * float(here.gradient @ (theta - point.theta))
        if change <= enough or abs(change) <= ROUNDING * abs(point.value):
            return trial, t
        t *= 0.5
    return None, t


def shrunk(objective: Objective, point: Point) -> Point | None:
    """A step of proximal gradient descent in the metric of the diagonal."""
    inverse = 1.0 / diagonal_curvature(point)
    for k in range(20):
        t = inverse * 0.5 ** (2 * k + 1)
        theta = shrink(point.theta - t * point.gradient, t * objective.threshold)
        trial = objective.at(theta)
        if trial.value < point.value:
            return trial
    return None


def diagonal_curvature(point: Point) -> Array:
    """The Hessian's diagonal, or that of a Kronecker product in place of it."""
    objective = point.objective
    if objective.q == 1:
        diagonal = objective.diagonal(point)
    else:
        s, b, ridge = objective.kronecker(point, diagonal=True)
        diagonal = (np.diag(s)[:, None] * b + ridge).ravel()
    return np.where(diagonal > 0, diagonal, 1.0)

"""Newton's method: the exact Hessian at each step."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from logreg.objective import Objective
from logreg.point import Iterate, Point
from logreg.solvers.line_search import backtrack


def newton(
    objective: Objective, theta: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[Iterate]:
    """θ ← θ - t H⁻¹ g with t = 1 near the optimum, where the error squares at each step."""
    point: Point | None = objective.at(theta)
    while point is not None:
        yield Iterate(point, point.decrement, sound=point.metric.sound)
        point = backtrack(objective, point, point.newton_step, -(point.decrement**2))

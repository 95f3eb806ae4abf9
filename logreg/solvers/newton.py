"""Newton's method: the exact Hessian at each step."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from logreg.objective import Objective
from logreg.point import Iterate
from logreg.solvers.line_search import backtrack

NEAR = 1.005  # factor to which the last Hessian has to bound a decrement; else another is made


def newton(
    objective: Objective, theta: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[Iterate]:
    """θ ← θ - t H⁻¹ g with t = 1 near the optimum, where the error squares at each step."""
    point = objective.at(theta)
    decrement, sound = point.decrement, point.metric.sound
    while True:
        yield Iterate(point, decrement, sound=sound)
        after = backtrack(objective, point, point.newton_step, -(point.decrement**2))
        if after is None:
            return
        (decrement, factor), sound = after.bound_by(point), point.metric.sound
        point = after
        if not factor <= NEAR:
            decrement, sound = point.decrement, point.metric.sound

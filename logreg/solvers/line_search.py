"""How far to go along a step."""

import numpy as np
from numpy.typing import NDArray

from logreg.objective import Objective
from logreg.point import Point

Array = NDArray[np.float64]
ROUNDING = 16 * np.finfo(float).eps


def backtrack(
    objective: Objective, point: Point, step: Array, slope: float, *, t: float = 1.0
) -> Point | None:
    """The first point of θ + t step, t falling, where F has fallen enough; None if there is none.

    Enough is Armijo's F(t) ≤ F + 1e-4 t slope. Closer to the optimum than 16 eps |F| the rounding
    of F hides any decrease. F is convex, so there a slope that has not turned above half its size
    proves it; the gradient must have shrunk too (or F after all), or rounding alone would do.
    """
    if not slope < 0:
        return None
    for _ in range(40):
        trial = objective.at(point.theta + t * step)
        change = trial.value - point.value
        if change <= 1e-4 * t * slope:
            return trial
        if abs(change) <= ROUNDING * abs(point.value):
            turned = float(trial.gradient @ step)
            shrunk = np.linalg.norm(trial.gradient) < np.linalg.norm(point.gradient)
            settled = abs(turned) <= -0.5 * slope and (shrunk or change < 0)
            if settled or (turned < 0 and shrunk):
                return trial
        # the minimum of the parabola through F, its slope and F(t), kept within [t/10, t/2]
        lowest = -slope * t * t / (2 * (change - slope * t)) if np.isfinite(change) else 0.0
        t = min(max(lowest, 0.1 * t), 0.5 * t)
    return None

"""Newton's method: the exact Hessian at each step."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from logreg.objective import Objective
from logreg.point import Iterate, Point
from logreg.solvers.line_search import backtrack

NEAR = 0.005  # log-odds that margins may move for a Hessian to bound the next decrement


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
        decrement, sound = bound(point, after), point.metric.sound
        point = after
        if decrement == np.inf:
            decrement, sound = point.decrement, point.metric.sound


def bound(before: Point, point: Point) -> float:
    """The decrement at most, by the Hessian before a step; inf where margins moved too far for it.

    With all margins moved by at most u, each weight σ' falls by no more than a factor e^-u, each
    p_k p_l of several classes by no more than e^-2u where their differences move by u: so
    H ≥ e^-u H_before, and δ ≤ e^(u/2) sqrt(g' H_before⁻¹ g), or e^u of it.
    """
    moved = point.margin - before.margin
    several = len(moved) > 1
    u = float(np.ptp(moved, axis=0).max() if several else np.abs(moved).max())
    if not u <= NEAR:
        return np.inf
    g = point.gradient
    squared = max(float(g @ before.metric.solve(g)), 0.0)
    return float(np.exp(u if several else u / 2) * np.sqrt(squared))

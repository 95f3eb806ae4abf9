"""Gradient descent, as the textbook has it. Start reading here.

The model says that row x belongs to class 1 with probability p = σ(x·w + b). The loss of a row is
minus the logarithm of the probability given to the class it has, -log p or -log(1 - p). Its
derivative with respect to the margin x·w + b is p - y: the denominator that comes from the
logarithm cancels against σ' = σ (1 - σ) = p (1 - p). So the gradient of the whole objective is

    g = Σ_i x_i (p_i - y_i)  +  w / C

("prediction minus truth, times the input, summed; plus the pull of the penalty"), which is
`point.gradient`, and gradient descent walks against it:

    θ ← θ - t g

A step size t that is too large overshoots, one that is too small crawls. *Backtracking* takes a
bold t and shrinks it until F falls enough; after a success the next trial is twice as bold. It
needs no number from the user and always reaches the optimum, since F is convex, but slowly where
columns are correlated: the error shrinks by (κ - 1)/(κ + 1) an iteration, κ being the ratio of the
largest to the smallest curvature. Newton's method and `pgd` cure exactly that.

The Hessian is not needed to walk; only `point.decrement`, which tells how far it still is, uses it.

With an L1 penalty F has a corner where a weight is 0. *Proximal* gradient descent takes the step
for the smooth part and then pulls every weight towards 0 by t l1, to stop there if it would cross:

    θ ← shrink(θ - t g, t l1)
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from logreg.certificate import relative_gap
from logreg.objective import Objective
from logreg.point import Iterate, Point
from logreg.solvers.corners import descend
from logreg.solvers.line_search import backtrack


def gradient_descent(
    objective: Objective, theta: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[Iterate]:
    """θ ← θ - t g, with t found by backtracking."""
    point: Point | None = objective.at(theta)
    t = 1.0
    while point is not None and objective.penalty.has_corners:
        yield Iterate(point, relative_gap(point))
        point, t = descend(objective, point, 2 * t)
    while point is not None:
        yield Iterate(point, point.decrement, sound=point.metric.sound)
        g = point.gradient
        before, point = point, backtrack(objective, point, -g, -float(g @ g), t=2 * t)
        if point is not None:
            t = float(np.linalg.norm(point.theta - before.theta) / np.linalg.norm(g))

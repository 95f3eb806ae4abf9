"""Newton's method with steps by conjugate gradients: the Hessian is multiplied with, never formed.

For more parameters than a matrix can be made of. Far from the optimum a rough step will do; near
it the error of the step is what remains, so the accuracy grows with the decrement's fall
(Eisenstat and Walker 1996).
"""

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from logreg.metric import DiagonalMetric, KroneckerMetric, Metric
from logreg.objective import Objective
from logreg.point import Iterate, Point
from logreg.solvers.conjugate_gradients import conjugate_gradients
from logreg.solvers.line_search import backtrack

Array = NDArray[np.float64]


def newton_cg(objective: Objective, theta: Array, rng: np.random.Generator) -> Iterator[Iterate]:
    """θ ← θ - t p, p near H⁻¹ g."""
    point: Point | None = objective.at(theta)
    while point is not None:
        metric = diagonal_metric(objective, point)
        start = float(np.sqrt(point.gradient @ metric.solve(point.gradient)))
        accuracy = float(np.clip(0.1 * np.sqrt(start), 1e-3, 0.25))
        step, decrement = newton_step_by_conjugate_gradients(point, metric.solve, accuracy)

        better: list[Array] = []  # the step that a proof finds

        def prove(
            tol: float, point: Point = point, metric: Metric = metric, better: list[Array] = better
        ) -> float:
            step, proven = newton_step_by_conjugate_gradients(
                point, metric.solve, 1e-4, patient=True
            )
            better.append(step)
            return proven

        yield Iterate(point, decrement, prove)
        step = better[0] if better else step
        point = backtrack(objective, point, -step, -float(point.gradient @ step))


def diagonal_metric(objective: Objective, point: Point) -> Metric:
    """The diagonal of the Hessian, or of the Kronecker product in place of it."""
    if objective.q == 1:
        return DiagonalMetric(objective.diagonal(point))
    return KroneckerMetric(*objective.kronecker(point, diagonal=True))


def newton_step_by_conjugate_gradients(
    point: Point,
    solve: Callable[[Array], Array],
    accuracy: float = 0.0,
    *,
    patient: bool = False,
) -> tuple[Array, float]:
    """x near H⁻¹ g, and sqrt(g' H⁻¹ g), by conjugate gradients preconditioned by `solve`.

    It stops when the residual has shrunk to `accuracy` of its start in the preconditioner's
    metric, or, unless it is `patient`, when the decrement seems to stand (where columns nearly
    repeat each other it may grow again, along directions of little curvature). The decrement is
    the sum of the terms α r'M⁻¹r, all positive (Hestenes and Stiefel 1952, theorem 6:1); when
    three in a row have added less than a hundredth or six less than a thirtieth, these six are
    counted twice, for the rest.
    """

    def settled(r: Array) -> Array:
        return point.objective.settled(solve(r))

    steps = conjugate_gradients(point.hessian_times, point.gradient, settled)
    x, left, _ = next(steps)
    enough = accuracy**2 * left
    total, recent = 0.0, deque([np.inf] * 6, maxlen=6)
    while left > enough:
        if not patient and (sum(recent) <= total / 30 or sum(list(recent)[3:]) <= total / 100):
            break
        x, left, term = next(steps)
        total += term
        recent.append(term)
    return x, float(np.sqrt(total + min(sum(recent), left)))

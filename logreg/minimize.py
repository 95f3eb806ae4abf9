"""The one loop: it runs a solver, judges when to stop, and keeps the history."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import numpy as np

from logreg.outcome import Outcome
from logreg.point import SMALL, Iterate, Point


class Record(NamedTuple):
    """A row of the history."""

    iteration: int
    objective: float
    gradient_norm: float
    distance: float  # from the optimum, in the objective's `measure`
    passes: float
    seconds: float


@dataclass(frozen=True)
class Solution:
    """Where a fit ended, and why."""

    point: Point
    outcome: Outcome
    decrement: float
    history: list[Record]

    @property
    def converged(self) -> bool:
        return self.outcome is Outcome.CONVERGED

    @property
    def n_iter(self) -> int:
        return self.history[-1].iteration


AGAIN = 0.3  # of its distance at the last: then recession is asked for again
PATIENCE = 30  # iterations without any progress: the rest is rounding

Callback = Callable[[Point, Record], bool]
Confirm = Callable[[Point], bool]


def minimize(
    iterates: Iterator[Iterate],
    *,
    tol: float,
    max_iter: int,
    callback: Callback | None = None,
    enough: float = 0.0,
    confirm: Confirm | None = None,
) -> Solution:
    """Take iterates until one is within `tol` standard errors of the optimum.

    Parameters
    ----------
    iterates : iterator of Iterate
        What a solver yields; its end means that it can go no further.
    tol : float, in the objective's measure
    max_iter : int
    callback : callable (Point, Record) -> bool, optional
        Called once an iteration; True stops the fit.
    enough : float
        A distance at which a fit that rounding stops short of `tol` has converged all the same.
    confirm : callable (Point) -> bool, optional
        Asked where the iterates seem to go to infinity; False says that there is a minimum.

    Returns
    -------
    Solution
    """
    start, history = perf_counter(), []
    outcome, asked, last = Outcome.ROUNDING, SMALL, None
    for n_iter, (point, decrement, prove, sound) in enumerate(iterates):
        if decrement <= tol and prove is not None:
            decrement = prove(tol)
        norm = float(np.linalg.norm(point.gradient))
        seconds = perf_counter() - start
        passes = point.objective.passes
        history.append(Record(n_iter, point.value, norm, decrement, passes, seconds))
        stop = callback is not None and callback(point, history[-1])
        # Recession is asked for where an iterate is near and margins still move, while the
        # curvature of the rows behind it can be seen; and when all else has settled.
        ask = decrement <= tol
        if decrement <= asked * point.objective.unit and point.moved(last):
            ask, asked = True, AGAIN * decrement / point.objective.unit
        last = point
        if point.separates or (ask and point.recedes and (confirm is None or confirm(point))):
            outcome = Outcome.SEPARATED
        elif decrement <= tol:
            outcome = Outcome.CONVERGED if sound else Outcome.ROUNDING
        elif stop:
            outcome = Outcome.INTERRUPTED
        elif n_iter >= max_iter:
            outcome = Outcome.MAX_ITER
        elif stalled(history):
            outcome = Outcome.ROUNDING
        else:
            continue
        break
    if decrement > tol and prove is not None and point.objective.penalty.has_corners:
        decrement = prove(tol)  # what was believed on the way is no bound
        history[-1] = history[-1]._replace(distance=decrement)
    if outcome is Outcome.ROUNDING and sound and decrement <= enough:
        outcome = Outcome.CONVERGED
    return Solution(point, outcome, float(decrement), history)


def stalled(history: list[Record]) -> bool:
    """Whether neither the objective nor the distance has become smaller to speak of for a while."""
    if len(history) <= PATIENCE:
        return False
    before, since = history[:-PATIENCE], history[-PATIENCE:]
    value = min(record.objective for record in before)
    nearest = min(record.distance for record in before[-PATIENCE:])
    return (
        min(record.objective for record in since) >= value - 1e-13 * abs(value)
        and min(record.distance for record in since) >= 0.9 * nearest
    )

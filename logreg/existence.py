"""Whether F has a minimum, and the fit of a problem with what is known of that.

F is convex and never below 0, so it has no minimum exactly where it falls for ever along some
direction u (Rockafellar 1970, Convex Analysis, theorem 27.1). No penalty may rise along u, so u is
0 in all columns that have one; nor any row's loss: the margins of u give no class more than the
row's own, and for some row less. So the columns without a penalty decide, with the intercept:
neither the others, nor C, the offset or the size of the weights have a share in it.

Where no column has a penalty the fit itself will tell, and where all have one F has a minimum.
Between these the likelihood of the free columns alone tells, from weights of 0 and without an
offset: it agreed with a linear program on all of 530 generated tables. Fits of all columns at once
claimed to have converged, or came to a halt with no bound of the distance, on one in seven.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from logreg.minimize import Callback, Solution, minimize
from logreg.objective import Objective
from logreg.outcome import Outcome
from logreg.problem import promised_distance, stopping_distance
from logreg.recession import Witness
from logreg.solvers import choose

TOL, MAX_ITER = 1e-6, 1000  # of the likelihood that decides
SURE = 30.0  # log-odds that an estimate seldom has
TOWARDS = 100  # iterations towards a bound that is not attained


def recedes(objective: Objective, witness: Witness | None = None) -> bool:
    """Whether some columns have a penalty, and those without one separate the classes."""
    if objective.penalty or not objective.penalty.anything:
        return False
    probe = objective.free.without_offset()
    iterates = choose("auto", probe).iterates(probe, probe.start(), np.random.default_rng(0))
    found = minimize(iterates, tol=TOL, max_iter=MAX_ITER, confirm=witness)
    return found.outcome is Outcome.SEPARATED


def solve(
    objective: Objective,
    start: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    receding: bool,
    solver: str,
    tol: float,
    max_iter: int,
    witness: Witness | None = None,
    callback: Callback | None = None,
) -> Solution:
    """The fit with the solver of that name to the user's `tol`; where F is `receding`, towards its
    bound.
    """
    solution = minimize(
        choose(solver, objective).iterates(objective, start, rng),
        tol=stopping_distance(tol, objective),
        max_iter=min(max_iter, TOWARDS) if receding else max_iter,
        callback=callback,
        enough=promised_distance(tol, objective),
        confirm=witness,
    )
    if solution.outcome is Outcome.INTERRUPTED:
        return solution
    return replace(solution, outcome=Outcome.SEPARATED) if receding else judged(solution, witness)


def judged(solution: Solution, witness: Witness | None) -> Solution:
    """The fit with what a linear program says of its end, where that leaves a doubt."""
    if witness and doubtful(solution) and witness.ask(solution.point).separated:
        return replace(solution, outcome=Outcome.SEPARATED)
    return solution


def doubtful(solution: Solution) -> bool:
    """Whether a fit without a penalty may have stopped on the way to infinity: at the limit of
    rounding, with margins that only rounding stopped, or with an offset that hides the others.
    """
    point = solution.point
    objective = point.objective
    if objective.penalty.anything or solution.outcome is Outcome.SEPARATED:
        return False
    near = solution.converged and objective.offset is None
    if near and objective.largest_margin(point) < SURE:
        return False
    return not point.overlaps

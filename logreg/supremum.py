"""The supremum of a likelihood, which of separated classes is not attained.

Along a direction of recession the loss vanishes of the pairs of a row and another class that it
tells apart, and that of no other pair changes. So the supremum is the maximum of the likelihood of
the others alone: of the rows with such a pair, the classes that they are told from left out.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logreg.collinear import null_space
from logreg.existence import judged
from logreg.minimize import Solution, minimize
from logreg.objective import Objective
from logreg.outcome import ConvergenceWarning, Outcome, warn_caller
from logreg.pairs import ROUNDING, Pairs
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.problem import stopping_distance
from logreg.recession import Recession, Witness
from logreg.row_objective import RowObjective
from logreg.solvers import choose

Array = NDArray[np.float64]

TOL, ENOUGH = 1e-8, 1e-4  # standard errors: of such a fit, aimed at and good enough
WEAK = 1e8  # C of a penalty that only makes a Hessian invertible
NEVER = -1e5  # log-odds of a class that a row is told from


class Supremum(NamedTuple):
    """What a likelihood rises to, and where a fit of it ended."""

    llf: float
    point: Point
    separated: bool  # whether it is not attained


def supremum(objective: Objective, near: Array, witness: Witness | None) -> Supremum:
    """From `near` or from no weights: from whichever F is lower. Where columns are correlated, some
    without the others may have their coefficients far in the tails.
    """
    start = _lower(objective, near)
    if not objective.size:
        return Supremum(-start.loss, start, False)
    solution = least(objective, start.theta, witness)
    point = solution.point
    if solution.outcome is Outcome.SEPARATED:
        return Supremum(of_separated(point, witness), point, True)
    if not solution.converged:
        _warn("The fit without the columns that are tested", solution)
    return Supremum(-point.loss, point, False)


def of_separated(point: Point, witness: Witness | None) -> float:
    """The supremum of the log-likelihood, for a point on the way to it: 0 where the point tells
    all rows apart.
    """
    if point.separates:
        return 0.0
    found = None if witness is None else witness.ask(point)
    if witness is None or found is None or not found.separated:
        return -point.loss
    if found.complete:
        return 0.0
    objective = point.objective
    assert isinstance(objective, RowObjective)
    rest, start = others(objective, found, witness.codes)
    solution = least(rest, start)  # the point may be so far that margins are rounding
    if not solution.decrement <= stopping_distance(ENOUGH, rest):
        _warn("The likelihood of the rows that nothing tells apart", solution)
    return -solution.point.loss


def others(
    objective: RowObjective, found: Recession, codes: NDArray[np.intp]
) -> tuple[RowObjective, Array]:
    """F of the pairs that the direction does not tell apart, and where to start."""
    design, K = objective.design, len(found.w)
    margin, size = Pairs(design, codes, K).margins(design.from_user(found.w, found.b))
    told = (margin > ROUNDING * size).reshape(K, -1)
    rows = np.flatnonzero(told.sum(axis=0) < K - 1)
    rest, told = objective.take(rows, np.ones(len(rows))), told[:, rows]
    start = rest.start()
    if not told.any():
        flat = null_space(rest.design, rest.loss.weight)
        return RowObjective(rest.design, rest.loss, rest.penalty, rest.offset, flat), start
    # Of several classes: what is flat for a row then depends on the classes that are left to it.
    # A penalty on columns of one size, so weak that it changes the loss by its square only.
    never: Array = np.where(told, NEVER, 0.0)
    offset = never if rest.offset is None else rest.offset + never
    weak = ElasticNet.of(WEAK, 0.0, design.scale**2)
    return RowObjective(rest.design, rest.loss, weak, offset), start


def _lower(objective: Objective, theta: Array) -> Point:
    """There or at the start, where F is lower."""
    return min((objective.at(theta), objective.at(objective.start())), key=lambda p: p.value)


def least(objective: Objective, theta: Array, witness: Witness | None = None) -> Solution:
    """The minimum of F, begun at theta."""
    solver = "auto" if objective.design.d else "newton"
    solution = minimize(
        choose(solver, objective).iterates(objective, theta, np.random.default_rng(0)),
        tol=stopping_distance(TOL, objective),
        max_iter=1000,
        enough=stopping_distance(ENOUGH, objective),
        confirm=witness,
    )
    return judged(solution, witness)


def _warn(what: str, solution: Solution) -> None:
    sentence = solution.outcome.sentence(
        n_iter=solution.n_iter,
        distance=solution.decrement,
        measure=solution.point.objective.measure,
        tol=ENOUGH,
    )
    warn_caller(f"{what}, for a likelihood: {sentence}", ConvergenceWarning)


def ridge_estimates(plain: Objective) -> Iterator[tuple[Array, Array]]:
    """Weights and intercepts with an ever weaker penalty on columns of one size: a way to the
    supremum of separated classes on which no margin grows without need. (Along a direction that
    tells them apart some may have to grow to thousands before the last one does to 1.)
    """
    rng = np.random.default_rng(0)
    for C in 100.0 ** np.arange(20):
        objective = plain.with_penalty(ElasticNet.of(C, 0.0, plain.design.scale**2))
        fit = choose("auto", objective).iterates(objective, objective.start(), rng)
        point = minimize(fit, tol=0.1, max_iter=200).point
        yield objective.design.to_user(point.theta.reshape(objective.shape))

"""What FirthLogisticRegression solves: the data as a penalised likelihood, its corrections, and the
loop that takes the iterates.
"""

import warnings
from copy import copy
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logreg import inputs
from logreg.design import Design
from logreg.jeffreys import Jeffreys, MedianReduced, MultinomialJeffreys
from logreg.jeffreys_point import JeffreysPoint as Point
from logreg.minimize import Record
from logreg.orthonormal import Orthonormal
from logreg.outcome import CollinearityWarning, Outcome
from logreg.problem import dependence
from logreg.row_blocks import RowBlocks
from logreg.scoring import scoring
from logreg.sigmoid import sigmoid

Array = NDArray[Any]

ROUGH = 1e-2  # standard errors, of a fit that is another's start
HIGHER = 1e-6  # log-likelihood: another maximum


class Fit(NamedTuple):
    """Where the iterations ended, and why."""

    point: Point
    outcome: Outcome
    history: list[Record]


# -- the problems of a fit -------------------------------------------------------------------------


def pose(data: inputs.Data, tau: float, intercept: bool, stacklevel: int = 2) -> Jeffreys:
    """The data as a penalised likelihood; rows of weight 0 are left out."""
    matrix, weight, offset, codes = RowBlocks(data.X), data.weight, data.offset, data.y.codes
    moments = matrix.moments(weight)
    inputs.check_columns(moments, matrix, weight, data.names)
    if weight is not None and not weight.all():
        kept = np.flatnonzero(weight)
        matrix, weight, codes = matrix.take(kept), weight[kept], codes[kept]
        offset = None if offset is None else offset[:, kept]
    design = Design(matrix, moments, intercept=intercept, weight=weight, rotate=False)
    x = Orthonormal(design, weight)
    if not x.rank:
        raise ValueError("X has no column other than zeros, and fit_intercept is False.")
    if x.flat is not None:
        warn_of_dependence(x, data.names, stacklevel + 1)
    K = len(data.y.classes)
    if K > 2:
        relative = None if offset is None else offset[1:] - offset[:1]
        return MultinomialJeffreys(x, codes.astype(np.intp), K - 1, weight, relative, tau)
    flat_offset = None if offset is None else offset[0]
    return Jeffreys(x, codes.astype(np.float64), weight, flat_offset, tau)


def warn_of_dependence(x: Orthonormal, names: Array | None, stacklevel: int) -> None:
    """Say which columns depend on each other, or that there are more of them than rows."""
    design, flat = x.design, x.flat
    assert flat is not None
    if design.d >= design.n:
        what = (
            f"X has {design.d} columns but only {design.n} rows, so that every row can be fitted "
            "by itself"
        )
    else:
        what = dependence(design, flat, names)
    warnings.warn(
        f"{what}: the coefficients are not determined, those of the smallest norm are given. Leave "
        "columns out, or use LogisticRegression with a finite C.",
        CollinearityWarning,
        stacklevel=stacklevel + 1,
    )


def median(problem: Jeffreys) -> MedianReduced:
    """The same data with the median's modified score."""
    if problem.x.flat is not None:
        raise ValueError(
            "correction='median' needs columns that do not depend linearly on each other, as it "
            "acts on each coefficient. Leave columns out, or use correction='firth'."
        )
    return MedianReduced(problem.x, problem.y, problem.weight, problem.offset, problem.tau)


def augmented(point: Point) -> Jeffreys:
    """FLAC's likelihood (Puhr 2017, section 2.4): to each row, two pseudo-rows of weight τ h, one
    of each class, and a covariate that is 1 for them. Together they are one row with y = 1/2.
    """
    problem = point.problem
    weight = np.ones(len(problem.y)) if problem.weight is None else problem.weight
    return Jeffreys(
        problem.x.twice(),
        np.append(problem.y, np.full(len(problem.y), 0.5)),
        np.append(weight, 2.0 * problem.tau * point.hat),
        None if problem.offset is None else np.tile(problem.offset, 2),
        tau=0.0,
    )


def intercept_shift(point: Point) -> float:
    """FLIC (Puhr 2017, section 2.3): what maximum likelihood adds to the intercept alone, the
    root of Σ s (y - σ(margin + shift)); Newton's method, at most 1 at a step.
    """
    problem, margin, shift = point.problem, point.margin[0], 0.0
    s = np.ones(len(margin)) if problem.weight is None else problem.weight
    for _ in range(1000):
        mu, nu = sigmoid(margin + shift), sigmoid(-margin - shift)
        score = float(s @ (problem.y * nu - (1.0 - problem.y) * mu))
        step = score / float(s @ (mu * nu))
        shift += float(np.clip(step, -1.0, 1.0))
        if abs(step) <= 1e-13 * max(1.0, abs(shift)):
            break
    return shift


# -- iterating -------------------------------------------------------------------------------------


def highest(problem: Jeffreys, phi: Array, tol: float, max_iter: int, verbose: int = 0) -> Fit:
    """The fit begun at φ; with an offset the best of several, as ℓ* may have several maxima then:
    of 3,821 small tables a single start missed the highest in 204, these four in 12.
    """
    fit = iterate(problem, phi, tol, max_iter, verbose)
    if problem.offset is None or not problem.tau:
        return fit
    for part in ({"offset": None}, {"tau": 0.4 * problem.tau}, {"tau": 0.1 * problem.tau}):
        other = copy(problem)
        vars(other).update(part)
        start = iterate(other, other.start(), ROUGH, min(max_iter, 60)).point.phi
        again = iterate(problem, start, tol, max_iter)
        higher = again.point.value > fit.point.value + HIGHER
        if higher and again.outcome is Outcome.CONVERGED:
            fit = again
    return fit


def iterate(problem: Jeffreys, phi: Array, tol: float, max_iter: int, verbose: int = 0) -> Fit:
    """Take iterates until one is within `tol` standard errors of the solution."""
    start, history, outcome = perf_counter(), [], Outcome.ROUNDING
    for n_iter, point in enumerate(scoring(problem, phi)):
        norm = float(np.linalg.norm(point.score))
        seconds = perf_counter() - start
        record = Record(n_iter, -point.value, norm, point.decrement, problem.reads, seconds)
        history.append(record)
        if verbose:
            tell(record)
        if record.distance <= tol:
            outcome = Outcome.SEPARATED if point.recedes else Outcome.CONVERGED
        elif n_iter >= max_iter:
            outcome = Outcome.MAX_ITER
        else:
            continue
        break
    return Fit(point, outcome, history)


def joined(first: Fit, second: Fit) -> Fit:
    """A fit that begins where another ended, with one history; the worse outcome counts."""
    last = first.history[-1]
    later = [
        r._replace(
            iteration=last.iteration + r.iteration,
            passes=last.passes + r.passes,
            seconds=last.seconds + r.seconds,
        )
        for r in second.history[1:]
    ]
    outcome = second.outcome if first.outcome is Outcome.CONVERGED else first.outcome
    return Fit(second.point, outcome, first.history + later)


def tell(record: Record) -> None:
    """Print a line for the iteration."""
    if record.iteration == 0:
        print("iteration        objective   std. errors   passes   seconds")
    print(
        f"{record.iteration:9d} {record.objective:16.9g} {record.distance:13.1e} "
        f"{record.passes:8.1f} {record.seconds:9.3f}"
    )

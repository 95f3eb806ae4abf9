"""Tests of hypotheses about coefficients: Wald, likelihood ratio, and score.

All three ask whether some linear functions of the parameters are zero, and are chi-squared with as
many degrees of freedom under that hypothesis. Wald's looks at the distance of the estimate in its
own metric, the likelihood ratio at the fall of F, the score test at its slope at the restricted
optimum; the last two are invariant to how the parameters are written.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import svd
from scipy.special import chdtrc

from logreg.collinear import NOTHING
from logreg.contrasts import Contrasts
from logreg.metric import FullMetric, triangle
from logreg.minimize import Solution, minimize
from logreg.objective import Objective
from logreg.outcome import ConvergenceWarning, Outcome, warn_caller
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.problem import stopping_distance
from logreg.solvers import choose

Array = NDArray[np.float64]

TOL, ENOUGH = 1e-8, 1e-4  # standard errors: of a restricted fit, aimed at and good enough
NESTED = 1e-6  # of its deviation: what may be left of a column that is a function of others


class ChiSquared(NamedTuple):
    """A chi-squared statistic, its degrees of freedom and its p-value."""

    statistic: float
    df: int
    pvalue: float

    @classmethod
    def of(cls, statistic: float, df: int) -> "ChiSquared":
        return cls(float(statistic), int(df), float(chdtrc(df, statistic)) if df else np.nan)

    def __str__(self) -> str:
        return f"chi2({self.df}) = {self.statistic:.4g}, p = {self.pvalue:.4g}"


def wald(estimate: Array, cov: Array, r: Array, value: Array) -> ChiSquared:
    """(Rβ - v)' (R Σ R')⁻¹ (Rβ - v)."""
    away = r @ estimate - value
    metric = FullMetric(r @ cov @ r.T)
    if not metric.sound:
        raise ValueError(
            "The covariance of what is tested is singular: some hypotheses follow from others, or "
            "there are fewer clusters than hypotheses. Test fewer at once."
        )
    return ChiSquared.of(float(away @ metric.solve(away)), len(r))


class Restricted(NamedTuple):
    """Where F is least with some columns left out, as a point of the whole problem."""

    point: Point
    df: int  # how many parameters were free to be something else than zero
    separated: bool  # whether that is towards infinity


def optimum(objective: Objective, near: Array) -> tuple[Point, bool]:
    """Where F is least, from `near` or from no weights: from whichever F is lower; and whether the
    classes are separated. Where columns are correlated, the others' coefficients alone may lie far
    in the tails.
    """
    best = min((objective.at(near), objective.at(objective.start())), key=lambda p: p.value)
    if not objective.size:
        return best, False
    solution = least(objective, best.theta)
    separated = solution.outcome is Outcome.SEPARATED
    if not (solution.converged or separated):
        _warn("The fit without the columns that are tested", solution)
    return solution.point, separated


def least(objective: Objective, theta: Array) -> Solution:
    """The minimum of F, begun at theta."""
    solver = "auto" if objective.design.d else "newton"
    return minimize(
        choose(solver, objective).iterates(objective, theta, np.random.default_rng(0)),
        tol=stopping_distance(TOL, objective),
        max_iter=1000,
        enough=stopping_distance(ENOUGH, objective),
    )


def _warn(what: str, solution: Solution) -> None:
    sentence = solution.outcome.sentence(
        n_iter=solution.n_iter,
        distance=solution.decrement,
        measure=solution.point.objective.measure,
        tol=ENOUGH,
    )
    warn_caller(f"{what}: {sentence}", ConvergenceWarning)


def without(point: Point, contrasts: Contrasts, places: NDArray[np.intp]) -> Restricted:
    """The optimum where these parameters are zero."""
    objective = point.objective
    names = np.unique(places % len(contrasts.names)) - contrasts.intercept
    if (names < 0).any():
        raise ValueError("A test of the intercept: use wald_test, which needs no other fit.")
    keep = np.setdiff1d(np.arange(objective.design.d), names)
    part = objective.alone(keep)
    best, separated = optimum(part, objective.restricted(point.theta, keep))
    df = (rank(objective) - rank(part)) * len(contrasts.of_classes)
    return Restricted(objective.at(objective.extended(best.theta, keep)), df, separated)


def rank(objective: Objective) -> int:
    """Of the design matrix."""
    return objective.design.width - (0 if objective.flat is None else objective.flat.shape[1])


def contains(large: Objective, small: Objective) -> bool:
    """Whether each column of the smaller design is a linear function of the larger one's: by the
    triangle of Q R of both, block by block.
    """
    n, k = large.design.n, large.design.width
    root = np.ones(n) if large.loss.weight is None else np.sqrt(large.loss.weight)
    # the intercept first: what is left of a column then is its deviation from the mean
    order = np.roll(np.arange(k), int(large.design.intercept))
    upper, size = np.empty((0, k + small.design.width)), 2**16 // (k + small.design.width) + 4 * k
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        parts = [
            objective.design.standard_rows(rows, np.empty((size, objective.design.width)))
            for objective in (large, small)
        ]
        block = np.hstack([parts[0][:, order], parts[1]]) * root[rows, None]
        upper = triangle(np.vstack([upper, block]))
    q, sizes, _ = svd(upper[:, :k], full_matrices=False)
    basis = q[:, sizes > NOTHING * sizes.max()]
    columns = upper[:, k:]
    rest = columns - basis @ (basis.T @ columns)
    free = columns[int(large.design.intercept) :]
    allowed = NESTED * np.linalg.norm(free, axis=0) + NOTHING * np.linalg.norm(columns, axis=0)
    return bool(np.all(np.linalg.norm(rest, axis=0) <= allowed))


def supremum(point: Point) -> float:
    """The log-likelihood there; or 0, which it nears beyond, where the point tells all rows apart.

    A fit of separated classes stops at the first such point: its F may still be large.
    """
    return 0.0 if point.separates else -point.loss


def beyond(point: Point, w: Array, b: Array) -> Point:
    """Where the rows that a direction does not tell apart are best fitted, and the others' loss is
    next to nothing: F is near its infimum.
    """
    objective = point.objective
    along, length = objective.design.from_user(w, b).ravel(), 1.0
    far = objective.at(point.theta + along)
    while far.value < point.value * (1 - 1e-12) and length < 1e15:
        length, point = 4 * length, far
        far = objective.at(point.theta + length * along)
    solution = least(objective, point.theta)  # the curvature of the others has gone to rounding
    if not solution.decrement <= stopping_distance(ENOUGH, objective):
        _warn("The likelihood of the rows that nothing tells apart", solution)
    return solution.point


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


def likelihood_ratio(llf: float, restricted: Restricted) -> ChiSquared:
    """Twice the fall of the log-likelihood."""
    return ChiSquared.of(max(2 * (llf - supremum(restricted.point)), 0.0), restricted.df)


def score(restricted: Restricted) -> ChiSquared:
    """g' H⁻¹ g at the restricted optimum (Rao 1948)."""
    if restricted.separated:
        raise ValueError(
            "The other columns alone separate the classes: without those that are tested there is "
            "no estimate at which to take the slope. Use lr_test."
        )
    return ChiSquared.of(restricted.point.decrement**2, restricted.df)

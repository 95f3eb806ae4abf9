"""Tests of hypotheses about coefficients: Wald, likelihood ratio, and score.

All three ask whether some linear functions of the parameters are zero, and are chi-squared with as
many degrees of freedom under that hypothesis. Wald's looks at the distance of the estimate in its
own metric, the likelihood ratio at the fall of F, the score test at its slope at the restricted
optimum; the last two are invariant to how the parameters are written.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import svd
from scipy.special import chdtrc

from logreg.collinear import NOTHING
from logreg.contrasts import Contrasts
from logreg.metric import FullMetric, triangle
from logreg.objective import Objective
from logreg.point import Point
from logreg.recession import Witness
from logreg.supremum import Supremum, supremum

Array = NDArray[np.float64]

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
    """Where F is least with some columns left out."""

    best: Supremum
    point: Point  # of the whole problem
    df: int  # how many parameters were free to be something else than zero


def without(
    point: Point, contrasts: Contrasts, places: NDArray[np.intp], witness: Witness | None
) -> Restricted:
    """The optimum where these parameters are zero."""
    objective = point.objective
    names = np.unique(places % len(contrasts.names)) - contrasts.intercept
    if (names < 0).any():
        raise ValueError("A test of the intercept: use wald_test, which needs no other fit.")
    keep = np.setdiff1d(np.arange(objective.design.d), names)
    part = objective.alone(keep)
    best = supremum(part, objective.restricted(point.theta, keep), witness)
    df = (rank(objective) - rank(part)) * len(contrasts.of_classes)
    return Restricted(best, objective.at(objective.extended(best.point.theta, keep)), df)


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


def likelihood_ratio(llf: float, restricted: Restricted) -> ChiSquared:
    """Twice the fall of the log-likelihood."""
    return ChiSquared.of(max(2 * (llf - restricted.best.llf), 0.0), restricted.df)


def score(restricted: Restricted) -> ChiSquared:
    """g' H⁻¹ g at the restricted optimum (Rao 1948)."""
    if restricted.best.separated:
        raise ValueError(
            "The other columns alone separate the classes: without those that are tested there is "
            "no estimate at which to take the slope. Use lr_test."
        )
    return ChiSquared.of(restricted.point.decrement**2, restricted.df)

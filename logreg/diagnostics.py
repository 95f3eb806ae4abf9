"""How well a model fits, as a whole and row by row: of two classes.

p is the probability of class 1, y the class, s the weight, v = p (1 - p), h the leverage.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from logreg.covariance import residuals
from logreg.point import Point
from logreg.significance import ChiSquared

Array = NDArray[np.float64]

KINDS = ("response", "pearson", "deviance", "standardized_pearson", "standardized_deviance")


class HosmerLemeshow(NamedTuple):
    """The test, and the table behind it: rows, mean probability, cases seen and expected."""

    statistic: float
    df: int
    pvalue: float
    size: Array
    probability: Array
    observed: Array
    expected: Array

    def __str__(self) -> str:
        return str(ChiSquared(self.statistic, self.df, self.pvalue))


def leverage(point: Point) -> Array:
    """h_i = s_i v_i x_i' H⁻¹ x_i, the diagonal of the hat matrix, (n,): it adds up to k."""
    design, metric = point.objective.design, point.metric
    diag, _ = point.objective.loss.curvature(point.margin, slice(0, design.n))
    out = np.empty(design.n)

    def kernel(blocks: Sequence[slice]) -> tuple[()]:
        scratch = np.empty((blocks[0].stop - blocks[0].start, design.width))
        for rows in blocks:
            x = design.standard_rows(rows, scratch)
            out[rows] = diag[0, rows] * metric.deviations(x) ** 2
        return ()

    design.matrix.add_up(kernel, width=design.width, products=design.width)
    return out


def row_residuals(point: Point, kind: str) -> Array:
    """(n,): y - p; that over its standard deviation; or the signed root of the row's deviance.

    A weight counts as so many rows that agree, as in R: Pearson's and the deviance's are times its
    root. The standardised ones are divided by sqrt(1 - h).
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is unknown; there are {', '.join(map(repr, KINDS))}.")
    raw = -residuals(point)[0]  # y - p
    if kind == "response":
        return np.asarray(raw)
    weight = point.objective.loss.weight
    root = 1.0 if weight is None else np.sqrt(weight)
    wrong = np.abs(raw)  # the probability of the other class
    if kind.endswith("pearson"):
        # (y - p)/sqrt(p (1 - p)) = ± exp(|half the margin|): no 1 - p to lose
        out = np.sign(raw) * np.exp(_against(point) / 2) * root
    else:
        out = np.sign(raw) * np.sqrt(-2 * np.log1p(-np.minimum(wrong, 0.5)))
        large = wrong > 0.5
        out[large] = np.sign(raw[large]) * np.sqrt(2 * np.logaddexp(0, _against(point)[large]))
        out *= root
    if kind.startswith("standardized"):
        out = out / np.sqrt(np.maximum(1 - leverage(point), np.finfo(float).tiny))
    return np.where(np.broadcast_to(root, out.shape) > 0, out, 0.0)


def _against(point: Point) -> Array:
    """The log-odds of the class that did not come true, (n,)."""
    margin = point.margin[0]
    return np.asarray(np.where(residuals(point)[0] > 0, margin, -margin))


def cooks_distance(point: Point, k: float) -> Array:
    """How far the estimate would move without a row, (n,): r² h / (k (1 - h)²), r Pearson's
    residual and k the parameters, with a penalty the effective ones (Pregibon 1981, by one step;
    R's cooks.distance).
    """
    h = leverage(point)
    pearson = row_residuals(point, "pearson")
    distance: Array = pearson**2 * h / (k * np.maximum(1 - h, np.finfo(float).tiny) ** 2)
    return distance


def hosmer_lemeshow(p: Array, y: Array, weight: Array | None, groups: int) -> HosmerLemeshow:
    """Σ_g (O - E)² / (E (1 - E/n)) over groups of about equal size in the order of p; rows of the
    same p stay together (Hosmer and Lemeshow 1980).
    """
    if not (isinstance(groups, (int, np.integer)) and groups > 2):
        raise ValueError(f"groups must be an integer of at least 3, got {groups!r}.")
    s = np.ones(len(p)) if weight is None else weight
    order = np.argsort(p, kind="stable")
    order = order[s[order] > 0]
    last = np.cumsum(s[order])
    # R's quantiles (type 7) of the rows as often as their weights say: between the order statistics
    # on either side, in R in the lower group where p is the same
    place = np.arange(1, groups) / groups * (last[-1] - 1) + 1
    below, share = np.floor(place), place - np.floor(place)
    low, high = (
        p[order[np.minimum(np.searchsorted(last, rank), len(order) - 1)]]
        for rank in (below, below + 1)
    )
    share = low + share * (high - low)
    at = np.searchsorted(np.unique(share), p, side="left")
    sums = np.array([np.bincount(at, x) for x in (s, s * p, s * y)], dtype=np.float64)
    size, expected, seen = sums[:, sums[0] > 0]
    variance = expected * (1 - expected / size)
    off = (seen - expected) ** 2
    statistic = float(np.sum(np.divide(off, variance, out=np.zeros_like(off), where=variance > 0)))
    df = len(size) - 2
    if df < 1:
        raise ValueError(
            f"Only {len(size)} groups of different probabilities: the Hosmer-Lemeshow test needs "
            "at least three."
        )
    return HosmerLemeshow(
        statistic, df, float(chdtrc(df, statistic)), size, expected / size, seen, expected
    )


def pseudo_r2(llf: float, llnull: float, n: float | None) -> dict[str, float]:
    """By the likelihoods alone: of McFadden (1974), and of Cox and Snell (1989) and Nagelkerke
    (1991) where n counts the rows.
    """
    if n is None:
        return {"mcfadden": 1 - llf / llnull}
    cox_snell = -np.expm1(2 * (llnull - llf) / n)
    return {
        "mcfadden": 1 - llf / llnull,
        "cox_snell": float(cox_snell),
        "nagelkerke": float(cox_snell / -np.expm1(2 * llnull / n)),
    }


def tjur_r2(p: Array, y: Array, weight: Array | None) -> float:
    """The difference of the classes' mean probabilities (Tjur 2009)."""
    s = np.ones(len(p)) if weight is None else weight
    return float(np.average(p, weights=s * y) - np.average(p, weights=s * (1 - y)))

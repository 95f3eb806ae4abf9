"""How far a point is from the optimum at most: bounds on F(θ) - F*, but for rounding.

**With ridge: the duality gap.** The dual point is given by the residuals, made to sum to zero for
the free intercept. Let g_b be the intercepts' gradient, S their q × q information, c = S⁻¹ g_b,
and move each residual by δ_i = -W_i c, so that the sums vanish. A dual point p + δ costs at most
the χ² distance more than p (KL ≤ χ²), so

    F - F*  ≤  c'S c + (C/2) ‖g_w + X'δ‖²,    |X'δ|_j ≤ sqrt(Σ_i δ_i²/s_i Σ_i s_i x_ij²),

with x measured from the column means. All terms are at hand; at g_b = 0 it is the gap itself.

**With the Hessian at hand: self-concordance.** The curvature of the log loss changes at most by
e^u when margins move by u (two classes; with more, the range of the moves). With M the largest
move of a margin by a step of length 1 in the metric H, and u = M δ < 1,

    F - F*  ≤  [u + (1 - u) log(1 - u)] / M²  =  δ²/2 + O(u δ²),

by integrating h'' ≥ e^-Mt h''(0) along the way to the optimum (as in Bach 2010, Self-concordant
analysis for logistic regression, section 3). For two classes M = max_i sqrt(x̃_i' H⁻¹ x̃_i), the
largest standard error of a margin; for more, twice the largest over rows and classes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from logreg.metric import FullMetric
from logreg.point import Point

Array = NDArray[np.float64]

# Multiplications that the largest deviation may cost: where the dual bound is there as well, and
# where it is not. It takes twice a Hessian's time.
WORTH_IT, AFFORDABLE = 2e8, 2e10
ROUGH = 1e-4  # decrement


def gap(point: Point, decrement: float = 0.0) -> float:
    """An upper bound on F(θ) - F*; inf where none is known.

    With a penalty, a fit that ended at a large `decrement` is not worth a Hessian for its bound.
    """
    bound = np.inf
    if point.objective.penalty:  # F* > 0, so that F itself is a bound
        bound = float(np.fmin(_duality_gap(point), point.value))
    # The dual bound is loose for columns of large values: then the Hessian is worth its price.
    if not (bound <= 1e-9 * abs(point.value) or (bound < np.inf and decrement > ROUGH)):
        bound = min(bound, _self_concordant_gap(point))
    return bound if np.isfinite(bound) else np.inf


def dual_distance(point: Point) -> float:
    """A bound on the decrement that needs no Hessian, with a penalty: F - F* ≥ δ²/2 but for the
    third order, and the duality gap is above it. Near where the penalty rules.
    """
    if not point.objective.penalty:
        return np.inf
    bound = np.sqrt(2 * _duality_gap(point))
    return float(bound) if np.isfinite(bound) else np.inf


def _duality_gap(point: Point) -> float:
    objective, design = point.objective, point.objective.design
    gradient = point.gradient.reshape(objective.shape)
    if not design.intercept:
        return objective.penalty.gap(gradient * design.scale)
    diag, root = objective.loss.curvature(point.margin, slice(0, design.n))
    g_b = gradient[:, -1]
    c = _intercept_step(diag, root, g_b)
    if c is None or np.ptp(np.append(c, 0.0)) > 1:
        return np.inf  # the moved residuals may leave [0, 1]
    delta = diag * c[:, None]
    if root is not None:
        delta -= root * (c @ root)
    delta *= delta
    if objective.loss.weight is not None:
        weight = objective.loss.weight
        delta *= np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0)
    moved = np.sqrt(delta.sum(axis=1))[:, None] * design.column_norm
    w_gradient = np.abs(gradient[:, :-1] * design.scale) + moved
    return max(float(c @ g_b), 0.0) + objective.penalty.gap(w_gradient)


def _intercept_step(diag: Array, root: Array | None, g_b: Array) -> Array | None:
    """S⁻¹ g_b with S the information of the intercepts alone, one class of several held at 0."""
    if root is None:
        step: Array = g_b / diag.sum()
        return step
    information = root @ root.T
    np.fill_diagonal(information, 0.0)
    information = np.diag(information.sum(axis=1)) - information  # Σ_l p_k p_l: nothing cancels
    others = np.arange(len(g_b)) != np.diag(information).argmax()
    metric = FullMetric(information[np.ix_(others, others)])
    if not metric.sound:
        return None
    c = np.zeros_like(g_b)
    c[others] = metric.solve(g_b[others])
    return c


def _self_concordant_gap(point: Point) -> float:
    q, width = point.objective.shape
    design = point.objective.design
    limit = WORTH_IT if point.objective.penalty else AFFORDABLE
    if q * design.n * (q * width) ** 2 > limit:
        return np.inf
    if not point.metric.sound:
        return np.inf
    move = point.reach
    if not move * point.decrement <= 0.3:  # else the exact one would change a tenth at most
        move = _largest_deviation(point)
    u = move * point.decrement
    if u >= 1:
        return np.inf
    if u < 1e-4:  # the series: below it u and (1 - u) log(1 - u) cancel
        return point.decrement**2 * (0.5 + u / 6 + u * u / 6)
    return float(u + (1 - u) * np.log1p(-u)) / move**2


def _largest_deviation(point: Point) -> float:
    """M: the largest standard error of a margin, at the price of two Hessians."""
    design, metric = point.objective.design, point.metric
    q, width = point.objective.shape

    def kernel(blocks: Sequence[slice]) -> tuple[list[float]]:
        out = np.empty((blocks[0].stop - blocks[0].start, width))
        return ([metric.deviations(design.standard_rows(rows, out)).max() for rows in blocks],)

    return float(max(design.matrix.add_up(kernel, width=q * width, products=width)[0]))

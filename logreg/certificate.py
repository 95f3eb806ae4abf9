"""How far a point is from the optimum at most: rigorous bounds on F(θ) - F*.

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
from scipy.linalg import solve_triangular

from logreg.objective import Point

Array = NDArray[np.float64]

AFFORDABLE = 2e10  # multiplications for the largest deviation; beyond, no bound is reported


def gap(point: Point) -> float:
    """An upper bound on F(θ) - F*; inf where none is known."""
    bound = _duality_gap(point) if point.objective.penalty else np.inf
    # The dual bound is loose for columns of large values: then the Hessian is worth its price.
    if not bound <= 1e-9 * abs(point.value):
        bound = min(bound, _self_concordant_gap(point))
    return bound if np.isfinite(bound) else np.inf


def _duality_gap(point: Point) -> float:
    objective, design = point.objective, point.objective.design
    gradient = point.gradient.reshape(objective.shape)
    if not design.intercept:
        return objective.penalty.gap(gradient * design.scale)
    diag, root = objective.loss.curvature(point.margin, slice(0, design.n))
    information = np.diag(diag.sum(axis=1))
    if root is not None:
        information -= root @ root.T
    g_b = gradient[:, -1]
    c = np.linalg.pinv(information, hermitian=True) @ g_b
    if np.ptp(np.append(c, 0.0) if root is None else c) > 1:
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
    return float(c @ g_b) + objective.penalty.gap(w_gradient)


def _self_concordant_gap(point: Point) -> float:
    q, width = point.objective.shape
    if q * point.objective.design.n * (q * width) ** 2 > AFFORDABLE:
        return np.inf
    move = (1.0 if q == 1 else 2.0) * _largest_deviation(point)
    u = move * point.decrement
    if u >= 1:
        return np.inf
    if u < 1e-4:  # the series: below it u and (1 - u) log(1 - u) cancel
        return point.decrement**2 * (0.5 + u / 6 + u * u / 6)
    return float(u + (1 - u) * np.log1p(-u)) / move**2


def _largest_deviation(point: Point) -> float:
    """max_i sqrt(x̃_i' [H⁻¹]_kk x̃_i), over the outputs k too, by triangular solves."""
    design, (q, width) = point.objective.design, point.objective.shape
    lower, root = point.metric.lower, point.metric.root.reshape(q, width)

    def kernel(blocks: Sequence[slice]) -> tuple[list[float]]:
        largest = 0.0
        out = np.empty((blocks[0].stop - blocks[0].start, width))
        for rows in blocks:
            x = design.standard_rows(rows, out)
            for k in range(q):
                below = slice(k * width, None)
                right = np.zeros((len(lower) - k * width, len(x)))
                right[:width] = (x / root[k]).T
                solved = solve_triangular(
                    lower[below, below], right, lower=True, overwrite_b=True, check_finite=False
                )
                largest = max(largest, float(np.einsum("ij,ij->j", solved, solved).max()))
        return ([largest],)

    return float(np.sqrt(max(design.add_up(kernel, width=q * width)[0])))

"""How far a point is from the optimum at most: bounds on F(θ) - F*, but for rounding.

**With ridge: the duality gap.** The dual point is given by the residuals, made to sum to zero for
the free intercept. Let g_b be the intercepts' gradient, S their q × q information, c = S⁻¹ g_b,
and move each residual by δ_i = -W_i c, so that the sums vanish. A dual point p + δ costs at most
the χ² distance more than p (KL ≤ χ²), so

    F - F*  ≤  c'S c + (C/2) ‖g_w + X'δ‖²,    |X'δ|_j ≤ sqrt(Σ_i δ_i²/s_i Σ_i s_i x_ij²),

with x measured from the column means. All terms are at hand; at g_b = 0 it is the gap itself.

**With an L1 part** the dual point must satisfy |X'(residual + δ)|_j ≤ l1_j where a column has no
ridge part: all residuals are shrunk by one factor `share`. The rows cost Σ s_i KL(q_i ‖ p_i) then,
q being the probabilities with these residuals, and every term of the gap is still non-negative.
That gap is as large as the gradient. Near the optimum δ can bring the weights that are not 0 to
rest too, as it does with the intercept: δ = -W X̃_A S⁻¹ (g + l1 sign)_A. It costs the square of
the distance, and only the columns at 0 still need `share` (mostly 1).

**With the Hessian at hand: self-concordance.** The curvature of the log loss changes at most by
e^u when margins move by u (two classes; with more, the range of the moves). With M the largest
move of a margin by a step of length 1 in the metric H, and u = M δ < 1,

    F - F*  ≤  [u + (1 - u) log(1 - u)] / M²  =  δ²/2 + O(u δ²),

by integrating h'' ≥ e^-Mt h''(0) along the way to the optimum (as in Bach 2010, Self-concordant
analysis for logistic regression, section 3). For two classes M = max_i sqrt(x̃_i' H⁻¹ x̃_i), the
largest standard error of a margin; for more, twice the largest over rows and classes.
"""

import numpy as np
from numpy.typing import NDArray

from logreg.metric import FullMetric
from logreg.objective import Shift
from logreg.point import Point

Array = NDArray[np.float64]

# Multiplications that the largest deviation may cost: where the dual bound is there as well, and
# where it is not. It takes twice a Hessian's time.
WORTH_IT, AFFORDABLE = 2e8, 2e10
ROUGH = 1e-4  # decrement
TIGHT, ROUGH_GAP = 1e-11, 1e-2  # relative gaps between which a correction pays


def gap(point: Point, distance: float | None = None) -> float:
    """An upper bound on F(θ) - F*; inf where none is known.

    Where a fit has ended at a known distance, in the objective's measure, that is the gap itself if
    there are corners; else a large one is not worth a Hessian for its bound.
    """
    if point.objective.penalty.has_corners:  # F* > 0, so that F itself is a bound
        share = relative_gap(point) if distance is None else distance
        return float(np.fmin(share, 1.0)) * point.value
    bound = np.inf
    if point.objective.penalty.anything:
        bound = float(np.fmin(_duality_gap(point), point.value))
    rough = distance is not None and distance > ROUGH
    # The dual bound is loose for columns of large values: then the Hessian is worth its price.
    if not (bound <= 1e-9 * abs(point.value) or (bound < np.inf and rough)):
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


def relative_gap(point: Point) -> float:
    """The duality gap as a share of F: what a fit with corners in its penalty stops on."""
    return _duality_gap(point) / point.value if point.value > 0 else 0.0


def least_relative_gap(point: Point) -> float:
    """The part of it that is known without looking at the rows."""
    objective, design = point.objective, point.objective.design
    w = design.of_block(point.theta.reshape(objective.shape))[0]
    w_gradient = point.gradient.reshape(objective.shape)[:, : design.d] * design.scale
    penalty = objective.penalty
    least = penalty.gap(w, w_gradient, share=penalty.within(w, w_gradient))
    if penalty.has_squares:
        least = min(least, penalty.gap(w, w_gradient))
    return least / point.value if point.value > 0 else 0.0


def _duality_gap(point: Point) -> float:
    objective, design = point.objective, point.objective.design
    w = design.of_block(point.theta.reshape(objective.shape))[0]
    w_gradient = point.gradient.reshape(objective.shape)[:, : design.d] * design.scale
    if not design.intercept and objective.penalty:
        still = objective.shift(point, np.zeros(objective.size))
        return _bound(point, w, w_gradient, np.zeros_like(w), 0.0, still)
    cost, shift = _at_rest(point)
    if shift is None or not cost < np.inf:
        return np.inf
    plain = _bound(point, w, w_gradient, _moved(point, shift), cost, shift)
    if not (
        objective.penalty.has_corners and TIGHT * point.value < plain < ROUGH_GAP * point.value
    ):
        return plain
    return min(plain, _corrected_gap(point, w, w_gradient))


def _bound(
    point: Point, w: Array, w_gradient: Array, moved: Array, cost: float, shift: Shift
) -> float:
    """The gap at the residuals less δ, which costs the rows so much at most, where the gradient
    of the smooth part is this but for what δ moves.
    """
    penalty = point.objective.penalty
    bound = cost + penalty.gap(w, w_gradient, moved) if penalty.has_squares else np.inf
    if penalty.has_corners:
        share = penalty.within(w, w_gradient, moved)
        rows = cost if share == 1 else shift.divergence(share)
        bound = min(bound, rows + penalty.gap(w, w_gradient, moved, share))
    return bound


def _corrected_gap(point: Point, w: Array, w_gradient: Array) -> float:
    """The gap where δ brings the weights that are not 0 to rest as well: the square of the distance
    where the plain one is its first power, and where rounding has the last word, far below it.
    """
    objective = point.objective
    q, d = objective.q, objective.design.d
    sign, corner = np.sign(point.theta), objective.threshold
    held = (corner > 0) & (sign == 0)
    index = np.flatnonzero(~held.reshape(objective.shape)[:, :d].all(axis=0))
    part = objective.columns(index).stronger(0.0)
    limit = WORTH_IT / (20 if objective.design.matrix.sparse else 1)  # it is made dense for that
    if objective.design.n * (q * part.size) ** 2 > limit:
        return np.inf
    moves = objective.restricted(np.where(held, 0.0, 1.0), index).reshape(part.shape) > 0
    if q > 1:  # one number added to all classes changes no margin: one of them stands still
        moves[-1, moves.all(axis=0)] = False
    pull = objective.restricted(point.gradient + corner * sign, index)
    places = np.flatnonzero(moves)
    metric = FullMetric(part.hessian(point)[np.ix_(places, places)])
    if not metric.sound:
        return np.inf
    c = np.zeros(part.size)
    c[places] = metric.solve(pull[places])
    shift = part.shift(point, c)
    cost = _cost(shift, float(c @ pull))
    if not cost < np.inf:
        return np.inf
    exact = objective.extended(np.where(moves, 1.0, 0.0), index).reshape(objective.shape)[:, :d] > 0
    at_rest = np.where(exact, -objective.penalty.l1 * np.sign(w), w_gradient)
    return _bound(point, w, at_rest, np.where(exact, 0.0, _moved(point, shift)), cost, shift)


def _at_rest(point: Point) -> tuple[float, Shift | None]:
    """What brings the intercepts and the columns without a penalty to rest: the residuals less
    δ = W X̃_F c with c = S⁻¹ g_F, S = X̃_F'W X̃_F, and what the rows cost for it at most; or inf.
    """
    objective = point.objective
    index = objective.penalty.free(objective.design.d)
    g = objective.restricted(point.gradient, index)
    if len(index):
        metric, part = objective.free.metric(objective.free.hessian(point)), objective.free
        c = metric.solve(g) if metric.sound else None
    else:
        part, c = objective, _intercept_step(objective.intercept_information(point), g)
    if c is None:
        return np.inf, None
    shift = part.shift(point, c if len(index) else objective.extended(c, index))
    return _cost(shift, float(c @ g)), shift


def _cost(shift: Shift, cost: float) -> float:
    """What the rows cost for it; inf where the moved residuals may leave [0, 1]."""
    return max(cost, 0.0) if shift.widest <= 1 else np.inf


def _moved(point: Point, shift: Shift) -> Array:
    """A bound on what δ does to the gradient of each weight, (q, d): sqrt(Σ δ²/s Σ s x²)."""
    moved: Array = shift.norm[:, None] * point.objective.design.column_norm
    return moved


def _intercept_step(information: Array, g_b: Array) -> Array | None:
    """S⁻¹ g_b with S the information of the intercepts alone, one class of several held at 0."""
    if len(g_b) == 1:
        step: Array = g_b / information[0]
        return step
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
    decrement: float = point.decrement
    if not move * decrement <= 0.3:  # else the exact one would change a tenth at most
        move = point.objective.largest_deviation(point.metric)
    u = move * decrement
    if u >= 1:
        return np.inf
    if u < 1e-4:  # the series: below it u and (1 - u) log(1 - u) cancel
        return decrement**2 * (0.5 + u / 6 + u * u / 6)
    return float(u + (1 - u) * np.log1p(-u)) / move**2

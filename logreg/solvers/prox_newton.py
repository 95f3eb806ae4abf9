"""Newton's method where weights may be exact zeros: for penalties with an L1 part.

F has a corner wherever a weight is 0. With g the gradient of its smooth part, the optimum has
|g_j| ≤ l1_j where w_j = 0 and g_j = -l1_j sign(w_j) elsewhere. *Proximal Newton* (Lee, Sun and
Saunders 2014) puts a quadratic model in place of the smooth part only, keeps the corners, and walks
to the minimum of that. Where the quadratic comes from depends on the shape:

- **Many rows, few columns**: the Hessian of a sample of the rows at the sample's own optimum,
  corrected by what the steps teach (BFGS). Some ten reads of X.
- **Else a working set.** Most weights stay 0. The fit goes on among the columns that are not 0 and
  those that most violate the condition, at most twice as many as before; then all columns are
  looked at once, for the duality gap and for the next violators. Among them the exact Hessian is
  used where it costs a few gradients; for thousands of columns conjugate gradients on a face.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from logreg.certificate import least_relative_gap, relative_gap
from logreg.objective import Objective
from logreg.point import Iterate, Point
from logreg.solvers.corners import Damped
from logreg.solvers.faces import by_faces
from logreg.solvers.pgd import by_samples, is_tall
from logreg.solvers.quasi_newton import price_of_hessian, work_of_hessian

Array = NDArray[np.float64]

FIRST = 100  # columns that may enter at once, if not more are in already
STAGE = 5.0  # by which the penalty falls on the way to the one asked for
AFAR = float(STAGE**1.5)  # ... if it is so many times weaker than one that keeps all weights at 0
CROWD = 0.1  # of the weights are not 0
NEAR, ROUNDS = 0.1, 4  # the relative gap of a stage that will do, and its rounds at most
STEPS = 20  # Newton steps between two looks at all columns
PROMISE = 1e-10  # of F
EXACT = 1e-8  # accuracy of a minimum of the quadratic, beyond which rounding begins
ASTRAY = 1e-3  # relative gap
# Gradients that an exact Hessian of the working set may cost, and work (0.2 s) that it may whatever
# a gradient costs; where X is sparse conjugate gradients are safe, and it may cost 0.2 ms.
PRICE, QUICK = 100, 1e9
SPARSE_PRICE, SPARSE_QUICK = 3, 1e6
PARAMETERS = 1500  # ... and its size


def prox_newton(objective: Objective, theta: Array, rng: np.random.Generator) -> Iterator[Iterate]:
    """θ ← argmin of a quadratic model of the smooth part plus the corners, or on the way to it."""
    if is_tall(objective):
        yield from quasi_newton_with_corners(objective, theta, rng)
    elif is_crowded(objective, theta):
        yield from on_all_columns(objective, theta)
    else:
        yield from on_working_sets(objective, approached(objective, theta))


def quasi_newton_with_corners(
    objective: Objective, theta: Array, rng: np.random.Generator
) -> Iterator[Iterate]:
    """From the optimum of a sample of the rows, with its Hessian and BFGS updates of it."""
    start, sample = by_samples(objective, theta, rng, settle)
    b = whole(curvature(sample), objective) if sample else None
    del sample  # and with it its rows
    point, steps = objective.at(start), Damped(objective)
    b = curvature(point) if b is None else b
    while True:
        # The gap costs as much as a pass: what is known without the rows will do while it is large.
        yield Iterate(point, least_relative_gap(point), partial(proven, point))
        after, _ = steps.step(point, b, 1e-3)
        if after is None or np.array_equal(after.theta, point.theta):
            break
        s, y = after.theta - point.theta, after.gradient - point.gradient
        sy, bs = float(s @ y), b @ s
        if sy > 1e-14 * np.linalg.norm(s) * np.linalg.norm(y):
            b += np.outer(y, y / sy) - np.outer(bs, bs / float(s @ bs))
        point = after
    if relative_gap(point) > ASTRAY:  # the sample led astray: begin again
        yield from on_working_sets(objective, approached(objective, theta))


def whole(b: Array, objective: Objective) -> Array:
    """A sample's Hessian, for columns that the sample hardly has with a guess from the others."""
    columns = np.tile(objective.design.column_curvature(), objective.q)
    diagonal = b.diagonal()
    usual = float(np.median(diagonal / np.where(columns > 0, columns, np.inf)))
    b.flat[:: len(b) + 1] = np.maximum(diagonal, 0.1 * usual * columns)
    return b


def proven(point: Point, tol: float) -> float:
    return relative_gap(point)


def settle(sample: Objective, theta: Array, accuracy: float, steps: int) -> Point:
    """The optimum of a sample, to within its statistical accuracy in standard errors."""
    enough = 0.5 * accuracy**2
    rounds = on_working_sets(sample, approached(sample, theta))
    for point, gap, _, _ in islice(rounds, steps):
        if gap * point.value <= enough:
            break
    return point


def is_crowded(objective: Objective, theta: Array) -> bool:
    """Whether X is sparse and wide and many weights will not be 0, with squares in the penalty
    that keep them from running far: then to gather columns costs as much as to look at all.
    """
    wide = objective.design.matrix.sparse and objective.size > PARAMETERS
    if not (wide and objective.penalty.has_squares):
        return False
    weights = theta.reshape(objective.shape)[:, : objective.design.d]
    if weights.any():
        return float(np.mean(weights != 0)) > CROWD
    return excess(objective.at(theta)) > AFAR


def on_all_columns(objective: Objective, theta: Array) -> Iterator[Iterate]:
    """Rounds of Newton steps on faces, with all columns."""
    point = objective.at(theta)
    while True:
        distance = relative_gap(point)
        yield Iterate(point, distance)
        best = by_faces(objective, point.theta, distance)
        if np.array_equal(best.theta, point.theta):
            return
        point = best


def excess(point: Point) -> float:
    """By what factor the penalty would have to be stronger to keep all weights at 0 there."""
    threshold = point.objective.threshold
    corners = threshold > 0
    return float(np.max(np.abs(point.gradient[corners]) / threshold[corners]))


def approached(objective: Objective, theta: Array) -> Array:
    """A start found under stronger penalties, each a fraction of the one before: from afar a Newton
    step crosses too many corners. A start with weights that are not 0 is taken as it is.
    """
    if theta.reshape(objective.shape)[:, : objective.design.d].any():
        return theta
    factor = excess(objective.at(theta))
    while factor > AFAR:
        factor /= STAGE
        rounds = islice(on_working_sets(objective.stronger(factor), theta), ROUNDS)
        for point, gap, _, _ in rounds:  # noqa: B007
            if gap <= NEAR:
                break
        theta = point.theta
    return theta


def on_working_sets(objective: Objective, theta: Array) -> Iterator[Iterate]:
    """Rounds of steps on a working set, each followed by a look at all columns."""
    point, d = objective.at(theta), objective.design.d
    while True:
        distance = relative_gap(point)
        yield Iterate(point, distance)
        index = working_set(point)
        part = objective.columns(index) if len(index) < d else objective
        small = objective.restricted(point.theta, index)
        solve = by_quadratics if takes_hessian(part) else by_faces
        best = solve(part, small, distance)
        after = objective.extension(best, index)
        if np.array_equal(after.theta, point.theta):
            return
        point = after


def takes_hessian(part: Objective) -> bool:
    """Whether a Hessian of these columns is made; conjugate gradients are more fragile."""
    if part.size > PARAMETERS:
        return False
    if part.design.matrix.sparse:
        return work_of_hessian(part) <= SPARSE_QUICK + SPARSE_PRICE * work_of_sparse(part)
    return work_of_hessian(part) <= QUICK or price_of_hessian(part) <= PRICE


def work_of_sparse(part: Objective) -> float:
    """What a gradient takes where X is sparse, in units of about 0.2 ns."""
    return part.design.n * (part.q + 3) * (part.design.matrix.row_width + 20.0)


def working_set(point: Point) -> NDArray[np.intp]:
    """The columns that take part, and those that most want to, at most as many again."""
    objective = point.objective
    shape, d = objective.shape, objective.design.d
    there = (point.theta.reshape(shape)[:, :d] != 0).any(axis=0)
    there[objective.penalty.free(d)] = True
    wish = (np.abs(point.gradient) - objective.threshold).reshape(shape)[:, :d].max(axis=0)
    wish[there] = 0.0
    candidates = np.flatnonzero(wish > 0)
    most = max(FIRST, int(there.sum()))
    if len(candidates) > most:
        candidates = candidates[np.argpartition(-wish[candidates], most)[:most]]
    return np.union1d(np.flatnonzero(there), candidates)


def by_quadratics(objective: Objective, theta: Array, distance: float) -> Point:
    """Proximal Newton steps with the exact Hessian, until they promise next to nothing."""
    point, accuracy = objective.at(theta), float(np.clip(distance, EXACT, 0.1))
    steps = Damped(objective)
    for _ in range(STEPS):
        after, slope = steps.step(point, curvature(point), accuracy)
        if after is None:
            break
        point = after
        if slope > -PROMISE * point.value:
            break
        if point.value == 0:  # nothing is left to fall
            break
        accuracy = min(accuracy, max(float(np.sqrt(-slope / point.value)), EXACT))
    return point


def curvature(point: Point) -> Array:
    """The Hessian; with several classes also along the shift of all intercepts, which changes
    nothing, so that it can be factored.
    """
    objective = point.objective
    h: Array = point.hessian
    q, width = objective.shape
    if q > 1 and objective.design.intercept:
        each = np.arange(width - 1, q * width, width)
        h = h.copy()
        h[np.ix_(each, each)] += h[each, each].mean()
    return h

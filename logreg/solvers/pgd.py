"""Preconditioned gradient descent: the default for tall data.

Gradient descent is slow because one step size has to serve directions of different curvature.
Measured in the right metric M every direction has curvature 1, and θ ← θ - M⁻¹ g arrives at once;
with M = H that is Newton's method, at n p² a Hessian. A *sample* of rows gives nearly the same
metric for much less:

1. Draw m = max(2000, 20 p) rows by leverage among 8 m drawn evenly, find their optimum by Newton's
   method, start there. A small ridge holds what so few rows tell apart by chance.
2. Again with a tenth of all rows or 1000 p, by leverage among all (of rows that are not in memory
   with as many as may be kept); each stage divides the distance by about sqrt(m/p), and is solved
   to a part of its own statistical accuracy.
3. On all rows, limited-memory BFGS with the Hessian of the last sample as its initial metric.
4. Where the forecast of the passes still needed exceeds the price of an exact Hessian of all rows
   (where columns nearly separate the classes, coefficients travel far and the curvature changes on
   the way), take one as the metric and go on.

Where rows are too few for samples the first metric is the exact Hessian, kept for several steps.
Where that is dear it is a rough one, made again each time F has fallen by a third:

- a sparse X of many columns: the Hessian's diagonal;
- an array of hundreds of columns: the diagonal to begin with; where it is slow, since columns are
  correlated, the Hessian of a sample at the point that was reached, then the exact one;
- several classes: a Kronecker product, S ⊗ B, K - 1 factors of size d instead of one of size K d
  (B diagonal where X is sparse).

A rough metric is far from the Hessian, so the distance to the optimum that it shows is proved
before it is believed: by conjugate gradients on the exact Hessian, which is only multiplied with.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from logreg.metric import KroneckerMetric, Metric
from logreg.objective import Objective
from logreg.point import Iterate, Point
from logreg.solvers.newton import newton
from logreg.solvers.newton_cg import diagonal_metric
from logreg.solvers.quasi_newton import Better, price_of_hessian, refine, work_of_gradient

Array = NDArray[np.float64]

Settle = Callable[[Objective, Array, float, int], Point]

COSTLY = 15  # gradients that a Hessian of several classes costs: then a Kronecker product is used
PASSES = 25  # ... for which so many gradients more are needed than with samples
DEAR = 100  # reads of a sparse X that a Hessian may cost, or the metric is a diagonal
WORTH = 1.6e7  # work of a Hessian from which samples save more than finding them costs
ACCURACY = 0.3  # of what a sample's optimum is worth, in standard errors, to which it is sought
PRIOR = 0.1  # rows that the first sample believes to have seen of each column besides
ALL = 1e-4  # for all rows its square would be 0
STEPS = 30  # of Newton's method, for a sample
MANY = 300  # parameters from which Hessians of all rows are dear, if rows are few as well


def sample_rows(objective: Objective) -> int:
    """Rows of the first sample: 10 p of them cost a third more passes, 100 p save none."""
    return max(2000, 20 * objective.size)


def is_tall(objective: Objective) -> bool:
    """Whether there are rows enough that samples of them pay.

    Their optima cost some eight Hessians of the first and four of the second, of a tenth of the
    rows; without them there would be two Hessians of all rows, or a Kronecker product.
    """
    price = price_of_hessian(objective)
    if price == np.inf:
        return False
    samples = 8 * sample_rows(objective) / objective.design.n + 0.4
    otherwise = min(2 * price, PASSES) if objective.q > 1 else 2 * price
    return price * work_of_gradient(objective) >= WORTH and price * samples <= otherwise


def takes_diagonal(objective: Objective) -> bool:
    """Whether the metric is a diagonal, at least to begin with."""
    n, p = objective.design.n, objective.size
    if objective.design.matrix.sparse:
        return price_of_hessian(objective) > DEAR
    dear = p > MANY and n * p**2 > 2e9  # 0.3 s of Newton's method
    return dear and objective.q == 1 and not is_tall(objective)


def takes_kronecker(objective: Objective) -> bool:
    """Whether the metric is a Kronecker product."""
    if objective.q == 1 or takes_diagonal(objective):
        return False
    return price_of_hessian(objective) > COSTLY and not is_tall(objective)


def preconditioned_gradient_descent(
    objective: Objective, theta: Array, rng: np.random.Generator
) -> Iterator[Iterate]:
    """θ ← θ - t M⁻¹ g, M from samples of the rows, corrected by what the steps teach."""
    if takes_diagonal(objective):
        better = None if objective.design.matrix.sparse else sampled(objective, rng)
        yield from refine(objective, theta, None, partial(diagonal_metric, objective), better)
        return
    if takes_kronecker(objective):
        yield from refine(objective, theta, None, partial(kronecker_metric, objective, rng))
        return
    if not is_tall(objective):
        yield from refine(objective, theta, None)
        return
    start, point = by_samples(objective, theta, rng, settle)
    metric = point.metric if point else None
    del point  # and with it the sample
    last = yield from refine(objective, start, metric)
    if last > 1:  # the samples led astray, as where each separates the classes: begin again
        yield from newton(objective, theta, rng)


def by_samples(
    objective: Objective, theta: Array, rng: np.random.Generator, settle: Settle
) -> tuple[Array, Point | None]:
    """The optimum of samples as `settle` finds it, and its point of the last one."""
    n, m = objective.design.n, sample_rows(objective)
    warm = bool(theta.reshape(objective.shape)[:, : objective.design.d].any())
    columns = objective.design.column_curvature()
    curvature, point = columns, None
    first, (large, accuracy) = min(m, objective.most_rows), objective.large_sample
    for size in (first, large):
        alone = size < large < 3 * size  # the large one finds its start as soon without it
        if not m <= size or (size == first and (size > n // 4 or alone)):
            continue
        # The first sample only finds a start: candidates for it save two passes over all rows.
        pool = objective if warm or size > m else objective.candidates(8 * m, rng)
        sample = pool.draw_by_leverage(theta, curvature, size, rng)
        if size == first < large:
            sample = sample.cautious(PRIOR)
        point = sample.at(theta)
        if not warm:  # the optimum of a sample would throw a good start away
            worth = np.sqrt(max(n / size - 1, ALL) * objective.size)
            point = settle(sample, theta, accuracy * worth, STEPS)
        theta = point.theta
        # A column that is missing in the sample has no curvature there, and must not rule the next.
        seen = np.diag(point.hessian).reshape(objective.shape).sum(axis=0)
        floor = float(np.median(seen / np.where(columns > 0, columns, np.inf)))
        curvature = np.maximum(seen, 0.1 * floor * columns)
    return theta, point


def sampled(objective: Objective, rng: np.random.Generator) -> Better | None:
    """The Hessian of about 10 p rows as a metric, and its price in reads of X."""
    m = min(10 * objective.size, objective.design.n // 4)
    price = price_of_hessian(objective)
    if price == np.inf or m < 2 * objective.size:
        return None

    def metric(point: Point) -> Metric:
        columns = objective.diagonal_of_classes(point)
        sample = objective.draw_by_leverage(point.theta, columns, m, rng)
        found: Metric = sample.at(point.theta).metric
        return found

    return Better(metric, 3 + price * m / objective.design.n)


def settle(sample: Objective, theta: Array, accuracy: float, steps: int) -> Point:
    """Newton's method on a sample until it is within `accuracy` of the sample's optimum."""
    none = np.random.default_rng(0)
    for step, iterate in enumerate(newton(sample, theta, none)):
        if iterate.decrement <= accuracy or step >= steps:
            break
    return iterate.point


def kronecker_metric(objective: Objective, rng: np.random.Generator, point: Point) -> Metric:
    """The Kronecker metric of about 10 d rows, rare columns' among them: a column that none of them
    has would seem to have no curvature, and a step without bound (pixels at the border of digits).
    """
    n, width = objective.design.n, objective.shape[1]
    m = max(2000, 10 * width)
    if m >= n:
        return KroneckerMetric(*objective.kronecker(point))
    columns = objective.design.column_curvature()
    sample = objective.draw_by_leverage(point.theta, columns, m, rng)
    return KroneckerMetric(*sample.kronecker(sample.at(point.theta)))

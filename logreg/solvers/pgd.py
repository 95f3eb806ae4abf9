"""Preconditioned gradient descent: the default for tall data.

Gradient descent is slow because one step size has to serve directions of different curvature.
Measured in the right metric M every direction has curvature 1, and θ ← θ - M⁻¹ g arrives at once;
with M = H that is Newton's method, at n p² a Hessian. A *sample* of rows gives nearly the same
metric for much less:

1. Draw m = max(2000, 20 p) rows by leverage among 8 m drawn evenly, find their optimum by Newton's
   method, start there.
2. Again with a tenth of all rows, by leverage among all; each stage divides the distance by about
   sqrt(m/p), and is solved only to its own statistical accuracy.
3. On all rows, limited-memory BFGS (Nocedal & Wright, Numerical Optimization, algorithm 7.4) with
   the Hessian of the last sample as its initial metric.
4. Where the forecast of the passes still needed exceeds the price of an exact Hessian of all rows
   (where columns nearly separate the classes, coefficients travel far and the curvature changes on
   the way), take one as the metric and go on.

Several classes with many columns (p = K (d + 1) in the thousands) have a Hessian too large to
factor, even a sample's. There the metric is a Kronecker product, S ⊗ B: K - 1 factors of size d
instead of one of size K d. It is made again each time F has fallen by a third, and as it is far
from the Hessian, the distance to the optimum that it shows is proved before it is believed: by
conjugate gradients on the exact Hessian, which is only multiplied with, never formed.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import daxpy

from logreg.metric import KroneckerMetric, Metric
from logreg.objective import Objective
from logreg.point import Iterate, Point
from logreg.solvers.line_search import backtrack
from logreg.solvers.newton import newton
from logreg.solvers.newton_cg import diagonal_metric, newton_step_by_conjugate_gradients

Array = NDArray[np.float64]

MEMORY = 12  # pairs of step and gradient change kept
LARGE = 1000  # parameters of several classes from which the Kronecker metric is used
LARGEST = 5000  # parameters from which an exact Hessian is never made
STALE = 0.7  # of the value of F at which the metric was made: then it is made again, ...
RENEWALS = 12  # ... so many times
DEAR = 100  # reads of a sparse X that a Hessian may cost, or the metric is a diagonal
FAR = 2.0  # log-odds that margins may move before a Hessian is another
CAUTION = 1.2  # the metric of a sample shows distances up to a sixth too small
DOUBT = 2.0  # ... and one that is only rough up to twice


def sample_rows(objective: Objective) -> int:
    """Rows of the first sample: 10 p of them cost a third more passes, 100 p save none."""
    return max(2000, 20 * objective.size)


def takes_diagonal(objective: Objective) -> bool:
    """Whether the metric is a diagonal."""
    return objective.design.matrix.sparse and price_of_hessian(objective) > DEAR


def takes_kronecker(objective: Objective) -> bool:
    """Whether the metric is a Kronecker product."""
    return objective.loss.q > 1 and objective.size > LARGE


def preconditioned_gradient_descent(
    objective: Objective, theta: Array, rng: np.random.Generator
) -> Iterator[Iterate]:
    """θ ← θ - t M⁻¹ g, M from samples of the rows, corrected by what the steps teach."""
    if takes_diagonal(objective):
        yield from refine(objective, theta, None, lambda point: diagonal_metric(objective, point))
        return
    if takes_kronecker(objective):
        yield from refine(
            objective, theta, None, lambda point: kronecker_metric(objective, point, rng)
        )
        return
    n, m, start = objective.design.n, sample_rows(objective), theta
    warm = bool(theta.reshape(objective.shape)[:, : objective.design.d].any())
    columns = objective.design.column_curvature()
    curvature, metric = columns, None
    for size, steps in ((m, 30), (n // 10, 12)):
        if not m <= size <= n // 4:
            continue
        # The first sample only finds a start: candidates for it save two passes over all rows.
        pool = objective if warm or size > m else candidates(objective, 8 * m, rng)
        sample = draw(pool, pool.leverage(theta, curvature), size, rng)
        point = sample.at(theta)
        if not warm:  # the optimum of a sample would throw a good start away
            point = settle(sample, theta, np.sqrt(n / size * objective.size), steps)
        theta, metric = point.theta, point.metric
        # A column that is missing in the sample has no curvature there, and must not rule the next.
        seen = np.diag(point.hessian).reshape(objective.shape).sum(axis=0)
        floor = float(np.median(seen / np.where(columns > 0, columns, np.inf)))
        curvature = np.maximum(seen, 0.1 * floor * columns)
    last = yield from refine(objective, theta, metric)
    if last > 1:  # the samples led astray, as where each separates the classes: begin again
        yield from newton(objective, start, rng)


def candidates(objective: Objective, size: int, rng: np.random.Generator) -> Objective:
    """The objective of about `size` rows drawn evenly."""
    n = objective.design.n
    index = np.unique(rng.integers(0, n, size))
    return objective.take(index, np.full(len(index), n / len(index)))


def draw(objective: Objective, score: Array, m: int, rng: np.random.Generator) -> Objective:
    """The objective of about m rows, each kept with probability min(1, ∝ score), weighted by its
    inverse. A fifth of the scores is spread evenly, so that no row's weight is enormous.
    """
    score = score + 0.2 * score.mean()
    keep = score * (m / score.sum())
    np.minimum(keep, 1.0, out=keep)
    for _ in range(4):  # rows kept for certain leave room for the others
        sure = keep >= 1.0
        if not sure.any():
            break
        room, rest = m - sure.sum(), score[~sure].sum()
        if room <= 0 or rest <= 0:
            break
        keep = np.where(sure, 1.0, np.minimum(1.0, room * score / rest))
    index = np.flatnonzero(rng.random(len(keep), dtype=np.float32) < keep)
    return objective.take(index, 1.0 / keep[index])


def settle(sample: Objective, theta: Array, accuracy: float, steps: int) -> Point:
    """Newton's method on a sample until it is within `accuracy` of the sample's optimum."""
    none = np.random.default_rng(0)
    for step, iterate in enumerate(newton(sample, theta, none)):
        if iterate.decrement <= accuracy or step >= steps:
            break
    return iterate.point


def refine(
    objective: Objective,
    theta: Array,
    metric: Metric | None,
    rough: Callable[[Point], Metric] | None = None,
) -> Generator[Iterate, None, float]:
    """Limited-memory BFGS on all rows in a metric, which is renewed when that pays; the last
    decrement when it can go no further.

    `metric` is the Hessian of a sample. Where there is none it is the exact Hessian; or `rough`
    makes a cheap one, again and again as F falls.
    """
    price, renewals = price_of_hessian(objective), 1
    point = objective.at(theta)
    first = metric or (rough(point) if rough else point.metric)
    model = Model(point, first, exact=not (metric or rough), rough=rough is not None)
    while True:
        if rough and model.rough and model.stale(point) and renewals < RENEWALS:
            model, renewals = model.renewed(point, rough(point)), renewals + 1
        direction = model.solve(point.gradient)
        decrement = float(np.sqrt(max(float(point.gradient @ direction), 0.0)))
        model.decrements.append(decrement)
        yield Iterate(point, model.trust * decrement, model.proof(point, decrement, price))
        if model.step is not None:  # the proof went to see, and this is the way
            direction, model.step = model.step, None
        after = None
        if not slow(model.decrements, price, window=20 if model.rough else 2):
            after = backtrack(objective, point, -direction, -float(point.gradient @ direction))
        if after is not None:
            model.memory.add(after.theta - point.theta, after.gradient - point.gradient)
            point = after
        elif (model.exact and len(model.decrements) == 1) or (price == np.inf and model.bare):
            return decrement  # not even the best metric to be had finds a better point
        elif price < np.inf:
            model = Model(point, point.metric, exact=True)
        else:
            model.memory.clear()


class Model:
    """A metric made at a point, and what the steps since then have taught about it."""

    def __init__(
        self, point: Point, metric: Metric, *, exact: bool = False, rough: bool = False
    ) -> None:
        self.metric, self.exact, self.rough = metric, exact, rough
        self.value = point.value
        self.trust = DOUBT if rough else CAUTION
        self.memory = SecantMemory(20 if rough else MEMORY)
        self.decrements: list[float] = []
        self.step: Array | None = None  # Newton's, where a proof has found it

    def renewed(self, point: Point, metric: Metric) -> "Model":
        """The same with another metric, as far to be trusted."""
        model = Model(point, metric, exact=self.exact, rough=self.rough)
        model.trust = self.trust
        return model

    def stale(self, point: Point) -> bool:
        """Whether F has fallen so far since that the curvature may be another."""
        return point.value < STALE * self.value

    @property
    def bare(self) -> bool:
        """Whether no step has taught anything."""
        return not self.memory.pairs

    def solve(self, g: Array) -> Array:
        """The inverse metric, corrected, times g."""
        return self.memory.solve(self.metric, g, scaled=self.rough)

    def proof(self, point: Point, decrement: float, price: float) -> Callable[[], float] | None:
        """How to find the true decrement, where this model's is not to be believed."""

        def by_conjugate_gradients() -> float:
            self.step, proven = newton_step_by_conjugate_gradients(point, self.solve)
            self.trust = proven / decrement if decrement > 0 else 1.0
            return proven

        if self.rough:
            return by_conjugate_gradients
        # A Hessian is believed while margins have moved little since. What they move by is, on
        # average over the rows, their standard errors times the decrement. It was right within a
        # tenth at 1.3 after 13 steps (adult), off by a half at 1.5 and 0.7 after 40.
        objective = point.objective
        moved = self.decrements[0] * np.sqrt(objective.size / objective.design.n)
        far = moved > FAR or (moved > FAR / 4 and len(self.decrements) > 15)
        return (lambda: point.decrement) if far and price < np.inf else None


def price_of_hessian(objective: Objective) -> float:
    """What an exact Hessian and its factor cost, in reads of X; inf where it is too large."""
    p = objective.size
    if p > LARGEST:
        return np.inf
    if objective.design.matrix.sparse:  # made of blocks that are made dense
        return 0.01 * p * objective.design.d / objective.design.matrix.row_width
    return 3.5 if p < 150 else 0.04 * p * (1 + p / objective.design.n)


def slow(recent: list[float], price: float, window: int) -> bool:
    """Whether, at the rate of the last steps, a hundredfold gain costs more than a Hessian."""
    if price == np.inf or len(recent) <= window:
        return False
    rate = (recent[-1] / recent[-1 - window]) ** (1 / window)
    return rate > 0.999 or bool(np.log(1e-2) / np.log(rate) > price + 6)


def kronecker_metric(objective: Objective, point: Point, rng: np.random.Generator) -> Metric:
    """The Kronecker metric of about 10 d rows, drawn by the trace of their curvature."""
    n, width = objective.design.n, objective.shape[1]
    m = max(2000, 10 * width)
    if m >= n:
        return KroneckerMetric(*objective.kronecker(point.margin))
    score = objective.loss.trace(point.margin, slice(0, n))
    sample = draw(objective, score, m, rng)
    return KroneckerMetric(*sample.kronecker(sample.at(point.theta).margin))


class SecantMemory:
    """The last pairs s = Δθ, y = Δg, each of which says y = H s: what the steps taught."""

    def __init__(self, size: int) -> None:
        self.pairs: deque[tuple[Array, Array, float]] = deque(maxlen=size)
        self.size: float | None = None  # of the metric, by the last pair

    def clear(self) -> None:
        self.pairs.clear()

    def add(self, s: Array, y: Array) -> None:
        sy = float(s @ y)
        if sy > 1e-14 * np.linalg.norm(s) * np.linalg.norm(y):
            self.pairs.append((s, y, sy))
            self.size = None

    def solve(self, metric: Metric, g: Array, *, scaled: bool = False) -> Array:
        """The two-loop recursion: the inverse metric corrected by the pairs, times g.

        `scaled` multiplies the metric by what the last pair says about its size, for metrics that
        have the shape of the Hessian but not its size.
        """
        q = g.copy()
        shares = []
        for s, y, sy in reversed(self.pairs):
            a = float(s @ q) / sy
            q = daxpy(y, q, a=-a)  # in place, without a product of its own
            shares.append(a)
        r = metric.solve(q)
        if scaled and self.pairs:
            if self.size is None:
                _, y, sy = self.pairs[-1]
                self.size = sy / float(y @ metric.solve(y))
            r *= self.size
        for (s, y, sy), a in zip(self.pairs, reversed(shares), strict=True):
            r = daxpy(s, r, a=a - float(y @ r) / sy)
        return r

"""Limited-memory BFGS in a metric (Nocedal & Wright, Numerical Optimization, algorithm 7.4), which
is renewed, or replaced by a better one, when that pays.
"""

from collections import deque
from collections.abc import Callable, Generator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import daxpy

from logreg.certificate import dual_distance
from logreg.metric import FactoredHessian, Metric
from logreg.objective import Objective
from logreg.point import Iterate, Point
from logreg.solvers.line_search import backtrack
from logreg.solvers.newton_cg import newton_step_by_conjugate_gradients

Array = NDArray[np.float64]

MEMORY = 12  # pairs of step and gradient change kept
LARGEST = 5000  # parameters from which an exact Hessian is never made
STALE = 0.7  # of the value of F at which the metric was made: then it is made again, ...
RENEWALS = 12  # ... so many times
FAR = 2.0  # log-odds that margins may move before a Hessian is another
SHARE = 0.3  # of the curvature in a direction that rows may have had whose own is another by now
DAMPED = 1e-6  # of the decrement squared that a sample's damping may be: elsewhere it is 1e-9
CAUTION = 1.2  # the metric of a sample shows distances up to a sixth too small
DOUBT = 2.0  # ... and one that is only rough up to twice
PRODUCTS = 8  # with the Hessian that conjugate gradients take in the metric of a sample
CHEAP = 2.5  # reads of X: a Hessian that costs so little need not be bounded
CLOSE = 5.0  # times tol: a bound so near will be there in fewer passes than a proof takes


class Better(NamedTuple):
    """A metric to be had for more than the present one."""

    metric: Callable[[Point], Metric]
    price: float  # in reads of X


def refine(
    objective: Objective,
    theta: Array,
    metric: Metric | None,
    rough: Callable[[Point], Metric] | None = None,
    better: Better | None = None,
) -> Generator[Iterate, None, float]:
    """Limited-memory BFGS on all rows in a metric, which is renewed when that pays; the last
    decrement when it can go no further.

    `metric` is the Hessian of a sample. Where there is none it is the exact Hessian; or `rough`
    makes a cheap one, again and again as F falls, until the progress of the last steps says that
    `better` pays.
    """
    price, renewals = price_of_hessian(objective), 1
    point = objective.at(theta)
    first = metric or (rough(point) if rough else point.metric)
    model = Model(point, first, exact=not (metric or rough), rough=rough is not None)
    while True:
        if rough and model.rough and model.stale(point) and renewals < RENEWALS:
            model, renewals = model.renewed(point, rough(point)), renewals + 1
        direction = objective.settled(model.solve(point.gradient))
        decrement = float(np.sqrt(max(float(point.gradient @ direction), 0.0)))
        model.decrements.append(decrement)
        proof = model.proof(point, direction, decrement, price)
        yield Iterate(point, model.trust * decrement, proof, model.sound)
        if model.refuted:
            model = Model(point, point.metric, exact=True)
            continue
        if model.step is not None:  # the proof went to see, and this is the way
            direction, model.step = model.step, None
        after = None
        if not slow(model.decrements, better.price if better else price, model.window(better)):
            after = backtrack(objective, point, -direction, -float(point.gradient @ direction))
        if after is not None:
            model.memory.add(after.theta - point.theta, after.gradient - point.gradient)
            point = after
        elif (model.exact and len(model.decrements) == 1) or (price == np.inf and model.bare):
            return decrement  # not even the best metric to be had finds a better point
        elif better is not None:
            model, better = Model(point, better.metric(point)), None
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
        self.made_at, self.value = point, point.value
        self.trust = DOUBT if rough else 1.0 if exact else CAUTION
        self.refuted = False  # by the exact Hessian, which takes its place
        self.memory = SecantMemory(20 if rough else MEMORY)
        self.decrements: list[float] = []
        self.step: Array | None = None  # Newton's, where a proof has found it

    def renewed(self, point: Point, metric: Metric) -> "Model":
        """The same with another metric, as far to be trusted; what the steps taught stays true."""
        model = Model(point, metric, exact=self.exact, rough=self.rough)
        model.trust, model.memory = self.trust, self.memory
        model.memory.in_another_metric()
        return model

    def window(self, better: Better | None) -> int:
        """Steps that tell how fast it goes: the rougher the metric, the more uneven they are."""
        return 2 if not self.rough else 8 if better else 20

    def stale(self, point: Point) -> bool:
        """Whether F has fallen so far since that the curvature may be another."""
        return point.value < STALE * self.value

    @property
    def bare(self) -> bool:
        """Whether no step has taught anything."""
        return not self.memory.pairs

    @property
    def sound(self) -> bool:
        """False where rounding hides the curvature, though the metric is the Hessian itself."""
        return not self.exact or bool(getattr(self.metric, "sound", True))

    def solve(self, g: Array) -> Array:
        """The inverse metric, corrected, times g."""
        return self.memory.solve(self.metric, g, scaled=self.rough)

    def share_of_moved_rows(self, point: Point) -> float:
        """What the rows that have moved since then had of the metric's curvature."""
        if not isinstance(self.metric, FactoredHessian):
            return np.inf
        return point.objective.curvature_of_moved(point, self.made_at, self.metric)

    def proof(
        self, point: Point, direction: Array, decrement: float, price: float
    ) -> Callable[[float], float] | None:
        """How to find the true decrement, where this model's is not to be believed."""

        def by_bound_or_conjugate_gradients(tol: float) -> float:
            bound = dual_distance(point)
            if bound <= CLOSE * tol:
                return bound
            self.step, proven = newton_step_by_conjugate_gradients(point, self.solve)
            self.trust = proven / decrement if decrement > 0 else 1.0
            return proven

        def by_moves_or_hessian(tol: float) -> float:
            cheap = price <= CHEAP
            bound = point.bound_by(self.made_at)[0] if self.exact and not cheap else np.inf
            if bound <= CLOSE * tol:
                return bound
            # Where rounding hides the curvature, the distance is not known either.
            distance = point.decrement if point.metric.sound else np.inf
            self.refuted = distance > tol
            return distance

        if self.rough:
            return by_bound_or_conjugate_gradients
        # A sample's Hessian is believed while margins have moved little since, and where it is made
        # of rows. What margins move by is, on average over the rows, their standard errors times
        # the decrement. It was right within a tenth at 1.3 after 13 steps (adult), off by a half at
        # 1.5 and 0.7 after 40. Where events are rare the average tells little: `SHARE` does then.
        objective = point.objective
        moved = self.decrements[0] * np.sqrt(objective.size / objective.design.n)
        far = moved > FAR or (moved > FAR / 4 and len(self.decrements) > 15)

        def by_sample(tol: float) -> float:
            # Where margins are not in memory it costs a read to know, as a Hessian does.
            known = objective.margins_in_memory or price > CHEAP
            told = objective.damped(direction) <= DAMPED * decrement**2
            if known and told and not far and self.share_of_moved_rows(point) <= SHARE:
                return self.trust * decrement
            dear = price > PRODUCTS
            return by_bound_or_conjugate_gradients(tol) if dear else by_moves_or_hessian(tol)

        if price == np.inf:
            return None
        return by_moves_or_hessian if self.exact else by_sample


def price_of_hessian(objective: Objective) -> float:
    """What an exact Hessian and its factor cost, in gradients; inf where it is too large.

    Multiplications of each, at the speed that was measured on 15 shapes from 150 x 4 x 3 classes to
    400,000 x 54 x 7 and 1,000,000 x 28: mostly right within a half.
    """
    p = objective.size
    if p > LARGEST:
        return np.inf
    if objective.design.matrix.sparse:  # made of blocks that are made dense
        return 0.01 * p * objective.design.d / objective.design.matrix.row_width
    return 1.5 + work_of_hessian(objective) / work_of_gradient(objective)


def work_of_hessian(objective: Objective) -> float:
    """About 0.2 ns each: the products of columns, and the factor."""
    q = objective.q
    pairs = q * (q - 1) // 2 if q > 1 else 1
    return float(pairs * objective.design.work_of_gram + 0.07 * objective.size**3)


def work_of_gradient(objective: Objective) -> float:
    """About 0.2 ns each: multiplications, with what narrow tables and few classes lose."""
    q, width = objective.shape
    matrix = objective.design.matrix
    read = matrix.reading * matrix.row_width
    return float(objective.design.n * ((q + 3) * (width + 20) + read))


def slow(recent: list[float], price: float, window: int) -> bool:
    """Whether, at the rate of the last steps, a hundredfold gain costs more than a Hessian."""
    if price == np.inf or len(recent) <= window:
        return False
    rate = (recent[-1] / recent[-1 - window]) ** (1 / window)
    return rate > 0.999 or bool(np.log(1e-2) / np.log(rate) > price + 6)


class SecantMemory:
    """The last pairs s = Δθ, y = Δg, each of which says y = H s: what the steps taught."""

    def __init__(self, size: int) -> None:
        self.pairs: deque[tuple[Array, Array, float]] = deque(maxlen=size)
        self.size: float | None = None  # of the metric, by the last pair

    def clear(self) -> None:
        self.pairs.clear()

    def in_another_metric(self) -> None:
        """The pairs stay, but what they say of the metric's size does not."""
        self.size = None

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

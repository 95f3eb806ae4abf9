"""The problem, stated once. All other files use these words.

    F(θ) = Σ_i s_i ℓ(y_i, x_i·w + b + o_i)  +  (1/C) ½ ‖w‖²

    X        (n, d)   design matrix: n rows, d columns            s (n,)  weights, o (n,) offset
    q                 outputs: 1 for two classes, K for K > 2     y (n,)  classes as codes 0..K-1
    theta    (p,)     parameters: for each output its d weights w, then its intercept b if there
                      is one, in the coordinates of the design (columns of mean 0 and deviation ~1)
    margin   (q, n)   x·w + b + o, log-odds
    residual (q, n)   dℓ/dmargin times s                          probability minus truth
    curvature         its derivative: W, never negative

    gradient g = X'residual + w/C          Hessian H = X'WX + 1/C, the information matrix

ℓ is the log loss. F is in units of log-likelihood, so H⁻¹ is the covariance of the estimate and
the Newton decrement δ = sqrt(g' H⁻¹ g) is how many standard errors θ is away from the optimum:
F(θ) - F* = δ²/2 to second order. It does not depend on the units of a column, on n or on C.

θ is split into w and b here and nowhere else, so a penalty never meets the intercept.

Some directions change no margin. With K > 2 classes, one number added to the same parameter of all
classes: every theta and every step here adds up to zero over the classes. Without a penalty, the
null space of the design: `flat` holds it, and the Hessian gets a positive term along it, which is
orthogonal to every gradient and only makes it invertible.

What takes a sum over the rows is left open here: :mod:`logreg.row_objective` has the rows in
memory, :mod:`logreg.block_objective` reads them again for each sum. Solvers see no difference.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky

from logreg.design import Design
from logreg.loss import Loss
from logreg.metric import ClassMetric, FactoredHessian, FullMetric
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.threads import cached_property

if TYPE_CHECKING:
    from logreg.row_objective import RowObjective  # as a sample is, of whatever rows

Array = NDArray[np.float64]
Index = NDArray[np.intp]

DAMPING = 1e-10  # of a column's square, in the Hessian of a sample
LARGEST_ROOT = 2e10  # products of a Q R of all rows that a metric may cost


class Shift(NamedTuple):
    """The residuals moved by δ = W X̃ c, so that their products with some columns change."""

    widest: float  # by how far the log-odds X̃ c of a row differ, at most
    norm: Array  # (q,): sqrt(Σ_i δ_i² / s_i)
    divergence: Callable[[float], float]  # of the probabilities with `share` times these residuals


class Advance(NamedTuple):
    """What a step does to the margins."""

    farthest: float  # the log-odds that a row moves, at most
    lead: float  # what the own class gains on the best other, in the row where it is least
    told: float  # the part of the step's curvature in rows that move by more than 1/2 ...
    all: float  # ... and in all


class LargeSample(NamedTuple):
    """A sample whose Hessian is the metric for all rows."""

    rows: int
    accuracy: float  # of what its optimum is worth, to which that is sought


class Objective(ABC):
    """F for one design, loss and penalty. ``at(theta)`` gives a :class:`Point`."""

    # Weights below 1 on average (that add up to 1, say) make standard errors large, but not the
    # optimum less wanted: distances are judged as if they were 1. sqrt(min(1, mean weight))
    unit: float
    smallest_weight: float  # of the rows that have one
    loss: Loss  # of rows in memory
    offset: Array | None = None  # (q, n), of rows in memory
    margins_in_memory = True  # so that what they tell costs no read of X
    is_sample = False  # of the rows of another, whose Hessian it stands for

    def __init__(
        self, design: Design, q: int, penalty: ElasticNet, flat: Array | None = None
    ) -> None:
        self.design, self.q, self.penalty, self.flat = design, q, penalty, flat
        self.shape = (q, design.width)
        self.size = q * design.width

    @property
    def measure(self) -> str:
        """What a distance from the optimum is measured in."""
        return "relative_gap" if self.penalty.has_corners else "standard_errors"

    @property
    def passes(self) -> float:
        """Reads of X so far; a read of a sample counts for its share."""
        return self.design.matrix.meter.passes

    def start(self) -> Array:
        """No weights, and the intercepts that are best without them, but for the offset's spread:
        the classes' log-odds less the mean offset.
        """
        theta = np.zeros(self.shape)
        if self.design.intercept:
            theta[:, -1] = self.log_odds()
        return theta.ravel()

    def settled(self, step: Array) -> Array:
        """A step less its part along `flat`, which changes no margin: a rough metric would let it
        grow until the margins lose their digits.
        """
        if self.flat is None:
            return step
        each = step.reshape(self.shape)
        return (each - (each @ self.flat) @ self.flat.T).ravel()

    # -- sums over the rows ------------------------------------------------------------------------

    @abstractmethod
    def at(self, theta: Array) -> Point:
        """F at theta; nothing is computed before it is asked for."""

    @abstractmethod
    def log_odds(self) -> Array:
        """The classes' log-odds less the mean offset, (q,)."""

    @abstractmethod
    def value_and_gradient(self, theta: Array, known: Any = None) -> tuple[float, Array, Any]:
        """F, the gradient (p,) of its smooth part and what a point keeps of the margins."""

    @abstractmethod
    def hessian(self, point: Point) -> Array:
        """H (p, p)."""

    @abstractmethod
    def hessian_times(self, point: Point, v: Array) -> Array:
        """H v (p,)."""

    @abstractmethod
    def root_of_rows(self, point: Point, still: int) -> list[Array]:
        """Matrices whose rows together are a root of the Hessian without penalty, R'R = X̃'W X̃, of
        the classes that move if one is `still`.
        """

    @abstractmethod
    def diagonal(self, point: Point) -> Array:
        """The diagonal of H for two classes, (p,)."""

    @abstractmethod
    def diagonal_of_classes(self, point: Point) -> Array:
        """H's diagonal with the classes added up, but for the penalty, (width,)."""

    @abstractmethod
    def mixture(self, point: Point, *, diagonal: bool = False) -> tuple[Array, Array, float]:
        """The sum of the rows' curvatures (q, q), the sum of x̃ x̃' weighted by their traces, or its
        diagonal, and the sum of the traces.
        """

    @abstractmethod
    def intercept_information(self, point: Point) -> Array:
        """The curvature of the intercepts alone, (q, q), in which nothing cancels."""

    @abstractmethod
    def largest_margin(self, point: Point) -> float:
        """The largest log-odds of a row in size, of several classes between any two."""

    @abstractmethod
    def lead(self, point: Point) -> float:
        """By how much the own class is ahead, the offset aside, in the row where it is least."""

    @abstractmethod
    def largest_move(self, point: Point, before: Point) -> float:
        """How far the log-odds of a row have moved, at most."""

    @abstractmethod
    def curvature_of_moved(self, point: Point, before: Point, metric: FactoredHessian) -> float:
        """What the rows whose log-odds have moved by more than 1 had of the metric's curvature, in
        some direction at most: Σ c_i x̃_i' M⁻¹ x̃_i over these rows, or inf for many.
        """

    @abstractmethod
    def advance(self, point: Point, step: Array) -> Advance:
        """What a step in theta does to the margins."""

    @abstractmethod
    def shift(self, point: Point, c: Array) -> Shift:
        """The residuals of the point, which may be of an objective of more columns, less W X̃ c."""

    @abstractmethod
    def largest_deviation(self, metric: FactoredHessian) -> float:
        """The largest bound of the metric on a row's standard error."""

    @property
    @abstractmethod
    def most_rows(self) -> int:
        """Rows that a sample may have."""

    @property
    @abstractmethod
    def large_sample(self) -> LargeSample:
        """What saves reads of all rows for more than it costs."""

    @abstractmethod
    def candidates(self, size: int, rng: np.random.Generator) -> "RowObjective":
        """The objective of about `size` rows drawn evenly."""

    @abstractmethod
    def draw_by_leverage(
        self, theta: Array, curvature: Array, m: int, rng: np.random.Generator
    ) -> "RowObjective":
        """The objective of about m rows, drawn by their share of the columns' `curvature`."""

    @abstractmethod
    def columns(self, index: Index) -> "Objective":
        """The objective of some of the columns: F where the weights of all others are 0."""

    @abstractmethod
    def alone(self, index: Index) -> "Objective":
        """The same where no others are meant to be: what depends on what is found anew."""

    @abstractmethod
    def extension(self, part: Point, index: Index) -> Point:
        """The point of this objective that such a point is."""

    @abstractmethod
    def with_penalty(self, penalty: ElasticNet) -> "Objective":
        """The objective with another penalty, in coordinates that suit it."""

    @abstractmethod
    def stronger(self, factor: float) -> "Objective":
        """The objective with a penalty so many times as strong, in the same coordinates."""

    @abstractmethod
    def without_offset(self) -> "Objective":
        """The objective without an offset."""

    # -- what needs no row -------------------------------------------------------------------------

    def metric(self, hessian: Array) -> FactoredHessian:
        """The Hessian factored, for steps that add up to zero over the classes."""
        q, width = self.shape
        if q == 1:
            return FullMetric(hessian)
        return ClassMetric(hessian.reshape(q, width, q, width), self._penalty_diagonal)

    def metric_by_root(self, point: Point, still: int) -> FactoredHessian | None:
        """The same from Q R of a root of the Hessian, which sees nearly repeated columns where
        products of columns are rounding; with the class `still` held. None where it costs too much,
        and for a sample: directions that its rows happen not to tell would have no bound.
        """
        if self.is_sample:
            return None
        q, width = self.shape
        moving, pairs = max(q - 1, 1), max(q * (q - 1) // 2, 1)
        if self.design.n * pairs * (moving * width) ** 2 > LARGEST_ROOT:
            return None
        parts = self.root_of_rows(point, still)
        shares = cholesky(np.eye(moving) - (1 / q if q > 1 else 0.0))
        parts.append(np.kron(shares, np.diag(np.sqrt(self._penalty_diagonal))))
        if self.flat is not None:
            parts.append(np.kron(np.eye(moving), np.sqrt(self.design.n) * self.flat.T))
        rows = np.vstack(parts)
        return FullMetric.of_root(rows) if q == 1 else ClassMetric.of_root(rows, still, q)

    def kronecker(self, point: Point, *, diagonal: bool = False) -> tuple[Array, Array, Array]:
        """The Hessian as if all rows had the same mix of classes: S ⊗ B + diag(ridge).

        S (q, q) is the sum of the rows' curvatures; B (width, width) the mean of x̃ x̃' weighted by
        their traces, or its diagonal; ridge (width,) the penalty's part. Far fewer numbers than H
        has.
        """
        s, products, total = self.mixture(point, diagonal=diagonal)
        return s, products / total, self._penalty_diagonal

    @cached_property
    def _penalty_diagonal(self) -> Array:
        strength = self.penalty.curvature(self.design.scale) * self.design.per_scale**2
        return np.append(strength, 0.0) if self.design.intercept else strength

    def _with_penalty_and_flat(self, h: Array) -> Array:
        """h (p, p) with these added, in place."""
        q, width = self.shape
        diagonal = h.reshape(-1)[:: self.size + 1].reshape(q, width)  # a view
        size = 0.0 if self.flat is None else max(diagonal.mean(), np.finfo(float).tiny)
        diagonal += self._penalty_diagonal
        if self.is_sample:  # rows that are sure must not let columns of theirs go where they like
            diagonal += self._damping
        if self.flat is not None:
            for k in range(q):
                part = slice(k * width, (k + 1) * width)
                h[part, part] += self.flat @ self.flat.T * size
        return h

    @property
    def _damping(self) -> Array:
        """What the Hessian of a sample has on its diagonal besides, (width,)."""
        return DAMPING * self.design.column_curvature()

    def damped(self, step: Array) -> float:
        """What that has of a step's curvature, step' D step: nearly equal columns whose rows are
        almost sure may have less themselves.
        """
        return float(np.sum(np.square(step.reshape(self.shape)) * self._damping))

    @cached_property
    def threshold(self) -> Array:
        """The L1 part of the penalty in the coordinates of the design, (p,): 0 for intercepts."""
        each = np.zeros(self.shape)
        each[:, : self.design.d] = self.penalty.l1 * self.design.per_scale
        return each.ravel()

    @cached_property
    def largest_row(self) -> Array:
        """A bound on |x̃_j| in all rows with a weight, (width,), from the columns' squares."""
        largest = np.sqrt(self.design.column_curvature() / self.smallest_weight)
        if self.design.intercept:
            largest[-1] = 1.0
        return largest

    def from_coordinates(self, theta: Array, other: "Objective") -> Array:
        """Parameters of another objective of the same X in the coordinates of this one."""
        theta = theta.reshape(self.shape).copy()
        theta[:, : self.design.d] *= self.design.scale * other.design.per_scale
        return theta.ravel()

    @cached_property
    def free(self) -> "Objective":
        """The objective of the columns that are not penalised, and the intercept."""
        return self.columns(self.penalty.free(self.design.d))

    @cached_property
    def unpenalised(self) -> Index:
        """The places of an output's parameters that are not penalised, the intercept's included."""
        return self._places(self.penalty.free(self.design.d))

    def _places(self, index: Index) -> Index:
        return np.append(index, self.design.d) if self.design.intercept else index

    def restricted(self, theta: Array, index: Index) -> Array:
        """The part of theta, or of a gradient, of some columns and of the intercepts."""
        return theta.reshape(self.shape)[:, self._places(index)].ravel()

    def extended(self, theta: Array, index: Index) -> Array:
        """The inverse: parameters of some columns and the intercepts, with 0 for all others."""
        whole = np.zeros(self.shape)
        whole[:, self._places(index)] = theta.reshape(self.q, -1)
        return whole.ravel()

    def _flat_of(self, index: Index) -> Array | None:
        return None if self.flat is None else self.flat[self._places(index)]

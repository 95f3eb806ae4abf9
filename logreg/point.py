"""A point of the problem: what is known of F there, each thing computed once, when asked for."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logreg.metric import ClassMetric, FactoredHessian
from logreg.threads import cached_property

if TYPE_CHECKING:
    from logreg.objective import Objective

Array = NDArray[np.float64]

SMALL = 1e-3  # a decrement for which a step that moves a margin by 1/2 tells of separation

VANISHING = 700.0  # log-odds beyond which a probability may underflow

# Of the largest move of a margin: what the rows that stand still may seem to move the wrong way.
ASIDE = 1e-3


class Point:
    """F at one theta: value, gradient, margins and Hessian, each computed once, when asked for."""

    def __init__(self, objective: "Objective", theta: Array, margin: Array | None = None) -> None:
        self.objective, self.theta, self._known = objective, theta, margin

    @cached_property
    def _pass(self) -> tuple[float, Array, Any]:
        return self.objective.value_and_gradient(self.theta, self._known)

    @property
    def value(self) -> float:
        return self._pass[0]

    @property
    def loss(self) -> float:
        """The value without the penalty."""
        objective = self.objective
        w = objective.design.of_block(self.theta.reshape(objective.shape))[0]
        return self.value - objective.penalty.value(w)

    @property
    def gradient(self) -> Array:
        return self._pass[1]

    @property
    def margin(self) -> Array:
        """(q, n), where the rows are in memory."""
        margin: Array = self._pass[2] if self._known is None else self._known
        return margin

    @cached_property
    def hessian(self) -> Array:
        return self.objective.hessian(self)

    def hessian_times(self, v: Array) -> Array:
        return self.objective.hessian_times(self, v)

    @cached_property
    def metric(self) -> FactoredHessian:
        """The Hessian, factored; with more care where its products of columns are rounding."""
        metric = self.objective.metric(self.hessian)
        if not metric.sound:
            still = metric.still if isinstance(metric, ClassMetric) else 0
            metric = self.objective.metric_by_root(self, still) or metric
        return metric

    @cached_property
    def newton_step(self) -> Array:
        """-H⁻¹ g."""
        return -self.metric.solve(self.gradient)

    @cached_property
    def decrement(self) -> float:
        """sqrt(g' H⁻¹ g): the distance to the optimum in standard errors."""
        return float(np.sqrt(max(float(-self.gradient @ self.newton_step), 0.0)))

    @cached_property
    def reach(self) -> float:
        """A bound on what a step of length 1 in the metric H adds to a margin (of several classes:
        to a difference of margins). It costs no read of X, and is some tenfold too large.
        """
        return self.metric.deviation(self.objective.largest_row)

    @property
    def overlaps(self) -> bool:
        """Whether this theta itself proves that, without a penalty, F has a minimum.

        Let a run over x_i ⊗ (e_y - e_k), the own class less another, and r > 0 be the probability
        given to k. If Σ r a were zero, no direction with all a·v >= 0 could have one above zero.
        It is -g; but with M = Σ r a a' and u = -M⁻¹ g the sum of r (1 - a·u) a is zero, and these
        are positive if all a·u < 1. As M ≥ H, a·u is at most reach·δ.
        """
        if self.objective.largest_margin(self) > VANISHING:  # a curvature of 0 proves nothing
            return False
        return self.metric.sound and self.reach * self.decrement < 0.5

    def bound_by(self, before: "Point") -> tuple[float, float]:
        """A bound on the decrement by the Hessian of another point, and by what factor it may be
        too large.

        Where all margins have moved by at most u, each weight σ' has fallen by no more than a
        factor e^-u, each p_k p_l of several classes by no more than e^-2u where their differences
        have moved by u: so H ≥ e^-u H_before, and δ ≤ e^(u/2) sqrt(g' H_before⁻¹ g), or e^u of it.
        """
        several = self.objective.q > 1
        u = self.objective.largest_move(self, before)
        squared = max(float(self.gradient @ before.metric.solve(self.gradient)), 0.0)
        with np.errstate(over="ignore"):
            factor = float(np.exp(u if several else u / 2))
        return factor * float(np.sqrt(squared)), factor

    # -- without a penalty the optimum may lie at infinity -------------------------------------

    @cached_property
    def separates(self) -> bool:
        """Whether this theta itself proves that the classes can be told apart without error: its
        part without a penalty gives every row's own class the largest margin, so going on along
        that lowers F for ever.
        """
        objective = self.objective
        if objective.penalty:
            return False
        part = self.unpenalised
        return part.objective.lead(part) > 0  # NaN is not certain

    @property
    def unpenalised(self) -> "Point":
        """The part of this point without a penalty."""
        objective = self.objective
        if not objective.penalty.anything:
            return self
        index = objective.penalty.free(objective.design.d)
        return objective.free.at(objective.restricted(self.theta, index))

    @cached_property
    def recedes(self) -> bool:
        """Whether F falls towards a bound that it does not attain (quasi-complete separation).

        Near a finite optimum a Newton step shrinks with the decrement. Along a direction of
        recession it goes on changing some margins by about 1, and the decrement is all theirs
        (a row that is sure beyond any doubt may move as far, but has no share in it). No row moves
        away from its class then, or it would stop the others further on. To be asked at points
        whose decrement is below `SMALL`.
        """
        if self.objective.penalty.anything:  # then `recession` has asked the others alone
            return False
        if self.decrement > SMALL * self.objective.unit:
            return False
        if self.overlaps:
            return False
        advance = self.objective.advance(self, self.newton_step)
        if advance.farthest <= 0.5 or advance.lead < -ASIDE * advance.farthest:
            return False
        return advance.told > 0.5 * advance.all

    def moved(self, last: "Point | None") -> bool:
        """Whether the step from there to here moved any margin to speak of, towards infinity."""
        if self.objective.penalty or last is None:
            return last is None
        return self.objective.largest_move(self, last) > 0.1


class Iterate(NamedTuple):
    """What a solver yields: where it is, and how far from the optimum in standard errors."""

    point: Point
    decrement: float
    # Where the decrement is an estimate: the true one, at the price of a few reads of X; or a bound
    # of it, where that is not far above the argument, the limit to be proved.
    prove: Callable[[float], float] | None = None
    sound: bool = True  # False where rounding hides the curvature, and with it the distance

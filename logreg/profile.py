"""Profile likelihood: fits with some coefficients held, likelihood ratio tests, profile intervals.

    ℓ_p(t) = max ℓ*(φ) over a'φ = t       the profile of a'φ, one of the user's coefficients or a
                                          contrast of several
    interval: { t : 2 (ℓ*(φ̂) - ℓ_p(t)) ≤ χ²_{1, level} }

ℓ* is the likelihood with Jeffreys' prior or without (τ = 0). The prior is that of all columns in
held fits too, det I(φ) being of all columns: logistf's convention (Heinze and Schemper 2002).

An end of an interval solves U* = λ a and ℓ* = c together, by Newton's method (Venzon and Moolgavkar
1988, with the sum of squares in their equation for λ put in closed form). With J the Hessian of
-ℓ*, N = J⁻¹ U* and v = J⁻¹ a,
    δ = N - λ v,    λ² = (2 (ℓ* - c) + U*'N) / a'v,
λ < 0 at the upper end. J = I - τ ∂² log det I is I at the point and the second part at φ̂, where it
is made once. At n = 1000, k = 50 an end takes two further points.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dtrsm
from scipy.linalg.lapack import dpotrf, dpotrs
from scipy.special import ndtri

from logreg.jeffreys import Jeffreys
from logreg.jeffreys_point import JeffreysPoint as Point
from logreg.scoring import advance, rise
from logreg.threads import single_threaded_blas

Array = NDArray[np.float64]

# The last step, in standard errors: an end is off by 0.05 of its square at most (2e-7 on the small
# endometrial data, 2e-10 at n=1000, k=50).
LAST = 3e-3
STEPS = 12  # from which Newton's method makes way for bracketing
VAST = 1e6  # first steps from φ̂, beyond which what ends an interval is rounding
FAR = 40  # doublings of the distance from φ̂ after which an end is infinite
# The largest change of a margin in a step, in log-odds, of Newton's ends and of held fits. ℓ* with
# the prior may have several maxima within A φ = t where classes are separated: a path of short
# steps stays on the one that φ̂ leads to.
LARGEST = 4.0
PIECES = 20
ON_THE_WAY = 0.01  # standard errors, for the fits along it
LEVEL = 1e-9  # a drop of ℓ_p while the distance doubles, below which it has levelled off
ENOUGH = 1e-6  # a held fit's distance from its optimum, in standard errors: ℓ* is off by 5e-13
HIGHER = 1e-6  # than the maximum: another one
ROUNDING = 1e-4  # within which a distance that grows again shows rounding


class Held(NamedTuple):
    """A fit with contrasts held."""

    point: Point
    multiplier: Array  # U* = A' multiplier; for one contrast dℓ_p/dt


class Profile:
    """Profiles of a likelihood about its maximum.

    Parameters
    ----------
    best : Point
        The maximum φ̂ of ℓ* (for separated classes and τ = 0 a point near the supremum).
    many : bool
        Whether the Hessian of log det I pays: it costs as much as a Point a parameter.
    top : float, optional
        The supremum of ℓ*, if that is not attained: 0 for completely separated classes.
    """

    def __init__(self, best: Point, *, many: bool = True, top: float | None = None) -> None:
        self.best, self.problem = best, best.problem
        self.top = best.value if top is None else top
        p = best.phi.size
        exact = many and self.problem.tau > 0
        self.correction = penalty_hessian(best) if exact else np.zeros((p, p))

    # -- contrasts ---------------------------------------------------------------------------

    def contrast(self, j: int) -> Array:
        """a (p,) of the user's parameter j: output after output, each its weights and intercept."""
        output, column = divmod(j, len(self.problem.x.user))
        a = np.zeros(self.problem.shape)
        a[output] = self.problem.x.user[column]
        return a.ravel()

    def determined(self, j: int) -> bool:
        """Whether the margins fix the user's parameter j."""
        return self.problem.x.determines(j % len(self.problem.x.user))

    # -- held fits ---------------------------------------------------------------------------

    def held(self, contrasts: Array, values: Array, start: Point | None = None) -> Held:
        """The maximum of ℓ* over A φ = t, for A (m, p) and t (m,)."""
        point = self.best if start is None else start
        values = np.asarray(values, dtype=np.float64)
        v = self._solve(point, contrasts.T)
        jump = v @ np.linalg.solve(contrasts @ v, values - contrasts @ point.phi)
        moves = self._largest_move(jump) / LARGEST
        pieces = int(moves) if moves < PIECES else PIECES  # PIECES for NaN, too
        for part in range(pieces):  # on the way, or the nearest maximum may not be the highest
            way = contrasts @ point.phi + (values - contrasts @ point.phi) / (pieces + 1 - part)
            point = self._climb(contrasts, way, point, ON_THE_WAY).point
        return self._climb(contrasts, values, point, ENOUGH)

    def _largest_move(self, change: Array) -> float:
        """The largest change of a margin with a change of φ."""
        return float(np.abs(change.reshape(self.problem.shape) @ self.problem.rows.T).max())

    def _climb(self, contrasts: Array, values: Array, point: Point, enough: float) -> Held:
        """Onto A φ = t, then Newton's steps within it, until `enough` standard errors away."""
        v = self._solve(point, contrasts.T)
        gap = values - contrasts @ point.phi
        point = self.problem.at(point.phi + v @ np.linalg.solve(contrasts @ v, gap))
        nearest = np.inf
        for _ in range(200):
            v = self._solve(point, contrasts.T)
            n = self._solve(point, point.score)
            multiplier = np.linalg.solve(contrasts @ v, contrasts @ n)
            step = n - v @ multiplier
            square = float(step @ point.score)
            if square <= enough**2 or (square <= ROUNDING**2 and square > 0.5 * nearest):
                break
            nearest = min(nearest, square)
            before, point = point, advance(self.problem, point, step, lambda a, b: rise(a, b) >= 0)
            if point is before:
                break
        return Held(point, np.asarray(multiplier, dtype=np.float64))

    def ratio(self, contrasts: Array, values: Array) -> float:
        """The likelihood ratio statistic of A φ = t, 2 (ℓ*(φ̂) - ℓ*(held)): χ² with m degrees of
        freedom where it is true. NaN where ℓ* is higher there than at φ̂, which is not the maximum.
        """
        held = self.held(np.atleast_2d(contrasts), np.atleast_1d(values))
        return np.nan if held.point.value > self.top + HIGHER else self._root(held.point) ** 2

    def _root(self, point: Point) -> float:
        """sqrt(2 (ℓ*(φ̂) - ℓ*)): about the distance from φ̂ in standard errors."""
        return float(np.sqrt(max(2.0 * (self.top - point.value), 0.0)))

    def _solve(self, point: Point, g: Array) -> Array:
        """J⁻¹ g; I⁻¹ g where J is not positive definite."""
        if not self.correction.any():
            return point.solve(g)
        lower, failed = dpotrf(point.information + self.correction, lower=1)
        solved: Array = point.solve(g) if failed else dpotrs(lower, g, lower=1)[0]
        return solved

    # -- intervals ---------------------------------------------------------------------------

    def interval(self, a: Array, level: float = 0.95) -> tuple[float, float]:
        """The profile interval of a'φ: where ℓ_p is at most χ²/2 below its maximum."""
        target = self.target(level)
        return self.end(a, target, -1.0), self.end(a, target, 1.0)

    def target(self, level: float) -> float:
        """ℓ* at the ends of an interval."""
        return self.top - 0.5 * float(ndtri(0.5 * (1 + level))) ** 2  # χ² of one degree

    def end(self, a: Array, target: float, side: float) -> float:
        """The t on one side of a'φ̂ with ℓ_p(t) = target; ±inf if ℓ_p stays above it, and NaN if it
        is below it at φ̂, for a supremum that φ̂ is not near enough to.
        """
        if self.best.value <= target:
            return np.nan
        found = None if self.best.recedes else self._newton(a, target, side)
        return self._bracket(a, target, side) if found is None else found

    def _newton(self, a: Array, target: float, side: float) -> float | None:
        """Venzon and Moolgavkar's end, or None where the steps do not settle."""
        point, last = self.best, np.inf
        for _ in range(STEPS):
            right = self._solve(point, np.column_stack([point.score, a]))
            n, v = right[:, 0], right[:, 1]
            square = (2.0 * (point.value - target) + point.score @ n) / (a @ v)
            if not square >= 0:
                return None
            step = n + side * np.sqrt(square) * v
            if self._largest_move(step) > LARGEST:
                return None
            length = float(np.linalg.norm(point.lower.T @ step))
            if not length < 4.0 * last:  # grows: too far from the quadratic
                return None
            if length <= LAST:
                end = float(a @ (point.phi + step))
                return end if side * (end - a @ self.best.phi) > 0 else None
            last = min(last, length)
            point = self.problem.at(point.phi + step)
        return None

    def _bracket(self, a: Array, target: float, side: float) -> float:
        """The same by held fits: outward in doubling steps, then the secant rule on
        the signed root sqrt(2 (ℓ*(φ̂) - ℓ_p(t))), almost linear in t, kept in its bracket.
        """
        centre = float(a @ self.best.phi)
        v = self._solve(self.best, a)
        variance = float(a @ v)
        reach = side * min(np.sqrt(variance), LARGEST * variance / self._largest_move(v))
        first, goal = reach, np.sqrt(2.0 * max(self.top - target, 0.0))
        inner, outer = (centre, self._root(self.best), self.best), None
        for _ in range(FAR):
            t = inner[0] + reach
            held = self.held(a[None], np.array([t]), inner[2])
            root = self._root(held.point)
            if root >= goal:
                outer = (t, root, held.point)
                break
            if root - inner[1] <= LEVEL and abs(t - centre) > 10 * abs(reach):
                break
            inner, reach = (t, root, held.point), 2.0 * reach
        if outer is None or abs(outer[0] - centre) > VAST * abs(first):
            return float(side * np.inf)
        return self._secant(a, goal, inner, outer, abs(reach))

    def _secant(
        self,
        a: Array,
        goal: float,
        inner: tuple[float, float, Point],
        outer: tuple[float, float, Point],
        scale: float,
    ) -> float:
        """Regula falsi with the Illinois weight (Dowell and Jarratt 1971)."""
        low, high = inner[1] - goal, outer[1] - goal
        for _ in range(100):
            if abs(outer[0] - inner[0]) <= 1e-9 * scale or min(abs(low), abs(high)) <= 1e-9:
                break
            if np.isfinite(high):
                t = (inner[0] * high - outer[0] * low) / (high - low)
            else:  # ℓ* is -inf there
                t = 0.5 * (inner[0] + outer[0])
            held = self.held(a[None], np.array([t]), inner[2])
            root = self._root(held.point)
            if root < goal:
                high = high / 2 if inner[1] == root else high
                inner, low, high = (t, root, held.point), root - goal, 0.5 * high
            else:
                outer, high, low = (t, root, held.point), root - goal, 0.5 * low
        return float(inner[0] if abs(low) < abs(high) else outer[0])


def penalty_hessian(point: Point) -> Array:
    """-τ ∂² log det I (p, p): in closed form where a problem has one, or by differences."""
    closed = point.problem.penalty_hessian(point)
    return penalty_hessian_by_differences(point) if closed is None else closed


def penalty_hessian_by_differences(point: Point) -> Array:
    """Differences of the gradient along the columns of L⁻ᵀ, each of one standard error: 1e-4 of it
    leaves errors of 1e-4, and rounding far behind.
    """
    problem, p, width = point.problem, point.phi.size, 1e-4
    along = dtrsm(1.0, point.lower, np.eye(p), lower=1, trans_a=1)
    change = np.empty((p, p))
    for k in range(p):
        moved = problem.at(point.phi + width * along[:, k])
        change[:, k] = (point.penalty_gradient - moved.penalty_gradient) / width
    whitened = along.T @ change
    lower = point.lower
    hessian: Array = lower @ (0.5 * (whitened + whitened.T)) @ lower.T
    return hessian


def profile_intervals(best: Point, columns: list[int] | None = None, level: float = 0.95) -> Array:
    """Profile intervals of the user's parameters, (m, 2).

    Parameters
    ----------
    best : Point
        The maximum.
    columns : list of int, optional
        Which parameters, all if not given: output after output, each its weights and intercept.
    level : float

    Returns
    -------
    ndarray (m, 2)
        -inf and inf where no finite end exists, as for coefficients that the data do not determine.
    """
    q, _ = best.problem.shape
    count = q * len(best.problem.x.user)
    chosen = list(range(count)) if columns is None else columns
    with single_threaded_blas():  # matrices so small that threads would wait for each other
        profile = Profile(best, many=len(chosen) > count // 6)
        ends = [
            profile.interval(profile.contrast(j), level)
            if profile.determined(j)
            else (-np.inf, np.inf)
            for j in chosen
        ]
    return np.array(ends).reshape(-1, 2)


def profile_interval(
    problem: Jeffreys, phi: Array, j: int, level: float = 0.95
) -> tuple[float, float]:
    """The profile interval of one of the user's parameters about the maximum φ."""
    low, high = profile_intervals(problem.at(phi), [j], level)[0]
    return float(low), float(high)

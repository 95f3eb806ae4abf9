"""The likelihood with Jeffreys' prior at one point: each part is computed when first asked for.

The notation is that of :mod:`logreg.jeffreys`.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dtrsm
from scipy.linalg.lapack import dpotrf, dpotrs

from logreg.threads import cached_property

if TYPE_CHECKING:
    from logreg.jeffreys import Jeffreys

Array = NDArray[np.float64]

MOVES = 0.1  # a change of a margin, in log-odds


class JeffreysPoint:
    """Value, score, information and hat diagonal of a problem at φ."""

    def __init__(self, problem: "Jeffreys", phi: Array) -> None:
        self.problem, self.phi = problem, phi
        self.margin = problem.margins(phi)
        self.loglik, self.residual, self.curvature, self.tilt = problem.curve(self.margin)
        self.jittered = False  # whether the factor of I needed help: known with `lower`

    @cached_property
    def information(self) -> Array:
        """I (q r, q r)."""
        return self.problem.information(self.curvature)

    @cached_property
    def lower(self) -> Array:
        """L of I = LL'; with a jitter of rounding's size on its diagonal where need be."""
        lower, failed = dpotrf(self.information, lower=1, clean=1)
        if failed and not np.isfinite(self.information).all():
            return np.full_like(self.information, np.nan)
        jitter = 1e-14  # relative, as rounding's
        self.jittered = bool(failed)
        while failed:
            diagonal = np.diag(self.information)
            bumped = self.information + np.diag(jitter * np.maximum(diagonal, 1e-290))
            lower, failed = dpotrf(bumped, lower=1, clean=1)
            jitter *= 100
        factor: Array = lower
        return factor

    @cached_property
    def value(self) -> float:
        """ℓ*, in the user's parameters; ℓ for τ = 0. Where I is singular but for rounding, its det
        is not known: no place to go to, far from any maximum.
        """
        tau = self.problem.tau
        if not tau:
            return self.loglik
        lower = self.lower
        if self.jittered:
            return -np.inf
        log_det = 2.0 * float(np.log(np.diag(lower)).sum())
        return self.loglik + tau * log_det + self.problem.constant

    @cached_property
    def _penalty(self) -> tuple[Array, Array]:
        return self.problem.penalty(self.lower, self.curvature, self.tilt)

    @property
    def hat(self) -> Array:
        """The diagonal of the hat matrix, (n,): what each row counts for, r q in all."""
        return self._penalty[0]

    @cached_property
    def penalty_gradient(self) -> Array:
        """The part of U* that is not the likelihood's, (q r,)."""
        if not self.problem.tau:
            return np.zeros(self.phi.size)
        gradient: Array = self.problem.tau * (self._penalty[1] @ self.problem.rows).ravel()
        return gradient

    @cached_property
    def score(self) -> Array:
        """U* (q r,)."""
        gradient = (self.residual @ self.problem.rows).ravel() + self.penalty_gradient
        shift = self.problem.shift(self)
        if shift is not None:
            gradient = gradient + self.lower @ (self.lower.T @ shift)
        return gradient

    def solve(self, g: Array) -> Array:
        """I⁻¹ g."""
        solved: Array = dpotrs(self.lower, g, lower=1)[0]
        return solved

    @cached_property
    def step(self) -> Array:
        """I⁻¹ U*, Fisher scoring's."""
        return self.solve(self.score)

    @property
    def decrement(self) -> float:
        """sqrt(U*' I⁻¹ U*): how many standard errors away the root is."""
        return float(np.sqrt(max(float(self.score @ self.step), 0.0)))

    @property
    def recedes(self) -> bool:
        """Whether the next step moves margins by much, which at an optimum it does only where no
        maximum is near; not with a penalty, whose log det I falls without bound on the way.
        """
        if self.problem.tau:
            return False
        if self.problem.separates(self.phi):
            return True
        moves = self.step.reshape(self.problem.shape) @ self.problem.rows.T
        return bool(np.abs(moves).max() > MOVES)

    def covariance(self) -> Array:
        """I⁻¹ of the user's parameters, output after output: (q width, q width)."""
        q, r = self.problem.shape
        user = self.problem.x.user
        right = np.zeros((q * r, q * len(user)))
        for k in range(q):
            right[k * r : (k + 1) * r, k * len(user) : (k + 1) * len(user)] = user.T
        z = dtrsm(1.0, self.lower, right, lower=1)
        covariance: Array = z.T @ z
        return covariance

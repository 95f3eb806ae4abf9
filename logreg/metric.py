"""The metric of a step: a positive definite matrix near the Hessian, factored."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky, eigh

Array = NDArray[np.float64]


class Metric(Protocol):
    """What a solver needs of a metric M."""

    def solve(self, g: Array) -> Array:
        """M⁻¹ g."""
        ...


class FullMetric:
    """H = D A D with unit diagonal in A, and the Cholesky factor of A.

    One-hot groups make A exactly singular but for rounding; `jitter` on its diagonal, from 1e-14
    up until the factorisation succeeds, bounds the step along such directions and touches no other.
    """

    def __init__(self, hessian: Array) -> None:
        diagonal = np.diag(hessian)
        self.root = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        a = hessian / self.root
        a /= self.root[:, None]
        jitter = 1e-14
        while True:
            a[np.diag_indices_from(a)] = 1.0 + jitter
            try:
                self.lower = cholesky(a, lower=True, check_finite=False)
                break
            except LinAlgError:
                jitter *= 100

    def solve(self, g: Array) -> Array:
        """H⁻¹ g."""
        x: Array = cho_solve((self.lower, True), g / self.root, check_finite=False)
        return x / self.root


class KroneckerMetric:
    """S ⊗ B + diag(ridge): for several classes where H itself would be too large.

    With S = U diag(s) U', it falls apart into q matrices s_k B + diag(ridge), one an eigenvector.
    The smallest eigenvalue is 0: the same step for all classes, along which no solver needs to go.
    """

    def __init__(self, s: Array, b: Array, ridge: Array) -> None:
        values, self.vectors = eigh(s, check_finite=False)
        self.metrics = [FullMetric(value * b + np.diag(ridge)) for value in values[1:]]

    def solve(self, g: Array) -> Array:
        """M⁻¹ g, without the part that is common to all classes."""
        parts = self.vectors.T @ g.reshape(len(self.vectors), -1)
        parts[0] = 0.0
        for k, metric in enumerate(self.metrics, start=1):
            parts[k] = metric.solve(parts[k])
        solved: Array = self.vectors @ parts
        return solved.ravel()

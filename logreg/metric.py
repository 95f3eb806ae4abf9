"""The metric of a step: a positive definite matrix near the Hessian, factored."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

Array = NDArray[np.float64]


class Metric:
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
                self.factor: Any = cho_factor(a, lower=True, check_finite=False)
                break
            except LinAlgError:
                jitter *= 100
        self.jitter = jitter

    def solve(self, g: Array) -> Array:
        """H⁻¹ g."""
        x: Array = cho_solve(self.factor, g / self.root, check_finite=False)
        return x / self.root

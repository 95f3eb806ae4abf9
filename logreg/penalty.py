"""The penalty on the weights. The intercept never reaches this file.

    Ridge       (1/C) ½ ‖w‖²,    nothing at C = inf

All methods take and give the user's weights w, shape (q, d): one row of d weights for each output.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ridge:
    """The ridge penalty ½ strength ‖w‖² with strength = 1/C."""

    strength: float

    @classmethod
    def of(cls, C: float) -> "Ridge":
        """The penalty of scikit-learn's parameter C in units of log-likelihood."""
        return cls(1.0 / float(C))

    def value(self, w: Array) -> float:
        return 0.5 * self.strength * float(np.vdot(w, w)) if self.strength else 0.0

    def gradient(self, w: Array) -> Array:
        return self.strength * w

    def curvature(self, w: Array) -> Array:
        """The diagonal of the second derivative."""
        return np.full_like(w, self.strength)

    def gap(self, gradient: Array) -> float:
        """value(w) + conjugate(v) - w·v at v = -X' residual, where `gradient` = w/C - v.

        For ridge that is (C/2) ‖v - w/C‖², the square of the gradient: nothing cancels.
        """
        return float(np.vdot(gradient, gradient)) / (2 * self.strength)

    def __bool__(self) -> bool:
        return self.strength > 0

"""The penalty on the weights. The intercept never reaches this file.

    Elastic net   Σ_j l1_j |w_j| + ½ l2_j w_j²,    l1_j = l1_ratio v_j / C,
                                                   l2_j = (1 - l1_ratio) v_j / C

for each output, v_j being a factor a column (1 where none is given). Ridge is l1 = 0; at C = inf
nothing is left.

All methods take and give the user's weights w, shape (q, d): one row of d weights for each output.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ElasticNet:
    """The penalty Σ l1 |w| + ½ l2 w², with one number for all columns or one for each."""

    l1: Array | float
    l2: Array | float

    @classmethod
    def of(cls, C: float, l1_ratio: float = 0.0, factors: Array | None = None) -> "ElasticNet":
        """The penalty of scikit-learn's parameters in units of log-likelihood."""
        strength = 1.0 / float(C) if factors is None else factors / float(C)
        return cls(l1_ratio * strength, (1.0 - l1_ratio) * strength)

    def value(self, w: Array) -> float:
        if self.is_round:  # as each pass asks for it
            return 0.5 * float(self.l2) * float(np.vdot(w, w)) if self.l2 else 0.0
        return float(np.sum(self.l1 * np.abs(w)) + 0.5 * np.sum(self.l2 * np.square(w)))

    def gradient(self, w: Array) -> Array:
        """Of the smooth part."""
        return self.l2 * w

    def curvature(self, w: Array) -> Array:
        """The diagonal of the second derivative of the smooth part."""
        return np.full(w.shape, self.l2)

    def gap(
        self, w: Array, gradient: Array, moved: Array | float = 0.0, share: float = 1.0
    ) -> float:
        """value(w) + conjugate(v) - w·v, or more by what v may be off by, `moved`; at
        v = -share X' residual, where `gradient` = l2 w + X' residual is that of the smooth part.

        With c = v clipped to ±l1 it falls apart into terms that are not negative, so nothing
        cancels: (l2 w - (v - c))² / (2 l2) and l1 |w| - c w. For ridge c = 0, and the first is the
        square of the gradient. A column without l2 has to be `within` its l1; one without either
        has v = 0.
        """
        if not self.has_corners and self:
            return float(np.sum((np.abs(gradient) + moved) ** 2 / (2 * self.l2)))
        v = share * (self.l2 * w - gradient)
        c = np.clip(v, -self.l1, self.l1)
        excess = np.abs(self.l2 * w - (v - c)) + share * moved
        smooth = np.broadcast_to(np.asarray(self.l2) > 0, w.shape)
        squares = np.where(smooth, excess**2 / np.where(smooth, 2 * self.l2, 1.0), 0.0)
        corners = self.l1 * np.abs(w) - c * w + share * moved * np.abs(w)
        return float(np.sum(np.where(self._is_free, 0.0, squares + corners)))

    def within(self, w: Array, gradient: Array, moved: Array | float = 0.0) -> float:
        """The largest share <= 1 of the residuals for which no |v_j| is above l1_j."""
        size = np.where(self._is_free, 0.0, np.abs(self.l2 * w - gradient) + moved)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(size > self.l1, self.l1 / size, 1.0)
        return float(np.min(shares, initial=1.0))

    def times(self, factor: float) -> "ElasticNet":
        """The same so many times as strong."""
        return ElasticNet(self.l1 * factor, self.l2 * factor)

    def with_ridge(self, l2: Array) -> "ElasticNet":
        """The same with a ridge part so much stronger."""
        return ElasticNet(self.l1, self.l2 + l2)

    def columns(self, index: NDArray[np.intp]) -> "ElasticNet":
        """The penalty on some of the columns."""
        l1, l2 = (x if np.ndim(x) == 0 else np.asarray(x)[index] for x in (self.l1, self.l2))
        return ElasticNet(l1, l2)

    @cached_property
    def has_corners(self) -> bool:
        """Whether it has an L1 part, whose weights may be exact zeros."""
        return bool(np.any(self.l1))

    @cached_property
    def has_squares(self) -> bool:
        """Whether every column that is penalised has a ridge part."""
        return bool(np.all(self._is_free | (np.asarray(self.l2) > 0)))

    @cached_property
    def _is_free(self) -> NDArray[np.bool_]:
        return np.asarray(np.add(self.l1, self.l2) == 0)

    def free(self, d: int) -> NDArray[np.intp]:
        """The columns, of d, that are not penalised."""
        return np.flatnonzero(np.broadcast_to(self._is_free, d))

    @cached_property
    def is_round(self) -> bool:
        """Whether it is the same in all directions."""
        return np.ndim(self.l2) == 0 and not self.has_corners

    @cached_property
    def anything(self) -> bool:
        """Whether any column is penalised."""
        return not bool(np.all(self._is_free))

    def __bool__(self) -> bool:
        """Whether every column is penalised, so that F has a minimum."""
        return self._is_everywhere

    @cached_property
    def _is_everywhere(self) -> bool:
        return not bool(np.any(self._is_free))

"""The log loss as a function of the margins: binomial and multinomial.

    margin    (q, m)  one row an output: q = 1 for two classes, q = K for K classes
    residual  (q, m)  d loss / d margin, times the row's weight
    curvature         its derivative, as (diag, root): the q × q block of row i is
                      diag(diag[:, i]) - root[:, i] root[:, i]'   (root is None for two classes)

With the signed margin z = -η for y = 1 and z = +η for y = 0, the binomial loss, residual and
curvature are softplus(z), ±σ(z) and σ'(z): one formula each, accurate in both tails.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = slice


class Loss(Protocol):
    """What the objective asks of a loss. Rows are a slice of all n rows."""

    q: int
    weight: Array | None

    def value_and_residual(self, margin: Array, rows: Rows) -> tuple[float, Array]: ...
    def curvature(self, margin: Array, rows: Rows) -> tuple[Array, Array | None]: ...
    def trace(self, margin: Array, rows: Rows) -> Array: ...
    def lead(self, margin: Array) -> float: ...
    def divergence(self, margin: Array, moved: Array, share: float, rows: Rows) -> float: ...
    def log_odds(self) -> Array: ...
    def take(self, index: NDArray[np.intp], factor: Array) -> "Loss": ...


def _weighted(weight: Array | None, rows: Rows, *arrays: Array) -> None:
    if weight is not None:
        for array in arrays:
            array *= weight[rows]


def _totals(codes: NDArray[Any], n_classes: int, weight: Array | None) -> Array:
    """The weight of each class; one without any counts as a thousandth of the smallest."""
    if codes.dtype == bool and weight is None:  # a million rows: 0.2 ms for 2.7
        n = np.array([0.0, np.count_nonzero(codes)])
        n[0] = len(codes) - n[1]
    else:
        n = np.bincount(codes, weights=weight, minlength=n_classes).astype(np.float64)
    return np.where(n > 0, n, 1e-3 * n[n > 0].min())


def log_odds(totals: Array) -> Array:
    """The classes' log-odds from the weight of each: of the second against the first, (1,), or of
    several with mean 0, (K,).
    """
    log = np.log(totals)
    odds: Array = log[1:] - log[:1] if len(log) == 2 else log - log.mean()
    return odds


def _divergence(q: Array, p: Array) -> Array:
    """q log(q/p) - q + p >= 0, which adds up to the Kullback-Leibler divergence; inf for q < 0."""
    change = q - p
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = change / p
        log = np.where(ratio < -0.5, np.log(q) - np.log(p), np.log1p(ratio))
        each = q * log - change
    each[q == 0] = p[q == 0]
    each[(q < 0) | ((p == 0) & (q > 0))] = np.inf
    return each


def _total(each: Array, weight: Array | None, rows: Rows) -> float:
    """The weighted sum of what may be infinite in rows without weight."""
    if weight is None:
        return float(each.sum())
    weight = weight[rows]
    return float(weight[weight > 0] @ each[weight > 0])


def _sigma(z: Array) -> Array:
    u = np.exp(-np.abs(z))
    sigma: Array = np.where(z < 0, u, 1.0) / (1.0 + u)
    return sigma


class Binomial:
    """Two classes: loss log(1 + e^z), z = ∓margin, for codes 0 and 1."""

    q = 1

    def __init__(self, codes: NDArray[np.intp] | Array, weight: Array | None = None) -> None:
        self.sign = np.multiply(codes, -2.0)
        self.sign += 1.0
        self.weight = weight

    def value_and_residual(self, margin: Array, rows: Rows) -> tuple[float, Array]:
        """The sum of these rows' losses log(1 + u) + max(z, 0), with u = e^-|z| for margin (1, m);
        and ∓σ(z) = ∓e^min(z, 0) / (1 + u).
        """
        sign = self.sign[rows]
        z = margin[0] * sign
        u = np.abs(z)
        np.negative(u, out=u)
        np.exp(u, out=u)
        residual: Array = np.minimum(z, 0.0)
        np.exp(residual, out=residual)
        residual *= sign
        loss = np.maximum(z, 0.0, out=z)
        loss += np.log1p(u)
        u += 1.0
        residual /= u
        _weighted(self.weight, rows, loss, residual)
        return float(loss.sum()), residual[None]

    def curvature(self, margin: Array, rows: Rows) -> tuple[Array, None]:
        """σ' = u / (1 + u)² with u = e^-|margin|, times the weight."""
        u = np.abs(margin)
        np.negative(u, out=u)
        np.exp(u, out=u)
        square = u + 1.0
        square *= square
        u /= square
        _weighted(self.weight, rows, u)
        return u, None

    def trace(self, margin: Array, rows: Rows) -> Array:
        """The trace of each row's curvature, (m,)."""
        trace: Array = self.curvature(margin, rows)[0][0]
        return trace

    def lead(self, margin: Array) -> float:
        """By how much the own class is ahead in the row where it is least, of those with a weight;
        below 0 where it is behind.
        """
        ahead = -margin[0] * self.sign
        return float(np.min(ahead if self.weight is None else ahead[self.weight > 0]))

    def divergence(self, margin: Array, moved: Array, share: float, rows: Rows) -> float:
        """Σ s KL(q ‖ p) between the probabilities p and those whose residuals are `share` times
        the residuals less `moved` (1, m), at a weight of 1; inf where one leaves [0, 1].
        """
        sign = self.sign[rows]
        z = margin[0] * sign
        wrong, right = _sigma(z), _sigma(-z)
        other = share * (wrong - sign * moved[0])
        each = _divergence(other, wrong) + _divergence(1.0 - other, right)
        return _total(each, self.weight, rows)

    def log_odds(self) -> Array:
        """The log-odds of class 1 among all rows, (1,): the intercept of a fit without columns."""
        return log_odds(_totals(self.sign < 0, 2, self.weight))

    def take(self, index: NDArray[np.intp], factor: Array) -> "Binomial":
        """The loss of some rows, their weights times `factor`."""
        part = Binomial.__new__(Binomial)
        part.sign = self.sign[index]
        part.weight = factor if self.weight is None else factor * self.weight[index]
        return part


class Multinomial:
    """K classes: loss logsumexp(margin) - margin[y], symmetric in the classes."""

    def __init__(
        self, codes: NDArray[np.intp], n_classes: int, weight: Array | None = None
    ) -> None:
        self.codes, self.q, self.weight = codes, n_classes, weight

    def _probabilities(self, margin: Array) -> Array:
        p: Array = margin - margin.max(axis=0)
        np.exp(p, out=p)
        p /= p.sum(axis=0)
        return p

    def value_and_residual(self, margin: Array, rows: Rows) -> tuple[float, Array]:
        """The sum of these rows' losses, margin (K, m); and p - y, with 1 - p_y as the sum of the
        others, or it would be lost where p_y is near 1.
        """
        codes = self.codes[rows]
        each = np.arange(codes.size)
        largest = margin.max(axis=0)
        p: Array = margin - largest
        np.exp(p, out=p)
        total = p.sum(axis=0)
        loss = np.log(total) + (largest - margin[codes, each])
        p /= total
        p[codes, each] = 0.0
        p[codes, each] = -p.sum(axis=0)
        _weighted(self.weight, rows, loss, p)
        return float(loss.sum()), p

    def curvature(self, margin: Array, rows: Rows) -> tuple[Array, Array]:
        """diag(s p) - s p p', as (s p, sqrt(s) p)."""
        p = self._probabilities(margin)
        if self.weight is None:
            return p, p
        weight = self.weight[rows]
        return p * weight, p * np.sqrt(weight)

    def trace(self, margin: Array, rows: Rows) -> Array:
        """The trace of each row's curvature, Σ_k s p_k (1 - p_k), (m,)."""
        diag, root = self.curvature(margin, rows)
        trace: Array = np.maximum((diag - root * root).sum(axis=0), 0.0)
        return trace

    def lead(self, margin: Array) -> float:
        """The same for K classes: ahead of the best of the others."""
        each = np.arange(self.codes.size)
        others = margin.copy()
        others[self.codes, each] = -np.inf
        ahead = margin[self.codes, each] - others.max(axis=0)
        return float(np.min(ahead if self.weight is None else ahead[self.weight > 0]))

    def divergence(self, margin: Array, moved: Array, share: float, rows: Rows) -> float:
        """The same for K classes, moved (K, m)."""
        codes = self.codes[rows]
        each = np.arange(codes.size)
        p = self._probabilities(margin)
        other = share * (p - moved)
        other[codes, each] = 0.0
        other[codes, each] = 1.0 - other.sum(axis=0)
        return _total(_divergence(other, p).sum(axis=0), self.weight, rows)

    def log_odds(self) -> Array:
        """The log-shares of the classes among all rows, (K,), with mean 0."""
        return log_odds(_totals(self.codes, self.q, self.weight))

    def take(self, index: NDArray[np.intp], factor: Array) -> "Multinomial":
        """The loss of some rows, their weights times `factor`."""
        weight = factor if self.weight is None else factor * self.weight[index]
        return Multinomial(self.codes[index], self.q, weight)

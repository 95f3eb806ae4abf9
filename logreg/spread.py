"""V ≈ H⁻¹ of all rows of a stream so far, and the step that a few new rows make with it."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from logreg.loss import Loss
from logreg.metric import DiagonalMetric, Metric

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

ENOUGH = 1e-2  # standard errors from where an implicit step ends


class Spread(Protocol):
    """V ≈ H⁻¹, of all rows so far."""

    def fade(self, factor: float) -> None: ...
    def deviations(self, x: Any, codes: Codes) -> Array: ...
    def step(self, theta: Array, x: Any, loss: Loss) -> Array: ...


class Covariance:
    """V, a matrix (p, p)."""

    def __init__(self, metric: Metric, q: int, width: int) -> None:
        self.q, self.width = q, width
        self.matrix = metric.solve(np.eye(q * width))

    def fade(self, factor: float) -> None:
        self.matrix /= factor

    def deviations(self, x: Array, codes: Codes) -> Array:
        """Standard errors of the margins (q, m) of x; of several, less the margin of the own."""
        q, width, each = self.q, self.width, np.arange(len(x))
        v = self.matrix.reshape(q, width, q, width).transpose(0, 2, 1, 3)
        if q == 1:
            variance = np.einsum("ia,ia->i", x @ v[0, 0], x)[None]
        else:
            pairs = np.stack([np.einsum("kia,ia->ki", x @ row, x) for row in v])  # (q, q, m)
            own = pairs[codes, :, each].T  # with the own class
            variance = np.einsum("kki->ki", pairs) + own[codes, each] - 2 * own
        deviation: Array = np.sqrt(np.maximum(variance, 0.0))
        return deviation

    def step(self, theta: Array, x: Array, loss: Loss) -> Array:
        """θ - V X'u, and V of these rows as well: V - V X'(W⁻¹ + X V X')⁻¹ X V."""
        m = len(x)
        vx = (self.matrix.reshape(-1, self.width) @ x.T).reshape(-1, self.q * m)
        a = (x @ vx.reshape(self.q, self.width, -1)).reshape(self.q * m, -1)
        u, information = implicit(loss, theta @ x.T, a)
        self.matrix -= vx @ (information @ vx.T)
        new: Array = theta - (vx @ u.ravel()).reshape(theta.shape)
        return new


class Variances:
    """V, a diagonal: one over the information of each parameter, as (q, width)."""

    def __init__(self, metric: Metric, q: int) -> None:
        assert isinstance(metric, DiagonalMetric)
        self.information = metric.diagonal.reshape(q, -1).copy()

    def fade(self, factor: float) -> None:
        self.information *= factor

    def deviations(self, x: Any, codes: Codes) -> Array:
        variance = (_squared(x) @ (1 / self.information).T).T
        if len(variance) > 1:
            variance = variance + variance[codes, np.arange(len(codes))]
        deviation: Array = np.sqrt(variance)
        return deviation

    def step(self, theta: Array, x: Any, loss: Loss) -> Array:
        q, m = len(theta), x.shape[0]
        a = np.zeros((q, m, q, m))
        for k, information in enumerate(self.information):
            scaled = x @ sparse.diags_array(1 / information)
            product = scaled @ x.T
            a[k, :, k] = product.toarray() if is_sparse(product) else product
        u, _ = implicit(loss, (x @ theta.T).T, a.reshape(q * m, q * m))
        new: Array = theta - (x.T @ u.T).T / self.information
        diag, root = loss.curvature((x @ new.T).T, slice(0, m))
        each = diag if root is None else np.maximum(diag - root * root, 0.0)
        self.information += (_squared(x).T @ each.T).T
        return new - new.mean(axis=0) if q > 1 else new


def is_sparse(x: Any) -> bool:
    return bool(sparse.issparse(x))


def _squared(x: Any) -> Any:
    return x.multiply(x) if is_sparse(x) else x * x


def implicit(loss: Loss, margin: Array, a: Array) -> tuple[Array, Array]:
    """u (q, m), the residuals after the step that they make, u = residual(margin - A u), and
    (W⁻¹ + A)⁻¹ there, for A = X V X'.

    They minimise ℓ(margin - A u) + ½ u'A u, which is F in the rows' own space, by Newton's method.
    """
    shape, rows, eye = margin.shape, slice(0, margin.shape[1]), np.eye(margin.size)
    u, au = np.zeros(margin.size), np.zeros(margin.size)
    value, residual = loss.value_and_residual(margin, rows)
    for _ in range(50):
        w = _matrix(*loss.curvature(margin - au.reshape(shape), rows))
        step = np.linalg.solve(eye + w @ a, residual.ravel() - u)
        a_step = a @ step
        slope, t = float(step @ au - residual.ravel() @ a_step), 1.0
        while True:
            trial, a_trial = u + t * step, au + t * a_step
            sum_, after = loss.value_and_residual(margin - a_trial.reshape(shape), rows)
            new = sum_ + 0.5 * float(trial @ a_trial)
            if new <= value + 1e-4 * t * slope + 1e-12 * abs(value) or t < 1e-6:
                break
            t /= 2
        u, au, value, residual = trial, a_trial, new, after
        if -slope < ENOUGH**2:
            break
    w = _matrix(*loss.curvature(margin - au.reshape(shape), rows))
    information = np.asarray(np.linalg.solve(eye + w @ a, w), np.float64)
    return np.reshape(u, shape), information


def _matrix(diag: Array, root: Array | None) -> Array:
    """The curvatures of m rows as a matrix (q m, q m)."""
    q, m = diag.shape
    w = np.diag(diag.ravel())
    if root is not None:
        each = np.arange(m)
        blocks = w.reshape(q, m, q, m)  # a view
        blocks[:, each, :, each] -= root.T[:, :, None] * root.T[:, None, :]
    return w

"""The optimum to more digits than float64 holds, computed without logreg, and the distance to it.

Newton's method on standardised columns with gradients in 80-bit longdouble, and where it is
affordable Hessians too: with a weak penalty and classes nearly separated, some directions have
1e-15 of the curvature of others, and float64 does not see them. Slow, and meant to be.

With K > 2 classes one number added to the same parameter of all classes changes no margin. The
symmetric solution, which sums to zero, is the one reported; the steps are taken with one class
held still, that of the largest curvature, because then the others' own scales can be divided out.
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

LONG = np.longdouble
assert np.finfo(LONG).eps < 1e-18, "the oracle needs a longdouble of 80 bits or more"

AFFORDABLE = 3e7  # products for a Hessian in longdouble; beyond, float64 must do


@dataclass(frozen=True)
class Optimum:
    """The optimum in standardised coordinates and the means to measure a distance from it."""

    theta: np.ndarray  # (q, width) longdouble: weights of the standardised columns, intercept
    centre: np.ndarray
    scale: np.ndarray
    value: float
    root: np.ndarray  # root @ root.T is the Hessian at the optimum, for the classes `moving`
    decrement: float
    held: int | None  # the class held still

    @property
    def coef(self):
        return self.coef_long.astype(float)

    @property
    def intercept(self):
        return np.broadcast_to(np.asarray(self.intercept_long, float), (len(self.theta),))

    @property
    def coef_long(self):
        return self.theta[:, : len(self.scale)] / self.scale

    @property
    def intercept_long(self):
        if self.theta.shape[1] == len(self.scale):
            return LONG(0)
        return self.theta[:, len(self.scale)] - self.coef_long @ self.centre

    def distance(self, coef, intercept):
        """Standard errors between the optimum and this fit: the length in the Hessian's metric,
        which no single coefficient's distance in its standard error exceeds.
        """
        change = np.asarray(coef, LONG) - self.coef_long
        move = change * self.scale
        if self.theta.shape[1] > len(self.scale):
            shift = np.asarray(intercept, LONG) - self.intercept_long
            move = np.column_stack([move, shift + change @ self.centre])
        if self.held is not None:
            move = np.delete(move - move[self.held], self.held, axis=0)
        return float(np.linalg.norm(self.root.T @ move.ravel().astype(float)))

    @property
    def standard_errors(self):
        """Of the coefficients, (q, d)."""
        half = np.linalg.pinv(self.root, rcond=1e-14)
        q, width = self.theta.shape
        if self.held is not None:
            half = np.insert(half.reshape(-1, q - 1, width), self.held, 0, axis=1)
            half = half - half.mean(axis=1, keepdims=True)
        errors = np.sqrt((half.reshape(-1, q, width) ** 2).sum(axis=0))
        return errors[:, : len(self.scale)] / self.scale


@threadpool_limits.wrap(limits=1)  # many small products: two threads on a busy machine take 30×
def optimum(X, y, *, C=1.0, weight=None, offset=None, fit_intercept=True):
    """The optimum of design.md's F, for two classes or more (symmetric, summing to zero)."""
    X = np.asarray(X)
    n, d = X.shape
    classes, codes = np.unique(y, return_inverse=True)
    K = len(classes)
    s = np.ones(n) if weight is None else np.asarray(weight, float)
    wide = X.astype(LONG)
    centre = (s @ wide) / s.sum() if fit_intercept else np.zeros(d, LONG)
    A = wide - centre
    scale = np.sqrt((s[:, None] * A * A).sum(axis=0) / s.sum())
    scale = np.where(scale > 0, scale, 1).astype(float)
    A = A / scale
    if fit_intercept:
        A = np.column_stack([A, np.ones(n, LONG)])
    width = A.shape[1]
    ridge = np.zeros(width)
    ridge[:d] = (1 / C) / scale**2
    o = np.zeros((n, K), LONG) if offset is None else _per_class(np.asarray(offset, LONG), K)
    first = 1 if K == 2 else 0
    truth = np.eye(K)[codes]
    exact = (
        C < np.inf and n * (K * width) ** 2 <= AFFORDABLE and (K * width) ** 3 <= 30 * AFFORDABLE
    )
    B = A if exact else A.astype(float)

    def evaluate(theta):
        margin = o.copy()
        margin[:, first:] += A @ theta.T
        margin -= margin.max(axis=1, keepdims=True)
        norm = np.log(np.exp(margin).sum(axis=1))
        p = np.exp(margin - norm[:, None])
        value = (s * (norm - margin[np.arange(n), codes])).sum() + (ridge * theta**2).sum() / 2
        gradient = ((p - truth) * s[:, None])[:, first:].T @ A + ridge * theta
        return value, gradient, p.astype(B.dtype)

    def hessian(p):
        """For the classes that move: class 1 of two, or all but the one of most curvature."""
        rest = np.column_stack([np.delete(p, k, axis=1).sum(axis=1) for k in range(K)])
        held = int((s @ (p * rest)).argmax()) if K > 2 else 0
        moving = [k for k in range(K) if k != held]
        h = np.zeros((K - 1, width, K - 1, width), B.dtype)
        for i, k in enumerate(moving):
            for j, m in enumerate(moving[: i + 1]):
                c = s * p[:, k] * (rest[:, k] if k == m else -p[:, m])
                h[i, :, j, :] = B.T @ (c[:, None] * B)
                h[i, range(width), j, range(width)] += ridge * ((k == m) - (K > 2) / K)
                h[j, :, i, :] = h[i, :, j, :].T
        return held, moving, h.reshape((K - 1) * width, -1)

    theta = np.zeros((K - first, width), LONG)
    value, gradient, p = evaluate(theta)
    best = np.inf
    for _ in range(300):
        held, moving, h = hessian(p)
        decrement, move, root = _newton(h, gradient[[k - first for k in moving]].ravel(), exact)
        if decrement < 1e-15 or best / 4 < decrement < 1e-9:
            break
        best = decrement
        step = np.zeros((K, width), LONG)
        step[moving] = move.reshape(K - 1, width)
        step = step[1:] if K == 2 else step - step.mean(axis=0)
        t = LONG(1)
        while True:
            trial = evaluate(theta - t * step)
            if trial[0] <= value or decrement < 1e-6 or t < 1e-12:
                break
            t /= 2
        theta, (value, gradient, p) = theta - t * step, trial
    else:
        raise ArithmeticError(f"the oracle stopped {decrement:.1e} standard errors away")
    if C < np.inf and root.shape[1] < len(root):
        raise ArithmeticError("the oracle cannot see some directions in float64")
    held = held if K > 2 else None
    return Optimum(theta, centre, scale, float(value), root, decrement, held)


def _newton(h, gradient, exact):
    """The decrement, h⁻¹ gradient, and root with root root' = h; all after scaling h to a diagonal
    of ones. By eigenvalues, without the directions that have none, unless `exact`.
    """
    size = np.sqrt(np.where(np.diag(h) > 0, np.diag(h), 1))
    scaled = h / size / size[:, None]
    if not exact:
        values, vectors = np.linalg.eigh(scaled)
        vectors, values = vectors[:, values > 1e-13], values[values > 1e-13]
        z = vectors.T @ (gradient.astype(float) / size) / np.sqrt(values)
        move = vectors @ (z / np.sqrt(values)) / size
        return float(np.linalg.norm(z)), move, size[:, None] * vectors * np.sqrt(values)
    lower = np.zeros_like(scaled)
    for j in range(len(h)):
        column = scaled[j:, j] - lower[j:, :j] @ lower[j, :j]
        if not column[0] > 0:
            raise ArithmeticError("the oracle's Hessian is singular in longdouble")
        lower[j:, j] = column / np.sqrt(column[0])
    z = gradient / size
    for j in range(len(h)):
        z[j] = (z[j] - lower[j, :j] @ z[:j]) / lower[j, j]
    move = z.copy()
    for j in reversed(range(len(h))):
        move[j] = (move[j] - lower[j + 1 :, j] @ move[j + 1 :]) / lower[j, j]
    return float(np.sqrt(z @ z)), move / size, (size[:, None] * lower).astype(float)


def _per_class(offset, K):
    if offset.ndim == 1:
        return np.column_stack([np.zeros_like(offset), offset])
    return offset

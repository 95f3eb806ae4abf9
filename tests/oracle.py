"""The optimum to more digits than float64 holds, computed without logreg, and the distance to it.

Newton's method on standardised columns with gradients in 80-bit longdouble: a step from a float64
Hessian takes away some ten digits of the error, so the answer gets the gradient's precision
(iterative refinement). Slow, and meant to be.
"""

from dataclasses import dataclass

import numpy as np

LONG = np.longdouble
assert np.finfo(LONG).eps < 1e-18, "the oracle needs a longdouble of 80 bits or more"


@dataclass(frozen=True)
class Optimum:
    """The optimum in standardised coordinates and the means to measure a distance from it."""

    theta: np.ndarray  # (q, width) longdouble: weights of the standardised columns, intercept
    centre: np.ndarray
    scale: np.ndarray
    value: float
    root: np.ndarray  # root @ root.T is the Hessian at the optimum
    decrement: float

    @property
    def coef(self):
        return (self.theta[:, : len(self.scale)] / self.scale).astype(float)

    @property
    def intercept(self):
        w = self.theta[:, : len(self.scale)] / self.scale
        b = self.theta[:, len(self.scale)] if self.theta.shape[1] > len(self.scale) else LONG(0)
        return np.broadcast_to((b - w @ self.centre).astype(float), (len(self.theta),))

    def distance(self, coef, intercept):
        """Standard errors between the optimum and this fit: the length in the Hessian's metric,
        which no single coefficient's distance in its standard error exceeds.
        """
        move = (np.asarray(coef, LONG) - self.coef_long) * self.scale
        if self.theta.shape[1] > len(self.scale):
            shift = np.asarray(intercept, LONG) - self.intercept_long
            change = np.asarray(coef, LONG) - self.coef_long
            move = np.column_stack([move, shift + change @ self.centre])
        if len(move) > 1:
            move = move - move.mean(axis=0)
        return float(np.linalg.norm(self.root.T @ move.ravel().astype(float)))

    @property
    def coef_long(self):
        return self.theta[:, : len(self.scale)] / self.scale

    @property
    def intercept_long(self):
        b = self.theta[:, len(self.scale)]
        return b - self.coef_long @ self.centre


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
    A64 = A.astype(float)
    truth = np.eye(K)[codes]

    def evaluate(theta):
        margin = o.copy()
        margin[:, first:] += A @ theta.T
        margin -= margin.max(axis=1, keepdims=True)
        norm = np.log(np.exp(margin).sum(axis=1))
        p = np.exp(margin - norm[:, None])
        value = (s * (norm - margin[np.arange(n), codes])).sum() + (ridge * theta**2).sum() / 2
        gradient = ((p - truth) * s[:, None])[:, first:].T @ A + ridge * theta
        return value, gradient, p.astype(float)

    def factor(p):
        """Rows whose Gram matrix is the Hessian: Σ_k<l p_k p_l (e_k - e_l)(e_k - e_l)'."""
        q = K - first
        h = np.zeros((q, width, q, width))
        for k in range(K):
            for m in range(k):
                block = A64.T @ ((s * p[:, k] * p[:, m])[:, None] * A64)
                for a, b, sign in ((k, k, 1), (m, m, 1), (k, m, -1), (m, k, -1)):
                    if a >= first and b >= first:
                        h[a - first, :, b - first, :] += sign * block
        for k in range(q):
            h[k, range(width), k, range(width)] += ridge
        h = h.reshape(q * width, q * width)
        size = np.sqrt(np.where(np.diag(h) > 0, np.diag(h), 1))
        values, vectors = np.linalg.eigh(h / size / size[:, None])
        keep = values > 1e-13
        return size, values[keep], vectors[:, keep]

    theta = np.zeros((K - first, width), LONG)
    value, gradient, p = evaluate(theta)
    best = np.inf
    for _ in range(300):
        size, values, vectors = factor(p)
        z = vectors.T @ (gradient.astype(float).ravel() / size) / np.sqrt(values)
        decrement = float(np.linalg.norm(z))
        if decrement < 1e-15 or best / 4 < decrement < 1e-9:
            break
        best = decrement
        step = (vectors @ (z / np.sqrt(values)) / size).reshape(theta.shape)
        t = LONG(1)
        while True:
            trial = evaluate(theta - t * step)
            if trial[0] <= value or decrement < 1e-6 or t < 1e-12:
                break
            t /= 2
        theta, (value, gradient, p) = theta - t * step, trial
    else:
        raise ArithmeticError(f"the oracle stopped {decrement:.1e} standard errors away")
    determined = width * (K - 1)  # the rest adds one number to the same parameter of all classes
    if C < np.inf and len(values) < determined:
        raise ArithmeticError("the oracle cannot see some directions in float64")
    if K > 2:  # without a penalty the steps leave the sum over the classes free
        theta = theta - theta.mean(axis=0)
    root = size[:, None] * vectors * np.sqrt(values)
    return Optimum(theta, centre, scale, float(value), root, decrement)


def _per_class(offset, K):
    if offset.ndim == 1:
        return np.column_stack([np.zeros_like(offset), offset])
    return offset

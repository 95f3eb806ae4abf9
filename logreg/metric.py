"""The metric of a step: a positive definite matrix near the Hessian, factored."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, qr, solve_triangular
from scipy.linalg.lapack import dpotrf, dpotrs

Array = NDArray[np.float64]

JITTER = 1e-14
NOTHING = 1e-12  # of the classes' largest part: what they may seem to have in common by rounding
ROOT_JITTER = 1e-13  # of a root of the Hessian: its own digits, not those of its square


class Metric(Protocol):
    """What a solver needs of a metric M."""

    def solve(self, g: Array) -> Array:
        """M⁻¹ g."""
        ...


@runtime_checkable
class FactoredHessian(Metric, Protocol):
    """A metric that is the Hessian; not quite where it is not `sound`."""

    sound: bool

    def deviations(self, x: Array) -> Array:
        """A bound on sqrt(z' H⁻¹ z), z being what a row of x gives its margins to move by."""
        ...

    def deviation(self, largest: Array) -> float:
        """A looser one for every row with |x_j| <= largest_j, at no look at the rows."""
        ...


class FullMetric:
    """H = D A D with unit diagonal in A, and the Cholesky factor of A.

    One-hot groups make A exactly singular but for rounding; `jitter` on its diagonal, from 1e-14
    up until the factorisation succeeds, bounds the step along such directions, and changes those
    whose curvature in A is as small. Where that may be, the metric is not `sound`.
    """

    def __init__(self, hessian: Array) -> None:
        diagonal = hessian.diagonal()
        self.root = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        a = hessian / self.root
        a /= self.root[:, None]
        self.jitter = JITTER
        while True:
            a.flat[:: len(a) + 1] = 1.0 + self.jitter
            self.lower, failed = dpotrf(a, lower=True)  # as scipy.linalg.cholesky, 20 µs sooner
            if not failed:
                break
            self.jitter *= 100
        # Pivots near the jitter are made of it and of rounding.
        self.sound = bool(self.lower.diagonal().min(initial=1.0) ** 2 > 1e3 * self.jitter)

    @classmethod
    def of_root(cls, rows: Array) -> "FullMetric":
        """The metric of H = rows' rows, through Q R: singular values of the scaled rows down to
        1e-11 count, where the Cholesky factor of their products sees them down to 1e-6.
        """
        metric = cls.__new__(cls)
        size = np.linalg.norm(rows, axis=0)
        metric.root = np.where(size > 0, size, 1.0)
        metric.jitter = ROOT_JITTER**2
        small = ROOT_JITTER * np.eye(len(size))
        metric.lower = triangle(np.vstack([rows / metric.root, small])).T
        metric.sound = bool(np.abs(np.diag(metric.lower)).min(initial=1.0) > 100 * ROOT_JITTER)
        return metric

    def solve(self, g: Array) -> Array:
        """H⁻¹ g, for a vector or for each column of a matrix."""
        x: Array = dpotrs(self.lower, (g.T / self.root).T, lower=True)[0]
        return (x.T / self.root).T

    def deviations(self, x: Array) -> Array:
        """sqrt(x' H⁻¹ x) for each row of x (m, p): the standard errors of its margin."""
        return _lengths(self.lower, self.root, x)

    def deviation(self, largest: Array) -> float:
        """A bound on them for every row with |x_j| <= largest_j: ‖ |L⁻¹| largest / root ‖."""
        return _length(self.lower, self.root, largest)


class ClassMetric:
    """The Hessian of several classes, h (q, width, q, width), on steps that add up to zero.

    Such a step is u - mean(u) with u = 0 for one class, `still`. Margins differ as much by u, and
    the penalty λ ‖u - mean(u)‖² has the matrix λ (I - 11'/q), so nothing large is added that
    would drown the curvature of a class that is rare or sure; the one with the largest is held.
    """

    def __init__(self, h: Array, ridge: Array) -> None:
        self._hold(int(np.einsum("kaka->k", h).argmax()), *h.shape[:2])
        each = np.arange(self.width)
        u = h[np.ix_(self.moving, each, self.moving, each)]
        for a in each:
            u[:, a, :, a] -= ridge[a] / self.q
        size = (self.q - 1) * self.width
        self.inner = FullMetric(u.reshape(size, size))
        self.sound = self.inner.sound

    @classmethod
    def of_root(cls, rows: Array, still: int, q: int) -> "ClassMetric":
        """The same from a root of the matrix of the moving classes."""
        metric = cls.__new__(cls)
        metric._hold(still, q, rows.shape[1] // (q - 1))
        metric.inner = FullMetric.of_root(rows)
        metric.sound = metric.inner.sound
        return metric

    def _hold(self, still: int, q: int, width: int) -> None:
        self.q, self.width, self.still = q, width, still
        self.moving = np.delete(np.arange(q), still)

    def solve(self, g: Array) -> Array:
        """H⁻¹ g among the steps that add up to zero over the classes; for each column of g.

        Gradients add up to zero themselves: where that is so but for rounding nothing is taken
        off, as it would drown the parts of classes that are all but sure.
        """
        each = g.reshape(self.q, self.width, -1)
        common = each.mean(axis=0)
        common[np.abs(common) <= NOTHING * np.abs(each).max(axis=0)] = 0.0
        pull = (each - common)[self.moving]
        u = np.zeros_like(each)
        u[self.moving] = self.inner.solve(pull.reshape(-1, each.shape[2])).reshape(pull.shape)
        u -= u.mean(axis=0)
        return u.reshape(g.shape)

    def deviations(self, x: Array) -> Array:
        """A bound on the standard errors of each row's differences of margins, x (m, width)."""
        root = self.inner.root.reshape(-1, self.width)
        largest = np.zeros(len(x))
        for k in range(self.q - 1):
            below = self.inner.lower[k * self.width :, k * self.width :]
            np.maximum(largest, _lengths(below, root[k], x), out=largest)
        return 2 * largest

    def deviation(self, largest: Array) -> float:
        """The same for every row with |x_j| <= largest_j."""
        root = self.inner.root.reshape(-1, self.width)
        parts = range(0, len(self.inner.lower), self.width)
        lower = [self.inner.lower[a:, a:] for a in parts]
        return 2 * max(_length(b, r, largest) for b, r in zip(lower, root, strict=True))


def triangle(rows: Array) -> Array:
    """R (p, p) of rows = Q R, for at least p rows."""
    r: Array = np.asarray(qr(rows, mode="r", check_finite=False, overwrite_a=True)[0], np.float64)
    return r[: rows.shape[1]]


def _lengths(lower: Array, root: Array, x: Array) -> Array:
    """‖L⁻¹ (x / root)‖ for each row of x, which has zeros below its length."""
    right = np.zeros((len(lower), len(x)))
    right[: x.shape[1]] = (x / root).T
    z = solve_triangular(lower, right, lower=True, overwrite_b=True, check_finite=False)
    lengths: Array = np.sqrt(np.einsum("ij,ij->j", z, z))
    return lengths


def _length(lower: Array, root: Array, largest: Array) -> float:
    """A bound on `_lengths` by the absolute values of L⁻¹: infinite for a column whose curvature
    is next to nothing.
    """
    right = np.zeros((len(lower), len(largest)))
    with np.errstate(over="ignore"):
        np.fill_diagonal(right, largest / root)
        if not np.isfinite(right).all():
            return np.inf
        z = solve_triangular(lower, right, lower=True, overwrite_b=True, check_finite=False)
        return float(np.linalg.norm(np.abs(z).sum(axis=1)))


class DiagonalMetric:
    """The diagonal of the Hessian: for more parameters than a matrix can be made of."""

    def __init__(self, diagonal: Array) -> None:
        self.diagonal = np.where(diagonal > 0, diagonal, 1.0)

    def solve(self, g: Array) -> Array:
        """M⁻¹ g."""
        return g / self.diagonal


class KroneckerMetric:
    """S ⊗ B + diag(ridge): for several classes where H itself would be too large.

    With S = U diag(s) U', it falls apart into q matrices s_k B + diag(ridge), one an eigenvector.
    The smallest eigenvalue is 0: the same step for all classes, along which no solver needs to go.
    B is a matrix, or the diagonal of one.
    """

    def __init__(self, s: Array, b: Array, ridge: Array) -> None:
        values, self.vectors = eigh(s, check_finite=False)
        self.inner: Metric = (
            EachMetric([FullMetric(value * b + np.diag(ridge)) for value in values[1:]])
            if b.ndim == 2
            else DiagonalMetric(values[1:, None] * b + ridge)
        )

    def solve(self, g: Array) -> Array:
        """M⁻¹ g, without the part that is common to all classes."""
        parts = self.vectors[:, 1:].T @ g.reshape(len(self.vectors), -1)
        solved: Array = self.vectors[:, 1:] @ self.inner.solve(parts)
        return solved.ravel()


class EachMetric:
    """One metric a row."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self.metrics = metrics

    def solve(self, g: Array) -> Array:
        """M_k⁻¹ g_k, (k, width)."""
        rows = zip(self.metrics, g, strict=True)
        return np.stack([metric.solve(row) for metric, row in rows])

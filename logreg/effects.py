"""What the coefficients mean for the probabilities: marginal effects and predictions, with their
standard errors by the delta method.

    P_k = softmax(η)_k,   ∂P_k/∂x_j = P_k (β_kj - Σ_l P_l β_lj)

The average over the rows, or the effect at one row such as the mean, is a function e(β) of the
parameters; its variance is E Σ E', E being the derivative of e.  Two classes are the case β_0 = 0.
"""

import numbers
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from logreg.contrasts import Contrasts
from logreg.outcome import CollinearityWarning, warn_caller
from logreg.sigmoid import sigmoid, softmax

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
BLOCK = 1_000_000  # numbers of a block of rows
TINY = float(np.finfo(float).tiny)
PLACES = ("overall", "mean", "median", "zero")


class Effect(NamedTuple):
    """A function of the parameters: its value and derivative (K, k)."""

    klass: int
    column: int
    value: float
    derivative: Array


def _dense(x: Any) -> Array:
    dense = x if isinstance(x, np.ndarray) else x.toarray()
    return np.asarray(dense, dtype=np.float64)


class Population:
    """The rows over which an effect is averaged.

    Parameters
    ----------
    X : array or sparse matrix (n, d)
    intercept : bool
    offset : array (n, K)
    weight : array (n,)
        Adds up to 1.
    """

    def __init__(
        self,
        X: Any,
        intercept: bool,
        offset: Array,
        weight: Array,
        values: Mapping[int, float] | None = None,
    ) -> None:
        self.X, self.intercept, self.offset, self.weight = X, intercept, offset, weight
        self.values = dict(values or {})  # of columns, instead of those of X

    @classmethod
    def of(
        cls, X: Any, offset: Array | None, weight: Array | None, contrasts: Contrasts
    ) -> "Population":
        """From the offset (q, n) of the outputs and weights of any size."""
        n, K = X.shape[0], len(contrasts.others) + 1
        each = np.zeros((n, K))
        if offset is not None:
            each[:, K - len(offset) :] = offset.T
        s = np.full(n, 1 / n) if weight is None else weight / weight.sum()
        return cls(X, contrasts.intercept, each, s)

    @property
    def classes(self) -> int:
        return int(self.offset.shape[1])

    def rows(self, rows: slice) -> Array:
        """The design matrix (m, k) of some rows, intercept first."""
        x = _dense(self.X[rows])
        made = np.empty((len(x), self.intercept + x.shape[1]))
        made[:, : self.intercept] = 1.0
        made[:, self.intercept :] = x
        for column, value in self.values.items():
            made[:, self.intercept + column] = value
        return made

    def blocks(self) -> Iterator[slice]:
        n, k = len(self.weight), self.X.shape[1] + 1
        size = max(1, BLOCK // max(k, self.classes**3))
        return (slice(a, min(a + size, n)) for a in range(0, n, size))

    def at(self, what: str) -> "Population":
        """All rows, or one row of their means, medians or zeros."""
        if what == "overall":
            return self
        if not isinstance(what, str) or what not in PLACES:
            known = ", ".join(map(repr, PLACES))
            raise ValueError(f"at={what!r} is unknown; there are {known}, or a dict of values.")
        mean = (self.weight @ self.offset)[None]
        row = np.zeros((1, self.X.shape[1]))
        if what == "mean":
            row[0] = self.X.T @ self.weight
        elif what == "median":
            row[0] = [self._median(j) for j in range(row.size)]
        return Population(row, self.intercept, mean, np.ones(1))

    def _median(self, j: int) -> float:
        """Of the rows with a weight, each counted as often as it says."""
        values = self._column(j)
        order = np.argsort(values, kind="stable")
        below = np.cumsum(self.weight[order])
        low, high = np.searchsorted(below, [0.5 - 1e-12, 0.5 + 1e-12])
        return float(values[order[[low, min(high, len(order) - 1)]]].mean())

    def _column(self, j: int) -> Array:
        return _dense(self.X[:, [j]])[:, 0]

    def zero_one(self) -> list[int]:
        """The columns that hold 0 and 1 only."""
        return [j for j in range(self.X.shape[1]) if np.isin(self._column(j), (0, 1)).all()]

    def with_values(self, values: Mapping[int, float]) -> "Population":
        """The same rows with these values in some columns."""
        for column, value in values.items():
            if not (isinstance(value, numbers.Real) and np.isfinite(float(value))):
                raise ValueError(f"at gives {value!r} for column {column}: it must be a number.")
        return Population(self.X, self.intercept, self.offset, self.weight, values)


def marginal(
    people: Population, beta: Array, columns: list[int], zero_one: list[int]
) -> list[Effect]:
    """The effect of each column on each class's probability: for those of `zero_one` the
    difference between 1 and 0, else the derivative.
    """
    out, shift = [], int(people.intercept)
    e, derivative = slopes(people, beta)
    for column in columns:
        j = column + shift
        each = discrete(people, beta, j) if column in zero_one else (e[:, j], derivative[:, j])
        out += [Effect(c, column, float(each[0][c]), each[1][c]) for c in range(len(e))]
    return out


def table(found: list[Effect], cov: Array, contrasts: Contrasts, alpha: float) -> "pd.DataFrame":
    """A row an effect: dy_dx, std_err, z, p, lower, upper. Of two classes only the one that is
    not the baseline is shown: the other's effects are the same with the other sign.
    """
    import pandas as pd

    names = contrasts.names[contrasts.intercept :]
    if not contrasts.several:
        found = [effect for effect in found if effect.klass == contrasts.others[0]]
        index = pd.Index([names[effect.column] for effect in found])
    else:
        found = sorted(found, key=lambda effect: effect.klass)
        labels = contrasts.all_classes.tolist()
        index = pd.MultiIndex.from_tuples([(labels[f.klass], names[f.column]) for f in found])
    value = np.array([effect.value for effect in found])
    derivative = np.array([effect.derivative[contrasts.others].ravel() for effect in found])
    error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", derivative, cov, derivative), 0.0))
    lost, known = ~contrasts.determines(derivative), contrasts.determined
    at = [effect.column + contrasts.intercept for effect in found]
    _warn_of(lost & known[at], "marginal effects")  # the table of coefficients names the others
    error[lost] = np.nan
    half = -ndtri(alpha / 2) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        z = value / error
    columns = {"dy_dx": value, "std_err": error, "z": z, "p": 2 * ndtr(-np.abs(z))}
    return pd.DataFrame(columns | {"lower": value - half, "upper": value + half}, index=index)


def intervals(
    people: Population, beta: Array, cov: Array, contrasts: Contrasts, alpha: float
) -> "pd.DataFrame":
    """probability, std_err, lower and upper of each row; with several classes of each class."""
    import pandas as pd

    K, k = beta.shape
    others = contrasts.others
    each = np.zeros((K, k, K, k))  # nothing for the baseline
    each[others[:, None], :, others] = cov.reshape(K - 1, k, K - 1, k).swapaxes(1, 2)
    value, error = log_odds(people, beta, each)
    lost = undetermined(people, contrasts)
    _warn_of(lost, "rows")
    error[lost] = np.nan
    half = -ndtri(alpha / 2) * error
    p = np.asarray(sigmoid(value))
    parts = (
        p,
        error * p * np.asarray(sigmoid(-value)),
        sigmoid(value - half),
        sigmoid(value + half),
    )
    names = ["probability", "std_err", "lower", "upper"]
    frames = {
        label: pd.DataFrame({name: x[:, c] for name, x in zip(names, parts, strict=True)})
        for c, label in enumerate(contrasts.all_classes.tolist())
    }
    joined: pd.DataFrame = pd.concat(frames, axis=1)
    return joined if contrasts.several else frames[contrasts.classes.tolist()[0]]


def undetermined(people: Population, contrasts: Contrasts) -> NDArray[np.bool_]:
    """The rows whose margins the data do not determine, (n,), where columns depend on each other:
    those that break the dependence.
    """
    lost = np.zeros(len(people.weight), dtype=bool)
    for rows in people.blocks() if contrasts.objective.flat is not None else ():
        lost[rows] = ~contrasts.determines(people.rows(rows))
    return lost


def _warn_of(lost: NDArray[np.bool_], what: str) -> None:
    if lost.any():
        warn_caller(
            f"Columns depend on each other: the data do not determine {int(lost.sum())} of "
            f"{len(lost)} {what}, whose standard errors and intervals are NaN.",
            CollinearityWarning,
        )


def slopes(people: Population, beta: Array) -> tuple[Array, Array]:
    """The mean of ∂P/∂x, e (K, k), and its derivative in β, (K, k, K, k).

    With A_i = diag(P) - P P' the effect of a row is A_i β, so

        ∂/∂β_ab Σ_i s_i (A_i β)_kj = δ_jb Σ_i s_i A_ka  +  Σ_i s_i x_ib Σ_l (∂A_kl/∂η_a) β_lj
    """
    K, k = beta.shape
    third = np.zeros((K, K, K, k))  # Σ_i s_i (∂A_kl/∂η_a) x_ib
    second = np.zeros((K, K))
    for rows in people.blocks():
        s, x = people.weight[rows], people.rows(rows)
        p = probabilities(x, beta, people.offset[rows])
        a = _covariance(p)
        second += np.einsum("i,ikl->kl", s, a)
        # ∂A_kl/∂η_a = δ_kl A_ka - P_k A_la - P_l A_ka
        d = -p[:, :, None, None] * a[:, None] - p[:, None, :, None] * a[:, :, None]
        d[:, range(K), range(K)] += a
        third += np.tensordot(d * s[:, None, None, None], x, axes=(0, 0))
    derivative = np.einsum("klab,lj->kjab", third, beta)
    derivative[:, range(k), :, range(k)] += second
    return second @ beta, derivative


def discrete(people: Population, beta: Array, j: int) -> tuple[Array, Array]:
    """The mean of P at x_j = 1 less that at x_j = 0, (K,), and its derivative (K, K, k)."""
    K, k = beta.shape
    e, derivative = np.zeros(K), np.zeros((K, K, k))
    for rows in people.blocks():
        x = people.rows(rows)
        for value in (1.0, 0.0):
            sign = 2 * value - 1
            x[:, j] = value
            p = probabilities(x, beta, people.offset[rows])
            e += sign * (people.weight[rows] @ p)
            moved = _covariance(p) * (sign * people.weight[rows])[:, None, None]
            derivative += np.tensordot(moved, x, axes=(0, 0))
    return e, derivative


def probabilities(x: Array, beta: Array, offset: Array) -> Array:
    """(n, K)."""
    return np.asarray(softmax(x @ beta.T + offset))


def log_odds(people: Population, beta: Array, cov: Array) -> tuple[Array, Array]:
    """Of each class against all others, (n, K), and their standard errors by the delta method:
    d logit P_k = dη_k - Σ_{l≠k} P_l dη_l / (1 - P_k), with dη_l = x dβ_l. `cov` (K, k, K, k).
    """
    n, K = people.offset.shape
    value, error = np.empty((n, K)), np.empty((n, K))
    for rows in people.blocks():
        x = people.rows(rows)
        p = probabilities(x, beta, people.offset[rows])
        form = np.zeros((K, K, len(x)))  # x' Σ_al x
        for a in range(K):
            for b in range(a + 1):
                if cov[a, :, b].any():
                    form[a, b] = form[b, a] = np.einsum("ij,ij->i", x @ cov[a, :, b], x)
        for c in range(K):
            others = np.delete(np.arange(K), c)
            rest = np.maximum(p[:, others].sum(axis=1), TINY)
            g = np.empty_like(p)
            g[:, c], g[:, others] = 1.0, -p[:, others] / rest[:, None]
            total = np.einsum("ia,abi,ib->i", g, form, g, optimize=True)
            value[rows, c] = np.log(np.maximum(p[:, c], TINY)) - np.log(rest)
            error[rows, c] = np.sqrt(np.maximum(total, 0.0))
    return value, error


def _covariance(p: Array) -> Array:
    """diag(P) - P P' of each row, (n, K, K)."""
    a = -p[:, :, None] * p[:, None, :]
    each = np.arange(p.shape[1])
    a[:, each, each] = 0.0
    a[:, each, each] = -a.sum(axis=2)  # P_k (1 - P_k) as a sum: exact in both tails
    return a

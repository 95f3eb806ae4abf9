"""The data that times are measured on: generated, shipped, and real where shared/data is near."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from logreg.datasets import load_breast_cancer, load_digits, load_iris

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
QUICK = {  # what `make bench` measures
    "500,000 x 50, normal", "500,000 x 50, six decades", "1,000,000 x 28, normal", "text",
    "covtype_binary", "covtype_binary, standardised", "adult, standardised", "skin", "a9a",
    "sms_spam", "satellite", "letter", "leukemia_golub",
}  # fmt: skip


class Table(NamedTuple):
    """A data set to be loaded when its turn comes."""

    name: str
    load: Callable[[], tuple[Any, np.ndarray]]
    Cs: tuple[float, ...] = (1.0,)


def labels(X: Any, w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Classes drawn from the model with weights w and intercept 1/2."""
    return (rng.random(X.shape[0]) < 1 / (1 + np.exp(-(X @ w) - 0.5))).astype(int)


def normal(n: int, d: int, decades: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Independent normal columns, their sizes spread over so many decades; margins of size 1."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    y = labels(X, rng.normal(size=d) / np.sqrt(d), rng)
    if decades:
        X *= 10 ** rng.uniform(-decades / 2, decades / 2, d)
    return X, y


def correlated(n: int, d: int, condition: float) -> tuple[np.ndarray, np.ndarray]:
    """Columns whose covariance has eigenvalues from 1 to 1/condition, in random directions."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, d))
    y = labels(z, rng.normal(size=d) / np.sqrt(d), rng)
    rotation = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return z * np.logspace(0, -np.log10(condition) / 2, d) @ rotation, y


def mixed(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal, skewed, 0/1 and correlated columns, a quarter of each."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, d))
    k = d // 4
    X[:, k : 2 * k] = np.exp(X[:, k : 2 * k])
    X[:, 2 * k : 3 * k] = X[:, 2 * k : 3 * k] > np.linspace(0, 2.5, k)
    X[:, 3 * k : 4 * k] = 0.8 * X[:, :k] + 0.6 * X[:, 3 * k : 4 * k]
    return X, labels(X, rng.normal(size=d) / np.sqrt(d), rng)


def classes(n: int, d: int, K: int) -> tuple[np.ndarray, np.ndarray]:
    """K classes by normal columns."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d))
    noise = rng.gumbel(size=(n, K))
    return X, (X @ rng.normal(size=(d, K)) / np.sqrt(d) + noise).argmax(axis=1)


def text(n: int = 30_000, d: int = 20_000, words: int = 80) -> tuple[Any, np.ndarray]:
    """Rows of words drawn by Zipf's law."""
    rng = np.random.default_rng(0)
    frequency = 1 / np.arange(1, d + 1)
    columns = rng.choice(d, size=(n, words), p=frequency / frequency.sum()).astype(np.int32)
    rows = np.repeat(np.arange(n, dtype=np.int32), words)
    X = sparse.csr_array((np.ones(rows.size), (rows, columns.ravel())), shape=(n, d))
    X.data = np.log1p(X.data) * 0.1
    return X, labels(X, 4 * rng.normal(size=d), rng)


def generated() -> Iterator[Table]:
    yield Table("500,000 x 50, normal", lambda: normal(500_000, 50))
    yield Table("500,000 x 50, six decades", lambda: normal(500_000, 50, 6))
    yield Table("1,000,000 x 28, normal", lambda: normal(1_000_000, 28), (1.0, np.inf))
    yield Table("60,000 x 1,000, normal", lambda: normal(60_000, 1000))
    yield Table("60,000 x 1,000, mixed", lambda: mixed(60_000, 1000))
    yield Table("text", text)
    yield Table("digits", lambda: load_digits(return_X_y=True))


def real(name: str) -> tuple[Any, np.ndarray]:
    if str(SHARED) not in sys.path:
        sys.path.insert(0, str(SHARED))
    from load import load

    X, y = load(name)
    return (sparse.csr_array(X).astype(float) if sparse.issparse(X) else X), y


def grey(rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """MNIST with grey levels from 0 to 1."""
    X, y = real("mnist")
    return X[:rows] / 255, y[:rows]


def standardised(name: str) -> tuple[np.ndarray, np.ndarray]:
    X, y = real(name)
    return StandardScaler().fit_transform(X), y


def collected() -> Iterator[Table]:
    if not SHARED.exists():
        return
    for name in ("covtype_binary", "nycflights", "kdd99", "fertility", "skin", "adult"):
        yield Table(name, lambda name=name: real(name))
        yield Table(f"{name}, standardised", lambda name=name: standardised(name))
    for name in ("a9a", "sms_spam", "imdb", "newsgroups20"):
        yield Table(name, lambda name=name: real(name), (1.0, 100.0))
    for name in ("leukemia_golub", "arcene", "prostate_singh"):
        yield Table(name, lambda name=name: real(name))
    for name in ("satellite", "letter", "shuttle", "usps", "covtype", "mnist"):
        yield Table(name, lambda name=name: real(name))
    yield Table("mnist, 0 to 1", grey)


def tables() -> Iterator[Table]:
    """All that are compared at equal accuracy."""
    yield from generated()
    yield from collected()


SMALL = [  # compared at everyone's defaults: there the user waits for overhead
    Table("iris", lambda: load_iris(return_X_y=True)),
    Table("breast cancer", lambda: load_breast_cancer(return_X_y=True)),
    Table("1,000 x 20, normal", lambda: normal(1000, 20)),
]

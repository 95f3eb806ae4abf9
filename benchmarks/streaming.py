"""One pass over a stream: excess log loss over the optimum, against scikit-learn's SGDClassifier.

    python benchmarks/streaming.py [orders] [set ...]

Rows come in random order, each once, nothing is preprocessed ("scaled": by the mean and deviation
of all rows, which a stream could not know). The excess is that of the coefficients after the last
row, in the log loss of all rows over its infimum (no penalty: C=inf), in units of d/(2n) for d
free parameters: what chance makes of the optimum itself is 1, the promise is 2. SGDClassifier:
at its defaults; and the best, after the fact, of a grid of alpha, learning_rate, eta0 and average.
"""

import sys
import time
import warnings
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import StandardScaler
from tables import SHARED, real

from logreg import LogisticRegression
from logreg.streaming import Stream

SETS = ("covtype_binary", "nycflights", "fertility", "skin", "adult", "a9a", "satellite", "letter")
ALPHAS = (1e-8, 1e-6, 1e-5, 1e-4, 1e-3)
RATES: tuple[dict[str, Any], ...] = (
    {"learning_rate": "optimal"},
    *({"learning_rate": "constant", "eta0": eta} for eta in 10.0 ** np.arange(-7, 1)),
    *({"learning_rate": "invscaling", "eta0": eta} for eta in 10.0 ** np.arange(-6, 2)),
)
BATCHES = (1, 100, 10_000)


def loss(X: np.ndarray, y: np.ndarray, w: np.ndarray, b: np.ndarray) -> float:
    """The sum over the rows."""
    margin = X @ w.T + b
    if margin.shape[1] == 1:
        return float(np.logaddexp(0, margin[:, 0] * (1 - 2 * y)).sum())
    top = margin.max(axis=1)
    own = margin[np.arange(len(y)), y]
    return float((top + np.log(np.exp(margin - top[:, None]).sum(axis=1)) - own).sum())


def loss_of_sgd(X: np.ndarray, y: np.ndarray, K: int, **options: Any) -> float:
    model = SGDClassifier(loss="log_loss", random_state=0, **options)
    try:
        model.partial_fit(X, y, classes=np.arange(K))
    except ValueError:  # the coefficients overflow
        return np.inf
    if K == 2:
        return loss(X, y, model.coef_, model.intercept_)
    p = model.predict_proba(X)[np.arange(len(y)), y]  # of one against the rest, made to add up to 1
    return float(-np.log(np.maximum(p, 1e-300)).sum())


def loss_of_stream(X: np.ndarray, y: np.ndarray, K: int, batch: int = 1000) -> float:
    stream = Stream(1 if K == 2 else K, X.shape[1])
    for start in range(0, len(y), batch):
        stream.learn(X[start : start + batch], y[start : start + batch])
    return loss(X, y, *stream.coefficients())


def infimum(X: np.ndarray, y: np.ndarray) -> float:
    """Of the loss: with next to no penalty, as rare levels may separate the classes."""
    model = LogisticRegression(C=1e5).fit(X, y)
    return loss(X, y, model.coef_, model.intercept_)


def compare(name: str, orders: int) -> None:
    X, y = real(name)
    X = X.toarray() if sparse.issparse(X) else X
    scaled, K = StandardScaler().fit_transform(X), int(y.max()) + 1
    best = infimum(scaled, y)
    d = (np.linalg.matrix_rank(scaled.T @ scaled) + 1) * (K - 1)
    for form, table in (("raw", X), ("scaled", scaled)):
        ours, default, grid = [], [], []
        for seed in range(orders):
            order = np.random.default_rng(seed).permutation(len(y))
            x, c = table[order], y[order]
            ours.append(loss_of_stream(x, c, K))
            default.append(loss_of_sgd(x, c, K))
            grid.append([loss_of_sgd(x, c, K, **options) for options in options_of_sgd()])
        tuned = np.mean(grid, axis=0).min()
        each = [(value - best) / (d / 2) for value in (np.mean(ours), np.mean(default), tuned)]
        worst = (max(ours) - best) / (d / 2)
        cells = [f"{name}, {form}", f"{len(y):,}", str(d), f"{each[0]:.4f}", f"{worst:.4f}"]
        cells += [f"{each[1]:,.0f}", f"{each[2]:,.4f}" if each[2] < 1 else f"{each[2]:,.1f}"]
        print(f"| {' | '.join(cells)} |", flush=True)


def options_of_sgd() -> list[dict[str, Any]]:
    grid = product(ALPHAS, RATES, (False, True))
    return [{"alpha": alpha, **rate, "average": average} for alpha, rate, average in grid]


def times(name: str = "covtype_binary", rows: int = 100_000) -> None:
    X, y = (part[:rows] for part in real(name))
    cells = []
    for batch in BATCHES:
        start = time.perf_counter()
        loss_of_stream(X, y, 2, batch)
        cells.append(
            f"{1e6 * (time.perf_counter() - start) / len(y):.1f} µs in batches of {batch:,}"
        )
    print(f"\nA row of {name}: {', '.join(cells)}.")


def main(orders: int, names: tuple[str, ...]) -> None:
    warnings.simplefilter("ignore")
    if not SHARED.exists():
        print(f"{SHARED} is not there: nothing to compare on.")
        return
    print("| set | n | d | stream | its worst order | SGD, default | SGD, best of the grid |")
    print("| --- " * 7 + "|")
    for name in names:
        compare(name, orders)
    times()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(int(arguments[0]) if arguments else 3, tuple(arguments[1:]) or SETS)

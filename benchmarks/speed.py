"""Our default fit against scikit-learn's solvers, in one process, interleaved, at equal accuracy.

Each peer runs at the loosest tolerance of a ladder that reaches F - F* ≤ 1e-9 F* (and again for
1e-12 F*; ours, at its default, is below both); the small sets
are compared at both packages' defaults, since there the user waits for overhead, not arithmetic.
Times are medians of interleaved repeats, ratios medians of the ratios pair by pair.

    python benchmarks/speed.py
"""

import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression as Peer

from logreg import LogisticRegression
from logreg.datasets import load_breast_cancer, load_iris

ACCURACIES = [1e-9, 1e-12]
LADDER = [1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10]
SOLVERS = ["lbfgs", "newton-cholesky", "newton-cg"]
REPEATS = 7
PATIENCE = 15.0  # seconds


def objective(model, X, y) -> float:
    """F in units of log-likelihood, C = 1, two classes."""
    margin = X @ model.coef_[0] + model.intercept_[0]
    loss = np.logaddexp(0, np.where(y == 1, -margin, margin)).sum()
    return float(loss + 0.5 * (model.coef_**2).sum())


def seconds(fit: Callable[[], object]) -> float:
    start = time.perf_counter()
    fit()
    return time.perf_counter() - start


def loosest(solver: str, X, y, best: float, accuracy: float) -> Callable[[], object] | None:
    """The peer's fit at the loosest tolerance that is accurate enough; None if there is none, or
    if finding it takes longer than PATIENCE.
    """
    start = time.perf_counter()
    for tol in LADDER:
        model = Peer(solver=solver, tol=tol, max_iter=100)
        if objective(model.fit(X, y), X, y) - best <= accuracy * best:
            return lambda model=model: model.fit(X, y)
        if time.perf_counter() - start > PATIENCE:
            break
    return None


def compare(name: str, ours, peers) -> None:
    """Print a row for each peer; `peers` holds its name and its fit (None: not accurate)."""
    running = {peer: fit for peer, fit in peers.items() if fit is not None}
    times: dict[str, list[float]] = {peer: [] for peer in ["ours", *running]}
    for _ in range(REPEATS):
        times["ours"].append(seconds(ours))
        for peer, fit in running.items():
            times[peer].append(seconds(fit))
    mine = np.array(times["ours"])
    for peer, fit in peers.items():
        if fit is None:
            print(f"| {name} | {np.median(mine):.4f} | {peer} | not reached | |")
        else:
            theirs = np.array(times[peer])
            row = name, f"{np.median(mine):.4f}", peer, f"{np.median(theirs):.4f}"
            print("|", " | ".join(row), f"| {np.median(theirs / mine):.1f} |")


def large(name: str, X, y) -> None:
    model = LogisticRegression()
    best = objective(LogisticRegression(tol=1e-9).fit(X, y), X, y)
    excess = (objective(model.fit(X, y), X, y) - best) / best
    for accuracy in ACCURACIES:
        assert excess <= accuracy, f"{name}: our own fit is {excess:.1e} above the optimum"
        peers = {f"{s} to {accuracy:.0e}": loosest(s, X, y, best, accuracy) for s in SOLVERS}
        compare(name, lambda: model.fit(X, y), peers)


def small(name: str, X, y) -> None:
    model, peer = LogisticRegression(), Peer()
    compare(name, lambda: model.fit(X, y), {"lbfgs, default": lambda: peer.fit(X, y)})


def main() -> None:
    warnings.simplefilter("ignore")
    print("| data | ours s | peer | peer s | peer / ours |\n|---|---|---|---|---|")
    small("iris 150 x 4 x 3", *load_iris(return_X_y=True))
    small("breast cancer 569 x 30", *load_breast_cancer(return_X_y=True))
    rng = np.random.default_rng(0)
    n, d = 500_000, 50
    X = rng.normal(size=(n, d))
    w = rng.normal(size=d) / np.sqrt(d)
    y = (rng.random(n) < 1 / (1 + np.exp(-X @ w - 0.5))).astype(int)
    large("500,000 x 50, standard normal", X, y)
    X *= 10 ** rng.uniform(-3, 3, d)
    large("the same, columns scaled over six decades", X, y)


if __name__ == "__main__":
    main()

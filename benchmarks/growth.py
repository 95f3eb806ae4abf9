"""How the time of a fit grows: with rows, columns, classes, conditioning and threads.

    python benchmarks/growth.py

Each solver at the loosest tolerance that reaches F - F* ≤ 1e-9 F*, ours too; the median of three
fits, one after the other. A point is missing where a peer was not there within its patience (ten
times our time, 5 seconds at least). Writes docs/figures/growth.png (about five minutes).
"""

import warnings
from collections.abc import Callable

import matplotlib
import numpy as np
from peers import PEERS
from speed import LADDER, PATIENCE, STANDARD_ERRORS, loosest, objective, ours, seconds
from tables import ROOT, classes, correlated, normal

from logreg import LogisticRegression

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import NullLocator

REPEATS = 3
NAMES = ["lbfgs", "newton-cholesky", "newton-cg", "glum", "intelex lbfgs"]
PANELS: dict[str, dict[float, Callable]] = {
    "rows (28 columns)": {
        n: lambda n=n: normal(n, 28) for n in (1000, 10_000, 100_000, 1_000_000, 3_000_000)
    },
    "columns (20,000 rows)": {d: lambda d=d: normal(20_000, d) for d in (10, 50, 200, 1000, 5000)},
    "classes (50,000 x 20)": {K: lambda K=K: classes(50_000, 20, K) for K in (2, 3, 5, 10, 26)},
    "condition number (100,000 x 30)": {
        c: lambda c=c: correlated(100_000, 30, c) for c in (1, 1e3, 1e6, 1e9, 1e12)
    },
}


def points(load: Callable) -> dict[str, float]:
    """Seconds of each solver that was accurate enough."""
    X, y = load()
    K = int(y.max()) + 1
    best = objective(ours(X, y, 1.0, 1e-8), X, y, 1.0)
    mine = loosest(ours, STANDARD_ERRORS, X, y, 1.0, best, np.inf)
    patience = max(PATIENCE, 10 * mine.spent)
    found = {"logreg": mine} | {
        peer.name: loosest(peer.fit, LADDER, X, y, 1.0, best, patience)
        for peer in PEERS
        if peer.name in NAMES and peer.can(X, K, 1.0)
    }
    times = {}
    for name, f in found.items():
        if f.fit is not None:
            repeats = 1 if f.spent > 2 else REPEATS
            times[name] = float(np.median([seconds(f.fit) for _ in range(repeats)]))
    return times


def threads() -> dict[int, float]:
    """Seconds of our fit by n_jobs."""
    X, y = normal(1_000_000, 28)
    times = {}
    for k in (1, 2):
        model = LogisticRegression(n_jobs=k).fit(X, y)
        times[k] = float(np.median([seconds(lambda m=model: m.fit(X, y)) for _ in range(5)]))
    return times


def draw(ax, title: str, measured: dict[float, dict[str, float]]) -> None:
    for name in ["logreg", *NAMES]:
        x = [k for k, times in measured.items() if name in times]
        style = {"color": "black", "lw": 2.5, "zorder": 3} if name == "logreg" else {"lw": 1.2}
        ax.loglog(x, [measured[k][name] for k in x], "o-", ms=4, label=name, **style)
    ax.set(xlabel=title, ylabel="seconds")
    if max(measured) < 100:  # classes: their own numbers as ticks
        ax.set_xticks(list(measured), labels=[f"{k:g}" for k in measured], minor=False)
        ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(alpha=0.3)


def main() -> None:
    warnings.simplefilter("ignore")
    figure, axes = plt.subplots(2, 3, figsize=(13, 7.5), layout="constrained")
    for ax, (title, loads) in zip(axes.flat, PANELS.items(), strict=False):
        measured = {}
        for k, load in loads.items():
            measured[k] = points(load)
            print(title, f"{k:g}", {n: f"{t:.3g}" for n, t in measured[k].items()}, flush=True)
        draw(ax, title, measured)
    axes[0, 0].legend(frameon=False)
    by_threads = threads()
    print("threads", by_threads)
    bars = axes[1, 1].bar([str(k) for k in by_threads], list(by_threads.values()), color="black")
    axes[1, 1].bar_label(bars, fmt="%.2f s")
    axes[1, 1].set(xlabel="threads (1,000,000 x 28, default tol)", ylabel="seconds")
    axes[1, 2].axis("off")
    figure.suptitle("Seconds to F − F* ≤ 1e-9 F*")
    figure.savefig(ROOT / "docs" / "figures" / "growth.png", dpi=110)


if __name__ == "__main__":
    main()

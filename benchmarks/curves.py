"""How far from the optimum after how many seconds: ours along one fit, peers at each tolerance.

    python benchmarks/curves.py

Ours is the history of a fit to 1e-8 standard errors (the seconds before its first iterate are
added). A peer tells no history: its points are separate fits, down the ladder of tolerances, until
one takes longer than 5 seconds or ten times our whole fit. Writes docs/figures/curves.png.
"""

import time
import warnings

import matplotlib
import numpy as np
from peers import PEERS
from speed import LADDER, objective
from tables import ROOT, Table, collected, mixed, normal, text

from logreg import LogisticRegression

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LEAST = 1e-14  # relative: below it F is rounding
TABLES = [
    Table("500,000 x 50, normal", lambda: normal(500_000, 50)),
    Table("500,000 x 50, six decades", lambda: normal(500_000, 50, 6)),
    Table("30,000 x 400, mixed", lambda: mixed(30_000, 400)),
    Table("text 30,000 x 20,000", text),
]
REAL = ("covtype_binary, standardised", "satellite")


def curve_of_ours(X, y) -> tuple[np.ndarray, np.ndarray, float]:
    """Seconds and F along a fit, and its whole time."""
    model = LogisticRegression(tol=1e-8)
    model.fit(X, y)
    start = time.perf_counter()
    model.fit(X, y)
    whole = time.perf_counter() - start
    history = model.history_
    before = whole - history["seconds"].iloc[-1]
    return history["seconds"].to_numpy() + before, history["objective"].to_numpy(), whole


def curve_of_peer(peer, X, y, patience: float) -> tuple[list[float], list[float]]:
    """Seconds and F of a fit at each tolerance."""
    seconds, values = [], []
    for tol in [1e-1, 1e-2, 1e-3, *LADDER]:
        start = time.perf_counter()
        answer = peer.fit(X, y, 1.0, tol)
        seconds.append(time.perf_counter() - start)
        values.append(objective(answer, X, y, 1.0))
        if seconds[-1] > patience:
            break
    return seconds, values


def draw(ax, name: str, X, y) -> None:
    seconds, values, whole = curve_of_ours(X, y)
    best = values.min()
    ax.loglog(
        seconds, np.maximum(values / best - 1, LEAST), "k.-", lw=2.5, label="logreg", zorder=3
    )
    for peer in PEERS:
        if peer.can(X, int(y.max()) + 1, 1.0) and peer.name != "statsmodels GLM":
            t, f = curve_of_peer(peer, X, y, max(5.0, 10 * whole))
            excess = np.maximum(np.array(f) / best - 1, LEAST)
            color = f"C{PEERS.index(peer)}"
            ax.loglog(t, excess, "o-", ms=3, lw=1, color=color, label=peer.name)
            print(name, peer.name, f"{t[-1]:.2f} s, {f[-1] / best - 1:.0e}", flush=True)
    ax.set(title=name, xlabel="seconds", ylabel="(F − F*) / F*")
    ax.grid(alpha=0.3)


def main() -> None:
    warnings.simplefilter("ignore")
    tables = TABLES + [table for table in collected() if table.name in REAL]
    figure, axes = plt.subplots(-(-len(tables) // 3), 3, figsize=(14, 8), layout="constrained")
    for ax in axes.flat[len(tables) :]:
        ax.axis("off")
    for ax, table in zip(axes.flat, tables, strict=False):
        draw(ax, table.name, *table.load())
    handles = {}
    for ax in axes.flat:
        handles |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside right upper", frameon=False)
    figure.savefig(ROOT / "docs" / "figures" / "curves.png", dpi=110)


if __name__ == "__main__":
    main()

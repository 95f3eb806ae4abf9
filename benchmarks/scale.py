"""What a round of a cluster costs: a model fitted to small clusters, and its forecast for large.

    python benchmarks/scale.py [--write]

A round sends the parameters out, reads every chunk once, and adds up p numbers in a tree:

    seconds = a + b chunks + c n (d + 20) / workers

The three are fitted to fits on local clusters of one and two processes, in relative errors, and
checked on shapes that were held out. Of a real cluster the network comes on top,
2 p 8 bytes · branches of the tree · its depth / bandwidth; a local one does not show it.
"""

import sys
from itertools import product
from pathlib import Path
from typing import NamedTuple

import dask.array as da
import numpy as np
from dask.delayed import delayed
from distributed import Client, LocalCluster
from scipy.optimize import nnls

from logreg.dask import LogisticRegression
from logreg.dask_blocks import BRANCHES

ROWS, COLUMNS, CHUNKS = (100_000, 400_000, 1_600_000), (10, 40, 100), (4, 16)
HELD_OUT = {(400_000, 40), (1_600_000, 10)}
TABLE = Path(__file__).parents[1] / "docs" / "scale_model.md"
BANDWIDTH = 1e9  # bytes a second between two machines


class Round(NamedTuple):
    """A measured round."""

    workers: int
    n: int
    d: int
    chunks: int
    seconds: float
    rounds: int

    @property
    def terms(self) -> list[float]:
        return [1.0, self.chunks, self.n * (self.d + 20) / self.workers]


def chunk(seed: int, n: int, d: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


def labels(X: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    margin = X[:, 0] - 0.5 * X[:, 1] + rng.logistic(size=len(X))
    return (margin > 0).astype(int)


def measured(workers: int, n: int, d: int, chunks: int) -> Round:
    """The median time of a round of a gradient, the second of two fits."""
    rows = n // chunks
    parts = [delayed(chunk)(k, rows, d) for k in range(chunks)]
    X = da.concatenate([da.from_delayed(part, (rows, d), float) for part in parts]).persist()
    y = da.concatenate(
        [da.from_delayed(delayed(labels)(X.blocks[k], k), (rows,), int) for k in range(chunks)]
    ).persist()
    for _ in range(2):
        history = LogisticRegression().fit(X, y).history_
    steps = history.diff().iloc[1:]
    once = steps[steps["passes"] == 1]
    rounds = int(np.ceil(history["passes"].iloc[-1])) + 1
    return Round(workers, rows * chunks, d, chunks, float(once["seconds"].median()), rounds)


def fitted(rounds: list[Round]) -> np.ndarray:
    """a, b and c, none of them negative, by relative errors."""
    terms = np.array([each.terms for each in rounds]) / [[each.seconds] for each in rounds]
    size = np.linalg.norm(terms, axis=0)
    return nnls(terms / size, np.ones(len(rounds)))[0] / size


def network(p: int, chunks: int) -> float:
    depth = max(1, int(np.ceil(np.log(chunks) / np.log(BRANCHES))))
    return (depth * BRANCHES + 2) * p * 8 / BANDWIDTH


def report(rounds: list[Round], model: np.ndarray) -> list[str]:
    a, b, c = model
    lines = [
        f"a = {a * 1e3:.1f} ms a round, b = {b * 1e3:.2f} ms a chunk, c = {c * 1e9:.2f} ns a "
        "number, of which a row has d + 20.",
        "",
        "| workers | rows | columns | chunks | rounds | ms a round | model | |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    errors = []
    for each in rounds:
        said = float(np.dot(each.terms, model))
        out = (each.n, each.d) in HELD_OUT
        errors += [abs(said / each.seconds - 1)] * out
        lines.append(
            f"| {each.workers} | {each.n:,} | {each.d} | {each.chunks} | {each.rounds} | "
            f"{each.seconds * 1e3:.0f} | {said * 1e3:.0f} | {'held out' if out else ''} |"
        )
    error = (
        f"Median error on what was held out: {np.median(errors):.0%}, largest {max(errors):.0%}."
    )
    return [*lines, "", error, "", *forecasts(model)]


def forecasts(model: np.ndarray) -> list[str]:
    """Of a dense table and of a sparse one, whose numbers take about three times as long."""
    a, b, c = model
    lines = [
        "| | 10⁹ × 100 dense | 4·10⁹ rows, 10⁶ hashed columns, 50 entries a row |",
        "| --- | --- | --- |",
    ]
    shapes = [
        ("workers of one core", 100, 1000),
        ("data", "800 GB, 8 a worker", "2.4 TB, 2.4 a worker"),
        ("chunks (one or more a worker)", 800, 4000),
    ]
    lines += [f"| {what} | {dense} | {text} |" for what, dense, text in shapes]
    dense = {
        "reading": c * 1e9 * 120 / 100,
        "scheduling": a + b * 800,
        "network": network(101, 800),
    }
    text = {
        "reading": 3 * c * 4e9 * 70 / 1000,
        "scheduling": a + b * 4000,
        "network": network(1_000_001, 4000),
    }
    for what in dense:
        lines.append(f"| {what}, s a round | {dense[what]:.2f} | {text[what]:.2f} |")
    rounds = (12, 60)
    totals = [sum(each.values()) for each in (dense, text)]
    lines.append(f"| rounds | about {rounds[0]} | about {rounds[1]} (as imdb) |")
    minutes = [total * k / 60 for total, k in zip(totals, rounds, strict=True)]
    lines.append(f"| in all | {minutes[0]:.1f} min | {minutes[1]:.0f} min |")
    worst = [max(each, key=each.__getitem__) for each in (dense, text)]
    lines.append(f"| most of it | {worst[0]} | {worst[1]} |")
    return lines


def main(write: bool) -> None:
    rounds = []
    for workers in (1, 2):
        cluster = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0")
        with cluster, Client(cluster):
            for n, d, chunks in product(ROWS, COLUMNS, CHUNKS):
                rounds.append(measured(workers, n, d, chunks))
                print(rounds[-1], flush=True)
    model = fitted([each for each in rounds if (each.n, each.d) not in HELD_OUT])
    text = "\n".join(report(rounds, model)) + "\n"
    print(text)
    if write:
        TABLE.write_text("# What a round costs\n\n" + text)


if __name__ == "__main__":
    main("--write" in sys.argv)

"""Our fit against the solvers of other packages, in one process, interleaved, at equal accuracy.

Equal accuracy is F - F* ≤ 1e-9 F*: each peer runs at the loosest tolerance of a ladder that gets
there, and so do we; the time of our fit at its default, which promises a millionth of a standard
error and is mostly far nearer, stands beside it. A peer that is not there within ten times our time
(five seconds at least) or its limit of iterations has what it reached in its row. The small sets
are compared at everyone's defaults, since there one waits for overhead, not arithmetic. Times are
medians of interleaved repeats, ratios medians of the ratios pair by pair; a ratio above 1 says that
we are faster. A read is the time to sum all numbers of X with two threads: what one pass over the
data costs at least.

    python benchmarks/speed.py [--all] [--write] [name ...]

It measures a choice of sets (ten minutes), --all of them, or those whose name holds a word given.
With a folder `shared/data` beside the project its real tables are compared too. --write puts the
result into docs/speed.md, where the rows of sets that were not measured now stay.
"""

import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import memory
import numpy as np
from peers import PEERS, Answer, Fit, versions
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression as ScikitLearn
from tables import QUICK, ROOT, SMALL, Table, tables

from logreg import LogisticRegression, Outcome
from logreg.row_blocks import RowBlocks
from logreg.sparse_blocks import row_blocks

ACCURACY = 1e-9
LADDER = [1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10]
STANDARD_ERRORS = [1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7]
REPEATS = 3
PATIENCE = 5.0  # seconds at least for a peer's ladder
LEAST = 1e-300  # F* may be 0 to rounding where classes are far apart


class Found(NamedTuple):
    """The loosest tolerance that is accurate enough, if there is one."""

    tol: float
    fit: Callable[[], Answer] | None
    excess: float
    spent: float

    def __str__(self) -> str:
        if self.fit:
            return f"tol={self.tol:.0e}"
        return f"{self.excess:.0e} above F* after {self.spent:.0f} s"


def objective(answer: Answer, X: Any, y: np.ndarray, C: float) -> float:
    """F in units of log-likelihood; y holds codes."""
    w, b = answer[0].astype(float), answer[1]
    margin = X @ w.T + b
    if len(w) == 1:
        loss = np.logaddexp(0, np.where(y == 1, -margin[:, 0], margin[:, 0])).sum()
    else:
        loss = (logsumexp(margin, axis=1) - margin[np.arange(len(y)), y]).sum()
    return float(loss + (w**2).sum() / (2 * C))


def ours(X: Any, y: np.ndarray, C: float, tol: float) -> Answer:
    model = LogisticRegression(C=C, tol=tol).fit(X, y)
    return model.coef_, model.intercept_


def seconds(fit: Callable[[], object]) -> float:
    start = time.perf_counter()
    fit()
    return time.perf_counter() - start


def read(X: Any) -> float:
    """Seconds to read all of X."""
    matrix = row_blocks(X, 2)
    return min(
        seconds(lambda: matrix.add_up(lambda rows: (sum(x.sum() for x in parts(matrix, rows)),)))
        for _ in range(5)
    )


def parts(matrix: RowBlocks, blocks: Any) -> Iterator[np.ndarray]:
    for rows in blocks:
        block = matrix.block(rows)
        yield block.rows.data if matrix.sparse else block


def loosest(
    fit: Fit, ladder: list[float], X: Any, y: np.ndarray, C: float, best: float, patience: float
) -> Found:
    """Down the ladder to the first tolerance at which the fit is accurate enough."""
    excess, start = np.inf, time.perf_counter()
    for tol in ladder:
        begin = time.perf_counter()
        try:
            answer = fit(X, y, C, tol)
        except Exception:  # a peer's own failure is a result
            break
        spent = time.perf_counter() - begin
        excess = min(excess, (objective(answer, X, y, C) - best) / best)
        if excess <= ACCURACY:
            return Found(tol, lambda tol=tol: fit(X, y, C, tol), excess, spent)
        if time.perf_counter() - start > patience:
            break
    return Found(tol, None, excess, time.perf_counter() - start)


def interleaved(fits: dict[str, Callable[[], object]]) -> dict[str, np.ndarray]:
    times: dict[str, list[float]] = {name: [] for name in fits}
    for _ in range(REPEATS):
        for name, fit in fits.items():
            times[name].append(seconds(fit))
        if sum(times[next(iter(fits))]) > 3 * PATIENCE:  # long fits vary less
            break
    return {name: np.array(taken) for name, taken in times.items()}


HEAD = """\
| data | C | ours, default s | reads of X | ours, equal s | peer | peer s | peer / ours |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def large(name: str, X: Any, y: np.ndarray, C: float) -> Iterator[tuple[str, ...]]:
    """A row for each peer, at equal accuracy."""
    K = int(y.max()) + 1
    start = time.perf_counter()
    model = LogisticRegression(C=C).fit(X, y)
    spent = time.perf_counter() - start
    if model.outcome_ is Outcome.MAX_ITER:  # then F* is not known
        yield name, f"{C:g}", f"{spent:.3g}", f"{model.n_passes_}", "not at tol", "", "", ""
        return
    exact = ours(X, y, C, 1e-8)
    patience = max(PATIENCE, 10 * spent)
    best = max(objective(exact, X, y, C), LEAST)
    mine = loosest(ours, STANDARD_ERRORS, X, y, C, best, np.inf)
    assert mine.fit, f"{name}: our own fit is {mine.excess:.1e} above the optimum"
    found = {
        peer.name: loosest(peer.fit, LADDER, X, y, C, best, patience)
        for peer in PEERS
        if peer.can(X, K, C)
    }
    times = interleaved(
        {"default": lambda: ours(X, y, C, 1e-6), "ours": mine.fit}
        | {peer: f.fit for peer, f in found.items() if f.fit and f.spent <= patience}
    )
    # What takes longer than our tenfold was timed once, on the ladder.
    times |= {peer: np.array([f.spent]) for peer, f in found.items() if f.spent > patience}
    passes = model.history_["passes"].iloc[-1]
    default, equal = (f"{np.median(times[k]):.3g}" for k in ("default", "ours"))
    first = name, f"{C:g}", default, f"{passes:.0f} x {1e3 * read(X):.1f} ms", f"{equal} ({mine})"
    for peer, f in found.items():
        if f.fit:
            ratio = np.median(times[peer] / times["ours"])
            yield *first, f"{peer}, {f}", f"{np.median(times[peer]):.3g}", f"**{ratio:.2g}**"
        else:
            yield *first, f"{peer}, {f}", "-", "-"


def small(name: str, X: Any, y: np.ndarray) -> Iterator[tuple[str, ...]]:
    """At both packages' defaults."""
    model = LogisticRegression()
    solvers = ("lbfgs", "newton-cholesky")
    peers = {s: ScikitLearn(solver=s) for s in solvers}
    times = interleaved(
        {"ours": lambda: model.fit(X, y)} | {s: lambda s=s: peers[s].fit(X, y) for s in solvers}
    )
    for s in solvers:
        ratio = np.median(times[s] / times["ours"])
        mine, theirs = (f"{np.median(times[k]):.3g}" for k in ("ours", s))
        yield name, "1", mine, "", "", f"{s}, default", theirs, f"**{ratio:.2g}**"


def joined(rows: list[str]) -> list[str]:
    """These rows and those of the page whose set and C they do not have."""
    page = ROOT / "docs" / "speed.md"
    table = page.read_text().split(HEAD)[1].split("\n\n")[0] if page.exists() else ""
    new = {key(row) for row in rows}
    return [row for row in table.splitlines() if row and key(row) not in new] + rows


def key(row: str) -> tuple[str, ...]:
    """The set and the C of a row."""
    return tuple(row.split(" | ")[:2])


def document(rows: list[str], command: str, memory_table: list[str]) -> None:
    made = (
        f"The last rows were made by `{command}`, those above by the same script before, with "
        f"Python {platform.python_version()}, {', '.join(versions())} on 2 cores."
    )
    about = (__doc__ or "").split("\n\n    python")[0]
    text = f"# Speed\n\n{about}\n\n{made}\n\n" + "\n".join([HEAD, *joined(rows)]) + PICTURES
    text += "\n".join(memory_table) + "\n"
    (ROOT / "docs" / "speed.md").write_text(text)


PICTURES = """

## How it gets there

Ours along one fit; peers at each tolerance of their ladder (`python benchmarks/curves.py`).

![Relative distance of F from its optimum against seconds](figures/curves.png)

## How it grows

`python benchmarks/growth.py`: each at the loosest tolerance that reaches 1e-9 F*; a point is
missing where a peer did not get there. The last panel is our fit on one thread and on two.

![Seconds against rows, columns, classes, condition number and threads](figures/growth.png)

## Memory

The peak of the resident memory during a fit, less that before it, as a share of X; each fit in a
process of its own (`python benchmarks/memory.py`).

"""


def compare(words: list[str], *, everything: bool) -> Iterator[tuple[str, ...]]:
    def wanted(table: Table) -> bool:
        if words:
            return any(word in table.name for word in words)
        return everything or table in SMALL or table.name in QUICK

    for table in filter(wanted, SMALL):
        yield from small(table.name, *table.load())
    for table in filter(wanted, tables()):
        X, y = table.load()
        shape = " x ".join(f"{k:,}" for k in X.shape)
        name = table.name if shape in table.name else f"{table.name} {shape}"
        for C in table.Cs:
            yield from large(name + (f", {y.max() + 1} classes" if y.max() > 1 else ""), X, y, C)


def main(arguments: list[str]) -> None:
    warnings.simplefilter("ignore")
    flags = {a for a in arguments if a.startswith("--")}
    words = [a for a in arguments if a not in flags]
    command = " ".join(["python benchmarks/speed.py", *arguments])
    memory_table = memory.rows() if "--write" in flags else []
    rows: list[str] = []
    print(HEAD)
    for row in compare(words, everything="--all" in flags):
        rows.append("| " + " | ".join(row) + " |")
        print(rows[-1], flush=True)
        if "--write" in flags:
            document(rows, command, memory_table)


if __name__ == "__main__":
    main(sys.argv[1:])

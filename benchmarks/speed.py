"""Our default fit against scikit-learn's solvers, in one process, interleaved, at equal accuracy.

Each peer runs at the loosest tolerance of a ladder that reaches F - F* ≤ 1e-9 F* (within 300
iterations, newton-cg within 30); ours, at its default, is far below that, and the table shows when
it was there as well. The small sets are compared at both packages' defaults, since there the user
waits for overhead, not arithmetic. Times are medians of interleaved repeats, ratios medians of the
ratios pair by pair. A read is the time to sum all numbers of X with two threads: what one pass
over the data costs at least.

    python benchmarks/speed.py [--write] [name ...]     all, or those whose name holds a word given

With a folder `shared/data` beside the project its real tables are compared too. --write puts the
result into docs/speed.md.
"""

import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import sparse
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression as Peer
from sklearn.preprocessing import StandardScaler

from logreg import LogisticRegression
from logreg.datasets import load_breast_cancer, load_digits, load_iris
from logreg.sparse_blocks import row_blocks

ACCURACY = 1e-9
LADDER = [1e-4, 1e-5, 1e-6, 1e-7, 1e-8]
SOLVERS = {"lbfgs": 300, "newton-cholesky": 100, "newton-cg": 30, "liblinear": 300}  # iterations
REPEATS = 5
PATIENCE = 8.0  # seconds for a peer's ladder
ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"

Row = tuple[str, ...]


def objective(model, X, y, C=1.0) -> float:
    """F in units of log-likelihood; y holds codes."""
    margin = X @ model.coef_.T.astype(float) + model.intercept_
    if len(model.classes_) == 2:
        loss = np.logaddexp(0, np.where(y == 1, -margin[:, 0], margin[:, 0])).sum()
    else:
        loss = (logsumexp(margin, axis=1) - margin[np.arange(len(y)), y]).sum()
    return float(loss + (model.coef_.astype(float) ** 2).sum() / (2 * C))


def seconds(fit: Callable[[], object]) -> float:
    start = time.perf_counter()
    fit()
    return time.perf_counter() - start


def read(X) -> float:
    """Seconds to read all of X."""
    matrix = row_blocks(X, 2)
    return min(
        seconds(lambda: matrix.add_up(lambda rows: (sum(x.sum() for x in parts(matrix, rows)),)))
        for _ in range(5)
    )


def parts(matrix, blocks) -> Iterator[np.ndarray]:
    for rows in blocks:
        block = matrix.block(rows)
        yield block.rows.data if matrix.sparse else block


def peer(solver: str, tol: float) -> Peer:
    # liblinear penalises its intercept: scaled up, the penalty hardly counts
    extra = {"intercept_scaling": 100.0} if solver == "liblinear" else {}
    return Peer(solver=solver, tol=tol, max_iter=SOLVERS[solver], **extra)


def loosest(solver: str, X, y, best: float) -> tuple[Callable[[], object] | None, str]:
    """The peer's fit at the loosest tolerance that is accurate enough, and how near it came."""
    start = time.perf_counter()
    for tol in LADDER:
        model = peer(solver, tol)
        excess = (objective(model.fit(X, y), X, y) - best) / best
        if excess <= ACCURACY:
            return lambda model=model: model.fit(X, y), f"tol={tol:.0e}"
        if time.perf_counter() - start > PATIENCE:
            break
    spent = time.perf_counter() - start
    return None, f"{excess:.0e} above F* after {spent:.0f} s"


def suits(solver: str, X, K: int) -> bool:
    if solver == "liblinear":
        return K == 2 and (sparse.issparse(X) or X.shape[0] < 100_000)  # else minutes
    return solver != "newton-cholesky" or (K if K > 2 else 1) * X.shape[1] <= 2000


def interleaved(ours, others) -> dict[str, np.ndarray]:
    times: dict[str, list[float]] = {name: [] for name in ["ours", *others]}
    for _ in range(REPEATS):
        for name, fit in {"ours": ours, **others}.items():
            times[name].append(seconds(fit))
    return {name: np.array(taken) for name, taken in times.items()}


def large(name: str, X, y) -> Iterator[Row]:
    """A row for each peer, at equal accuracy."""
    model, K = LogisticRegression(), int(y.max()) + 1
    best = objective(LogisticRegression(tol=1e-8).fit(X, y), X, y)
    excess = (objective(model.fit(X, y), X, y) - best) / best
    assert excess <= ACCURACY, f"{name}: our own fit is {excess:.1e} above the optimum"
    history = model.history_
    there = history["objective"] - best <= ACCURACY * best
    early = f"{history.loc[there.idxmax(), 'seconds']:.3f}"
    reads = f"{history['passes'].iloc[-1]:.0f} x {1e3 * read(X):.1f} ms"
    found = {solver: loosest(solver, X, y, best) for solver in SOLVERS if suits(solver, X, K)}
    times = interleaved(lambda: model.fit(X, y), {s: fit for s, (fit, _) in found.items() if fit})
    mine = times["ours"]
    for solver, (fit, how) in found.items():
        theirs = f"{np.median(times[solver]):.3f}" if fit else "-"
        ratio = f"**{np.median(times[solver] / mine):.1f}**" if fit else "-"
        yield name, f"{np.median(mine):.3f}", early, reads, f"{solver}, {how}", theirs, ratio


def small(name: str, X, y) -> Iterator[Row]:
    """At both packages' defaults."""
    model = LogisticRegression()
    others = {f"{s}, default": Peer(solver=s) for s in ("lbfgs", "newton-cholesky")}
    times = interleaved(
        lambda: model.fit(X, y), {n: (lambda p=p: p.fit(X, y)) for n, p in others.items()}
    )
    for other in others:
        mine, theirs = times["ours"], times[other]
        row = f"{np.median(mine):.4f}", "", "", other, f"{np.median(theirs):.4f}"
        yield name, *row, f"**{np.median(theirs / mine):.1f}**"


def labels(X, w, rng) -> np.ndarray:
    margin = X @ w
    return (rng.random(len(margin)) < 1 / (1 + np.exp(-margin - 0.5))).astype(int)


def generated() -> Iterator[tuple[str, object, np.ndarray]]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500_000, 50))
    y = labels(X, rng.normal(size=50) / np.sqrt(50), rng)
    yield "500,000 x 50, normal", X, y
    X *= 10 ** rng.uniform(-3, 3, 50)
    yield "the same, over six decades", X, y
    X = rng.normal(size=(1_000_000, 28))
    yield "1,000,000 x 28, normal", X, labels(X, rng.normal(size=28) / 5, rng)
    X = rng.normal(size=(60_000, 1000))
    yield "60,000 x 1000, normal", X, labels(X, rng.normal(size=1000) / 20, rng)
    frequency = 1 / np.arange(1, 20_001)  # Zipf's law, as of words
    columns = rng.choice(20_000, size=(30_000, 80), p=frequency / frequency.sum()).astype(np.int32)
    rows = np.repeat(np.arange(30_000, dtype=np.int32), 80)
    text = sparse.csr_array((np.ones(rows.size), (rows, columns.ravel())), shape=(30_000, 20_000))
    text.data = np.log1p(text.data) * 0.1
    yield "30,000 x 20,000, sparse as text", text, labels(text, 4 * rng.normal(size=20_000), rng)
    X, y = load_digits(return_X_y=True)
    yield "digits 1,797 x 64, 10 classes", X, y


def real() -> Iterator[tuple[str, object, np.ndarray]]:
    if not SHARED.exists():
        return
    sys.path.insert(0, str(SHARED))
    from load import load

    for name in ("covtype_binary", "nycflights", "fertility", "skin", "adult"):
        X, y = load(name)
        yield f"{name} {X.shape[0]:,} x {X.shape[1]}", X, y
        yield f"{name}, standardised", StandardScaler().fit_transform(X), y
    for name in ("a9a", "sms_spam", "imdb", "satellite", "letter", "shuttle", "usps"):
        X, y = load(name)
        classes = f", {int(y.max()) + 1} classes" if y.max() > 1 else ""
        X = sparse.csr_array(X).astype(float) if sparse.issparse(X) else X
        yield f"{name} {X.shape[0]:,} x {X.shape[1]}{classes}", X, y


HEAD = """\
| data | ours s | at 1e-9 s | reads of X | peer | peer s | peer / ours |
| --- | --- | --- | --- | --- | --- | --- |"""


def document(table: list[str], words: list[str]) -> None:
    command = " ".join(["python benchmarks/speed.py --write", *words])
    versions = (
        f"Made by `{command}` with Python {platform.python_version()}, NumPy {np.__version__}, "
        f"SciPy {scipy.__version__}, scikit-learn {sklearn.__version__} on 2 cores."
    )
    about = (__doc__ or "").split("\n\n    python")[0]
    text = f"# Speed\n\n{about}\n\n{versions}\n\n" + "\n".join(table) + "\n"
    (ROOT / "docs" / "speed.md").write_text(text)


def main(words: list[str], *, write: bool) -> None:
    warnings.simplefilter("ignore")
    table = [HEAD]
    print(HEAD)

    def show(rows: Iterator[Row]) -> None:
        for row in rows:
            table.append("| " + " | ".join(row) + " |")
            print(table[-1], flush=True)
        if write:
            document(table, words)

    def wanted(name: str) -> bool:
        return not words or any(word in name for word in words)

    for name, load in (("iris", load_iris), ("breast cancer", load_breast_cancer)):
        if wanted(name):
            show(small(name, *load(return_X_y=True)))
    for source in (generated, real):
        for name, X, y in source():
            if wanted(name):
                show(large(name, X, y))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main([a for a in arguments if a != "--write"], write="--write" in arguments)

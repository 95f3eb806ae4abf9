"""L1 and elastic net against other packages, in one process, interleaved, at an equal duality gap.

Every answer is judged by the same bound, our own certificate at the coefficients that came out: its
relative duality gap has to be at most 1e-6 (or what --gap says). Each package runs at the loosest
tolerance of a ladder that gets there, and so do we. C is given as a share of λ_max, the penalty
under which all coefficients are zero. celer has no intercept and liblinear penalises it: with these
nobody has one. skglm is compiled before it is timed; saga takes part where X is small, and alone
where there are more than two classes. A peer that is not there within ten times our time (five
seconds at least) has its gap in its row. The last rows are whole jobs: a path of 100 fits, judged
by its worst, and LogisticRegressionCV beside scikit-learn's, at both defaults and where the
objective of each fold and C is as near to the optimum as the gap is to be.

    python benchmarks/lasso.py [--gap 1e-6] [--write] [name ...]

It measures all sets or those whose name holds a word given. With a folder `shared/data` beside the
project its real tables are compared too. --write puts the result into docs/speed_l1.md, where the
rows of what was not measured now stay.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from equal_gap import Fit, gap, posed, race
from l1_jobs import DEFAULTS, cross_validation, paths
from l1_peers import PEERS, by_column, first_calls, ours, saga
from peers import versions
from scipy import sparse
from sklearn.preprocessing import StandardScaler
from tables import ROOT, SHARED, Table, grey, mixed, real, standardised, text

from logreg import logistic_path
from logreg.datasets import load_breast_cancer, load_digits

SHARES = [0.5, 0.1, 0.01, 0.001]
TEXT = (
    10_000  # columns of a sparse X from which the last is left out: most peers take minutes there
)
PAGE = ROOT / "docs" / "speed_l1.md"
Row = tuple[str, ...]
Work = Callable[[str, Any, np.ndarray, float], Iterator[Row]]
HEAD = """\
| data | gap | l1_ratio | λ/λ_max | not 0 | ours, s | peer | peer s | peer / ours |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |"""
CASE = 4  # columns that say what was solved


def single(name: str, X: Any, y: np.ndarray, most: float) -> Iterator[Row]:
    """Fits of two classes, with an intercept and without."""
    columns = by_column(X)
    shares = SHARES[:-1] if sparse.issparse(X) and X.shape[1] >= TEXT else SHARES
    for intercept, l1_ratio in ((True, 1.0), (True, 0.5), (False, 1.0)):
        label = name if intercept else f"{name}, no intercept"
        first = logistic_path(X, y, l1_ratio=l1_ratio, n_Cs=1, fit_intercept=intercept).Cs[0]
        for share in shares:
            table = y, first / share, l1_ratio
            peers = {
                peer.name: partial(peer.fit, columns if peer.columns else X, *table)
                for peer in PEERS
                if peer.can(X, l1_ratio, intercept)
            }
            yield from case((label, f"{share:g}"), (X, *table, intercept), peers, most)


def multinomial(name: str, X: Any, y: np.ndarray, most: float) -> Iterator[Row]:
    for C in (0.1, 1.0):
        words = f"{name}, {y.max() + 1} classes", f"C={C:g}"
        yield from case(words, (X, y, C, 1.0, True), {"saga": partial(saga, X, y, C, 1.0)}, most)


def case(
    words: tuple[str, str], problem: tuple[Any, ...], peers: dict[str, Fit], most: float
) -> Iterator[Row]:
    """Rows of one problem (X, y, C, l1_ratio, intercept), which `words` name."""
    *table, intercept = problem
    mine = partial(ours, intercept, *table)
    not_zero = np.count_nonzero(mine(1e-6)[0])
    for row in race(mine, peers, partial(gap, posed(*problem)), most):
        yield words[0], f"{most:.0e}", f"{table[-1]:g}", words[1], str(not_zero), *row


def scaled() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def class_0(name: str) -> tuple[Any, np.ndarray]:
    X, y = real(name)
    return X, (y == 0).astype(int)


def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def tables() -> Iterator[tuple[Work, Table]]:
    """What is measured on what."""
    cancer = Table("breast cancer, standardised", scaled)
    yield single, Table("mixed, 100,000 x 100", lambda: mixed(100_000, 100))
    yield single, Table("text, 30,000 x 20,000", text)
    if SHARED.exists():
        for name in ("leukemia_golub", "prostate_singh", "arcene", "sms_spam", "imdb"):
            yield single, Table(name, lambda name=name: real(name))
        yield single, Table("newsgroups20, class 0", lambda: class_0("newsgroups20"))
        for name in ("covtype_binary", "nycflights", "kdd99"):
            yield single, Table(f"{name}, standardised", lambda name=name: standardised(name))
    yield multinomial, Table("digits", digits)
    if SHARED.exists():
        for name in ("satellite", "letter"):
            yield multinomial, Table(f"{name}, standardised", lambda name=name: standardised(name))
        yield multinomial, Table("mnist, 5,000 rows", lambda: grey(5000))
    yield paths, cancer
    if SHARED.exists():
        yield paths, Table("leukemia_golub", lambda: real("leukemia_golub"))
    yield cross_validation, Table("breast cancer, raw", lambda: load_breast_cancer(return_X_y=True))
    yield cross_validation, cancer


def joined(rows: list[Row]) -> list[Row]:
    """These rows in place of those of the page that solved the same; the page's others stay."""
    old = PAGE.read_text().partition(HEAD)[2].partition("\n\n")[0] if PAGE.exists() else ""
    cases: dict[Row, list[Row]] = {}
    for line in filter(None, old.splitlines()):
        row = tuple(line.removeprefix("| ").removesuffix(" |").split(" | "))
        cases.setdefault(row[:CASE], []).append(row)
    for row in rows:
        cases[row[:CASE]] = []
    for row in rows:
        cases[row[:CASE]].append(row)
    return [row for case in cases.values() for row in case]


def summary(rows: list[Row]) -> Iterator[str]:
    """For each gap, how we stand to whoever was fastest, case by case."""
    for most in dict.fromkeys(row[1] for row in rows):
        cases: dict[Row, list[float]] = {}
        for row in rows:
            if row[1] == most:
                ratio = row[-1].strip("*")
                cases.setdefault(row[:CASE], []).append(np.inf if ratio == "-" else float(ratio))
        least = np.array([min(ratios) for ratios in cases.values()])
        reached = least[np.isfinite(least)]
        mean = f"{np.exp(np.log(reached).mean()):.2g}" if len(reached) else "-"
        where = "At the defaults" if most == DEFAULTS else f"At a gap of {most}"
        yield (
            f"{where}, {len(least)} cases: the fastest peer takes {mean} times our time (geometric "
            f"mean), less than 0.8 times in {(reached < 0.8).sum()}; in "
            f"{len(least) - len(reached)} no peer got there."
        )


def document(rows: list[Row], command: str, compiled: str) -> None:
    about = (__doc__ or "").split("\n\n    python")[0]
    made = (
        f"The last rows were made by `{command}`, the others by the same script before, with "
        f"{', '.join(versions())} on 2 cores."
    )
    table = joined(rows)
    lines = [HEAD, *("| " + " | ".join(row) + " |" for row in table)]
    parts = ["# Speed with an L1 penalty", about, made, "\n".join(lines), *summary(table), compiled]
    PAGE.write_text("\n\n".join(parts) + "\n")


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gap", type=float, default=1e-6)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    command = " ".join(["python benchmarks/lasso.py", *sys.argv[1:]])
    compiled = f"The first call took longer than the second by: {first_calls()}."
    rows: list[Row] = []
    print(f"{compiled}\n\n{HEAD}", flush=True)
    for work, table in tables():
        if asked.names and not any(name in table.name for name in asked.names):
            continue
        for row in work(table.name, *table.load(), asked.gap):
            rows.append(row)
            print("| " + " | ".join(row) + " |", flush=True)
            if asked.write:
                document(rows, command, compiled)
    print("", *summary(rows), sep="\n")


if __name__ == "__main__":
    main()

"""L1 and elastic net against other packages, in one process, interleaved, at an equal duality gap.

Every answer is judged by the same bound, our own certificate at the coefficients that came out: its
relative duality gap has to be at most 1e-6. Each package runs at the loosest tolerance of a ladder
that gets there, and so do we. C is given as a share of λ_max, the penalty under which all
coefficients are zero. skglm is compiled before it is timed; saga takes part where X is small. A
peer that is not there within ten times our time (five seconds at least) has its gap in its row. The
last rows are whole jobs: a path of 100 fits, and LogisticRegressionCV at its defaults beside
scikit-learn's at its own, on standardised columns.

    python benchmarks/lasso.py [--write] [name ...]
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from peers import versions
from scipy import sparse
from sklearn.linear_model import LogisticRegression as ScikitLearn
from sklearn.linear_model import LogisticRegressionCV as ScikitLearnCV
from sklearn.preprocessing import StandardScaler
from speed import interleaved
from tables import ROOT, SHARED, Table, mixed, real, standardised, text

from logreg import LogisticRegression, LogisticRegressionCV, logistic_path
from logreg.certificate import relative_gap
from logreg.datasets import load_breast_cancer
from logreg.inputs import check_fit
from logreg.objective import Objective
from logreg.penalty import ElasticNet
from logreg.problem import pose

GAP = 1e-6
LADDER = [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8]
SHARES = [0.5, 0.1, 0.01, 0.001]
TEXT = 10_000  # columns of a sparse X from which the last is left out: skglm takes minutes there
PATIENCE = 5.0
MANY = 1_000_000  # numbers in X from which a single fit of saga takes minutes
Answer = tuple[np.ndarray, np.ndarray]
HEAD = """\
| data | l1_ratio | λ/λ_max | not 0 | ours, s | peer | peer s | peer / ours |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def ours(X: Any, y: np.ndarray, C: float, l1_ratio: float, tol: float) -> Answer:
    model = LogisticRegression(C=C, l1_ratio=l1_ratio, tol=tol).fit(X, y)
    return model.coef_, model.intercept_


def saga(X: Any, y: np.ndarray, C: float, l1_ratio: float, tol: float) -> Answer:
    model = ScikitLearn(C=C, l1_ratio=l1_ratio, solver="saga", tol=tol, max_iter=2000).fit(X, y)
    return model.coef_, model.intercept_


def skglm(X: Any, y: np.ndarray, C: float, l1_ratio: float, tol: float) -> Answer:
    from skglm import GeneralizedLinearEstimator
    from skglm.datafits import Logistic
    from skglm.penalties import L1, L1_plus_L2
    from skglm.solvers import ProxNewton

    strength = 1 / (C * len(y))
    penalty = L1(strength) if l1_ratio == 1 else L1_plus_L2(strength, l1_ratio)
    solver = ProxNewton(tol=tol, max_iter=200, fit_intercept=True)
    model = GeneralizedLinearEstimator(Logistic(), penalty, solver)
    model.fit(X, np.where(y == 1, 1.0, -1.0))
    return np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)


PEERS = {"skglm": skglm, "saga": saga}


def numbers(X: Any) -> int:
    """How many are stored."""
    return int(X.nnz if sparse.issparse(X) else X.size)


def posed(X: Any, y: np.ndarray, C: float, l1_ratio: float) -> Objective:
    return pose(check_fit(LogisticRegression(), X, y, None, None, None), ElasticNet.of(C, l1_ratio))


def gap(answer: Answer, X: Any, y: np.ndarray, C: float, l1_ratio: float) -> float:
    objective = posed(X, y, C, l1_ratio)
    theta = objective.design.from_user(np.asarray(answer[0], float), np.asarray(answer[1], float))
    return relative_gap(objective.at(theta.ravel()))


def loosest(fit: Callable[..., Answer], table: tuple[Any, ...], patience: float) -> tuple[Any, str]:
    """A fit that is accurate enough, or None; and what to say of it."""
    start, least = time.perf_counter(), np.inf
    for tol in LADDER:
        least = min(least, gap(fit(*table, tol), *table))
        if least <= GAP:
            return partial(fit, *table, tol), f"tol={tol:.0e}"
        if time.perf_counter() - start > patience:
            break
    return None, f"gap {least:.0e} after {time.perf_counter() - start:.0f} s"


def compare(name: str, X: Any, y: np.ndarray) -> Iterator[tuple[str, ...]]:
    # skglm reads columns; each package gets the layout it likes
    by_column = sparse.csc_matrix(X) if sparse.issparse(X) else np.asfortranarray(X)
    for l1_ratio in (1.0, 0.5):
        first = logistic_path(X, y, l1_ratio=l1_ratio, n_Cs=1).Cs[0]
        skglm(by_column, y, first, l1_ratio, 1e-2)  # compiles
        for share in SHARES[:-1] if sparse.issparse(X) and X.shape[1] >= TEXT else SHARES:
            C = first / share
            mine, told = loosest(ours, (X, y, C, l1_ratio), np.inf)
            assert mine, f"{name}: our own fit has a {told}"
            begin = time.perf_counter()
            coef, _ = mine()
            patience = max(PATIENCE, 10 * (time.perf_counter() - begin))
            columns = {"skglm": by_column, "saga": X}
            found = {
                peer: loosest(fit, (columns[peer], y, C, l1_ratio), patience)
                for peer, fit in PEERS.items()
                if peer != "saga" or numbers(X) < MANY
            }
            times = interleaved({"ours": mine} | {p: f for p, (f, _) in found.items() if f})
            row = name, f"{l1_ratio:g}", f"{share:g}", f"{np.count_nonzero(coef)}"
            for peer, (fit, told) in found.items():
                taken = f"{np.median(times['ours']):.3g}"
                if fit:
                    ratio = np.median(times[peer] / times["ours"])
                    seconds = f"{np.median(times[peer]):.3g}"
                    yield *row, taken, f"{peer}, {told}", seconds, f"**{ratio:.2g}**"
                else:
                    yield *row, taken, f"{peer}, {told}", "-", "-"


def jobs(name: str, X: Any, y: np.ndarray) -> Iterator[tuple[str, ...]]:
    """A path beside a loop of skglm's fits; a cross-validation beside scikit-learn's."""
    Cs, by_column = logistic_path(X, y).Cs, np.asfortranarray(X)
    settings = {"l1_ratios": (0,), "scoring": "neg_log_loss", "use_legacy_attributes": False}
    pairs: list[tuple[str, Callable[[], Any], str, Callable[[], Any]]] = [
        (
            "a path of 100",
            lambda: logistic_path(X, y, tol=1e-3),
            "skglm, a loop, tol=1e-06",
            lambda: [skglm(by_column, y, C, 1.0, 1e-6) for C in Cs],
        ),
        (
            "cross-validation",
            lambda: LogisticRegressionCV().fit(X, y),
            "scikit-learn, lbfgs, tol=1e-04",
            lambda: ScikitLearnCV(**settings).fit(X, y),
        ),
    ]
    for job, mine, peer, theirs in pairs:
        times = interleaved({"ours": mine, peer: theirs})
        ratio = np.median(times[peer] / times["ours"])
        seconds = [f"{np.median(times[k]):.3g}" for k in ("ours", peer)]
        yield f"{name}, {job}", "", "", "", seconds[0], peer, seconds[1], f"**{ratio:.2g}**"


def tables() -> Iterator[Table]:
    yield Table("mixed, 100,000 x 100", lambda: mixed(100_000, 100))
    yield Table("text, 30,000 x 20,000", text)
    if SHARED.exists():
        for name in ("leukemia_golub", "sms_spam", "imdb"):
            yield Table(name, lambda name=name: real(name))
        yield Table("covtype_binary, standardised", lambda: standardised("covtype_binary"))


def main(arguments: list[str]) -> None:
    warnings.simplefilter("ignore")
    words = [a for a in arguments if a != "--write"]
    rows = [HEAD]
    print(HEAD)
    wanted = [t for t in tables() if not words or any(word in t.name for word in words)]
    for work in (compare, jobs):
        for table in wanted if work is compare else [Table("breast cancer", scaled)]:
            for row in work(table.name, *table.load()):
                rows.append("| " + " | ".join(row) + " |")
                print(rows[-1], flush=True)
    if "--write" in arguments:
        about = (__doc__ or "").split("\n\n    python")[0]
        made = f"Made by `python benchmarks/lasso.py` with {', '.join(versions())} on 2 cores."
        page = ROOT / "docs" / "speed_l1.md"
        head = ["# Speed with an L1 penalty", "", about, "", made, ""]
        page.write_text("\n".join([*head, *rows, ""]))


def scaled() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


if __name__ == "__main__":
    main(sys.argv[1:])

"""The packages that fit with an L1 penalty: how each is asked for the same problem.

All minimise F = Σ log loss + (1/C) (l1_ratio |w| + (1 - l1_ratio)/2 ‖w‖²), with the intercept free
or, where a package has none (celer) or penalises it (liblinear), without one, and then so do we.
Each has a scale of its own for the penalty and its own meaning of a tolerance. Each runs on its
default number of threads. A package that is not installed is left out. adelie 1.1.52 runs with
NumPy 2 but asks for an older one, so that it's not in the extra `bench`: with it, run lasso.py in
an environment of its own, made by `pip install adelie` and then `pip install -U numpy`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression as ScikitLearn
from speed import seconds
from tables import normal

from logreg import LogisticRegression, logistic_path

MANY = 1_000_000  # numbers in X from which a single fit of saga takes minutes
ENDLESS = 1_000_000  # iterations: the time limit ends a fit
Answer = tuple[np.ndarray, np.ndarray]  # weights (q, d), intercepts (q,): q = 1 for two classes


@dataclass(frozen=True)
class Peer:
    """A solver of another package."""

    name: str
    fit: Callable[[Any, np.ndarray, float, float, float], Answer]  # of X, codes, C, l1_ratio, tol
    package: str
    columns: bool = False  # reads X by column
    intercept: bool = True
    elastic: bool = True  # takes an l1_ratio below 1
    most: float = np.inf  # numbers in X

    def can(self, X: Any, l1_ratio: float, intercept: bool) -> bool:
        stored = X.nnz if sparse.issparse(X) else X.size
        suits = stored < self.most and (self.elastic or l1_ratio == 1)
        return suits and self.intercept == intercept and find_spec(self.package) is not None


def by_column(X: Any) -> Any:
    """int32 indices, for which skglm has been compiled."""
    if not sparse.issparse(X):
        return np.asfortranarray(X, dtype=float)
    X = sparse.csc_matrix(X)
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X


def ours(intercept: bool, X: Any, y: np.ndarray, C: float, l1_ratio: float, tol: float) -> Answer:
    model = LogisticRegression(C=C, l1_ratio=l1_ratio, tol=tol, fit_intercept=intercept).fit(X, y)
    return model.coef_, model.intercept_


def saga(X: Any, y: np.ndarray, C: float, l1_ratio: float, tol: float) -> Answer:
    model = ScikitLearn(C=C, l1_ratio=l1_ratio, solver="saga", tol=tol, max_iter=ENDLESS)
    model.set_params(random_state=0).fit(X, y)
    return model.coef_, model.intercept_


def liblinear(X: Any, y: np.ndarray, C: float, l1_ratio: float, tol: float) -> Answer:
    model = ScikitLearn(C=C, l1_ratio=l1_ratio, solver="liblinear", tol=tol, max_iter=ENDLESS)
    model.set_params(fit_intercept=False, random_state=0).fit(X, y)
    return model.coef_, model.intercept_


def celer(X: Any, y: np.ndarray, C: float, l1_ratio: float, tol: float) -> Answer:
    return celer_path(X, y, [C], l1_ratio, tol)[0]


def celer_path(X: Any, y: np.ndarray, Cs: Any, l1_ratio: float, tol: float) -> list[Answer]:
    """What its LogisticRegression calls, after copying a dense X to rows and back."""
    from celer.homotopy import celer_path

    signs = np.where(y == 1, 1.0, -1.0)
    alphas = 1 / np.asarray(Cs)
    path = celer_path(X, signs, "logreg", alphas=alphas, use_PN=True, tol=tol, max_iter=200)
    return [(w[None], np.zeros(1)) for w in path[1].T]


def skglm(X: Any, y: np.ndarray, C: float, l1_ratio: float, tol: float) -> Answer:
    return skglm_path(X, y, [C], l1_ratio, tol)[0]


def skglm_path(X: Any, y: np.ndarray, Cs: Any, l1_ratio: float, tol: float) -> list[Answer]:
    """A loop of fits, each from where the last one ended."""
    from skglm import GeneralizedLinearEstimator
    from skglm.datafits import Logistic
    from skglm.penalties import L1, L1_plus_L2
    from skglm.solvers import ProxNewton

    solver = ProxNewton(tol=tol, max_iter=200, fit_intercept=True, warm_start=True)
    model, signs, answers = GeneralizedLinearEstimator(), np.where(y == 1, 1.0, -1.0), []
    for C in Cs:
        strength = 1 / (C * len(y))
        penalty = L1(strength) if l1_ratio == 1 else L1_plus_L2(strength, l1_ratio)
        model.set_params(datafit=Logistic(), penalty=penalty, solver=solver).fit(X, signs)
        answers.append((np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)))
    return answers


def adelie(X: Any, y: np.ndarray, C: float, l1_ratio: float, tol: float) -> Answer:
    return adelie_path(X, y, [C], l1_ratio, tol)[0]


def adelie_down(X: Any, y: np.ndarray, C: float, l1_ratio: float, tol: float) -> Answer:
    """The end of a path of 30 fits a decade: it has no line search, and on text a cold start at a
    tenth of λ_max, or ten steps to there, ends in 10,000 iterations without an answer.
    """
    least = l1_ratio / np.abs(X.T @ (y - y.mean())).max()
    steps = 2 + int(30 * max(np.log10(C / least), 0))
    return adelie_path(X, y, np.geomspace(least, C, steps), l1_ratio, tol)[-1]


def adelie_path(X: Any, y: np.ndarray, Cs: Any, l1_ratio: float, tol: float) -> list[Answer]:
    from adelie import glm, grpnet, matrix

    state = grpnet(
        matrix.sparse(X) if sparse.issparse(X) else X,
        glm.binomial(y.astype(float)),
        alpha=l1_ratio,
        lmda_path=1 / (np.asarray(Cs) * len(y)),  # its loss is a mean
        tol=tol,
        irls_tol=tol,
        early_exit=False,
        progress_bar=False,
    )
    if len(state.lmdas) < len(Cs):
        raise ArithmeticError("adelie has logged why it stopped before the end of the path")
    return [(w, np.atleast_1d(b)) for w, b in zip(state.betas, state.intercepts, strict=True)]


PEERS = [
    Peer("skglm", skglm, "skglm", columns=True),
    Peer("adelie", adelie, "adelie", columns=True),
    Peer("adelie, down a path", adelie_down, "adelie", columns=True),
    Peer("saga", saga, "sklearn", most=MANY),
    Peer("celer", celer, "celer", columns=True, intercept=False, elastic=False),
    Peer("liblinear", liblinear, "sklearn", intercept=False, elastic=False),
]
PATHS = [
    Peer("skglm, a loop", skglm_path, "skglm", columns=True),
    Peer("adelie", adelie_path, "adelie", columns=True),
    Peer("celer", celer_path, "celer", columns=True, intercept=False),
]


def first_calls() -> str:
    """What each package's first fit takes longer than its second, after the import: compiling.
    It is done here, once and for all, so that no time below has it in it.
    """
    X, y = normal(200, 10)
    C = float(5 * logistic_path(X, y, n_Cs=1).Cs[0])
    us = Peer("logreg", lambda *table: ours(True, *table), "logreg")
    told = []
    for peer in [us, *PEERS]:
        if find_spec(peer.package) is None:
            continue
        import_module(peer.package)
        more = sum(extra(peer, X, y, C))
        told.append(f"{peer.name} {max(more, 0):.2g} s")
    return ", ".join(told)


def extra(peer: Peer, X: np.ndarray, y: np.ndarray, C: float) -> Iterator[float]:
    for table in (X, sparse.csr_matrix(X)):
        A = by_column(table) if peer.columns else table
        for l1_ratio in (1.0, 0.5) if peer.elastic else (1.0,):
            fit = partial(peer.fit, A, y, C, l1_ratio, 1e-3)
            yield seconds(fit) - seconds(fit)

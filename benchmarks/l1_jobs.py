"""Whole jobs: a path of 100 fits with an L1 penalty, and a choice of C by cross-validation.

A path is as accurate as its worst fit. Of a cross-validation each fold's fit at each C is judged:
its objective is to be near that of ours at a far tighter tolerance.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from equal_gap import gap, posed, race, timed
from l1_peers import PATHS, Answer, by_column
from sklearn.linear_model import LogisticRegressionCV as ScikitLearnCV
from sklearn.model_selection import StratifiedKFold

from logreg import LogisticRegressionCV, logistic_path

Row = tuple[str, ...]
DEFAULTS = "defaults"  # in place of a gap
PATIENCE = 60.0  # seconds that a peer may take at least: lbfgs needs them on raw columns
SOLVERS = ("lbfgs", "newton-cholesky")
SETTINGS = {"l1_ratios": (0,), "scoring": "neg_log_loss", "use_legacy_attributes": False}


def paths(name: str, X: np.ndarray, y: np.ndarray, most: float) -> Iterator[Row]:
    """With an intercept and without."""
    columns = by_column(X)
    for intercept in (True, False):
        Cs = logistic_path(X, y, fit_intercept=intercept).Cs

        def mine(tol: float, Cs: Any = Cs, intercept: bool = intercept) -> list[Answer]:
            path = logistic_path(X, y, Cs=Cs, tol=tol, fit_intercept=intercept)
            return list(zip(path.coefs, path.intercepts, strict=True))

        def worst(answers: list[Answer], Cs: Any = Cs, intercept: bool = intercept) -> float:
            pairs = zip(answers, Cs, strict=True)
            return max(gap(posed(X, y, C, 1.0, intercept), answer) for answer, C in pairs)

        peers = {
            peer.name: partial(peer.fit, columns, y, Cs, 1.0)
            for peer in PATHS
            if peer.can(X, 1.0, intercept)
        }
        label = f"{name}, a path of 100" + ("" if intercept else ", no intercept")
        for row in race(mine, peers, worst, most):
            yield label, f"{most:.0e}", "1", "", "", *row


def cross_validation(name: str, X: np.ndarray, y: np.ndarray, most: float) -> Iterator[Row]:
    """Five folds and ten values of C, ridge, as both packages have it by default."""
    folds = list(StratifiedKFold(5).split(X, y))

    def mine(tol: float) -> Any:
        return LogisticRegressionCV(cv=folds, tol=tol).fit(X, y).coefs_paths_

    def theirs(solver: str, tol: float) -> Any:
        model = ScikitLearnCV(cv=folds, solver=solver, tol=tol, max_iter=10_000, **SETTINGS)
        return model.fit(X, y).coefs_paths_

    Cs = np.logspace(-4, 4, 10)
    least = objectives(mine(1e-9), X, y, folds, Cs)

    def worst(coefs: np.ndarray) -> float:
        return float((objectives(coefs, X, y, folds, Cs) / least - 1).max())

    label = f"{name}, cross-validation"
    for row in race(mine, {s: partial(theirs, s) for s in SOLVERS}, worst, most, PATIENCE):
        yield label, f"{most:.0e}", "0", "", "", *row
    peers = {s: lambda s=s: ScikitLearnCV(solver=s, **SETTINGS).fit(X, y) for s in SOLVERS}
    told = {s: f"{s}, default, {worst(peers[s]().coefs_paths_):.0e} above" for s in SOLVERS}
    for row in timed(lambda: LogisticRegressionCV().fit(X, y), peers, told):
        yield label, DEFAULTS, "0", "", "", *row


def objectives(coefs: np.ndarray, X: np.ndarray, y: np.ndarray, folds: Any, Cs: Any) -> np.ndarray:
    """F of two classes for each fold and C; the intercept is the last coefficient."""
    F = np.empty((len(folds), len(Cs)))
    for k, (rows, _) in enumerate(folds):
        w, b = coefs[k, 0, :, 0, :-1], coefs[k, 0, :, 0, -1]
        margin = X[rows] @ w.T + b
        loss = np.logaddexp(0, np.where(y[rows, None] == 1, -margin, margin)).sum(axis=0)
        F[k] = loss + (w**2).sum(axis=1) / (2 * Cs)
    return F

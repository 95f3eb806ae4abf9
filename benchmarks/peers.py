"""The packages that logreg is compared with: how each is asked for the same ridge fit.

All minimise F = Σ log loss + ‖w‖²/(2C) with the intercept free; each has a scale of its own for the
penalty and its own meaning of a tolerance. A package that is not installed is left out.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression as ScikitLearn

Answer = tuple[np.ndarray, np.ndarray]  # weights (q, d), intercepts (q,): q = 1 for two classes
Fit = Callable[[Any, np.ndarray, float, float], Answer]  # of X, codes, C, tol
DENSE_ROWS = 100_000  # beyond, coordinate descent on a dense table takes minutes


@dataclass(frozen=True)
class Peer:
    """A solver of another package."""

    name: str
    fit: Fit
    suits: Callable[[Any, int], bool]  # of X and the number of classes
    package: str = "sklearn"
    ridge: bool = True  # whether it can; else it fits at C = inf only

    def can(self, X: Any, K: int, C: float) -> bool:
        suits = self.suits(X, K) and (self.ridge or np.isinf(C))
        return suits and find_spec(self.package) is not None


def always(X: Any, K: int) -> bool:
    return True


def binary(X: Any, K: int) -> bool:
    return K == 2


def has_hessian(X: Any, K: int) -> bool:
    return (K if K > 2 else 1) * X.shape[1] <= 2000


def suits_glum(X: Any, K: int) -> bool:
    return K == 2 and has_hessian(X, K)


def suits_liblinear(X: Any, K: int) -> bool:
    return K == 2 and (sparse.issparse(X) or X.shape[0] < DENSE_ROWS)


def suits_saga(X: Any, K: int) -> bool:
    return sparse.issparse(X) or X.size < 5_000_000  # else a pass takes seconds, and it needs many


def scikit_learn(solver: str, iterations: int, X: Any, y: Any, C: float, tol: float) -> Answer:
    # liblinear penalises its intercept: scaled up, the penalty hardly counts
    extra = {"intercept_scaling": 100.0} if solver == "liblinear" else {}
    model = ScikitLearn(C=C, solver=solver, tol=tol, max_iter=iterations, **extra).fit(X, y)
    return model.coef_, model.intercept_


def intelex(solver: str, X: Any, y: Any, C: float, tol: float) -> Answer:
    from sklearnex.linear_model import LogisticRegression

    model = LogisticRegression(C=C, solver=solver, tol=tol, max_iter=300).fit(X, y)
    return model.coef_, model.intercept_


def glum(X: Any, y: Any, C: float, tol: float) -> Answer:
    from glum import GeneralizedLinearRegressor

    alpha = 0.0 if np.isinf(C) else 1 / (C * len(y))  # its loss is a mean
    model = GeneralizedLinearRegressor(
        family="binomial", alpha=alpha, l1_ratio=0, gradient_tol=tol, max_iter=300
    )
    model.fit(sparse.csc_matrix(X) if sparse.issparse(X) else X, y)
    return model.coef_[None], np.array([model.intercept_])


def liblinear_official(X: Any, y: Any, C: float, tol: float) -> Answer:
    from liblinear.liblinearutil import train

    rows = sparse.csr_matrix(X)  # -R: the intercept (-B 1) without a penalty
    model = train(y.astype(float), rows, f"-s 0 -c {C} -e {tol} -B 1 -R -q")
    w, b = model.get_decfun()
    sign = 1.0 if model.get_labels()[0] == 1 else -1.0
    return sign * np.array([w]), sign * np.array([b])


def statsmodels(X: Any, y: Any, C: float, tol: float) -> Answer:
    from statsmodels.api import GLM, add_constant, families

    fit = GLM(y, add_constant(X, has_constant="add"), family=families.Binomial()).fit(tol=tol)
    return fit.params[None, 1:], fit.params[:1]


PEERS = [
    Peer("lbfgs", partial(scikit_learn, "lbfgs", 300), always),
    Peer("newton-cholesky", partial(scikit_learn, "newton-cholesky", 100), has_hessian),
    Peer("newton-cg", partial(scikit_learn, "newton-cg", 30), always),
    Peer("liblinear", partial(scikit_learn, "liblinear", 300), suits_liblinear),
    Peer("saga", partial(scikit_learn, "saga", 300), suits_saga),
    Peer("glum", glum, suits_glum, "glum"),
    Peer("intelex lbfgs", partial(intelex, "lbfgs"), always, "sklearnex"),
    Peer("liblinear-official", liblinear_official, suits_liblinear, "liblinear"),
    Peer("statsmodels GLM", statsmodels, binary, "statsmodels", ridge=False),
]


def versions() -> Iterator[str]:
    """The packages compared, with their versions."""
    from importlib.metadata import PackageNotFoundError, version

    names = (
        "numpy scipy scikit-learn glum scikit-learn-intelex liblinear-official statsmodels skglm "
        "celer adelie"
    )
    for name in names.split():
        with suppress(PackageNotFoundError):
            yield f"{name} {version(name)}"

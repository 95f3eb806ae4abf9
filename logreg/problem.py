"""The data and parameters of a fit as a problem, and a point of the problem as coefficients."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logreg import inputs
from logreg.collinear import involved, least_norm, null_space
from logreg.design import Design
from logreg.loss import Binomial, Loss, Multinomial
from logreg.objective import Objective
from logreg.outcome import CollinearityWarning
from logreg.penalty import Ridge
from logreg.point import SMALL, Point
from logreg.sparse_blocks import row_blocks

Array = NDArray[Any]

LARGEST = 5000  # parameters of an unpenalised fit of a sparse X


def pose(data: inputs.Data, C: float, intercept: bool, threads: int = 1) -> Objective:
    """The data and parameters as a problem in terms of design, loss and penalty."""
    X, weight, names = data.X, data.weight, data.names
    matrix = row_blocks(X, threads)
    if matrix.sparse and C == np.inf:
        check_unpenalised(X, len(data.y.classes))
    moments = matrix.moments(weight)
    inputs.check_columns(moments, matrix, weight, names)
    penalty = Ridge.of(C)
    design = Design(matrix, moments, intercept=intercept, weight=weight, ridge=penalty.strength)
    K = len(data.y.classes)
    codes = data.y.codes
    loss: Loss = Binomial(codes, weight) if K == 2 else Multinomial(codes, K, weight)
    flat = None if penalty else null_space(design, weight)
    if not penalty and (flat is not None or design.basis is not None):
        warnings.warn(collinearity(design, flat, names), CollinearityWarning, stacklevel=4)
    return Objective(design, loss, penalty, data.offset, flat)


def check_unpenalised(X: Any, K: int) -> None:
    """Raise where a sparse X would have to become dense to find what depends on what."""
    n, d = X.shape
    if d > n or (K if K > 2 else 1) * d > LARGEST:
        raise ValueError(
            f"C=inf with a sparse X of {n} rows and {d} columns: without a penalty a fit needs a "
            f"dense matrix of the columns' products, for which X needs at most {LARGEST} columns "
            "(over all classes) and no more than rows. Set a finite C."
        )


def collinearity(design: Design, flat: Array | None, names: Array | None) -> str:
    """What depends on what, and what was done about it."""
    if design.basis is not None:
        n, d = design.basis.shape[1], design.basis.shape[0]
        what = f"X has {d} columns but only {n} independent rows"
    else:
        assert flat is not None
        columns, intercept = involved(design, flat)
        some = [inputs.column_name(names, j) for j in columns[:10]]
        some += [f"{len(columns) - 10} more"] * (len(columns) > 10)
        some += ["the intercept"] * intercept
        count = f"{flat.shape[1]} linear dependence{'s' if flat.shape[1] > 1 else ''}"
        what = f"{count} among {', '.join(some)}"
    return (
        f"{what}: without a penalty the coefficients are not determined, those of the smallest "
        "norm are given. Leave columns out, or set a finite C."
    )


def stopping_distance(tol: float, objective: Objective) -> float:
    """tol for weights that are 1 on average where they are less, and without a penalty never so
    loose that a separation of the classes could hide behind it.
    """
    return (tol if objective.penalty else min(tol, SMALL)) * objective.unit


def coefficients(point: Point, data: inputs.Data) -> dict[str, Array]:
    """coef_, intercept_ and classes_ of a point, in the user's coordinates and X's dtype."""
    objective = point.objective
    theta = point.theta.reshape(objective.shape)
    if objective.loss.q > 1:  # adding one number to all classes changes nothing: make it sum to 0
        theta = theta - theta.mean(axis=0)
    if objective.flat is not None:
        theta = least_norm(objective.design, objective.flat, theta)
    w, b = objective.design.to_user(theta)
    dtype = data.X.dtype
    if max(np.abs(w).max(initial=0.0), np.abs(b).max()) > np.finfo(dtype).max:
        dtype = np.dtype(np.float64)  # float32 columns of size 1e-39 need coefficients of 1e39
    return {
        "coef_": w.astype(dtype),
        "intercept_": b.astype(dtype),
        "classes_": data.y.classes,
    }

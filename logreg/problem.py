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
from logreg.penalty import ElasticNet
from logreg.point import SMALL, Point
from logreg.row_objective import RowObjective
from logreg.sparse_blocks import row_blocks

Array = NDArray[Any]

GAP = 1e-3  # relative duality gap for a `tol` of 1
LARGEST = 5000  # parameters of an unpenalised fit of a sparse X


def pose(
    data: inputs.Data,
    penalty: ElasticNet,
    intercept: bool = True,
    threads: int = 1,
    *,
    quiet: bool = False,
) -> RowObjective:
    """The data and parameters as a problem in terms of design, loss and penalty; columns that
    depend on each other without a penalty are warned of, unless `quiet`.
    """
    X, weight, names = data.X, data.weight, data.names
    matrix = row_blocks(X, threads)
    if matrix.sparse and not penalty.anything:
        check_unpenalised(X.shape[0], X.shape[1], len(data.y.classes))
    moments = matrix.moments(weight)
    inputs.check_columns(moments, matrix, weight, names)
    design = Design(
        matrix,
        moments,
        intercept=intercept,
        weight=weight,
        ridge=penalty.l2,
        rotate=penalty.is_round,
    )
    K = len(data.y.classes)
    codes = data.y.codes
    loss: Loss = Binomial(codes, weight) if K == 2 else Multinomial(codes, K, weight)
    flat = undetermined(design, penalty, weight)
    if not quiet and (flat is not None or (design.basis is not None and not penalty)):
        warnings.warn(collinearity(design, flat, names), CollinearityWarning, stacklevel=4)
    return RowObjective(design, loss, penalty, data.offset, flat)


def undetermined(design: Design, penalty: ElasticNet, weight: Array | None) -> Array | None:
    """The directions (width, k) in the columns without a penalty that change no margin, or None."""
    if penalty:
        return None
    if not penalty.anything:
        return null_space(design, weight)
    index = penalty.free(design.d)
    part = null_space(design.columns(index), weight)
    if part is None:
        return None
    flat = np.zeros((design.width, part.shape[1]))
    flat[np.append(index, design.d) if design.intercept else index] = part
    return flat


def check_unpenalised(n: int, d: int, K: int) -> None:
    """Raise where a sparse X would have to become dense to find what depends on what."""
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
        what = dependence(design, flat, names)
    return (
        f"{what}: without a penalty the coefficients are not determined, those of the smallest "
        "norm are given. Leave columns out, or set a finite C."
    )


def dependence(design: Design, flat: Array, names: Array | None) -> str:
    """How many linear dependences there are, and among which columns."""
    columns, intercept = involved(design, flat)
    some = [inputs.column_name(names, j) for j in columns[:10]]
    some += [f"{len(columns) - 10} more"] * (len(columns) > 10)
    some += ["the intercept"] * intercept
    count = f"{flat.shape[1]} linear dependence{'s' if flat.shape[1] > 1 else ''}"
    return f"{count} among {', '.join(some)}"


def stopping_distance(tol: float, objective: Objective) -> float:
    """What `tol` asks for, in the objective's measure.

    With corners a share of F, by which a default fit agrees with the optimum in some ten digits of
    F. Else tol for weights that are 1 on average where they are less, and without a penalty never
    so loose that a separation of the classes could hide behind it.
    """
    if objective.penalty.has_corners:
        return GAP * tol
    return (tol if objective.penalty else min(tol, SMALL)) * objective.unit


def promised_distance(tol: float, objective: Objective) -> float:
    """The distance of a fit that may call itself converged: the aim is further where it costs
    little.
    """
    return tol if objective.penalty.has_corners else stopping_distance(tol, objective)


def coefficients(point: Point, data: inputs.Data) -> dict[str, Array]:
    """coef_, intercept_ and classes_ of a point, in the user's coordinates and X's dtype."""
    objective = point.objective
    theta = point.theta.reshape(objective.shape)
    if objective.q > 1:  # one number added to all classes changes no margin
        summed = slice(None) if not objective.penalty.has_corners else objective.unpenalised
        theta = theta.copy()
        theta[:, summed] -= theta[:, summed].mean(axis=0)
    if objective.flat is not None:
        theta = least_norm(objective.design, objective.flat, theta)
    w, b = objective.design.to_user(theta)
    b = b - b.mean() if objective.q > 1 else b
    return attributes(w, b, data)


def attributes(w: Array, b: Array, data: inputs.Data) -> dict[str, Array]:
    """coef_, intercept_ and classes_, in X's dtype."""
    dtype = data.X.dtype
    if max(np.abs(w).max(initial=0.0), np.abs(b).max()) > np.finfo(dtype).max:
        dtype = np.dtype(np.float64)  # float32 columns of size 1e-39 need coefficients of 1e39
    return {
        "coef_": w.astype(dtype),
        "intercept_": b.astype(dtype),
        "classes_": data.y.classes,
    }

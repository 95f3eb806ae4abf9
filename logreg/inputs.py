"""Every check at the door, and every error text: what was wrong, where, and what to do."""

import numbers
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from logreg.row_blocks import Moments

Array = NDArray[np.float64]


# -- parameters -------------------------------------------------------------------------------


def check_parameters(params: Mapping[str, Any], solvers: Mapping[str, Any]) -> None:
    """Raise for a constructor argument outside its range, with its name and what came."""
    _number(params, "C", low=0, low_open=True, infinite=True)
    _number(params, "l1_ratio", low=0, high=1)
    if params["l1_ratio"] != 0:
        raise ValueError(
            f"l1_ratio={params['l1_ratio']!r} is not supported yet: only l1_ratio=0 (ridge) is."
        )
    _number(params, "tol", low=0, low_open=True)
    _number(params, "max_iter", low=0, integer=True)
    _number(params, "verbose", low=0, integer=True)
    for name in ("fit_intercept", "warm_start"):
        if not isinstance(params[name], (bool, np.bool_)):
            raise ValueError(f"{name} must be True or False, got {params[name]!r}.")
    n_jobs = params["n_jobs"]
    if n_jobs is not None:
        _number(params, "n_jobs", integer=True)
        if n_jobs == 0:
            raise ValueError("n_jobs=0 has no meaning: give a number of threads, -1 or None.")
    if params["solver"] not in ("auto", *solvers):
        known = ", ".join(repr(name) for name in ("auto", *solvers))
        raise ValueError(f"solver={params['solver']!r} is unknown; there are {known}.")


def _number(
    params: Mapping[str, Any],
    name: str,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    low_open: bool = False,
    infinite: bool = False,
    integer: bool = False,
) -> None:
    value = params[name]
    kind = numbers.Integral if integer else numbers.Real
    what = "an integer" if integer else "a number"
    ok = isinstance(value, kind) and not isinstance(value, (bool, np.bool_))
    ok = ok and not np.isnan(value) and (infinite or np.isfinite(value))
    ok = ok and (value > low if low_open else value >= low) and value <= high
    if not ok:
        bounds = f" {'above' if low_open else 'of at least'} {low:g}" if low > -np.inf else ""
        bounds += f" and at most {high:g}" if high < np.inf else ""
        extra = " (np.inf for no penalty)" if infinite else ""
        raise ValueError(f"{name} must be {what}{bounds}{extra}, got {value!r}.")


# -- the data ---------------------------------------------------------------------------------


class Targets(NamedTuple):
    """y as classes and their codes."""

    classes: NDArray[Any]
    codes: NDArray[np.intp]


class Data(NamedTuple):
    """What `fit` was given, checked."""

    X: NDArray[Any]
    y: Targets
    weight: Array | None
    offset: Array | None
    names: NDArray[Any] | None


def check_fit(
    estimator: Any, X: Any, y: Any, sample_weight: Any, class_weight: Any, offset: Any
) -> Data:
    """All checks of `fit` but those that read X: see :func:`check_columns`."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )
    X = validate_data(estimator, X, dtype=[np.float64, np.float32], ensure_all_finite=False)
    targets = encode_targets(y)
    n = X.shape[0]
    if len(targets.codes) != n:
        raise ValueError(
            f"y has {len(targets.codes)} values, X has {n} rows: inconsistent numbers of samples."
        )
    weight = row_weights(sample_weight, class_weight, targets, n)
    check_two_classes(targets, weight)
    names = getattr(estimator, "feature_names_in_", None)
    return Data(X, targets, weight, check_offset(offset, n, len(targets.classes)), names)


def encode_targets(y: Any) -> Targets:
    """The sorted classes of y and each row's code; integers without the sort of `np.unique`."""
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        row = int(np.flatnonzero(~np.isfinite(y))[0])
        raise ValueError(
            f"Input y contains NaN or infinity, the first in row {row}. Drop such rows."
        )
    if y.dtype.kind == "O" and len(y):
        missing = [i for i, v in enumerate(y) if v is None or (isinstance(v, float) and v != v)]
        if missing:
            raise ValueError(
                f"Input y contains NaN or None, the first in row {missing[0]}. Drop such rows."
            )
    check_classification_targets(y)
    if y.dtype.kind in "biu" and y.size:
        low, high = int(y.min()), int(y.max())
        if high - low < 2 * len(y) + 1000:
            shifted = y.astype(np.intp) - low
            present = np.bincount(shifted, minlength=high - low + 1) > 0
            classes = (np.flatnonzero(present) + low).astype(y.dtype)
            return Targets(classes, (np.cumsum(present) - 1)[shifted])
    classes, codes = np.unique(y, return_inverse=True)
    return Targets(classes, codes.astype(np.intp, copy=False))


def check_two_classes(targets: Targets, weight: Array | None) -> None:
    """Raise unless at least two classes have a row of positive weight."""
    classes = targets.classes
    if len(classes) < 2:
        name = f"one class ({classes[0]!r})" if len(classes) else "no class"
        name = name.replace("np.str_(", "").replace("'))", "')") if "np.str_" in name else name
        raise ValueError(f"y has {name}; logistic regression needs at least two.")
    if weight is not None:
        alive = np.bincount(targets.codes, weights=weight, minlength=len(classes)) > 0
        if alive.sum() < 2:
            raise ValueError(
                f"y has one class ({classes[alive][0]!r}) among the rows of positive weight; "
                "logistic regression needs at least two."
            )


def check_columns(moments: Moments, X: NDArray[Any], names: Any) -> None:
    """Raise if X has NaN or infinity, or values too large to square: the moments tell, without
    another read of X.
    """
    if not np.isfinite(moments.square).all():
        check_finite(X, names)
        column = int(np.flatnonzero(~np.isfinite(moments.square))[0])
        largest = float(np.abs(X[:, column]).max())
        raise ValueError(
            f"X has values up to {largest:.1e} in {column_name(names, column)}; their squares "
            "overflow float64. Divide the column by a power of ten before fitting."
        )


def check_finite(X: NDArray[Any], names: Any) -> None:
    """Raise if X has NaN or infinity, naming how many and the first one's row and column."""
    for test, what in ((np.isnan, "missing values (NaN)"), (np.isinf, "infinite values (inf)")):
        bad = test(X)
        if bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            raise ValueError(
                f"X has {int(bad.sum())} {what}, the first in row {row} of "
                f"{column_name(names, column)}. Drop or impute them first."
            )


def column_name(names: Any, column: int) -> str:
    """'column 'age'', or 'column 3' where there are no names."""
    return f"column {column}" if names is None else f"column {str(names[column])!r}"


def row_weights(sample_weight: Any, class_weight: Any, targets: Targets, n: int) -> Array | None:
    """The weight of each row, sample_weight × class_weight; None where all are 1."""
    weight = None if sample_weight is None else _per_row(sample_weight, "sample_weight", n)
    if weight is not None:
        if (weight < 0).any():
            row = int(np.flatnonzero(weight < 0)[0])
            raise ValueError(
                f"sample_weight has {int((weight < 0).sum())} negative values, the first "
                f"({weight[row]:g}) in row {row}. Weights must be zero or positive."
            )
        if not weight.any():
            raise ValueError("sample_weight is zero for every row; at least one must be positive.")
    if class_weight is None:
        return weight
    factors = _class_factors(class_weight, targets, weight)[targets.codes]
    return factors if weight is None else weight * factors


def _class_factors(class_weight: Any, targets: Targets, weight: Array | None) -> Array:
    classes = targets.classes
    if isinstance(class_weight, str) and class_weight == "balanced":
        totals = np.bincount(targets.codes, weights=weight, minlength=len(classes))
        present = totals > 0
        share = totals.sum() / (present.sum() * np.where(present, totals, 1.0))
        return np.where(present, share, 0.0)
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            f"class_weight must be a dict from class to weight, 'balanced' or None, "
            f"got {class_weight!r}."
        )
    known = list(classes.tolist())
    unknown = [key for key in class_weight if key not in known]
    if unknown:
        raise ValueError(
            f"class_weight names the class {unknown[0]!r}, which is not in y; y has {known}."
        )
    factors = np.array([float(class_weight.get(c, 1.0)) for c in known])
    if not np.isfinite(factors).all() or (factors < 0).any():
        raise ValueError(f"class_weight must hold finite numbers from 0 up, got {class_weight!r}.")
    return factors


def check_offset(offset: Any, n: int, n_classes: int) -> Array | None:
    """The offset as (q, n) log-odds: (n,) for two classes, (n, K) for K."""
    if offset is None:
        return None
    if n_classes == 2:
        return _per_row(offset, "offset", n)[None]
    o = _numeric(offset, "offset")
    if o.shape != (n, n_classes):
        raise ValueError(
            f"offset must have shape ({n}, {n_classes}), a log-odds for each row and class, "
            f"got {o.shape}."
        )
    _all_finite(o, "offset")
    return np.ascontiguousarray(o.T)


def _numeric(values: Any, name: str) -> Array:
    if issparse(values):
        raise TypeError(f"{name} must be a dense array, got a sparse one.")
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers: {error}.") from error


def _per_row(values: Any, name: str, n: int) -> Array:
    a = _numeric(values, name)
    if a.ndim == 0:
        a = np.full(n, float(a))
    if a.ndim == 2 and a.shape[1] == 1:
        a = a[:, 0]
    if a.ndim != 1:
        raise ValueError(f"{name} must be a 1D array, a number for each row; got {a.ndim}D.")
    if len(a) != n:
        raise ValueError(f"{name} has {len(a)} values, X has {n} rows; give one for each row.")
    _all_finite(a, name)
    return a


def _all_finite(a: Array, name: str) -> None:
    if not np.isfinite(a).all():
        bad = np.argwhere(~np.isfinite(a))
        raise ValueError(
            f"{name} has {len(bad)} values that are NaN or infinite, the first in row "
            f"{int(bad[0][0])}."
        )

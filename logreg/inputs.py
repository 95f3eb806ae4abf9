"""The checks of the data at the door: what was wrong, where, and what to do."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import check_array, validate_data

from logreg.row_blocks import Moments, RowBlocks
from logreg.targets import Targets, check_two_classes, encode_targets, without_lost_classes

Array = NDArray[np.float64]

LARGEST_DENSE = 10**8  # numbers


class Data(NamedTuple):
    """What `fit` was given, checked."""

    X: Any  # array (n, d), or in compressed rows
    y: Targets
    weight: Array | None
    offset: Array | None
    names: NDArray[Any] | None


def check_fit(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    offset: Any,
    *,
    reset: bool = True,
) -> Data:
    """All checks of `fit` but those that read X: see :func:`check_columns`. Without `reset` X must
    have the columns of the last fit.
    """
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )
    X = numeric_table(estimator, X, reset=reset)
    targets = encode_targets(y)
    n = X.shape[0]
    if len(targets.codes) != n:
        raise ValueError(
            f"y has {len(targets.codes)} values, X has {n} rows: inconsistent numbers of samples."
        )
    weight = row_weights(sample_weight, class_weight, targets, n)
    check_two_classes(targets, weight)
    known = check_offset(offset, n, len(targets.classes))
    if weight is not None:
        targets, known = without_lost_classes(targets, weight, known)
    names = getattr(estimator, "feature_names_in_", None)
    return Data(X, targets, weight, known, names)


def numeric_table(estimator: Any, X: Any, *, reset: bool = True, least: int = 1) -> Any:
    """X as a float64 or float32 array, finite or not, or in compressed rows: by scikit-learn's
    validation. It has to have so many rows at `least`.
    """
    _in_memory(X)
    names = [str(name) for name in getattr(X, "columns", ())]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"X has {names.count(twice)} columns named {twice!r}. Rename them.")
    dates = _dates(X)
    if dates is not None:
        raise ValueError(dates)
    try:
        table = validate_data(
            estimator,
            X,
            reset=reset,
            dtype=[np.float64, np.float32],
            accept_sparse="csr",
            ensure_all_finite=False,
            ensure_min_samples=least,
        )
    except (TypeError, ValueError) as error:
        sentence = _not_a_number(X)
        if sentence is None:
            raise
        raise ValueError(sentence) from error
    return without_duplicates(table) if issparse(table) else table


def _in_memory(X: Any) -> None:
    """Raise for Dask's data, which NumPy would pull into memory in silence."""
    if type(X).__module__.split(".")[0] in ("dask", "dask_expr"):
        raise TypeError(
            f"X is a {type(X).__module__.split('.')[0]} {type(X).__name__}: use "
            "logreg.dask.LogisticRegression, or X.compute() if it fits into memory."
        )


def without_duplicates(table: Any) -> Any:
    """A sparse table whose entries are not given twice: itself, or where need be a copy."""
    if not table.has_canonical_format:
        table = table.copy()
        table.sum_duplicates()
    return table


def _dates(X: Any) -> str | None:
    """Where X has dates or durations, which some tables would turn into numbers in silence."""
    names = getattr(X, "columns", None)
    columns = [X] if names is None else [X[name] for name in names]
    for j, column in enumerate(columns):
        dtype = getattr(column, "dtype", None)
        temporal = getattr(dtype, "is_temporal", lambda: False)()  # polars
        periods = str(dtype).startswith("period")  # pandas
        if getattr(dtype, "kind", "") in ("m", "M") or temporal or periods:
            where = "" if names is None else f" in {column_name(names, j)}"
            return f"X has dates{where}. Turn them into numbers (days since a date, say)."
    return None


def _not_a_number(X: Any) -> str | None:
    """What is text or a date in X, if that was the trouble."""
    names = getattr(X, "columns", None)
    if issparse(X):
        return None
    if names is None:
        kind = np.asarray(X).dtype
        if kind.kind == "c":
            return f"Complex data not supported: X must hold real numbers, got {kind}."
        X = np.asarray(X, dtype=object)
        if X.ndim != 2:
            return None
    for j in range(X.shape[1]):
        column = X[:, j] if names is None else np.asarray(X[names[j]])
        where = f"{column_name(names, j)}"
        for row, value in enumerate(column if column.dtype.kind in "OUST" else ()):
            if isinstance(value, str) and not _is_number(value):
                return (
                    f"X has text in {where}, the first {str(value)!r} in row {row}. Encode it as "
                    "numbers (OneHotEncoder, OrdinalEncoder) before fitting."
                )
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def check_columns(moments: Moments, matrix: RowBlocks, weight: Array | None, names: Any) -> None:
    """Raise if X has NaN or infinity, or values too large to square: the moments tell, without
    another read of X.
    """
    if np.isfinite(moments.square).all() and np.isfinite(moments.total):
        candidates = np.flatnonzero(moments.square < 1e-290)  # constant, or tiny
        if matrix.sparse and not _holds_tiny(matrix.entries):  # many empty columns are usual
            return
        for j in candidates.tolist():
            values = matrix.column(j) if weight is None else matrix.column(j)[weight > 0]
            if values.min() < values.max() and np.abs(values).max() < 1e-140:
                raise ValueError(
                    f"X has values down to {np.abs(values).max():.1e} in "
                    f"{column_name(names, j)}; their squares underflow float64. "
                    "Multiply the column by a power of ten before fitting and predicting."
                )
        return
    check_finite(matrix, names)
    first = int(np.flatnonzero(~np.isfinite(moments.square))[0])
    raise too_large(matrix, first, names, "its square overflows")


def _holds_tiny(entries: NDArray[Any], chunk: int = 2**20) -> bool:
    parts = (np.abs(entries[a : a + chunk]) for a in range(0, len(entries), chunk))
    return any(bool(np.any((part > 0) & (part < 1e-140))) for part in parts)


def check_margins(margin: NDArray[Any], matrix: RowBlocks, names: Any) -> None:
    """Raise if a prediction is not finite, saying what in X makes it so."""
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(margin.sum()) or np.isfinite(margin).all()  # the sum may overflow
    if finite:
        return
    check_finite(matrix, names)
    largest = np.unravel_index(np.abs(matrix.entries).argmax(), matrix.entries.shape)
    _, j = matrix.place(np.array(largest))
    raise too_large(matrix, j, names, "x·w overflows")


def too_large(matrix: RowBlocks, column: int, names: Any, what: str) -> ValueError:
    """The error for a column whose values do not fit a float64 when multiplied."""
    largest = float(np.abs(matrix.column(column)).max())
    return ValueError(
        f"X has values up to {largest:.1e} in {column_name(names, column)}; {what} float64. "
        "Divide the column by a power of ten before fitting and predicting."
    )


def check_finite(matrix: RowBlocks, names: Any) -> None:
    """Raise if X has NaN or infinity, naming how many and the first one's row and column."""
    for test, what in ((np.isnan, "missing value (NaN)"), (np.isinf, "infinite value (inf)")):
        bad = test(matrix.entries)
        if bad.any():
            row, column = matrix.place(np.argwhere(bad)[0])
            where = f"row {row} of {column_name(names, column)}"
            n = int(bad.sum())
            if n == 1:
                raise ValueError(f"X has 1 {what}, in {where}. Drop or impute it first.")
            many = what.replace("value", "values")
            raise ValueError(f"X has {n} {many}, the first in {where}. Drop or impute them first.")


def column_name(names: Any, column: int) -> str:
    """'column 'age'', or 'column 3' where there are no names."""
    return f"column {column}" if names is None else f"column {str(names[column])!r}"


def column_labels(names: Any, columns: int) -> list[str]:
    """The columns' names, or x0, x1, ..."""
    return [f"x{j}" for j in range(columns)] if names is None else [str(name) for name in names]


def check_same_classes(fitted: NDArray[Any], given: NDArray[Any]) -> None:
    """Raise where data for a fitted model hold other classes than it knows."""
    if not np.array_equal(fitted, given):
        raise ValueError(
            f"y has the classes {given.tolist()}, the model was fitted to {fitted.tolist()}: give "
            "the data of the fit."
        )


def group_codes(groups: Any, n: int) -> NDArray[np.intp]:
    """The groups of rows as codes (n, ways)."""
    table = np.asarray(groups)
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2 or len(table) != n:
        raise ValueError(
            f"groups must have one label a row, ({n},), or a column a way of grouping; got "
            f"{np.shape(groups)}."
        )
    for way in range(table.shape[1]):
        missing = np.array([value is None or value != value for value in table[:, way].tolist()])
        if missing.any():
            raise ValueError(
                f"groups has {int(missing.sum())} missing labels, the first in row "
                f"{int(missing.argmax())}. Drop such rows or give them a group."
            )
    try:
        codes = [np.unique(table[:, way], return_inverse=True)[1] for way in range(table.shape[1])]
    except TypeError as error:
        raise ValueError("groups has labels of several types; give one, str or int.") from error
    return np.column_stack(codes)


def row_weights(sample_weight: Any, class_weight: Any, targets: Targets, n: int) -> Array | None:
    """The weight of each row, sample_weight × class_weight; None where all are 1."""
    weight, what = sample_weights(sample_weight, n), "sample_weight"
    if class_weight is not None and (weight is None or weight.any()):
        factors = class_factors(class_weight, targets, weight)[targets.codes]
        what = "class_weight" if weight is None else "sample_weight times class_weight"
        weight = factors if weight is None else weight * factors
    if weight is not None:
        check_size(float(weight.max(initial=0.0)), what)
    if weight is not None and not weight.any() and n:
        raise ValueError(f"{what} is zero for every row; at least one must be positive.")
    return weight


def check_size(largest: float, what: str) -> None:
    """Raise for weights whose products with X leave float64."""
    if largest > 1e100:
        raise ValueError(
            f"{what} has values up to {largest:.4g}; their products with the squares of X "
            "overflow float64. Divide all weights by it."
        )
    if 0 < largest < 1e-100:
        raise ValueError(
            f"{what} has no value above {largest:.4g}; products with it underflow float64. "
            "Divide all weights by it."
        )


def sample_weights(sample_weight: Any, n: int) -> Array | None:
    """The weights of n rows, from 0 up."""
    if sample_weight is None:
        return None
    weight = _per_row(sample_weight, "sample_weight", n)
    if (weight < 0).any():
        rows = np.flatnonzero(weight < 0)
        first = f"({weight[rows[0]]:g}) in row {rows[0]}"
        found = (
            f"1 negative value {first}"
            if len(rows) == 1
            else f"{len(rows)} negative values, the first {first}"
        )
        raise ValueError(f"sample_weight has {found}. Weights must be zero or positive.")
    return weight


def class_factors(class_weight: Any, targets: Targets, weight: Array | None) -> Array:
    """A factor for each class."""
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
    try:
        factors = np.array([float(class_weight.get(c, 1.0)) for c in known])
    except (TypeError, ValueError):
        factors = np.array([np.nan])
    if not np.isfinite(factors).all() or (factors < 0).any():
        raise ValueError(f"class_weight must hold finite numbers from 0 up, got {class_weight!r}.")
    return factors


def check_offset(offset: Any, n: int, n_classes: int) -> Array | None:
    """The offset as (q, n) log-odds: (n,) for two classes, (n, K) for K."""
    if offset is None:
        return None
    if n_classes == 2:
        o = _per_row(offset, "offset", n)[None]
        _log_odds(o)
        return o
    o = _numeric(offset, "offset")
    if o.shape != (n, n_classes):
        raise ValueError(
            f"offset must have shape ({n}, {n_classes}), a log-odds for each row and class, "
            f"got {o.shape}."
        )
    _all_finite(o, "offset")
    _log_odds(o)
    return np.ascontiguousarray(o.T)


def _log_odds(offset: Array) -> None:
    largest = float(np.abs(offset).max(initial=0.0))
    if largest > 1e4:
        raise ValueError(
            f"offset has values up to {largest:.4g}; it is in log-odds, where beyond 10,000 every "
            "probability is 0 or 1 whatever the columns say."
        )


def _numeric(values: Any, name: str) -> Array:
    if issparse(values):
        raise TypeError(f"{name} must be a dense array, got a sparse one.")
    try:
        array = np.asarray(values)
        if array.dtype.kind == "c":
            raise ValueError(f"got {array.dtype}, which is complex")
        return array.astype(np.float64, copy=False)
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
    bad = np.argwhere(~np.isfinite(a))
    if len(bad):
        where = f"row {bad[0][0]}" + (f", class {bad[0][1]}" if a.ndim == 2 else "")
        found = (
            f"1 value that is NaN or infinite, in {where}"
            if len(bad) == 1
            else f"{len(bad)} values that are NaN or infinite, the first in {where}"
        )
        raise ValueError(f"{name} has {found}. Drop such rows or fill them in.")


def dense_enough(X: Any) -> Any:
    """X as an array, for methods that need its rows dense."""
    if isinstance(X, np.ndarray):
        return X
    if X.shape[0] * X.shape[1] > LARGEST_DENSE:
        raise ValueError(
            f"X is sparse, with {X.shape[0]} x {X.shape[1]} numbers if dense: a profile needs "
            f"dense rows and takes up to {LARGEST_DENSE:.0e}. Use method='wald', or fewer columns."
        )
    return X.toarray()


def plain_table(X: Any, columns: int) -> Any:
    """X for a prediction without an estimator, of so many columns."""
    table = check_array(X, dtype=[np.float64, np.float32], accept_sparse="csr")
    if table.shape[1] != columns:
        raise ValueError(f"X has {table.shape[1]} columns; the path was fitted with {columns}.")
    return table


def penalty_factors(penalty_weights: Any, columns: int) -> Array | None:
    """A factor of the penalty for each column, or None where all are 1."""
    if penalty_weights is None:
        return None
    try:
        factors = np.asarray(penalty_weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"penalty_weights must be numbers, got {penalty_weights!r}.") from error
    if factors.shape != (columns,):
        raise ValueError(
            f"penalty_weights must have one number a column, ({columns},); got {factors.shape}."
        )
    wrong = np.flatnonzero(~((factors >= 0) & np.isfinite(factors)))
    if len(wrong):
        raise ValueError(
            f"penalty_weights has {factors[wrong[0]]:g} for column {wrong[0]}; they must be finite "
            "and not negative (0 leaves a column without a penalty)."
        )
    return None if (factors == 1).all() else factors

"""y as classes and codes, and what is wrong with it."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

Array = NDArray[np.float64]


LATER = "which was not there in the first pass: blocks must be the same each time they are read."


class Targets(NamedTuple):
    """y as classes and their codes, in the smallest type of integers."""

    classes: NDArray[Any]
    codes: NDArray[Any]


def encode_targets(y: Any) -> Targets:
    """The sorted classes of y and each row's code; integers without the sort of `np.unique`."""
    if type(y) is not np.ndarray or y.ndim != 1:
        y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        row = int(np.flatnonzero(~np.isfinite(y))[0])
        raise ValueError(
            f"Input y contains NaN or infinity, the first in row {row}. Drop such rows."
        )
    if y.dtype.kind in "mM" and np.isnat(y).any():
        row = int(np.flatnonzero(np.isnat(y))[0])
        raise ValueError(f"Input y contains NaT, the first in row {row}. Drop such rows.")
    if y.dtype.kind in "OT" and len(y):
        y = _one_type(y)
    if y.dtype.kind not in "biu":  # sorts, which a million integers need not
        check_classification_targets(y)
    elif y.size:
        # a True may be any byte but 0, where a mask of 255s is seen as booleans
        whole = (y.view(np.uint8) != 0).view(np.uint8) if y.dtype.kind == "b" else y
        low, spread = whole.min(), int(whole.max()) - int(whole.min())
        if spread < 2 * len(y) + 1000:
            # modulo 2^bits the difference is right, though int8 may not hold it
            above = np.subtract(whole, low).view(f"u{y.dtype.itemsize}")
            above = above.astype(np.min_scalar_type(spread + 1), copy=False)
            present = np.ones(spread + 1, bool)  # the lowest and the highest are there
            if spread > 1:
                present = np.bincount(above, minlength=spread + 1) > 0
            shifts = np.flatnonzero(present)
            classes = (low + shifts.astype(whole.dtype)).astype(y.dtype, copy=False)
            codes = above if present.all() else (np.cumsum(present) - 1)[above]
            return Targets(classes, smallest(codes, len(classes)))
    classes, codes = np.unique(y, return_inverse=True)
    return Targets(classes, smallest(codes, len(classes)))


def smallest(codes: NDArray[Any], n_classes: int) -> NDArray[Any]:
    """The codes in the smallest type that holds them: a byte a row where eight would do."""
    return codes.astype(np.min_scalar_type(n_classes), copy=False)


def _one_type(y: NDArray[Any]) -> NDArray[Any]:
    """Objects of y as what they are, numbers or strings; an error if they cannot be sorted."""
    missing = [i for i, v in enumerate(y) if _is_missing(v)]
    if missing:
        raise ValueError(
            f"Input y contains NaN or None, the first in row {missing[0]}. Drop such rows."
        )
    kinds = {type(v) for v in y}
    if kinds <= {int, bool}:
        return np.array(y.tolist())
    try:
        np.unique(y)
    except TypeError as error:
        names = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(
            f"y mixes labels that cannot be sorted, of types {names}. Turn them all into one "
            "type, for example with y.astype(str)."
        ) from error
    return y


def _is_missing(v: Any) -> bool:
    """None, NaN, and pandas' NA and NaT, which cannot be imported here without pandas."""
    nothing = v is None or type(v).__name__ in ("NAType", "NaTType")
    return nothing or (isinstance(v, float) and v != v)


def places(targets: Targets, known: NDArray[Any], strange: str) -> NDArray[Any]:
    """Where the rows' classes stand among the known ones; those that do not are `strange`."""
    labels, codes = targets
    if np.array_equal(labels, known):
        return codes
    where = np.minimum(np.searchsorted(known, labels), len(known) - 1)
    others = labels[known[where] != labels]
    if len(others):
        raise ValueError(f"y has the class {others.tolist()[0]!r}, {strange}")
    found: NDArray[Any] = smallest(where, len(known))[codes]
    return found


def check_two_classes(targets: Targets, weight: Array | None) -> None:
    """Raise unless at least two classes have a row of positive weight."""
    classes, where = targets.classes, ""
    if weight is not None:
        classes = classes[np.bincount(targets.codes, weights=weight, minlength=len(classes)) > 0]
        where = " among the rows of positive weight"
    if len(classes) < 2:
        one = f"one class ({classes.tolist()[0]!r})" if len(classes) else "no class"
        raise ValueError(f"y has {one}{where}; logistic regression needs at least two.")


def without_lost_classes(
    targets: Targets, weight: Array, offset: Array | None
) -> tuple[Targets, Array | None]:
    """Drop classes whose rows all have weight 0, as if these rows were not there."""
    classes, codes = targets
    alive = np.bincount(codes, weights=weight, minlength=len(classes)) > 0
    if alive.all():
        return targets, offset
    codes = np.where(alive, np.cumsum(alive) - 1, 0)[codes]  # any code will do without weight
    if offset is not None and len(classes) > 2:
        offset = offset[alive]
        offset = offset[1:] - offset[:1] if len(offset) == 2 else offset
    return Targets(classes[alive], smallest(codes, len(classes))), offset

"""The parameters that inference reports, as linear functions of those that the solvers see.

Binary: the intercept and the d weights of class 1 against class 0. K classes: the same for each
class but one, the baseline, as differences from the baseline's. In the solvers' coordinates θ̃
(design.py) they are M θ̃, M being the Kronecker product of the classes' contrasts with the way back
to the user's columns.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from logreg.objective import Objective

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
INTERCEPT = "Intercept"


class Contrasts:
    """Names, classes and the matrix M.

    Parameters
    ----------
    objective : Objective
    classes : array (K,)
        Labels.
    baseline : label
        The class that the others are compared with.
    columns : list of str
        The names of X's columns.
    """

    def __init__(
        self, objective: Objective, classes: NDArray[Any], baseline: Any, columns: list[str]
    ) -> None:
        self.objective = objective
        self.intercept = bool(objective.design.intercept)
        if self.intercept and INTERCEPT in columns:
            raise ValueError(
                f"X has a column called {INTERCEPT!r}, as the model's own intercept is: rename it."
            )
        self.names = [INTERCEPT] * self.intercept + columns
        self.terms: Mapping[str, list[str]] = {}  # names for several columns at once
        single = np.ndim(baseline) == 0
        at = [k for k, c in enumerate(classes.tolist()) if single and c == baseline]
        if not at:
            known = ", ".join(repr(c) for c in classes.tolist())
            raise ValueError(f"baseline={baseline!r} is none of the classes: {known}.")
        self.baseline = int(at[0])
        self.others = np.delete(np.arange(len(classes)), self.baseline)
        self.all_classes, self.classes = classes, classes[self.others]
        self.baseline_label = classes.tolist()[self.baseline]

    @property
    def several(self) -> bool:
        return self.objective.q > 1

    @cached_property
    def of_classes(self) -> Array:
        """The contrasts (K - 1, q) of the outputs."""
        if not self.several:
            return np.array([[1.0 if self.baseline == 0 else -1.0]])
        each: Array = np.eye(self.objective.q)
        contrasts: Array = each[self.others] - each[self.baseline]
        return contrasts

    @cached_property
    def to_columns(self) -> Array:
        """An output's θ̃ as intercept and weights of the user's columns: (k, width)."""
        w, b = self.objective.design.to_user(np.eye(self.objective.design.width))
        return np.asarray(np.column_stack([b, w] if self.intercept else [w]).T, dtype=np.float64)

    @cached_property
    def matrix(self) -> Array:
        """M (r, p), class by class."""
        return np.asarray(np.kron(self.of_classes, self.to_columns), dtype=np.float64)

    def of(self, theta: Array) -> Array:
        """The parameters (r,) of a θ̃ (p,)."""
        parameters = self.of_classes @ theta.reshape(self.objective.shape)
        return np.asarray(parameters @ self.to_columns.T, dtype=np.float64).ravel()

    @cached_property
    def against_first(self) -> Array:
        """The same of the classes' parameters against class 0, class by class the weights and then
        the intercept: (r, r).
        """
        K, k = len(self.all_classes), len(self.names)
        each = np.eye(K)[:, 1:]
        order = np.roll(np.eye(k), 1, axis=0) if self.intercept else np.eye(k)
        return np.asarray(np.kron(each[self.others] - each[self.baseline], order), dtype=np.float64)

    @cached_property
    def determined(self) -> NDArray[np.bool_]:
        """Which of them the data determine, (r,): those that no direction without any effect on
        the margins changes.
        """
        flat = self.objective.flat
        if flat is None:
            return np.ones(len(self.of_classes) * len(self.names), dtype=bool)
        size = np.linalg.norm(self.to_columns, axis=1)
        each = np.abs(self.to_columns @ flat).max(axis=1) <= 1e-7 * size
        return np.tile(each, len(self.of_classes))

    def determines(self, r: Array) -> NDArray[np.bool_]:
        """Which of these linear functions R β of the parameters the data determine, (m,); with the
        columns (m, k) of one class for R, which of its margins.
        """
        flat = self.objective.flat
        if flat is None:
            return np.ones(len(r), dtype=bool)
        each = r.reshape(len(r), -1, len(self.names)) @ self.to_columns
        size = np.linalg.norm(each, axis=(1, 2))[:, None, None]
        return np.asarray((np.abs(each @ flat) <= 1e-7 * size).all(axis=(1, 2)))

    # -- hypotheses ----------------------------------------------------------------------------

    def functions(self, what: Any) -> Array:
        """Linear functions of the parameters as rows of R (m, r): of names or numbers of columns
        their parameters, or a matrix as it is.
        """
        given, r = _as_array(what), len(self.of_classes) * len(self.names)
        names = given.ndim < 1 or not given.size
        if names or (given.ndim == 1 and given.dtype.kind != "f"):
            return np.eye(r)[self.places(what)]
        if given.ndim > 2 or given.dtype.kind not in "biuf":
            raise ValueError(
                f"R must be a matrix of numbers, a row a hypothesis and a column for each of {r} "
                f"parameters; got shape {given.shape} of {given.dtype}."
            )
        rows = np.atleast_2d(given).astype(np.float64)
        if rows.shape[1] != r:
            raise ValueError(f"R has {rows.shape[1]} columns; there are {r} parameters.")
        infinite, zero = ~np.isfinite(rows).all(axis=1), ~rows.any(axis=1)
        if infinite.any():
            raise ValueError(f"Row {int(infinite.argmax())} of R holds NaN or infinity.")
        if zero.any():
            raise ValueError(f"Row {int(zero.argmax())} of R is zero: it asks nothing.")
        return rows

    # -- names ---------------------------------------------------------------------------------

    def places(self, what: Any) -> NDArray[np.intp]:
        """Where in the parameters those of some columns are: of a name, a column's number, or a
        list of these; all slopes for None.
        """
        which = np.unique(self._within(what))
        if which.size == 0:
            raise ValueError("Name at least one column to test; the list is empty.")
        starts = np.arange(len(self.of_classes)) * len(self.names)
        return np.asarray((starts[:, None] + which).ravel(), dtype=np.intp)

    def number(self, name: Any) -> int:
        """The number of a column of X."""
        found = self.numbers([name])
        if len(found) > 1:
            some = ", ".join(repr(self.names[j + self.intercept]) for j in found)
            raise ValueError(f"{name!r} is a term of {len(found)} columns: name each, {some}.")
        return found[0]

    def numbers(self, what: Any) -> list[int]:
        """The numbers of these columns of X."""
        columns = [place - self.intercept for place in self._within(what)]
        if not columns:
            raise ValueError("Name at least one column; the list is empty.")
        if -1 in columns:
            raise ValueError("The intercept is no column of X.")
        return columns

    def _within(self, what: Any) -> list[int]:
        """The places within one class's parameters."""
        if what is None:
            return list(range(self.intercept, len(self.names)))
        names: list[Any] = list(what) if isinstance(what, (list, tuple, np.ndarray)) else [what]
        each = [self.terms.get(name, [name]) if isinstance(name, str) else [name] for name in names]
        return [self._place(name) for part in each for name in part]

    def _place(self, name: Any) -> int:
        if isinstance(name, (int, np.integer)) and not isinstance(name, bool):
            if 0 <= name < len(self.names) - self.intercept:
                return int(name) + self.intercept
        elif name in self.names:
            return self.names.index(name)
        some = ", ".join(self.names[:10]) + (", ..." if len(self.names) > 10 else "")
        raise ValueError(f"There is no parameter {name!r}; there are {some}.")

    @property
    def index(self) -> "pd.Index[Any]":
        """A label for each parameter: its name, with several classes after its class."""
        import pandas as pd

        if not self.several:
            return pd.Index(self.names)
        return pd.MultiIndex.from_product([self.classes.tolist(), self.names])

    def labels(self) -> list[str]:
        """The same in words."""
        if not self.several:
            return list(self.names)
        return [f"{name} (class {c!r})" for c in self.classes.tolist() for name in self.names]

    def table(self, values: Array) -> Any:
        """A Series of a value a parameter; with several classes a DataFrame, a column a class."""
        import pandas as pd

        if not self.several:
            return pd.Series(values, index=self.index)
        by_class = values.reshape(len(self.of_classes), -1).T
        return pd.DataFrame(by_class, index=self.names, columns=self.classes.tolist())


def _as_array(what: Any) -> NDArray[Any]:
    """An empty one for lists of several lengths."""
    try:
        return np.asarray(what)
    except ValueError:
        return np.empty(0)

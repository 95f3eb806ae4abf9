"""Models by a formula over the columns of a table, as in R: ``fit_formula("y ~ a + C(b)", data)``.

The formula is read by formulaic, an extra: ``pip install 'logreg[formula]'``. A formula may call
Python functions: it is code, so take none from a stranger.
"""

import ast
import builtins
import re
import warnings
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from logreg.contrasts import INTERCEPT
from logreg.estimator import LogisticRegression
from logreg.inference import Inference

Array = NDArray[Any]


class FormulaDesign:
    """What turns a table into the columns that a formula asks for.

    Attributes
    ----------
    terms : dict of str to list of str
        The columns of each term.
    intercept : bool
        Whether the formula has one; its column is left out, as the estimator has its own.
    offset : str or None
        The column that the fit took as its offset.
    """

    offset: str | None = None

    def __init__(
        self, formula: str, parsed: Any, data: Any, needs: list[str], context: Mapping[str, Any]
    ) -> None:
        self.formula, self.response = formula, str(parsed.lhs[0])
        self._context, self._needs, self._lhs = context, needs, parsed.lhs
        self._spec = self._made(parsed.rhs, data[needs]).model_spec
        names = list(self._spec.column_names)
        self.intercept = INTERCEPT in names
        self.columns = [name for name in names if name != INTERCEPT]
        if not self.columns:
            raise ValueError(f"The formula {formula!r} has no columns on its right side.")
        self.terms = {
            str(term): [names[place] for place in places]
            for term, places in self._spec.term_indices.items()
            if [names[place] for place in places] != [INTERCEPT]
        }

    def __call__(self, data: Any) -> Any:
        """The columns as a frame, NaN where data are missing."""
        data = with_levels_present(columns_of(as_table(data), self._needs, self.formula))
        mismatch = _formulaic().errors.DataMismatchWarning
        with warnings.catch_warnings():
            warnings.simplefilter("error", mismatch)
            try:
                matrix = self._made(self._spec, data)
            except mismatch as error:
                raise ValueError(
                    f"The data have levels that those of the fit did not have: {error}"
                ) from error
        return matrix[self.columns]

    def classes(self, data: Any) -> Any:
        """The response: a column as it is, or what an expression makes of columns."""
        if self.response in data:
            return data[self.response]
        made = self._made(self._lhs, data)
        if made.shape[1] != 1:
            raise ValueError(
                f"{self.response!r} makes {made.shape[1]} columns; the response must be one, of "
                "classes. Put the column itself on the left side."
            )
        return made.iloc[:, 0]

    def values(self, data: Any, what: str, value: Any) -> Any:
        """Of a column of the data by its name, or as given."""
        return _values(as_table(data), what, value)

    def _made(self, part: Any, data: Any) -> Any:
        try:
            return part.get_model_matrix(data, context=self._context, na_action="ignore")
        except _formulaic().errors.FormulaicError as error:
            raise ValueError(
                f"The formula {self.formula!r} cannot be computed: {first_line(error)}"
            ) from error


def fit_formula(
    formula: str,
    data: Any,
    *,
    C: float = np.inf,
    sample_weight: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    cov_type: str = "nonrobust",
    groups: str | ArrayLike | None = None,
    weights: str = "frequency",
    baseline: Any = None,
    context: Mapping[str, Any] | None = None,
    **parameters: Any,
) -> Inference:
    """Fit a model by a formula and give its inference. It needs the extra "formula".

    Parameters
    ----------
    formula : str
        ``"admit ~ gre + gpa + C(rank)"``: the column of classes, then terms; C() marks a column of
        categories, ``a:b`` and ``a*b`` interactions, ``- 1`` leaves out the intercept (formulaic's
        grammar, nearly R's: true-or-false columns count as numbers, so C() them in interactions).
        A formula is code: it may call functions.
    data : DataFrame
        Rows with missing values in the columns used are left out, with a warning.
    C : float, default=np.inf
        Maximum likelihood if not given; else ridge, as in :class:`LogisticRegression`.
    sample_weight : str or array-like (n_rows,), optional
        The name of a column, or values for all rows of `data`.
    offset : str or array-like (n_rows,) or (n_rows, n_classes), optional
        As a name it is that of new data, too, in which predictions look for it.
    cov_type : str, default="nonrobust"
        As in :meth:`LogisticRegression.inference`.
    groups : str or array-like (n_rows,), optional
        For ``cov_type="cluster"``.
    weights : "frequency" or "probability", default="frequency"
    baseline : label, optional
        The class that others are compared with; the first if not given.
    context : dict, optional
        Names that the formula may use, besides those of the columns.
    **parameters : dict
        Of :class:`LogisticRegression`: tol, class_weight, ...

    Returns
    -------
    Inference
        With `formula`, and `model`, the estimator. Its `predict` and `predict_proba` take tables of
        the same columns as `data`; tests take names of terms as well.

    Raises
    ------
    ImportError
        Where formulaic is not installed.
    ValueError
        For a formula without one response or without columns.

    Examples
    --------
    >>> from logreg import fit_formula
    >>> from logreg.datasets import load_birthwt
    >>> data = load_birthwt(as_frame=True).frame
    >>> result = fit_formula("low ~ age + lwt + smoke", data)
    >>> print(result.odds_ratios().round(3).loc["smoke"].to_string())
    odds_ratio    1.956
    lower         1.033
    upper         3.704
    """
    if "fit_intercept" in parameters:
        raise ValueError("The formula says whether there is an intercept: write '- 1' for none.")
    parsed, data, known = parse(formula), as_table(data), dict(context or {})
    extra = {
        name: _values(data, name, value)
        for name, value in (
            ("sample_weight", sample_weight),
            ("offset", offset),
            ("groups", groups),
        )
        if value is not None
    }
    left, right = (used(part, data, known, formula) for part in (parsed.lhs, parsed.rhs))
    data = columns_of(data, list(dict.fromkeys(left + right)), formula)
    keep = _complete(data, extra)
    if not keep.any():
        raise ValueError(f"data has no row without a missing value in {', '.join(data)}.")
    data, of_rows = data[keep], {name: value[keep] for name, value in extra.items()}
    data = with_levels_present(data)
    check_no_dates(parsed.rhs, data, formula)
    design = FormulaDesign(formula, parsed, data, right, known)
    X, y = design(data), np.asarray(design.classes(data))
    by = of_rows.pop("groups", None)
    model = LogisticRegression(C=C, fit_intercept=design.intercept, **parameters)
    model.fit(X, y, **of_rows)
    result = model.inference(
        X, y, **of_rows, cov_type=cov_type, groups=by, weights=weights, baseline=baseline
    )
    design.offset = offset if isinstance(offset, str) else None
    return result.with_design(design)


def as_table(data: Any) -> Any:
    """A pandas DataFrame of a table with named columns."""
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data
    if hasattr(data, "to_pandas"):
        return data.to_pandas()
    if isinstance(data, Mapping):
        try:
            return pd.DataFrame(data)
        except ValueError as error:
            raise ValueError(
                f"data must be a dict of columns of one length, such as {{'x': [1, 2]}}: {error}."
            ) from error
    raise ValueError(
        f"data must be a table with named columns (a DataFrame, or a dict of columns), got a "
        f"{type(data).__name__}."
    )


def columns_of(data: Any, names: list[str], formula: str) -> Any:
    """These columns of a table."""
    present = list(data.columns)
    for name in names:
        if present.count(name) != 1:
            some = f"{present.count(name)} columns" if name in present else "no column"
            raise ValueError(
                f"The formula {formula!r} names {name!r}, and data has {some} of that name; there "
                f"are {_some(present)}."
            )
    return data[names]


def check_no_dates(part: Any, data: Any, formula: str) -> None:
    """Raise for dates that are terms as they stand; functions and C() make something of them."""
    for name in {f.expr for term in part for f in term.factors if f.eval_method.value == "lookup"}:
        dtype = data[name].dtype if name in data else None
        if getattr(dtype, "kind", "") in ("M", "m") or str(dtype).startswith("period"):
            raise ValueError(
                f"The formula {formula!r} needs numbers or categories, and {name!r} has dates. "
                "Turn them into numbers (days since a date, say), or write C() for categories."
            )


def with_levels_present(data: Any) -> Any:
    """The same table, where columns of categories have no level that no row has: it would be a
    column of zeros, or the one that all others are compared with.
    """
    import pandas as pd

    some = {
        name: data[name].cat.remove_unused_categories()
        for name in data
        if isinstance(data[name].dtype, pd.CategoricalDtype)
    }
    return data.assign(**some)


def used(part: Any, data: Any, context: Mapping[str, Any], formula: str) -> list[str]:
    """The columns that one side of a formula needs."""
    functions = {*_formulaic().transforms.TRANSFORMS, *context, *dir(builtins)}
    names: list[str] = []
    for factor in (factor for term in part for factor in term.factors):
        if factor.eval_method.value == "lookup":
            names.append(factor.expr)
        elif factor.eval_method.value == "python":
            names += _names_in_code(factor.expr, functions)
    if INTERCEPT in names:
        raise ValueError(
            f"The formula {formula!r} names a column {INTERCEPT!r}, as the model's own intercept "
            "is called: rename it."
        )
    for name in names:
        if name not in data and name not in functions:
            raise ValueError(
                f"The formula {formula!r} names {name!r}, which is no column of data, and not in "
                f"context; data has {_some(data.columns)}."
            )
    return list(dict.fromkeys(name for name in names if name in data))


def _names_in_code(code: str, functions: Collection[str]) -> list[str]:
    """The names in an expression, without those of functions and modules where they are used as
    such: C(g) needs no column C.
    """
    quoted: dict[str, str] = {}

    def plain(match: re.Match[str]) -> str:
        name = f"quoted_{match.start()}"
        quoted[name] = match[1]
        return name

    tree = ast.parse(re.sub("`([^`]+)`", plain, code), mode="eval")
    nodes = list(ast.walk(tree))
    roots = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    roots |= {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    own = {node.arg for node in nodes if isinstance(node, ast.arg)}
    own |= {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    names = [
        quoted.get(node.id, node.id)
        for node in nodes
        if isinstance(node, ast.Name)
        and node.id not in own
        and not (id(node) in roots and node.id in functions)
    ]
    return names + re.findall(r"""\bQ\(\s*["'](.+?)["']\s*\)""", code)


def _some(names: Any) -> str:
    listed = [repr(name) for name in names]
    return ", ".join(listed[:10]) + (", ..." if len(listed) > 10 else "") or "none"


def first_line(error: Exception) -> str:
    """What formulaic says, without the picture of the place."""
    line = str(error).strip().split("\n")[0].rstrip(".")
    return re.sub(r"\x1b\[[0-9;]*m", "", line) + "."


def _values(data: Any, what: str, value: Any) -> Array:
    """Of a column by its name, of several, or as given."""
    names = [value] if isinstance(value, str) else value
    if isinstance(names, (list, tuple)) and names and all(isinstance(n, str) for n in names):
        missing = [name for name in names if name not in data]
        if missing and (isinstance(value, str) or len(names) != len(data)):
            raise ValueError(f"{what}={value!r}: data has no column {missing[0]!r}.")
        if not missing:
            return np.asarray(data[value] if isinstance(value, str) else data[list(names)])
    index: Any = getattr(value, "index", None)  # of a series
    other = hasattr(index, "equals") and not index.equals(data.index)
    if other and len(index) == len(data) and index.isin(data.index).all():
        raise ValueError(
            f"{what} has the labels of data's rows in another order: give its values, if they are "
            f"in the order of data, or {what}.loc[data.index], or the name of a column."
        )
    return np.asarray(value)


def parse(formula: str) -> Any:
    """Both sides of the formula, and that there are two."""
    if not isinstance(formula, str):
        raise ValueError(f"The formula must be a text, 'y ~ columns', got {formula!r}.")
    formulaic = _formulaic()
    try:
        parsed = formulaic.Formula(formula)
    except formulaic.errors.FormulaicError as error:
        said = first_line(error)
        if "`.` operator" in said:
            said = "'.' does not stand for all other columns here: name them."
        raise ValueError(f"The formula {formula!r} cannot be read: {said}") from error
    except SyntaxError as error:
        raise ValueError(f"The formula {formula!r} cannot be read: {error.msg}.") from error
    if not hasattr(parsed, "lhs") or len(parsed.lhs) != 1 or isinstance(parsed.rhs, tuple):
        raise ValueError(f"The formula must read 'y ~ columns', with one y; got {formula!r}.")
    return parsed


def _complete(data: Any, extra: Mapping[str, Any]) -> NDArray[np.bool_]:
    """The rows without missing values in the columns and these arrays, (n,)."""
    import pandas as pd

    if not len(data):
        raise ValueError("data has no rows.")
    parts = {name: data[name] for name in data} | dict(extra)
    missing = np.zeros(len(data), dtype=bool)
    for name, part in parts.items():
        lost = np.asarray(pd.isna(np.asarray(part)))
        if len(lost) != len(data):
            raise ValueError(f"{name} has {len(lost)} values, data has {len(data)} rows.")
        missing |= lost.reshape(len(data), -1).any(axis=1)
    if missing.any():
        where = [name for name, part in parts.items() if pd.isna(np.asarray(part)).any()]
        warnings.warn(
            f"{int(missing.sum())} of {len(data)} rows are left out: values are missing in "
            f"{', '.join(where)}.",
            UserWarning,
            stacklevel=3,
        )
    return ~missing


def _formulaic() -> Any:
    try:
        import formulaic
    except ImportError as error:
        raise ImportError(
            "Formulas need formulaic, which is not installed: pip install 'logreg[formula]'."
        ) from error
    return formulaic

"""The checks of the constructor's arguments: range, kind, and what to give instead."""

import numbers
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEAST_C = 1e-300  # 1/C overflows below


def check_parameters(params: Mapping[str, Any], solvers: Collection[str]) -> None:
    """Raise for a constructor argument outside its range, with its name and what came."""
    _number(params, "C", low=0, low_open=True, infinite=True)
    if params["C"] < LEAST_C:
        raise ValueError(f"C must be at least 1e-300, got {params['C']!r}: 1/C overflows.")
    _number(params, "l1_ratio", low=0, high=1)
    _check_limits(params)
    solver = params["solver"]
    if not isinstance(solver, str) or solver not in ("auto", *solvers):
        known = ", ".join(repr(name) for name in ("auto", *solvers))
        raise ValueError(f"solver={solver!r} is unknown; there are {known}.")


CORRECTIONS = ("firth", "flic", "flac", "median")


def check_firth(params: Mapping[str, Any]) -> None:
    """The same for FirthLogisticRegression."""
    _number(params, "tau", low=0)
    _check_limits(params)
    correction = params["correction"]
    if not isinstance(correction, str) or correction not in CORRECTIONS:
        known = ", ".join(repr(name) for name in CORRECTIONS)
        raise ValueError(f"correction={correction!r} is unknown; there are {known}.")
    if correction in ("flic", "flac") and not params["fit_intercept"]:
        raise ValueError(
            f"correction={correction!r} sets the mean probability by the intercept, and needs "
            "fit_intercept=True."
        )


def _check_limits(params: Mapping[str, Any]) -> None:
    """What all estimators have."""
    _number(params, "tol", low=0, low_open=True)
    _number(params, "max_iter", low=0, integer=True)
    if not isinstance(params["verbose"], (bool, np.bool_)):
        _number(params, "verbose", low=0, integer=True)
    for name in ("fit_intercept", "warm_start"):
        if not isinstance(params[name], (bool, np.bool_)):
            raise ValueError(f"{name} must be True or False, got {params[name]!r}.")
    n_jobs = params["n_jobs"]
    if n_jobs is not None:
        _number(params, "n_jobs", integer=True)
        if n_jobs == 0:
            raise ValueError("n_jobs=0 has no meaning: give a number of threads, -1 or None.")


def check_cross_validation(params: Mapping[str, Any]) -> tuple[Array, Array]:
    """Cs ascending and l1_ratios as arrays, or an error that says what is wrong with them."""
    if params["rule"] not in ("best", "1se"):
        raise ValueError(f"rule must be 'best' or '1se', got {params['rule']!r}.")
    if params["rule"] == "1se" and not params["refit"]:
        raise ValueError("rule='1se' chooses one C for all folds and needs refit=True.")
    for name in ("refit", "use_legacy_attributes"):
        if not isinstance(params[name], (bool, np.bool_)):
            raise ValueError(f"{name} must be True or False, got {params[name]!r}.")
    Cs = params["Cs"]
    if isinstance(Cs, numbers.Integral) and not isinstance(Cs, bool):
        _number(params, "Cs", low=1, integer=True)
        Cs = np.logspace(-4, 4, int(Cs))
    return check_Cs(Cs), _ratios(params["l1_ratios"])


def check_Cs(Cs: Any) -> Array:
    """A grid of Cs, ascending, or an error that says what is wrong with it."""
    grid = np.unique(_numbers(Cs))
    if isinstance(Cs, bool) or not (grid.size and np.all(np.isfinite(grid) & (grid >= LEAST_C))):
        raise ValueError(f"Cs must be finite numbers above 0, got {Cs!r}.")
    return grid


COV_TYPES = ("nonrobust", "HC0", "HC1", "cluster")


def check_inference(params: Mapping[str, Any], cov_type: str, groups: Any, weights: str) -> None:
    """Raise for arguments of `inference` that make no sense, alone or together."""
    if cov_type not in COV_TYPES:
        known = ", ".join(map(repr, COV_TYPES))
        raise ValueError(f"cov_type={cov_type!r} is unknown; there are {known}.")
    if (groups is None) == (cov_type == "cluster"):
        raise ValueError(
            "cov_type='cluster' needs groups, and groups need cov_type='cluster': got "
            f"cov_type={cov_type!r} and groups={'None' if groups is None else 'an array'}."
        )
    if weights not in ("frequency", "probability"):
        raise ValueError(f"weights must be 'frequency' or 'probability', got {weights!r}.")
    if weights == "probability" and cov_type == "nonrobust":
        raise ValueError(
            "Probability weights need a robust covariance: set cov_type='HC1' (or 'HC0', "
            "'cluster'). The information counts a weight as so many rows."
        )
    penalised = bool(np.isfinite(params.get("C_", params.get("C"))).all())
    if penalised and np.any(np.asarray(params.get("l1_ratio_", params.get("l1_ratio"))) > 0):
        raise ValueError(
            "There is no inference with an L1 penalty: the estimate has no normal distribution. "
            "A refit of the selected columns at C=np.inf gives a table, but one that is too sure, "
            "as the same data chose the columns; select on other rows than those of the refit."
        )
    if penalised and cov_type != "nonrobust":
        raise ValueError(
            f"cov_type={cov_type!r} needs C=np.inf: a sandwich does not account for the bias of a "
            "penalty."
        )


def check_grid(n_Cs: Any, eps: Any) -> None:
    """Raise where they make no grid."""
    params = {"n_Cs": n_Cs, "eps": eps}
    _number(params, "n_Cs", low=1, integer=True)
    _number(params, "eps", low=0, low_open=True, high=1)


def _numbers(values: Any) -> Array:
    """As an array; an empty one where they are no numbers."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty(0)


def _ratios(ratios: Any) -> Array:
    each = _numbers(ratios)
    if each.ndim != 1 or each.size == 0 or not ((each >= 0) & (each <= 1)).all():
        raise ValueError(f"l1_ratios must be a list of numbers from 0 to 1, got {ratios!r}.")
    return each


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

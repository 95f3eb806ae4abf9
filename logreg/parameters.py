"""The checks of the constructor's arguments: range, kind, and what to give instead."""

import numbers
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np


def check_parameters(params: Mapping[str, Any], solvers: Collection[str]) -> None:
    """Raise for a constructor argument outside its range, with its name and what came."""
    _number(params, "C", low=0, low_open=True, infinite=True)
    if params["C"] < 1e-300:
        raise ValueError(f"C must be at least 1e-300, got {params['C']!r}: 1/C overflows.")
    _number(params, "l1_ratio", low=0, high=1)
    if params["l1_ratio"] != 0:
        raise ValueError(
            f"l1_ratio={params['l1_ratio']!r} is not supported yet: only l1_ratio=0 (ridge) is."
        )
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
    solver = params["solver"]
    if not isinstance(solver, str) or solver not in ("auto", *solvers):
        known = ", ".join(repr(name) for name in ("auto", *solvers))
        raise ValueError(f"solver={solver!r} is unknown; there are {known}.")


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

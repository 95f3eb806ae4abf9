"""Inference and Firth's estimate against other packages, in one process, interleaved.

The first rows are of 1,000,000 x 28 normal columns: the inference (covariance, summary, marginal
effects) beside the fit it belongs to. Then Firth's estimate with its standard errors, and the
profile intervals of all coefficients, beside firthmodels (its NumPy and its compiled backend, after
a first call) and statsmodels for maximum likelihood with its table. firthmodels stops at its
default, 1e-4; ours at 1e-6 standard errors.

    python benchmarks/inference.py [--write]
"""

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads slow all down

import numpy as np
from tables import ROOT, normal

from logreg import FirthLogisticRegression, LogisticRegression

REPEATS = 21
HEAD = "| what | ours, ms | beside it | ms | beside it / ours |\n| --- | --- | --- | --- | --- |"
Row = tuple[str, str, str, str, str]


def medians(jobs: dict[str, Callable[[], Any]], repeats: int = REPEATS) -> dict[str, float]:
    """Milliseconds, interleaved, after a first call."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for _ in range(repeats):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(taken)) for name, taken in times.items()}


def rows(what: str, times: dict[str, float]) -> Iterator[Row]:
    mine = times.pop("ours")
    for peer, taken in times.items():
        yield what, f"{mine:.3g}", peer, f"{taken:.3g}", f"**{taken / mine:.2g}**"


def large() -> Iterator[Row]:
    X, y = normal(1_000_000, 28)
    model = LogisticRegression(C=np.inf).fit(X, y)
    ready = model.inference(X, y)
    jobs = {
        "covariance": lambda: model.inference(X, y).bse,
        "summary": lambda: str(model.inference(X, y)),
        "marginal effects": ready.marginal_effects,
    }
    for name, job in jobs.items():
        fit = {"ours": job, "the fit": lambda: LogisticRegression(C=np.inf).fit(X, y)}
        yield from rows(f"1,000,000 x 28, {name}", medians(fit, 5))


def firth() -> Iterator[Row]:
    from firthmodels import FirthLogisticRegression as Peer

    X, y = normal(1000, 50)
    backends = ("numpy", "numba")
    fits: dict[str, Callable[[], Any]] = {
        "ours": lambda: FirthLogisticRegression().fit(X, y).inference(X, y).bse
    }
    alone: dict[str, Callable[[], Any]] = {
        "ours": lambda: FirthLogisticRegression().solution(X, y).covariance()
    }
    ends: dict[str, Callable[[], Any]] = {
        "ours": lambda: FirthLogisticRegression().fit(X, y).inference(X, y).conf_int()
    }
    for backend in backends:
        name = f"firthmodels, {backend}"
        fits[name] = alone[name] = lambda backend=backend: Peer(backend=backend).fit(X, y).bse_
        ends[name] = lambda backend=backend: Peer(backend=backend).fit(X, y).conf_int(method="pl")
    yield from rows("1,000 x 50, Firth: fit, then inference of the data anew", medians(fits))
    yield from rows("1,000 x 50, Firth: fit and covariance at once", medians(alone))
    yield from rows("1,000 x 50, Firth: fit and all profile intervals", medians(ends, 5))


def maximum_likelihood() -> Iterator[Row]:
    import statsmodels.api as sm

    X, y = normal(10_000, 20)
    jobs = {
        "ours": lambda: str(LogisticRegression(C=np.inf).fit(X, y).inference(X, y)),
        "statsmodels": lambda: str(sm.Logit(y, sm.add_constant(X)).fit(disp=0).summary()),
    }
    yield from rows("10,000 x 20, fit and summary", medians(jobs))
    ready = LogisticRegression(C=np.inf).fit(X, y).inference(X, y)
    fitted = sm.Logit(y, sm.add_constant(X)).fit(disp=0)
    jobs = {"ours": ready.marginal_effects, "statsmodels": lambda: fitted.get_margeff().margeff_se}
    yield from rows("10,000 x 20, marginal effects", medians(jobs))


def main(write: bool) -> None:
    warnings.simplefilter("ignore")
    lines = [HEAD]
    print(HEAD)
    for work in (firth, maximum_likelihood, large):
        for row in work():
            lines.append("| " + " | ".join(row) + " |")
            print(lines[-1], flush=True)
    if write:
        about = (__doc__ or "").split("\n\n    python")[0]
        made = "Made by `python benchmarks/inference.py --write` on 2 cores."
        page = ["# Speed of inference", "", about, "", made, "", *lines, ""]
        (ROOT / "docs" / "speed_inference.md").write_text("\n".join(page))


if __name__ == "__main__":
    main("--write" in sys.argv[1:])

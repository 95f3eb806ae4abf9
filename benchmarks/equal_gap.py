"""A race at equal accuracy: everyone at the loosest tolerance of a ladder that gets there.

`mine` and the peers are functions of a tolerance, and `judge` says how far an answer is from the
optimum. A peer climbs its ladder in a forked process, so that a fit that takes minutes can be
ended; what is short enough is then timed in this process, interleaved with ours. A peer may take
ten times our time, five seconds at least, for a fit and about that for its ladder.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from speed import interleaved

from logreg import LogisticRegression
from logreg.certificate import relative_gap
from logreg.inputs import check_fit
from logreg.objective import Objective
from logreg.penalty import ElasticNet
from logreg.problem import pose

PATIENCE = 5.0  # seconds
LADDER = [10.0**-k for k in range(1, 13)]
FORK = get_context("fork")  # a child has the data and what was compiled; nobody's threads are on
Fit = Callable[[float], Any]
Judge = Callable[[Any], float]


def posed(X: Any, y: np.ndarray, C: float, l1_ratio: float, intercept: bool) -> Objective:
    model = LogisticRegression(fit_intercept=intercept)
    return pose(check_fit(model, X, y, None, None, None), ElasticNet.of(C, l1_ratio), intercept)


def gap(objective: Objective, answer: Any) -> float:
    """Our relative duality gap at weights (q, d) and intercepts (q,), whoever found them."""
    w, b = answer
    w = np.atleast_2d(np.asarray(w.toarray() if sparse.issparse(w) else w, float))
    return relative_gap(objective.at(objective.design.from_user(w, np.asarray(b, float)).ravel()))


class Found(NamedTuple):
    """The loosest tolerance that is accurate enough, if there is one."""

    tol: float | None
    least: float  # distance that was reached
    seconds: float  # of that fit, or of the whole ladder

    def __str__(self) -> str:
        if self.tol is not None:
            return f"tol={self.tol:.0e}"
        reached = f"gap {self.least:.0e}" if np.isfinite(self.least) else "no answer"
        return f"{reached} after {self.seconds:.0f} s"


def climbed(fit: Fit) -> Iterator[tuple[float, Any, float]]:
    """Each rung's tolerance, answer and seconds."""
    for tol in LADDER:
        start = time.perf_counter()
        answer = fit(tol)
        yield tol, answer, time.perf_counter() - start


def forked(fit: Fit, patience: float) -> Iterator[tuple[float, Any, float]]:
    """The same from a child, until a fit takes longer than it may; what fails answers None."""

    def answer(tol: float) -> Any:
        with suppress(Exception):  # a peer's own failure is a result
            return fit(tol)

    def work(pipe: Connection) -> None:
        for rung in climbed(answer):
            pipe.send(rung)
            pipe.recv()  # no fit goes on while the last one is judged

    here, there = FORK.Pipe()
    child = FORK.Process(target=work, args=(there,), daemon=True)
    child.start()
    there.close()
    try:
        while here.poll(patience):
            yield here.recv()
            here.send("go on")
    except (EOFError, BrokenPipeError):  # the ladder has ended, or the child crashed
        pass
    finally:
        child.kill()
        child.join()
        here.close()


def loosest(
    rungs: Iterator[tuple[float, Any, float]], judge: Judge, most: float, patience: float
) -> Found:
    start, spent, least = time.perf_counter(), 0.0, np.inf
    for tol, answer, seconds in rungs:
        distance = np.inf if answer is None else judge(answer)
        least, spent = min(least, distance), spent + seconds
        if distance <= most:
            return Found(tol, distance, seconds)
        if spent > patience:
            break
    return Found(None, least, time.perf_counter() - start)


def race(
    mine: Fit, peers: dict[str, Fit], judge: Judge, most: float, patience: float = PATIENCE
) -> Iterator[tuple[str, str, str, str]]:
    """For each peer our seconds, its name and tolerance, its seconds, and their ratio."""
    own = loosest(climbed(mine), judge, most, np.inf)
    if own.tol is None:
        yield str(own), "", "-", "-"
        return
    patience = max(patience, 10 * own.seconds)
    found = {
        name: loosest(forked(fit, patience), judge, most, patience) for name, fit in peers.items()
    }
    there = {name: tol for name, (tol, *_) in found.items() if tol is not None}
    yield from timed(
        (lambda: mine(own.tol)),
        {name: (lambda name=name, tol=tol: peers[name](tol)) for name, tol in there.items()},
        {name: f"{name}, {each}" for name, each in found.items()},
    )


def timed(
    mine: Callable[[], Any], peers: dict[str, Callable[[], Any]], told: dict[str, str]
) -> Iterator[tuple[str, str, str, str]]:
    """The same at what the fits are set to; those told of that are no fits have no time."""
    times = interleaved({"ours": mine} | peers)
    taken = f"{np.median(times['ours']):.3g}"
    for name, text in told.items():
        if name in peers:
            ratio = np.median(times[name] / times["ours"])
            yield taken, text, f"{np.median(times[name]):.3g}", f"**{ratio:.2g}**"
        else:
            yield taken, text, "-", "-"

"""Where one algorithm overtakes another: each on a grid of shapes, and what "auto" takes there.

    python benchmarks/crossover.py [classes]

Milliseconds (medians) from the checked data to the default tolerance: Newton's method; L-BFGS in
the metric of the exact Hessian, of samples, of a diagonal, of a Kronecker product. The last column
is the time of "auto" over that of the fastest. The limits in logreg/solvers/ are read off it.
"""

import sys
import time
import warnings
from functools import partial

import numpy as np
from tables import classes, mixed

from logreg import LogisticRegression
from logreg.inputs import check_fit
from logreg.minimize import minimize
from logreg.penalty import ElasticNet
from logreg.problem import pose
from logreg.solvers import choose
from logreg.solvers.newton import newton
from logreg.solvers.newton_cg import diagonal_metric
from logreg.solvers.pgd import by_samples, kronecker_metric, sampled
from logreg.solvers.quasi_newton import refine
from logreg.threads import single_threaded_blas, thread_count

ROWS = (300, 1000, 3000, 10_000, 30_000, 100_000, 300_000)
COLUMNS = (5, 20, 80, 300, 1000)
LARGEST = 3e7  # numbers in X


def exact(objective, theta, rng):
    yield from refine(objective, theta, None)


def samples(objective, theta, rng):
    yield from refine(objective, *by_samples(objective, theta, rng))


def diagonal(objective, theta, rng):
    rough = partial(diagonal_metric, objective)
    yield from refine(objective, theta, None, rough, sampled(objective, rng))


def kronecker(objective, theta, rng):
    yield from refine(objective, theta, None, partial(kronecker_metric, objective, rng))


def milliseconds(solve, objective) -> float:
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        rng = np.random.default_rng(0)
        minimize(solve(objective, objective.start(), rng), tol=1e-6, max_iter=1000)
        taken.append(1e3 * (time.perf_counter() - start))
        if sum(taken) > 2000:
            break
    return float(np.median(taken))


def compare(n: int, d: int, K: int) -> str:
    X, y = mixed(n, d) if K == 2 else classes(n, d, K)
    data = check_fit(LogisticRegression(), X, y, None, None, None)
    with single_threaded_blas():
        objective = pose(data, ElasticNet.of(1.0), threads=thread_count())
        p = objective.size
        solvers = {"diagonal": diagonal} if K == 2 else {"Kronecker": kronecker}
        if p <= 2000:
            solvers |= {"exact": exact}
        if n * p**2 <= 1e9:
            solvers |= {"newton": newton}
        if n >= 4 * max(2000, 20 * p):
            solvers |= {"samples": samples}
        times = {name: milliseconds(solve, objective) for name, solve in solvers.items()}
        auto = milliseconds(choose("auto", objective).iterates, objective)
    columns = ("newton", "exact", "samples", "diagonal" if K == 2 else "Kronecker")
    cells = [f"{times[c]:.3g}" if c in times else "-" for c in columns]
    return " | ".join([f"{n:,} x {d}", *cells, f"{auto:.3g}", f"{auto / min(times.values()):.2f}"])


def main(K: int) -> None:
    warnings.simplefilter("ignore")
    last = "diagonal" if K == 2 else "Kronecker"
    print(f"| {K} classes | newton | exact | samples | {last} | auto | auto / best |")
    print("| --- " * 7 + "|")
    for d in COLUMNS:
        for n in ROWS:
            if n >= 2 * d and n * d <= LARGEST:
                print(f"| {compare(n, d, K)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 2)

"""Small problems with what makes them hard, for the grid of solvers."""

from dataclasses import dataclass

import numpy as np

from logreg import LogisticRegression
from logreg.design import Design
from logreg.inputs import check_fit
from logreg.loss import Binomial, Multinomial
from logreg.penalty import ElasticNet
from logreg.problem import pose
from logreg.row_blocks import RowBlocks
from logreg.row_objective import RowObjective


@dataclass(frozen=True)
class Problem:
    X: np.ndarray
    y: np.ndarray
    C: float = 1.0
    weight: np.ndarray | None = None
    offset: np.ndarray | None = None
    fit_intercept: bool = True

    def objective(self, n_threads: int = 1) -> RowObjective:
        K = int(self.y.max()) + 1
        matrix = RowBlocks(self.X, n_threads)
        moments = matrix.moments(self.weight)
        design = Design(matrix, moments, intercept=self.fit_intercept, weight=self.weight)
        loss = Binomial(self.y, self.weight) if K == 2 else Multinomial(self.y, K, self.weight)
        offset = None if self.offset is None else np.atleast_2d(self.offset.T)
        return RowObjective(design, loss, ElasticNet.of(self.C), offset)


def generated(n, d, K=2, *, C=1.0, seed=0, fit_intercept=True, **made):
    """Normal columns, classes drawn from a logistic model; `made` builds weight and offset."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    margin = X @ rng.normal(size=(d, K)) + rng.normal(size=K)
    y = (margin + rng.gumbel(size=(n, K))).argmax(axis=1)
    arrays = {name: make(rng, n) for name, make in made.items()}
    return Problem(X, y, C, fit_intercept=fit_intercept, **arrays)


def correlated(n, d, rho, **kwargs):
    problem = generated(n, d, **kwargs)
    common = problem.X[:, :1]
    X = np.sqrt(1 - rho) * problem.X + np.sqrt(rho) * common
    return Problem(X, problem.y, problem.C)


def scaled(problem, low=-6, high=6, shift=1000.0):
    rng = np.random.default_rng(1)
    X = problem.X * 10 ** rng.uniform(low, high, problem.X.shape[1])
    return Problem(X + shift * X.std(axis=0), problem.y, problem.C, problem.weight, problem.offset)


PROBLEMS = {
    "binary": generated(200, 3),
    "no intercept": generated(200, 3, fit_intercept=False),
    "likelihood": generated(300, 4, C=np.inf),
    "weights": generated(200, 3, weight=lambda rng, n: rng.integers(0, 4, n).astype(float)),
    "offset": generated(200, 3, offset=lambda rng, n: rng.normal(size=n)),
    "three classes": generated(300, 3, 3),
    "three classes, likelihood": generated(400, 2, 3, C=np.inf),
    "three classes, weights and offset": generated(
        300,
        3,
        3,
        weight=lambda rng, n: rng.uniform(0, 2, n),
        offset=lambda rng, n: rng.normal(size=(n, 3)),
    ),
    "correlated": correlated(300, 4, 0.9),
    "scaled and shifted": scaled(generated(200, 3)),
    "scaled and shifted, three classes": scaled(generated(300, 3, 3)),
    "strong penalty": generated(200, 3, C=1e-3),
    "wide": generated(20, 60),
    "wide, three classes": generated(30, 60, 3),
}


def in_odd_units(n=3000, d=6, K=2, seed=0):
    """Columns in all sorts of units, classes from a logistic model."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, d))
    y = (Z @ rng.normal(size=(d, K)) + rng.gumbel(size=(n, K))).argmax(axis=1)
    return Z * 10.0 ** rng.uniform(-4, 4, d) + 10 * rng.normal(size=d), y


def apart(a, b, X, y, weight=None):
    """How many standard errors of the first model's problem the two are apart."""
    data = check_fit(LogisticRegression(), X, y, weight, a.class_weight, None)
    objective = pose(data, ElasticNet.of(a.C, 0.0), a.fit_intercept, quiet=True)
    here, there = (objective.design.from_user(m.coef_, m.intercept_).ravel() for m in (a, b))
    step = there - here
    return float(np.sqrt(max(step @ objective.at(here).hessian_times(step), 0.0)))

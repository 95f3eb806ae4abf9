"""Compute every ``answers.json`` again, each answer twice, without logreg's own numerics.

    python -m logreg.datasets.compute_answers [name ...]

One way is Newton's method in NumPy's 80-bit ``longdouble``, written here; the other is
statsmodels (``C`` infinite) or scikit-learn (``C = 1``). The script stops where the two are
further apart than 1e-8 standard errors. Entries with ``"published": true`` are typed by hand;
they are compared with the computed optimum of the same model, and only their ``digits`` (of the
coefficients) and ``bse_digits`` are written again: so many significant digits are right.

What is minimised, over the weights w and the intercept b, is

    F = sum_i s_i loss(y_i, x_i.w + b) + |w|^2 / (2 C)          (b is not penalised)
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._load import HERE, SETS, SKLEARN, load

Array: TypeAlias = npt.NDArray[Any]
Entry: TypeAlias = dict[str, Any]

# The classes of these can be told apart without an error: no maximum likelihood estimate.
SEPARABLE = SKLEARN
TOO_LONG_TO_PRINT = ("digits",)  # 650 coefficients: objective and log loss must do
LONG = np.longdouble
assert np.finfo(LONG).eps < 1e-18, "run this where longdouble has 80 bits or more"


@dataclass(frozen=True)
class Problem:
    """Rows, classes, weights and C; two classes, or C infinite, hold class 0 at zero."""

    X: Array
    y: Array
    weight: Array
    n_classes: int
    C: float

    @property
    def first(self) -> int:
        """The first class with parameters: 0 in the symmetric parametrisation."""
        return 0 if self.n_classes > 2 and self.C < math.inf else 1


@dataclass(frozen=True)
class Optimum:
    """Parameters (classes with parameters, d + 1), intercept last, and their Hessian."""

    theta: Array
    objective: Any
    log_loss: Any
    hessian: Array


def evaluate(problem: Problem, theta: Array) -> tuple[Any, Any, Array, Array]:
    """Return F, its log loss, the gradient (all in longdouble) and the Hessian (float64)."""
    A = np.column_stack([problem.X, np.ones(len(problem.X))]).astype(LONG)
    margin = np.zeros((len(A), problem.n_classes), LONG)
    margin[:, problem.first :] = A @ theta.T
    margin -= margin.max(axis=1, keepdims=True)
    norm = np.log(np.exp(margin).sum(axis=1))
    p = np.exp(margin - norm[:, None])
    log_loss = (problem.weight * (norm - margin[np.arange(len(A)), problem.y])).sum()
    ridge = np.array([1 / LONG(problem.C)] * problem.X.shape[1] + [LONG(0)])
    objective = log_loss + (ridge * theta**2).sum() / 2

    residual = p - np.eye(problem.n_classes)[problem.y]
    gradient = (problem.weight[:, None] * residual)[:, problem.first :].T @ A + ridge * theta
    free = range(problem.first, problem.n_classes)
    A64, p64 = A.astype(np.float64), p.astype(np.float64)
    blocks = [
        [
            A64.T @ ((problem.weight * p64[:, k] * ((k == m) - p64[:, m]))[:, None] * A64)
            for m in free
        ]
        for k in free
    ]
    hessian = np.block(blocks) + np.diag(np.tile(ridge.astype(np.float64), len(free)))
    if problem.first == 0:
        # Adding the same number to all intercepts changes nothing: a term that fixes their sum.
        hessian += np.kron(np.ones((len(free), len(free))), np.diag(ridge == 0).astype(float))
    return objective, log_loss, gradient, hessian


def newton(problem: Problem) -> Optimum:
    """Minimise F: steps from a float64 Hessian, gradients in longdouble.

    Near the optimum a step whose matrix has 16 digits takes away 10 or more digits of the error,
    so the answer gets the precision of the gradient (this is iterative refinement).
    """
    theta = np.zeros((problem.n_classes - problem.first, problem.X.shape[1] + 1), LONG)
    objective, log_loss, gradient, hessian = evaluate(problem, theta)
    best = math.inf
    for _ in range(200):
        scale = 1 / np.sqrt(np.diag(hessian))
        scaled = hessian * scale[:, None] * scale
        step = scale * np.linalg.solve(scaled, scale * gradient.ravel().astype(np.float64))
        decrement = math.sqrt(max(float(gradient.ravel() @ step), 0.0))
        if decrement < 1e-10 and decrement >= best / 2:
            return Optimum(theta, objective, log_loss, hessian)
        best = decrement
        length = LONG(1)
        while True:
            trial = theta - length * step.reshape(theta.shape)
            new = evaluate(problem, trial)
            if decrement < 1e-3 or new[0] < objective:
                break
            length /= 2
        theta, (objective, log_loss, gradient, hessian) = trial, new
    raise ArithmeticError("Newton's method did not converge in 200 steps")


def standard_errors(optimum: Optimum) -> Array:
    """Return the roots of the diagonal of the inverse Hessian, in the shape of theta."""
    scale = 1 / np.sqrt(np.diag(optimum.hessian))
    inverse = np.linalg.inv(optimum.hessian * scale[:, None] * scale)
    errors: Array = np.sqrt(np.diag(inverse)) * scale
    return errors.reshape(optimum.theta.shape)


def by_statsmodels(problem: Problem) -> tuple[Array, Array]:
    """Return theta and standard errors of the maximum likelihood estimate."""
    import statsmodels.api as sm

    # Unit scales for its solver; integer counts become repeated rows (MNLogit has no weights).
    scale = np.abs(problem.X).max(axis=0)
    rows = np.repeat(np.arange(len(problem.X)), problem.weight.astype(int))
    A, y = np.column_stack([problem.X / scale, np.ones(len(problem.X))])[rows], problem.y[rows]
    units = np.append(scale, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tol is below what it can reach, and it says so
        if problem.n_classes == 2:
            fit = sm.GLM(y, A, family=sm.families.Binomial()).fit(tol=1e-15, maxiter=100)
            return fit.params[None] / units, fit.bse[None] / units
        fit = sm.MNLogit(y, A).fit(method="newton", tol=1e-15, maxiter=100, disp=False)
        return fit.params.T / units, fit.bse.T / units


def by_sklearn(problem: Problem) -> Array:
    """Return theta of the ridge optimum; symmetric classes with intercepts that sum to zero."""
    from sklearn.linear_model import LogisticRegression

    solver = "newton-cholesky"
    model = LogisticRegression(C=problem.C, solver=solver, tol=1e-13, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it cannot know that no further digit can be had
        model.fit(problem.X, problem.y, sample_weight=problem.weight)
    theta = np.column_stack([model.coef_, model.intercept_])
    theta[:, -1] -= theta[:, -1].mean() if problem.first == 0 else 0
    return theta


def subproblem(name: str, names: list[str], rows: int | None, C: float) -> Problem:
    """Return the problem of the named columns and of the first rows (None: all)."""
    bunch = load(name, return_X_y=False, as_frame=False)
    columns = [list(bunch.feature_names).index(column) for column in names]
    weight = bunch.get("sample_weight", np.ones(len(bunch.target)))
    X, y = bunch.data[:rows, columns], bunch.target[:rows]
    return Problem(X, y, weight[:rows], len(bunch.target_names), C)


def shaped(problem: Problem, theta: Array) -> Entry:
    """Return coef and intercept as JSON holds them: flat for two classes, else by class."""
    theta = theta.astype(np.float64)
    if problem.n_classes == 2:
        return {"coef": theta[0, :-1].tolist(), "intercept": theta[0, -1]}
    return {"coef": theta[:, :-1].tolist(), "intercept": theta[:, -1].tolist()}


def computed(name: str, names: list[str], C: float) -> Entry:
    """Return one doubly computed entry, or stop where the two ways disagree."""
    problem = subproblem(name, names, None, C)
    optimum = newton(problem)
    se = standard_errors(optimum)
    if C == math.inf:
        other, other_se = by_statsmodels(problem)
        second, bse = "statsmodels", {"bse": se[0].tolist() if len(se) == 1 else se.tolist()}
        assert np.allclose(se, other_se, rtol=1e-7), f"{name}: standard errors disagree"
    else:
        other, second, bse = by_sklearn(problem), "scikit-learn newton-cholesky", {}
    apart = float(np.abs((other - optimum.theta) / se).max())
    assert apart < 1e-8, f"{name}, C={C}: {second} is {apart:.1e} standard errors away"

    entry: Entry = {
        "model": "maximum likelihood" if C == math.inf else f"ridge, |w|^2 / (2 C) with C = {C:g}",
        "C": "inf" if C == math.inf else C,
        "fit_intercept": True,
        "parametrisation": parametrisation(problem),
        "names": names,
    }
    if name not in TOO_LONG_TO_PRINT:
        entry |= shaped(problem, optimum.theta) | bse
    return entry | {
        "loglik": -float(optimum.log_loss),
        "objective": float(optimum.objective),
        "digits": 15,
        "agreement": f"{apart:.1e} standard errors (the largest of all coefficients)",
        "source": f"computed twice: Newton's method in 80-bit floating point, and {second}",
        "command": f"python -m logreg.datasets.compute_answers {name}",
    }


def parametrisation(problem: Problem) -> str:
    if problem.n_classes == 2:
        return "binary: the log-odds of class 1"
    if problem.first == 1:
        return "baseline: the log-odds of classes 1, 2, ... against class 0"
    return "symmetric: a row for each class; coefficients and intercepts sum to zero over classes"


def right_digits(given: Any, exact: Array) -> int:
    """Return how many significant digits of all the given numbers are right."""
    error = np.abs(np.asarray(given, float).ravel() / exact.astype(float).ravel() - 1).max()
    return 15 if error == 0 else min(15, math.floor(1 - math.log10(2 * error)))


def checked(name: str, entry: Entry) -> Entry:
    """Return a typed entry with the digits that the computed optimum confirms."""
    problem = subproblem(name, entry["names"], entry.get("rows"), math.inf)
    optimum = newton(problem)
    exact = shaped(problem, optimum.theta)
    for key in ("coef", "intercept"):
        unit = 10.0 ** -np.asarray(entry.get(f"{key}_decimals", 0))
        error = np.abs(np.asarray(entry[key]) - exact[key])
        # A whole unit of the last decimal: some programs stopped a little before the optimum.
        if f"{key}_decimals" in entry and np.any(error > unit):
            raise ValueError(f"{name}: {key} = {entry[key]}, but computed {exact[key]}")
    given = np.column_stack([np.atleast_2d(entry["coef"]), np.atleast_1d(entry["intercept"])])
    entry["digits"] = right_digits(given, optimum.theta)
    if "bse" in entry:
        entry["bse_digits"] = right_digits(entry["bse"], standard_errors(optimum))
    return entry


def write(name: str) -> None:
    """Keep the typed entries of a set, compute the others, and write its answers.json."""
    path = HERE / name / "answers.json"
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    entries = [checked(name, entry) for entry in old if entry.get("published")]
    bunch = load(name, return_X_y=False, as_frame=False)
    for C in [1.0] if name in SEPARABLE else [math.inf, 1.0]:
        entries.append(computed(name, [str(column) for column in bunch.feature_names], C))
    lines = [",\n  ".join(f'"{k}": {json.dumps(v)}' for k, v in e.items()) for e in entries]
    text = "[\n" + ",\n".join(f" {{\n  {line}\n }}" for line in lines) + "\n]\n"
    path.write_text(text, encoding="utf-8")
    for entry in entries:
        print(name, entry["C"], entry["digits"], entry.get("agreement", entry["source"]))


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted([*SETS, *SKLEARN]):
        write(name)

"""The path of fits from a penalty under which all coefficients are zero to a weak one.

Each fit starts from the one before, so that a hundred of them cost about as much as a few alone.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from logreg import inputs
from logreg.certificate import gap
from logreg.estimator import LogisticRegression
from logreg.existence import recedes, solve
from logreg.fitting import generator
from logreg.linear_classifier import probabilities
from logreg.minimize import Solution
from logreg.objective import Objective
from logreg.outcome import ConvergenceWarning, Outcome
from logreg.parameters import check_Cs, check_grid, check_parameters
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.problem import coefficients, pose
from logreg.solvers import SOLVERS
from logreg.solvers.newton import newton
from logreg.sparse_blocks import row_blocks
from logreg.threads import single_threaded_blas, thread_count

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[Any]

RIDGE_SHARE = 1e-3  # the l1_ratio whose smallest C begins a path of ridge fits, as in glmnet


@dataclass(frozen=True)
class Path:
    """Fits along a grid of C, from strong penalties to weak ones.

    Attributes
    ----------
    Cs : ndarray (n_Cs,)
        Ascending.
    l1_ratio : float
    coefs : ndarray (n_Cs, n_outputs, n_features)
        n_outputs is 1 for two classes, else the number of classes.
    intercepts : ndarray (n_Cs, n_outputs)
    gaps : ndarray (n_Cs,)
        Upper bounds on F - F*.
    objectives : ndarray (n_Cs,)
        F.
    deviance_explained : ndarray (n_Cs,)
        1 less the deviance over that of a fit without columns.
    n_iter : ndarray (n_Cs,) of int
    outcomes : tuple of Outcome
    classes : ndarray (n_classes,)
    feature_names : ndarray (n_features,) of str
        The names of X's columns, or x0, x1, ...
    """

    Cs: Array
    l1_ratio: float
    coefs: Array
    intercepts: Array
    gaps: Array
    objectives: Array
    deviance_explained: Array
    n_iter: Array
    outcomes: tuple[Outcome, ...]
    classes: Array
    feature_names: Array

    @property
    def n_nonzero(self) -> Array:
        """How many columns have a coefficient that is not 0, (n_Cs,)."""
        count: Array = (self.coefs != 0).any(axis=1).sum(axis=1)
        return count

    def at(self, C: float) -> tuple[Array, Array]:
        """Coefficients (n_outputs, n_features) and intercepts (n_outputs,) at C.

        Between two fits they are interpolated linearly in 1/C, as glmnet's are in lambda.

        Raises
        ------
        ValueError
            If C is outside the path.
        """
        low, high = self.Cs[0], self.Cs[-1]
        if not low * (1 - 1e-12) <= C <= high * (1 + 1e-12):
            raise ValueError(
                f"C={C!r} is outside the path, which goes from {low:.6g} to {high:.6g}. "
                "Fit a longer one (Cs=...)."
            )
        at = np.interp(-1 / C, -1 / self.Cs, np.arange(len(self.Cs)))
        k = min(int(at), len(self.Cs) - 2) if len(self.Cs) > 1 else 0
        share = at - k
        pairs = (self.coefs[k : k + 2], self.intercepts[k : k + 2])
        w, b = ((1 - share) * x[0] + share * x[-1] if share else x[0] for x in pairs)
        return w, b

    def decision_function(self, X: Any, C: float, offset: ArrayLike | None = None) -> Array:
        """The margins at C: (n_samples,) for two classes, else (n_samples, n_classes)."""
        w, b = self.at(C)
        margin = row_blocks(inputs.plain_table(X, self.coefs.shape[2])).margins(w, b)
        known = inputs.check_offset(offset, len(margin), len(self.classes))
        if known is not None:
            margin += known.T.astype(margin.dtype)
        return margin[:, 0] if len(self.classes) == 2 else margin

    def predict_proba(self, X: Any, C: float, offset: ArrayLike | None = None) -> Array:
        """The probability of each class at C, (n_samples, n_classes)."""
        return probabilities(self.decision_function(X, C, offset))

    def to_frame(self) -> "pd.DataFrame":
        """A row a C (and a class, where there are more than two): intercept and coefficients."""
        import pandas as pd

        q = self.coefs.shape[1]
        names = ["intercept", *self.feature_names]
        rows = np.concatenate([self.intercepts[:, :, None], self.coefs], axis=2)
        if q == 1:
            return pd.DataFrame(rows[:, 0], index=pd.Index(self.Cs, name="C"), columns=names)
        index = pd.MultiIndex.from_product([self.Cs, self.classes], names=["C", "class"])
        return pd.DataFrame(rows.reshape(-1, len(names)), index=index, columns=names)


def logistic_path(
    X: Any,
    y: ArrayLike,
    *,
    l1_ratio: float = 1.0,
    Cs: ArrayLike | None = None,
    n_Cs: int = 100,
    eps: float = 1e-3,
    penalty_weights: ArrayLike | None = None,
    fit_intercept: bool = True,
    class_weight: Any = None,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    tol: float = 1e-6,
    max_iter: int = 1000,
    random_state: Any = None,
    n_jobs: int | None = None,
) -> Path:
    """Fit along a grid of C, each fit beginning where the last one ended.

    Parameters
    ----------
    X : array-like or sparse matrix (n_samples, n_features)
    y : array-like (n_samples,)
    l1_ratio : float, default=1.0
        Share of the L1 penalty, from 0 (ridge) to 1.
    Cs : array-like, optional
        The grid. If not given, `n_Cs` values, evenly spaced in log C, from the largest at which all
        coefficients are zero to the one that is 1/eps times as large.
    n_Cs : int, default=100
    eps : float, default=1e-3
    penalty_weights, fit_intercept, class_weight : as for :class:`logreg.LogisticRegression`
    sample_weight, offset : as for :meth:`logreg.LogisticRegression.fit`
    tol, max_iter, random_state, n_jobs : as for :class:`logreg.LogisticRegression`

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        For data or parameters that make no sense, with what to do.

    References
    ----------
    Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear models via
    coordinate descent", Journal of Statistical Software 33 (2010), section 2.5.

    Examples
    --------
    >>> from logreg import logistic_path
    >>> from logreg.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> path = logistic_path(X, y, n_Cs=20)
    >>> int(path.n_nonzero[0]), int(path.n_nonzero[-1])
    (0, 4)
    """
    model = LogisticRegression(
        l1_ratio=l1_ratio,
        penalty_weights=penalty_weights,
        fit_intercept=fit_intercept,
        class_weight=class_weight,
        tol=tol,
        max_iter=max_iter,
        random_state=random_state,
        n_jobs=n_jobs,
    )
    check_parameters(vars(model), SOLVERS)
    check_grid(n_Cs, eps)
    data = inputs.check_fit(model, X, y, sample_weight, class_weight, offset)
    with single_threaded_blas():
        factors = inputs.penalty_factors(penalty_weights, data.X.shape[1])
        penalty = ElasticNet.of(1.0, l1_ratio, factors)
        objective = pose(data, penalty, fit_intercept, thread_count(n_jobs))
        grid = check_Cs(Cs) if Cs is not None else C_grid(objective, l1_ratio, n_Cs, eps)
        fits = [
            (solution, coefficients(solution.point, data), gap(solution.point, solution.decrement))
            for solution in along(objective, grid, l1_ratio, model)
        ]
        null = null_point(objective).value
    solutions, kept, gaps = zip(*fits, strict=True)
    missed = [k for k, solution in enumerate(solutions) if not solution.converged]
    if missed:
        first = missed[0]
        warnings.warn(
            f"{len(missed)} of {len(grid)} fits did not reach tol={tol:.1e}, the first at "
            f"C={grid[first]:.6g}: {solutions[first].outcome.name}. Raise max_iter, or end the "
            "path at a smaller C.",
            ConvergenceWarning,
            stacklevel=2,
        )
    loss = np.array([s.point.loss for s in solutions])
    names = data.names if data.names is not None else [f"x{j}" for j in range(data.X.shape[1])]
    return Path(
        Cs=grid,
        l1_ratio=float(l1_ratio),
        coefs=np.array([fit["coef_"] for fit in kept]),
        intercepts=np.array([fit["intercept_"] for fit in kept]),
        gaps=np.array(gaps),
        objectives=np.array([s.point.value for s in solutions]),
        deviance_explained=1 - loss / null,
        n_iter=np.array([s.n_iter for s in solutions]),
        outcomes=tuple(s.outcome for s in solutions),
        classes=data.y.classes,
        feature_names=np.asarray(names, dtype=object),
    )


def C_from_lambda(lam: float, n_samples: float) -> float:
    """Turn glmnet's lambda into C.

    glmnet minimises the *mean* log loss plus lambda times the penalty, this package the sum plus
    1/C times it: C = 1 / (n lambda). For glmnet's standardised columns standardise X as well.

    Parameters
    ----------
    lam : float
        lambda, above 0.
    n_samples : float
        The number of rows, or the sum of their weights.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If one is not above 0.

    References
    ----------
    Friedman, Hastie and Tibshirani (2010), equation 13.

    Examples
    --------
    >>> from logreg import C_from_lambda
    >>> C_from_lambda(0.01, n_samples=200)
    0.5
    """
    if not (lam > 0 and n_samples > 0):
        raise ValueError(f"lambda and n_samples must be above 0, got {lam!r} and {n_samples!r}.")
    return float(1.0 / (lam * n_samples))


def along(
    objective: Objective, Cs: ArrayLike, l1_ratio: float, model: LogisticRegression
) -> Iterator[Solution]:
    """The fits at all C with the model's solver and limits, each from where the last ended."""
    start, rng = objective.start(), generator(model.random_state)
    factors = inputs.penalty_factors(model.penalty_weights, len(objective.design.moments.mean))
    receding = recedes(objective)  # at one C as at all
    for C in np.asarray(Cs):
        before = objective
        objective = objective.with_penalty(ElasticNet.of(C, l1_ratio, factors))
        start = objective.from_coordinates(start, before)
        solution = solve(
            objective,
            start,
            rng,
            receding=receding,
            solver=model.solver,
            tol=model.tol,
            max_iter=model.max_iter,
        )
        start = solution.point.theta
        yield solution


def null_point(objective: Objective) -> Point:
    """The optimum with all penalised weights zero."""
    index = objective.penalty.free(objective.design.d)
    if not len(index) and (objective.offset is None or not objective.design.intercept):
        return objective.at(objective.start())
    for iterate in newton(objective.free, objective.free.start(), np.random.default_rng(0)):
        if iterate.decrement <= 1e-12:
            break
    return objective.at(objective.extended(iterate.point.theta, index))


def largest_zero_C(objective: Objective, l1_ratio: float) -> float:
    """For an objective at C = 1, the C up to which all penalised weights are zero: there no
    gradient is above l1_ratio / C times its factor.
    """
    point = null_point(objective)
    d = objective.design.d
    gradient = point.gradient.reshape(objective.shape)[:, :d] * objective.design.scale
    factors = np.broadcast_to(objective.penalty.l1 + objective.penalty.l2, d)  # at C = 1
    penalised = factors > 0
    largest = np.max(np.abs(gradient[:, penalised]) / factors[penalised], initial=0.0)
    if largest == 0:
        raise ValueError(
            "No column that is penalised has any effect where all are 0, so the grid of C has no "
            "beginning. Give it, Cs=[...], or penalise columns."
        )
    return float(l1_ratio / largest)


def C_grid(objective: Objective, l1_ratio: float, n_Cs: int, eps: float) -> Array:
    """Evenly spaced in log C, from the largest at which all weights are zero."""
    # but for the rounding of the fit there
    lowest = (1 - 1e-11) * largest_zero_C(objective, max(l1_ratio, RIDGE_SHARE))
    return np.geomspace(lowest, lowest / eps, n_Cs)

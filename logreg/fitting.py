"""From a problem to fitted attributes: what `fit` and `fit_blocks` share."""

from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from logreg import inputs
from logreg.block_problem import pose_blocks
from logreg.blocks import Blocks, LocalBlocks
from logreg.callbacks import CallbackSupportMixin, FitTasks, every, report, with_callbacks
from logreg.certificate import gap
from logreg.checkpoint import Checkpoint, continued
from logreg.existence import recedes, solve
from logreg.linear_classifier import LinearClassifier
from logreg.minimize import Callback, Record, Solution
from logreg.objective import Objective
from logreg.outcome import ConvergenceWarning, Outcome, SeparationWarning, warn_caller
from logreg.parameters import check_parameters
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.problem import coefficients, promised_distance
from logreg.recession import Witness
from logreg.solvers import SOLVERS
from logreg.threads import single_threaded_blas, thread_count

Array = NDArray[Any]


class Fitting(CallbackSupportMixin, LinearClassifier):
    """An estimator that goes to the optimum of a problem."""

    C: float
    l1_ratio: float
    penalty_weights: Any
    fit_intercept: bool
    class_weight: Any
    solver: str
    tol: float
    max_iter: int
    warm_start: bool
    random_state: Any
    n_jobs: int | None
    verbose: int
    n_iter_: Array
    n_passes_: int
    outcome_: Outcome
    gap_: float
    n_features_in_: int

    @with_callbacks
    def fit_blocks(self, blocks: Any, *, checkpoint: Any = None, resume: Any = None) -> Self:
        """Fit the model to blocks of rows that need not fit into memory together.

        The blocks are read once for each pass: some ten times at the default tolerance. The next
        one is read while one is worked on, and more than these two are never held, besides a
        sample of some 32 MB and copies while it is drawn. The answer is that of `fit`, to within
        `tol`.

        Parameters
        ----------
        blocks : iterable of (X, y) or (X, y, sample_weight)
            To be iterated over anew for each pass, with the same blocks each time: a list, a
            :class:`logreg.ArrowBlocks`, or an object whose ``__iter__`` starts from the beginning.
            Each X is what `fit` takes; blocks of a cache's size to some hundred megabytes will do.
            Arrays are copied as they come, so that a reader may fill one again (those of a list and
            of ArrowBlocks are not).
        checkpoint : path, optional
            Where to write the coefficients and the history after each iteration (NumPy's npz).
        resume : path, optional
            A checkpoint to start from. (An interrupted fit leaves the model as it was; a callback
            that stops a fit leaves the last iterate, from which `warm_start` goes on.)

        Returns
        -------
        self
            Changed only when the fit has ended.

        Raises
        ------
        ValueError
            For blocks that make no sense, or are others in a later pass; the sentence has the
            block's number, from 0.

        Examples
        --------
        >>> from logreg import LogisticRegression
        >>> from logreg.datasets import load_breast_cancer
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> blocks = [(X[:200], y[:200]), (X[200:], y[200:])]
        >>> model = LogisticRegression().fit_blocks(blocks)
        >>> print(f"{model.score(X, y):.4f}")
        0.9578
        """
        fitted = copy(self)
        return self._fit_source(LocalBlocks(blocks, fitted), fitted, blocks, checkpoint, resume)

    def _fit_source(
        self, source: Blocks, fitted: Self, blocks: Any, checkpoint: Any, resume: Any
    ) -> Self:
        check_parameters(vars(self), SOLVERS)
        given = getattr(blocks, "feature_names", None)
        saved = None if checkpoint is None else Checkpoint(checkpoint)  # says what is wrong with it
        tasks = FitTasks(self, self.max_iter, blocks, None, None)
        rng = generator(self.random_state)

        def names() -> Any:
            return getattr(fitted, "feature_names_in_", given)

        with single_threaded_blas():
            objective, data = pose_blocks(
                source, self, names, self._penalty, rng, source.threads or thread_count(self.n_jobs)
            )
            fitted.n_features_in_ = data.X.shape[1]
            before = None if resume is None else Checkpoint(resume).read(objective, data)
            self._fit_to(objective, data, fitted, tasks, None, saved=saved, before=before)
        return self

    def _penalty(self, columns: int) -> ElasticNet:
        factors = inputs.penalty_factors(self.penalty_weights, columns)
        return ElasticNet.of(self.C, self.l1_ratio, factors)

    def _fit_to(
        self,
        objective: Objective,
        data: inputs.Data,
        fitted: Self,
        tasks: FitTasks,
        witness: Witness | None,
        *,
        saved: Checkpoint | None = None,
        before: tuple[Array, Sequence[Record]] | None = None,
    ) -> None:
        """Go to the optimum; `fitted` takes the attributes, and self takes them from there."""
        start, history = (self._start(objective, data), []) if before is None else before
        told = self._callback(tasks, fitted, data)
        if saved is not None:
            told = every([saved.after_each(data, history), told])
        solution = solve(
            objective,
            start,
            generator(self.random_state),
            receding=recedes(objective, witness),
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
            witness=witness,
            callback=told,
        )
        separated = solution.outcome is Outcome.SEPARATED
        runaways = "the coefficients"
        if separated and witness is not None:
            runaways = witness.names(solution.point, data.names)
        fitted._keep(solution, data, history)
        if data.names is not None:
            fitted.feature_names_in_ = np.asarray(data.names, dtype=object)
        fitted.gap_ += rounded_away(solution.point, fitted.coef_, fitted.intercept_)
        tasks.fit_ended(lambda: vars(fitted))
        for name in ("_stream", "n_samples_seen_"):  # of a stream, which ends here
            fitted.__dict__.pop(name, None)
            self.__dict__.pop(name, None)
        self.__dict__.pop("feature_names_in_", None)  # this X may have none
        self.__dict__.update(vars(fitted))
        self._warn(solution, promised_distance(self.tol, objective), runaways)

    def _start(self, objective: Objective, data: inputs.Data) -> Array:
        """With `warm_start` the last fit's coefficients, if they have the shape."""
        shape = (objective.q, data.X.shape[1])
        if self.warm_start and getattr(self, "coef_", np.empty(0)).shape == shape:
            theta = theta_of(objective, self.coef_, self.intercept_)
            if np.isfinite(theta).all():
                return theta
        return objective.start()

    def _callback(self, tasks: FitTasks, fitted: Self, data: inputs.Data) -> Callback:
        def tell(point: Point, record: Record) -> bool:
            def attributes() -> dict[str, Any]:
                return {**vars(fitted), **coefficients(point, data)}

            return tasks.iteration_ended(attributes)

        return every([report, tell] if self.verbose else [tell])

    def _keep(self, solution: Solution, data: inputs.Data, before: Sequence[Record]) -> None:
        self.__dict__.update(coefficients(solution.point, data))
        self._history = continued(before, solution.history)
        self.n_iter_ = np.array([self._history[-1].iteration], dtype=np.int32)
        self.gap_ = gap(solution.point, solution.decrement)
        earlier = before[-1].passes if before else 0.0
        self.n_passes_ = int(np.ceil(earlier + solution.point.objective.passes))
        self.outcome_ = solution.outcome
        self._measure = solution.point.objective.measure

    def _warn(self, solution: Solution, tol: float, runaways: str) -> None:
        outcome = solution.outcome
        if outcome in (Outcome.CONVERGED, Outcome.INTERRUPTED):
            return
        kind = SeparationWarning if outcome is Outcome.SEPARATED else ConvergenceWarning
        sentence = outcome.sentence(
            n_iter=solution.n_iter,
            distance=solution.decrement,
            measure=self._measure,
            tol=tol,
            solver=self.solver,
            runaways=runaways,
        )
        warn_caller(sentence, kind)


def theta_of(objective: Objective, coef: Array, intercept: Array) -> Array:
    """Coefficients as parameters of the problem."""
    w, b = coef.astype(np.float64), intercept.astype(np.float64)
    theta = objective.design.from_user(w, b)
    return (theta - theta.mean(axis=0) if len(theta) > 1 else theta).ravel()


def rounded_away(point: Point, w: Array, b: Array) -> float:
    """What F loses by coefficients in float32."""
    if w.dtype == np.float64:
        return 0.0
    theta = point.objective.design.from_user(w.astype(np.float64), b.astype(np.float64)).ravel()
    return max(point.objective.at(theta).value - point.value, 0.0)


def generator(random_state: Any) -> np.random.Generator:
    """A NumPy generator from scikit-learn's random_state; None is a fixed seed."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    if random_state is None:
        return np.random.default_rng(0)
    return np.random.default_rng(check_random_state(random_state).randint(2**31 - 1))

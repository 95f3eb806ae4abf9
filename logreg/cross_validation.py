"""LogisticRegressionCV: C and l1_ratio by cross-validation, each fold a warm-started path."""

import warnings
from copy import copy
from typing import Any, NamedTuple, NoReturn, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from logreg import inputs
from logreg.estimator import LogisticRegression
from logreg.outcome import ConvergenceWarning
from logreg.parameters import check_cross_validation, check_parameters
from logreg.path import along
from logreg.penalty import ElasticNet
from logreg.problem import coefficients, pose
from logreg.sigmoid import log_sigmoid, log_softmax
from logreg.solvers import SOLVERS
from logreg.sparse_blocks import row_blocks
from logreg.threads import single_threaded_blas, thread_count

Array = NDArray[Any]

LOG_LOSS = "neg_log_loss"


class Fold(NamedTuple):
    """What a fold gives, for each l1_ratio and C."""

    coefs: Array  # (n_l1_ratios, n_Cs, n_outputs, n_features + 1)
    scores: Array  # (n_l1_ratios, n_Cs)
    n_iter: Array
    missed: int  # fits that did not reach tol


class LogisticRegressionCV(LogisticRegression):
    """Logistic regression with C, and where asked the l1_ratio, chosen by cross-validation.

    In each fold all values of C are fitted as a path, each fit from where the last one ended. A
    fold is a weight of 0 for its test rows: X is not copied.

    Parameters
    ----------
    Cs : int or array-like, default=10
        The values of C, or how many, evenly spaced in log C from 1e-4 to 1e4.
    l1_ratios : array-like, default=(0.0,)
        Shares of the L1 penalty, each from 0 (ridge) to 1.
    fit_intercept : bool, default=True
    cv : int, splitter or iterable, default=None
        None means five stratified folds.
    scoring : str or callable, default="neg_log_loss"
        What the best has most of, as scikit-learn names it. The default is minus the log loss, a
        proper score; None means accuracy.
    rule : {"best", "1se"}, default="best"
        "best" takes the C of the best mean score; "1se" the smallest C, the simplest model, whose
        mean score is within one standard error of the best (glmnet's lambda.1se).
    penalty_weights, solver, tol, max_iter, class_weight, random_state, verbose
        As for :class:`logreg.LogisticRegression`; `verbose` prints the last fit only.
    n_jobs : int or None, default=None
        Folds at a time, in threads. None takes one after the other, each with all the threads.
    refit : bool, default=True
        Fit all rows with what was chosen; else coefficients, C and l1_ratio are the means of those
        that are best in each fold.
    use_legacy_attributes : bool, default=False
        True gives the attributes the shapes that scikit-learn had before 1.10: a dict with the
        scores and paths of each class, arrays for `C_` and `l1_ratio_`.

    Attributes
    ----------
    C_, l1_ratio_ : float
        What was chosen.
    Cs_ : ndarray (n_Cs,)
    l1_ratios_ : ndarray (n_l1_ratios,)
    scores_ : ndarray (n_folds, n_l1_ratios, n_Cs)
    coefs_paths_ : ndarray (n_folds, n_l1_ratios, n_Cs, n_outputs, n_features + 1)
        The intercept is the last; without one it is left out.
    n_iter_ : ndarray (n_folds, n_l1_ratios, n_Cs) of int
    coef_, intercept_, classes_, n_features_in_, feature_names_in_, outcome_, gap_, history_
        Of the last fit, as for :class:`logreg.LogisticRegression`; the last three with `refit`.

    References
    ----------
    Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning*, 2nd ed. (2009),
    section 7.10 (cross-validation and the one-standard-error rule).

    Examples
    --------
    >>> from logreg import LogisticRegressionCV
    >>> from logreg.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = LogisticRegressionCV(Cs=5, l1_ratios=(0, 1)).fit(X, y)
    >>> model.scores_.shape
    (5, 2, 5)
    """

    Cs_: Array
    C_: Any
    l1_ratios_: Array
    l1_ratio_: Any
    scores_: Any
    coefs_paths_: Any

    def __init__(
        self,
        *,
        Cs: Any = 10,
        l1_ratios: ArrayLike = (0.0,),
        penalty_weights: ArrayLike | None = None,
        fit_intercept: bool = True,
        cv: Any = None,
        scoring: Any = LOG_LOSS,
        rule: str = "best",
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        class_weight: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        refit: bool = True,
        random_state: Any = None,
        use_legacy_attributes: bool = False,
    ) -> None:
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.penalty_weights = penalty_weights
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.scoring = scoring
        self.rule = rule
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.refit = refit
        self.random_state = random_state
        self.use_legacy_attributes = use_legacy_attributes

    # -- fitting -----------------------------------------------------------------------------

    @property
    def _of_all_rows(self) -> NoReturn:
        raise AttributeError(
            "LogisticRegressionCV needs all rows in memory, to cut them into folds: use "
            "LogisticRegression with the C that it chose."
        )

    fit_blocks = inference_blocks = partial_fit = _of_all_rows

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Choose C and l1_ratio, and fit all rows with them.

        Parameters
        ----------
        X, y, sample_weight, offset
            As for :meth:`logreg.LogisticRegression.fit`. Weights count in the scores as well;
            with metadata routing, as it says.
        **params
            What the splitter and the scorer ask for (groups, say), with metadata routing.

        Returns
        -------
        self
            Changed only when the fit has ended.
        """
        Cs, l1_ratios = check_cross_validation(vars(self))
        model, fitted = self._model(), copy(self)
        check_parameters(vars(model), SOLVERS)
        data = inputs.check_fit(fitted, X, y, sample_weight, self.class_weight, offset)
        if data.offset is not None and self.scoring != LOG_LOSS:
            raise ValueError(f"With an offset scoring must be {LOG_LOSS!r}, got {self.scoring!r}.")
        folds = self._fit_folds(data, model, Cs, l1_ratios, self._routed(sample_weight, params))
        fitted.classes_, fitted.Cs_, fitted.l1_ratios_ = data.y.classes, Cs, l1_ratios
        fitted.scores_ = np.array([fold.scores for fold in folds])
        fitted.coefs_paths_ = np.array([fold.coefs for fold in folds])
        fitted._forget()
        if self.refit:
            fitted._refit(model, X, y, sample_weight, offset)
        else:
            fitted._average()
        fitted.n_iter_ = np.array([fold.n_iter for fold in folds])
        if not self.fit_intercept:
            fitted.coefs_paths_ = fitted.coefs_paths_[..., :-1]
        if self.use_legacy_attributes:
            fitted._use_legacy_attributes()
        self._forget()
        self.__dict__.pop("feature_names_in_", None)  # this X may have none
        self.__dict__.update(vars(fitted))
        self._warn_of(sum(fold.missed for fold in folds), fitted.n_iter_.size)
        return self

    def _fit_folds(
        self, data: inputs.Data, model: LogisticRegression, Cs: Array, l1_ratios: Array, routed: Any
    ) -> list[Fold]:
        from sklearn.model_selection import check_cv  # not at import: it brings much along

        labels = data.y.classes[data.y.codes]
        split = check_cv(self.cv, labels, classifier=True).split
        folds = list(split(data.X, labels, **routed.splitter.split))
        if len(folds) < (least := 2 if self.rule == "1se" else 1):
            raise ValueError(
                f"rule={self.rule!r} needs {least} folds at least, cv gave {len(folds)}."
            )
        fits: list[Fold] = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(fit_fold)(
                data, train, test, model, Cs, l1_ratios, self.scoring, k, routed.scorer.score
            )
            for k, (train, test) in enumerate(folds)
        )
        return fits

    def _model(self) -> LogisticRegression:
        """A fit of one C and l1_ratio with the same settings."""
        return LogisticRegression(
            penalty_weights=self.penalty_weights,
            fit_intercept=self.fit_intercept,
            class_weight=self.class_weight,
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )

    def _forget(self) -> None:
        """What only a refit gives may be that of an earlier fit."""
        for name in ("gap_", "outcome_", "n_passes_", "_history", "_measure"):
            self.__dict__.pop(name, None)

    def _refit(
        self, model: LogisticRegression, X: Any, y: Any, sample_weight: Any, offset: Any
    ) -> None:
        """A fit of all rows with what the rule chooses, from the folds' mean coefficients."""
        r, c = chosen(self.scores_, self.rule)
        self.C_, self.l1_ratio_ = float(self.Cs_[c]), float(self.l1_ratios_[r])
        start, d = self.coefs_paths_[:, r, c].mean(axis=0), self.n_features_in_
        model.set_params(C=self.C_, l1_ratio=self.l1_ratio_, warm_start=True)
        model.coef_, model.intercept_ = start[:, :d], start[:, d]
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            model.fit(X, y, sample_weight, offset)
        for warning in said:  # as from the caller of fit
            warnings.warn(warning.message, warning.category, stacklevel=3)
        for name in (
            "coef_",
            "intercept_",
            "gap_",
            "outcome_",
            "n_passes_",
            "_history",
            "_measure",
        ):
            setattr(self, name, getattr(model, name))

    def _average(self) -> None:
        """The means of what is best in each fold."""
        n_folds, d = len(self.scores_), self.n_features_in_
        best = self.scores_.reshape(n_folds, -1).argmax(axis=1)
        r, c = np.unravel_index(best, self.scores_.shape[1:])
        self.C_, self.l1_ratio_ = float(self.Cs_[c].mean()), float(self.l1_ratios_[r].mean())
        mean = self.coefs_paths_[np.arange(n_folds), r, c].mean(axis=0)
        self.coef_, self.intercept_ = mean[:, :d], mean[:, d]

    def _warn_of(self, missed: int, fits: int) -> None:
        if missed:
            warnings.warn(
                f"{missed} of {fits} fits in the folds did not reach tol={self.tol:.1e}: raise "
                "max_iter, or leave out the largest Cs.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _use_legacy_attributes(self) -> None:
        """scikit-learn's shapes before 1.10, with an axis for l1_ratios."""
        q = self.coefs_paths_.shape[3]
        labels = self.classes_[-q:]
        paths = self.coefs_paths_.transpose(3, 0, 2, 1, 4)
        scores = self.scores_.swapaxes(1, 2)
        self.coefs_paths_ = dict(zip(labels, paths, strict=True))
        self.scores_ = dict.fromkeys(labels, scores)
        self.n_iter_ = self.n_iter_.swapaxes(1, 2)[None]
        self.C_, self.l1_ratio_ = np.full(q, self.C_), np.full(q, self.l1_ratio_)

    # -- scoring and routing -----------------------------------------------------------------

    def score(  # type: ignore[override]
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, **params: Any
    ) -> float:
        """The score by `scoring`, which is minus the log loss if nothing else was asked for.

        Parameters
        ----------
        X : array-like (n_samples, n_features)
        y : array-like (n_samples,)
        sample_weight : array-like (n_samples,), optional
        **params
            What the scorer asks for, with metadata routing.

        Returns
        -------
        float
        """
        routed = self._routed(sample_weight, params, caller="score")
        return float(self._scorer()(self, X, y, **routed.scorer.score))

    def _scorer(self) -> Any:
        from sklearn.metrics import get_scorer

        return get_scorer(self.scoring or "accuracy")

    def _routed(self, sample_weight: Any, params: dict[str, Any], caller: str = "fit") -> Any:
        if get_config()["enable_metadata_routing"]:
            if sample_weight is not None:
                params = {**params, "sample_weight": sample_weight}
            return process_routing(self, caller, **params)
        if params:
            raise ValueError(
                f"{', '.join(params)}: parameters for the splitter or the scorer need metadata "
                "routing, sklearn.set_config(enable_metadata_routing=True)."
            )
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return Bunch(splitter=Bunch(split={}), scorer=Bunch(score=weights))

    def get_metadata_routing(self) -> MetadataRouter:
        """Which metadata go where, for scikit-learn."""
        scoring = MethodMapping().add(caller="score", callee="score")
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
            .add(scorer=self._scorer(), method_mapping=scoring.add(caller="fit", callee="score"))
        )


def fit_fold(
    data: inputs.Data,
    train: Array,
    test: Array,
    model: LogisticRegression,
    Cs: Array,
    l1_ratios: Array,
    scoring: Any,
    number: int,
    score_params: dict[str, Any],
) -> Fold:
    """The paths of one fold and their scores."""
    n = len(data.y.codes)
    weight = np.bincount(np.arange(n)[train], minlength=n).astype(np.float64)
    test = np.arange(n)[test]  # masks and slices are good as well
    if data.weight is not None:
        weight *= data.weight
        test = test[data.weight[test] > 0]
    if not len(test):
        raise ValueError(f"Fold {number} has no row with a positive weight to score.")
    fold = data._replace(weight=weight)
    check_classes(fold, number)
    n_iter, missed, coefs = [], 0, []
    factors = inputs.penalty_factors(model.penalty_weights, data.X.shape[1])
    with single_threaded_blas():
        for l1_ratio in l1_ratios:
            penalty = ElasticNet.of(Cs[0], l1_ratio, factors)
            objective = pose(fold, penalty, model.fit_intercept, thread_count())
            for solution in along(objective, Cs, l1_ratio, model):
                found = coefficients(solution.point, fold)
                coefs.append(np.column_stack([found["coef_"], found["intercept_"]]))
                n_iter.append(solution.n_iter)
                missed += not solution.converged
    score = log_loss if scoring == LOG_LOSS else scored
    weights = {k: v if v is None else np.asarray(v)[test] for k, v in score_params.items()}
    scores = score(data, test, np.array(coefs), scoring, weights)
    shape = (len(l1_ratios), len(Cs))
    paths = np.array(coefs).reshape(*shape, *coefs[0].shape)
    return Fold(paths, scores.reshape(shape), np.reshape(n_iter, shape), missed)


def check_classes(fold: inputs.Data, number: int) -> None:
    """Raise where a class has no row to be fitted on."""
    classes = fold.y.classes
    present = np.bincount(fold.y.codes, fold.weight, minlength=len(classes)) > 0
    if not present.all():
        missing = classes[~present].tolist()[0]
        raise ValueError(
            f"Class {missing!r} has no rows to fit on in fold {number}: use fewer or stratified "
            "folds."
        )


def log_loss(
    data: inputs.Data, test: Array, coefs: Array, scoring: Any, params: dict[str, Any]
) -> Array:
    """Minus the mean log loss of the test rows for each of coefs (m, n_outputs, d + 1): all from
    one product with X.
    """
    m, q, width = coefs.shape
    rows = coefs.reshape(m * q, width)
    margin = row_blocks(data.X[test]).margins(rows[:, :-1], rows[:, -1]).astype(np.float64)
    margin = np.ascontiguousarray(margin.T).reshape(m, q, len(test))
    if data.offset is not None:
        margin += data.offset[:, test]
    codes = data.y.codes[test]
    if q == 1:
        log_p = np.asarray(log_sigmoid(np.where(codes == 1, margin[:, 0], -margin[:, 0])))
    else:
        log_p = np.asarray(log_softmax(margin, axis=1))[:, codes, np.arange(len(test))]
    least = np.log(np.finfo(np.float64).eps)  # as scikit-learn's score has it
    mean: Array = np.average(np.maximum(log_p, least), axis=1, weights=params.get("sample_weight"))
    return mean


def scored(
    data: inputs.Data, test: Array, coefs: Array, scoring: Any, params: dict[str, Any]
) -> Array:
    """The same by a scorer of scikit-learn's or the user's."""
    from sklearn.metrics import get_scorer

    scorer = get_scorer(scoring or "accuracy")
    X, y = data.X[test], data.y.classes[data.y.codes[test]]
    model = LogisticRegression()
    model.classes_, model.n_features_in_ = data.y.classes, data.X.shape[1]
    scores = []
    for part in coefs:
        model.coef_, model.intercept_ = part[:, :-1], part[:, -1]
        scores.append(scorer(model, X, y, **params))
    return np.array(scores)


def chosen(scores: Array, rule: str) -> tuple[int, int]:
    """The l1_ratio and the C that are best on average, or the smallest C as good as that but for a
    standard error; scores (n_folds, n_l1_ratios, n_Cs).
    """
    mean = scores.mean(axis=0)
    r, c = np.unravel_index(int(mean.argmax()), mean.shape)
    if rule == "1se":
        error = scores[:, r, c].std(ddof=1) / np.sqrt(len(scores))
        c = np.flatnonzero(mean[r] >= mean[r, c] - error)[0]
    return int(r), int(c)

"""FirthLogisticRegression: coefficients of little bias, finite where the classes are separated

fit(X, y) → validate → Orthonormal → Jeffreys → scoring → coef_, intercept_
"""

import warnings
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

from logreg import inputs
from logreg.corrections import (
    Fit,
    augmented,
    highest,
    intercept_shift,
    iterate,
    joined,
    median,
    pose,
)
from logreg.firth_inference import FirthInference
from logreg.inference import posed
from logreg.jeffreys import Jeffreys
from logreg.jeffreys_point import JeffreysPoint
from logreg.linear_classifier import LinearClassifier
from logreg.outcome import CollinearityWarning, ConvergenceWarning, Outcome, SeparationWarning
from logreg.parameters import check_firth
from logreg.penalty import ElasticNet
from logreg.problem import attributes
from logreg.threads import single_threaded_blas

Array = NDArray[Any]


class FirthLogisticRegression(LinearClassifier):
    """Logistic regression by penalised likelihood, for few rows, rare classes and separated ones.

    It maximises the log-likelihood with Jeffreys' prior,

        ℓ(w, b) + tau · log det I(w, b)

    where I is the information matrix. At ``tau=0.5`` this removes the bias of order 1/n from the
    coefficients, and they are finite even where the classes are separated and maximum likelihood
    has none. Rescaling a column rescales its coefficient, and changes nothing else. X is copied
    once, as a dense float64 array.

    Parameters
    ----------
    correction : {"firth", "flic", "flac", "median"}, default="firth"
        "firth" reduces the mean bias of the coefficients, but draws probabilities towards 1/2.
        "flic" then fits the intercept anew by maximum likelihood, so that the mean probability is
        the share of class 1. "flac" gets there by an added covariate that tells the rows from the
        pseudo-rows that the penalty stands for; better probabilities, slightly other
        coefficients. "median" reduces the median bias: each coefficient is too high as often as
        too low; on a few separated data sets no solution is found (9 of 100 generated ones), which
        a warning says. With more than two classes there is "firth" only.
    tau : float, default=0.5
        Weight of the penalty; 0 is maximum likelihood.
    fit_intercept : bool, default=True
    class_weight : dict, "balanced" or None, default=None
        A factor for the rows of each class.
    tol : float, default=1e-6
        The distance from the solution at which the fit stops, *in standard errors*:
        sqrt(U' I⁻¹ U) of the modified score U.
    max_iter : int, default=1000
    warm_start : bool, default=False
        Start from the coefficients of the last fit if classes and columns are the same in number.
    n_jobs : int or None, default=None
        Threads for predictions; the fit takes one.
    verbose : int, default=0
        If positive, print a line an iteration.

    Attributes
    ----------
    coef_ : ndarray (1, n_features) or (n_classes, n_features)
        Log-odds per unit of each column. With K > 2 classes they add up to 0 over the classes.
    intercept_ : ndarray (1,) or (n_classes,)
    classes_ : ndarray (n_classes,)
    n_iter_ : ndarray (1,) of int
    outcome_ : Outcome
        Why the fit stopped.
    history_ : DataFrame
        A row an iteration, from the start on: objective (minus the penalised log-likelihood),
        gradient_norm, standard_errors (from the solution), passes and seconds so far.
    n_features_in_ : int
    feature_names_in_ : ndarray (n_features_in_,)
        Only if X has column names, all strings.

    Raises
    ------
    ValueError
        In ``fit``, for data or parameters that make no sense: the sentence says what, where, and
        what to do.
    TypeError
        In ``fit``, for a sparse X.

    Warns
    -----
    ConvergenceWarning
        The fit did not reach `tol`, with the reason and the remedy.
    SeparationWarning
        With ``tau=0``, the likelihood has no maximum.
    CollinearityWarning
        Columns depend linearly on each other; the solution of the smallest norm is given.

    Notes
    -----
    A weight of 2 equals a repeated row in the penalty as well. The iterations are Fisher's scoring,
    corrected by the last steps (limited-memory BFGS).

    References
    ----------
    Firth, "Bias reduction of maximum likelihood estimates", *Biometrika* 80 (1993), 27-38.
    Heinze and Schemper, "A solution to the problem of separation in logistic regression",
    *Statistics in Medicine* 21 (2002), 2409-2419.
    Kosmidis and Firth, "Multinomial logit bias reduction via the Poisson log-linear model",
    *Biometrika* 98 (2011), 755-759.
    Puhr, Heinze, Nold, Lusa and Geroldinger, "Firth's logistic regression with rare events",
    *Statistics in Medicine* 36 (2017), 2302-2317 (FLIC and FLAC).
    Kenne Pagui, Salvan and Sartori, "Median bias reduction of maximum likelihood estimates",
    *Biometrika* 104 (2017), 923-938.

    Examples
    --------
    x = 1 is seen with y = 1 only, so that maximum likelihood has no answer:

    >>> from logreg import FirthLogisticRegression
    >>> X, y = [[0], [0], [0], [0], [1], [1], [1]], [0, 0, 0, 1, 1, 1, 1]
    >>> model = FirthLogisticRegression().fit(X, y)
    >>> print(f"{model.coef_[0, 0]:.4f} {model.intercept_[0]:.4f}")
    2.7932 -0.8473
    """

    n_iter_: Array
    outcome_: Outcome
    n_features_in_: int

    _doc_link_module = "logreg"
    _doc_link_template = "https://logreg.readthedocs.io/en/stable/api.html#{estimator_name}"

    def __init__(
        self,
        *,
        correction: str = "firth",
        tau: float = 0.5,
        fit_intercept: bool = True,
        class_weight: Any = None,
        tol: float = 1e-6,
        max_iter: int = 1000,
        warm_start: bool = False,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.correction = correction
        self.tau = tau
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self.correction == "firth"
        return tags

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like (n_samples, n_features)
            Dense.
        y : array-like (n_samples,)
            Two or more classes, of any sortable kind.
        sample_weight : array-like (n_samples,), optional
            Non-negative. A weight of 2 equals a repeated row, a weight of 0 a removed one.
        offset : array-like (n_samples,) or (n_samples, n_classes), optional
            Known part of the margin, in log-odds; the second shape for more than two classes.

        Returns
        -------
        self
            Changed only when the fit has ended: an interrupted fit leaves it as it was.
        """
        fitted = copy(self)  # takes the names of the columns; `self` changes at the end only
        data = self._checked(fitted, X, y, sample_weight, offset)
        with single_threaded_blas():
            fit, phi = self._solved(data, stacklevel=4)
        fitted._keep(fit, phi, data)
        self.__dict__.pop("feature_names_in_", None)  # this X may have none
        self.__dict__.update(vars(fitted))
        self._warn(fit)
        return self

    def solution(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> JeffreysPoint:
        """The penalised likelihood at its maximum, for tests and intervals of the coefficients.

        Parameters
        ----------
        X, y, sample_weight, offset
            As for `fit`.

        Returns
        -------
        JeffreysPoint
            For "flic" that of Firth's fit; for "flac" the likelihood of the augmented rows.
        """
        return self._solution(self._checked(copy(self), X, y, sample_weight, offset))

    def _solution(self, data: inputs.Data) -> JeffreysPoint:
        """Begun at the coefficients of a fit, if there has been one."""
        with single_threaded_blas(), warnings.catch_warnings():
            warnings.simplefilter("ignore", CollinearityWarning)
            return self._solved(data, stacklevel=4, warm=True)[0].point

    def inference(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        *,
        baseline: Any = None,
    ) -> FirthInference:
        """Standard errors, intervals and tests of the coefficients, from the data of the fit.

        Intervals are profiles of the penalised likelihood and p-values those of its ratio, as
        logistf gives them; ``conf_int(method="wald")`` gives Wald's.

        Parameters
        ----------
        X, y, sample_weight, offset
            As given to `fit`. The estimator keeps no data.
        baseline : label, optional
            The class that others are compared with; the first if not given.

        Returns
        -------
        FirthInference

        Examples
        --------
        >>> from logreg import FirthLogisticRegression
        >>> model = FirthLogisticRegression().fit([[1], [2], [3], [4]], [0, 0, 1, 1])
        >>> result = model.inference([[1], [2], [3], [4]], [0, 0, 1, 1])
        >>> print(result.conf_int().round(2).to_string())
                   lower  upper
        Intercept -17.34   1.23
        x0         -0.35   6.70
        """
        check_is_fitted(self)
        data = self._checked(copy(self), X, y, sample_weight, offset, reset=False)
        inputs.check_same_classes(self.classes_, data.y.classes)
        solution = self._solution(data)
        with single_threaded_blas():
            point, contrasts = posed(self, data, ElasticNet.of(np.inf), baseline)
        converged = self.outcome_ is Outcome.CONVERGED
        return FirthInference(
            copy(self), data, point, contrasts, solution=solution, converged=converged
        )

    def _checked(
        self, fitted: Self, X: Any, y: Any, weight: Any, offset: Any, *, reset: bool = True
    ) -> inputs.Data:
        check_firth(vars(self))
        if issparse(X):
            raise TypeError(
                "X is sparse: Firth's penalty needs the hat matrix, and so dense rows. Give "
                "X.toarray(), or use LogisticRegression, which takes sparse X."
            )
        data = inputs.check_fit(fitted, X, y, weight, self.class_weight, offset, reset=reset)
        if len(data.y.classes) > 2 and self.correction != "firth":
            raise ValueError(
                "Only binary classification is supported. "
                f"correction={self.correction!r}: y has {len(data.y.classes)} classes; "
                "use correction='firth'."
            )
        return data

    def _solved(
        self, data: inputs.Data, stacklevel: int, *, warm: bool = False
    ) -> tuple[Fit, Array]:
        """The fit, and φ of the coefficients to keep, (q, r)."""
        problem = pose(data, self.tau, self.fit_intercept, stacklevel + 1)
        start = self._start(problem, warm or self.warm_start)
        find = iterate if warm else highest
        fit = find(problem, start, self.tol, self.max_iter, self.verbose)
        phi = fit.point.phi
        if self.correction == "flic":
            phi = phi + problem.x.constant() * intercept_shift(fit.point)
        elif self.correction == "flac" and self.tau:
            start = np.append(phi, 0.0)
            fit = joined(fit, self._iterate(augmented(fit.point), start))
            phi = fit.point.phi[:-1]
        elif self.correction == "median":
            fit = joined(fit, self._iterate(median(problem), phi))
            phi = fit.point.phi
        return fit, phi.reshape(problem.q, -1)

    def _start(self, problem: Jeffreys, warm: bool) -> Array:
        q, d = problem.q, problem.x.design.d
        shape = (1 if q == 1 else q + 1, d)
        if warm and getattr(self, "coef_", np.empty(0)).shape == shape:
            phi = problem.of_coefficients(self.coef_, self.intercept_)
            if np.isfinite(phi).all():
                return phi
        return problem.start()

    def _iterate(self, problem: Jeffreys, phi: Array) -> Fit:
        return iterate(problem, phi, self.tol, self.max_iter, self.verbose)

    def _keep(self, fit: Fit, phi: Array, data: inputs.Data) -> None:
        w, b = fit.point.problem.x.to_user(phi)
        if len(phi) > 1:
            w, b = np.vstack([np.zeros_like(w[:1]), w]), np.append(0.0, b)
            w, b = w - w.mean(axis=0), b - b.mean()
        self.__dict__.update(attributes(w, b, data))
        self.n_iter_ = np.array([fit.history[-1].iteration], dtype=np.int32)
        self.outcome_, self._history = fit.outcome, fit.history

    def _warn(self, fit: Fit) -> None:
        if fit.outcome is Outcome.CONVERGED:
            return
        if fit.outcome is Outcome.SEPARATED:
            sentence = (
                "The classes are separated and tau=0 is maximum likelihood, which has no maximum: "
                "the coefficients are those of the last iteration. Set tau=0.5, the default."
            )
            warnings.warn(sentence, SeparationWarning, stacklevel=3)
            return
        last = fit.history[-1]
        sentence = fit.outcome.sentence(
            n_iter=last.iteration, distance=last.distance, measure="standard_errors", tol=self.tol
        )
        if fit.outcome is Outcome.ROUNDING and self.correction == "median":
            sentence = (
                f"No root of the median's modified score was found, {last.distance:.1e} standard "
                "errors away: where classes are separated there may be none. Use the default "
                "correction='firth', which always has a finite answer."
            )
        warnings.warn(sentence, ConvergenceWarning, stacklevel=3)

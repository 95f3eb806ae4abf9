"""LogisticRegression: a scikit-learn estimator around the one road

fit(X, y) → validate → Design → Objective → solver → minimize → Solution → coef_, intercept_
"""

from copy import copy
from typing import Any, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from logreg import inputs
from logreg.block_inference import BlockInference, infer_blocks
from logreg.blocks import LocalBlocks
from logreg.callbacks import FitTasks, with_callbacks
from logreg.inference import Inference, infer
from logreg.online import Online
from logreg.parameters import check_inference, check_parameters
from logreg.problem import pose
from logreg.recession import Witness
from logreg.solvers import SOLVERS
from logreg.threads import single_threaded_blas, thread_count

Array = NDArray[Any]


class LogisticRegression(Online):
    """Logistic regression, fitted to the optimum.

    It models the log-odds of a class as a linear function of the columns, P(y=1) = σ(x·w + b),
    or for K > 2 classes P(y=k) = softmax_k(x·w_k + b_k), and minimises

        F(w, b) = Σ_i s_i ℓ(y_i, x_i·w + b + o_i) + (1/C) [(1 - l1_ratio) ½ ‖w‖² + l1_ratio ‖w‖₁]

    where ℓ is the log loss, s the weights and o the offset. This is scikit-learn's objective
    divided by C: the same minimiser, in units of log-likelihood. The intercept is not penalised.
    Columns need no scaling: the fit does not depend on their units, but for the penalty, which
    acts on the coefficients in the units you gave.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty, above 0. ``np.inf`` is the plain maximum
        likelihood, whose coefficients are log odds ratios.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, from 0 (ridge) to 1 (lasso). Above 0 coefficients may be exactly 0.
    penalty_weights : array-like (n_features,), optional
        A factor of the penalty for each column, 1 if not given; 0 leaves a column without one
        (glmnet's penalty.factor, not rescaled).
    fit_intercept : bool, default=True
    class_weight : dict, "balanced" or None, default=None
        A factor for the rows of each class; "balanced" gives all classes the same total weight.
    solver : str, default="auto"
        "pgd" (preconditioned gradient descent, for many rows or sparse columns), "newton",
        "newton-cg" (which forms no Hessian), "gd" (textbook gradient descent, to learn from),
        "prox-newton" (for l1_ratio above 0, which else only "gd" takes), or "auto", which picks by
        shape. All go to the same answer, "gd" slowly where columns are correlated.
    tol : float, default=1e-6
        The distance from the optimum at which the fit stops, *in standard errors* of the
        coefficients: the Newton decrement sqrt(g' H⁻¹ g). At the default every coefficient is
        within a millionth of its standard error of the exact one. With an L1 penalty: the duality
        gap at which it stops is tol/1000 of F (or what rounding allows, if that is below tol F).
    max_iter : int, default=1000
    warm_start : bool, default=False
        Start from the coefficients of the last fit if classes and columns are the same in number.
    random_state : int, RandomState, Generator or None, default=None
        For the rows that "pgd" samples. None means a fixed seed: the same data give the same bits.
    n_jobs : int or None, default=None
        Threads. None takes what joblib and threadpoolctl allow; -1 takes all cores. The result
        has the same bits for any number.
    verbose : int, default=0
        If positive, print a line an iteration.

    Attributes
    ----------
    coef_ : ndarray (1, n_features) or (n_classes, n_features)
        Log-odds per unit of each column. With K > 2 classes they add up to 0 over the classes.
    intercept_ : ndarray (1,) or (n_classes,)
    classes_ : ndarray (n_classes,)
    n_iter_ : ndarray (1,) of int
    n_passes_ : int
        Reads of X, counting a read of a sample by its share and rounding up.
    outcome_ : Outcome
        Why the fit stopped.
    history_ : DataFrame
        A row an iteration, from the start on: objective, gradient_norm, standard_errors (from the
        optimum; the last row's is a bound; with an L1 penalty relative_gap), passes (reads of X)
        and seconds so far.
    gap_ : float
        An upper bound on F(coef_, intercept_) - F*, by duality or self-concordance; ``np.inf``
        where none is known, as without a penalty on columns that nearly depend on each other.
    n_features_in_ : int
    feature_names_in_ : ndarray (n_features_in_,)
        Only if X has column names, all strings.

    Raises
    ------
    ValueError
        In ``fit``, for data or parameters that make no sense: the sentence says what, where, and
        what to do.

    Warns
    -----
    ConvergenceWarning
        The fit did not reach `tol`, with the reason and the remedy.
    SeparationWarning
        Without a penalty on some columns, the likelihood has no maximum.
    CollinearityWarning
        Without a penalty, columns depend linearly on each other; the solution of the smallest
        norm is given.

    References
    ----------
    McCullagh and Nelder, *Generalized Linear Models*, 2nd ed. (1989), chapter 4.
    Boyd and Vandenberghe, *Convex Optimization* (2004), section 9.5.1 (the Newton decrement).

    Examples
    --------
    >>> from logreg import LogisticRegression
    >>> from logreg.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = LogisticRegression().fit(X, y)
    >>> print(f"{model.score(X, y):.4f}")
    0.9578
    >>> model.outcome_.name
    'CONVERGED'
    """

    _doc_link_module = "logreg"
    _doc_link_template = "https://logreg.readthedocs.io/en/stable/api.html#{estimator_name}"

    def __init__(
        self,
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        penalty_weights: ArrayLike | None = None,
        fit_intercept: bool = True,
        class_weight: Any = None,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.C = C
        self.l1_ratio = l1_ratio
        self.penalty_weights = penalty_weights
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # -- fitting -----------------------------------------------------------------------------

    @with_callbacks
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
        X : array-like or sparse matrix (n_samples, n_features)
            float32 and float64, arrays and compressed rows (CSR, each entry once) are read in
            place: never changed, made dense or copied, but for arrays of more columns than rows.
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
        check_parameters(vars(self), SOLVERS)
        fitted = copy(self)  # takes the names of the columns; `self` changes at the end only
        data = inputs.check_fit(fitted, X, y, sample_weight, self.class_weight, offset)
        tasks = FitTasks(self, self.max_iter, X, y, sample_weight)
        with single_threaded_blas():  # once for all: passes bring their own threads
            penalty = self._penalty(data.X.shape[1])
            objective = pose(data, penalty, self.fit_intercept, thread_count(self.n_jobs))
            self._fit_to(objective, data, fitted, tasks, Witness(data.y))
        return self

    def inference(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        cov_type: str = "nonrobust",
        groups: ArrayLike | None = None,
        *,
        weights: str = "frequency",
        baseline: Any = None,
    ) -> Inference:
        """Standard errors, intervals and tests of the coefficients, from the data of the fit.

        Without a penalty (``C=np.inf``) this is maximum likelihood. With ridge it is the posterior
        about its mode, the prior being normal with variance C. With an L1 penalty there is none.

        Parameters
        ----------
        X, y, sample_weight, offset
            As given to `fit`. The estimator keeps no data.
        cov_type : "nonrobust", "HC0", "HC1" or "cluster", default="nonrobust"
            The inverse information, or a sandwich that stays right where the variance is not that
            of the model, or rows of a group depend on each other.
        groups : array-like (n_samples,) or (n_samples, ways), optional
            Whose rows depend on each other, for "cluster" (several ways: Cameron, Gelbach and
            Miller 2011).
        weights : "frequency" or "probability", default="frequency"
            A weight of 2 stands for two rows that agree, or for one row drawn with half the
            probability of others; the second needs a robust `cov_type`.
        baseline : label, optional
            The class that others are compared with; the first if not given.

        Returns
        -------
        Inference

        Raises
        ------
        ValueError
            With an L1 penalty, or where arguments contradict each other.

        Examples
        --------
        >>> import numpy as np
        >>> from logreg import LogisticRegression
        >>> from logreg.datasets import load_spector
        >>> X, y = load_spector(return_X_y=True, as_frame=True)
        >>> result = LogisticRegression(C=np.inf).fit(X, y).inference(X, y)
        >>> print(result.odds_ratios().loc["PSI"].round(2).to_string())
        odds_ratio    10.79
        lower          1.34
        upper         86.94
        """
        check_is_fitted(self)
        check_inference(vars(self), cov_type, groups, weights)
        data = inputs.check_fit(
            copy(self), X, y, sample_weight, self.class_weight, offset, reset=False
        )
        inputs.check_same_classes(self.classes_, data.y.classes)
        with single_threaded_blas():
            return infer(self, data, cov_type, groups, weights, baseline)

    def inference_blocks(
        self,
        blocks: Any,
        *,
        cov_type: str = "nonrobust",
        weights: str = "frequency",
        baseline: Any = None,
    ) -> BlockInference:
        """Standard errors, intervals and tests of the coefficients, from the blocks of the fit.

        Parameters
        ----------
        blocks : iterable of (X, y) or (X, y, sample_weight)
            As given to `fit_blocks`.
        cov_type : "nonrobust", "HC0" or "HC1", default="nonrobust"
        weights : "frequency" or "probability", default="frequency"
        baseline : label, optional
            These three as for `inference`.

        Returns
        -------
        BlockInference
        """
        check_is_fitted(self)
        source = LocalBlocks(blocks, copy(self), reset=False)
        names = getattr(blocks, "feature_names", None)
        with single_threaded_blas():
            return infer_blocks(self, source, cov_type, weights, baseline, names)

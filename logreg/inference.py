"""Inference: what the data say about the coefficients, and how surely.

The standard errors are those of the information matrix H = X'WX at the optimum (or of a sandwich
around it), p-values and intervals are Wald's unless a likelihood is asked for. See
:meth:`logreg.LogisticRegression.inference`.
"""

import warnings
from collections.abc import Mapping
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from logreg import diagnostics, effects, inputs, significance
from logreg.contrasts import Contrasts
from logreg.corrections import iterate
from logreg.corrections import pose as likelihood
from logreg.estimates import Estimates, check_alpha
from logreg.linear_classifier import probabilities
from logreg.outcome import CollinearityWarning, Outcome
from logreg.pairs import Pairs
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.problem import pose
from logreg.profile import Profile
from logreg.recession import unbounded
from logreg.significance import ChiSquared
from logreg.summary import Summary
from logreg.threads import single_threaded_blas, thread_count

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

LARGEST = 5000  # parameters
PROFILE_TOL = 1e-9  # standard errors


class Inference(Estimates):
    """The estimate's distribution: made by ``model.inference(X, y)``.

    Parameters are the intercept, called "Intercept", and a weight a column; with more than two
    classes these of each class against the baseline, as differences of log-odds. Much is computed
    when it is asked for: X is kept as it was given, and must not be changed in between.

    Attributes
    ----------
    params, bse, zvalues, pvalues : Series (k,) or DataFrame (k, K - 1)
        Estimates, standard errors, their ratio, and the two-sided p-values of the normal
        distribution. With more than two classes a column a class.
    llf, llnull : float
        Log-likelihood, and that of the intercept alone (and the offset).
    llr, llr_pvalue : float
        Twice their difference, and its chi-squared p-value on `df_model` degrees of freedom.
    deviance, null_deviance : float
        -2 llf and -2 llnull, the rows taken one by one.
    aic, bic : float
    prsquared : float
        McFadden's pseudo-R².
    nobs : float
        Rows, or the sum of frequency weights.
    df_model, df_resid : float
        Parameters without the intercepts, and nobs less all parameters. With a ridge penalty the
        effective ones, tr(X'WX H⁻¹) (Gray 1992).
    cov_type : str
    """

    formula: str | None = None
    _design: Any = None  # what a formula makes of a table

    def with_design(self, design: Any) -> Self:
        """The same for tables that `design` turns into columns, and with its terms' names."""
        other = copy(self)
        other._design, other.formula = design, design.formula
        other._contrasts = copy(self._contrasts)
        other._contrasts.terms = design.terms
        return other

    def _columns(self, X: Any) -> Any:
        return X if self._design is None else self._design(X)

    @cached_property
    def _profiles(self) -> Profile:
        self._need_likelihood("A profile")
        if self.cov_type != "nonrobust":
            raise ValueError(
                f"A profile is of the likelihood, not of cov_type={self.cov_type!r}: use "
                "method='wald', or inference without a robust covariance."
            )
        model, data = self.model, self._data
        data = data._replace(X=inputs.dense_enough(data.X))
        with single_threaded_blas(), warnings.catch_warnings():
            warnings.simplefilter("ignore", CollinearityWarning)  # the estimates have told
            problem = likelihood(data, 0.0, model.fit_intercept)
            w, b = model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
            phi = problem.x.from_user(w, b)
            start = phi.ravel() if len(phi) == 1 else (phi[1:] - phi[0]).ravel()
            return Profile(iterate(problem, start, PROFILE_TOL, 100).point)

    def _profile(self, alpha: float) -> Array:
        if self.converged or self.penalised:
            return super()._profile(alpha)
        if self._contrasts.several:
            raise ValueError(
                "The fit did not converge, or the classes are separated: there are profile "
                "intervals of separated classes for two classes only. Use "
                "FirthLogisticRegression, or combine classes."
            )
        # Which ends are infinite a linear program tells: margins are sure but for rounding there.
        objective = self._point.objective
        present = np.ones(objective.design.n, dtype=bool)
        if objective.loss.weight is not None:
            present = objective.loss.weight > 0
        rows = np.flatnonzero(present)
        pairs = Pairs(objective.design.take(rows), self._data.y.codes[rows], 2)
        ends = super()._profile(alpha)
        for end, a in zip(ends, self._contrasts.matrix, strict=True):
            for side, sign in enumerate((-1.0, 1.0)):
                if unbounded(pairs, sign * a):
                    end[side] = sign * np.inf
                elif np.isinf(end[side]):
                    end[side] = np.nan
        return ends

    # -- the model as a whole --------------------------------------------------------------

    @property
    def llf(self) -> float:
        return -self._point.loss

    @cached_property
    def llnull(self) -> float:
        return -self._null[0].loss

    @cached_property
    def _null(self) -> tuple[Point, int]:
        d = self._point.objective.design.d
        slopes = np.arange(d) + self._contrasts.intercept
        return significance.without(self._point, self._contrasts, slopes)

    @property
    def llr(self) -> float:
        return 2 * (self.llf - self.llnull)

    @property
    def llr_pvalue(self) -> float:
        return float(chdtrc(self.df_model, max(self.llr, 0.0)))

    @property
    def deviance(self) -> float:
        return -2 * self.llf

    @property
    def null_deviance(self) -> float:
        return -2 * self.llnull

    @property
    def aic(self) -> float:
        return 2 * self._size - 2 * self.llf

    @property
    def bic(self) -> float:
        return float(np.log(self.nobs)) * self._size - 2 * self.llf

    @property
    def prsquared(self) -> float:
        return 1 - self.llf / self.llnull

    @property
    def df_model(self) -> float:
        return self._size - len(self._contrasts.of_classes) * self._contrasts.intercept

    @property
    def df_resid(self) -> float:
        return self.nobs - self._size

    # -- tests -----------------------------------------------------------------------------

    def wald_test(self, what: Any = None, value: ArrayLike = 0.0) -> ChiSquared:
        """Whether some coefficients are zero, or linear functions of the parameters a value.

        Parameters
        ----------
        what : str, int, list of these, or array (m, number of parameters), optional
            Names or numbers of columns ("Intercept" for the intercept), with several classes tested
            in all of them; or the matrix R of R β = value, its columns in the order of
            `cov_params`, class by class. All slopes if not given.
        value : float or array (m,), default=0

        Returns
        -------
        ChiSquared
            statistic, df, pvalue. By the covariance of `cov_type`.
        """
        given, k = np.asarray(what), len(self._estimate)
        if given.size and (given.ndim == 2 or (given.ndim == 1 and given.dtype.kind == "f")):
            r = np.atleast_2d(given).astype(np.float64)
        else:
            r = np.eye(k)[self._contrasts.places(what)]
        if r.shape[1] != k:
            raise ValueError(f"R has {r.shape[1]} columns; there are {k} parameters.")
        if not self._contrasts.determines(r):
            raise ValueError(
                "The test involves coefficients that the data do not determine (their standard "
                "errors are NaN). Leave out columns that depend on others."
            )
        v = np.asarray(value, dtype=np.float64)
        if v.shape not in ((), (1,), (len(r),)) or not np.isfinite(v).all():
            raise ValueError(f"value must be a number, or one for each of {len(r)} rows of R.")
        return significance.wald(self._estimate, self._whole_cov, r, np.broadcast_to(v, len(r)))

    def lr_test(self, what: Any = None) -> ChiSquared:
        """The likelihood-ratio test that some columns have no effect, or against a nested model.

        Parameters
        ----------
        what : str, int, list of these, or Inference, optional
            Names or numbers of columns; or the inference of a smaller model of the same rows. All
            slopes if not given.

        Returns
        -------
        ChiSquared
            statistic, df, pvalue.
        """
        self._need_likelihood("A likelihood-ratio test")
        if isinstance(what, Inference):
            return self._against(what)
        restricted, df = self._restricted(what)
        return significance.likelihood_ratio(self._point, restricted, df)

    def score_test(self, what: Any = None) -> ChiSquared:
        """The score test (Rao's) that some columns have no effect; all slopes if not given.

        Returns
        -------
        ChiSquared
            statistic, df, pvalue.
        """
        self._need_likelihood("A score test")
        return significance.score(*self._restricted(what))

    def _restricted(self, what: Any) -> tuple[Point, int]:
        if what is None:
            return self._null
        places = self._contrasts.places(what)
        return significance.without(self._point, self._contrasts, places)

    def _against(self, other: "Inference") -> ChiSquared:
        if type(other) is not Inference:
            raise ValueError(
                "The other is no maximum likelihood fit: name the columns to be tested."
            )
        other._need_likelihood("A likelihood-ratio test")
        if not _same_rows(self, other):
            raise ValueError(
                "The two models are of different rows: the test needs the same y, weights and "
                "offset."
            )
        large, small = (self, other) if self._size >= other._size else (other, self)
        df = round(large._size - small._size)
        if not df or not significance.contains(large._point.objective, small._point.objective):
            raise ValueError(
                "The models are not nested: every column of the smaller one must be one of the "
                "larger one's, or a linear function of them."
            )
        return ChiSquared.of(max(2 * (large.llf - small.llf), 0.0), df)

    def _need_likelihood(self, what: str) -> None:
        if self.penalised:
            raise ValueError(f"{what} needs a fit without a penalty: set C=np.inf.")
        if self._weights == "probability":
            raise ValueError(
                f"{what} needs a likelihood, which probability weights do not have; use wald_test."
            )

    # -- fit -------------------------------------------------------------------------------

    def pseudo_r2(self) -> "pd.Series[float]":
        """McFadden's, Cox and Snell's, Nagelkerke's, and with two classes Tjur's R²."""
        import pandas as pd

        each = diagnostics.pseudo_r2(self.llf, self.llnull, self.nobs)
        if not self._contrasts.several:
            weight = self._point.objective.loss.weight
            each["tjur"] = diagnostics.tjur_r2(self._probability, self._data.y.codes, weight)
        return pd.Series(each, name="pseudo_r2")

    def hosmer_lemeshow(self, groups: int = 10) -> diagnostics.HosmerLemeshow:
        """The Hosmer-Lemeshow test of calibration, two classes: rows in `groups` by probability.

        Returns
        -------
        HosmerLemeshow
            statistic, df (groups - 2), pvalue, and the groups' size, probability, observed and
            expected numbers of class 1.
        """
        self._need_two_classes("hosmer_lemeshow")
        weight = self._point.objective.loss.weight
        return diagnostics.hosmer_lemeshow(self._probability, self._data.y.codes, weight, groups)

    def residuals(self, kind: str = "deviance") -> Array:
        """(n_samples,), two classes: "response", "pearson", "deviance", or the last two
        standardised by the leverage, "standardized_pearson" and "standardized_deviance".
        """
        self._need_two_classes("residuals")
        return diagnostics.row_residuals(self._point, kind)

    def leverage(self) -> Array:
        """The diagonal of the hat matrix, (n_samples,), two classes: it adds up to the number of
        parameters.
        """
        self._need_two_classes("leverage")
        return diagnostics.leverage(self._point)

    def cooks_distance(self) -> Array:
        """How far the coefficients would move without a row, (n_samples,), two classes: in
        squared standard errors over the number of parameters, by one Newton step.
        """
        self._need_two_classes("cooks_distance")
        return diagnostics.cooks_distance(self._point, round(self._size))

    @property
    def _probability(self) -> Array:
        """Of class 1, (n,)."""
        return probabilities(self._point.margin[0])[:, 1]

    def _need_two_classes(self, what: str) -> None:
        if self._contrasts.several:
            raise ValueError(f"{what} is for two classes; here are {len(self._data.y.classes)}.")

    # -- effects on probabilities ----------------------------------------------------------

    def marginal_effects(
        self, columns: Any = None, *, at: Any = "overall", discrete: Any = (), alpha: float = 0.05
    ) -> "pd.DataFrame":
        """By how much the probabilities change for each unit of a column.

        Parameters
        ----------
        columns : str, int, or list of these, optional
            All if not given.
        at : "overall", "mean", "median", "zero" or dict, default="overall"
            The average over the rows (weighted), or the effect at the columns' means, medians or
            zeros. A dict gives values for some columns, {name: value}, in all rows.
        discrete : "auto" or list of names or numbers, default=()
            Columns whose effect is the difference of the probabilities at 1 and at 0; "auto" takes
            those that hold nothing else. The others' is the derivative.
        alpha : float, default=0.05

        Returns
        -------
        DataFrame
            A row a column (and with several classes a class): dy_dx, std_err (delta method), z, p,
            lower, upper.
        """
        check_alpha(alpha)
        contrasts = self._contrasts
        if isinstance(at, Mapping):
            people = self._people.with_values({contrasts.number(k): v for k, v in at.items()})
        else:
            people = self._people.at(at)
        if isinstance(discrete, str) and discrete == "auto":
            pairs = self._people.zero_one()
        else:
            pairs = contrasts.numbers(discrete) if len(discrete) else []
        found = effects.marginal(people, self._beta, contrasts.numbers(columns), pairs)
        return effects.table(found, self._whole_cov, contrasts, alpha)

    def predict(
        self, X: Any, offset: ArrayLike | None = None, *, alpha: float = 0.05
    ) -> "pd.DataFrame":
        """Probabilities with confidence intervals.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
            Of a formula a table with the columns that it names.
        offset : array-like (n_samples,) or (n_samples, n_classes), optional
        alpha : float, default=0.05

        Returns
        -------
        DataFrame
            A row a row of X, with its index: probability, std_err, lower, upper; of two classes
            those of the one that is not the baseline, with several of each, as columns (class,
            ...). The interval is made from that of the log-odds, so it stays between 0 and 1.
        """
        check_alpha(alpha)
        self.model.decision_function(self._columns(X), offset)  # says what is wrong with X
        table = inputs.numeric_table(self.model, self._columns(X), reset=False)
        known = inputs.check_offset(offset, table.shape[0], len(self._data.y.classes))
        people = effects.Population.of(table, known, None, self._contrasts)
        frame = effects.intervals(people, self._beta, self._whole_cov, self._contrasts, alpha)
        return frame if getattr(X, "index", None) is None else frame.set_axis(X.index)

    def predict_proba(self, X: Any, offset: ArrayLike | None = None) -> Array:
        """The probability of each class, (n_samples, n_classes), as the estimator's."""
        proba: Array = self.model.predict_proba(self._columns(X), offset)
        return proba

    @property
    def _beta(self) -> Array:
        """The parameters of all classes (K, k), those of the baseline being 0."""
        beta = np.zeros((len(self._data.y.classes), len(self._contrasts.names)))
        beta[self._contrasts.others] = self._estimate.reshape(len(self._contrasts.others), -1)
        return beta

    @property
    def _people(self) -> effects.Population:
        weight = self._point.objective.loss.weight
        return effects.Population.of(self._data.X, self._data.offset, weight, self._contrasts)

    # -- tables ----------------------------------------------------------------------------

    def to_frame(self, alpha: float = 0.05) -> "pd.DataFrame":
        """A row a parameter: coef, std_err, z, p, lower, upper."""
        frame = self.conf_int(alpha)
        columns = {"coef": self._estimate, "std_err": self._errors, "z": self._z, "p": self._p}
        for place, (name, values) in enumerate(columns.items()):
            frame.insert(place, name, values)
        return frame

    def summary(self, alpha: float = 0.05) -> Summary:
        """The table in words: ``print(inference.summary())``, or shown in a notebook."""
        return Summary(self, alpha)

    @property
    def baseline(self) -> Any:
        """The class that the others are compared with."""
        return self._contrasts.baseline_label

    @property
    def classes(self) -> list[Any]:
        """The classes that are compared with it."""
        labels: list[Any] = self._contrasts.classes.tolist()
        return labels

    @property
    def kind(self) -> str:
        """What the estimate is, in words."""
        return "ridge: the posterior about its mode" if self.penalised else "maximum likelihood"

    @property
    def has_likelihood(self) -> bool:
        """Whether its likelihood is one: not that of probability weights."""
        return self._weights == "frequency"

    @property
    def penalised(self) -> bool:
        """Whether the estimate is that of a ridge penalty."""
        return self._point.objective.penalty.anything

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def _same_rows(a: Inference, b: Inference) -> bool:
    """Whether two inferences are of the same classes, weights and offsets."""
    pairs = [
        (a._data.y.codes, b._data.y.codes),
        (a._data.y.classes, b._data.y.classes),
        (a._data.weight, b._data.weight),
        (a._data.offset, b._data.offset),
    ]
    return all(x is y or np.array_equal(x, y) for x, y in pairs)  # type: ignore[arg-type]


def infer(
    model: Any,
    data: inputs.Data,
    cov_type: str,
    groups: Any,
    weights: str,
    baseline: Any,
) -> Inference:
    """The inference of a fitted LogisticRegression, at its coefficients, from checked data."""
    n, d = data.X.shape
    point, contrasts = posed(model, data, prior(model, n, d), baseline)
    return Inference(
        copy(model),
        data,
        point,
        contrasts,
        cov_type=cov_type,
        groups=None if groups is None else inputs.group_codes(groups, n),
        weights=weights,
        converged=model.outcome_ is Outcome.CONVERGED,
    )


def prior(model: Any, n: int, d: int) -> ElasticNet:
    """The ridge penalty of the model."""
    factors = inputs.penalty_factors(model.penalty_weights, d)
    C = float(np.mean(getattr(model, "C_", getattr(model, "C", np.inf))))  # as was cross-validated
    if d > n:  # factors keep the user's columns: in the row space there is no covariance for them
        factors = np.ones(d) if factors is None else factors
    return ElasticNet.of(C, 0.0, factors)


def posed(
    model: Any, data: inputs.Data, penalty: ElasticNet, baseline: Any
) -> tuple[Point, Contrasts]:
    """The problem at the model's coefficients, and the parameters to report."""
    n, d = data.X.shape
    if not penalty.anything and d + model.fit_intercept > n:
        raise ValueError(
            f"X has {n} rows for {d + model.fit_intercept} coefficients: without a penalty "
            "inference needs more rows than coefficients. Leave columns out, or set a finite C."
        )
    objective = pose(data, penalty, model.fit_intercept, thread_count(model.n_jobs), quiet=True)
    if objective.size > LARGEST:
        raise ValueError(
            f"The covariance of {objective.size} coefficients is a matrix of that size squared; "
            f"inference takes up to {LARGEST}. Select columns first."
        )
    labels = inputs.column_labels(data.names, d)
    first = model.classes_.tolist()[0]
    contrasts = Contrasts(
        objective, model.classes_, first if baseline is None else baseline, labels
    )
    w, b = model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
    theta = objective.design.from_user(w, b)
    theta -= theta.mean(axis=0) if len(theta) > 1 else 0.0
    return objective.at(theta.ravel()), contrasts

"""Intervals, the likelihood of the model as a whole, and tests of columns."""

import numbers
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import block_diag
from scipy.special import chdtrc, ndtri

from logreg import inputs, significance
from logreg.corrections import iterate
from logreg.corrections import pose as likelihood
from logreg.estimates import Estimates
from logreg.jeffreys import Jeffreys
from logreg.jeffreys_point import JeffreysPoint
from logreg.outcome import CollinearityWarning, Outcome
from logreg.pairs import Pairs
from logreg.profile import Profile
from logreg.recession import Recession, Witness, unbounded
from logreg.significance import ChiSquared, Restricted
from logreg.supremum import ENOUGH, of_separated, ridge_estimates
from logreg.threads import single_threaded_blas

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

PROFILE_TOL = 1e-9  # standard errors
NEAR = 0.01  # below the supremum of a likelihood: from where its profile is followed


class Likelihood(Estimates):
    """Estimates with the likelihood that they maximise (with ridge: nearly)."""

    @property
    def has_likelihood(self) -> bool:
        """Whether its likelihood is one: not that of probability weights."""
        return self._weights == "frequency"

    @property
    def penalised(self) -> bool:
        """Whether the estimate is that of a ridge penalty."""
        return self._point.objective.penalty.anything

    # -- intervals -------------------------------------------------------------------------

    def conf_int(self, alpha: float = 0.05, method: str = "wald") -> "pd.DataFrame":
        """Confidence intervals of the parameters.

        Parameters
        ----------
        alpha : float, default=0.05
            1 - the level.
        method : "wald" or "profile", default="wald"
            Estimate ± quantile times standard error; or all values that a likelihood-ratio test
            does not reject (Venzon and Moolgavkar 1988), where an end may be infinite; NaN, with a
            warning, where rounding hides it.

        Returns
        -------
        DataFrame (k, 2) or (k (K - 1), 2)
            Columns "lower" and "upper".
        """
        import pandas as pd

        check_alpha(alpha)
        if method == "wald":
            half = -ndtri(alpha / 2) * self._errors
            ends = np.column_stack([self._estimate - half, self._estimate + half])
        elif method == "profile":
            ends = self._profile(alpha)
        else:
            raise ValueError(f"method must be 'wald' or 'profile', got {method!r}.")
        return pd.DataFrame(ends, index=self._contrasts.index, columns=["lower", "upper"])

    def odds_ratios(self, alpha: float = 0.05, method: str = "wald") -> "pd.DataFrame":
        """exp(coefficient): by what the odds are multiplied for each unit of a column, with its
        confidence interval, as `conf_int`. The intercept's is the odds at zero.

        Returns
        -------
        DataFrame with columns "odds_ratio", "lower", "upper"
        """
        ends = self.conf_int(alpha, method)
        ends.insert(0, "odds_ratio", self.estimates_within(ends.to_numpy()))
        with np.errstate(over="ignore"):
            return ends.apply(np.exp)

    def estimates_within(self, ends: Array) -> Array:
        """The estimates (r,) beside intervals (r, 2). Of separated classes the fit stopped on the
        way: where a profile never falls on one side, the estimate is infinite.
        """
        if not self.separated or self.penalised:
            return self._estimate
        below, above = (np.isinf(ends) & (ends == [-np.inf, np.inf])).T
        infinite = np.where(above, np.inf, -np.inf)
        return np.where(below != above, infinite, self._estimate)

    @cached_property
    def _profiles(self) -> Profile:
        self._need_likelihood("A profile", "method='wald'")
        self._check()
        model, data = self.model, self._data
        data = data._replace(X=inputs.dense_enough(data.X))
        with single_threaded_blas(), warnings.catch_warnings():
            warnings.simplefilter("ignore", CollinearityWarning)  # the estimates have told
            problem = likelihood(data, 0.0, model.fit_intercept)
        with single_threaded_blas():
            start = problem.of_coefficients(model.coef_, model.intercept_)
            if self._complete:
                return Profile(self._near_supremum(problem), top=0.0)
            fit = iterate(problem, start, PROFILE_TOL, 100)
        distance = fit.history[-1].distance
        if fit.outcome is not Outcome.SEPARATED and not distance <= ENOUGH:
            self._say(
                f"Profiles start {distance:.1e} standard errors from the optimum, which was not "
                "found: their ends are as far off. Use method='wald', or FirthLogisticRegression."
            )
        return Profile(fit.point)

    @property
    def _witness(self) -> Witness | None:
        """A linear program that says whether classes are separated; None where there are no rows
        for it.
        """
        return Witness(self._data.y)

    @cached_property
    def _asked(self) -> Witness | None:
        """That of the fit itself, which answers once."""
        return self._witness

    @cached_property
    def _recession(self) -> Recession | None:
        """The direction that tells separated classes apart; None where the fit converged.

        A fit of them stops where its margins tell all rows' classes, which proves complete
        separation; or on the way there, or nowhere near, if an offset hides what they tell.
        """
        return self._asked.ask(self._point) if self.separated and self._asked else None

    @property
    def _complete(self) -> bool:
        """Whether all rows are told apart, so that the log-likelihood nears 0."""
        return self._recession is not None and self._recession.complete

    def _near_supremum(self, problem: Jeffreys) -> JeffreysPoint:
        """Where the log-likelihood of completely separated classes is all but 0."""
        point = problem.at(problem.start())
        for w, b in ridge_estimates(self._point.objective):
            point = problem.at(problem.of_coefficients(w, b))
            if point.value > -NEAR and problem.separates(point.phi):
                break
        return point

    def _profile(self, alpha: float) -> Array:
        """The ends (r, 2) of the profiles: NaN where the data do not determine a parameter."""
        self._warn_of_dependence()
        infinite, profiles = self._infinite, self._profiles
        target = profiles.target(1 - alpha)
        ends = np.full((len(self._estimate), 2), np.nan)
        rows = self._rows_of(profiles.best)
        with single_threaded_blas():  # matrices so small that threads would wait for each other
            for j, side in np.argwhere(self._contrasts.determined[:, None] & ~infinite):
                ends[j, side] = profiles.end(rows[j], target, 2.0 * side - 1)
        if self.separated:  # margins are sure but for rounding, which hides some ends
            ends[np.isinf(ends)] = np.nan
        hidden = self._contrasts.determined[:, None] & ~infinite & np.isnan(ends)
        if hidden.any():
            names = [label for label, h in zip(self._labels, hidden, strict=True) if h.any()]
            self._say(
                f"Ends of the profiles of {', '.join(names)} are not found, for rounding, and NaN: "
                "take method='wald' for these, or combine rare classes or levels."
            )
        return np.where(infinite, [-np.inf, np.inf], ends)

    @cached_property
    def _infinite(self) -> NDArray[np.bool_]:
        """Which ends of the profiles are infinite, (r, 2): of separated classes a linear program
        tells.
        """
        infinite = np.zeros((len(self._estimate), 2), dtype=bool)
        if not self.separated or self.penalised:
            return infinite
        if self._contrasts.several:
            raise ValueError(
                "The classes are separated: there are profile intervals of separated classes for "
                "two classes only. Use FirthLogisticRegression, or combine classes."
            )
        objective = self._point.objective
        present = np.ones(objective.design.n, dtype=bool)
        if objective.loss.weight is not None:
            present = objective.loss.weight > 0
        rows = np.flatnonzero(present)
        pairs = Pairs(objective.design.take(rows), self._data.y.codes[rows], 2)
        for j in np.flatnonzero(self._contrasts.determined):
            a = self._contrasts.matrix[j]
            infinite[j] = unbounded(pairs, -a), unbounded(pairs, a)
        return infinite

    def _rows_of(self, point: JeffreysPoint) -> Array:
        """The reported parameters as functions of a point's, (r, q rank)."""
        user = block_diag(*[point.problem.x.user] * point.problem.q)
        return np.asarray(self._contrasts.against_first @ user, dtype=np.float64)

    # -- the model as a whole --------------------------------------------------------------

    @property
    def llf(self) -> float:
        self._check()
        return self._supremum

    @cached_property
    def _supremum(self) -> float:
        if not self.separated or self.penalised:
            return -self._point.loss
        return of_separated(self._point, self._asked)

    @cached_property
    def llnull(self) -> float:
        return self._null.best.llf

    @cached_property
    def _null(self) -> Restricted:
        self._check()
        d = self._point.objective.design.d
        slopes = np.arange(d) + self._contrasts.intercept
        return significance.without(self._point, self._contrasts, slopes, self._witness)

    @property
    def llr(self) -> float:
        return 2 * (self.llf - self.llnull)

    @property
    def llr_pvalue(self) -> float:
        self._need_likelihood("llr_pvalue")
        return float(chdtrc(self.df_model, max(self.llr, 0.0)))

    @property
    def deviance(self) -> float:
        return -2 * self.llf

    @property
    def null_deviance(self) -> float:
        return -2 * self.llnull

    @property
    def aic(self) -> float:
        self._need_counts("AIC")
        return 2 * self._size - 2 * self.llf

    @property
    def bic(self) -> float:
        self._need_counts("BIC")
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
        r = self._contrasts.functions(what)
        if not self._contrasts.determines(r).all():
            raise ValueError(
                "The test involves coefficients that the data do not determine (their standard "
                "errors are NaN). Leave out columns that depend on others."
            )
        v = np.asarray(value)
        fits = v.shape in ((), (1,), (len(r),)) and v.dtype.kind in "biuf"
        if not (fits and np.isfinite(v).all()):
            raise ValueError(
                f"value must be a number, or one for each of {len(r)} rows of R, got {value!r}."
            )
        return significance.wald(self._estimate, self._whole_cov, r, v.astype(np.float64))

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
        if isinstance(what, Likelihood):
            return self._against(what)
        return significance.likelihood_ratio(self.llf, self._restricted(what))

    def score_test(self, what: Any = None) -> ChiSquared:
        """The score test (Rao's) that some columns have no effect; all slopes if not given.

        Returns
        -------
        ChiSquared
            statistic, df, pvalue.
        """
        self._need_likelihood("A score test")
        return significance.score(self._restricted(what))

    def _restricted(self, what: Any) -> Restricted:
        if what is None:
            return self._null
        self._check()
        places = self._contrasts.places(what)
        return significance.without(self._point, self._contrasts, places, self._witness)

    def _against(self, other: "Likelihood") -> ChiSquared:
        if type(other) is not type(self):
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

    def _need_likelihood(self, what: str, instead: str = "wald_test") -> None:
        """Raise where the estimate does not maximise the likelihood, or its covariance is another's
        than the likelihood's.
        """
        if self.penalised:
            raise ValueError(f"{what} needs a fit without a penalty: set C=np.inf.")
        self._need_counts(what, f"; use {instead}")
        if self.cov_type != "nonrobust":
            raise ValueError(
                f"{what} is of the likelihood, not of cov_type={self.cov_type!r}: use {instead}, "
                "or inference without a robust covariance."
            )

    def _need_counts(self, what: str, instead: str = "") -> None:
        """Raise where weights do not count rows: their size would be that of the answer."""
        if self._weights == "probability":
            raise ValueError(
                f"{what} needs a likelihood, which probability weights do not have{instead}."
            )


def _same_rows(a: Likelihood, b: Likelihood) -> bool:
    """Whether two inferences are of the same classes, weights and offsets."""
    x, y = a._data, b._data
    return (
        np.array_equal(x.y.codes, y.y.codes)
        and np.array_equal(x.y.classes, y.y.classes)
        and _same(x.weight, y.weight, 1.0)
        and _same(x.offset, y.offset, 0.0)
    )


def _same(x: Array | None, y: Array | None, default: float) -> bool:
    """Whether they agree, None standing for an array of `default`."""
    if x is None or y is None:
        return all(part is None or bool(np.all(part == default)) for part in (x, y))
    return np.array_equal(x, y)


def check_alpha(alpha: float) -> None:
    if not (isinstance(alpha, numbers.Real) and 0 < float(alpha) < 1):
        raise ValueError(f"alpha must lie between 0 and 1 (0.05 for 95 %), got {alpha!r}.")

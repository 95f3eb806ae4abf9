"""The inference of a Firth fit: by the penalised likelihood, as logistf gives it.

Wald's interval is poor where Firth's estimate is used, near separation; so intervals are those of
the penalised likelihood's profile, and p-values of its ratio (Heinze and Schemper 2002), if not
asked for otherwise. The standard errors are those of the information at the estimate.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from logreg.contrasts import Contrasts
from logreg.estimates import FAR
from logreg.inference import Inference
from logreg.inputs import Data
from logreg.jeffreys_point import JeffreysPoint
from logreg.point import Point
from logreg.profile import Profile
from logreg.significance import ChiSquared
from logreg.threads import single_threaded_blas

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

NOTHING = 1e-10  # of the largest singular value
TINY = float(np.finfo(float).tiny)
KINDS = {
    "firth": "Firth's penalised likelihood",
    "flic": "Firth's penalised likelihood, the intercept by maximum likelihood (FLIC)",
    "flac": "Firth's penalised likelihood with an added covariate (FLAC)",
    "median": "median bias reduction",
}


class FirthInference(Inference):
    """Made by ``FirthLogisticRegression.inference``: as :class:`Inference`, but

    - `pvalues`, `lr_test` and `llr` are of the *penalised* likelihood ratio, the penalty being that
      of all columns in the smaller models too (logistf's convention);
    - `conf_int` is of its profile if not asked for otherwise;
    - after correction="median", which maximises nothing, both are Wald's;
    - of "flic" all of this is about Firth's fit, and the intercept's interval Wald's.

    Attributes
    ----------
    penalised_llf : float
        The log-likelihood with its penalty, at the estimate.
    """

    def __init__(
        self,
        model: Any,
        data: Data,
        point: Point,
        contrasts: Contrasts,
        *,
        solution: JeffreysPoint,
        converged: bool,
    ) -> None:
        super().__init__(model, data, point, contrasts, converged=converged)
        self._solution = solution

    @property
    def kind(self) -> str:
        return KINDS[self.model.correction]

    @property
    def has_likelihood(self) -> bool:
        """Whether the estimate maximises one."""
        return bool(self.model.correction != "median")

    @property
    def penalised_llf(self) -> float:
        return self._solution.value

    @cached_property
    def _whole_cov(self) -> Array:
        self._warn()
        return self._cov_of_solution

    @cached_property
    def _cov_of_solution(self) -> Array:
        m = self._contrasts.against_first
        cov: Array = m @ self._solution.covariance() @ m.T
        return cov

    def _check(self, *, finite: bool = False) -> None:
        """Of the estimate, which is the fit's, and all else, which is of the data given now."""
        away = self._estimate - self._rows_of(self._solution) @ self._solution.phi
        if self.model.correction == "flic" and self._contrasts.intercept:
            away[0] = 0.0
        away = np.where(self._contrasts.determined, np.abs(away), 0.0)
        errors = np.sqrt(self._cov_of_solution.diagonal())
        distance = float(np.max(away / np.maximum(errors, TINY), initial=0.0))
        if self.converged and distance > FAR:
            self._say(
                f"The coefficients are {distance:.1e} standard errors from the fit of these "
                "data: give inference the data, weights and offset of the fit."
            )
        self._check_convergence(finite)

    def _need_likelihood(self, what: str, instead: str = "wald_test") -> None:
        if not self.has_likelihood:
            raise ValueError(
                f"{what} needs a likelihood, and median bias reduction maximises none: use "
                f"{instead}, or correction='firth'."
            )

    @cached_property
    def _profiles(self) -> Profile:
        self._need_likelihood("A profile or a likelihood ratio", "method='wald' and wald_test")
        self._check()
        return Profile(self._solution)

    @cached_property
    def _p(self) -> Array:
        if not self.has_likelihood:
            return super()._p
        self._warn_of_dependence()
        known = self._contrasts.determined
        with single_threaded_blas():
            tests = [
                self._ratio(a[None], 1).pvalue if fixed else np.nan
                for a, fixed in zip(self._rows_of(self._solution), known, strict=True)
            ]
        return np.array(tests)

    def _ratio(self, rows: Array, df: int) -> ChiSquared:
        statistic = self._profiles.ratio(rows, np.zeros(len(rows)))
        if np.isnan(statistic):
            self._say(
                "The penalised likelihood is higher with coefficients held at zero than at the "
                "fit: it has several maxima, and the fit is at a lower one. Its tests are NaN; "
                "fit again with warm_start=True and other coef_ to begin at."
            )
        return ChiSquared.of(statistic, df)

    def conf_int(self, alpha: float = 0.05, method: str | None = None) -> "pd.DataFrame":
        """Confidence intervals, as :meth:`Inference.conf_int`; "profile" if `method` is not given
        (and "wald" after correction="median").
        """
        chosen = method or ("profile" if self.has_likelihood else "wald")
        ends = super().conf_int(alpha, chosen)
        if self.model.correction == "flic" and chosen == "profile" and self._contrasts.intercept:
            ends.iloc[0] = super().conf_int(alpha, "wald").iloc[0]
        return ends

    def odds_ratios(self, alpha: float = 0.05, method: str | None = None) -> "pd.DataFrame":
        """exp(coefficient) with its interval, as `conf_int` gives it."""
        chosen = method or ("profile" if self.has_likelihood else "wald")
        return super().odds_ratios(alpha, chosen)

    def lr_test(self, what: Any = None) -> ChiSquared:
        """The penalised likelihood-ratio test that some columns have no effect; all slopes if not
        given.
        """
        if isinstance(what, Inference):
            raise ValueError(
                "Two Firth fits have different penalties, so their likelihoods do not compare: "
                "name the columns to be tested."
            )
        rows = self._without(self._contrasts.places(what))
        with single_threaded_blas():
            return self._ratio(rows, len(rows)) if len(rows) else ChiSquared.of(0.0, 0)

    def _without(self, places: NDArray[np.intp]) -> Array:
        """What vanishes of φ where these columns have no effect, as rows: the complement of what
        the others span. (Of columns that depend on each other one alone may be left out freely.)
        """
        x, contrasts = self._solution.problem.x, self._contrasts
        columns = np.unique(places % len(contrasts.names)) - contrasts.intercept
        if (columns < 0).any():
            raise ValueError("The intercept is tested by wald_test, or by its interval.")
        keep = np.setdiff1d(np.arange(x.back.shape[1]), columns)
        others = np.zeros((x.rank, len(keep) + x.rank - len(x.back)))
        others[: len(x.back), : len(keep)] = x.back[:, keep]
        others[len(x.back) :, len(keep) :] = np.eye(x.rank - len(x.back))  # FLAC's covariate
        u, sizes, _ = np.linalg.svd(others)
        rank = int(np.sum(sizes > NOTHING * sizes.max(initial=0.0)))
        return np.kron(np.eye(self._solution.problem.q), u[:, rank:].T)

    def score_test(self, what: Any = None) -> ChiSquared:
        """There is none: see `lr_test`."""
        raise ValueError("There is no score test of a Firth fit: use lr_test.")

    @property
    def llr(self) -> float:
        return self.lr_test().statistic if self.has_likelihood else super().llr

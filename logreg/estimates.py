"""Estimates with their covariance: standard errors and Wald's statistics."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from logreg import inputs, significance
from logreg.contrasts import Contrasts
from logreg.covariance import (
    information_covariance,
    meat_of_clusters,
    meat_of_rows,
    sandwich,
)
from logreg.outcome import CollinearityWarning, ConvergenceWarning, Outcome, warn_caller
from logreg.point import Point

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

FAR = 1e-3  # standard errors from the optimum, beyond which it is no estimate of these data


class Estimates:
    """The parameters at a point of the problem, and how surely the data tell them."""

    def __init__(
        self,
        model: Any,
        data: inputs.Data,
        point: Point,
        contrasts: Contrasts,
        *,
        cov_type: str = "nonrobust",
        groups: NDArray[np.intp] | None = None,
        weights: str = "frequency",
        converged: bool = True,
    ) -> None:
        self.model, self._data = model, data
        self._point, self._contrasts = point, contrasts
        self._groups, self._weights = groups, weights
        self.cov_type, self.converged = cov_type, converged
        self._said: set[str] = set()

    @property
    def separated(self) -> bool:
        """Whether the fit stopped on the way to infinity, as the classes are separated."""
        return bool(self.model.outcome_ is Outcome.SEPARATED)

    # -- estimates -----------------------------------------------------------------------------

    @property
    def params(self) -> Any:
        return self._contrasts.table(self._estimate)

    @property
    def bse(self) -> Any:
        return self._contrasts.table(self._errors)

    @property
    def zvalues(self) -> Any:
        return self._contrasts.table(self._z)

    @property
    def pvalues(self) -> Any:
        return self._contrasts.table(self._p)

    @cached_property
    def _estimate(self) -> Array:
        return self._contrasts.of(self._point.theta)

    @cached_property
    def _errors(self) -> Array:
        with np.errstate(invalid="ignore"):
            errors: Array = np.sqrt(self._cov.diagonal())
        return errors

    @property
    def _z(self) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            z: Array = self._estimate / self._errors
        return z

    @property
    def _p(self) -> Array:
        p: Array = 2 * ndtr(-np.abs(self._z))
        return p

    @cached_property
    def _cov(self) -> Array:
        """(r, r), NaN where the data do not determine a parameter."""
        cov = self._whole_cov.copy()
        lost = ~self._contrasts.determined
        cov[lost], cov[:, lost] = np.nan, np.nan
        return cov

    @cached_property
    def _whole_cov(self) -> Array:
        """The same, right for what the data determine though it involves other parameters."""
        self._warn()
        point, m = self._point, self._contrasts.matrix
        if self.cov_type == "nonrobust":
            return information_covariance(point, m)
        cov = sandwich(point, m, self._meat())
        if np.any(cov.diagonal() < 0):
            warn_caller(
                "Clustering in several ways gives some negative variances, as it may with few "
                "clusters: their standard errors are NaN. Cluster in one way.",
                UserWarning,
            )
        return cov

    def _meat(self) -> Array:
        n, k = self.nobs, self._size
        if self.cov_type != "HC0" and n <= k:
            raise ValueError(
                f"cov_type={self.cov_type!r} corrects by 1 / (n - k), and there are n = {n:g} "
                f"observations for k = {k:g} parameters. Frequency weights add up to n: for "
                "weights that do not count rows set weights='probability', or take 'HC0'."
            )
        if self.cov_type == "cluster":
            assert self._groups is not None
            weight = self._point.objective.loss.weight
            return meat_of_clusters(self._point, self._groups, weight, (n - 1) / (n - k))
        meat = self._meat_of_rows()
        return meat * (n / (n - k)) if self.cov_type == "HC1" else meat

    def _meat_of_rows(self) -> Array:
        weight = self._point.objective.loss.weight
        if weight is not None:  # Σ s u u', or Σ s² u u'
            weight = weight if self._weights == "frequency" else weight**2
        return meat_of_rows(self._point, weight)

    def _warn(self) -> None:
        """What makes a table of standard errors untrue."""
        self._warn_of_dependence()
        if all(self._determined) and not self._point.metric.sound:
            self._say(
                "Columns nearly depend on each other: the standard errors have few correct "
                "digits. Leave columns out.",
                CollinearityWarning,
            )
        self._check(finite=True)

    def _warn_of_dependence(self) -> None:
        """Name what the data do not determine."""
        lost = [
            label for label, known in zip(self._labels, self._determined, strict=True) if not known
        ]
        if lost:
            some = ", ".join(lost[:10]) + (f" and {len(lost) - 10} more" if len(lost) > 10 else "")
            self._say(
                f"Columns depend on each other: the data do not determine {some}, whose standard "
                "errors and intervals are NaN. Leave columns out.",
                CollinearityWarning,
            )

    def _check(self, *, finite: bool = False) -> None:
        """Warn where these are not the data of a fit that converged; of separated classes where
        what follows needs a `finite` estimate.
        """
        distance = self._point.decrement if self.converged else 0.0
        if distance > FAR:
            self._say(
                f"The coefficients are {distance:.1e} standard errors from the optimum of these "
                "data: give inference the data, weights and offset of the fit."
            )
        self._check_convergence(finite)

    def _check_convergence(self, finite: bool) -> None:
        if not self.converged and (finite or not self.separated):
            self._say(
                "The fit did not converge, or the classes are separated: standard errors and tests "
                "are not to be relied on. See FirthLogisticRegression for separated classes."
            )

    def _say(self, sentence: str, kind: type[Warning] = ConvergenceWarning) -> None:
        """Once, whatever is asked for."""
        if sentence not in self._said:
            warn_caller(sentence, kind)
            self._said.add(sentence)

    @property
    def _labels(self) -> list[str]:
        return self._contrasts.labels()

    @property
    def _determined(self) -> list[bool]:
        known: list[bool] = self._contrasts.determined.tolist()
        return known

    def cov_params(self) -> "pd.DataFrame":
        """The covariance matrix of the parameters, with their names."""
        import pandas as pd

        index = self._contrasts.index
        return pd.DataFrame(self._cov, index=index, columns=index)

    @cached_property
    def nobs(self) -> float:
        weight = self._point.objective.loss.weight
        if weight is None:
            return float(self._point.objective.design.n)
        return float(weight.sum() if self._weights == "frequency" else np.count_nonzero(weight))

    @cached_property
    def _size(self) -> float:
        """Parameters, or effective ones under a penalty."""
        objective, others = self._point.objective, len(self._contrasts.of_classes)
        if not objective.penalty.anything:
            return float(significance.rank(objective) * others)
        plain = objective.stronger(0.0).hessian(self._point)
        return float(np.trace(self._point.metric.solve(plain)))

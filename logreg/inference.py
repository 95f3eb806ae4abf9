"""Inference: what the data say about the coefficients, and how surely.

The standard errors are those of the information matrix H = X'WX at the optimum (or of a sandwich
around it), p-values and intervals are Wald's unless a likelihood is asked for. See
:meth:`logreg.LogisticRegression.inference`.
"""

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from logreg import diagnostics, effects, inputs
from logreg.contrasts import Contrasts
from logreg.likelihood import Likelihood, check_alpha
from logreg.linear_classifier import probabilities
from logreg.outcome import Outcome
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.problem import pose
from logreg.summary import Summary
from logreg.threads import thread_count

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

LARGEST = 5000  # parameters


class Inference(Likelihood):
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
        Log-likelihood, and that of the intercept alone (and the offset): of separated classes the
        supremum, 0 if completely. With probability weights each row's share is times its weight.
    llr, llr_pvalue : float
        Twice their difference, and its chi-squared p-value on `df_model` degrees of freedom; the
        latter, as `lr_test`, without a penalty, robust covariance or probability weights only.
    deviance, null_deviance : float
        -2 llf and -2 llnull, the rows taken one by one.
    aic, bic : float
        Not with probability weights. With a ridge penalty of the effective parameters.
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

    def _offset_of(self, X: Any, offset: Any) -> Any:
        if self._design is None:
            return offset
        offset = self._design.offset if offset is None else offset
        return None if offset is None else self._design.values(X, "offset", offset)

    # -- fit -------------------------------------------------------------------------------

    def pseudo_r2(self) -> "pd.Series[float]":
        """McFadden's, Cox and Snell's, Nagelkerke's, and with two classes Tjur's R². With
        probability weights the two without a number of rows, McFadden's and Tjur's.
        """
        import pandas as pd

        self._check(finite=True)
        n = self.nobs if self._weights == "frequency" else None
        each = diagnostics.pseudo_r2(self.llf, self.llnull, n)
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
        self._need_counts("hosmer_lemeshow")
        weight = self._point.objective.loss.weight
        return diagnostics.hosmer_lemeshow(self._probability, self._data.y.codes, weight, groups)

    def residuals(self, kind: str = "deviance") -> Array:
        """(n_samples,), two classes: "response", "pearson", "deviance", or the last two
        standardised by the leverage, "standardized_pearson" and "standardized_deviance". A weight
        counts as so many rows that agree; with probability weights there is "response" only.
        """
        self._need_two_classes("residuals")
        if kind != "response":
            self._need_counts("A residual other than kind='response'")
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
        self._need_counts("cooks_distance")
        return diagnostics.cooks_distance(self._point, self._size)

    @property
    def _probability(self) -> Array:
        """Of class 1, (n,)."""
        return probabilities(self._point.margin[0])[:, 1]

    def _need_two_classes(self, what: str) -> None:
        if self._contrasts.several:
            raise ValueError(f"{what} is for two classes; here are {len(self._data.y.classes)}.")
        self._check(finite=True)

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
            zeros, with the mean offset in each case. A dict gives values for some columns, {name:
            value}, in all rows; all other columns keep the rows' values, those of the same factor
            too: give all of its dummies.
        discrete : "auto", name, number or list of these, default=()
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
            none = discrete is None or (np.ndim(discrete) and not len(discrete))
            pairs = [] if none else contrasts.numbers(discrete)
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
            Of a formula's table the name of a column, or of several, as well.
        alpha : float, default=0.05

        Returns
        -------
        DataFrame
            A row a row of X, with its index: probability, std_err, lower, upper; of two classes
            those of the one that is not the baseline, with several of each, as columns (class,
            ...). The interval is made from that of the log-odds, so it stays between 0 and 1.
        """
        check_alpha(alpha)
        columns, given = self._columns(X), self._offset_of(X, offset)
        self.model.decision_function(columns, given)  # says what is wrong with X
        table = inputs.numeric_table(self.model, columns, reset=False)
        known = inputs.check_offset(given, table.shape[0], len(self._data.y.classes))
        people = effects.Population.of(table, known, None, self._contrasts)
        frame = effects.intervals(people, self._beta, self._whole_cov, self._contrasts, alpha)
        return frame if getattr(X, "index", None) is None else frame.set_axis(X.index)

    def predict_proba(self, X: Any, offset: ArrayLike | None = None) -> Array:
        """The probability of each class, (n_samples, n_classes), as the estimator's."""
        proba: Array = self.model.predict_proba(self._columns(X), self._offset_of(X, offset))
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
    def terms(self) -> Mapping[str, list[str]]:
        """The columns of each term of a formula."""
        return self._contrasts.terms

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

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


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
        converged=getattr(model, "outcome_", None) in (Outcome.CONVERGED, None),  # of a stream
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
        of_ridge = ", or set a finite C" if hasattr(model, "C") else ""  # Firth's has none
        raise ValueError(
            f"X has {n} rows for {d + model.fit_intercept} coefficients: inference needs no fewer "
            f"rows than coefficients. Leave columns out{of_ridge}."
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

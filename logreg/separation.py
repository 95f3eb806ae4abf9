"""Whether the classes are separated, and which coefficients have no finite value."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from logreg import inputs
from logreg.estimator import LogisticRegression
from logreg.minimize import minimize
from logreg.outcome import CollinearityWarning
from logreg.parameters import check_parameters
from logreg.penalty import ElasticNet
from logreg.problem import pose, stopping_distance
from logreg.recession import recession, runaways
from logreg.solvers import SOLVERS, choose
from logreg.threads import single_threaded_blas, thread_count

Array = NDArray[np.float64]

TOL, MAX_ITER = 1e-6, 200  # of the fit that comes first


@dataclass(frozen=True, eq=False)
class Separation:
    """Whether the classes can be told apart, and by what.

    Attributes
    ----------
    kind : str
        "complete": some direction gives the own class of every row a margin above all others.
        "quasi-complete": of some rows, and no other row objects. "overlap": no direction does, and
        the maximum likelihood estimate is finite.
    separated : bool
        Whether `kind` is not "overlap".
    direction, intercept_direction : ndarray (1, n_features), (1,) or (n_classes, n_features), ...
        Along it no row's likelihood falls, and that of as many rows as possible grows for ever; of
        size 1, in the units of the columns; zeros for "overlap". Where columns depend on each other
        it has the smallest norm, and over more than two classes it adds up to 0, as `coef_` does.
    coef_limits, intercept_limits : ndarray, of the same shapes
        Of the maximum likelihood estimate: -inf, inf, or 0 for a coefficient that stays finite.
        Where several directions separate, as always if completely, the signs are `direction`'s.
    certified : bool
        Whether the answer was proved, in float64 and up to the rounding of the data. False is rare:
        data that are separated, or not, by no more than their last digits.
    feature_names : ndarray (n_features,) or None
    classes : ndarray (n_classes,)
    """

    kind: str
    direction: Array
    intercept_direction: Array
    certified: bool
    feature_names: NDArray[Any] | None
    classes: NDArray[Any]

    @property
    def separated(self) -> bool:
        """Whether the likelihood has no maximum."""
        return self.kind != "overlap"

    @property
    def coef_limits(self) -> Array:
        """-inf, 0 (finite) or inf for each coefficient."""
        return _limits(self.direction)

    @property
    def intercept_limits(self) -> Array:
        """-inf, 0 (finite) or inf for each intercept."""
        return _limits(self.intercept_direction)

    def sentence(self) -> str:
        """The verdict, the coefficients without a finite value, and what to do."""
        doubt = "" if self.certified else " The data decide it by their last digits: not certain."
        if not self.separated:
            return f"The classes overlap: every coefficient has a finite estimate.{doubt}"
        growing = runaways(self.direction, self.intercept_direction, self.feature_names)
        return (
            f"{self.kind.capitalize()} separation: the likelihood has no maximum, it nears its "
            f"bound with unlimited growth of {growing}. Use FirthLogisticRegression, set a finite "
            f"C (a ridge penalty), or leave out the columns that give the class away.{doubt}"
        )

    def __str__(self) -> str:
        return self.sentence()


def _limits(direction: Array) -> Array:
    return np.where(direction == 0, 0.0, np.copysign(np.inf, direction))


def detect_separation(
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    fit_intercept: bool = True,
) -> Separation:
    """Find out whether the maximum likelihood estimate exists, and what is infinite if it does not.

    It does not where columns separate the classes: where some direction in the space of the
    coefficients lowers no row's likelihood and raises some. Then a fit at ``C=np.inf`` goes on for
    ever along it, and its standard errors mean nothing.

    Parameters
    ----------
    X : array-like or sparse matrix (n_samples, n_features)
    y : array-like (n_samples,)
        Two or more classes.
    sample_weight : array-like (n_samples,), optional
        Rows of weight 0 do not count; else the size makes no difference.
    fit_intercept : bool, default=True

    Returns
    -------
    Separation
        The verdict, the direction that proves it, and the coefficients that it makes infinite; its
        ``sentence()`` says so in words.

    Raises
    ------
    ValueError
        For data that make no sense: the sentence says what, where, and what to do.

    Notes
    -----
    A short fit comes first: margins that are all on their class's side prove complete separation,
    and a Newton step that moves no margin by 1/2 proves overlap. Else a linear program decides: the
    largest set of rows that a direction can tell apart, with multipliers that prove that it can be
    no larger. Its answer is checked for all rows.

    References
    ----------
    Albert and Anderson (1984), "On the existence of maximum likelihood estimates in logistic
    regression models", Biometrika 71, 1-10.
    Konis (2007), "Linear programming algorithms for detecting separated data in binary logistic
    regression models", DPhil thesis, University of Oxford.

    Examples
    --------
    All with the symptom are ill, of the others some:

    >>> from logreg import detect_separation
    >>> symptom, age = [0, 0, 0, 0, 1, 1], [20, 40, 30, 50, 60, 30]
    >>> X = list(zip(symptom, age))
    >>> found = detect_separation(X, [0, 1, 1, 0, 1, 1])
    >>> found.kind
    'quasi-complete'
    >>> found.coef_limits
    array([[inf,  0.]])
    """
    model = LogisticRegression(C=np.inf, fit_intercept=fit_intercept)
    check_parameters(vars(model), SOLVERS)
    data = inputs.check_fit(model, X, y, sample_weight, None, None)
    classes = data.y.classes
    with single_threaded_blas(), warnings.catch_warnings():
        warnings.simplefilter("ignore", CollinearityWarning)  # the smallest norm is as good
        objective = pose(data, ElasticNet.of(np.inf), fit_intercept, thread_count(None))
        iterates = choose("auto", objective).iterates
        fit = iterates(objective, objective.start(), np.random.default_rng(0))
        solution = minimize(fit, tol=stopping_distance(TOL, objective), max_iter=MAX_ITER)
        found = recession(solution.point, data.y.codes, len(classes))
    kind = "complete" if found.complete else "quasi-complete" if found.separated else "overlap"
    return Separation(kind, *found.direction, found.certified, data.names, classes)

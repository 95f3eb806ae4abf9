"""Pictures, in scikit-learn's Display protocol. They need matplotlib: ``pip install logreg[plot]``.

    Display.from_estimator(...)      computes what is to be seen, draws it, returns the display
    display.plot(ax=...)             draws it again, into axes of yours
    display.ax_, display.figure_     where it was drawn

matplotlib is imported when something is drawn, not before.
"""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from logreg.drawing import BLUE, GREY, RED, axes_or_new
from logreg.inference_plots import CoefficientDisplay
from logreg.selection_plots import CrossValidationDisplay, PathDisplay
from logreg.sigmoid import sigmoid, sigmoid_derivative

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "CoefficientDisplay",
    "ConvergenceDisplay",
    "CrossValidationDisplay",
    "PathDisplay",
    "SigmoidDisplay",
]

Array = NDArray[np.float64]


class SigmoidDisplay:
    """The sigmoid and its derivative, and under which margins a model's rows lie.

    Parameters
    ----------
    margin : array-like (n,), in log-odds, optional
        Without it, only the curves are drawn, over [-10, 10].
    outcome : array-like (n,), optional
        What came true: the class as 0 or 1, or a share between the two.
    error : array-like (n,), optional
        Half the length of a bar about each outcome.
    name : str, default="observed"
        What the legend calls the outcomes.

    Attributes
    ----------
    ax_, figure_ : matplotlib axes and figure
    line_, derivative_ : matplotlib lines; `derivative_` is None if it was not drawn
    points_ : matplotlib ErrorbarContainer of the outcomes, or None

    Examples
    --------
    >>> from logreg.plots import SigmoidDisplay
    >>> display = SigmoidDisplay().plot()
    >>> print(f"{display.derivative_.get_ydata().max():.2f}")
    0.25
    """

    def __init__(
        self,
        margin: ArrayLike | None = None,
        outcome: ArrayLike | None = None,
        *,
        error: ArrayLike | None = None,
        name: str = "observed",
    ) -> None:
        self.margin, self.outcome, self.error, self.name = margin, outcome, error, name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        n_bins: int | None = 10,
        sample_weight: ArrayLike | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """The classes observed, against the margins that a fitted model gives to X.

        Parameters
        ----------
        estimator : fitted classifier for two classes, with a `decision_function` in log-odds
            A pipeline or a search that ends in one will do.
        X : array-like (n, d)
        y : array-like (n,)
        n_bins : int or None, default=10
            Rows are put into so many bins of equal weight along the margin; a point is a bin's
            mean margin and its share of the second class, with a bar of one standard error to
            each side. If None, each row is a point at 0 or 1, a little off so that all are seen.
        sample_weight : array-like (n,), optional
            The count of each row.
        ax : matplotlib axes, optional
        **kwargs
            Go to :meth:`plot`.

        Returns
        -------
        SigmoidDisplay

        Raises
        ------
        ValueError
            If the estimator has not exactly two classes, or y has others.
        """
        check_is_fitted(estimator)
        classes = np.asarray(estimator.classes_)
        if len(classes) != 2:
            raise ValueError(f"SigmoidDisplay is for two classes; this model has {len(classes)}.")
        unknown = np.setdiff1d(np.asarray(y), classes)
        if len(unknown):
            raise ValueError(f"y has classes that the model does not know: {unknown.tolist()}.")
        margin = np.asarray(estimator.decision_function(X), dtype=np.float64)
        outcome = (np.asarray(y) == classes[1]).astype(np.float64)
        weight = np.ones(len(margin)) if sample_weight is None else np.asarray(sample_weight, float)
        name = f"rows: {classes[1]!s} above, {classes[0]!s} below"
        error = None
        if n_bins is None:
            move = np.random.default_rng(0).uniform(0, 0.06, len(outcome))
            outcome = outcome + move * np.where(outcome == 1, 1, -1)
        else:
            margin, outcome, error = _binned(margin, outcome, weight, n_bins)
            name = f"share of {classes[1]!s} in {len(margin)} bins, ± 1 s.e."
        return cls(margin, outcome, error=error, name=name).plot(ax, **kwargs)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        derivative: bool = True,
        curve_kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the curve, its derivative and the outcomes.

        Parameters
        ----------
        ax : matplotlib axes, optional
            New ones if not given.
        derivative : bool, default=True
        curve_kwargs : dict, optional
            Goes to ``ax.plot`` for the curve.

        Returns
        -------
        SigmoidDisplay
        """
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        known = np.array([-10.0, 10.0] if self.margin is None else self.margin, dtype=np.float64)
        room = 0.03 * max(float(np.ptp(known)), 1.0)
        x = np.linspace(known.min() - room, known.max() + room, 501)
        label = "σ, the predicted probability"
        style: dict[str, Any] = {"color": BLUE, "linewidth": 2, "label": label}
        (self.line_,) = self.ax_.plot(x, sigmoid(x), **style | (curve_kwargs or {}))
        self.derivative_ = self.points_ = None
        if derivative:
            (self.derivative_,) = self.ax_.plot(
                x, sigmoid_derivative(x), "--", color=RED, linewidth=2, label="its slope σ′"
            )
        if self.margin is not None and self.outcome is not None:
            size = 5 if len(known) <= 50 else 2
            self.points_ = self.ax_.errorbar(
                known, self.outcome, self.error, fmt="o", color="black", mfc="none", ms=size,
                linewidth=1, label=self.name,
            )  # fmt: skip
        self.ax_.set(xlabel="margin, log-odds", ylabel="probability", ylim=(-0.08, 1.08))
        self.ax_.legend(loc="upper left", bbox_to_anchor=(0, 0.92))
        return self


class ConvergenceDisplay:
    """How a fit approached the optimum, iteration by iteration, on a logarithmic scale.

    Parameters
    ----------
    iteration : array-like (m,) of int
    excess : array-like (m,), in units of log-likelihood
        The objective above the optimum, F - F*.
    distance : array-like (m,), in standard errors
        The Newton decrement δ. Near the optimum F - F* is δ²/2.
    tol : float, in standard errors
        Where the fit was to stop.
    measure : {"standard_errors", "relative_gap"}, default="standard_errors"
        With an L1 penalty `distance` and `tol` are the duality gap as a share of F.

    Attributes
    ----------
    ax_, figure_ : matplotlib axes and figure
    excess_, distance_, tol_ : matplotlib lines

    Examples
    --------
    >>> from logreg import LogisticRegression
    >>> from logreg.datasets import load_spector
    >>> from logreg.plots import ConvergenceDisplay
    >>> model = LogisticRegression().fit(*load_spector(return_X_y=True))
    >>> display = ConvergenceDisplay.from_estimator(model)
    >>> bool(display.distance[-1] <= model.tol)
    True
    """

    def __init__(
        self,
        iteration: ArrayLike,
        excess: ArrayLike,
        distance: ArrayLike,
        *,
        tol: float,
        measure: str = "standard_errors",
    ) -> None:
        self.iteration, self.tol, self.measure = np.asarray(iteration), tol, measure
        self.excess, self.distance = np.asarray(excess, float), np.asarray(distance, float)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """The history of a fitted :class:`logreg.LogisticRegression`.

        F* is taken to be the last objective less δ²/2 of the last iteration, and F - F* to be
        δ²/2 where the rounding of F hides the difference; with an L1 penalty the duality gap takes
        the place of δ²/2, and its share of F that of δ.

        Parameters
        ----------
        estimator : fitted LogisticRegression
        ax : matplotlib axes, optional
        **kwargs
            Go to :meth:`plot`.

        Returns
        -------
        ConvergenceDisplay

        Raises
        ------
        TypeError
            If the estimator keeps no history, as a pipeline does not.
        """
        check_is_fitted(estimator)
        history = getattr(estimator, "_history", None)
        if history is None:
            raise TypeError(
                f"ConvergenceDisplay needs a model that keeps its history, and a "
                f"{type(estimator).__name__} keeps none. Pass the LogisticRegression itself: of a "
                "pipeline its last step, pipeline[-1]; of a search best_estimator_."
            )
        iteration = np.array([record.iteration for record in history])
        objective = np.array([record.objective for record in history])
        distance = np.array([record.distance for record in history])
        corners = estimator._measure == "relative_gap"
        left = distance * objective if corners else distance**2 / 2
        fallen = objective - objective[-1]
        hidden = fallen <= 16 * np.finfo(float).eps * np.abs(objective)
        excess = np.where(hidden, left, fallen + left[-1])
        display = cls(iteration, excess, distance, tol=estimator.tol, measure=estimator._measure)
        return display.plot(ax, **kwargs)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Draw the two distances and the line of `tol`.

        Parameters
        ----------
        ax : matplotlib axes, optional
            New ones if not given.

        Returns
        -------
        ConvergenceDisplay
        """
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        above = "F − F*, log-likelihood"
        away, unit = {
            "standard_errors": ("δ, standard errors from the optimum", "standard errors"),
            "relative_gap": ("duality gap, share of F", "of F, at most"),
        }[self.measure]
        (self.distance_,) = self.ax_.plot(
            self.iteration, _positive(self.distance), "o-", color=BLUE, lw=2, label=away
        )
        (self.excess_,) = self.ax_.plot(
            self.iteration, _positive(self.excess), "s--", color=RED, lw=2, mfc="none", label=above
        )
        self.tol_ = self.ax_.axhline(
            self.tol, color=GREY, linestyle=":", label=f"tol = {self.tol:g} {unit}"
        )
        self.ax_.set(xlabel="iteration", ylabel="distance from the optimum", yscale="log")
        self.ax_.locator_params(axis="x", integer=True)
        self.ax_.legend()
        return self


def _positive(values: Array) -> Array:
    """What a logarithmic axis can show: NaN, a gap in the line, for 0 and infinity."""
    return np.where((values > 0) & np.isfinite(values), values, np.nan)


def _binned(
    margin: Array, outcome: Array, weight: Array, n_bins: int
) -> tuple[Array, Array, Array]:
    """Mean margin, share of ones and its standard error, in bins of equal weight."""
    keep = weight > 0
    margin, outcome, weight = margin[keep], outcome[keep], weight[keep]
    values, group = np.unique(margin, return_inverse=True)  # rows of one margin stay together
    mass = np.bincount(group, weight)
    middle = np.cumsum(mass) - mass / 2
    bins = np.unique((n_bins * middle / mass.sum()).astype(int), return_inverse=True)[1]
    total = np.bincount(bins, mass)
    share = np.bincount(bins[group], weight * outcome) / total
    # Wilson's, at one standard error: not zero where a bin holds one class only
    error = np.sqrt(share * (1 - share) * total + 0.25) / (total + 1)
    return np.bincount(bins, mass * values) / total, share, error

"""The forest plot: coefficients or odds ratios with their confidence intervals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from logreg.drawing import COLORS, GREY, axes_or_new
from logreg.inference import Inference

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CoefficientDisplay"]

Array = NDArray[np.float64]

HEIGHT = 0.35  # inches a row
FEW = 2  # ticks that an axis needs
MANY = 3  # models from which the numbers at the side are left out
LARGEST = 300.0  # log-odds that are drawn as odds
BREADTH = 30.0  # times the largest finite distance from no effect, at which an axis ends


class CoefficientDisplay:
    """Estimates with their confidence intervals, a row a column, of one model or of several.

    Parameters
    ----------
    names : sequence of str (k,)
    estimates : array-like (models, k)
        Log odds ratios.
    intervals : array-like (models, k, 2)
        Lower and upper ends; an infinite one is drawn as an arrow, and NaN leaves a row empty.
    labels : sequence of str (models,), optional
        What the legend calls the models.
    odds : bool, default=True
        Odds ratios on a logarithmic axis; else their logarithms.
    level : float, default=0.95

    Attributes
    ----------
    ax_, figure_ : matplotlib axes and figure
    points_ : list of matplotlib ErrorbarContainer, one a model
    numbers_ : list of matplotlib texts, "1.95 (1.03 to 3.70)", at the side; for one model

    Examples
    --------
    >>> from logreg import fit_formula
    >>> from logreg.datasets import load_birthwt
    >>> from logreg.plots import CoefficientDisplay
    >>> result = fit_formula("low ~ age + lwt + smoke", load_birthwt(as_frame=True).frame)
    >>> display = CoefficientDisplay.from_inference(result)
    >>> display.numbers_[-1].get_text()
    '1.96 (1.03 to 3.70)'
    """

    def __init__(
        self,
        names: Sequence[str],
        estimates: ArrayLike,
        intervals: ArrayLike,
        *,
        labels: Sequence[str] | None = None,
        odds: bool = True,
        level: float = 0.95,
    ) -> None:
        self.names = [str(name) for name in names]
        self.estimates = np.atleast_2d(np.asarray(estimates, dtype=np.float64))
        ends, k = np.asarray(intervals, dtype=np.float64), len(self.names)
        self.intervals = ends[None] if ends.ndim == 2 else ends
        models = len(self.estimates)
        if self.estimates.shape != (models, k) or self.intervals.shape != (models, k, 2):
            raise ValueError(
                f"{k} names need estimates of shape (models, {k}) and intervals of shape "
                f"(models, {k}, 2); got {self.estimates.shape} and {ends.shape}."
            )
        unknown = np.isnan(self.intervals).any(axis=2)
        self.estimates = np.where(unknown, np.nan, self.estimates)
        self.labels, self.odds, self.level = labels, odds, level
        if labels is not None and len(labels) != len(self.estimates):
            raise ValueError(f"{len(labels)} labels for {len(self.estimates)} models.")

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        sample_weight: Any = None,
        offset: Any = None,
        **kwargs: Any,
    ) -> Self:
        """The coefficients of a fitted estimator, by its `inference` of the data of the fit.

        Parameters
        ----------
        estimator : LogisticRegression or FirthLogisticRegression
        X, y, sample_weight, offset
            As given to `fit`.
        **kwargs : dict
            Of `from_inference`. (For another covariance give that an inference of your own.)

        Returns
        -------
        CoefficientDisplay
        """
        return cls.from_inference(estimator.inference(X, y, sample_weight, offset), **kwargs)

    @classmethod
    def from_inference(
        cls,
        inference: Inference | Mapping[str, Inference],
        *,
        columns: Any = None,
        class_: Any = None,
        method: str | None = None,
        alpha: float = 0.05,
        odds: bool = True,
        ax: "Axes | None" = None,
    ) -> Self:
        """The coefficients of an inference, or of several under their names.

        Parameters
        ----------
        inference : Inference, or dict of them
        columns : str or list of str, optional
            Names of parameters, or of terms of a formula. All but the intercept if not given.
        class_ : optional
            Of which class; needed where there are more than two.
        method : "wald" or "profile", optional
            As `conf_int` of the inference takes it if not given: Wald's intervals of maximum
            likelihood, and profiles of Firth's.
        alpha : float, default=0.05
        odds : bool, default=True
        ax : matplotlib axes, optional

        Returns
        -------
        CoefficientDisplay

        Raises
        ------
        ValueError
            If there are several classes and none was named, or no such parameter.
        """
        several = isinstance(inference, Mapping)
        models = dict(inference) if isinstance(inference, Mapping) else {"": inference}
        tables = [_table(model, class_, method, alpha) for model in models.values()]
        every = list(dict.fromkeys(name for table in tables for name in table))
        chosen = [columns] if isinstance(columns, str) else columns
        if chosen is None:
            names = [n for n in every if n != "Intercept"]
        else:
            terms = {k: v for model in models.values() for k, v in model.terms.items()}
            names = list(dict.fromkeys(n for c in chosen for n in terms.get(c, [c])))
        if not names or not models:
            raise ValueError("There is nothing to draw: name at least one column.")
        for name in names:
            if name not in every:
                raise ValueError(f"There is no parameter {name!r}; there are {', '.join(every)}.")
        missing = (np.nan, np.nan, np.nan)
        values = np.array([[table.get(name, missing) for name in names] for table in tables])
        display = cls(
            names,
            values[:, :, 0],
            values[:, :, 1:],
            labels=list(models) if several else None,
            odds=odds,
            level=1 - alpha,
        )
        return display.plot(ax)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Draw the rows, the first on top.

        Parameters
        ----------
        ax : matplotlib axes, optional
            New ones, as high as the rows need, if not given.
        """
        k, models = len(self.names), len(self.estimates)
        size = (6.4, 1.2 + HEIGHT * k * max(1.0, 0.6 * models))
        ax = axes_or_new(ax, figsize=size, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        low, high = self._span()
        rows = np.arange(k, dtype=np.float64)[::-1]
        self.points_ = []
        for m in range(models):
            shift = 0.0 if models == 1 else 0.5 * ((models - 1) / 2 - m) / models
            self.points_.append(self._draw(ax, m, rows + shift, low, high))
        ax.axvline(1.0 if self.odds else 0.0, color=GREY, linewidth=0.8, zorder=0)
        ax.set_xlim(self._shown(low), self._shown(high))
        if self.odds:
            ax.set_xscale("log")
            ax.set_xticks(_round(np.exp(low), np.exp(high)))
            ax.xaxis.set_major_formatter("{x:g}")
            ax.minorticks_off()
        ax.set_yticks(rows, self.names)
        ax.set_ylim(-0.6, k - 0.4)
        ax.tick_params(axis="y", length=0, pad=10)
        ax.spines[["top", "right", "left"]].set_visible(False)
        what = "odds ratio" if self.odds else "log odds ratio"
        ax.set_xlabel(f"{what} and its {100 * self.level:g} % confidence interval")
        self.numbers_ = self._write(ax, rows) if models < MANY and self.labels is None else []
        if self.labels is not None:
            ax.legend(frameon=False, loc="best")
        return self

    def _shown(self, x: Any) -> Any:
        with np.errstate(over="ignore"):
            return np.exp(x) if self.odds else x

    def _span(self) -> tuple[float, float]:
        """Ends of the axis: what is finite, and no more than is to be seen."""
        estimates = self.estimates[np.isfinite(self.estimates)]
        typical = np.median(np.abs(estimates)) if estimates.size else 1.0
        finite = self.intervals[np.isfinite(self.intervals)]
        inside = finite[np.abs(finite) <= BREADTH * max(typical, 0.1)]
        if not inside.size:
            inside = np.clip(finite, -BREADTH * 0.1, BREADTH * 0.1)
        every = np.concatenate([estimates, inside, [0.0]])
        low, high = float(every.min()), float(every.max())
        margin = 0.06 * (high - low) + 1e-3
        most = LARGEST if self.odds else np.inf  # exp of more overflows
        return max(low - margin, -most), min(high + margin, most)

    def _draw(self, ax: "Axes", m: int, at: Array, low: float, high: float) -> Any:
        color = COLORS[m % len(COLORS)]
        known = ~np.isnan(self.estimates[m])
        at, estimate, ends = at[known], self.estimates[m][known], self.intervals[m][known]
        x = self._shown(np.clip(estimate, low, high))
        inside = self._shown(np.clip(ends, low, high).T)
        container = ax.errorbar(
            x,
            at,
            xerr=np.nan_to_num(np.abs(inside - x)),
            fmt="o",
            color=color,
            markersize=5,
            linewidth=1.5,
            label=None if self.labels is None else self.labels[m],
        )
        for beyond, edge, mark in ((ends[:, 0] < low, low, "<"), (ends[:, 1] > high, high, ">")):
            place = np.full(int(beyond.sum()), self._shown(edge))
            ax.plot(place, at[beyond], mark, color=color, markersize=6, clip_on=False)
        return container

    def _write(self, ax: "Axes", rows: Array) -> list[Any]:
        texts = []
        for j, row in enumerate(rows):
            estimate, ends = self._shown(self.estimates[0, j]), self._shown(self.intervals[0, j])
            text = f"{_number(estimate)} ({_number(ends[0])} to {_number(ends[1])})"
            text = "" if np.isnan(estimate) else text
            place = ax.get_yaxis_transform()
            texts.append(
                ax.text(1.02, row, text, transform=place, va="center", fontsize=9, color="#333333")
            )
        return texts


def _table(
    inference: Inference, class_: Any, method: str | None, alpha: float
) -> dict[str, tuple[float, float, float]]:
    """Estimate and ends of each parameter by its name."""
    how = {} if method is None else {"method": method}
    ends = inference.conf_int(alpha, **how)
    ends.insert(0, "estimate", inference.estimates_within(ends.to_numpy()))
    if ends.index.nlevels > 1:
        if class_ not in inference.classes:
            known = ", ".join(map(repr, inference.classes))
            raise ValueError(f"Name the class to be drawn, class_=...: there are {known}.")
        ends = ends.loc[class_]
    return {str(name): tuple(row) for name, row in zip(ends.index, ends.to_numpy(), strict=True)}


def _round(low: float, high: float) -> list[float]:
    """Round numbers between these: 1, 2 and 5 times powers of ten, or where there are many the
    powers alone; evenly spaced ones where there are hardly any.
    """
    from matplotlib.ticker import MaxNLocator

    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if len(decades) <= MANY + 1 else (1,)
    each = [step * 10.0**decade for decade in decades for step in steps]
    ticks = [x for x in each if low <= x <= high]
    if len(ticks) < FEW:
        even = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        ticks = [float(x) for x in even if low <= x <= high]
    return ticks


def _number(x: float) -> str:
    if not np.isfinite(x):
        return "∞" if x > 0 else "-∞" if x < 0 else "-"
    return f"{x:.2f}" if 0.01 <= abs(x) < 1000 else f"{x:.1e}"

"""Pictures of choosing C: the path of coefficients, and the scores of a cross-validation."""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.isotonic import isotonic_regression
from sklearn.utils.validation import check_is_fitted

from logreg.cross_validation import LogisticRegressionCV
from logreg.drawing import COLORS, GREY, axes_or_new
from logreg.estimator import LogisticRegression
from logreg.path import Path, logistic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CrossValidationDisplay", "PathDisplay"]

Array = NDArray[np.float64]

LIGHT = "#BBBBBB"
NAME_SIZE = 9  # points
WEAKER = "C: to the right the penalty is weaker"


class PathDisplay:
    """The coefficients of a path against C, as glmnet draws them.

    The largest at the right end, where the penalty is weakest, are in colour and have their names;
    the axis on top counts the columns that are not 0. A line begins where its column enters.

    Parameters
    ----------
    Cs : array-like (n_Cs,)
    coefs : array-like (n_Cs, n_features)
    feature_names : sequence of str, optional
        x0, x1, ... if not given.
    ylabel : str, default="coefficient"

    Attributes
    ----------
    ax_, figure_ : matplotlib axes and figure
    top_ : matplotlib axis on top, with the numbers of columns that are not 0
    columns_ : ndarray of int
        The columns that are drawn: those that are not 0 everywhere.
    lines_ : list of matplotlib lines, one for each of `columns_`
    names_ : list of matplotlib annotations, from top to bottom

    Examples
    --------
    >>> from logreg import logistic_path
    >>> from logreg.datasets import load_birthwt
    >>> from logreg.plots import PathDisplay
    >>> X, y = load_birthwt(return_X_y=True, as_frame=True)
    >>> display = PathDisplay.from_path(logistic_path(X, y), scale=X.std(), label=3)
    >>> [name.get_text() for name in display.names_]
    ['smoke', 'ht', 'lwt']
    """

    def __init__(
        self,
        Cs: ArrayLike,
        coefs: ArrayLike,
        *,
        feature_names: Sequence[str] | None = None,
        ylabel: str = "coefficient",
    ) -> None:
        self.Cs, self.coefs = np.asarray(Cs, float), np.asarray(coefs, float)
        self.feature_names = (
            [f"x{j}" for j in range(self.coefs.shape[1])]
            if feature_names is None
            else [str(name) for name in feature_names]
        )
        self.ylabel = ylabel

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike, sample_weight: Any = None, **kwargs: Any
    ) -> Self:
        """The path of C along which an estimator, fitted or not, would find its coefficients.

        Parameters
        ----------
        estimator : LogisticRegression
            Its parameters but for C are those of the path.
        X, y, sample_weight
            As for `fit`.
        **kwargs : dict
            Of `from_path`.

        Returns
        -------
        PathDisplay
        """
        if not isinstance(estimator, LogisticRegression):
            raise TypeError(
                f"A path of C is that of a LogisticRegression, got {type(estimator).__name__}."
            )
        names = inspect.signature(logistic_path).parameters
        given = {k: v for k, v in estimator.get_params(deep=False).items() if k in names}
        return cls.from_path(logistic_path(X, y, sample_weight=sample_weight, **given), **kwargs)

    @classmethod
    def from_path(
        cls,
        path: Path,
        *,
        class_: Any = None,
        scale: ArrayLike | None = None,
        label: int = 8,
        ax: "Axes | None" = None,
    ) -> Self:
        """The coefficients that :func:`logreg.logistic_path` found.

        Parameters
        ----------
        path : Path
        class_ : optional
            Of which class; needed where there are more than two. Of two classes it is the second
            if not given, and the coefficients of the first are those of the second times -1.
        scale : array-like (n_features,), in each column's unit, optional
            Multiplies the coefficients. With ``X.std(axis=0)`` they are in log-odds a standard
            deviation, and columns of different units can be compared.
        label : int, default=8
            How many names to write, as far as there is room for them.
        ax : matplotlib axes, optional

        Returns
        -------
        PathDisplay

        Raises
        ------
        TypeError
            If it is no Path.
        ValueError
            If the path has no such class, or has several and none was named; if `scale` has not
            one number for each column.
        """
        if not isinstance(path, Path):
            raise TypeError(
                f"PathDisplay.from_path draws what logistic_path returns, got a "
                f"{type(path).__name__}. Of a LogisticRegressionCV draw the scores, with "
                "CrossValidationDisplay."
            )
        coefs, ylabel = _of_class(path, class_), "coefficient"
        if scale is not None:
            factor = np.asarray(scale, dtype=np.float64)
            if factor.shape != coefs.shape[1:]:
                raise ValueError(
                    f"scale must have one number for each of the {coefs.shape[1]} columns, got "
                    f"an array of shape {factor.shape}."
                )
            coefs, ylabel = coefs * factor, "coefficient × scale of its column"
        if class_ is not None:
            ylabel += f", class {class_!s}"
        display = cls(path.Cs, coefs, feature_names=path.feature_names.tolist(), ylabel=ylabel)
        return display.plot(ax, label=label)

    def plot(self, ax: "Axes | None" = None, *, label: int = 8) -> Self:
        """Draw the lines, the names and the axis on top.

        Parameters
        ----------
        ax : matplotlib axes, optional
            New ones if not given. The names stand to the right of them.
        label : int, default=8
            How many names to write, as far as there is room for them.

        Returns
        -------
        PathDisplay

        Raises
        ------
        ValueError
            If `label` is negative.
        """
        if label < 0:
            raise ValueError(f"label must be 0 or a number of names to write, got {label!r}.")
        self.ax_ = axes_or_new(ax, layout="constrained")
        self.figure_ = self.ax_.figure
        self.columns_ = np.flatnonzero((self.coefs != 0).any(axis=0))
        last = np.abs(self.coefs[-1])
        largest = np.argsort(-last, kind="stable")[: min(label, np.count_nonzero(last))]
        color = {j: COLORS[k % len(COLORS)] for k, j in enumerate(largest)}
        style: dict[str, Any] = {} if len(self.Cs) > 1 else {"marker": "o"}  # one C makes no line
        self.ax_.axhline(0, color=GREY, linewidth=0.8)
        zero = np.pad(self.coefs == 0, ((1, 1), (0, 0)), constant_values=True)
        shown = np.where(zero[:-2] & zero[1:-1] & zero[2:], np.nan, self.coefs)
        self.lines_ = [
            self.ax_.plot(
                self.Cs, shown[:, j], color=color.get(j, LIGHT), lw=1.8 if j in color else 1,
                zorder=2.1 if j in color else 2, label=self.feature_names[j], **style,
            )[0]
            for j in self.columns_
        ]  # fmt: skip
        self.ax_.set(xlabel=WEAKER, ylabel=self.ylabel, xscale="log")
        self.ax_.margins(x=0)
        self._count_on_top()
        self._write_names(largest, color)
        return self

    def _count_on_top(self) -> None:
        """Numbers of columns that are not 0, some eight of them, evenly along the axis."""
        place = np.log(self.Cs)
        wanted = np.linspace(place[0], place[-1], 8)
        at = np.unique(np.abs(place[:, None] - wanted).argmin(axis=0))
        count = np.count_nonzero(self.coefs[at], axis=1)
        self.top_ = self.ax_.secondary_xaxis("top")
        self.top_.set_xticks(self.Cs[at].tolist(), [str(k) for k in count])
        self.top_.set_xticks([], minor=True)
        self.top_.set_xlabel("columns that are not 0")

    def _write_names(self, largest: NDArray[np.intp], color: dict[int, str]) -> None:
        """Right of the axes, each joined to the end of its line, moved apart where they are close.

        Heights are shares of the axes: the nearest ones in their order that are a line apart.
        """
        # a layout engine has its say first: it alone knows how high the axes will be
        whole = self.ax_.figure.canvas.figure
        if whole.get_layout_engine() is not None:
            whole.draw_without_rendering()
        box = self.ax_.get_window_extent()
        line = 1.35 * NAME_SIZE * whole.dpi / 72 / box.height
        chosen = largest[: int(1 / line) + 1]
        ends = self.ax_.transData.transform(
            np.column_stack([np.full(len(chosen), self.Cs[-1]), self.coefs[-1, chosen]])
        )
        height = (ends[:, 1] - box.y0) / box.height
        order = np.argsort(height)
        steps = line * np.arange(len(chosen))
        free = 1 - steps[-1] if len(chosen) else 1.0
        if len(chosen):
            height[order] = steps + isotonic_regression(height[order] - steps, y_min=0, y_max=free)
        self.names_ = [
            self.ax_.annotate(
                self.feature_names[chosen[k]], (self.Cs[-1], self.coefs[-1, chosen[k]]),
                xytext=(1.04, height[k]), textcoords="axes fraction", va="center",
                color=color[chosen[k]], fontsize=NAME_SIZE, annotation_clip=False,
                arrowprops={
                    "arrowstyle": "-", "color": color[chosen[k]], "lw": 0.7, "shrinkA": 1,
                    "shrinkB": 0, "relpos": (0, 0.5),
                },
            )
            for k in order[::-1]
        ]  # fmt: skip


class CrossValidationDisplay:
    """The scores of a cross-validation against C, with bars of one standard error.

    Parameters
    ----------
    Cs : array-like (n_Cs,)
    scores : array-like (n_folds, n_l1_ratios, n_Cs)
    l1_ratios : array-like (n_l1_ratios,)
    C : float
        The C that was chosen.
    l1_ratio : float, optional
        The l1_ratio that was chosen; the legend has it where there are several.
    best : float, optional
        The C of the best mean score, where another was chosen.
    name : str, default="score"
        What the scores are.

    Attributes
    ----------
    ax_, figure_ : matplotlib axes and figure
    lines_ : list of matplotlib ErrorbarContainers, one for each l1_ratio
    chosen_ : matplotlib line at C
    best_ : matplotlib line at the best C, or None

    Examples
    --------
    >>> from logreg import LogisticRegressionCV
    >>> from logreg.datasets import load_pima
    >>> from logreg.plots import CrossValidationDisplay
    >>> model = LogisticRegressionCV(l1_ratios=(0, 1), rule="1se")
    >>> display = CrossValidationDisplay.from_estimator(model.fit(*load_pima(return_X_y=True)))
    >>> len(display.lines_), bool(display.C < display.best)
    (2, True)
    """

    def __init__(
        self,
        Cs: ArrayLike,
        scores: ArrayLike,
        *,
        l1_ratios: ArrayLike,
        C: float,
        l1_ratio: float | None = None,
        best: float | None = None,
        name: str = "score",
    ) -> None:
        self.Cs, self.scores = np.asarray(Cs, float), np.asarray(scores, float)
        self.l1_ratios = np.asarray(l1_ratios, float)
        self.C, self.l1_ratio, self.best, self.name = C, l1_ratio, best, name

    @classmethod
    def from_estimator(cls, model: Any, *, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """The scores of a fitted :class:`logreg.LogisticRegressionCV`.

        Parameters
        ----------
        model : fitted LogisticRegressionCV
        ax : matplotlib axes, optional
        **kwargs
            Go to :meth:`plot`.

        Returns
        -------
        CrossValidationDisplay

        Raises
        ------
        TypeError
            If the model is no LogisticRegressionCV.
        """
        if not isinstance(model, LogisticRegressionCV):
            raise TypeError(
                f"CrossValidationDisplay draws the scores of a LogisticRegressionCV, got a "
                f"{type(model).__name__}. Of a pipeline pass its last step, pipeline[-1]."
            )
        check_is_fitted(model)
        scores, C, ratio = model.scores_, model.C_, model.l1_ratio_
        if isinstance(scores, dict):  # use_legacy_attributes: the same for each class
            scores, C, ratio = next(iter(scores.values())).swapaxes(1, 2), C[0], ratio[0]
        best = None
        if model.rule == "1se":
            mean = scores.mean(axis=0)[model.l1_ratios_ == ratio]
            best = float(model.Cs_[mean[0].argmax()])
        name = "accuracy" if model.scoring is None else model.scoring
        return cls(
            model.Cs_, scores, l1_ratios=model.l1_ratios_, C=float(C),
            l1_ratio=float(ratio), best=best, name=name if isinstance(name, str) else "score",
        ).plot(ax, **kwargs)  # fmt: skip

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Draw the mean scores, their bars and the choice.

        Parameters
        ----------
        ax : matplotlib axes, optional
            New ones if not given.

        Returns
        -------
        CrossValidationDisplay
        """
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        n_folds = len(self.scores)
        mean = self.scores.mean(axis=0)
        error = self.scores.std(axis=0, ddof=1) / np.sqrt(n_folds) if n_folds > 1 else 0 * mean
        self.lines_ = [
            self.ax_.errorbar(
                self.Cs, mean[r], error[r], fmt="o-", ms=3, lw=1.8, elinewidth=0.8, capsize=2,
                color=COLORS[r % len(COLORS)], label=f"l1_ratio = {ratio:g}",
            )
            for r, ratio in enumerate(self.l1_ratios)
        ]  # fmt: skip
        self.best_ = None
        if self.best is not None:
            label = f"best: C = {self.best:.3g}"
            self.best_ = self.ax_.axvline(self.best, color=GREY, ls=":", label=label)
        label = "chosen" if self.best is None else "within one s.e."
        label += f": C = {self.C:.3g}"
        if self.l1_ratio is not None and len(self.l1_ratios) > 1:
            label += f", l1_ratio = {self.l1_ratio:g}"
        self.chosen_ = self.ax_.axvline(self.C, color="black", ls="--", lw=1.2, label=label)
        ylabel = f"{self.name}, mean of {n_folds} folds ± 1 s.e."
        self.ax_.set(xlabel=WEAKER, ylabel=ylabel, xscale="log")
        self.ax_.legend()
        return self


def _of_class(path: Path, class_: Any) -> Array:
    """The coefficients of one class, (n_Cs, n_features)."""
    at = np.flatnonzero(path.classes == class_)
    known = ", ".join(repr(each) for each in path.classes.tolist())
    if class_ is None:
        if len(path.classes) > 2:
            raise ValueError(
                f"The path has coefficients for each of {len(path.classes)} classes. Say which to "
                f"draw: class_= one of {known}."
            )
        at = np.array([1])
    elif len(at) == 0:
        raise ValueError(f"The path has no class {class_!r}: class_ must be one of {known}.")
    if len(path.classes) > 2:
        return np.asarray(path.coefs[:, at[0]], dtype=np.float64)
    return np.asarray(path.coefs[:, 0] * (1 if at[0] == 1 else -1), dtype=np.float64)

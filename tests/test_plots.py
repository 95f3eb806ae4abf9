"""The pictures: what is drawn is what was computed."""

import builtins
import subprocess
import sys
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression as ScikitLearn
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from logreg import (
    LogisticRegression,
    LogisticRegressionCV,
    datasets,
    logistic_path,
    sigmoid,
    sigmoid_derivative,
)
from logreg.plots import (
    ConvergenceDisplay,
    CrossValidationDisplay,
    PathDisplay,
    SigmoidDisplay,
)

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.text import Text


@pytest.fixture(autouse=True)
def no_open_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def pima():
    X, y = datasets.load_pima(return_X_y=True)
    return X, y, LogisticRegression().fit(X, y)


def test_curves():
    display = SigmoidDisplay().plot()
    for line, curve in ((display.line_, sigmoid), (display.derivative_, sigmoid_derivative)):
        x, y = line.get_data()
        assert x.min() <= -10
        assert x.max() >= 10
        np.testing.assert_array_equal(y, curve(x))
    assert display.points_ is None
    assert display.ax_.get_xlabel() == "margin, log-odds"
    assert display.figure_ is display.ax_.figure
    assert len(display.ax_.get_legend().get_texts()) == 2


def test_draws_into_given_axes_and_leaves_out_the_derivative():
    figure, (left, right) = plt.subplots(1, 2)
    display = SigmoidDisplay()
    display.plot(left, derivative=False, curve_kwargs={"color": "red", "label": "mine"})
    assert display.ax_ is left
    assert display.figure_ is figure
    assert display.derivative_ is None
    assert len(left.lines) == 1
    assert display.line_.get_color() == "red"
    assert left.get_legend().get_texts()[0].get_text() == "mine"
    assert display.plot(ax=right) is display
    assert display.ax_ is right
    assert len(right.lines) == 2


def test_bins(pima):
    X, y, model = pima
    display = SigmoidDisplay.from_estimator(model, X, y, n_bins=7)
    x, share = display.points_.lines[0].get_data()
    order = np.argsort(model.decision_function(X))
    parts = np.array_split(order, 7)
    assert len(x) == 7
    np.testing.assert_allclose(x, [model.decision_function(X)[part].mean() for part in parts])
    np.testing.assert_allclose(share, [y[part].mean() for part in parts])
    bars = np.array([segment[:, 1] for segment in display.points_.lines[2][0].get_segments()])
    counts = np.array([len(part) for part in parts])
    np.testing.assert_allclose(bars.mean(axis=1), share)
    expected = np.sqrt(share * (1 - share) / counts)  # Wald's, near Wilson's for shares near 1/2
    inside = (share > 0.2) & (share < 0.8)
    np.testing.assert_allclose(np.ptp(bars, axis=1)[inside] / 2, expected[inside], rtol=0.03)
    assert (np.ptp(bars, axis=1) > 0).all()
    assert x.min() > display.line_.get_xdata().min()
    assert x.max() < display.line_.get_xdata().max()


def test_rows_as_points(pima):
    X, y, model = pima
    display = SigmoidDisplay.from_estimator(model, X, y, n_bins=None)
    x, height = display.points_.lines[0].get_data()
    np.testing.assert_array_equal(x, model.decision_function(X))
    assert (height[y == 1] >= 1).all()
    assert (height[y == 0] <= 0).all()
    low, high = display.ax_.get_ylim()
    assert height.min() > low
    assert height.max() < high


def test_counts_equal_repeated_rows():
    X, y, weight = datasets.load_menarche(return_X_y=True)
    model = LogisticRegression().fit(X, y, sample_weight=weight)
    some = SigmoidDisplay.from_estimator(model, X, y, sample_weight=weight)
    X, y = (np.repeat(part, weight.astype(int), axis=0) for part in (X, y))
    all_rows = SigmoidDisplay.from_estimator(model, X, y)
    for one, other in ((some.margin, all_rows.margin), (some.outcome, all_rows.outcome)):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    np.testing.assert_allclose(some.error, all_rows.error)
    assert len(some.margin) > 5


def test_string_classes_through_a_pipeline(pima):
    X, y, _ = pima
    label = np.where(y == 1, "yes", "no")
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, label)
    display = SigmoidDisplay.from_estimator(pipeline, X, label, n_bins=3)
    assert display.name.startswith("share of yes in 3 bins")
    assert (np.diff(display.outcome) > 0).all()


def test_one_margin_is_one_bin():
    X, y = np.zeros((6, 1)), np.array([0, 1, 0, 1, 1, 1])
    display = SigmoidDisplay.from_estimator(LogisticRegression().fit(X, y), X, y)
    np.testing.assert_allclose(display.outcome, [4 / 6])
    np.testing.assert_allclose(display.margin, [np.log(2)])


def test_sigmoid_errors(pima):
    X, y, model = pima
    with pytest.raises(NotFittedError):
        SigmoidDisplay.from_estimator(LogisticRegression(), X, y)
    with pytest.raises(ValueError, match=r"classes that the model does not know: \[2\]"):
        SigmoidDisplay.from_estimator(model, X, y + 1)
    iris = datasets.load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="two classes; this model has 3"):
        SigmoidDisplay.from_estimator(LogisticRegression().fit(*iris), *iris)


@pytest.mark.parametrize("solver", ["newton", "gd", "pgd"])
def test_convergence(pima, solver):
    X, y, _ = pima
    X = StandardScaler().fit_transform(X)
    model = LogisticRegression(solver=solver, tol=1e-5).fit(X, y)
    display = ConvergenceDisplay.from_estimator(model)
    history = model.history_
    x, distance = display.distance_.get_data()
    np.testing.assert_array_equal(x, history.index)
    np.testing.assert_array_equal(distance, history["standard_errors"])
    assert distance[-1] <= 1e-5
    np.testing.assert_array_equal(display.tol_.get_ydata(), 1e-5)
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_xlabel() == "iteration"

    best = LogisticRegression(tol=1e-12).fit(X, y).history_["objective"].iloc[-1]
    x, excess = display.excess_.get_data()
    np.testing.assert_allclose(excess, history["objective"] - best, rtol=1e-4, atol=1e-10)
    assert (excess > 0).all()
    ticks = display.ax_.get_xticks()
    np.testing.assert_array_equal(ticks, ticks.round())


def test_small_differences_come_from_the_decrement():
    model = LogisticRegression().fit(*datasets.load_breast_cancer(return_X_y=True))
    display = ConvergenceDisplay.from_estimator(model)
    np.testing.assert_allclose(display.excess[-1], display.distance[-1] ** 2 / 2)
    close = display.distance < 1e-2
    assert close.sum() >= 2
    ratio = display.excess[close] / (display.distance[close] ** 2 / 2)
    np.testing.assert_allclose(ratio, 1, rtol=0.02)


def test_zeros_and_infinities_are_gaps():
    figure, ax = plt.subplots()
    display = ConvergenceDisplay([0, 1, 2], [3, 1, 0], [np.inf, 1, 0], tol=1e-6).plot(ax)
    np.testing.assert_array_equal(display.excess_.get_ydata(), [3, 1, np.nan])
    np.testing.assert_array_equal(display.distance_.get_ydata(), [np.nan, 1, np.nan])
    assert display.figure_ is figure
    figure.canvas.draw()


def test_convergence_errors(pima):
    X, y, model = pima
    with pytest.raises(NotFittedError):
        ConvergenceDisplay.from_estimator(LogisticRegression())
    for other in (make_pipeline(model).fit(X, y), ScikitLearn(solver="liblinear").fit(X, y)):
        with pytest.raises(TypeError, match=f"a {type(other).__name__} keeps none"):
            ConvergenceDisplay.from_estimator(other)


@pytest.mark.parametrize("draw", [
    lambda model: SigmoidDisplay().plot(), ConvergenceDisplay.from_estimator,
    lambda model: PathDisplay([1, 2], [[0], [1]]).plot(),
])  # fmt: skip
def test_without_matplotlib(pima, monkeypatch, draw):
    def missing(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install 'logreg\[plot\]'"):
        draw(pima[2])


def test_import_needs_no_matplotlib():
    code = "import sys, logreg; assert 'logreg.plots' not in sys.modules; "
    code += "import logreg.plots; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# -- the path --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def birthwt():
    X, y = datasets.load_birthwt(return_X_y=True, as_frame=True)
    return X, y, logistic_path(X, y, n_Cs=30)


@pytest.fixture(scope="module")
def wine():
    X, y = datasets.load_wine(return_X_y=True)
    return logistic_path(X, np.array(["barolo", "grignolino", "barbera"])[y], n_Cs=10)


def heights(display):
    """Lower and upper ends of the names as drawn, from top to bottom, in pixels."""
    renderer = display.figure_.canvas.get_renderer()
    display.figure_.canvas.draw()
    boxes = [Text.get_window_extent(name, renderer) for name in display.names_]
    return [(box.y0, box.y1) for box in boxes]


def test_path(birthwt):
    _, _, path = birthwt
    display = PathDisplay.from_path(path)
    assert display.columns_.tolist() == np.flatnonzero((path.coefs != 0).any(axis=(0, 1))).tolist()
    for j, line in zip(display.columns_, display.lines_, strict=True):
        x, y = line.get_data()
        np.testing.assert_array_equal(x, path.Cs)
        np.testing.assert_array_equal(np.nan_to_num(y), path.coefs[:, 0, j])
        assert line.get_label() == path.feature_names[j]
        entry = np.flatnonzero(path.coefs[:, 0, j])[0]
        assert np.isnan(y[: entry - 1]).all()  # drawn from the last 0 before it enters
        assert y[entry - 1] == 0
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_ylabel() == "coefficient"
    np.testing.assert_allclose(display.ax_.get_xlim(), path.Cs[[0, -1]])
    assert display.figure_ is display.ax_.figure


def test_path_counts_the_columns_on_top(birthwt):
    _, _, path = birthwt
    display = PathDisplay.from_path(path)
    display.figure_.canvas.draw()  # where a scale that comes late would lose the labels
    counts = dict(zip(path.Cs, path.n_nonzero, strict=True))
    places = display.top_.get_xticks()
    texts = [tick.get_text() for tick in display.top_.get_xticklabels()]
    assert texts == [str(counts[C]) for C in places]
    assert (places[0], places[-1]) == (path.Cs[0], path.Cs[-1])
    assert len(places) == 8
    assert len(display.top_.get_xticks(minor=True)) == 0


@pytest.mark.parametrize("label", [0, 1, 3, 100])
def test_path_names_the_largest(birthwt, label):
    X, _, path = birthwt
    scale = X.std().to_numpy()
    display = PathDisplay.from_path(path, scale=scale, label=label)
    at_end = np.abs(path.coefs[-1, 0] * scale)
    order = [j for j in np.argsort(-at_end) if at_end[j] > 0][:label]
    assert {name.get_text() for name in display.names_} == set(path.feature_names[order])
    ends = [name.xy[1] for name in display.names_]
    assert ends == sorted(ends, reverse=True)
    color = {line.get_label(): line.get_color() for line in display.lines_}
    assert [name.get_color() for name in display.names_] == [
        color[name.get_text()] for name in display.names_
    ]
    assert display.ax_.get_ylabel() == "coefficient × scale of its column"
    last = display.lines_[-1]
    np.testing.assert_array_equal(
        np.nan_to_num(last.get_ydata()), (path.coefs[:, 0] * scale)[:, display.columns_[-1]]
    )


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
@pytest.mark.parametrize("coefs", [
    np.zeros(12) + 1.0, np.r_[1e-9 * np.arange(1, 12), 5.0], np.linspace(-1, 1, 60) + 0.001,
    [2.0, -3.0],
])  # fmt: skip
def test_path_names_do_not_overlap(layout, coefs):
    _, (ax, _) = plt.subplots(2, 1, layout=layout)
    display = PathDisplay([1, 10], np.outer([0, 1], coefs)).plot(ax, label=100)
    assert 2 <= len(display.names_) <= len(coefs)
    spans = heights(display)
    for (low, _), (_, next_high) in pairwise(spans):
        assert next_high <= low
    box = display.ax_.get_window_extent()
    assert spans[0][1] < box.y1 + box.height / 8
    assert spans[-1][0] > box.y0 - box.height / 8


def test_path_names_that_have_room_stay_at_their_lines():
    display = PathDisplay([1, 10], [[0, 0, 0], [1, 2, 3]], feature_names="abc").plot()
    assert [name.get_text() for name in display.names_] == ["c", "b", "a"]
    middles = [np.mean(span) for span in heights(display)]
    ends = display.ax_.transData.transform([(10, 3), (10, 2), (10, 1)])[:, 1]
    inner = slice(1, 2)  # the outer two are half a line over the edge of the axes at most
    np.testing.assert_allclose(middles[inner], ends[inner], atol=2)
    np.testing.assert_allclose(middles, ends, atol=20)


def test_path_of_a_class(wine, birthwt):
    for k, name in enumerate(wine.classes):
        display = PathDisplay.from_path(wine, class_=name)
        np.testing.assert_array_equal(display.coefs, wine.coefs[:, k])
        assert display.ax_.get_ylabel() == f"coefficient, class {name}"
    _, _, path = birthwt
    first, second = (PathDisplay.from_path(path, class_=each).coefs for each in path.classes)
    np.testing.assert_array_equal(second, path.coefs[:, 0])
    np.testing.assert_array_equal(first, -second)


def test_path_draws_into_given_axes_and_one_C(birthwt):
    X, y, _ = birthwt
    figure, ax = plt.subplots()
    path = logistic_path(X, y, Cs=[1.0])
    display = PathDisplay.from_path(path, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert {line.get_marker() for line in display.lines_} == {"o"}
    assert [t.get_text() for t in display.top_.get_xticklabels()] == [str(path.n_nonzero[0])]
    figure.canvas.draw()


def test_path_where_all_are_zero(birthwt):
    X, y, path = birthwt
    display = PathDisplay.from_path(logistic_path(X, y, Cs=path.Cs[0] * np.array([0.1, 0.5])))
    assert len(display.lines_) == len(display.names_) == len(display.columns_) == 0
    assert {tick.get_text() for tick in display.top_.get_xticklabels()} == {"0"}


def test_path_in_a_subfigure(birthwt):
    whole = plt.figure(layout="constrained")
    part, _ = whole.subfigures(1, 2)
    display = PathDisplay.from_path(birthwt[2], ax=part.subplots())
    assert display.figure_ is part
    assert len(display.names_) > 0


def test_path_errors(birthwt, wine, pima):
    path = birthwt[2]
    with pytest.raises(TypeError, match="what logistic_path returns, got a LogisticRegression"):
        PathDisplay.from_path(pima[2])
    with pytest.raises(ValueError, match="one of 'barbera', 'barolo', 'grignolino'"):
        PathDisplay.from_path(wine)
    for other in ("merlot", 1):
        with pytest.raises(
            ValueError, match=f"no class {other!r}: class_ must be one of 'barbera'"
        ):
            PathDisplay.from_path(wine, class_=other)
    with pytest.raises(ValueError, match=r"each of the 9 columns, got an array of shape \(2,\)"):
        PathDisplay.from_path(path, scale=[1, 2])
    with pytest.raises(ValueError, match="label must be 0 or a number of names to write, got -1"):
        PathDisplay.from_path(path, label=-1)


# -- cross-validation ------------------------------------------------------------------------------


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("rule", ["best", "1se"])
def test_cross_validation(pima, rule, legacy):
    X, y, _ = pima
    X = StandardScaler().fit_transform(X)
    settings = {"Cs": np.geomspace(1e-3, 10, 12), "l1_ratios": (0.2, 1), "rule": rule}
    model = LogisticRegressionCV(**settings).fit(X, y)
    shown = LogisticRegressionCV(**settings, use_legacy_attributes=legacy).fit(X, y)
    display = CrossValidationDisplay.from_estimator(shown)
    mean = model.scores_.mean(axis=0)
    error = model.scores_.std(axis=0, ddof=1) / np.sqrt(5)
    assert len(display.lines_) == 2
    for r, container in enumerate(display.lines_):
        x, height = container.lines[0].get_data()
        np.testing.assert_array_equal(x, model.Cs_)
        np.testing.assert_allclose(height, mean[r], rtol=1e-15)
        bars = np.array([part[:, 1] for part in container.lines[2][0].get_segments()])
        np.testing.assert_allclose(bars, np.array([mean[r] - error[r], mean[r] + error[r]]).T)
    assert set(display.chosen_.get_xdata()) == {model.C_}
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert f"C = {model.C_:.3g}, l1_ratio = {model.l1_ratio_:g}" in " ".join(texts)
    assert texts[-2:] == ["l1_ratio = 0.2", "l1_ratio = 1"]
    if rule == "best":
        assert display.best_ is None
        assert len(texts) == 3
    else:
        best = model.Cs_[np.unravel_index(mean.argmax(), mean.shape)[1]]
        assert set(display.best_.get_xdata()) == {best}
        assert model.C_ < best
        assert len(texts) == 4
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_ylabel() == "neg_log_loss, mean of 5 folds ± 1 s.e."


@pytest.mark.parametrize(("scoring", "name"), [
    (None, "accuracy"), ("roc_auc", "roc_auc"), (make_scorer(accuracy_score), "score"),
])  # fmt: skip
def test_cross_validation_names_the_score(pima, scoring, name):
    X, y, _ = pima
    model = LogisticRegressionCV(Cs=2, cv=2, scoring=scoring).fit(X, y)
    figure, ax = plt.subplots()
    display = CrossValidationDisplay.from_estimator(model, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert ax.get_ylabel().startswith(f"{name}, mean of 2 folds")


def test_cross_validation_of_one_fold_has_no_bars(pima):
    X, y, _ = pima
    model = LogisticRegressionCV(Cs=3, cv=[(np.arange(200), np.arange(200, 532))]).fit(X, y)
    display = CrossValidationDisplay.from_estimator(model)
    bars = np.array([part[:, 1] for part in display.lines_[0].lines[2][0].get_segments()])
    np.testing.assert_array_equal(np.ptp(bars, axis=1), 0)


def test_cross_validation_without_refit(pima):
    X, y, _ = pima
    model = LogisticRegressionCV(Cs=5, refit=False).fit(X, y)
    display = CrossValidationDisplay.from_estimator(model)
    assert set(display.chosen_.get_xdata()) == {model.C_}
    assert display.best_ is None


def test_cross_validation_errors(pima):
    X, y, model = pima
    for other in (model, make_pipeline(LogisticRegressionCV(Cs=2)).fit(X, y)):
        with pytest.raises(
            TypeError, match=f"a LogisticRegressionCV, got a {type(other).__name__}"
        ):
            CrossValidationDisplay.from_estimator(other)
    with pytest.raises(NotFittedError):
        CrossValidationDisplay.from_estimator(LogisticRegressionCV())


def test_convergence_with_corners_shows_the_gap(pima):
    X, y, _ = pima
    model = LogisticRegression(l1_ratio=1).fit(X, y)
    display = ConvergenceDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.distance, model.history_["relative_gap"])
    assert display.excess[-1] == display.distance[-1] * model.history_["objective"].iloc[-1]
    assert "duality gap" in display.distance_.get_label()

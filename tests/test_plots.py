"""The pictures: what is drawn is what was computed."""

import builtins
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression as ScikitLearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from logreg import LogisticRegression, datasets, sigmoid, sigmoid_derivative
from logreg.plots import ConvergenceDisplay, SigmoidDisplay

matplotlib.use("Agg")
import matplotlib.pyplot as plt


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

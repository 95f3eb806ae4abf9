"""The forest plot: what is drawn, and where."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose

from logreg import CollinearityWarning, FirthLogisticRegression, LogisticRegression, fit_formula
from logreg.datasets import load_birthwt, load_iris, load_pima
from logreg.plots import CoefficientDisplay, PathDisplay

mpl.use("Agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def result():
    return fit_formula("low ~ age + lwt + smoke", load_birthwt(as_frame=True).frame)


def test_odds_ratios_with_their_intervals(result):
    display = CoefficientDisplay.from_inference(result)
    expected = result.odds_ratios().drop(index="Intercept")
    line, _, (bars,) = display.points_[0].lines
    assert_allclose(line.get_xdata(), expected["odds_ratio"])
    ends = np.array([segment[:, 0] for segment in bars.get_segments()])
    assert_allclose(ends, expected[["lower", "upper"]])
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == ["age", "lwt", "smoke"]
    assert line.get_ydata()[0] == 2  # the first on top
    assert display.numbers_[-1].get_text() == "1.96 (1.03 to 3.70)"
    assert display.ax_.get_xscale() == "log"
    assert {"1", "2"} <= {tick.get_text() for tick in display.ax_.get_xticklabels()}
    assert "odds ratio and its 95 %" in display.ax_.get_xlabel()


def test_log_odds_of_some_columns_at_another_level(result):
    display = CoefficientDisplay.from_inference(
        result, columns=["smoke", "Intercept"], odds=False, alpha=0.1
    )
    assert_allclose(display.estimates[0], result.params[["smoke", "Intercept"]])
    assert_allclose(display.intervals[0], result.conf_int(0.1).loc[["smoke", "Intercept"]])
    assert display.ax_.get_xscale() == "linear"
    assert "log odds ratio and its 90 %" in display.ax_.get_xlabel()


def test_several_models_side_by_side(result):
    data = load_birthwt(as_frame=True).frame
    display = CoefficientDisplay.from_inference(
        {"three": result, "two": fit_formula("low ~ age + ht", data)}
    )
    assert display.names == ["age", "lwt", "smoke", "ht"]
    assert np.isnan(display.estimates).tolist() == [
        [False, False, False, True],
        [False, True, True, False],
    ]
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["three", "two"]
    assert display.numbers_ == []


def test_infinite_ends_are_arrows():
    intervals = [[0.5, 1.5], [1, np.inf], [-np.inf, 4], [np.nan, np.nan]]
    display = CoefficientDisplay("abcd", [1, 2, 3, -1], intervals).plot()
    arrows = [line for line in display.ax_.lines if line.get_marker() in ("<", ">")]
    assert {(line.get_marker(), *line.get_ydata()) for line in arrows} == {(">", 2.0), ("<", 1.0)}
    assert display.numbers_[1].get_text() == "7.39 (2.72 to ∞)"
    assert np.isfinite(display.ax_.get_xlim()).all()


def test_into_axes_of_the_user_and_of_one_class():
    X, y = load_iris(return_X_y=True, as_frame=True)
    result = LogisticRegression().fit(X, y).inference(X, y)
    ax = plt.figure().subplots()
    display = CoefficientDisplay.from_inference(result, class_=2, ax=ax)
    assert display.ax_ is ax
    assert_allclose(display.estimates[0], result.params[2].iloc[1:])
    with pytest.raises(ValueError, match=r"Name the class to be drawn, class_=\.\.\.: there are 1"):
        CoefficientDisplay.from_inference(result)


def test_a_name_that_is_not_there(result):
    with pytest.raises(ValueError, match="no parameter 'height'; there are Intercept, age"):
        CoefficientDisplay.from_inference(result, columns="height")


def test_what_is_not_determined_leaves_its_row_empty():
    X, y = load_birthwt(return_X_y=True, as_frame=True)
    X = X[["age", "lwt"]].assign(twice=2 * X["age"])
    with pytest.warns(CollinearityWarning):
        result = LogisticRegression(C=np.inf).fit(X, y).inference(X, y)
    with pytest.warns(CollinearityWarning):
        display = CoefficientDisplay.from_inference(result)
    assert [text.get_text() for text in display.numbers_][::2] == ["", ""]
    assert_allclose(display.points_[0].lines[0].get_ydata(), [1])  # lwt alone


def test_intervals_are_those_that_the_inference_gives(result, monkeypatch):
    X, y = np.arange(6.0)[:, None], np.repeat([0, 1], 3)
    firth = FirthLogisticRegression().fit(X, y).inference(X, y)
    monkeypatch.setattr(type(firth), "to_frame", None)  # a p-value a parameter: not needed
    display = CoefficientDisplay.from_inference(firth)
    assert_allclose(display.intervals[0], firth.conf_int().iloc[1:])
    assert_allclose(display.estimates[0], firth.params.iloc[1:])
    wald = CoefficientDisplay.from_inference(firth, method="wald")
    assert_allclose(wald.intervals[0], firth.conf_int(method="wald").iloc[1:])


def test_the_columns_of_a_term():
    data = load_birthwt(as_frame=True).frame
    data["race"] = data["race_black"] + 2 * data["race_other"]
    display = CoefficientDisplay.from_inference(
        fit_formula("low ~ age + C(race)", data), columns=["C(race)", "age"]
    )
    assert display.names == ["C(race)[T.1.0]", "C(race)[T.2.0]", "age"]


@pytest.mark.parametrize("ends", [(0.01, 0.03), (0.9, 1.0), (-8.01, -8.0), (-0.4, 0.6), (-9, 9)])
def test_every_axis_has_some_ticks_and_not_too_many(ends):
    low, high = ends
    display = CoefficientDisplay("a", [(low + high) / 2], [[low, high]]).plot()
    left, right = display.ax_.get_xlim()
    ticks = display.ax_.get_xticks()
    assert 2 <= sum(left <= tick <= right for tick in ticks) <= 12


@pytest.mark.parametrize(
    ("names", "estimates", "intervals"),
    [
        ("ab", [1], [[0, 2]]),
        ("a", [1], [0, 2]),
        ("ab", [1, 2], [[[0, 2]]]),
        ("a", [[[1]]], [[0, 2]]),
    ],
)
def test_shapes_that_do_not_fit(names, estimates, intervals):
    with pytest.raises(ValueError, match=rf"{len(names)} names need estimates of shape \(models, "):
        CoefficientDisplay(names, estimates, intervals)


def test_displays_of_estimators():
    X, y = load_pima(return_X_y=True)
    model = LogisticRegression(C=np.inf).fit(X, y)
    display = CoefficientDisplay.from_estimator(model, X, y)
    assert_allclose(display.estimates[0], model.coef_[0])
    path = PathDisplay.from_estimator(LogisticRegression(l1_ratio=1.0, tol=1e-4), X, y)
    assert path.figure_ is path.ax_.figure

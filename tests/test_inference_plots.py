"""The forest plot: what is drawn, and where."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose

from logreg import LogisticRegression, fit_formula
from logreg.datasets import load_birthwt, load_iris
from logreg.plots import CoefficientDisplay

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

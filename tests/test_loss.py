"""The log loss of margins: formulas, tails, classes told apart."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from logreg.loss import Binomial, Multinomial

MARGINS = np.array([[-800.0, -40.0, -1.0, 0.0, 1.0, 40.0, 800.0]])
ALL = slice(None)


@pytest.mark.parametrize("code", [0, 1])
def test_binomial_is_accurate_in_both_tails(code):
    loss = Binomial(np.full(7, code))
    z = MARGINS[0] if code == 0 else -MARGINS[0]
    _, residual = loss.value_and_residual(MARGINS, ALL)
    with np.errstate(over="ignore"):
        truth = np.where(z > 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)))
        truth /= np.where(z > 0, 1, 1 + np.exp(-np.abs(z)))
    assert_allclose(residual[0], truth if code == 0 else -truth, rtol=1e-15, atol=1e-307)
    each = [loss.value_and_residual(MARGINS[:, [i]], slice(i, i + 1))[0] for i in range(7)]
    assert_allclose(each, np.logaddexp(0, z), rtol=1e-15)


def test_binomial_curvature_keeps_its_relative_accuracy():
    curvature, outer = Binomial(np.zeros(7)).curvature(MARGINS, ALL)
    assert outer is None
    e = np.exp(-np.abs(MARGINS))
    assert_allclose(curvature, e / (1 + e) ** 2, rtol=1e-15)
    assert curvature[0, 1] > 4e-18  # not 0, though σ rounds to 1 at 40


def test_two_classes_as_a_multinomial_are_the_binomial():
    rng = np.random.default_rng(0)
    codes, weight = rng.integers(0, 2, 50), rng.uniform(0, 2, 50)
    margin = 3 * rng.normal(size=(1, 50))
    both = np.vstack([np.zeros(50), margin])
    one, two = Binomial(codes, weight), Multinomial(codes, 2, weight)
    value, residual = one.value_and_residual(margin, ALL)
    as_two, residuals = two.value_and_residual(both, ALL)
    assert value == pytest.approx(as_two, rel=1e-14)
    assert_allclose(residuals[1], residual[0], rtol=1e-13)
    diag, root = Multinomial(codes, 2, weight).curvature(both, ALL)
    curvature, _ = Binomial(codes, weight).curvature(margin, ALL)
    assert_allclose(diag[1] - root[1] ** 2, curvature[0], rtol=1e-9)


def test_multinomial_keeps_a_residual_that_subtraction_would_lose():
    margin = np.array([[50.0], [0.0], [0.0]])
    _, residual = Multinomial(np.array([0]), 3).value_and_residual(margin, ALL)
    assert_allclose(residual[0, 0], -2 * np.exp(-50.0), rtol=1e-14)


def test_certain_only_when_every_weighted_row_is_on_its_side():
    codes = np.array([0, 1, 1])
    margin = np.array([[-1.0, 2.0, 0.5]])
    assert Binomial(codes).lead(margin) > 0
    assert not Binomial(codes).lead(margin * [[1, 1, 0]]) > 0  # a tie is no proof
    assert not Binomial(codes).lead(margin * [[1, 1, -1]]) > 0
    assert Binomial(codes, np.array([1.0, 1.0, 0.0])).lead(margin * [[1, 1, -1]]) > 0
    three = np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 0.5]])
    assert Multinomial(np.array([0, 1]), 3).lead(three) > 0
    assert not Multinomial(np.array([0, 2]), 3).lead(three) > 0


def test_log_odds_are_the_shares_of_the_classes():
    assert_allclose(Binomial(np.array([0, 1, 1, 1])).log_odds(), np.log([3]))
    weighted = Binomial(np.array([0, 1]), np.array([2.0, 8.0]))
    assert_allclose(weighted.log_odds(), np.log([4]))
    odds = Multinomial(np.array([0, 1, 1, 2]), 3).log_odds()
    assert_allclose(odds - odds[0], np.log([1, 2, 1]))
    assert odds.sum() == pytest.approx(0)


def test_take_multiplies_weights():
    loss = Multinomial(np.array([0, 1, 2]), 3, np.array([1.0, 2.0, 3.0]))
    part = loss.take(np.array([2, 0]), np.array([10.0, 100.0]))
    assert_allclose(part.weight, [30, 100])
    assert part.codes.tolist() == [2, 0]

"""The objective: derivatives against differences, coordinates, sums over blocks and threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import PROBLEMS, Problem, generated, scaled

from logreg.design import Design
from logreg.loss import Binomial
from logreg.penalty import ElasticNet
from logreg.row_blocks import RowBlocks
from logreg.row_objective import RowObjective


def somewhere(objective, seed=0, size=0.3):
    theta = size * np.random.default_rng(seed).normal(size=objective.shape)
    if objective.loss.q > 1:
        theta -= theta.mean(axis=0)  # the Hessian is made invertible along the common shift
    return theta.ravel()


@pytest.mark.parametrize("name", PROBLEMS)
def test_derivatives_are_those_of_the_value(name):
    objective = PROBLEMS[name].objective()
    theta = somewhere(objective)
    step = somewhere(objective, seed=1, size=1.0) / 10
    h = 1e-4
    ahead, here, behind = (objective.at(theta + t * step) for t in (h, 0, -h))
    slope = (ahead.value - behind.value) / (2 * h)
    assert_allclose(here.gradient @ step, slope, rtol=1e-6, atol=1e-7 * abs(here.value))
    bend = (ahead.gradient - behind.gradient) / (2 * h)
    scale = np.abs(bend).max()
    assert_allclose(here.hessian @ step, bend, rtol=1e-5, atol=1e-6 * scale)
    assert_allclose(here.hessian_times(step), here.hessian @ step, rtol=1e-9, atol=1e-10 * scale)


@pytest.mark.parametrize("name", PROBLEMS)
def test_value_is_the_formula_of_the_first_page(name):
    """F in the user's coordinates, by plain NumPy."""
    p = PROBLEMS[name]
    objective = p.objective()
    theta = somewhere(objective, size=0.1)
    w, b = objective.design.to_user(theta.reshape(objective.shape))
    margin = p.X @ w.T + b
    if margin.shape[1] == 1:
        margin = np.column_stack([np.zeros(len(margin)), margin])
    if p.offset is not None:
        offset = p.offset if p.offset.ndim == 2 else np.column_stack([0 * p.offset, p.offset])
        margin = margin + offset
    loss = np.logaddexp.reduce(margin, axis=1) - margin[np.arange(len(margin)), p.y]
    weight = np.ones(len(loss)) if p.weight is None else p.weight
    penalty = (w**2).sum() / (2 * p.C)
    # margins of a shifted column carry its rounding: 1000 deviations of it
    assert_allclose(objective.at(theta).value, weight @ loss + penalty, rtol=1e-9)


@pytest.mark.parametrize("name", PROBLEMS)
def test_coordinates_go_there_and_back(name):
    objective = PROBLEMS[name].objective()
    theta = somewhere(objective).reshape(objective.shape)
    w, b = objective.design.to_user(theta)
    assert_allclose(objective.design.from_user(w, b), theta, rtol=1e-9, atol=1e-9)


def test_units_do_not_change_the_way():
    """Without a penalty, scaling columns by powers of two changes no bit of an iterate."""
    p = generated(300, 3, C=np.inf)
    q = Problem(p.X * np.array([2.0**-20, 1.0, 2.0**30]), p.y, np.inf)
    a, b = p.objective(), q.objective()
    theta = somewhere(a)
    assert a.at(theta).value == b.at(theta).value
    assert_array_equal(a.at(theta).gradient, b.at(theta).gradient)


def test_a_far_off_mean_costs_no_digits():
    p = generated(300, 3)
    shifted = scaled(p, 0, 0, shift=1e6)
    theta = somewhere(p.objective())
    near, far = p.objective().at(theta), shifted.objective().at(theta)
    assert far.value == pytest.approx(near.value, rel=1e-8)  # the data are rounded to 1e-10
    assert_allclose(far.hessian, near.hessian, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("K", [2, 4])
def test_same_bits_for_any_number_of_threads(K):
    p = generated(60_000, 6, K)
    theta = somewhere(p.objective())
    points = [p.objective(n_threads=n).at(theta) for n in (1, 2, 8)]
    for point in points[1:]:
        assert point.value == points[0].value
        assert_array_equal(point.gradient, points[0].gradient)
        assert_array_equal(point.hessian, points[0].hessian)


def test_rows_repeat_as_weights_count():
    p = generated(100, 3, weight=lambda rng, n: rng.integers(0, 4, n).astype(float))
    each = np.repeat(np.arange(100), p.weight.astype(int))
    repeated = Problem(p.X[each], p.y[each])
    theta = somewhere(p.objective())
    a, b = p.objective().at(theta), repeated.objective().at(theta)
    assert a.value == pytest.approx(b.value, rel=1e-13)
    assert_allclose(a.gradient, b.gradient, rtol=1e-10, atol=1e-11)
    assert_allclose(a.hessian, b.hessian, rtol=1e-10, atol=1e-11)


def test_a_sample_of_all_rows_is_the_objective():
    objective = PROBLEMS["three classes, weights and offset"].objective()
    theta = somewhere(objective)
    n = objective.design.n
    sample = objective.take(np.arange(n), np.ones(n))
    assert sample.at(theta).value == pytest.approx(objective.at(theta).value, rel=1e-14)
    assert_allclose(sample.at(theta).gradient, objective.at(theta).gradient, atol=1e-11)


def test_leverage_is_each_rows_share_of_the_columns():
    p = generated(500, 3)
    objective = p.objective()
    # with no weights all rows have the same curvature, 1/4 at even odds
    everything = 4 * objective.leverage(np.zeros(4), objective.design.column_curvature())
    assert everything.sum() == pytest.approx(objective.design.width)
    x = (p.X - p.X.mean(axis=0)) ** 2
    assert_allclose(everything, (x / x.sum(axis=0)).sum(axis=1) + 1 / 500, rtol=1e-9)


def test_passes_count_samples_by_their_share():
    objective = generated(1000, 3).objective()
    before = objective.passes
    objective.at(np.zeros(4)).value  # noqa: B018
    assert objective.passes == before + 1
    objective.take(np.arange(250), np.ones(250)).at(np.zeros(4)).value  # noqa: B018
    assert objective.passes == before + 1.25


def test_nothing_is_computed_twice_or_before_it_is_asked_for():
    objective = PROBLEMS["binary"].objective()
    before = objective.passes
    point = objective.at(np.zeros(objective.size))
    assert objective.passes == before
    for _ in range(2):
        point.value, point.gradient, point.margin  # noqa: B018
    assert objective.passes == before + 1


def test_the_start_is_the_best_intercept():
    for name in ("binary", "weights", "three classes"):
        objective = PROBLEMS[name].objective()
        point = objective.at(objective.start())
        gradient = point.gradient.reshape(objective.shape)
        assert_allclose(gradient[:, -1], 0, atol=1e-10)
        assert not point.theta.reshape(objective.shape)[:, :-1].any()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    mean=st.floats(-1e8, 1e8),
    deviation=st.floats(1e-8, 1e8),
    n=st.integers(2, 300),
    weighted=st.booleans(),
)
def test_moments(mean, deviation, n, weighted):
    rng = np.random.default_rng(n)
    X = mean + deviation * rng.normal(size=(n, 2))
    s = rng.integers(1, 5, n).astype(float) if weighted else None
    moments = RowBlocks(X).moments(s)
    weight = np.ones(n) if s is None else s
    truth = np.average(X.astype(np.longdouble), axis=0, weights=weight)
    assert_allclose(moments.mean, truth.astype(float), rtol=1e-13)
    square = (weight[:, None] * (X - truth) ** 2).sum(axis=0).astype(float)
    noise = np.finfo(float).eps * (abs(mean) + deviation)
    assert_allclose(moments.square, square, rtol=1e-9, atol=weight.sum() * (100 * noise) ** 2)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (64, 3), (65, 2000), (100_000, 3)])
def test_blocks_cover_every_row_once(n, d):
    X = np.broadcast_to(np.float32(0), (n, d))
    blocks = RowBlocks(X).blocks(d)
    assert_array_equal(np.concatenate([np.arange(n)[rows] for rows in blocks]), np.arange(n))


def test_a_cautious_sample_has_a_ridge_of_its_own_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)) * [1.0, 50.0, 0.01] + [0.0, 7.0, 0.0]
    X[:, 2] = np.arange(300) < 3  # rare
    y = (rng.random(300) < 0.4).astype(np.intp)
    whole = RowObjective(
        Design(RowBlocks(X), RowBlocks(X).moments(None)), Binomial(y), ElasticNet.of(2.0)
    )
    index, s = np.arange(0, 300, 2), rng.uniform(1.0, 4.0, 150)
    sample = whole.sample(index, s)
    x = (X[index] - whole.design.centre) / whole.design.scale
    ridge = 0.1 * (s**2 @ x**4) / (s @ x**2) * whole.design.scale**2
    cautious = sample.cautious(0.1)
    assert_allclose(cautious.penalty.l2, 0.5 + ridge, rtol=1e-12)
    assert cautious.is_sample
    assert cautious.loss is sample.loss
    assert sample.penalty is whole.penalty  # and the sample itself is as it was

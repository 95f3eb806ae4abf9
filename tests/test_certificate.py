"""The bounds hold, and near the optimum they are close to the truth."""

import numpy as np
import pytest
from oracle import optimum
from problems import PROBLEMS, generated, scaled

from logreg.certificate import _duality_gap, _self_concordant_gap, gap
from logreg.solvers.newton import newton


def truth(p):
    return optimum(
        p.X, p.y, C=p.C, weight=p.weight, offset=p.offset, fit_intercept=p.fit_intercept
    ).value


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_bound_is_above_what_is_left_to_fall(name):
    p = PROBLEMS[name]
    best = truth(p)
    objective = p.objective()
    rng = np.random.default_rng(0)
    for iterate, _ in zip(newton(objective, objective.start(), rng), range(5), strict=False):
        left = iterate.point.value - best - 1e-12 * abs(best)
        if p.C < np.inf:
            assert _duality_gap(iterate.point) >= left
        assert _self_concordant_gap(iterate.point) >= left
        assert gap(iterate.point) >= left


@pytest.mark.parametrize("name", ["binary", "three classes", "likelihood", "weights"])
def test_near_the_optimum_the_self_concordant_bound_is_half_the_squared_decrement(name):
    objective = PROBLEMS[name].objective()
    rng = np.random.default_rng(0)
    for iterate in newton(objective, objective.start(), rng):
        if iterate.decrement < 1e-3:
            break
    bound = _self_concordant_gap(iterate.point)
    assert bound == pytest.approx(iterate.decrement**2 / 2, rel=0.11)
    assert bound >= iterate.point.decrement**2 / 2


def test_the_dual_bound_is_the_gap_where_the_intercept_is_at_rest():
    """(C/2) ‖g_w‖² and nothing else when the residuals add up to zero."""
    objective = generated(200, 3, C=0.5).objective()
    point = objective.at(objective.start())
    g = point.gradient.reshape(objective.shape)[:, :-1] * objective.design.scale
    assert _duality_gap(point) == pytest.approx(0.25 * (g**2).sum(), rel=1e-9)


def test_far_from_the_optimum_of_a_likelihood_no_bound_is_known():
    objective = PROBLEMS["likelihood"].objective()
    assert gap(objective.at(np.full(objective.size, 5.0))) == np.inf


def test_columns_of_large_values_do_not_spoil_the_bound():
    """The dual bound is (C/2) ‖g‖² in the user's units; the other has none."""
    p = scaled(generated(300, 3), 3, 6, shift=0.0)
    objective = p.objective()
    for iterate in newton(objective, objective.start(), np.random.default_rng(0)):
        if iterate.decrement < 1e-6:
            break
    assert gap(iterate.point) <= 1e-9 * iterate.point.value

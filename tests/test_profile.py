"""Profile likelihood: against logistf's answers, against its own definition, and at infinity."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2

from logreg import CollinearityWarning, FirthLogisticRegression, SeparationWarning
from logreg.profile import (
    Profile,
    penalty_hessian,
    penalty_hessian_by_differences,
    profile_interval,
    profile_intervals,
)

REFERENCE = Path(__file__).parents[2] / "shared" / "data" / "reference"
RNG = np.random.default_rng(1)
X = RNG.normal(size=(60, 4)) * [1, 1e-5, 1e4, 1]
Y = (X @ [1.0, -1e5, 0.5e-4, 0] + RNG.logistic(size=60) > 0.5).astype(int)
Y3 = (X * [1, 1e5, 1e-4, 1] @ RNG.normal(size=(4, 3)) + RNG.gumbel(size=(60, 3))).argmax(axis=1)


def solution(X=X, y=Y, sample_weight=None, offset=None, tol=1e-9, **parameters):
    model = FirthLogisticRegression(tol=tol, **parameters)
    return model.solution(X, y, sample_weight, offset)


def table(name, response):
    if not REFERENCE.exists():
        pytest.skip("the tables with known answers lie beside the repository, not here")
    columns = json.loads((REFERENCE / f"{name}.json").read_text())["columns"][1:]
    frame = pd.read_csv(REFERENCE / f"{name}.csv")
    return frame[columns].to_numpy(float), frame[response].to_numpy()


def drop(profile, a, t):
    """2 (ℓ* - ℓ_p(t))."""
    return profile.ratio(a, t)


# -- logistf's answers -----------------------------------------------------------------------------

# summary(logistf(case ~ age + oc + vic + vicl + vis + dia, data = sex2, alpha = 0.1)), as printed
# in the documentation of logistfPrint (TalhoukLab/biostatUtil). logistf stops its ends where ℓ* is
# within 1e-5 of the target: it prints more digits than it has.
SEX2_90 = [
    [-1.8277045, -0.4328451],
    [-0.7986318, 0.6507581],
    [1.4248338, 3.2325326],
    [-3.0613215, -1.2704704],
    [-1.4743338, -0.1137542],
    [1.0835108, 6.8752016],
    [-0.6673577, 0.9177303],
]
SEX2_CHI2 = [7.50773092, 0.02467044, 22.93139022, 19.10407252, 3.69740975, 7.89693139, 0.06286298]
SEX2_P = [6.143472e-03, 8.751911e-01, 1.678877e-06, 1.237805e-05, 5.449701e-02, 4.951873e-03]
SEX2_P += [8.020268e-01]
# logistf, 95 %, as in the tests of jzluo/firthlogist (tests/test_firthlogist.py)
ENDOMETRIAL_95 = [
    [0.6097244, 7.85463171],
    [-0.1244587, 0.04045547],
    [-4.3651832, -1.23272106],
    [1.0825371, 7.20928050],
]


def test_intervals_as_logistf_prints_them():
    X, y = table("sex2", "case")
    assert_allclose(profile_intervals(solution(X, y), level=0.9), SEX2_90, atol=3e-5)
    X, y = table("endometrial", "HG")
    assert_allclose(profile_intervals(solution(X, y)), ENDOMETRIAL_95, atol=3e-5)


def test_likelihood_ratio_tests_as_logistf_prints_them():
    X, y = table("sex2", "case")
    profile = Profile(solution(X, y))
    ratios = [profile.ratio(profile.contrast(j), 0.0) for j in range(7)]
    assert_allclose(ratios, SEX2_CHI2, rtol=1e-6, atol=1e-7)
    assert_allclose(chi2.sf(ratios, 1), SEX2_P, rtol=1e-5)
    slopes = np.array([profile.contrast(j) for j in range(6)])
    assert profile.ratio(slopes, np.zeros(6)) == pytest.approx(49.09064, abs=5e-6)


# -- the definition --------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
@pytest.mark.parametrize("tau", [0.0, 0.5])
def test_ends_are_where_the_profile_is_low_enough(y, tau):
    point = solution(X, y, tau=tau)
    profile = Profile(point)
    se = np.sqrt(np.diag(point.covariance()))
    for j, ends in enumerate(profile_intervals(point)):
        a = profile.contrast(j)
        for end in ends:
            held = profile.held(a[None], np.array([end])).point
            ratio = 2 * (point.value - held.value)
            slope = abs(2 * (held.score @ a) / (a @ a)) * se[j]  # of the ratio, a standard error
            assert abs(ratio - chi2.ppf(0.95, 1)) < 1e-6 * slope


@pytest.mark.parametrize("tau", [0.0, 0.5])
def test_bracketing_finds_the_same_ends(tau):
    point = solution(tau=tau)
    profile = Profile(point)
    target = point.value - 0.5 * chi2.ppf(0.95, 1)
    se = np.sqrt(np.diag(point.covariance()))
    for j, ends in enumerate(profile_intervals(point)):
        found = [profile._bracket(profile.contrast(j), target, side) for side in (-1.0, 1.0)]
        assert_allclose(found, ends, rtol=0, atol=1e-6 * se[j])


@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
def test_a_held_fit_is_a_maximum(y):
    point = solution(X, y)
    profile = Profile(point)
    contrasts = np.array([profile.contrast(0), profile.contrast(3)])
    held = profile.held(contrasts, np.array([0.3, -0.2]))
    assert_allclose(contrasts @ held.point.phi, [0.3, -0.2], rtol=1e-10)
    rest = held.point.score - contrasts.T @ held.multiplier
    assert np.sqrt(rest @ held.point.solve(rest)) < 1e-5


def test_a_fit_held_at_zero_without_penalty_is_the_fit_without_the_column():
    point = solution(tau=0.0)
    profile = Profile(point)
    held = profile.held(profile.contrast(3)[None], np.zeros(1)).point
    assert held.value == pytest.approx(solution(X[:, :3], tau=0.0).value, rel=1e-12)


def test_the_hessian_of_the_penalty():
    point = solution(X, Y, RNG.uniform(0.5, 2, 60))
    phi, p = point.phi, point.phi.size
    exact = np.array(
        [
            point.problem.at(phi - 1e-5 * e).penalty_gradient
            - point.problem.at(phi + 1e-5 * e).penalty_gradient
            for e in np.eye(p)
        ]
    )
    exact, size = exact / 2e-5, np.abs(exact).max() / 2e-5
    assert_allclose(penalty_hessian(point), exact, atol=1e-6 * size)
    assert_allclose(penalty_hessian_by_differences(point), exact, atol=2e-3 * size)


def test_intervals_scale_with_the_columns():
    scale = np.array([1e3, 1e-4, 7.0, 1.0])
    ends = profile_intervals(solution())
    scaled = profile_intervals(solution(X * scale))
    assert_allclose(scaled[:4] * scale[:, None], ends[:4], rtol=1e-6)
    assert_allclose(scaled[4], ends[4], rtol=1e-6)


def test_one_or_some_columns():
    point = solution()
    all_ends = profile_intervals(point)
    assert_allclose(profile_intervals(point, [2, 0]), all_ends[[2, 0]], rtol=1e-6)
    assert_allclose(profile_interval(point.problem, point.phi, 1), all_ends[1], rtol=1e-6)
    wide = profile_intervals(point, level=0.999)
    assert (wide[:, 0] < all_ends[:, 0]).all()
    assert (wide[:, 1] > all_ends[:, 1]).all()


def test_a_path_of_short_steps_where_there_are_several_maxima():
    y = (X[:, 0] > 0.1).astype(int)
    point = solution(X, y)
    profile = Profile(point)
    for j, ends in enumerate(profile_intervals(point)):
        for end in ends:  # the drop must grow steadily on the way out
            ways = np.linspace(profile.contrast(j) @ point.phi, end, 9)[1:]
            ratios = [profile.ratio(profile.contrast(j), t) for t in ways]
            assert (np.diff([0, *ratios]) > 0).all()
            assert ratios[-1] == pytest.approx(chi2.ppf(0.95, 1), abs=1e-4)


# -- infinity --------------------------------------------------------------------------------------


def test_separated_classes_have_finite_ends_with_the_penalty():
    y = (X[:, 0] > 0).astype(int)
    ends = profile_intervals(solution(X, y))
    assert np.isfinite(ends).all()


def test_an_infinite_end_without_a_penalty():
    # no row with x = 1 has y = 0: the likelihood rises for ever with its coefficient
    x = np.repeat([0.0, 1.0], [20, 10])[:, None]
    y = np.r_[np.arange(20) % 2, np.ones(10, int)]
    point = solution(x, y, tau=0.0, tol=1e-6)
    low, high = profile_intervals(point)[0]
    assert high == np.inf
    # ℓ = 10 log σ(w + b) + 10 log σ(b) + 10 log σ(-b), by a grid over b
    b = np.linspace(-5, 5, 200001)
    logs = -10 * np.log1p(np.exp(-(low + b))) - 10 * np.log1p(np.exp(-b)) - 10 * np.log1p(np.exp(b))
    assert 2 * (20 * np.log(0.5) - logs.max()) == pytest.approx(chi2.ppf(0.95, 1), rel=1e-5)


def test_coefficients_that_the_data_do_not_determine():
    Z = np.column_stack([X[:, 0], X[:, 0], X[:, 3]])
    with pytest.warns(CollinearityWarning):
        FirthLogisticRegression().fit(Z, Y)
    ends = profile_intervals(solution(Z))
    assert_allclose(ends[:2], [[-np.inf, np.inf]] * 2)
    assert_allclose(ends[2:], profile_intervals(solution(X[:, [0, 3]]))[1:], rtol=1e-6)


def test_separation_is_still_told():
    with pytest.warns(SeparationWarning):
        FirthLogisticRegression(tau=0.0).fit(X, X[:, 0] > 0)

"""Profile intervals of maximum likelihood and of Firth's penalised likelihood, and its tests."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import expit
from scipy.stats import chi2
from test_profile import SEX2_90, SEX2_P
from test_references import REFERENCE

from logreg import (
    CollinearityWarning,
    ConvergenceWarning,
    FirthLogisticRegression,
    LogisticRegression,
    SeparationWarning,
    datasets,
    detect_separation,
    firth,
    fit_formula,
)
from logreg.corrections import iterate


def table(name, y, columns):
    if not REFERENCE.exists():
        pytest.skip("the tables with known answers are not beside the repository")
    data = pd.read_csv(REFERENCE / f"{name}.csv")
    return data[columns], data[y]


def sex2():
    return table("sex2", "case", ["age", "oc", "vic", "vicl", "vis", "dia"])


def made(K=2, n=120):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, 3)) * [1, 10, 0.1] + [0, 50, 1]
    margin = (X - X.mean(axis=0)) / X.std(axis=0) @ rng.normal(size=(3, K))
    return X, (margin + rng.gumbel(size=(n, K))).argmax(axis=1)


# -- maximum likelihood ---------------------------------------------------------------------------


def test_profile_intervals_end_where_a_fit_with_the_coefficient_held_has_lost_enough():
    """Held by the offset, it has lost 3.841459 / 2; by bracketing, to 1e-6 standard errors."""
    X, y = datasets.load_birthwt(return_X_y=True, as_frame=True)
    X = X[["age", "lwt"]]
    result = LogisticRegression(C=np.inf).fit(X, y).inference(X, y)
    ends = result.conf_int(method="profile")

    def fall(value, name):
        rest = X.drop(columns=name)
        known = value * X[name].to_numpy()
        model = LogisticRegression(C=np.inf, tol=1e-10).fit(rest, y, offset=known)
        log_p = model.predict_log_proba(rest, offset=known)
        return 2 * (result.llf - log_p[np.arange(len(y)), y].sum()) - chi2.ppf(0.95, 1)

    for name in X:
        middle, width = result.params[name], 4 * result.bse[name]
        low = brentq(fall, middle - width, middle, args=(name,), xtol=1e-12)
        high = brentq(fall, middle, middle + width, args=(name,), xtol=1e-12)
        assert_allclose(ends.loc[name], [low, high], atol=1e-6 * result.bse[name])


def test_profile_of_several_classes_by_a_fit_with_the_coefficient_held():
    X, y = made(K=3)
    model = LogisticRegression(C=np.inf, tol=1e-9).fit(X, y)
    result = model.inference(X, y, baseline=1)
    ends = result.conf_int(method="profile").loc[(2, "x1")]
    fallen = []
    for end in ends:  # held by the offset: class 2's coefficient is class 1's plus the end

        def loss(shared, end=end):
            known = np.zeros((len(y), 3))
            known[:, 1] += shared * X[:, 1]
            known[:, 2] += (shared + end) * X[:, 1]
            rest = np.delete(X, 1, axis=1)
            held = LogisticRegression(C=np.inf, tol=1e-10).fit(rest, y, offset=known)
            log_p = held.predict_log_proba(rest, offset=known)
            return -log_p[np.arange(len(y)), y].sum()

        fallen.append(2 * (minimize_scalar(loss, tol=1e-10).fun + result.llf))
    assert_allclose(fallen, chi2.ppf(0.95, 1), rtol=1e-6)


def test_an_infinite_end_where_classes_are_separated():
    X, y = table("endometrial", "HG", ["NV", "PI", "EH"])
    with pytest.warns(SeparationWarning, match=r"of the coefficient of column 'NV' \(\+∞\)"):
        model = LogisticRegression(C=np.inf).fit(X, y)
    ends = model.inference(X, y).conf_int(method="profile")
    assert ends.loc["NV", "upper"] == np.inf
    assert np.isfinite(ends.drop(index="NV")).to_numpy().all()
    # the others' are those of the rows without NV, but for NV's own fit
    assert ends.loc["NV", "lower"] > 0


def test_profiles_with_weights_and_names_of_terms():
    data = datasets.load_birthwt(as_frame=True).frame
    weight = np.arange(len(data)) % 3
    long = data.loc[np.repeat(data.index, weight)]
    mine = fit_formula("low ~ age + lwt", data, sample_weight=weight).conf_int(method="profile")
    assert_allclose(
        mine, fit_formula("low ~ age + lwt", long).conf_int(method="profile"), rtol=1e-6
    )


def test_a_profile_whose_optimum_is_not_found_says_so(monkeypatch):
    X, y = made()
    result = LogisticRegression(C=np.inf, tol=1e-3).fit(X, y).inference(X, y)
    result.model.coef_ = result.model.coef_ + 0.01
    monkeypatch.setattr(
        "logreg.likelihood.iterate", lambda problem, phi, *_: iterate(problem, phi, 1e-9, 0)
    )
    with pytest.warns(
        ConvergenceWarning, match=r"Profiles start .* from the optimum, which was no"
    ):
        result.conf_int(method="profile")


def test_profiles_need_a_likelihood():
    X, y = made()
    ridge = LogisticRegression().fit(X, y).inference(X, y)
    with pytest.raises(ValueError, match="A profile needs a fit without a penalty"):
        ridge.conf_int(method="profile")
    robust = LogisticRegression(C=np.inf).fit(X, y).inference(X, y, cov_type="HC0")
    with pytest.raises(ValueError, match="A profile is of the likelihood, not of cov_type='HC0'"):
        robust.conf_int(method="profile")


# -- Firth ----------------------------------------------------------------------------------------


def test_sex2_as_logistf_prints_it():
    """What logistf prints has its source in test_profile.py; coefficients are in 40 digits."""
    X, y = sex2()
    result = FirthLogisticRegression(tol=1e-9).fit(X, y).inference(X, y)
    answer = json.loads((REFERENCE / "sex2.json").read_text())["computed"]["firth"]
    assert_allclose(result.params, answer["coef"], rtol=1e-7)
    assert_allclose(result.bse, answer["se"], rtol=1e-7)
    assert_allclose(result.penalised_llf, answer["penalized_loglik"], rtol=1e-10)
    assert_allclose(result.llr, 49.09064, atol=6e-6)
    assert result.llr_pvalue == pytest.approx(7.15089e-9, rel=1e-5)
    assert_allclose(np.roll(result.pvalues, -1), SEX2_P, rtol=1e-5)  # there the intercept is last
    ends = result.conf_int(0.1)
    assert_allclose(np.roll(ends, -1, axis=0), SEX2_90, atol=3e-5)


def test_tests_and_intervals_belong_together():
    X, y = sex2()
    result = FirthLogisticRegression().fit(X, y).inference(X, y)
    for name in ("age", "dia"):
        assert_allclose(result.lr_test(name).pvalue, result.pvalues[name], rtol=1e-6)
        end = result.conf_int(result.pvalues[name]).loc[name]  # at this level an end is 0
        assert np.abs(end).min() < 1e-6 * result.bse[name]
    assert result.lr_test(["vic", "vicl"]).df == 2
    wald = result.conf_int(method="wald")
    assert_allclose(wald.mean(axis=1), result.params)
    assert_allclose(result.odds_ratios()[["lower", "upper"]], np.exp(result.conf_int()))
    assert "Firth's penalised likelihood" in str(result)


def test_several_classes():
    X, y = made(K=3)
    model = FirthLogisticRegression(tol=1e-9).fit(X, y)
    result = model.inference(X, y)
    assert_allclose(result.params.to_numpy().T[:, 1:], model.coef_[1:] - model.coef_[0])
    assert_allclose(
        result.bse, LogisticRegression(C=np.inf).fit(X, y).inference(X, y).bse, rtol=0.2
    )
    other = model.inference(X, y, baseline=2)
    first, last = result.conf_int().loc[(2, "x0")], other.conf_int().loc[(0, "x0")]
    assert_allclose(first, -last[::-1], rtol=1e-6)
    assert_allclose(result.lr_test("x1"), other.lr_test("x1"), rtol=1e-6)
    assert_allclose(result.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("correction", ["flic", "flac", "median"])
def test_other_corrections(correction):
    X, y = made()
    model = FirthLogisticRegression(correction=correction).fit(X, y)
    result, plain = model.inference(X, y), FirthLogisticRegression().fit(X, y).inference(X, y)
    assert_allclose(result.params.iloc[1:], model.coef_[0])
    ends = result.conf_int()
    if correction == "flic":  # the slopes are Firth's
        assert_allclose(ends.iloc[1:], plain.conf_int().iloc[1:])
        assert_allclose(ends.iloc[0], result.conf_int(method="wald").iloc[0])
    if correction == "median":
        assert_allclose(ends, result.conf_int(method="wald"))
        with pytest.raises(ValueError, match="median bias reduction maximises none"):
            result.lr_test("x0")
    assert ((ends["lower"] < result.params) & (result.params < ends["upper"])).all()


def test_what_there_is_not():
    X, y = made()
    result = FirthLogisticRegression().fit(X, y).inference(X, y)
    with pytest.raises(ValueError, match="no score test of a Firth fit: use lr_test"):
        result.score_test("x0")
    with pytest.raises(ValueError, match="Two Firth fits have different penalties"):
        result.lr_test(result)
    with pytest.raises(ValueError, match=r"y has the classes \[0, 1, 2\]"):
        FirthLogisticRegression().fit(X, y).inference(X, np.arange(len(y)) % 3)


@pytest.mark.parametrize("correction", ["firth", "flic", "flac", "median"])
def test_data_of_another_fit_are_told(correction):
    X, y = made()
    model = FirthLogisticRegression(correction=correction).fit(X, y)
    asks = [lambda r: r.cov_params(), lambda r: r.llf, lambda r: r.residuals()]
    if correction != "median":
        asks += [lambda r: r.lr_test("x0"), lambda r: r.conf_int(), lambda r: r.pvalues]
    for ask in asks:
        with pytest.warns(
            ConvergenceWarning, match="standard errors from the fit of these"
        ) as told:
            ask(model.inference(X[:100], y[:100]))
        assert len(told) == 1


# -- what a reader broke ---------------------------------------------------------------------------


def test_columns_that_depend_on_each_other_are_tested_by_what_they_span():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = (X[:, 0] + rng.logistic(size=40) > 0).astype(int)
    twice = X[:, [0, 0, 1]]
    with pytest.warns(CollinearityWarning):
        model = FirthLogisticRegression().fit(twice, y)
    result = model.inference(twice, y)
    plain = FirthLogisticRegression().fit(X[:, :2], y).inference(X[:, :2], y)
    assert_allclose(result.lr_test(["x0", "x1"]), plain.lr_test("x0"), rtol=1e-6)
    assert_allclose(result.lr_test("x2"), plain.lr_test("x1"), rtol=1e-6)
    assert result.lr_test("x0").df == 0
    with pytest.warns(CollinearityWarning, match="do not determine x0, x1, whose standard errors"):
        assert np.isnan(result.pvalues[["x0", "x1"]]).all()
    assert_allclose(result.lr_test(), plain.lr_test(), rtol=1e-6)


@pytest.mark.parametrize("correction", ["firth", "flac"])
def test_a_test_of_one_column_is_its_p_value(correction):
    X, y = made()
    result = FirthLogisticRegression(correction=correction).fit(X, y).inference(X, y)
    for name in ("x0", "x2"):
        assert_allclose(result.lr_test(name).pvalue, result.pvalues[name], rtol=1e-5)


@pytest.mark.parametrize("K", [2, 3])
def test_firth_with_offsets_far_apart(K):
    """The first step from φ = 0 saturated the margins, and a jittered log det was believed."""
    converged = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(25, 2)), rng.integers(0, K, 25)
        y[:K] = range(K)
        offset = 3 * rng.normal(size=25 if K == 2 else (25, K))
        model = FirthLogisticRegression().fit(X, y, offset=offset)
        warm = FirthLogisticRegression(warm_start=True).fit(X, y).fit(X, y, offset=offset)
        assert_allclose(model.coef_, warm.coef_, rtol=1e-4, atol=1e-4)
        converged += model.outcome_.name == "CONVERGED"
    assert converged == 20


def test_maximum_likelihood_with_an_offset_sees_complete_separation():
    X = np.arange(12.0)[:, None]
    y = (X[:, 0] > 5).astype(int)
    for offset in (None, np.zeros(12), np.linspace(-2, 2, 12)):
        with pytest.warns(SeparationWarning):
            FirthLogisticRegression(tau=0).fit(X, y, offset=offset)


def test_which_ends_are_infinite_a_linear_program_tells():
    """Complete separation by x0: all values of all coefficients are as likely as any."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 2))
    with pytest.warns(SeparationWarning):
        model = LogisticRegression(C=np.inf).fit(X, X[:, 0] > 0.3)
    ends = model.inference(X, X[:, 0] > 0.3).conf_int(method="profile")
    assert ends.loc["x0", "upper"] == np.inf
    assert (ends.loc["x1"] == [-np.inf, np.inf]).all()
    assert np.isfinite(ends.loc["x0", "lower"])


def test_profiles_of_several_separated_classes_are_refused():
    X, y = np.array([[1.0], [1], [1], [2], [0], [1]]), [0, 1, 2, 1, 0, 1]
    with pytest.warns(SeparationWarning):
        model = LogisticRegression(C=np.inf).fit(X, y)
    with pytest.raises(ValueError, match="of separated classes for two classes only"):
        model.inference(X, y).conf_int(method="profile")


def by_held_fits(X, y, weight, offset, j, end):
    """How far below the supremum, 0 of separated classes, ℓ is at most with coefficient j held."""
    rest = np.delete(X, j, axis=1)
    known = offset + end * X[:, j]
    sign = 2 * y - 1

    def loss(b):
        margin = sign * (np.column_stack([np.ones(len(y)), rest]) @ b + known)
        slope = -weight * sign * expit(-margin)
        gradient = np.column_stack([np.ones(len(y)), rest]).T @ slope
        return weight @ np.logaddexp(0, -margin), gradient

    best = minimize(loss, np.zeros(X.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-9})
    best = minimize(loss, best.x, jac=True, method="BFGS", options={"gtol": 1e-9})
    return best.fun


@pytest.mark.parametrize("alpha", [0.05, 0.9])
@pytest.mark.parametrize("seed", [11, 43, 47, 53, 20, 23])
def test_finite_ends_of_completely_separated_classes(seed, alpha):
    """The fit stops where all rows are told apart, 2 below the supremum at seed 53: offsets."""
    rng = np.random.default_rng(seed)
    z, x = (rng.random(40) < 0.3).astype(float), rng.normal(size=40) + 1
    offset = rng.normal(size=40) * rng.choice([0, 1, 4])
    weight = rng.choice([0, 1.0, 2], 40)
    y = (rng.random(40) < expit(x - 1 + offset)).astype(int)
    X = np.column_stack([x + 3 * (y - 0.5), z])
    if detect_separation(X, y, weight).kind != "complete":
        X[:, 0] += 3 * (y - 0.5)
    assert detect_separation(X, y, weight).kind == "complete"
    with pytest.warns(SeparationWarning):
        model = LogisticRegression(C=np.inf).fit(X, y, weight, offset)
    ends = model.inference(X, y, weight, offset).conf_int(alpha, method="profile").to_numpy()[1:]
    assert np.isfinite(ends).any()
    assert not np.isnan(ends).any()
    for j, side in np.argwhere(np.isfinite(ends)):
        fall = 2 * by_held_fits(X, y, weight, offset, j, ends[j, side])
        assert_allclose(fall, chi2.ppf(1 - alpha, 1), rtol=2e-6)


def test_the_end_of_one_coefficient_of_separated_classes():
    """Σ log(1 + exp(-t |x|)) = 3.841 / 2 has one root."""
    X = np.array([[-1.0], [-0.5], [0.5], [2.0]])
    with pytest.warns(SeparationWarning):
        model = LogisticRegression(C=np.inf, fit_intercept=False).fit(X, [0, 0, 1, 1])
    ends = model.inference(X, [0, 0, 1, 1]).conf_int(method="profile").loc["x0"]

    def fall(t):
        return 2 * np.logaddexp(0, -t * np.abs(X)).sum() - chi2.ppf(0.95, 1)

    assert_allclose(ends["lower"], brentq(fall, -5, 50, xtol=1e-12), rtol=1e-6)
    assert ends["upper"] == np.inf


def test_infinite_ends_of_a_sparse_table_are_those_of_the_dense_one():
    """The intercept is infinite in no coordinates but those in which a sparse X is not centred."""
    rng = np.random.default_rng(0)
    z, x = (rng.random(60) < 0.4).astype(float), rng.normal(size=60) + 3
    y = (rng.random(60) < expit(x - 3)).astype(int)
    y[z == 1] = 1
    for X in (np.column_stack([x, z]), sparse.csr_array(np.column_stack([x, z]))):
        with pytest.warns(SeparationWarning):
            model = LogisticRegression(C=np.inf).fit(X, y)
        ends = model.inference(X, y).conf_int(method="profile")
        assert np.isfinite(ends.drop(index="x1")).to_numpy().all()
        assert ends.loc["x1", "upper"] == np.inf


def test_more_columns_than_rows_have_no_inference():
    """There is no C to set."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 40)), np.arange(20) % 2
    with pytest.warns(CollinearityWarning):
        model = FirthLogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match=r"no fewer rows than coefficients\. Leave columns out\.$"):
        model.inference(X, y)


def test_median_bias_reduction_has_no_likelihood_ratio():
    X, y = made()
    result = FirthLogisticRegression(correction="median").fit(X, y).inference(X, y)
    with pytest.raises(ValueError, match="llr_pvalue needs a likelihood, and median bias"):
        _ = result.llr_pvalue


def test_the_likelihood_of_firths_estimate_of_separated_classes_is_that_at_the_estimate():
    X, y = np.arange(6.0)[:, None], np.repeat([0, 1], 3)
    model = FirthLogisticRegression().fit(X, y)
    log_p = model.predict_log_proba(X)[np.arange(6), y]
    assert_allclose(model.inference(X, y).llf, log_p.sum(), rtol=1e-9)


def test_the_highest_of_several_maxima(monkeypatch):
    # Nelder and Mead's search from 15 starts: -3.54987; a fit from 0 alone ends at -4.92828
    X = [
        [1, -1, 0], [0, -1, 0], [-3, -1, 1], [3, 1, 0], [3, -1, 1], [-1, 1, 0], [-1, 1, 0],
        [0, 3, 0], [-2, 0, 1], [-2, 1, 1], [-3, 0, 1], [3, 1, 1], [-3, 2, 0], [0, -1, 0],
        [1, 0, 1], [0, -3, 0], [0, -3, 1], [-2, 1, 0],
    ]  # fmt: skip
    y = [0, 0, 1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 1]
    offset = [-0.6, -0.3, -0.9, -0.8, 0, -0.6, 0.3, 0.9, 2.4]
    offset += [2, -1.4, 2, 0.7, 1.3, -0.4, 1.1, 0.1, 0.3]
    model = FirthLogisticRegression().fit(X, y, offset=offset)
    result = model.inference(X, y, offset=offset)
    assert result.penalised_llf == pytest.approx(-3.54987, abs=1e-5)
    assert result.lr_test(1).statistic == pytest.approx(1.633, abs=1e-3)
    monkeypatch.setattr(firth, "highest", iterate)
    low = FirthLogisticRegression().fit(X, y, offset=offset)
    with pytest.warns(ConvergenceWarning, match="several maxima"):
        assert np.isnan(low.inference(X, y, offset=offset).lr_test(1).pvalue)

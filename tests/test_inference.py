"""Standard errors, tests, effects and diagnostics: published answers, and statsmodels live."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.special import logsumexp
from scipy.stats import chi2, norm
from test_references import FINITE, INFINITE, NAMES, REFERENCE, last_place, maximum_likelihood
from test_references import table as reference_table

from logreg import (
    CollinearityWarning,
    ConvergenceWarning,
    FirthLogisticRegression,
    LogisticRegression,
    LogisticRegressionCV,
    SeparationWarning,
    datasets,
)


def infer(X, y, weight=None, offset=None, *, C=np.inf, **how):
    model = LogisticRegression(C=C, tol=1e-9).fit(X, y, weight, offset)
    return model.inference(X, y, weight, offset, **how)


def made(n=400, d=4, K=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * [1, 10, 0.1, 3][:d] + [0, 100, 1, -5][:d]
    X[:, -1] = X[:, -1] > -5
    margin = (X - X.mean(axis=0)) / X.std(axis=0) @ rng.normal(size=(d, K))
    return X, (margin + rng.gumbel(size=(n, K))).argmax(axis=1)


def frame(X):
    return pd.DataFrame(X, columns=[f"c{j}" for j in range(X.shape[1])])


# -- published answers ----------------------------------------------------------------------------


def answers():
    for name in NAMES:
        for i, answer in enumerate(getattr(datasets, f"load_{name}")().answers):
            if "bse" in answer:
                yield pytest.param(name, answer, id=f"{name}-{i}")


@pytest.mark.parametrize(("name", "answer"), list(answers()))
def test_standard_errors_of_the_data_sets(name, answer):
    bunch = getattr(datasets, f"load_{name}")()
    rows = slice(answer.get("rows"))
    columns = [list(bunch.feature_names).index(column) for column in answer["names"]]
    X, y = bunch.data[rows, columns], bunch.target[rows]
    weight = bunch.sample_weight[rows] if "sample_weight" in bunch else None
    result = infer(X, y, weight)
    expected = np.atleast_2d(np.asarray(answer["bse"], dtype=float))
    mine = np.atleast_2d(np.roll(result.bse.to_numpy().T, -1, axis=-1))  # intercept last
    digits = answer.get("bse_digits", answer["digits"])
    assert_allclose(mine, expected, rtol=max(0.5 * 10.0 ** (1 - digits), 1e-7))


def reference(name):
    if not REFERENCE.exists():
        pytest.skip("the tables with known answers are not beside the repository")
    return json.loads((REFERENCE / f"{name}.json").read_text())


@pytest.mark.parametrize("name", FINITE)
def test_standard_errors_of_the_reference_tables(name):
    """Against 40 digits, and to a unit of the last place of what programs print. Some stop early,
    which moves a standard error by 2e-5 of it (R and SAS at a relative change of F of 1e-8).
    """
    known, X, y, weight = reference_table(name)
    result = infer(X, y, weight)
    bse = result.bse.to_numpy().T
    assert_allclose(bse, known["computed"]["ml"]["se"], rtol=1e-8)
    for answer in maximum_likelihood(known):
        if "se" in answer:
            allowed = last_place(answer["se"]) + 2e-5 * np.abs(answer["se"])
            assert np.all(np.abs(bse - answer["se"]) <= allowed)


@pytest.mark.parametrize("name", [*FINITE, *INFINITE])
def test_firth_of_the_reference_tables(name):
    known, X, y, weight = reference_table(name)
    if "firth" not in known["computed"]:
        pytest.skip("no answer for Firth's estimate of this table")
    truth = known["computed"]["firth"]
    model = FirthLogisticRegression(tol=1e-10).fit(X, y, weight)
    result = model.inference(X, y, weight)
    assert_allclose(result.params.to_numpy().T, truth["coef"], rtol=1e-7, atol=1e-10)
    if "se" in truth:
        assert_allclose(result.bse.to_numpy().T, truth["se"], rtol=1e-7)
    if "penalized_loglik" in truth:
        assert_allclose(result.penalised_llf, truth["penalized_loglik"], rtol=1e-9)


def test_spector_as_stata_prints_it():
    """Stata 11, by statsmodels' results_discrete.py: its columns are in single precision."""
    entry = reference("spector")["published"][0]
    X, y = datasets.load_spector(return_X_y=True, as_frame=True)
    result = infer(X, y)
    assert_allclose(result.params, entry["coef"], rtol=1e-6)
    assert_allclose(result.bse, entry["se"], rtol=1e-6)
    assert_allclose(result.cov_params(), entry["cov"], rtol=5e-6, atol=1e-7)
    for name, key in (("llf", "loglik"), ("llnull", "loglik_null"), ("prsquared", "pseudo_r2")):
        assert_allclose(getattr(result, name), entry[key], rtol=1e-6)
    assert_allclose([result.aic, result.bic], [entry["aic"], entry["bic"]], rtol=1e-6)


def test_anes96_as_stata_and_nnet_print_it():
    entry = reference("anes96")["published"][0]
    X, y = datasets.load_anes96(return_X_y=True)
    assert X.shape[1] == 5
    result = infer(X, y)
    assert_allclose(result.params.to_numpy().T, entry["coef"], atol=6e-7, rtol=1e-6)
    assert_allclose(result.bse.to_numpy().T, entry["se"], rtol=1e-6)
    assert_allclose(result.llf, entry["loglik"], rtol=1e-9)
    assert_allclose(result.llnull, entry["loglik_null"], rtol=1e-8)
    assert_allclose([result.aic, result.bic], [entry["aic"], entry["bic"]], rtol=1e-8)
    assert_allclose(result.prsquared, entry["pseudo_r2"], rtol=1e-8)


def test_three_tests_of_low_birth_weight_as_sas_prints_them():
    """PROC LOGISTIC: likelihood ratio 12.0991, score 11.3876, Wald 10.6964, df 5."""
    entry = reference("lbw_table22")["published"][0]
    bunch = datasets.load_birthwt(as_frame=True)
    X = bunch.data[["age", "lwt", "race_black", "race_other", "ftv"]]
    result = infer(X, bunch.target)
    for test, key in ((result.lr_test, "lr"), (result.score_test, "score")):
        assert_allclose(test().statistic, entry[key], atol=6e-5)
    # SAS stops at a relative change of F of 1e-8: its estimate is 2e-5 standard errors off
    assert_allclose(result.wald_test().statistic, entry["wald"], atol=3e-4)
    assert {result.lr_test().df, result.score_test().df, result.wald_test().df} == {5}
    assert_allclose(-2 * result.llf, entry["minus2loglik"], atol=6e-4)
    assert_allclose(result.null_deviance, entry["minus2loglik_null"], atol=6e-4)


# -- statsmodels, live ----------------------------------------------------------------------------


def test_estimates_agree_with_statsmodels():
    X, y = made()
    mine, theirs = infer(frame(X), y), sm.Logit(y, sm.add_constant(frame(X))).fit(disp=0, tol=1e-14)
    for name in ("params", "bse", "pvalues", "llf", "llnull", "llr", "llr_pvalue", "aic", "bic"):
        assert_allclose(getattr(mine, name), getattr(theirs, name), rtol=1e-6)
    assert_allclose(mine.zvalues, theirs.tvalues, rtol=1e-6)
    assert_allclose(mine.cov_params(), theirs.cov_params(), rtol=1e-6)
    assert_allclose(mine.conf_int(0.1), theirs.conf_int(0.1), rtol=1e-6)
    assert (mine.nobs, mine.df_model, mine.df_resid) == (400, 4, 395)
    assert_allclose(mine.prsquared, theirs.prsquared, rtol=1e-9)
    assert list(mine.params.index) == ["Intercept", "c0", "c1", "c2", "c3"]


def test_multinomial_estimates_agree_with_statsmodels():
    X, y = made(K=3)
    theirs = sm.MNLogit(y, sm.add_constant(frame(X))).fit(disp=0, tol=1e-10, method="newton")
    mine = infer(frame(X), y)
    for name in ("params", "bse", "pvalues", "llf", "llnull", "llr_pvalue", "aic", "bic"):
        assert_allclose(getattr(mine, name), getattr(theirs, name), rtol=1e-6)
    assert_allclose(mine.cov_params(), theirs.cov_params(), rtol=1e-6, atol=1e-12)
    assert_allclose(mine.conf_int().to_numpy(), theirs.conf_int().to_numpy(), rtol=1e-6)
    assert (mine.df_model, mine.df_resid) == (8, 390)


def test_another_baseline_gives_the_same_model():
    X, y = made(K=3)
    labels = np.array(["a", "b", "c"])[y]
    first, last = infer(X, labels), infer(X, labels, baseline="c")
    assert list(last.params.columns) == ["a", "b"]
    assert_allclose(last.params["a"], -(first.params["c"]), rtol=1e-9)
    assert_allclose(last.params["b"], first.params["b"] - first.params["c"], rtol=1e-7)
    assert_allclose(last.bse["a"], first.bse["c"], rtol=1e-9)
    two = infer(X, y > 0, baseline=True)
    assert_allclose(two.params, -infer(X, y > 0).params, rtol=1e-12)
    assert_allclose(last.lr_test(["x0", "x1"]), first.lr_test(["x0", "x1"]), rtol=1e-9)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array])
def test_robust_covariances_agree_with_statsmodels(K, storage):
    X, y = made(K=K)
    model = sm.Logit if K == 2 else sm.MNLogit
    groups = np.arange(400) % 37
    fit = {"disp": 0, "tol": 1e-10, "method": "newton"}
    theirs = model(y, sm.add_constant(X)).fit(cov_type="HC0", **fit)
    mine = infer(storage(X), y, cov_type="HC0")
    assert_allclose(mine.bse, theirs.bse, rtol=1e-6)
    assert_allclose(infer(X, y, cov_type="HC1").bse / mine.bse, np.sqrt(400 / (400 - 5 * (K - 1))))
    theirs = model(y, sm.add_constant(X)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, **fit
    )
    mine = infer(storage(X), y, cov_type="cluster", groups=groups.astype(str))
    assert_allclose(mine.bse, theirs.bse, rtol=1e-6)


def test_clusters_in_two_ways_agree_with_statsmodels():
    X, y = made()
    groups = np.column_stack([np.arange(400) % 17, np.arange(400) // 20])
    theirs = sm.Logit(y, sm.add_constant(X)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, disp=0, tol=1e-14
    )
    assert_allclose(infer(X, y, cov_type="cluster", groups=groups).bse, theirs.bse, rtol=1e-6)


def test_weights_are_repeated_rows_for_every_covariance_but_that_of_drawn_rows():
    X, y = made()
    weight = np.random.default_rng(1).integers(0, 4, 400)
    long = np.repeat(np.arange(400), weight)
    for cov_type in ("nonrobust", "HC0", "HC1"):
        mine = infer(X, y, weight, cov_type=cov_type)
        other = infer(X[long], y[long], cov_type=cov_type)
        for name in ("bse", "llf", "llnull", "aic", "bic", "nobs"):
            assert_allclose(getattr(mine, name), getattr(other, name), rtol=1e-8)
        assert_allclose(mine.marginal_effects(), other.marginal_effects(), rtol=1e-7)
        assert_allclose(mine.marginal_effects(at="median"), other.marginal_effects(at="median"))
    drawn = infer(X, y, weight, cov_type="HC0", weights="probability")
    scaled = infer(X, y, weight / 10, cov_type="HC0", weights="probability")
    assert_allclose(drawn.bse, scaled.bse, rtol=1e-7)
    assert drawn.nobs == np.count_nonzero(weight)


def test_offset():
    X, y = made()
    known = np.random.default_rng(2).normal(size=400)
    mine = infer(X, y, offset=known)
    theirs = sm.GLM(y, sm.add_constant(X), sm.families.Binomial(), offset=known).fit(tol=1e-14)
    assert_allclose(mine.params, theirs.params, rtol=1e-7)
    assert_allclose(mine.bse, theirs.bse, rtol=1e-7)
    assert_allclose(mine.null_deviance, theirs.null_deviance, rtol=1e-9)


# -- tests of hypotheses --------------------------------------------------------------------------


@pytest.mark.parametrize("K", [2, 3])
def test_tests_of_columns_compare_two_fits(K):
    X, y = made(K=K)
    whole, small = infer(frame(X), y), infer(frame(X)[["c0", "c2"]], y)
    expected = 2 * (whole.llf - small.llf)
    for test in (whole.lr_test(["c1", "c3"]), whole.lr_test(small), small.lr_test(whole)):
        assert_allclose(test.statistic, expected, rtol=1e-7)
        assert test.df == 2 * (K - 1)
        assert_allclose(test.pvalue, chi2.sf(expected, test.df), rtol=1e-7)
    assert_allclose(whole.lr_test([1, 3]), whole.lr_test(["c1", "c3"]))
    assert str(test).startswith(f"chi2({2 * (K - 1)}) = ")


def test_score_test_is_that_of_the_restricted_fit():
    X, y = made()
    p0 = sm.Logit(y, sm.add_constant(X[:, :2])).fit(disp=0, tol=1e-14).predict()
    Z = sm.add_constant(X)
    g = Z.T @ (y - p0)
    expected = g @ np.linalg.solve(Z.T * (p0 * (1 - p0)) @ Z, g)
    assert_allclose(infer(X, y).score_test([2, 3]).statistic, expected, rtol=1e-7)


def test_wald_test_of_names_and_of_linear_functions():
    X, y = made()
    mine, theirs = infer(frame(X), y), sm.Logit(y, sm.add_constant(frame(X))).fit(disp=0, tol=1e-14)
    R = np.array([[0, 1, 1, 0, 0], [0, 0, 0, 1, -2.0]])
    expected = theirs.wald_test((R, [0.3, 0.1]), scalar=True, use_f=False)
    found = mine.wald_test(R, [0.3, 0.1])
    assert_allclose(
        [found.statistic, found.pvalue], [expected.statistic, expected.pvalue], rtol=1e-6
    )
    assert_allclose(mine.wald_test(R.tolist(), [0.3, 0.1]), found)
    assert_allclose(mine.wald_test(np.array([0, 1.0, 0, 0, 0])), mine.wald_test("c0"))
    one = mine.wald_test("c1")
    assert_allclose(one.statistic, mine.zvalues["c1"] ** 2)
    assert_allclose(one.pvalue, mine.pvalues["c1"])
    assert mine.wald_test("Intercept").df == 1


# -- effects on probabilities ---------------------------------------------------------------------


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("at", ["overall", "mean", "median", "zero"])
def test_marginal_effects_agree_with_statsmodels(K, at):
    X, y = made(K=K)
    model = sm.Logit if K == 2 else sm.MNLogit
    theirs = model(y, sm.add_constant(frame(X))).fit(disp=0, tol=1e-10, method="newton")
    expected = theirs.get_margeff(at=at)
    mine = infer(frame(X), y).marginal_effects(at=at)
    assert_allclose(mine["dy_dx"], expected.margeff.T.ravel(), rtol=1e-6, atol=1e-10)
    assert_allclose(mine["std_err"], expected.margeff_se.T.ravel(), rtol=1e-5, atol=1e-10)


def test_discrete_effects_agree_with_statsmodels():
    X, y = made()
    theirs = sm.Logit(y, sm.add_constant(frame(X))).fit(disp=0, tol=1e-14)
    expected = theirs.get_margeff(dummy=True)
    result = infer(frame(X), y)
    mine = result.marginal_effects(discrete="auto")
    assert_allclose(mine["dy_dx"], expected.margeff, rtol=1e-6)
    assert_allclose(mine["std_err"], expected.margeff_se, rtol=1e-6)
    assert_allclose(result.marginal_effects("c3", discrete=["c3"]), mine.loc[["c3"]])
    expected = theirs.get_margeff(dummy=True, at="mean")
    mine = result.marginal_effects(discrete="auto", at="mean")
    assert_allclose(mine["dy_dx"], expected.margeff, rtol=1e-6)


def test_effects_at_values_are_those_of_a_changed_table():
    X, y = made()
    result = infer(frame(X), y)
    moved = frame(X).assign(c0=0.5)
    p = result.predict_proba(moved)[:, 1]
    effect = result.marginal_effects("c1", at={"c0": 0.5})["dy_dx"].iloc[0]
    assert_allclose(effect, np.mean(p * (1 - p)) * result.params["c1"], rtol=1e-10)


@pytest.mark.parametrize("K", [2, 3])
def test_standard_errors_of_effects_and_predictions_by_differences(K):
    """The delta method's derivative, by a small step in each parameter."""
    X, y = made(K=K, n=100)
    model = LogisticRegression(C=np.inf, tol=1e-9).fit(X, y)
    result = model.inference(X, y)
    beta = result.params.to_numpy().reshape(5, -1).T

    def probability(b):
        margin = np.column_stack([np.zeros(100), (sm.add_constant(X) @ b.T).reshape(100, -1)])
        e = np.exp(margin - margin.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    steps = np.eye(beta.size).reshape(-1, *beta.shape)
    size = 1e-6 * result.bse.to_numpy().reshape(5, -1).T
    p = probability(beta)
    change = [
        (probability(beta + e * size) - probability(beta - e * size)) / (2 * (e * size).sum())
        for e in steps
    ]
    cov = result.cov_params().to_numpy()
    expected = np.sqrt(np.einsum("aik,ab,bik->ik", change, cov, change))
    mine = result.predict(X)
    for k in range(1 if K == 2 else 0, K):
        part = mine if K == 2 else mine[k]
        assert_allclose(part["probability"], p[:, k], rtol=1e-9)
        assert_allclose(part["std_err"], expected[:, k], rtol=1e-5, atol=1e-9)
        assert ((part["lower"] < part["probability"]) & (part["probability"] < part["upper"])).all()
    if K == 2:  # the interval is that of the margin
        row = sm.add_constant(X)[0]
        half = norm.ppf(0.975) * np.sqrt(row @ cov @ row)
        ends = 1 / (1 + np.exp(-(row @ beta[0] + [-half, half])))
        assert_allclose(mine[["lower", "upper"]].iloc[0], ends, rtol=1e-7)


# -- diagnostics ----------------------------------------------------------------------------------


def test_residuals_and_influence_agree_with_statsmodels():
    X, y = made()
    theirs = sm.GLM(y, sm.add_constant(X), sm.families.Binomial()).fit(tol=1e-14)
    influence = theirs.get_influence(observed=False)
    mine = infer(X, y)
    assert_allclose(mine.residuals("response"), theirs.resid_response, rtol=1e-6, atol=1e-9)
    assert_allclose(mine.residuals("pearson"), theirs.resid_pearson, rtol=1e-6)
    assert_allclose(mine.residuals(), theirs.resid_deviance, rtol=1e-6)
    assert_allclose(mine.leverage(), influence.hat_matrix_diag, rtol=1e-6)
    assert_allclose(mine.leverage().sum(), 5)
    assert_allclose(mine.cooks_distance(), influence.cooks_distance[0], rtol=1e-6)
    expected = theirs.resid_pearson / np.sqrt(1 - influence.hat_matrix_diag)
    assert_allclose(mine.residuals("standardized_pearson"), expected, rtol=1e-6)
    assert_allclose(np.sum(mine.residuals() ** 2), mine.deviance, rtol=1e-9)


def test_residuals_keep_their_digits_where_a_row_is_sure():
    X = np.concatenate([np.linspace(-1, 1, 40), [60.0]])[:, None]
    y = np.concatenate([np.arange(40) % 2, [0]])
    model = LogisticRegression(C=np.inf).fit(X[:40], y[:40])
    model.coef_, model.intercept_ = np.array([[1.0]]), np.array([0.0])
    result = model.inference(X, y)
    with pytest.warns(ConvergenceWarning, match="standard errors from the optimum of these data"):
        result.cov_params()
    assert_allclose(result.residuals("pearson")[-1], -np.exp(30), rtol=1e-12)
    assert_allclose(result.residuals()[-1], -np.sqrt(120), rtol=1e-12)


def test_hosmer_lemeshow_by_hand():
    X, y = made(n=1000)
    result = infer(X, y)
    p = result.predict_proba(X)[:, 1]
    at = np.digitize(p, np.quantile(p, np.arange(0.1, 1, 0.1)), right=True)
    seen, expected, size = (np.bincount(at, v) for v in (y, p, np.ones(1000)))
    statistic = np.sum((seen - expected) ** 2 / (expected * (1 - expected / size)))
    found = result.hosmer_lemeshow()
    assert_allclose(found.statistic, statistic, rtol=1e-12)
    assert_allclose(found.pvalue, chi2.sf(statistic, 8), rtol=1e-12)
    assert found.df == 8
    assert_allclose(found.observed, seen)
    with pytest.raises(ValueError, match="at least three"):
        infer((X > 0)[:, :1].astype(float), y).hosmer_lemeshow()


def test_pseudo_r2():
    X, y = made()
    result = infer(X, y)
    null, n, p = -2 * result.llnull, 400, result.predict_proba(X)[:, 1]
    r2 = result.pseudo_r2()
    cox = 1 - np.exp((result.deviance - null) / n)
    assert_allclose(r2["mcfadden"], 1 - result.deviance / null)
    assert_allclose(r2["cox_snell"], cox)
    assert_allclose(r2["nagelkerke"], cox / (1 - np.exp(-null / n)))
    assert_allclose(r2["tjur"], p[y == 1].mean() - p[y == 0].mean())
    assert "tjur" not in infer(*made(K=3)).pseudo_r2()


# -- ridge, collinear columns, separation ---------------------------------------------------------


@pytest.mark.parametrize("shape", [(400, 4), (30, 60)])
def test_with_ridge_the_covariance_is_that_of_the_posterior(shape):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape)
    y = (rng.random(len(X)) < 0.5).astype(int)
    result = infer(X, y, C=0.5)
    Z = sm.add_constant(X)
    p = result.predict_proba(X)[:, 1]
    h = (Z.T * (p * (1 - p))) @ Z
    posterior = np.linalg.inv(h + np.diag([0] + [2.0] * shape[1]))
    assert_allclose(result.cov_params(), posterior, rtol=1e-7, atol=1e-10)
    assert_allclose(result.df_model + 1, np.trace(h @ posterior), rtol=1e-8)
    assert "posterior about its mode" in str(result)
    with pytest.raises(ValueError, match=r"needs a fit without a penalty: set C=np\.inf"):
        result.lr_test()


def test_columns_that_depend_on_each_other_have_no_standard_errors():
    X, y = made()
    table = frame(X).assign(twice=2 * X[:, 0])
    with pytest.warns(CollinearityWarning):
        model = LogisticRegression(C=np.inf, tol=1e-9).fit(table, y)
    result = model.inference(table, y)
    with pytest.warns(CollinearityWarning, match="do not determine c0, twice, whose standard"):
        bse = result.bse
    assert np.isnan(bse[["c0", "twice"]]).all()
    plain = infer(frame(X), y)
    kept = ["Intercept", "c1", "c2", "c3"]
    assert_allclose(bse[kept], plain.bse[kept], rtol=1e-7)
    assert_allclose(result.aic, plain.aic)
    test = result.lr_test(["c0", "twice"])
    assert_allclose(test, plain.lr_test("c0"), rtol=1e-7)
    assert result.lr_test("twice").df == 0
    assert "NaN" in str(result)
    with pytest.raises(ValueError, match="do not determine"):
        result.wald_test("c0")


def test_separated_classes_are_said_in_the_summary():
    X = np.arange(20.0)[:, None]
    with pytest.warns(SeparationWarning):
        model = LogisticRegression(C=np.inf).fit(X, X[:, 0] > 9)
    result = model.inference(X, X[:, 0] > 9)
    with pytest.warns(ConvergenceWarning, match="did not converge, or the classes are separated"):
        assert "did not converge" in str(result)


@pytest.mark.parametrize(
    "ask",
    [
        lambda result: result.bse,
        lambda result: result.pvalues,
        lambda result: result.cov_params(),
        lambda result: result.to_frame(),
        lambda result: result.marginal_effects(),
    ],
)
def test_warnings_point_at_the_line_that_asks(ask):
    X = np.arange(20.0)[:, None]
    with pytest.warns(SeparationWarning):
        model = LogisticRegression(C=np.inf).fit(X, X[:, 0] > 9)
    result = model.inference(X, X[:, 0] > 9)
    with pytest.warns(ConvergenceWarning) as caught:
        ask(result)
    assert {each.filename for each in caught} == {__file__}


# -- tables ---------------------------------------------------------------------------------------


def test_summary_reads_as_a_table():
    X, y = datasets.load_spector(return_X_y=True, as_frame=True)
    text = str(infer(X, y).summary())
    assert "Log-likelihood:   -12.8896 (intercept only: -20.5917)" in text
    (row,) = [line for line in text.splitlines() if line.startswith("GPA")]
    assert row.split() == ["GPA", "2.8261", "1.2629", "2.238", "0.0252", "0.3508", "5.3014", "*"]
    assert max(map(len, text.splitlines())) < 80
    html = infer(X, y)._repr_html_()
    assert html.count("<tr>") == html.count("</tr>") >= 4
    several = str(infer(*made(K=3)))
    assert several.count("against 0") == 2


def test_odds_ratios_and_frame():
    X, y = made()
    result = infer(frame(X), y)
    ratios = result.odds_ratios()
    assert_allclose(ratios["odds_ratio"], np.exp(result.params))
    assert_allclose(ratios[["lower", "upper"]], np.exp(result.conf_int()))
    table = result.to_frame()
    assert list(table.columns) == ["coef", "std_err", "z", "p", "lower", "upper"]
    assert_allclose(table["p"], result.pvalues)


# -- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"cov_type": "HC3"}, r"cov_type='HC3' is unknown; there are 'nonrobust', 'HC0', 'HC1'"),
        ({"cov_type": "cluster"}, "cov_type='cluster' needs groups"),
        ({"groups": np.zeros(400)}, "groups need cov_type='cluster'"),
        ({"cov_type": "cluster", "groups": np.zeros(400)}, "All rows are in one group"),
        ({"cov_type": "cluster", "groups": np.zeros(3)}, r"one label a row, \(400,\)"),
        ({"cov_type": "cluster", "groups": [None] * 400}, "400 missing labels, the first in row 0"),
        ({"weights": "analytic"}, "weights must be 'frequency' or 'probability', got 'analytic'"),
        ({"weights": "probability"}, "Probability weights need a robust covariance"),
        ({"baseline": 7}, "baseline=7 is none of the classes: 0, 1"),
    ],
)
def test_arguments_that_make_no_sense(how, message):
    X, y = made()
    with pytest.raises(ValueError, match=message):
        _ = infer(X, y, **how).bse


def test_other_messages():
    X, y = made()
    model = LogisticRegression(l1_ratio=0.5).fit(X, y)
    with pytest.raises(ValueError, match="no inference with an L1 penalty"):
        model.inference(X, y)
    with pytest.raises(ValueError, match=r"cov_type='HC0' needs C=np\.inf"):
        infer(X, y, C=1.0, cov_type="HC0")
    with pytest.raises(ValueError, match=r"y has the classes \[0, 1, 2\], the model was fitted"):
        LogisticRegression().fit(X, y).inference(X, np.arange(400) % 3)
    result = infer(X, y)
    with pytest.raises(ValueError, match="no parameter 'age'; there are Intercept, x0, x1, x2, x3"):
        result.wald_test("age")
    with pytest.raises(ValueError, match="the list is empty"):
        result.lr_test([])
    with pytest.raises(ValueError, match="A test of the intercept: use wald_test"):
        result.lr_test("Intercept")
    with pytest.raises(ValueError, match=r"alpha must lie between 0 and 1 \(0\.05 for 95 %\)"):
        result.conf_int(95)
    with pytest.raises(ValueError, match="method must be 'wald' or 'profile'"):
        result.conf_int(method="bootstrap")
    with pytest.raises(ValueError, match="at='best' is unknown; there are 'overall', 'mean'"):
        result.marginal_effects(at="best")
    with pytest.raises(ValueError, match="kind='raw' is unknown; there are 'response'"):
        result.residuals("raw")
    with pytest.raises(ValueError, match="residuals is for two classes; here are 3"):
        infer(*made(K=3)).residuals()
    with pytest.raises(ValueError, match="R has 2 columns; there are 5 parameters"):
        result.wald_test(np.eye(2))
    with pytest.raises(ValueError, match="different rows"):
        result.lr_test(infer(X[:300], y[:300]))
    model = LogisticRegression().fit(X, y).set_params(C=np.inf)
    rows = [0, 1, int(np.argmax(y != y[0]))]
    with pytest.raises(ValueError, match="X has 3 rows for 5 coefficients"):
        model.inference(X[rows], y[rows])


# -- what a reader broke ---------------------------------------------------------------------------


def test_tests_of_correlated_columns_find_the_restricted_optimum():
    """The other coefficient alone lies far in the tails: F of 1e5 there, and no way back."""
    rng = np.random.default_rng(59)
    t = rng.integers(1990, 2021, 400).astype(float)
    y = (rng.uniform(size=400) < 1 / (1 + np.exp(-(0.02 * (t - 2005) ** 2 - 1)))).astype(int)
    result = infer(np.column_stack([t, t * t]), y)
    small = infer(t[:, None], y)
    assert_allclose(result.lr_test("x1").statistic, 2 * (result.llf - small.llf), rtol=1e-7)
    p = small.predict_proba(t[:, None])[:, 1]
    z = np.column_stack([np.ones(400), t - 2005, (t - 2005) ** 2])
    g = z.T @ (y - p)
    expected = g @ np.linalg.solve((z.T * (p * (1 - p))) @ z, g)
    assert_allclose(result.score_test("x1").statistic, expected, rtol=1e-6)


@pytest.mark.parametrize("K", [2, 3])
def test_without_an_intercept_the_null_model_has_no_parameters(K):
    X, y = made(K=K)
    model = LogisticRegression(C=np.inf, fit_intercept=False).fit(X, y)
    result = model.inference(X, y)
    assert_allclose(result.llnull, -400 * np.log(K))
    assert_allclose(result.lr_test().statistic, result.llr)
    assert result.lr_test().df == 4 * (K - 1)
    assert "Log-likelihood" in str(result)


def test_few_clusters_in_two_ways_may_have_no_variance():
    X, y = made(n=70)
    groups = np.column_stack([np.arange(70) % 7, np.arange(70) % 5])
    result = infer(X, y, cov_type="cluster", groups=groups)
    with pytest.warns(UserWarning, match="negative variances"):
        bse = result.bse
    lost = np.isnan(bse)
    assert lost.any()
    assert np.isnan(result.pvalues[lost]).all()


def test_weights_that_do_not_count_rows_have_no_correction():
    X, y = made()
    weight = np.full(400, 0.01)
    with pytest.raises(ValueError, match=r"there are n = 4\s+observations for k = 5 parameters"):
        _ = infer(X, y, weight, cov_type="HC1").bse
    assert (infer(X, y, weight, cov_type="HC1", weights="probability").bse > 0).all()


def test_clusters_without_weight_are_removed():
    X, y = made()
    groups, weight = np.arange(400) % 20, np.where(np.arange(400) % 20 < 3, 0.0, 1.0)
    mine = infer(X, y, weight, cov_type="cluster", groups=groups)
    kept = weight > 0
    other = infer(X[kept], y[kept], cov_type="cluster", groups=groups[kept])
    assert_allclose(mine.bse, other.bse, rtol=1e-7)


def test_hosmer_lemeshow_of_weights_is_that_of_repeated_rows():
    X, y = made()
    weight = np.random.default_rng(4).integers(0, 4, 400)
    long = np.repeat(np.arange(400), weight)
    mine, other = infer(X, y, weight).hosmer_lemeshow(), infer(X[long], y[long]).hosmer_lemeshow()
    assert_allclose(mine.statistic, other.statistic, rtol=1e-7)
    assert_allclose(mine.size, other.size)


def test_models_that_are_not_nested_have_no_ratio():
    X, y = made()
    table = frame(X)
    whole, part = infer(table[["c0", "c1"]], y), infer(table[["c2"]], y)
    with pytest.raises(ValueError, match="not nested"):
        whole.lr_test(part)
    with pytest.raises(ValueError, match="not nested"):
        infer(table[["c0"]], y).lr_test(part)
    with pytest.raises(ValueError, match="needs a fit without a penalty"):
        whole.lr_test(infer(table[["c0"]], y, C=0.1))
    with pytest.raises(ValueError, match="same y, weights and offset"):
        whole.lr_test(infer(table[["c0"]], y, offset=np.ones(400)))
    shifted = table.assign(c0=2 * table["c0"] + 1)[["c0"]]  # the same space
    assert_allclose(whole.lr_test(infer(shifted, y)), whole.lr_test("c1"), rtol=1e-6)


def test_columns_are_those_of_the_fit():
    X, y = made()
    model = LogisticRegression(C=np.inf).fit(frame(X), y)
    with pytest.raises(ValueError, match="feature names should match"):
        model.inference(frame(X)[["c1", "c0", "c2", "c3"]], y)
    with pytest.raises(ValueError, match="X has 3 features"):
        LogisticRegression(C=np.inf).fit(X, y).inference(X[:, :3], y)
    named = frame(X).rename(columns={"c0": "Intercept"})
    with pytest.raises(ValueError, match="X has a column called 'Intercept'"):
        LogisticRegression(C=np.inf).fit(named, y).inference(named, y)


def test_predictions_keep_the_index_and_refuse_missing_values():
    X, y = made()
    result = infer(frame(X), y)
    some = frame(X).iloc[[7, 3]]
    assert list(result.predict(some).index) == [7, 3]
    with pytest.raises(ValueError, match=r"X has 1 missing value \(NaN\)"):
        result.predict(some.assign(c1=[np.nan, 1]))


def test_what_collinear_columns_leave_determined():
    X, y = made()
    table, plain = frame(X).assign(twice=2 * X[:, 0]), infer(frame(X), y)
    with pytest.warns(CollinearityWarning):
        model = LogisticRegression(C=np.inf, tol=1e-9).fit(table, y)
    result = model.inference(table, y)
    with pytest.warns(CollinearityWarning, match="do not determine"):
        predicted = result.predict(table)
    assert_allclose(predicted, plain.predict(frame(X)), rtol=1e-6)
    mine, other = result.marginal_effects(), plain.marginal_effects()
    assert_allclose(mine.loc[["c1", "c2"]], other.loc[["c1", "c2"]], rtol=1e-6)
    assert np.isnan(mine.loc[["c0", "twice"], "std_err"]).all()
    found = result.wald_test([[0, 1.0, 0, 0, 0, 2.0]])  # c0 + 2 twice' is determined
    assert_allclose(found.statistic, plain.zvalues["c0"] ** 2, rtol=1e-6)


def test_after_cross_validation():
    X, y = made()
    model = LogisticRegressionCV(Cs=3).fit(X, y)
    expected = LogisticRegression(C=model.C_).fit(X, y).inference(X, y)
    assert_allclose(model.inference(X, y).bse, expected.bse, rtol=1e-6)


def test_probability_weights_have_no_likelihood_in_the_summary():
    X, y = made()
    text = str(infer(X, y, np.full(400, 2.0), cov_type="HC0", weights="probability"))
    assert "Likelihood ratio" not in text
    assert "AIC" not in text


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda r: r.wald_test([]), "the list is empty"),
        (lambda r: r.marginal_effects([]), "the list is empty"),
        (lambda r: r.wald_test(np.eye(5)[:1], value=[1, 2]), "one for each of 1 rows"),
        (lambda r: r.wald_test("x0", value=np.nan), "one for each of 1 rows"),
        (lambda r: r.wald_test(1.0), r"no parameter 1\.0"),
        (lambda r: r.conf_int("x"), "alpha must lie between 0 and 1"),
        (lambda r: r.marginal_effects(at=3), "at=3 is unknown"),
        (lambda r: r.marginal_effects(at={"x0": np.nan}), "must be a number"),
        (lambda r: r.hosmer_lemeshow(2.5), "groups must be an integer of at least 3, got 2.5"),
    ],
)
def test_more_arguments_that_make_no_sense(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(infer(*made()))


# -- separated classes ----------------------------------------------------------------------------


def separated(X, y, **given):
    with pytest.warns(SeparationWarning):
        model = LogisticRegression(C=np.inf).fit(X, y, **given)
    return model.inference(X, y, **given)


def test_the_likelihood_of_completely_separated_classes_is_its_supremum():
    """0, whatever F is where the fit stopped; the ratio is then 12 log 2, as R's glm prints it."""
    X, y = np.arange(1.0, 7)[:, None], np.repeat([0, 1], 3)
    result = separated(X, y)
    assert result.llf == 0
    assert_allclose(result.lr_test().statistic, 12 * np.log(2), rtol=1e-12)
    assert_allclose(result.llr_pvalue, chi2.sf(12 * np.log(2), 1), rtol=1e-12)
    assert (result.aic, result.prsquared) == (4, 1)
    # the offset takes the margins at the fit to the wrong side, and no further than that
    assert separated(X, y, offset=np.where(y == 1, -8.0, 8.0)).llf == 0


def test_the_likelihood_of_several_separated_classes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = np.digitize(X @ [4, 1, -1], [-2, 2])
    result, plain = separated(X, y), infer(X[:, 1:], y)
    share = np.bincount(y) / 30
    assert result.llf == 0
    assert_allclose(result.lr_test().statistic, -60 * np.sum(share * np.log(share)), rtol=1e-9)
    assert_allclose(result.lr_test("x0").statistic, -2 * plain.llf, rtol=1e-6)
    assert_allclose(result.lr_test(plain).statistic, -2 * plain.llf, rtol=1e-6)


def test_a_score_test_needs_a_restricted_estimate():
    """x0 alone separates the classes."""
    X = np.column_stack([np.arange(6.0), [0, 1, 0, 1, 1, 0]])
    result = separated(X, np.repeat([0, 1], 3))
    assert result.lr_test("x1").statistic == 0
    with pytest.raises(ValueError, match=r"The other columns alone separate .* Use lr_test"):
        result.score_test("x1")
    p = np.full(6, 0.5)  # without x0 there is one; of x1 alone b = (-log 2, 2 log 2)
    p[[1, 3, 4]], p[[0, 2, 5]] = 2 / 3, 1 / 3
    z = np.column_stack([np.ones(6), X[:, ::-1]])
    g = z.T @ (np.repeat([0, 1], 3) - p)
    expected = g @ np.linalg.solve((z.T * (p * (1 - p))) @ z, g)
    assert_allclose(result.score_test("x0").statistic, expected, rtol=1e-7)


@pytest.mark.parametrize("K", [2, 3])
def test_where_nothing_is_determined_there_is_no_standard_error(K):
    """Three dummies and an intercept: rows in no group, or in two, are of no margin's data."""
    rng = np.random.default_rng(0)
    g, x = rng.integers(0, 3, 200), rng.normal(size=200)
    X = pd.DataFrame(np.column_stack([x, np.eye(3)[g]]), columns=["x", "a", "b", "c"])
    y = (np.outer(x + g - 1, np.arange(K)) + rng.gumbel(size=(200, K))).argmax(axis=1)
    with pytest.warns(CollinearityWarning):
        model = LogisticRegression(C=np.inf, tol=1e-9).fit(X, y)
    result, plain = model.inference(X, y), infer(X[["x", "a", "b"]], y)
    with pytest.warns(CollinearityWarning, match="do not determine"):
        _ = result.bse
    rows = pd.DataFrame(np.eye(4)[[0, 1]] + np.eye(4)[[0, 2]], columns=X.columns)
    rows.loc[1, ["a", "b"]] = 1.0, 0.0
    with pytest.warns(CollinearityWarning, match="do not determine 1 of 2 rows, whose standard"):
        found = result.predict(rows).to_numpy().reshape(2, -1, 4)
    assert np.isnan(found[0, :, 1:]).all()
    expected = plain.predict(rows[["x", "a", "b"]]).to_numpy().reshape(2, -1, 4)
    assert_allclose(found[1], expected[1], rtol=1e-6)
    for at in ("zero", "median", {"a": 1}):
        with pytest.warns(CollinearityWarning, match=r"determine . of . marginal effects"):
            assert np.isnan(result.marginal_effects("x", at=at)["std_err"]).all()
    groups = result.marginal_effects("x", at={"a": 1, "b": 0, "c": 0})
    assert_allclose(groups, plain.marginal_effects("x", at={"a": 1, "b": 0}), rtol=1e-6)


# -- what the answers are of ----------------------------------------------------------------------


ASKS = {
    "lr_test": lambda result: result.lr_test("x1"),
    "score_test": lambda result: result.score_test("x1"),
    "against": lambda result: result.lr_test(infer(made()[0][:, :2], made()[1])),
    "llf": lambda result: result.llf,
    "llr_pvalue": lambda result: result.llr_pvalue,
    "aic": lambda result: result.aic,
    "pseudo_r2": lambda result: result.pseudo_r2(),
    "prsquared": lambda result: result.prsquared,
    "profile": lambda result: result.conf_int(method="profile"),
    "hosmer_lemeshow": lambda result: result.hosmer_lemeshow(),
    "residuals": lambda result: result.residuals(),
    "bse": lambda result: result.bse,
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_data_of_another_fit_are_told_whatever_is_asked_for(ask):
    X, y = made()
    model = LogisticRegression(C=np.inf).fit(X, y, offset=np.sin(X[:, 0]))
    result = model.inference(X, y)  # the offset forgotten
    with pytest.warns(
        ConvergenceWarning, match="standard errors from the optimum of these"
    ) as told:
        ask(result)
    assert len(told) == 1
    assert told[0].filename == __file__
    ask(result)  # told once
    ask(infer(X, y))


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_a_fit_that_did_not_converge_is_told_whatever_is_asked_for(ask):
    X, y = made()
    with pytest.warns(ConvergenceWarning):
        model = LogisticRegression(C=np.inf, max_iter=1).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="did not converge") as told:
        ask(model.inference(X, y))
    assert len(told) == 1


def test_of_separated_classes_the_likelihood_is_known_and_the_estimate_is_not():
    X, y = np.arange(1.0, 7)[:, None], np.repeat([0, 1], 3)
    result = separated(X, y)
    assert np.isfinite([result.llf, result.lr_test().pvalue, result.aic]).all()
    assert np.isfinite(result.conf_int(method="profile").loc["x0", "lower"])
    with pytest.warns(ConvergenceWarning, match="or the classes are separated"):
        result.residuals()


# statistic, and what asks for it: refused where it would be that of the weights' size
LIKELIHOOD = {
    "A likelihood-ratio test": lambda result: result.lr_test("x0"),
    "A score test": lambda result: result.score_test("x0"),
    "A profile": lambda result: result.conf_int(method="profile"),
    "llr_pvalue": lambda result: result.llr_pvalue,
}
COUNTS = {
    "AIC": lambda result: result.aic,
    "BIC": lambda result: result.bic,
    "hosmer_lemeshow": lambda result: result.hosmer_lemeshow(),
    "cooks_distance": lambda result: result.cooks_distance(),
    "A residual": lambda result: result.residuals("pearson"),
}


@pytest.mark.parametrize("what", [*LIKELIHOOD, *COUNTS])
def test_probability_weights_are_no_counts(what):
    X, y = made()
    weight = np.linspace(0.5, 2, 400)
    result = infer(X, y, weight, cov_type="HC1", weights="probability")
    with pytest.raises(ValueError, match=f"{what}.* which probability weights do not have"):
        (LIKELIHOOD | COUNTS)[what](result)


def test_what_probability_weights_leave_does_not_change_with_their_scale():
    X, y = made()
    weight = np.linspace(0.5, 2, 400)
    small, large = (
        infer(X, y, weight * scale, cov_type="HC1", weights="probability") for scale in (1, 1000)
    )
    assert list(small.pseudo_r2().index) == ["mcfadden", "tjur"]
    assert_allclose(small.pseudo_r2(), large.pseudo_r2(), rtol=1e-7)
    assert_allclose(small.residuals("response"), large.residuals("response"), rtol=1e-6, atol=1e-9)
    assert_allclose(small.leverage(), large.leverage(), rtol=1e-6)
    assert_allclose(small.wald_test("x0"), large.wald_test("x0"), rtol=1e-6)
    assert_allclose(small.to_frame(), large.to_frame(), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("what", LIKELIHOOD)
def test_with_a_penalty_or_a_robust_covariance_there_is_no_test_of_the_likelihood(what):
    X, y = made()
    with pytest.raises(ValueError, match=f"{what} needs a fit without a penalty"):
        LIKELIHOOD[what](infer(X, y, C=1.0))
    robust = infer(X, y, cov_type="HC1")
    with pytest.raises(ValueError, match=rf"{what} is of the likelihood, not of cov_type='HC1'"):
        LIKELIHOOD[what](robust)
    assert "Likelihood ratio" not in str(robust)
    assert_allclose(robust.aic, infer(X, y).aic)


def test_cooks_distance_with_a_penalty_counts_the_effective_parameters():
    X, y = made()
    X = X - X.mean(axis=0)
    model = LogisticRegression(C=1e-6, fit_intercept=False, tol=1e-9).fit(X, y)
    result = model.inference(X, y)
    p = result.predict_proba(X)[:, 1]
    h = (X.T * (p * (1 - p))) @ X
    inverse = np.linalg.inv(h + 1e6 * np.eye(4))
    lever = p * (1 - p) * np.einsum("ij,jk,ik->i", X, inverse, X)
    expected = (y - p) ** 2 / (p * (1 - p)) * lever / (np.trace(h @ inverse) * (1 - lever) ** 2)
    assert_allclose(result.cooks_distance(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda r: r.wald_test([[np.nan, 0, 0, 0, 0]]), "Row 0 of R holds NaN or infinity"),
        (lambda r: r.wald_test(np.eye(5)[[1]] * [[1], [0]]), "Row 1 of R is zero: it asks nothing"),
        (lambda r: r.wald_test(np.zeros((1, 5)), 1), "Row 0 of R is zero: it asks nothing"),
        (
            lambda r: r.wald_test(np.zeros((1, 1, 5))),
            r"R must be a matrix .* got shape \(1, 1, 5\)",
        ),
        (lambda r: r.wald_test([list("abcde")]), "R must be a matrix of numbers"),
        (lambda r: r.wald_test([["x0"], ["x1", "x2"]]), r"no parameter \['x0'\]"),
        (lambda r: r.wald_test("x0", value="a"), "value must be a number, .* got 'a'"),
        (lambda r: r.marginal_effects(discrete=True), "no parameter True"),
        (lambda r: r.marginal_effects(discrete=9), "no parameter 9"),
        (lambda r: r.model.inference(*made(), baseline=[0, 1]), r"baseline=\[0, 1\] is none of"),
    ],
)
def test_still_more_arguments_that_make_no_sense(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(infer(*made()))


def test_one_discrete_column_and_none():
    result = infer(*made())
    assert_allclose(result.marginal_effects(discrete=3), result.marginal_effects(discrete=["x3"]))
    assert_allclose(result.marginal_effects(discrete=None), result.marginal_effects())


def test_weights_of_one_and_offsets_of_zero_are_none():
    X, y = made()
    whole, part = infer(X, y), infer(X[:, :2], y, np.ones(400), np.zeros(400))
    assert_allclose(whole.lr_test(part), whole.lr_test(["x2", "x3"]), rtol=1e-6)
    with pytest.raises(ValueError, match="same y, weights and offset"):
        whole.lr_test(infer(X[:, :2], y, np.full(400, 2.0)))


def test_a_year_is_nested_by_its_deviation_from_the_mean():
    """2000 to 2009, and the same less an irregular 5e-4: a millionth of its size, not its own."""
    X, y = made()
    year = 2000.0 + np.arange(400) % 10
    near = year + 5e-4 * np.sin(np.arange(400) ** 2)
    whole = infer(np.column_stack([X, year]), y)
    assert whole.lr_test(infer(year[:, None], y)).df == 4
    with pytest.raises(ValueError, match="not nested"):
        whole.lr_test(infer(near[:, None], y))
    model = LogisticRegression(C=np.inf, fit_intercept=False).fit(near[:, None], y)
    with pytest.raises(ValueError, match="not nested"):
        whole.lr_test(model.inference(near[:, None], y))
    model = LogisticRegression(C=np.inf, fit_intercept=False).fit(year[:, None] - 7, y)
    assert whole.lr_test(model.inference(year[:, None] - 7, y)).df == 5
    dummies = np.eye(3)[np.arange(400) % 3]  # their sum is the smaller one's intercept
    model = LogisticRegression(C=np.inf, fit_intercept=False).fit(dummies, y)
    assert model.inference(dummies, y).lr_test(infer(dummies[:, :1], y)).df == 1


@pytest.mark.parametrize(("seed", "spread"), [(432, 30), (40, 100), (91, 100), (3, 2)])
def test_the_likelihood_of_partly_separated_classes_is_that_of_the_other_rows(seed, spread):
    """All with z = 1 are of class 1. With offsets far apart the fit stopped up to 1,287 below."""
    rng, K = np.random.default_rng(seed), 2 + seed % 2
    z, x = (rng.random(40) < 0.3).astype(float), rng.normal(size=40)
    y = (x[:, None] * rng.normal(size=K) + rng.gumbel(size=(40, K))).argmax(axis=1)
    y[z == 1] = 1
    rng.choice([0, 2, 10, 30, 100])
    offset = rng.normal(size=(40, K)) * spread
    known = offset[:, 1] if K == 2 else offset
    result, rest = separated(np.column_stack([x, z]), y, offset=known), z == 0
    expected = infer(x[rest, None], y[rest], offset=known[rest]).llf
    assert_allclose(result.llf, expected, rtol=1e-9)


# -- separated classes with offsets --------------------------------------------------------------


def told_apart():
    """Three classes of which some pairs are told apart, with an offset."""
    x = np.array([-1.0, 0, 1, 3, 3, -1, 2, 1, -2, -2, 3])[:, None]
    y = [1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 2]
    offset = np.array(
        [
            [0.1, 0.2, 1], [1, 1.6, -0.1], [1.5, -0.7, 0.1], [-0.7, -0.5, -0.9],
            [-1.1, 1.2, 1.8], [1, 1.2, -1.3], [-2.6, -0.8, -0.2], [-0.3, 0.9, 0],
            [0.7, -0.7, 1.3], [1.2, -1.2, -2.6], [0.7, -0.8, -0.4],
        ]
    )  # fmt: skip
    return x, y, offset


def test_the_supremum_of_separated_classes_with_an_offset():
    # by a linear program for the pairs and BFGS for the rest, to a gradient of 2e-15
    x, y, offset = told_apart()
    with pytest.warns(SeparationWarning):
        result = LogisticRegression(C=np.inf).fit(x, y, offset=offset).inference(x, y, None, offset)
    assert result.llf == pytest.approx(-4.458905, abs=1e-6)
    assert result.lr_test(0).statistic == pytest.approx(25.318, abs=1e-3)


def test_a_score_test_of_separated_others_is_refused_with_an_offset():
    X = [[0, 0, 1], [1, 0, 0], [1, 0, 1], [1, 0, 1], [1, 1, 1], [1, 0, 0], [0, 0, 1.0]]
    y, offset = [0, 0, 1, 1, 0, 1, 0], [1.59, 50.34, 32.59, -15.02, -29.59, -3.77, 21.13]
    with pytest.warns(SeparationWarning):
        result = LogisticRegression(C=np.inf).fit(X, y, offset=offset).inference(X, y, None, offset)
    with pytest.raises(ValueError, match="Use lr_test"):
        result.score_test(0)


def test_an_infinite_odds_ratio_lies_in_its_interval():
    X, y = [[-2.0], [-1], [1], [2]], [0, 0, 1, 1]
    with pytest.warns(SeparationWarning):
        result = LogisticRegression(C=np.inf).fit(X, y).inference(X, y)
    row = result.odds_ratios(method="profile").loc["x0"]
    assert row["odds_ratio"] == row["upper"] == np.inf
    assert 1 < row["lower"] < 2


@pytest.mark.parametrize("size", [80.0, 200.0])
def test_an_offset_that_saturates_every_margin(size):
    rng = np.random.default_rng(0)
    x, y = (rng.random(200) < 0.1).astype(float), (rng.random(200) < 0.4).astype(int)
    model = LogisticRegression(C=np.inf).fit(x[:, None], y, offset=-size * x)
    odds = [np.log(y[x == k].mean() / (1 - y[x == k].mean())) for k in (0, 1)]  # of two groups
    assert model.intercept_[0] == pytest.approx(odds[0], abs=1e-6)
    assert model.coef_[0, 0] == pytest.approx(size + odds[1] - odds[0], abs=1e-6)


@pytest.mark.parametrize("K", [2, 3])
def test_the_null_model_of_an_offset_alone(K):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.integers(0, K, 60)
    offset = 30 * rng.normal(size=60 if K == 2 else (60, K))
    model = LogisticRegression(C=np.inf, fit_intercept=False).fit(X, y, offset=offset)
    margin = np.column_stack([np.zeros(60), offset]) if K == 2 else offset
    null = float(np.sum(margin[np.arange(60), y] - logsumexp(margin, axis=1)))
    assert model.inference(X, y, offset=offset).llnull == pytest.approx(null, rel=1e-12)

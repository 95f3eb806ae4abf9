"""FirthLogisticRegression: published answers, its equations in extended precision, and what it is
invariant to."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from logreg import (
    CollinearityWarning,
    ConvergenceWarning,
    FirthLogisticRegression,
    LogisticRegression,
    Outcome,
    SeparationWarning,
)
from logreg.datasets import load_breast_cancer, load_iris

REFERENCE = Path(__file__).parents[2] / "shared" / "data" / "reference"
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = (X @ [1.0, -1.0, 0.5] + RNG.logistic(size=40) > 0.5).astype(int)
Y3 = (0.5 * X @ RNG.normal(size=(3, 3)) + RNG.gumbel(size=(40, 3))).argmax(axis=1)
WEIGHT = RNG.integers(0, 4, 40)
OFFSET = RNG.normal(size=40)
CORRECTIONS = ["firth", "flic", "flac", "median"]


def fit(X=X, y=Y, sample_weight=None, offset=None, tol=1e-10, **parameters):
    return FirthLogisticRegression(tol=tol, **parameters).fit(X, y, sample_weight, offset)


def everything(model):
    return np.column_stack([model.coef_, model.intercept_])


# -- published answers -----------------------------------------------------------------------------


def table(name):
    if not REFERENCE.exists():
        pytest.skip("the tables with known answers lie beside the repository, not here")
    known = json.loads((REFERENCE / f"{name}.json").read_text())
    return known, pd.read_csv(REFERENCE / known["data"])


def binary(name):
    known, frame = table(name)
    response = {"endometrial": "HG", "sex2": "case"}[name]
    columns = known["columns"][1:]
    return known, frame[columns].to_numpy(float), frame[response].to_numpy()


@pytest.mark.parametrize("name", ["endometrial", "sex2"])
def test_firth_as_computed_with_40_digits(name):
    known, X, y = binary(name)
    answer = known["computed"]["firth"]
    model = fit(X, y)
    assert_allclose(np.append(model.intercept_, model.coef_), answer["coef"], rtol=1e-9)
    point = model.solution(X, y)
    assert point.value == pytest.approx(answer["penalized_loglik"], rel=1e-13)
    assert point.loglik == pytest.approx(answer["loglik"], rel=1e-10)
    se = np.sqrt(np.diag(point.covariance()))
    assert_allclose(np.append(se[-1], se[:-1]), answer["se"], rtol=1e-10)


# One row an observation, all columns as they are: those of the tables that need no recoding.
PLAIN = {
    "mtcars": "am",
    "mtcars_wt": "am",
    "pima_tr": "type",
    "remission": "remiss",
    "remission_full": "remiss",
    "saheart": "chd",
    "spector": "GRADE",
    "vaso": "Y",
    "vaso_rounded": "Y",
}


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_firth_on_other_tables(name):
    known, frame = table(name)
    lower = {column.lower(): column for column in frame}
    try:
        columns = [lower[column.lower()] for column in known["columns"][1:]]
        y = frame[lower[PLAIN[name].lower()]]
    except KeyError as missing:
        pytest.skip(f"{name} has to be recoded first: no column {missing}")
    if not all(frame[column].dtype.kind in "if" for column in columns):
        pytest.skip(f"{name} has to be recoded first: it has text")
    model = fit(frame[columns].to_numpy(float), y.to_numpy())
    answer = known["computed"]["firth"]["coef"]
    assert_allclose(np.append(model.intercept_, model.coef_), answer, rtol=1e-8)


def test_endometrial_as_brglm2_prints_it():
    # ikosmidis/brglm2, README.md: glm(HG ~ NV + PI + EH, binomial, endometrial, method = brglm_fit)
    _, X, y = binary("endometrial")
    model = fit(X, y)
    assert_allclose(model.intercept_, 3.77456, atol=5e-6)
    assert_allclose(model.coef_[0], [2.92927, -0.03475, -2.60416], atol=5e-6)


def test_median_bias_reduction_as_mbrglm_prints_it():
    # eulogepagui/mbrglm, README.md: mbrglm(HG ~ NV + PI + EH, family = binomial, data = endo)
    _, X, y = binary("endometrial")
    model = fit(X, y, correction="median")
    assert_allclose(model.intercept_, 3.96936, atol=5e-6)
    assert_allclose(model.coef_[0], [3.86921, -0.03868, -2.70793], atol=5e-6)


@pytest.mark.parametrize(
    ("correction", "printed"),
    [
        # easystats/parameters, tests/testthat/_snaps/windows/model_parameters.logistf.md
        # (logistf's flic and flac of case ~ age + oc + vic + vicl + vis + dia, sex2)
        ("flic", [0.13, -1.11, -0.07, 2.27, -2.11, -0.79, 3.10]),
        ("flac", [0.12, -1.10, -0.07, 2.28, -2.11, -0.79, 3.18]),
    ],
)
def test_flic_and_flac_as_logistf_prints_them(correction, printed):
    _, X, y = binary("sex2")
    model = fit(X, y, correction=correction)
    assert_allclose(np.append(model.intercept_, model.coef_), printed, atol=5.001e-3)


def test_multinomial_firth_on_hepatitis():
    known, frame = table("hepatitis")
    answer = known["computed"]["firth"]
    withhold = (frame.group == "withhold").to_numpy(float)
    post = (frame.time == "post").to_numpy(float)
    X = np.column_stack([withhold, post, withhold * post])
    y = (frame.HCV + 2 * frame.nonABC).to_numpy(int)
    model = fit(X, y, frame.counts)
    w, b = model.coef_[1:] - model.coef_[0], model.intercept_[1:] - model.intercept_[0]
    assert_allclose(np.column_stack([b, w]), answer["coef"], rtol=1e-9)
    published = known["published"][0]["coef_without_const"]  # Bull et al. (2002), table 3
    assert_allclose(w, published, atol=5.001e-3)
    point = model.solution(X, y, frame.counts)
    assert point.value == pytest.approx(answer["penalized_loglik"], rel=1e-12)
    se = np.sqrt(np.diag(point.covariance())).reshape(2, 4)
    assert_allclose(np.column_stack([se[:, 3], se[:, :3]]), answer["se"], rtol=1e-8)


# -- the equations ---------------------------------------------------------------------------------


def inverse(a):
    """In extended precision, by a float64 inverse and Newton's iterations X ← X (2 - A X)."""
    x = np.linalg.inv(a.astype(float)).astype(np.longdouble)
    for _ in range(3):
        x = x @ (2 * np.eye(len(a)) - a @ x)
    return x


def modified_score(model, X, y, weight, offset, tau=0.5, median=False):
    """In extended precision, by the text of the papers; and the information."""
    A = np.column_stack([X, np.ones(len(X))]).astype(np.longdouble)
    theta = np.append(model.coef_[0], model.intercept_).astype(np.longdouble)
    mu = 1 / (1 + np.exp(-(A @ theta + offset)))
    W = weight * mu * (1 - mu)
    info = A.T @ (A * W[:, None])
    inv = inverse(info)
    h = W * np.einsum("ij,jk,ik->i", A, inv, A)
    score = A.T @ (weight * (y - mu) + tau * h * (1 - 2 * mu))
    if median:
        b = []
        for j in range(len(theta)):
            v = np.outer(inv[j], inv[j]) / inv[j, j]
            hj = W * np.einsum("ij,jk,ik->i", A, v, A)
            b.append(inv[j] @ (A.T @ (hj * (1 - 2 * mu))) * (-2 * tau / 3))
        score = score + info @ np.array(b)
    return score, info


@pytest.mark.parametrize("scale", [[1, 1, 1], [1e-6, 1, 1e8]])
@pytest.mark.parametrize("tau", [0.1, 0.5])
@pytest.mark.parametrize("correction", ["firth", "median"])
def test_the_score_equations(correction, tau, scale):
    Z = X * scale + [0, 100, 0]
    weight = 0.5 + WEIGHT
    model = fit(Z, Y, weight, OFFSET, tau=tau, correction=correction)
    score, info = modified_score(model, Z, Y, weight, OFFSET, tau, correction == "median")
    size = np.sqrt(np.diag(info))
    assert np.abs(score / size).max() < 1e-8
    assert model.outcome_ is Outcome.CONVERGED


@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
def test_the_score_is_the_gradient_of_the_value(y):
    problem = fit(X, y).solution(X, y, WEIGHT).problem
    phi = RNG.normal(size=problem.shape[0] * problem.shape[1])
    for k in range(len(phi)):
        step = 1e-5 * (np.arange(len(phi)) == k)
        slope = (problem.at(phi + step).value - problem.at(phi - step).value) / 2e-5
        assert problem.at(phi).score[k] == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_the_hat_diagonal_adds_up_to_the_parameters():
    assert fit().solution(X, Y).hat.sum() == pytest.approx(4)
    assert fit(X, Y3).solution(X, Y3).hat.sum() == pytest.approx(8)


def test_many_blocks_of_rows_equal_one(monkeypatch):
    one = fit(X, Y), fit(X, Y3), fit(X, Y, correction="median")
    monkeypatch.setattr("logreg.jeffreys.BLOCK", 1)
    Z, y, y3 = (np.concatenate([a, a, a, a]) for a in (X, Y, Y3))
    quarter = np.full(160, 0.25)
    for model, again in zip(
        one,
        (fit(Z, y, quarter), fit(Z, y3, quarter), fit(Z, y, quarter, correction="median")),
        strict=True,
    ):
        assert_allclose(everything(again), everything(model), rtol=1e-8)


# -- what it equals --------------------------------------------------------------------------------


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_rescaled_columns_rescale_coefficients(correction):
    scale = np.array([1e-7, 3.0, 1e9])
    model, scaled = fit(correction=correction), fit(X * scale, correction=correction)
    assert_allclose(scaled.coef_ * scale, model.coef_, rtol=1e-9)
    assert_allclose(scaled.intercept_, model.intercept_, rtol=1e-9)


@pytest.mark.parametrize(("y", "correction"), [*[(Y, name) for name in CORRECTIONS], (Y3, "firth")])
def test_integer_weights_equal_repeated_rows(y, correction):
    repeated = np.repeat(np.arange(40), WEIGHT)
    weighted = fit(X, y, WEIGHT, correction=correction)
    assert_allclose(
        everything(weighted),
        everything(fit(X[repeated], y[repeated], correction=correction)),
        rtol=1e-8,
    )


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_tau_0_is_maximum_likelihood(correction):
    offset = OFFSET / 4
    model = fit(X, Y, WEIGHT, offset, tau=0.0, correction=correction)
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit(X, Y, WEIGHT, offset)
    assert_allclose(everything(model), everything(peer), rtol=1e-8)


def test_tau_0_is_maximum_likelihood_of_several_classes():
    offset = RNG.normal(size=(40, 3))
    model = fit(X, Y3, WEIGHT + 1, offset, tau=0.0)
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit(X, Y3, WEIGHT + 1, offset)
    assert_allclose(everything(model), everything(peer), rtol=1e-8)
    assert_allclose(model.predict_proba(X, offset), peer.predict_proba(X, offset), rtol=1e-8)


def test_two_classes_are_a_case_of_several():
    from logreg.jeffreys import MultinomialJeffreys

    problem = fit().solution(X, Y, WEIGHT).problem
    same = MultinomialJeffreys(problem.x, problem.y.astype(np.intp), 1, problem.weight)
    phi = RNG.normal(size=4)
    a, b = problem.at(phi), same.at(phi)
    assert b.value == pytest.approx(a.value)
    assert_allclose(b.score, a.score)
    assert_allclose(b.hat, a.hat)


def test_the_order_of_the_classes_is_of_no_consequence():
    model, turned = fit(X, Y3), fit(X, 2 - Y3)
    assert_allclose(turned.coef_[::-1], model.coef_, rtol=1e-8)
    assert_allclose(fit(X, 1 - Y).coef_, -fit(X, Y).coef_, rtol=1e-8)


def test_flic_keeps_coefficients_and_sets_the_mean():
    plain, flic = fit(X, Y, WEIGHT, OFFSET), fit(X, Y, WEIGHT, OFFSET, correction="flic")
    assert_array_equal(flic.coef_, plain.coef_)
    mean = np.average(flic.predict_proba(X, OFFSET)[:, 1], weights=WEIGHT)
    assert mean == pytest.approx(np.average(Y, weights=WEIGHT), rel=1e-12)
    assert np.average(plain.predict_proba(X, OFFSET)[:, 1], weights=WEIGHT) != pytest.approx(mean)


def test_flac_is_maximum_likelihood_of_the_augmented_rows():
    h = fit(X, Y, WEIGHT, OFFSET).solution(X, Y, WEIGHT, OFFSET).hat
    kept = WEIGHT > 0
    Z, y, o = X[kept], Y[kept], OFFSET[kept]
    rows = np.column_stack([np.vstack([Z] * 3), np.repeat([0.0, 1.0, 1.0], len(Z))])
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit(
        rows, np.r_[y, y, 1 - y], np.r_[WEIGHT[kept], h / 2, h / 2], np.r_[o, o, o]
    )
    model = fit(X, Y, WEIGHT, OFFSET, correction="flac")
    assert_allclose(model.coef_[0], peer.coef_[0, :3], rtol=1e-8)
    assert_allclose(model.intercept_, peer.intercept_, rtol=1e-8)
    mean = np.average(model.predict_proba(X, OFFSET)[:, 1], weights=WEIGHT)
    assert mean == pytest.approx(np.average(Y, weights=WEIGHT))


def test_class_weights_are_weights_of_rows():
    model = fit(X, Y, class_weight={0: 2.0, 1: 3.0})
    assert_allclose(everything(model), everything(fit(X, Y, 2.0 + Y)), rtol=1e-9)


@pytest.mark.parametrize("intercept", [True, False])
def test_without_an_intercept(intercept):
    model = fit(np.column_stack([X, np.ones(40)]), fit_intercept=False)
    assert_allclose(model.coef_[0, :3], fit().coef_[0], rtol=1e-8)
    assert model.intercept_ == 0


def test_float32_and_frames():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = fit(frame)
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    assert_allclose(model.coef_, fit().coef_, rtol=1e-12)
    single = fit(X.astype(np.float32))
    assert single.coef_.dtype == np.float32
    assert_allclose(single.coef_, model.coef_, rtol=1e-5)


def test_warm_start_takes_fewer_iterations():
    model = FirthLogisticRegression(warm_start=True).fit(X, Y)
    first = model.n_iter_[0]
    assert model.fit(X, Y).n_iter_[0] < first
    several = FirthLogisticRegression(warm_start=True).fit(X, Y3)
    assert several.fit(X, Y3).n_iter_[0] <= 1


# -- data that are hard ----------------------------------------------------------------------------


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_separated_classes_have_a_finite_answer(correction):
    y = (X[:, 0] > 0).astype(int)
    model = fit(X, y, correction=correction)
    assert model.outcome_ is Outcome.CONVERGED
    assert np.isfinite(everything(model)).all()
    assert model.score(X, y) == 1


def test_separated_classes_of_real_tables():
    Z, y = load_iris(return_X_y=True)
    model = FirthLogisticRegression().fit(Z, y)
    assert model.outcome_ is Outcome.CONVERGED
    assert_allclose(model.coef_.sum(axis=0), 0, atol=1e-12)
    Z, y = load_breast_cancer(return_X_y=True)  # correlations of 0.998, scales of 1e-3 to 1e3
    model = FirthLogisticRegression().fit(Z, y)
    assert model.outcome_ is Outcome.CONVERGED
    assert np.isfinite(model.coef_).all()


def test_separated_classes_without_a_penalty():
    with pytest.warns(SeparationWarning, match="Set tau=0.5"):
        model = FirthLogisticRegression(tau=0.0).fit(X, X[:, 0] > 0)
    assert model.outcome_ is Outcome.SEPARATED


def test_nearly_collinear_columns():
    near = X[:, 0] + 1e-6 * RNG.normal(size=40)
    difference = (near - X[:, 0]) * 1e6
    model = fit(np.column_stack([X, near]), tol=1e-8)
    peer = fit(np.column_stack([X, difference]))
    assert model.coef_[0, 3] * 1e-6 == pytest.approx(peer.coef_[0, 3], rel=1e-4)


@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
def test_collinear_columns_have_the_smallest_norm(y):
    Z = np.column_stack([X, X[:, 0]])
    with pytest.warns(CollinearityWarning, match="1 linear dependence among column 0, column 3"):
        model = fit(Z, y)
    plain = fit(X, y)
    assert_allclose(model.coef_[:, [0, 3]], np.repeat(plain.coef_[:, :1] / 2, 2, 1), rtol=1e-8)
    assert_allclose(model.predict_proba(Z), plain.predict_proba(X), rtol=1e-8)


def test_more_columns_than_rows():
    with pytest.warns(CollinearityWarning, match="X has 60 columns but only 40 rows"):
        model = fit(RNG.normal(size=(40, 60)), Y)
    assert np.isfinite(model.coef_).all()


# -- sentences -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"correction": "flak"}, "correction='flak' is unknown; there are 'firth', 'flic'"),
        ({"tau": -1.0}, "tau must be a number of at least 0"),
        ({"tol": 0.0}, "tol must be a number above 0"),
        ({"max_iter": 1.5}, "max_iter must be an integer"),
        ({"correction": "flic", "fit_intercept": False}, "needs fit_intercept=True"),
    ],
)
def test_parameters(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        FirthLogisticRegression(**parameters).fit(X, Y)


def test_what_is_refused():
    with pytest.raises(TypeError, match=r"X is sparse: .*X.toarray\(\)"):
        fit(csr_array(X))
    with pytest.raises(
        ValueError,
        match=r"binary .* correction='flac': y has 3 classes",
    ):
        fit(X, Y3, correction="flac")
    with pytest.raises(ValueError, match="correction='median' needs columns"):
        fit_quietly(np.column_stack([X, X]), Y, correction="median")
    with pytest.raises(ValueError, match="no column other than zeros"):
        fit_quietly(np.zeros((40, 2)), Y, fit_intercept=False)
    with pytest.raises(ValueError, match="1 missing value"):
        fit(np.where(np.arange(40)[:, None] == 3, [[np.nan, 1, 1]], X))


def fit_quietly(*args, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollinearityWarning)
        return fit(*args, **parameters)


def test_a_median_score_without_a_root():
    rng = np.random.default_rng(11)
    seen = set()
    for _ in range(30):
        x = rng.normal(size=(31, 1))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = FirthLogisticRegression(correction="median").fit(x, x[:, 0] > 0)
        assert (model.outcome_ is Outcome.CONVERGED) == (not caught)
        assert np.isfinite(model.coef_).all()
        seen |= {str(warning.message)[:40] for warning in caught}
    assert seen <= {"No root of the median's modified score w"}


def test_too_few_iterations():
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        model = FirthLogisticRegression(max_iter=1).fit(X, Y)
    assert model.outcome_ is Outcome.MAX_ITER


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_history(correction, capsys):
    model = FirthLogisticRegression(correction=correction, verbose=1).fit(X, Y)
    history = model.history_
    assert list(history.columns) == [
        "objective",
        "gradient_norm",
        "standard_errors",
        "passes",
        "seconds",
    ]
    assert history.index[-1] == model.n_iter_[0]
    assert history["standard_errors"].iloc[-1] <= 1e-6
    assert "std. errors" in capsys.readouterr().out


# -- scikit-learn ----------------------------------------------------------------------------------


# "median" has no root for the separated data of some checks, and says so
CORRECTIONS = ("firth", "flic", "flac")


@parametrize_with_checks([FirthLogisticRegression(correction=each) for each in CORRECTIONS])
def test_scikit_learns_checks(estimator, check):
    name = getattr(check, "func", check).__name__
    with warnings.catch_warnings():
        if name == "check_sample_weight_equivalence_on_dense_data":  # 30 columns, 15 to 27 rows
            warnings.simplefilter("ignore", CollinearityWarning)
            estimator.set_params(tol=1e-9)  # it compares to 1e-7
        check(estimator)


def test_clone_and_tags():
    model = FirthLogisticRegression(correction="flac", tau=0.3)
    assert clone(model).get_params() == model.get_params()
    assert not get_tags(model).input_tags.sparse

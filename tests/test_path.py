"""The path: its grid, its fits against fits from nothing, and what lies between them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import logreg
from logreg import ConvergenceWarning, LogisticRegression, Outcome, logistic_path

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 6))
Y = (X @ [1.5, -1.0, 0.5, 0, 0, 0] + RNG.logistic(size=150) > 0).astype(int)
Y3 = (X @ RNG.normal(size=(6, 3)) + RNG.gumbel(size=(150, 3))).argmax(axis=1)
WIDE = RNG.normal(size=(40, 90))
WIDE_Y = np.array(["no", "yes"])[(WIDE[:, :3].sum(axis=1) > 0).astype(int)]
WEIGHT = RNG.integers(0, 4, 150).astype(float)
OFFSET = RNG.normal(size=150)
LOG_LOSS = np.log(2.0)


def objective(X, y, w, b, C, l1_ratio, weight=None, offset=None):
    """F, in plain NumPy."""
    codes = np.unique(y, return_inverse=True)[1]
    margin = X @ w.T + b
    if offset is not None:
        margin = margin + np.asarray(offset).reshape(margin.shape)
    if len(w) == 1:
        margin = np.column_stack([np.zeros(len(codes)), margin])
    loss = np.logaddexp.reduce(margin, axis=1) - margin[np.arange(len(codes)), codes]
    s = 1.0 if weight is None else weight
    penalty = l1_ratio * np.abs(w).sum() + (1 - l1_ratio) / 2 * (w**2).sum()
    return float((s * loss).sum() + penalty / C)


PROBLEMS = {
    "binary": (X, Y, 1.0, {}),
    "elastic net": (X, Y, 0.5, {}),
    "ridge": (X, Y, 0.0, {}),
    "three classes": (X, Y3, 1.0, {}),
    "three classes, ridge": (X, Y3, 0.0, {}),
    "wide": (WIDE, WIDE_Y, 1.0, {}),
    "wide, elastic net": (WIDE, WIDE_Y, 0.3, {}),
    "wide, ridge": (WIDE, WIDE_Y, 0.0, {}),
    "scaled": (X * 10.0 ** np.arange(-3, 3), Y, 1.0, {}),
    "weights": (X, Y, 1.0, {"sample_weight": WEIGHT}),
    "offset": (X, Y, 1.0, {"offset": OFFSET}),
    "weights and offset": (X, Y3, 0.5, {"sample_weight": WEIGHT, "offset": X[:, :3]}),
    "no intercept": (X, Y, 1.0, {"fit_intercept": False}),
    "no intercept, offset": (X, Y, 1.0, {"fit_intercept": False, "offset": OFFSET}),
}


@pytest.fixture(scope="module", params=PROBLEMS)
def case(request):
    A, y, l1_ratio, extra = PROBLEMS[request.param]
    return A, y, l1_ratio, extra, logistic_path(A, y, l1_ratio=l1_ratio, n_Cs=12, **extra)


# -- the grid --------------------------------------------------------------------------------------


def test_the_grid_begins_where_all_are_zero_and_is_even_in_log_C(case):
    _, _, l1_ratio, _, path = case
    assert path.Cs.shape == (12,)
    assert_allclose(np.diff(np.log(path.Cs)), np.log(1000) / 11)
    if l1_ratio:
        assert path.n_nonzero[0] == 0 < path.n_nonzero[1]
        assert_array_equal(path.coefs[0], 0)
    else:
        assert (path.n_nonzero == path.coefs.shape[2]).all()


@pytest.mark.parametrize("l1_ratio", [0.05, 0.5, 1.0])
@pytest.mark.parametrize(("A", "y"), [(X, Y), (X, Y3), (WIDE, WIDE_Y)], ids=["2", "3", "wide"])
def test_a_hundred_fits_of_which_the_second_is_the_first_with_a_column(A, y, l1_ratio):
    path = logistic_path(A, y, l1_ratio=l1_ratio)
    assert len(path.Cs) == 100
    assert path.n_nonzero[0] == 0 < path.n_nonzero[1]
    assert_allclose(path.Cs[-1], 1000 * path.Cs[0])


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weights"])
def test_the_first_C_by_its_formula(weight):
    s = np.ones(150) if weight is None else weight
    share = s @ Y / s.sum()
    path = logistic_path(X, Y, l1_ratio=0.5, n_Cs=2, sample_weight=weight)
    assert path.Cs[0] == pytest.approx(0.5 / np.abs(X.T @ (s * (Y - share))).max(), rel=1e-10)
    ridge = logistic_path(X, Y, l1_ratio=0.0, n_Cs=2, sample_weight=weight)
    assert ridge.Cs[0] == pytest.approx(path.Cs[0] / 500, rel=1e-10)


def test_the_first_C_with_an_offset():
    path = logistic_path(X, Y, offset=OFFSET, n_Cs=20)
    below, above = (
        LogisticRegression(l1_ratio=1.0, C=path.Cs[0] * f).fit(X, Y, offset=OFFSET)
        for f in (1 - 1e-6, 1.001)
    )
    assert_array_equal(below.coef_, 0)
    assert (above.coef_ != 0).sum() == 1


def test_a_grid_of_ones_own_is_sorted_and_each_value_fitted_once():
    path = logistic_path(X, Y, Cs=[1.0, 0.01, 0.1, 1.0])
    assert_array_equal(path.Cs, [0.01, 0.1, 1.0])
    assert path.coefs.shape == (3, 1, 6)


def test_one_C_is_a_path_too():
    path = logistic_path(X, Y, Cs=[0.1])
    w, b = path.at(0.1)
    model = LogisticRegression(l1_ratio=1.0, C=0.1).fit(X, Y)
    assert_allclose(w, model.coef_, atol=1e-5)
    assert_allclose(b, model.intercept_, atol=1e-5)
    assert_allclose(path.predict_proba(X, 0.1), model.predict_proba(X), atol=1e-5)


# -- the fits --------------------------------------------------------------------------------------


def test_every_fit_is_that_of_a_cold_start(case):
    A, y, l1_ratio, extra, path = case
    given = {k: v for k, v in extra.items() if k != "fit_intercept"}
    intercept = extra.get("fit_intercept", True)
    weight, offset = given.get("sample_weight"), given.get("offset")
    assert set(path.outcomes) == {Outcome.CONVERGED}
    for k, C in enumerate(path.Cs):
        cold = LogisticRegression(C=C, l1_ratio=l1_ratio, fit_intercept=intercept)
        cold.fit(A, y, **given)
        ours = objective(A, y, path.coefs[k], path.intercepts[k], C, l1_ratio, weight, offset)
        theirs = objective(A, y, cold.coef_, cold.intercept_, C, l1_ratio, weight, offset)
        assert ours == pytest.approx(theirs, rel=1e-8)
        assert ours == pytest.approx(path.objectives[k], rel=1e-10)
        assert path.gaps[k] <= 1.001e-9 * ours + 1e-12
        assert ours - theirs <= path.gaps[k] + 1e-12 * ours
    if not intercept:
        assert_array_equal(path.intercepts, 0)


def test_shapes_and_kinds(case):
    A, y, l1_ratio, _, path = case
    K = len(np.unique(y))
    q = 1 if K == 2 else K
    assert path.l1_ratio == l1_ratio
    assert isinstance(path.l1_ratio, float)
    assert path.coefs.shape == (12, q, A.shape[1])
    assert path.intercepts.shape == (12, q)
    for each in (path.gaps, path.objectives, path.deviance_explained, path.n_iter, path.n_nonzero):
        assert each.shape == (12,)
    assert path.n_iter.dtype.kind == "i"
    assert_array_equal(path.classes, np.unique(y))
    assert_array_equal(path.n_nonzero, [(w != 0).any(axis=0).sum() for w in path.coefs])


def test_the_deviance_explained_rises_from_nothing(case):
    A, y, l1_ratio, extra, path = case
    explained = path.deviance_explained
    assert (np.diff(explained) > -1e-9).all()
    assert (explained < 1).all()
    if l1_ratio:
        assert abs(explained[0]) < 1e-8
    if extra or len(path.classes) > 2:
        return
    codes = np.unique(y, return_inverse=True)[1]
    share = codes.mean()
    null = -np.log(np.where(codes == 1, share, 1 - share)).sum()
    p = path.predict_proba(A, path.Cs[-1])[np.arange(len(y)), codes]
    assert explained[-1] == pytest.approx(1 + np.log(p).sum() / null, rel=1e-8)


def test_without_an_intercept_nothing_explained_is_even_odds():
    path = logistic_path(X, Y, fit_intercept=False, n_Cs=5)
    null = 150 * np.log(2)
    loss = objective(X, Y, path.coefs[-1], path.intercepts[-1], np.inf, 1.0)
    assert path.deviance_explained[-1] == pytest.approx(1 - loss / null, rel=1e-8)


def test_warm_starts_save_iterations():
    path = logistic_path(WIDE, WIDE_Y, n_Cs=60)
    cold = [LogisticRegression(l1_ratio=1.0, C=C).fit(WIDE, WIDE_Y).n_passes_ for C in path.Cs[-5:]]
    assert path.n_iter[-5:].max() <= 3
    assert path.n_iter.sum() < 2.5 * 60
    assert min(cold) > 1


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("y", [Y, Y3], ids=["2", "3"])
def test_sparse_is_as_dense(y, l1_ratio):
    A = np.where(np.abs(X) > 0.7, X, 0.0)
    dense, thin = (logistic_path(a, y, l1_ratio=l1_ratio, n_Cs=8) for a in (A, sparse.csr_array(A)))
    assert_allclose(thin.Cs, dense.Cs, rtol=1e-10)
    assert_allclose(thin.coefs, dense.coefs, atol=1e-4)
    assert_allclose(thin.objectives, dense.objectives, rtol=1e-8)
    assert_allclose(
        thin.predict_proba(sparse.csr_array(A), dense.Cs[5]),
        dense.predict_proba(A, dense.Cs[5]),
        atol=1e-4,
    )


def test_float32():
    path = logistic_path(X.astype(np.float32), Y, n_Cs=8)
    assert path.coefs.dtype == np.float32
    assert_allclose(path.coefs, logistic_path(X, Y, n_Cs=8).coefs, atol=1e-4)


def test_tall_data():
    rng = np.random.default_rng(1)
    A = rng.normal(size=(30_000, 20))
    y = (A @ np.linspace(-1, 1, 20) + rng.logistic(size=30_000) > 0).astype(int)
    path = logistic_path(A, y, n_Cs=15, n_jobs=2)
    one = logistic_path(A, y, n_Cs=15, n_jobs=1)
    assert_array_equal(path.coefs, one.coefs)
    assert set(path.outcomes) == {Outcome.CONVERGED}
    cold = LogisticRegression(l1_ratio=1.0, C=path.Cs[7]).fit(A, y)
    assert_allclose(path.coefs[7], cold.coef_, atol=1e-4)


def test_weights_are_repeated_rows_and_class_weights_are_weights():
    rows = np.repeat(np.arange(150), WEIGHT.astype(int))
    weighted, repeated = (
        logistic_path(X, Y, n_Cs=8, sample_weight=WEIGHT),
        logistic_path(X[rows], Y[rows], n_Cs=8),
    )
    assert_allclose(weighted.Cs, repeated.Cs, rtol=1e-10)
    assert_allclose(weighted.coefs, repeated.coefs, atol=1e-4)
    assert_allclose(weighted.deviance_explained, repeated.deviance_explained, atol=1e-8)
    by_class = logistic_path(X, Y, n_Cs=8, class_weight={0: 2.0, 1: 0.5})
    by_row = logistic_path(X, Y, n_Cs=8, sample_weight=np.where(Y == 0, 2.0, 0.5))
    assert_allclose(by_class.coefs, by_row.coefs, atol=1e-10)


def test_a_constant_offset_shifts_the_intercepts():
    moved, plain = (
        logistic_path(X, Y, n_Cs=8, offset=np.full(150, 2.0)),
        logistic_path(X, Y, n_Cs=8),
    )
    assert_allclose(moved.Cs, plain.Cs, rtol=1e-8)
    assert_allclose(moved.coefs, plain.coefs, atol=1e-4)
    assert_allclose(moved.intercepts, plain.intercepts - 2, atol=1e-4)
    assert_allclose(moved.deviance_explained, plain.deviance_explained, atol=1e-8)


# -- between and outside the fits ------------------------------------------------------------------


def test_at_a_fit_it_is_that_fit(case):
    *_, path = case
    for k in range(12):
        w, b = path.at(path.Cs[k])
        assert_allclose(w, path.coefs[k], rtol=1e-9, atol=1e-12)
        assert_allclose(b, path.intercepts[k], rtol=1e-9, atol=1e-12)
    for k in (0, 11):  # the ends, as numbers that went through text
        w, _ = path.at(float(f"{path.Cs[k]:.15g}"))
        assert_allclose(w, path.coefs[k], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_between_two_fits_it_is_linear_in_the_penalty(case, share):
    *_, path = case
    for k in (0, 5, 10):
        a, b = path.Cs[k : k + 2]
        w, intercept = path.at(1 / ((1 - share) / a + share / b))
        assert_allclose(w, (1 - share) * path.coefs[k] + share * path.coefs[k + 1], atol=1e-9)
        between = (1 - share) * path.intercepts[k] + share * path.intercepts[k + 1]
        assert_allclose(intercept, between, atol=1e-9)


@pytest.mark.parametrize("factor", [0.99, 1001.0])
def test_outside_the_path_it_says_so(factor):
    path = logistic_path(X, Y, n_Cs=4)
    C = path.Cs[0] * factor
    sentence = (
        r"C=.* is outside the path, which goes from .* to .*\. Fit a longer one \(Cs=\.\.\.\)"
    )
    for ask in (
        path.at,
        lambda C: path.predict_proba(X, C),
        lambda C: path.decision_function(X, C),
    ):
        with pytest.raises(ValueError, match=sentence):
            ask(C)


@pytest.mark.parametrize("C", [0.0, -1.0, np.inf, np.nan])
def test_what_is_no_C_is_outside(C):
    with pytest.raises(ValueError, match="is outside the path"):
        logistic_path(X, Y, n_Cs=4).at(C)


def test_probabilities_add_up_to_one_and_are_the_models(case):
    A, y, l1_ratio, extra, path = case
    C = path.Cs[6]
    p = path.predict_proba(A, C)
    assert p.shape == (len(y), len(path.classes))
    assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    model = LogisticRegression(
        C=C, l1_ratio=l1_ratio, fit_intercept=extra.get("fit_intercept", True)
    )
    model.fit(A, y, **{k: v for k, v in extra.items() if k != "fit_intercept"})
    assert_allclose(p, model.predict_proba(A), atol=1e-5)
    assert_allclose(path.decision_function(A, C), model.decision_function(A), atol=1e-4)


def test_probabilities_of_a_table_of_other_columns():
    path = logistic_path(X, Y, n_Cs=4)
    with pytest.raises(ValueError, match="X has 5 columns; the path was fitted with 6"):
        path.predict_proba(X[:, :5], path.Cs[1])


# -- as a table ------------------------------------------------------------------------------------


def test_a_frame_of_two_classes_has_a_row_a_C():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    path = logistic_path(frame, Y, n_Cs=7)
    table = path.to_frame()
    assert table.shape == (7, 7)
    assert list(table.columns) == ["intercept", *"abcdef"]
    assert table.index.name == "C"
    assert_array_equal(table.index, path.Cs)
    assert_array_equal(table["intercept"], path.intercepts[:, 0])
    assert_array_equal(table[list("abcdef")], path.coefs[:, 0])
    assert_array_equal(path.feature_names, list("abcdef"))
    assert_allclose(path.predict_proba(frame, path.Cs[3]), path.predict_proba(X, path.Cs[3]))


def test_a_frame_of_three_classes_has_a_row_a_C_and_class():
    path = logistic_path(X, np.array(["u", "v", "w"])[Y3], n_Cs=5)
    table = path.to_frame()
    assert table.shape == (15, 7)
    assert list(table.columns) == ["intercept", *(f"x{j}" for j in range(6))]
    assert table.index.names == ["C", "class"]
    assert_array_equal(table.loc[(path.Cs[3], "v")][1:], path.coefs[3, 1])
    assert table.loc[(path.Cs[3], "w"), "intercept"] == path.intercepts[3, 2]


def test_a_path_does_not_change():
    path = logistic_path(X, Y, n_Cs=3)
    with pytest.raises(AttributeError, match="cannot assign"):
        path.Cs = np.ones(3)


def test_it_is_public():
    assert logreg.Path is type(logistic_path(X, Y, n_Cs=2))
    assert {"Path", "logistic_path"} <= set(logreg.__all__)


# -- what it says ----------------------------------------------------------------------------------


@pytest.mark.parametrize("Cs", [[], [0.0, 1.0], [-1.0], [1.0, np.nan], [1.0, np.inf]], ids=str)
def test_bad_Cs(Cs):
    with pytest.raises(ValueError, match="Cs must be finite numbers above 0, got"):
        logistic_path(X, Y, Cs=Cs)


@pytest.mark.parametrize("Cs", ["many", [["a"]]], ids=str)
def test_Cs_that_are_no_numbers(Cs):
    with pytest.raises(ValueError, match="Cs must be finite numbers above 0, got"):
        logistic_path(X, Y, Cs=Cs)


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_Cs", 0), ("n_Cs", -3), ("n_Cs", 2.5), ("eps", 0.0), ("eps", -1.0), ("eps", "small")],
)
def test_a_bad_grid_is_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        logistic_path(X, Y, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("l1_ratio", 2.0), ("tol", -1.0), ("max_iter", 1.5), ("n_jobs", 0)]
)
def test_bad_parameters_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name}"):
        logistic_path(X, Y, **{name: value})


def test_nothing_to_enter_says_so():
    """No column varies: there is no smallest C."""
    with pytest.raises(ValueError, match="No column that is penalised has any effect"):
        logistic_path(np.ones((30, 2)), np.arange(30) % 2)


def test_too_few_iterations_warn_once_and_say_how_many():
    with pytest.warns(ConvergenceWarning, match="of 10 fits did not reach tol=1.0e-06") as record:
        path = logistic_path(WIDE, WIDE_Y, n_Cs=10, max_iter=0)
    assert len(record) == 1
    assert record[0].filename == __file__
    missed = sum(outcome is not Outcome.CONVERGED for outcome in path.outcomes)
    message = str(record[0].message)
    assert message.startswith(f"{missed} of 10 fits")
    first = next(k for k, o in enumerate(path.outcomes) if o is not Outcome.CONVERGED)
    assert f"the first at C={path.Cs[first]:.6g}: MAX_ITER. Raise max_iter" in message


def test_the_sentence_names_the_first_fit_that_missed_not_the_last_ones():
    """A fit in the middle may be the one that missed."""
    with pytest.warns(ConvergenceWarning, match="did not reach") as record:
        path = logistic_path(WIDE, WIDE_Y, n_Cs=6, max_iter=1)
    missed = [k for k, o in enumerate(path.outcomes) if o is not Outcome.CONVERGED]
    assert f"C={path.Cs[missed[0]]:.6g}: {path.outcomes[missed[0]].name}" in str(record[0].message)

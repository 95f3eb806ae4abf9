"""LogisticRegression: its attributes, its equivalences, and what it says when things go wrong."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from oracle import optimum
from sklearn.linear_model import LogisticRegression as Peer
from sklearn.utils.fixes import parse_version
from threadpoolctl import threadpool_limits

from logreg import (
    CollinearityWarning,
    ConvergenceWarning,
    LogisticRegression,
    Outcome,
    SeparationWarning,
)
from logreg.design import Design
from logreg.row_blocks import THREADED_SIZE, RowBlocks
from logreg.row_objective import RowObjective

SOLVERS = ["gd", "newton", "pgd"]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
Y = (X @ [1.0, -1.0, 0.5] + RNG.logistic(size=90) > 0).astype(int)
Y3 = (X @ RNG.normal(size=(3, 3)) + RNG.gumbel(size=(90, 3))).argmax(axis=1)
WEIGHT = RNG.uniform(0.1, 3, 90)
OFFSET = RNG.normal(size=90)
BIG = RNG.normal(size=(60_000, 20))
BIG_Y = (BIG @ np.linspace(-1, 1, 20) + RNG.logistic(size=60_000) > 0).astype(int)

few = settings(max_examples=15, deadline=None, derandomize=True)


def fit(X=X, y=Y, sample_weight=None, offset=None, **parameters):
    return LogisticRegression(**parameters).fit(X, y, sample_weight, offset)


def fit_quietly(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", CollinearityWarning)
        return fit(*args, **kwargs)


class Plain:
    """The problem in plain NumPy and extended precision, as the reference: Newton's method with
    pinv, on parameters (q, d + 1) for q = 1 or K outputs."""

    def __init__(self, X, y, C=1.0, weight=None, intercept=True):
        y = np.unique(y, return_inverse=True)[1]
        self.A = np.column_stack([X, np.full(len(X), float(intercept))]).astype(np.longdouble)
        self.y, self.K = y, y.max() + 1
        self.q = 1 if self.K == 2 else self.K
        self.s = np.ones(len(X)) if weight is None else weight
        self.ridge = np.append(np.full(X.shape[1], 1 / C), 0.0)

    def margins(self, theta):
        m = self.A @ theta.T
        return np.column_stack([np.zeros(len(m)), m]) if self.q == 1 else m

    def value(self, theta):
        m = self.margins(theta)
        top = m.max(axis=1)
        loss = np.log(np.exp(m - top[:, None]).sum(axis=1)) + top - m[np.arange(len(m)), self.y]
        return (self.s * loss).sum() + (self.ridge * theta**2).sum() / 2

    def value_of(self, model):
        return self.value(np.column_stack([model.coef_, model.intercept_]).astype(np.longdouble))

    def optimum(self):
        """theta and F* to about 1e-17 of F."""
        theta = np.zeros((self.q, self.A.shape[1]), np.longdouble)
        for _ in range(60):
            m = self.margins(theta)
            p = np.exp(m - m.max(axis=1)[:, None])
            p /= p.sum(axis=1)[:, None]
            residual = p - np.eye(self.K)[self.y]
            p, residual = p[:, -self.q :], (self.s[:, None] * residual)[:, -self.q :]
            g = residual.T @ self.A + self.ridge * theta
            W = -np.einsum("i,ik,il->ikl", self.s, p, p)
            W[:, range(self.q), range(self.q)] += self.s[:, None] * p
            H = np.einsum("ikl,ia,ib->kalb", W, self.A, self.A).reshape(g.size, g.size)
            H += np.diag(np.tile(self.ridge, self.q))
            step = np.linalg.pinv(H.astype(float), rcond=1e-12) @ g.ravel().astype(float)
            t = 1.0
            while self.value(theta - t * step.reshape(g.shape)) > self.value(theta) + 1e-15:
                t /= 2
            theta = theta - t * step.reshape(g.shape)
            if np.abs(step).max() < 1e-15:
                break
        return theta, self.value(theta)


# -- attributes, exactly scikit-learn's ------------------------------------------------------------


# Before 1.9 scikit-learn's intercept is float64 where there is none, and its margins with it.
OLDER = parse_version(sklearn.__version__) < parse_version("1.9")


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
def test_shapes_and_dtypes_are_scikit_learns(y, dtype, intercept):
    ours = fit(X.astype(dtype), y, fit_intercept=intercept)
    peer = Peer(solver="newton-cholesky", fit_intercept=intercept).fit(X.astype(dtype), y)
    for name in ("coef_", "intercept_", "classes_", "n_iter_"):
        assert getattr(ours, name).shape == getattr(peer, name).shape, name
        if not (name == "intercept_" and OLDER):
            assert getattr(ours, name).dtype == getattr(peer, name).dtype, name
    assert ours.n_features_in_ == peer.n_features_in_ == 3
    for method in ("decision_function", "predict", "predict_proba", "predict_log_proba"):
        a, b = getattr(ours, method)(X.astype(dtype)), getattr(peer, method)(X.astype(dtype))
        assert a.shape == b.shape, method
        assert OLDER or a.dtype == b.dtype, method
    if not intercept:
        assert not ours.intercept_.any()


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
def test_scikit_learns_answer(y, C, intercept):
    ours = fit(X, y, WEIGHT, C=C, fit_intercept=intercept)
    peer = Peer(solver="newton-cholesky", tol=1e-12, C=C, fit_intercept=intercept)
    peer.fit(X, y, WEIGHT)
    assert_allclose(ours.coef_, peer.coef_, atol=1e-6)
    assert_allclose(ours.intercept_, peer.intercept_, atol=1e-6)
    assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=1e-6)
    assert_allclose(ours.decision_function(X), peer.decision_function(X), atol=1e-5)
    assert_array_equal(ours.predict(X), peer.predict(X))


@pytest.mark.parametrize("C", [1.0, np.inf])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
def test_within_a_millionth_standard_error_of_the_reference(y, solver, C):
    theta, _ = Plain(X, y, C, WEIGHT).optimum()
    theta = theta - theta.mean(axis=0) if len(theta) > 1 else theta
    model = fit(X, y, WEIGHT, C=C, solver=solver)
    assert model.outcome_ is Outcome.CONVERGED
    # all standard errors here lie between 0.2 and 1
    assert_allclose(
        np.column_stack([model.coef_, model.intercept_]), theta.astype(float), atol=1e-6
    )


def test_fit_returns_the_estimator():
    model = LogisticRegression()
    assert model.fit(X, Y) is model


def test_a_margin_is_the_linear_function():
    model = fit()
    assert_allclose(model.decision_function(X), X @ model.coef_[0] + model.intercept_, rtol=1e-12)
    several = fit(X, Y3)
    assert_allclose(several.decision_function(X), X @ several.coef_.T + several.intercept_)


@pytest.mark.parametrize("C", [1.0, np.inf])
def test_multinomial_coefficients_add_up_to_zero(C):
    model = fit(X, Y3, C=C)
    assert_allclose(model.coef_.sum(axis=0), 0, atol=1e-14)
    assert_allclose(model.intercept_.sum(), 0, atol=1e-14)


LABELS = {
    "strings": np.array(["no", "yes"]),
    "bools": np.array([False, True]),
    "integers": np.array([3, 700]),
    "negative": np.array([-5, -1]),
    "far apart": np.array([-(2**62), 2**62]),
    "int8": np.array([-128, 127], dtype=np.int8),
    "floats": np.array([-1.0, 1.0]),
    "objects": np.array(["left", "right"], dtype=object),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_kind(kind):
    labels = LABELS[kind]
    model, plain = fit(X, labels[Y]), fit()
    assert_array_equal(model.classes_, labels)
    assert model.classes_.dtype == model.predict(X).dtype == labels.dtype
    assert_array_equal(model.coef_, plain.coef_)
    assert_array_equal(model.predict(X), labels[plain.predict(X)])
    assert model.score(X, labels[Y]) == plain.score(X, Y)


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(Y, dtype="Int64"),
        pd.Series(Y == 1, dtype="boolean"),
        pd.Series(np.where(Y, "b", "a")),
        pd.Series(np.where(Y, "b", "a"), dtype="category"),
        list(np.where(Y, "b", "a")),
    ],
    ids=["Int64", "boolean", "str", "category", "list"],
)
def test_labels_from_pandas_are_as_scikit_learn_takes_them(y):
    model, peer = fit(X, y), Peer().fit(X, y)
    assert_array_equal(model.classes_, peer.classes_)
    assert model.classes_.dtype == peer.classes_.dtype
    assert_array_equal(model.predict(X), model.classes_[fit().predict(X)])


def test_many_classes():
    y = np.arange(90) % 12
    model = fit(X, y)
    assert model.coef_.shape == (12, 3)
    assert_allclose(
        model.coef_, Peer(solver="newton-cholesky", tol=1e-12).fit(X, y).coef_, atol=1e-6
    )


# -- predictions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
@pytest.mark.parametrize("size", [1.0, 1e3, 1e6, 1e300])
def test_probabilities_at_any_margin(y, size):
    model = fit(X, y)
    p, log_p = model.predict_proba(X * size), model.predict_log_proba(X * size)
    assert ((p >= 0) & (p <= 1)).all()
    assert_allclose(p.sum(axis=1), 1, rtol=1e-15)
    assert np.isfinite(log_p).all()
    assert (log_p <= 0).all()
    assert_allclose(np.exp(log_p), p, rtol=1e-10, atol=1e-300)
    assert_array_equal(model.predict(X * size), model.classes_[p.argmax(axis=1)])


def test_both_columns_of_two_classes_keep_their_digits():
    model = fit()
    far = np.outer([40, -40], model.coef_[0] / (model.coef_[0] @ model.coef_[0]))
    p = model.predict_proba(far)
    margin = model.decision_function(far)
    assert_allclose(p[0, 0], np.exp(-margin[0]), rtol=1e-12)
    assert_allclose(p[1, 1], np.exp(margin[1]), rtol=1e-12)


@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
def test_score_is_the_weighted_accuracy(y):
    model = fit(X, y)
    right = model.predict(X) == y
    assert isinstance(model.score(X, y), float)
    assert_allclose(model.score(X, y), right.mean())
    assert_allclose(model.score(X, y, WEIGHT), np.average(right, weights=WEIGHT))


def test_offset_in_every_prediction():
    model = fit(X, Y, offset=OFFSET)
    margin = model.decision_function(X) + OFFSET
    assert_allclose(model.decision_function(X, OFFSET), margin, rtol=1e-14)
    assert_allclose(model.predict_proba(X, OFFSET)[:, 1], 1 / (1 + np.exp(-margin)))
    assert_allclose(np.exp(model.predict_log_proba(X, OFFSET)), model.predict_proba(X, OFFSET))
    assert_array_equal(model.predict(X, OFFSET), (margin > 0).astype(int))
    assert_allclose(model.score(X, Y, offset=OFFSET), ((margin > 0) == Y).mean())


def test_offset_in_multinomial_predictions():
    model = fit(X, Y3)
    known = RNG.normal(size=(90, 3))
    assert_allclose(model.decision_function(X, known), model.decision_function(X) + known)
    assert_array_equal(model.predict(X, known), (model.decision_function(X) + known).argmax(axis=1))


# -- equivalences ----------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [Y[:30], Y3[:30]], ids=["binary", "multinomial"])
@pytest.mark.parametrize("solver", ["newton", "pgd"])
@few
@given(counts=arrays(np.int64, 30, elements=st.integers(0, 3)), C=st.sampled_from([0.1, 1.0, 50.0]))
def test_integer_weights_are_repeated_rows(solver, y, counts, C):
    rows = X[:30]
    assume(len(np.unique(y[counts > 0])) == len(np.unique(y)))
    weighted = fit(rows, y, counts, C=C, solver=solver)
    repeated = fit(np.repeat(rows, counts, axis=0), np.repeat(y, counts), C=C, solver=solver)
    assert_allclose(weighted.coef_, repeated.coef_, atol=1e-5)
    assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-5)


@few
@given(arrays(bool, 90), st.sampled_from([1.0, np.inf]))
def test_zero_weights_are_removed_rows(keep, C):
    assume(len(np.unique(Y[keep])) == 2 and keep.sum() > 20)
    weighted = fit_quietly(X, Y, WEIGHT * keep, C=C)
    removed = fit_quietly(X[keep], Y[keep], WEIGHT[keep], C=C)
    assert weighted.outcome_ is removed.outcome_
    if weighted.outcome_ is Outcome.CONVERGED:
        assert_allclose(weighted.coef_, removed.coef_, atol=2e-5, rtol=1e-5)


def test_rows_of_zero_weight_may_hold_anything_finite():
    wild = X.copy()
    wild[:5] = [1e6, -1e6, 1e5]
    weight = np.where(np.arange(90) < 5, 0.0, 1.0)
    assert_allclose(fit(wild, Y, weight).coef_, fit(X[5:], Y[5:]).coef_, atol=1e-6)


@pytest.mark.parametrize("C", [1.0, np.inf])
def test_a_class_whose_rows_all_have_weight_zero_is_gone(C):
    """Zero weights equal removed rows; its intercept would go to -inf otherwise."""
    keep = Y3 != 1
    offset = np.column_stack([OFFSET, 0 * OFFSET, -OFFSET])
    model = fit(X, Y3, keep.astype(float), offset, C=C)
    assert_array_equal(model.classes_, [0, 2])
    removed = fit(X[keep], Y3[keep], offset=-2 * OFFSET[keep], C=C)
    assert_allclose(model.coef_, removed.coef_, atol=1e-6)
    by_class = fit(X, Y3, class_weight={1: 0}, C=C)
    assert_allclose(by_class.coef_, fit(X[keep], Y3[keep], C=C).coef_, atol=1e-6)


@pytest.mark.parametrize(("y", "factors"), [(Y, {0: 0.3, 1: 2.5}), (Y3, {0: 0.5, 2: 4.0})])
def test_class_weights_are_sample_weights(y, factors):
    weight = np.array([factors.get(label, 1.0) for label in y])
    assert_array_equal(fit(X, y, class_weight=factors).coef_, fit(X, y, weight).coef_)
    both = fit(X, y, WEIGHT, class_weight=factors)
    assert_array_equal(both.coef_, fit(X, y, weight * WEIGHT).coef_)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_balanced_classes_weigh_the_same(weight):
    s = np.ones(90) if weight is None else weight
    totals = np.bincount(Y3, weights=s)
    by_hand = s * (s.sum() / (3 * totals))[Y3]
    assert_allclose(np.bincount(Y3, weights=by_hand), s.sum() / 3)
    model = fit(X, Y3, weight, class_weight="balanced")
    assert_allclose(model.coef_, fit(X, Y3, by_hand).coef_, rtol=1e-12)
    if weight is None:  # scikit-learn counts rows, whatever their weight
        peer = Peer(class_weight="balanced", solver="newton-cholesky", tol=1e-12).fit(X, Y3)
        assert_allclose(model.coef_, peer.coef_, atol=1e-6)


@pytest.mark.parametrize("shift", [-3.0, 0.5, 40.0])
def test_a_constant_offset_shifts_the_intercept(shift):
    moved, plain = fit(X, Y, offset=np.full(90, shift)), fit()
    assert_allclose(moved.coef_, plain.coef_, atol=1e-6)
    assert_allclose(moved.intercept_, plain.intercept_ - shift, atol=1e-6)
    p = moved.predict_proba(X, offset=np.full(90, shift))
    assert_allclose(p, plain.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("solver", ["auto", "newton"])
@pytest.mark.parametrize("shift", [100.0, -1000.0])
def test_a_large_constant_offset_shifts_the_intercept(shift, solver):
    moved = fit(X, Y, offset=np.full(90, shift), solver=solver)
    assert_allclose(moved.intercept_, fit().intercept_ - shift, atol=1e-6)


def test_an_offset_is_a_column_whose_coefficient_is_known():
    known = np.array([0.7, -0.2, 0.4])
    moved, plain = fit(X, Y, offset=X @ known, C=np.inf), fit(C=np.inf)
    assert_allclose(moved.coef_[0] + known, plain.coef_[0], atol=1e-6)
    assert_allclose(moved.intercept_, plain.intercept_, atol=1e-6)


def test_a_multinomial_offset_is_known_coefficients():
    known = np.array([[0.7, -0.2, 0.4], [0.1, 0.5, -0.3], [-0.8, -0.3, -0.1]])  # columns sum to 0
    moved, plain = fit(X, Y3, offset=X @ known.T, C=np.inf), fit(X, Y3, C=np.inf)
    assert_allclose(moved.coef_ + known, plain.coef_, atol=1e-6)


def test_rows_with_no_features_but_an_offset():
    # sum_i sigma(b + o_i) = sum_i y_i, the score equation of the intercept alone
    model = fit(np.zeros((90, 1)), Y, offset=OFFSET)
    p = 1 / (1 + np.exp(-(model.intercept_ + OFFSET)))
    assert_allclose(p.sum(), Y.sum(), rtol=1e-7)
    assert model.coef_[0, 0] == 0


@pytest.mark.parametrize("C", [1.0, np.inf])
def test_flipping_the_classes_flips_the_signs(C):
    assert_allclose(fit(X, 1 - Y, C=C).coef_, -fit(C=C).coef_, atol=1e-6)


def test_units_do_not_matter_without_a_penalty():
    units, shifts = np.array([1e-6, 1.0, 1e5]), np.array([1000.0, -1000.0, 3.0])
    model, plain = fit((X + shifts) * units, Y, C=np.inf), fit(C=np.inf)
    assert_allclose(model.coef_ * units, plain.coef_, atol=1e-6)
    assert_allclose(model.predict_proba((X + shifts) * units), plain.predict_proba(X), atol=1e-6)


# -- X in every form, never copied, never changed --------------------------------------------------


FORMS = {
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "rows of a larger": lambda X: np.repeat(X, 2, axis=0)[::2],
    "frame": pd.DataFrame,
    "list": lambda X: X.tolist(),
    "big-endian": lambda X: X.astype(">f8"),
    "longdouble": lambda X: X.astype(np.longdouble),
}


@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
@pytest.mark.parametrize("form", FORMS)
def test_any_form_of_X_gives_the_same(form, y):
    model = fit(FORMS[form](X), y)
    assert_allclose(model.coef_, fit(X, y).coef_, atol=1e-8)
    assert_allclose(model.predict_proba(FORMS[form](X)), fit(X, y).predict_proba(X), atol=1e-8)


@pytest.mark.parametrize("form", ["fortran", "strided", "frame"])
def test_any_form_of_a_large_X_gives_the_same(form):
    model, plain = fit(FORMS[form](BIG), BIG_Y), fit(BIG, BIG_Y)
    assert_allclose(model.coef_, plain.coef_, atol=1e-8)  # standard errors are 0.01


def test_float32_to_its_precision():
    single = X.astype(np.float32)
    model, exact = fit(single), fit(single.astype(np.float64))
    assert model.coef_.dtype == np.float32
    assert_allclose(model.coef_, exact.coef_, rtol=1e-6)  # only the result is rounded
    assert_allclose(model.predict_proba(single), exact.predict_proba(single), atol=1e-6)


def test_integers_and_bools():
    model = fit((X * 10).astype(int))
    assert model.coef_.dtype == np.float64
    assert_array_equal(model.coef_, fit((X * 10).astype(int).astype(float)).coef_)
    assert_array_equal(fit(X > 0).coef_, fit((X > 0).astype(float)).coef_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memmap(tmp_path, dtype):
    np.save(tmp_path / "X.npy", BIG.astype(dtype))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = fit(mapped, BIG_Y)
    assert_array_equal(model.coef_, fit(BIG.astype(dtype), BIG_Y).coef_)
    assert not isinstance(model.coef_, np.memmap)


@pytest.mark.parametrize("solver", SOLVERS)
def test_read_only_arguments_stay_as_they_were(solver):
    arguments = [X.copy(), Y.copy(), WEIGHT.copy(), OFFSET.copy()]
    for array in arguments:
        array.setflags(write=False)
    model = LogisticRegression(solver=solver).fit(*arguments)
    model.predict_proba(arguments[0], offset=arguments[3])
    for array, before in zip(arguments, [X, Y, WEIGHT, OFFSET], strict=True):
        assert_array_equal(array, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", ["plain", "fortran", "strided", "frame"])
def test_the_very_memory_of_X_is_read(form, dtype, monkeypatch):
    seen = []
    start = RowBlocks.__init__

    def spy(self, X, *args, **kwargs):
        seen.append(X)
        start(self, X, *args, **kwargs)

    monkeypatch.setattr(RowBlocks, "__init__", spy)
    array = {"plain": np.asarray, **FORMS}[form](X.astype(dtype))
    fit(array)
    assert seen
    owner = array.to_numpy() if form == "frame" else array
    assert all(np.shares_memory(each, owner) for each in seen)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extra_memory_is_not_a_copy_of_X(dtype, order):
    wide = np.asarray(np.tile(BIG, (1, 2)) + 0.3 * RNG.normal(size=(60_000, 40)), dtype, order)
    tracemalloc.start()
    try:
        fit(wide, BIG_Y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # O(n): some vectors of 60,000 doubles, a sample of at most n/10 rows, and cache blocks
    assert peak < 0.75 * 60_000 * 40 * 8, f"{peak / 1e6:.1f} MB"


# -- the same bits ---------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [BIG_Y, BIG_Y + (BIG[:, 0] > 1)], ids=["binary", "multinomial"])
@pytest.mark.parametrize("solver", ["newton", "pgd"])
def test_any_number_of_threads_gives_the_same_bits(solver, y):
    assert BIG.size >= THREADED_SIZE
    weight = np.linspace(0.5, 1.5, len(y))
    models = [fit(BIG, y, weight, solver=solver, n_jobs=n) for n in (1, 2, 8)]
    for model in models[1:]:
        assert_array_equal(model.coef_, models[0].coef_)
        assert_array_equal(model.intercept_, models[0].intercept_)
        assert_array_equal(model.n_iter_, models[0].n_iter_)
        assert model.gap_ == models[0].gap_


def test_any_limit_on_blas_gives_the_same_bits():
    models = []
    for limit in (1, 2):
        with threadpool_limits(limit):
            models.append(fit(BIG, BIG_Y))
    assert_array_equal(models[0].coef_, models[1].coef_)


def test_random_state():
    same = [fit(BIG, BIG_Y, solver="pgd", random_state=s).coef_ for s in (None, None, 3, 3, 4)]
    assert_array_equal(same[0], same[1])
    assert_array_equal(same[2], same[3])
    assert not np.array_equal(same[3], same[4])
    assert_allclose(same[3], same[4], atol=1e-7)  # standard errors are 0.01
    for state in (np.random.RandomState(3), np.random.default_rng(3)):
        assert_allclose(fit(BIG, BIG_Y, random_state=state).coef_, same[0], atol=1e-7)


# -- warm start ------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_at_the_optimum_needs_no_iteration(solver, y):
    model = fit(X, y, solver=solver, warm_start=True)
    first, before = model.coef_, model.n_iter_[0]
    model.fit(X, y)
    assert model.n_iter_[0] <= 1 < before
    assert_allclose(model.coef_, first, atol=1e-6)


@pytest.mark.parametrize("y", [BIG_Y, BIG_Y + (BIG[:, 0] > 1)], ids=["binary", "multinomial"])
@pytest.mark.parametrize("solver", ["newton", "pgd"])
def test_warm_start_on_nearly_the_same_problem(solver, y):
    cold = fit(BIG, y, C=1.1, solver=solver)
    warm = fit(BIG, y, C=1.0, solver=solver, warm_start=True).set_params(C=1.1).fit(BIG, y)
    assert warm.n_iter_[0] < cold.n_iter_[0]
    assert warm.n_passes_ < cold.n_passes_
    assert_allclose(warm.coef_, cold.coef_, atol=1e-6)


def test_warm_start_of_another_shape_is_a_cold_start():
    model = fit(X, Y, warm_start=True)
    assert_array_equal(model.fit(X, Y3).coef_, fit(X, Y3).coef_)
    assert_array_equal(model.fit(X[:, :2], Y3).coef_, fit(X[:, :2], Y3).coef_)
    assert_array_equal(model.fit(X, Y).coef_, fit(X, Y).coef_)


def test_without_warm_start_a_second_fit_knows_nothing_of_the_first():
    model = fit(X, Y)
    assert_array_equal(model.fit(X * 2, 1 - Y).coef_, fit(X * 2, 1 - Y).coef_)


def test_warm_start_after_fitting_far_away():
    model = fit_quietly(X * 1e-3, (X[:, 0] > 0).astype(int), C=1e8, warm_start=True)
    model.set_params(C=1.0).fit(X, Y)
    assert_allclose(model.coef_, fit().coef_, atol=1e-5)


# -- how it ended ----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_history(solver):
    model = fit(solver=solver)
    history = model.history_
    assert history.index.name == "iteration"
    assert list(history.index) == list(range(model.n_iter_[0] + 1))
    names = ["objective", "gradient_norm", "standard_errors", "passes", "seconds"]
    assert list(history.columns) == names
    assert np.isfinite(history.to_numpy()).all()
    assert_allclose(history["objective"].iloc[-1], float(Plain(X, Y).value_of(model)), rtol=1e-12)
    assert (np.diff(history["objective"]) <= 1e-12).all()
    assert (np.diff(history["passes"]) > 0).all()
    assert (np.diff(history["seconds"]) >= 0).all()
    assert history["standard_errors"].iloc[-1] <= model.tol < history["standard_errors"].iloc[-2]
    assert np.ceil(history["passes"].iloc[-1]) <= model.n_passes_
    assert isinstance(model.n_passes_, int)


@pytest.mark.parametrize("y", [Y, Y3])
def test_history_starts_at_the_null_model(y):
    """No weights, and the intercept that is best without them: the entropy of the classes."""
    n = np.bincount(y)
    assert_allclose(fit(X, y).history_["objective"][0], -n @ np.log(n / n.sum()))


def test_every_outcome_has_its_sentence():
    for outcome in Outcome:
        sentence = outcome.sentence(n_iter=7, distance=0.5, tol=1e-6, measure="relative_gap")
        assert sentence.endswith(".")
        assert "{" not in sentence
    assert {o.name for o in Outcome} >= {
        "CONVERGED",
        "MAX_ITER",
        "SEPARATED",
        "ROUNDING",
        "INTERRUPTED",
    }


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("C", [0.1, 1.0, 100.0, np.inf])
@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
def test_the_gap_bounds_the_distance_to_the_optimum(y, C, intercept):
    plain = Plain(X, y, C, WEIGHT, intercept)
    _, best = plain.optimum()
    gaps = []
    for solver in SOLVERS:
        for tol in (*((3.0, 0.5) if C < np.inf else ()), 0.1, 1e-2, 1e-4, 1e-6):
            model = fit(X, y, WEIGHT, C=C, tol=tol, solver=solver, fit_intercept=intercept)
            true = float(plain.value_of(model) - best)
            assert model.gap_ >= true - 1e-15 * float(best), (solver, tol)
            assert isinstance(model.gap_, float)
            gaps.append(model.gap_)
    assert gaps[-1] < 1e-8
    assert np.mean(np.isfinite(gaps)) >= 0.5


def test_the_gap_of_the_start():
    plain = Plain(X, Y)
    model = fit_quietly(max_iter=0)
    assert model.gap_ >= float(plain.value_of(model) - plain.optimum()[1]) > 1


@pytest.mark.parametrize("solver", SOLVERS)
def test_too_few_iterations(solver):
    with pytest.warns(ConvergenceWarning, match="raise max_iter") as caught:
        model = fit(solver=solver, max_iter=2)
    assert model.outcome_ is Outcome.MAX_ITER
    assert_array_equal(model.n_iter_, [2])
    assert len(model.history_) == 3
    assert "after 2 iterations" in str(caught[0].message)
    assert f"{model.history_['standard_errors'].iloc[-1]:.1e}" in str(caught[0].message)
    assert caught[0].filename == __file__  # it points at the line that called fit
    assert np.isfinite(model.coef_).all()


def test_the_sentence_about_max_iter_fits_the_case():
    with pytest.warns(ConvergenceWarning, match="after 1 iteration,") as caught:
        fit(max_iter=1)
    assert "use solver='auto'" not in str(caught[0].message)


def test_a_tolerance_below_rounding():
    with pytest.warns(ConvergenceWarning, match="rounding limit.*raise tol"):
        model = fit(tol=1e-30)
    assert model.outcome_ is Outcome.ROUNDING
    assert_allclose(model.coef_, fit().coef_, atol=1e-6)


# -- separated classes -----------------------------------------------------------------------------

QUASI = np.column_stack([np.arange(90) % 3 == 0, X]).astype(float)
SEPARABLE = {
    "complete": (X, (X[:, 0] > 0).astype(int)),
    "quasi-complete": (QUASI, np.where(QUASI[:, 0] == 1, 1, Y)),
    "complete, multinomial": (X, np.digitize(X[:, 0], [-0.5, 0.5])),
    "quasi-complete, multinomial": (QUASI, np.where(QUASI[:, 0] == 1, 2, Y)),
}


@pytest.mark.parametrize("solver", ["auto", "newton", "pgd"])
@pytest.mark.parametrize("kind", SEPARABLE)
def test_separated_classes_have_no_maximum_likelihood(kind, solver):
    features, y = SEPARABLE[kind]
    with pytest.warns(SeparationWarning, match="classes are separated.*finite C") as caught:
        model = fit(features, y, C=np.inf, solver=solver)
    assert len(caught) == 1
    assert issubclass(SeparationWarning, ConvergenceWarning)
    assert f"iteration {model.n_iter_[0]}" in str(caught[0].message)
    assert model.outcome_ is Outcome.SEPARATED
    assert model.n_iter_[0] < 100
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.predict_log_proba(features)).all()
    if kind.startswith("complete"):
        assert model.score(features, y) == 1


@pytest.mark.parametrize("kind", ["complete", "complete, multinomial"])
def test_gradient_descent_sees_separation_too(kind):
    features, y = SEPARABLE[kind]
    wide_gap = np.abs(np.abs(features[:, 0]) - (0.5 if "multi" in kind else 0)) > 0.3
    with pytest.warns(SeparationWarning):
        model = fit(features[wide_gap], y[wide_gap], C=np.inf, solver="gd")
    assert model.score(features[wide_gap], y[wide_gap]) == 1


@pytest.mark.parametrize("kind", SEPARABLE)
def test_a_penalty_cures_separation(kind):
    features, y = SEPARABLE[kind]
    assert fit(features, y, C=10.0).outcome_ is Outcome.CONVERGED


def test_rows_of_no_weight_do_not_prevent_separation():
    y = (X[:, 0] > 0).astype(int)
    y[3] = 1 - y[3]
    assert fit(X, y, C=np.inf).outcome_ is Outcome.CONVERGED
    with pytest.warns(SeparationWarning):
        fit(X, y, np.where(np.arange(90) == 3, 0.0, 1.0), C=np.inf)


def test_a_wrong_row_far_away_is_no_separation():
    x = np.append(np.linspace(-1, 1, 40), 3.0)[:, None]
    y = np.append(np.linspace(-1, 1, 40) > 0, False)
    model = fit(x, y, C=np.inf)
    assert model.outcome_ is Outcome.CONVERGED
    theta, _ = Plain(x, y, np.inf).optimum()
    assert_allclose([model.coef_[0, 0], model.intercept_[0]], theta[0].astype(float), rtol=1e-5)


def test_tiny_weights_are_no_separation():
    assert fit(X, Y, np.full(90, 1e-20), C=np.inf).outcome_ is Outcome.CONVERGED


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
def test_a_loose_tolerance_is_no_separation(y, solver):
    model = fit(X, y, WEIGHT, C=np.inf, tol=3.0, solver=solver)
    assert model.outcome_ is Outcome.CONVERGED


# -- collinear columns -----------------------------------------------------------------------------


def minimum_norm(reduced, features, y):
    """The shortest w that gives the margins of the fit on columns of full rank."""
    theta, _ = Plain(reduced, y, np.inf).optimum()
    w = theta[:, :-1].astype(float)
    w = w - w.mean(axis=0) if len(w) > 1 else w
    centred = reduced - reduced.mean(axis=0)
    return (np.linalg.pinv(features - features.mean(axis=0), rcond=1e-10) @ centred @ w.T).T


COLLINEAR = {
    "twice the same": np.column_stack([X, X[:, 0]]),
    "a sum": np.column_stack([X, X[:, 0] - 2 * X[:, 1]]),
    "a constant": np.column_stack([X, np.full(90, 7.0)]),
    "zeros": np.column_stack([X, np.zeros(90)]),
    "three": np.column_stack([X, X[:, 1] + 5, X[:, 0] + X[:, 2], np.ones(90)]),
    "in other units": np.column_stack([X, X[:, 0] * 1e6, X[:, 1] * 1e-6 + 3]),
}


@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
@pytest.mark.parametrize("kind", COLLINEAR)
def test_collinear_columns_get_the_solution_of_minimum_norm(kind, y):
    features = COLLINEAR[kind]
    with pytest.warns(CollinearityWarning, match="smallest norm") as caught:
        model = fit(features, y, C=np.inf)
    extra = features.shape[1] - 3
    assert str(caught[0].message).startswith(f"{extra} linear dependence")
    assert model.outcome_ is Outcome.CONVERGED
    assert_allclose(model.coef_, minimum_norm(X, features, y), atol=2e-6)
    assert_allclose(model.predict_proba(features), fit(X, y, C=np.inf).predict_proba(X), atol=1e-6)
    if kind == "in other units":
        return  # at C = 1e8 the penalty still pulls at the column in millionths
    assert_allclose(model.coef_, fit(features, y, C=1e8).coef_, atol=1e-5)


def test_a_constant_column_gets_nothing_beside_an_intercept():
    with pytest.warns(CollinearityWarning, match="column 3"):
        model = fit(COLLINEAR["a constant"], C=np.inf)
    assert_allclose(model.coef_[0, 3], 0, atol=1e-12)
    with warnings.catch_warnings():  # without one it stands in for it
        warnings.simplefilter("error")
        lone = fit(COLLINEAR["a constant"], C=np.inf, fit_intercept=False)
    assert_allclose(lone.coef_[0, 3] * 7, fit(C=np.inf).intercept_[0], atol=1e-6)


def test_the_warning_names_the_columns_that_take_part():
    frame = pd.DataFrame(X, columns=["age", "bmi", "dose"])
    frame = frame.assign(years=frame.age + 0.5, one=1.0)
    with pytest.warns(CollinearityWarning) as caught:
        fit(frame, C=np.inf)
    sentence = str(caught[0].message)
    for name in ("age", "years", "one"):
        assert f"column {name!r}" in sentence
    for name in ("bmi", "dose"):
        assert name not in sentence
    assert "finite C" in sentence


def test_the_warning_points_at_the_line_that_called_fit():
    with pytest.warns(CollinearityWarning) as caught:
        LogisticRegression(C=np.inf).fit(COLLINEAR["zeros"], Y)
    assert caught[0].filename == __file__


def test_one_dependence_is_singular():
    with pytest.warns(CollinearityWarning, match="1 linear dependence "):
        fit(COLLINEAR["a sum"], C=np.inf)


def test_a_penalty_cures_collinearity():
    for features in COLLINEAR.values():
        assert fit(features, C=1.0).outcome_ is Outcome.CONVERGED  # and warnings are errors


def test_one_hot_columns_beside_an_intercept():
    hot = np.eye(3)[Y3]
    model = fit(hot, Y, C=1.0)
    assert_allclose(model.coef_.sum(), 0, atol=1e-7)  # the intercept takes the mean for free
    with pytest.warns(CollinearityWarning, match="column 0, column 1, column 2"):
        model = fit(hot, Y, C=np.inf)
    share = [Y[Y3 == k].mean() for k in range(3)]  # the saturated model: each group's own share
    assert_allclose(model.predict_proba(np.eye(3))[:, 1], share, atol=1e-7)
    assert_allclose(model.coef_.sum(), 0, atol=1e-9)


# With more columns than rows the design works in the row space. There, centring and repeated rows
# leave columns that hold nothing but rounding.
@pytest.mark.parametrize("solver", ["newton", "pgd", "gd"])
@pytest.mark.parametrize("y", [Y[:20], Y3[:20]], ids=["binary", "multinomial"])
def test_more_columns_than_rows(y, solver):
    wide = np.random.default_rng(1).normal(size=(20, 50))
    model = fit(wide, y, solver=solver)
    peer = Peer(solver="newton-cholesky", tol=1e-12).fit(wide, y)
    assert_allclose(model.coef_, peer.coef_, atol=1e-6)
    assert_allclose(model.intercept_, peer.intercept_, atol=1e-6)


def wide_with_repeated_rows():
    """Eight different rows, each with both labels, so that nothing is separated."""
    times = [3, 3, 2, 2, 2, 2, 2, 3]
    rows = np.random.default_rng(1).normal(size=(8, 30))
    return rows, np.repeat(rows, times, axis=0), np.concatenate([np.arange(k) % 2 for k in times])


@pytest.mark.parametrize("solver", ["newton", "pgd", "gd"])
def test_more_columns_than_rows_some_repeated(solver):
    _, wide, y = wide_with_repeated_rows()
    model = fit(wide, y, solver=solver)
    peer = Peer(solver="newton-cholesky", tol=1e-12).fit(wide, y)
    assert_allclose(model.coef_, peer.coef_, atol=1e-6)


@pytest.mark.parametrize("solver", ["newton", "pgd"])
def test_more_columns_than_rows_some_repeated_without_a_penalty(solver):
    rows, wide, y = wide_with_repeated_rows()
    model = fit_quietly(wide, y, C=np.inf, solver=solver)
    assert model.outcome_ is Outcome.CONVERGED
    share = [y[(wide == row).all(axis=1)].mean() for row in rows]  # the saturated model's answer
    assert_allclose(model.predict_proba(rows)[:, 1], share, atol=1e-6)
    centred = rows - rows.mean(axis=0)
    shortest = np.linalg.pinv(centred) @ centred @ model.coef_[0]
    assert_allclose(model.coef_[0], shortest, atol=1e-8)  # it lies in the row space


@pytest.mark.parametrize("solver", ["newton", "pgd"])
@pytest.mark.parametrize("K", [2, 3])
def test_separation_is_seen_in_many_rows(solver, K):
    """At the end its curvature, relative to n rows, is below what a Cholesky factor resolves."""
    rng = np.random.default_rng(5)
    n = 60_000
    sure = np.arange(n) < n // 5
    y = np.where(sure, K - 1, rng.integers(0, K, n))
    with pytest.warns(SeparationWarning):
        model = fit(np.column_stack([rng.normal(size=n), sure]), y, C=np.inf, solver=solver)
    assert model.n_iter_[0] < 80


@pytest.mark.parametrize("seed", [9, 37, 101])
def test_separation_of_some_classes_in_a_few_rows(seed):
    """Two of four classes never occur where a column is 1: margins go apart by half a step each."""
    rng = np.random.default_rng(seed)
    n, d, K = 3000, 8, int(rng.choice([4, 7]))
    wide = rng.normal(size=(n, d))
    if rng.random() < 0.5:
        wide[:, :4] = rng.standard_cauchy(size=(n, 4))
    wide[:, 2] = np.arange(n) < rng.choice([4, 8, 20])
    margin = wide / wide.std(axis=0) @ rng.normal(size=(d, K)) / 2
    y = (margin + rng.gumbel(size=(n, K))).argmax(axis=1)
    few = int(wide[:, 2].sum())
    y[:few] = np.arange(few) % 2
    with pytest.warns(SeparationWarning):
        fit(wide, y, C=np.inf)


def test_the_gap_of_float32_counts_the_rounding_of_the_coefficients():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 3))
    x[:, 1] = x[:, 0] + 1e-5 * rng.normal(size=3000)
    y = (x[:, 2] + rng.logistic(size=3000) > 0).astype(int)
    x = x.astype(np.float32)
    model = fit(x, y, C=1e8)
    wide = x.astype(np.float64)

    def value(w, b):
        margin = wide @ np.asarray(w[0], np.float64) + float(b[0])
        return np.logaddexp(0, np.where(y == 1, -margin, margin)).sum() + (w**2).sum() / 2e8

    exact = fit(wide, y, C=1e8)
    lost = value(model.coef_, model.intercept_) - value(exact.coef_, exact.intercept_)
    assert model.gap_ >= lost - 1e-12 * value(exact.coef_, exact.intercept_)


def test_separation_by_columns_with_a_single_one():
    """Each sample of rows is separated by them too, and must not lead the full fit astray."""
    rng = np.random.default_rng(3)
    wide = np.zeros((60_000, 12))
    wide[rng.integers(0, 60_000, 8), np.arange(8)] = 1
    wide[:, 8:] = rng.normal(size=(60_000, 4))
    y = rng.random(60_000) < 1 / (1 + np.exp(-wide[:, 8:].sum(axis=1)))
    with pytest.warns(SeparationWarning):
        fit(wide, y, C=np.inf)
    assert fit(wide, y).outcome_ is Outcome.CONVERGED


def test_more_columns_than_independent_rows_is_collinear():
    rows = np.tile(np.random.default_rng(0).normal(size=(3, 10)), (2, 1))
    with pytest.warns(CollinearityWarning, match="10 columns but only 2 independent rows"):
        fit(rows, np.array([0, 1, 0, 1, 0, 1]), C=np.inf)


def test_the_collinearity_warning_names_who_takes_part_and_not_everyone():
    frame = pd.DataFrame({"a": X[:, 0], "b": 2 * X[:, 0], "c": X[:, 1]})
    with pytest.warns(CollinearityWarning, match="among column 'a', column 'b': without"):
        fit(frame, Y, C=np.inf)
    many = np.column_stack([BIG, np.eye(15)[np.arange(60_000) % 15]])
    with pytest.warns(CollinearityWarning, match="column 29, 5 more, the intercept: without"):
        fit(many, BIG_Y, C=np.inf)


def test_the_warning_tells_the_distance_that_was_wanted():
    with pytest.warns(ConvergenceWarning, match="tol=1.0e-03"):
        fit(C=np.inf, tol=1.0, max_iter=1)


@pytest.mark.parametrize("eps", [1e-6, 1e-7, 1e-8, 1e-9])
@pytest.mark.parametrize("tol", [1e-3, 1e-6])
def test_columns_that_nearly_repeat(eps, tol):
    """The distance holds, measured where their difference is a column of its own."""
    rng = np.random.default_rng(1)
    Z = rng.normal(size=(500, 4))
    y = (Z[:, 0] + rng.logistic(size=500) > 0).astype(int)
    repeated = Z.copy()
    repeated[:, 3] = Z[:, 0] + eps * Z[:, 3]
    apart = np.column_stack([Z[:, :3], (repeated[:, 3] - Z[:, 0]) / eps])
    model = fit(repeated, y, C=np.inf, tol=tol)
    w = model.coef_[0]
    truth = optimum(apart, y, C=np.inf)
    true = truth.distance([[w[0] + w[3], w[1], w[2], w[3] * eps]], model.intercept_)
    assert model.outcome_ is Outcome.CONVERGED
    assert true <= max(1.1 * model.history_["standard_errors"].iloc[-1], 1e-6)
    assert model.gap_ < 1e-6


@pytest.mark.parametrize("value", [999.0, 9999.0, 1e6])
@pytest.mark.parametrize("seed", range(3))
def test_a_sure_row_far_away_is_no_separation(value, seed):
    """Its margin moves by more than 1 near a finite optimum, but has no share in the distance."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1000, 2))
    y = (x[:, 0] + rng.logistic(size=1000) > 0).astype(int)
    x[:10, 0], y[:10] = value, 1
    model = fit(x, y, C=np.inf)
    assert model.outcome_ is Outcome.CONVERGED
    others = fit(x[10:], y[10:], C=np.inf, tol=1e-9)
    assert_allclose(model.coef_, others.coef_, rtol=1e-6)


def test_curvature_in_few_rows_near_the_centre():
    """Products centred afterwards would be rounding: 12 standard errors off, said to be 1e-6."""
    rng = np.random.default_rng(3)
    group = np.repeat([-1.0, 0.0, 1.0], 1000)
    z = np.round(rng.normal(size=3000) * 2**20) / 2**20
    y = np.where(group == 0, z + rng.logistic(size=3000) > 0, group > 0).astype(int)
    apart = np.where(group == 0, z * 2.0**-24, group)[:, None]
    here, there = fit(apart, y, C=np.inf), fit(apart + 0.75, y, C=np.inf)
    assert there.outcome_ is Outcome.CONVERGED
    assert_allclose(there.coef_, here.coef_, rtol=1e-6)


# -- interrupted -----------------------------------------------------------------------------------


def interrupt_at(monkeypatch, call):
    calls = iter(range(1000))
    whole = RowObjective.value_and_gradient

    def interrupted(self, theta, known=None):
        if next(calls) == call:
            raise KeyboardInterrupt
        return whole(self, theta, known)

    monkeypatch.setattr(RowObjective, "value_and_gradient", interrupted)


@pytest.mark.parametrize("call", [0, 1, 3])
@pytest.mark.parametrize("solver", SOLVERS)
def test_an_interrupted_fit_leaves_what_was_fitted_before(solver, call, monkeypatch):
    frame = pd.DataFrame(X, columns=["age", "bmi", "dose"])
    model = fit(frame, solver=solver)
    before = dict(vars(model))
    copies = {name: np.copy(before[name]) for name in ("coef_", "intercept_", "classes_")}
    interrupt_at(monkeypatch, call)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:, :2], Y3)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is before[name] for name in before)
    for name, values in copies.items():
        assert_array_equal(getattr(model, name), values)
    assert model.predict(frame).shape == (90,)


@pytest.mark.parametrize("call", [0, 2])
def test_an_interrupted_first_fit_leaves_the_estimator_unfitted(call, monkeypatch):
    model = LogisticRegression()
    interrupt_at(monkeypatch, call)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert vars(model) == vars(LogisticRegression())


def test_an_interrupt_in_a_worker_thread_propagates(monkeypatch):
    model = LogisticRegression(n_jobs=2, solver="newton").fit(BIG, BIG_Y)
    before = dict(vars(model))
    calls = iter(range(1000))
    rows = Design.block

    def interrupted(self, block):
        if next(calls) == 9:
            raise KeyboardInterrupt
        return rows(self, block)

    with monkeypatch.context() as patch:
        patch.setattr(Design, "block", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.fit(BIG, 1 - BIG_Y)
    assert all(vars(model)[name] is before[name] for name in before)
    assert_allclose(model.fit(BIG, 1 - BIG_Y).coef_, -before["coef_"], atol=1e-7)

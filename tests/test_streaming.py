"""A stream: one pass is as good as a fit, whatever the units and the batches."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from logreg import LogisticRegression
from logreg.datasets import load_breast_cancer, load_default, load_digits, load_iris
from logreg.streaming import LARGEST, Stream


def generated(n, d, K=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X[:, : d // 3] = np.exp(X[:, : d // 3])
    X[:, -1] = X[:, -1] > 1.5
    w = rng.normal(size=(K, d)) / np.sqrt(d)
    return X, (X @ w.T + rng.gumbel(size=(n, K))).argmax(axis=1)


def stream(X, y, batch=1000, K=None, **options):
    K = K or int(y.max()) + 1
    learner = Stream(1 if K == 2 else K, X.shape[1], **options)
    for start in range(0, len(y), batch):
        learner.learn(X[start : start + batch], y[start : start + batch], None)
    return learner


def loss(X, y, w, b, ridge=0.0):
    """F, by the margins of the own class."""
    margin = X @ w.T + b
    if margin.shape[1] == 1:
        margin = np.column_stack([np.zeros(len(y)), margin])
    top = margin.max(axis=1)
    each = top + np.log(np.exp(margin - top[:, None]).sum(axis=1))
    return (each - margin[np.arange(len(y)), y]).sum() + 0.5 * ridge * (w**2).sum()


def excess(X, y, learner, C=np.inf):
    """F above its minimum, in units of half a parameter: 1 is what chance makes of the optimum."""
    model = LogisticRegression(C=C).fit(X, y)
    best = loss(X, y, model.coef_, model.intercept_, 1 / C)
    K = len(model.classes_)
    p = (X.shape[1] + 1) * (K - 1)
    return (loss(X, y, *learner.coefficients(), 1 / C) - best) / (p / 2)


# -- one pass is as good as a fit ------------------------------------------------------------------


@pytest.mark.parametrize(("n", "d", "K"), [(20_000, 8, 2), (20_000, 30, 2), (10_000, 6, 4)])
@pytest.mark.parametrize("C", [np.inf, 1.0])
def test_generated(n, d, K, C):
    X, y = generated(n, d, K)
    assert excess(X, y, stream(X, y, ridge=1 / C), C) < 0.1


@pytest.mark.parametrize(
    ("load", "C"),
    [(load_default, np.inf), (load_breast_cancer, 1.0), (load_iris, 1.0), (load_digits, 1.0)],
)
def test_shipped_tables_as_they_are(load, C):
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = np.asarray(X, float)[order], np.unique(y, return_inverse=True)[1][order]
    assert excess(X, y, stream(X, y, batch=100, ridge=1 / C), C) < 0.5


def test_until_rows_are_let_go_it_is_the_optimum():
    X, y = generated(900, 5)
    learner = stream(X, y, batch=900)
    model = LogisticRegression(C=np.inf).fit(X, y)
    w, b = learner.coefficients()
    assert_allclose(w, model.coef_, atol=1e-3)
    assert_allclose(b, model.intercept_, atol=1e-3)


def test_no_intercept():
    X, y = generated(8000, 5)
    learner = stream(X, y, intercept=False)
    model = LogisticRegression(C=np.inf, fit_intercept=False).fit(X, y)
    w, b = learner.coefficients()
    assert_array_equal(b, 0)
    assert loss(X, y, w, b) - loss(X, y, model.coef_, np.zeros(1)) < 0.5


def test_more_parameters_than_a_matrix_is_made_of():
    rng = np.random.default_rng(0)
    n, d = 30_000, LARGEST + 500
    X = sparse.random_array((n, d), density=0.01, rng=rng, format="csr")
    y = (rng.random(n) < 1 / (1 + np.exp(-(X @ rng.normal(size=d)) * 2))).astype(int)
    learner = stream(X, y, batch=5000, ridge=1.0)
    model = LogisticRegression().fit(X, y)
    best = loss(X, y, model.coef_, model.intercept_, 1.0)
    after = loss(X, y, *learner.coefficients(), 1.0) - best
    before = loss(X, y, np.zeros((1, d)), np.zeros(1)) - best
    assert 0 <= after < 0.02 * before


# -- what makes no difference ----------------------------------------------------------------------


@pytest.mark.parametrize("K", [2, 3])
def test_units_make_no_difference(K):
    X, y = generated(5000, 9, K)
    scale = 10.0 ** np.random.default_rng(1).uniform(-6, 6, 9)
    w, b = stream(X, y, K=K).coefficients()
    moved_w, moved_b = stream(X * scale + 1000 * scale, y, K=K).coefficients()
    assert_allclose((X * scale + 1000 * scale) @ moved_w.T + moved_b, X @ w.T + b, atol=1e-5)


@pytest.mark.parametrize("K", [2, 3])
def test_batches_make_next_to_no_difference(K):
    X, y = generated(3700, 6, K)
    sizes = (1, 17, 400, 10_000)
    values = [loss(X, y, *stream(X, y, batch=m, K=K).coefficients()) for m in sizes]
    assert np.ptp(values) < 0.1


def test_sparse_and_float32_are_the_same():
    X, y = generated(4000, 12)
    X = np.round(X * (np.abs(X) > 0.5), 2).astype(np.float32)
    w, _ = stream(X.astype(float), y).coefficients()
    for other in (sparse.csr_array(X.astype(float)), sparse.csr_matrix(X), X):
        assert_allclose(stream(other, y).coefficients()[0], w, rtol=1e-6, atol=1e-7)


def test_rows_without_weight_and_empty_batches_change_nothing():
    X, y = generated(2000, 5)
    plain, other = stream(X, y), Stream(1, 5)
    for start in range(0, 2000, 1000):
        rows = slice(start, start + 1000)
        noise = np.full((10, 5), 1e9)
        weight = np.append(np.ones(1000), np.zeros(10))
        codes = np.append(y[rows], np.ones(10, int))
        other.learn(np.vstack([X[rows], noise]), codes, weight)
        other.learn(X[:0], y[:0], None)
    assert other.n_rows == plain.n_rows == 2000
    assert_array_equal(other.coefficients()[0], plain.coefficients()[0])


def test_weight_two_is_a_row_given_twice():
    X, y = generated(4000, 5)
    twice = stream(np.repeat(X, 2, axis=0), np.repeat(y, 2))
    weighted = Stream(1, 5)
    weighted.learn(X, y, np.full(4000, 2.0))
    assert_allclose(twice.coefficients()[0], weighted.coefficients()[0], atol=2e-3)


def test_the_callers_arrays_may_change():
    X, y = generated(3000, 5)
    learner, buffer = Stream(1, 5), np.empty((100, 5))
    for start in range(0, 3000, 100):
        buffer[:] = X[start : start + 100]
        learner.learn(buffer, y[start : start + 100], None)
    assert_array_equal(learner.coefficients()[0], stream(X, y, batch=100).coefficients()[0])


# -- hard streams ----------------------------------------------------------------------------------


def test_nothing_yet():
    w, b = Stream(3, 4).coefficients()
    assert w.shape == (3, 4)
    assert not w.any()
    assert not b.any()


@pytest.mark.parametrize("K", [2, 3])
def test_one_class_only_at_first(K):
    X, y = generated(6000, 4, K)
    order = np.append(np.flatnonzero(y == 0), np.flatnonzero(y != 0))[:4500]
    first = stream(X[order][: (y == 0).sum()], np.zeros((y == 0).sum(), int), K=K)
    assert all(np.isfinite(part).all() for part in first.coefficients())
    # Of the class that came first a part alone is left to learn the others from; with none it
    # would be 961.
    assert excess(X[order], y[order], stream(X[order], y[order], K=K)) < 20


def test_a_column_that_shows_itself_late():
    X, y = generated(8000, 6)
    X[:5000, 2] = 0.0
    X[5000:, 2] *= 1e6
    X[:, 3] = 7.0  # and one that never does
    learner = stream(X, y, batch=1)
    others = [0, 1, 2, 4, 5]
    model = LogisticRegression(C=np.inf).fit(X[:, others], y)
    best = loss(X[:, others], y, model.coef_, model.intercept_)
    assert loss(X, y, *learner.coefficients()) - best < 1


def test_rare_levels_in_standard_units():
    rng = np.random.default_rng(0)
    X = (rng.random((8000, 12)) < 10.0 ** -np.linspace(1, 3.5, 12)).astype(float)
    y = (rng.random(8000) < 0.3 + 0.3 * X[:, 0]).astype(int)
    w, b = stream(X, y).coefficients()
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)  # an unseen level is not 0 now
    standard_w, standard_b = stream(scaled, y).coefficients()
    assert abs(loss(X, y, w, b) - loss(scaled, y, standard_w, standard_b)) < 1e-3


def test_a_rare_level_that_tells_the_class_for_long():
    rng = np.random.default_rng(0)
    n = 20_000
    X = np.column_stack([rng.random(n) < 0.005, rng.normal(size=n)]).astype(float)
    y = (rng.random(n) < 0.3).astype(int)
    rare = np.flatnonzero(X[:, 0])
    y[rare] = 0
    y[rare[-8:]] = 1  # the last ones say otherwise
    assert excess(X, y, stream(X, y)) < 0.5


def test_dependent_columns_without_a_penalty():
    rng = np.random.default_rng(0)
    level = rng.integers(4, size=30_000)
    X = np.column_stack([level[:, None] == np.arange(4), rng.normal(size=30_000)]).astype(float)
    y = (rng.random(30_000) < 1 / (1 + np.exp(1 - X @ [0.5, -1, 0, 2, 1]))).astype(int)
    model = LogisticRegression(C=np.inf).fit(X[:, 1:], y)
    learner = stream(X, y)
    best = loss(X[:, 1:], y, model.coef_, model.intercept_)
    assert loss(X, y, *learner.coefficients()) - best < 0.5


@pytest.mark.parametrize("batch", [1, 50, 1000])
def test_forgetting_follows_a_drift(batch):
    X, y = generated(6000, 4)
    y[3000:] = 1 - y[3000:]  # the world turns round
    last = slice(4000, 6000)
    keeping = loss(X[last], y[last], *stream(X, y, batch).coefficients())
    half_life_of_350 = loss(X[last], y[last], *stream(X, y, batch, forgetting=0.998).coefficients())
    best = loss(X[last], y[last], *stream(X[last], y[last]).coefficients())
    assert half_life_of_350 - best < 0.05 * (keeping - best)


def test_forgetting_is_a_fit_with_fading_weights():
    X, y = generated(6000, 4)
    weight = 0.999 ** np.arange(5999, -1, -1)
    model = LogisticRegression(C=1.0).fit(X, y, sample_weight=weight)
    w, b = stream(X, y, 300, ridge=1.0, forgetting=0.999).coefficients()
    assert_allclose(w, model.coef_, atol=0.02)
    assert_allclose(b, model.intercept_, atol=0.02)


def test_forgetting_nearly_all_stays_finite():
    X, y = generated(1500, 4)
    w, b = stream(X, y, 1, ridge=1.0, forgetting=0.9).coefficients()
    weight = 0.9 ** np.arange(1499, -1, -1)
    model = LogisticRegression(C=1.0).fit(X, y, sample_weight=weight)
    assert_allclose(np.append(w, b), np.append(model.coef_, model.intercept_), atol=0.1)


def test_a_stream_goes_on_after_a_pickle():
    X, y = generated(3000, 5, 3)
    learner = stream(X[:2500], y[:2500])
    other = pickle.loads(pickle.dumps(learner))
    for each in (learner, other):
        each.learn(X[2500:], y[2500:], None)
    assert_array_equal(learner.coefficients()[0], other.coefficients()[0])

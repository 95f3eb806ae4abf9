"""partial_fit of the estimator: what it takes, and what it says."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone

from logreg import ConvergenceWarning, LogisticRegression
from logreg.datasets import load_breast_cancer, load_iris, load_pima


def learned(model, X, y, batch=100, **given):
    classes = np.unique(y)
    for a in range(0, len(y), batch):
        rows = slice(a, a + batch)
        some = {name: value[rows] for name, value in given.items()}
        model.partial_fit(X[rows], y[rows], classes=classes, **some)
    return model


def loss(model, X, y):
    p = model.predict_proba(X)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return -np.log(p).sum()


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris, load_pima])
@pytest.mark.parametrize("batch", [1, 50, 10_000])
def test_a_stream_is_near_the_optimum(load, batch):
    """Excess over the optimum in units of the sampling error d/2; the promise is 2."""
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order], y[order]
    best = LogisticRegression().fit(X, y)
    model = learned(LogisticRegression(), X, y, batch)
    d = best.coef_.shape[1] * max(len(best.coef_) - 1, 1)
    penalty = [0.5 * (m.coef_**2).sum() for m in (model, best)]
    excess = loss(model, X, y) + penalty[0] - loss(best, X, y) - penalty[1]
    assert -1e-6 < excess < 0.1 * d
    assert model.n_samples_seen_ == len(y)
    assert model.coef_.shape == best.coef_.shape
    assert not hasattr(model, "outcome_")


def test_weights_of_rows_and_classes():
    X, y = load_pima(return_X_y=True)
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    a = learned(LogisticRegression(class_weight={0: 2.0}), X, y, sample_weight=weight)
    b = learned(LogisticRegression(), X, y, sample_weight=weight * np.where(y == 0, 2.0, 1.0))
    assert_allclose(a.coef_, b.coef_)
    assert a.n_samples_seen_ == np.count_nonzero(weight)


def test_labels_names_clone_and_pickle():
    X, y = load_pima(return_X_y=True, as_frame=True)
    label = np.where(y == 1, "yes", "no")
    model = learned(LogisticRegression(), X.iloc[:600], label[:600])
    assert_array_equal(model.classes_, ["no", "yes"])
    assert_array_equal(model.feature_names_in_, X.columns)
    same = pickle.loads(pickle.dumps(model))
    for each in (model, same):
        each.partial_fit(X.iloc[600:], label[600:])
    assert_array_equal(model.coef_, same.coef_)
    assert not hasattr(clone(model), "coef_")
    with pytest.raises(ValueError, match="feature names should match"):
        model.partial_fit(X[X.columns[::-1]], label)


def test_fit_ends_a_stream():
    X, y = load_pima(return_X_y=True)
    model = learned(LogisticRegression(), X, y)
    model.fit(X, y)
    assert not hasattr(model, "n_samples_seen_")
    with pytest.raises(ValueError, match="classes must be given in the first call"):
        LogisticRegression().partial_fit(X, y)
    before = model.coef_.copy()
    model.partial_fit(X[:300], y[:300])  # its classes are known
    assert model.n_samples_seen_ == 300
    assert not np.array_equal(model.coef_, before)
    assert not hasattr(model, "gap_")


def test_forgetting_follows_a_drift():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 2))
    y = (X[:, 0] * np.repeat([3, -3], 3000) + rng.logistic(size=6000) > 0).astype(int)
    models = []
    for forgetting in (1.0, 0.99):
        model = LogisticRegression()
        for a in range(0, 6000, 100):
            rows = slice(a, a + 100)
            model.partial_fit(X[rows], y[rows], classes=[0, 1], forgetting=forgetting)
        models.append(model)
    assert abs(models[0].coef_[0, 0]) < 1
    assert models[1].coef_[0, 0] < -2


def test_sentences():
    X, y = load_pima(return_X_y=True)
    model = LogisticRegression()
    with pytest.raises(ValueError, match="classes has one class"):
        model.partial_fit(X, y, classes=[1])
    with pytest.raises(ValueError, match="y has the class 1, which is none of the classes"):
        model.partial_fit(X, y, classes=[0, 2])
    with pytest.raises(ValueError, match="y has 5 values, X has 6 rows"):
        model.partial_fit(X[:6], y[:5], classes=[0, 1])
    with pytest.raises(ValueError, match="forgetting must be a number above 0 and at most 1"):
        model.partial_fit(X, y, classes=[0, 1], forgetting=0)
    bad = X.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"missing value .* in row 3 of column 1"):
        model.partial_fit(bad, y, classes=[0, 1])
    for value, what in ((1e160, "overflows"), (None, "underflow")):
        bad = X * [1, 1e-160, *[1] * (X.shape[1] - 2)] if value is None else X.copy()
        bad[3, 1] = bad[3, 1] if value is None else value
        with pytest.raises(ValueError, match=f"in column 1; .* {what} float64"):
            model.partial_fit(bad, y, classes=[0, 1])
    with pytest.raises(ValueError, match="Divide all weights by it"):
        model.partial_fit(X, y, classes=[0, 1], sample_weight=np.full(len(y), 1e120))
    assert not hasattr(model, "coef_")
    model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="are not those of the first call"):
        model.partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="X has 2 features"):
        model.partial_fit(X[:, :2], y)
    assert not hasattr(LogisticRegression(l1_ratio=1), "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
        LogisticRegression(l1_ratio=1).partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="'balanced' needs all rows"):
        LogisticRegression(class_weight="balanced").partial_fit(X, y, classes=[0, 1])
    wide = np.zeros((2, 2001))
    with pytest.raises(ValueError, match="takes up to 2000"):
        LogisticRegression(C=np.inf).partial_fit(wide, [0, 1], classes=[0, 1])


def test_an_empty_batch_changes_nothing():
    X, y = load_pima(return_X_y=True, as_frame=True)
    model = LogisticRegression().partial_fit(X[:0], y[:0], classes=[0, 1])
    assert_array_equal(model.predict_proba(X[:2]), 0.5)
    model.partial_fit(X, y)
    before = model.coef_.copy()
    assert_array_equal(model.partial_fit(X[:0], pd.Series([], dtype=int)).coef_, before)


@pytest.mark.parametrize("size", [1, 10, 30])
def test_a_penalty_that_rules_at_first(size):
    """What ridge holds back goes on as rows come: the excess stays small, whatever the units."""
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(20_000, 5))
    y = (Z @ rng.normal(size=5) + rng.logistic(size=20_000) > 0).astype(int)
    X = Z / size
    model, best = learned(LogisticRegression(C=1.0), X, y, 500), LogisticRegression().fit(X, y)
    penalty = [0.5 * (m.coef_**2).sum() for m in (model, best)]
    assert loss(model, X, y) + penalty[0] - loss(best, X, y) - penalty[1] < 0.3 * 6 / 2


@pytest.mark.parametrize("size", [1e-12, 1e-3, 1e6])
def test_a_common_factor_of_the_weights_changes_nothing(size):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 5))
    y = (X[:, 0] + rng.logistic(size=4000) > 0).astype(int)
    models = [LogisticRegression(C=np.inf) for _ in range(2)]
    for a in range(0, 4000, 100):
        rows = slice(a, a + 100)
        for model, each in zip(models, (1.0, size), strict=True):
            model.partial_fit(X[rows], y[rows], [0, 1], sample_weight=np.full(100, each))
    assert_allclose(models[1].coef_, models[0].coef_, atol=2e-3)


def test_weights_that_underflow_are_forgotten():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3))
    y = (X[:, 0] + rng.logistic(size=3000) > 0).astype(int)
    model = LogisticRegression()
    for a in range(0, 3000, 500):
        rows = slice(a, a + 500)
        model.partial_fit(X[rows], y[rows], classes=[0, 1], forgetting=0.2)
    assert np.isfinite(model.coef_).all()


def test_dense_and_sparse_batches_of_one_stream():
    X, y = load_pima(return_X_y=True)
    for first, then in ((X, csr_array(X)), (csr_array(X), X)):
        model = LogisticRegression().partial_fit(first, y, classes=[0, 1])
        assert model.partial_fit(then, y).n_samples_seen_ == 2 * len(y)


def test_a_stream_takes_the_penalty_of_now_and_keeps_its_intercept():
    X, y = load_pima(return_X_y=True)
    model = learned(LogisticRegression(), X, y)
    weak = np.abs(model.coef_).max()
    model.set_params(C=1e-6).partial_fit(X, y)
    assert np.abs(model.coef_).max() < 0.5 * weak
    with pytest.raises(ValueError, match="fit_intercept is False now and was True"):
        model.set_params(fit_intercept=False).partial_fit(X, y)


def test_inference_after_a_stream():
    X, y = load_pima(return_X_y=True)
    model = learned(LogisticRegression(C=np.inf), X, y)
    best = LogisticRegression(C=np.inf).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="standard errors from the optimum"):
        errors = model.inference(X, y).bse
    assert_allclose(errors, best.inference(X, y).bse, rtol=0.01)

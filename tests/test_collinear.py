"""Null spaces of designs, and the solution of the smallest norm."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss

from logreg import CollinearityWarning, LogisticRegression, SeparationWarning
from logreg.collinear import involved, least_norm, null_space
from logreg.design import Design
from logreg.row_blocks import RowBlocks


def design(X, intercept=True, weight=None):
    matrix = RowBlocks(X)
    return Design(matrix, matrix.moments(weight), intercept=intercept, weight=weight)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(80, 4))


def test_independent_columns_have_none(X):
    assert null_space(design(X), None) is None


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_a_sum_of_columns_is_found_in_any_unit(X, unit, shift):
    X[:, 3] = X[:, 0] - 2 * X[:, 1]
    X = (X + shift) * unit ** np.arange(4)
    flat = null_space(design(X), None)
    assert flat.shape == (5, 1)
    assert involved(design(X), flat) == ([0, 1, 3], shift > 0)


def test_nearly_dependent_columns_are_not_dependent(X):
    X[:, 3] = X[:, 0] + 1e-6 * X[:, 3]
    assert null_space(design(X), None) is None


def test_a_constant_column_depends_on_the_intercept_only(X):
    X[:, 2] = 7.0
    assert involved(design(X), null_space(design(X), None)) == ([2], True)
    assert null_space(design(X, intercept=False), None) is None


def test_one_hot_groups_with_an_intercept(X):
    groups = np.eye(3)[np.arange(80) % 3]
    both = np.column_stack([groups, X, np.eye(2)[np.arange(80) % 2]])
    flat = null_space(design(both), None)
    assert flat.shape[1] == 2
    assert involved(design(both), flat) == ([0, 1, 2, 7, 8], True)


def test_rows_without_weight_do_not_count(X):
    X[:40, 3] = X[:40, 0]
    weight = np.repeat([1.0, 0.0], 40)
    assert null_space(design(X, weight=weight), weight).shape[1] == 1
    assert null_space(design(X), None) is None


def test_least_norm_changes_no_margin_and_is_the_pseudo_inverse(X):
    X[:, 3] = X[:, 0] - 2 * X[:, 1]
    X = X * [1.0, 10.0, 1.0, 0.1]
    d = design(X)
    theta = np.random.default_rng(1).normal(size=(2, 5))
    moved = least_norm(d, null_space(d, None), theta)
    (w, b), (v, c) = d.to_user(theta), d.to_user(moved)
    assert_allclose(X @ v.T + c, X @ w.T + b, rtol=1e-10, atol=1e-10)
    centred = X - X.mean(axis=0)
    smallest = (np.linalg.pinv(centred, rcond=1e-10) @ (centred @ w.T)).T
    assert_allclose(v, smallest, atol=1e-9)


@pytest.mark.parametrize("seed", [3, 11, 13])
def test_separated_levels_of_one_hot_columns_stay_in_sight(seed):
    """Samples that lacked a level had directions without a bound: coefficients of 1e15 came back,
    whose sums had lost their digits.
    """
    rng = np.random.default_rng(seed)
    n, columns = 60_000, [rng.normal(size=(60_000, 3)) * [1, 100, 1e4]]
    for levels in (8, 15, 40):
        share = rng.dirichlet(np.full(levels, 0.5))
        columns.append(np.eye(levels)[rng.choice(levels, n, p=share / share.sum())])
    X = np.column_stack(columns)
    X[:, -1] = 0
    X[rng.integers(n), -1] = 1  # a level of one row
    w = rng.normal(size=(X.shape[1], 3)) * 1.5
    w[:3] /= [[1], [100], [1e4]]
    y = (X @ w + rng.gumbel(size=(n, 3))).argmax(axis=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = LogisticRegression(C=np.inf).fit(X, y)
    assert {w.category for w in caught} == {CollinearityWarning, SeparationWarning}
    assert np.abs(model.coef_).max() < 50
    loss = log_loss(y, model.predict_proba(X), normalize=False)
    assert_allclose(loss, model.history_["objective"].iloc[-1], rtol=1e-12)

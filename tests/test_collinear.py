"""Null spaces of designs, and the solution of the smallest norm."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

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

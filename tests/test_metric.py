"""Factored metrics and the penalty: small algebra with known answers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from logreg.metric import ClassMetric, FullMetric, KroneckerMetric
from logreg.penalty import ElasticNet


def positive(rng, p):
    root = rng.normal(size=(p, p))
    return root @ root.T + np.eye(p)


def test_full_metric_solves_whatever_the_units():
    rng = np.random.default_rng(0)
    units = 10.0 ** np.arange(-12, 12, 6)
    h = positive(rng, 4) * units * units[:, None]
    x = rng.normal(size=4) / units
    assert_allclose(FullMetric(h).solve(h @ x), x, rtol=1e-12)


def test_full_metric_of_a_singular_matrix_keeps_to_its_range():
    a = np.array([[1.0, 0, 1], [0, 1, 1], [1, 1, 2]])  # the third is the sum of the others
    g = a @ [1.0, 2.0, 3.0]
    x = FullMetric(a).solve(g)
    assert_allclose(a @ x, g, rtol=1e-6)
    assert np.abs(x).max() < 100


def test_full_metric_of_a_column_without_curvature():
    x = FullMetric(np.diag([4.0, 0.0])).solve(np.array([4.0, 0.0]))
    assert_allclose(x, [1.0, 0.0])


def test_kronecker_metric_is_the_inverse_of_what_it_says():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), size=20)
    s = np.diag(p.sum(axis=0)) - p.T @ p
    b, ridge = positive(rng, 2), np.array([0.5, 0.0])
    whole = np.kron(s, b) + np.kron(np.eye(3), np.diag(ridge))
    x = rng.normal(size=(3, 2))
    x -= x.mean(axis=0)  # the same step for all classes is left out
    assert_allclose(KroneckerMetric(s, b, ridge).solve(whole @ x.ravel()), x.ravel(), rtol=1e-10)


def test_ridge():
    w = np.array([[1.0, -2.0]])
    ridge = ElasticNet.of(np.float64(4.0))
    assert ridge.value(w) == pytest.approx(5 / 8)
    assert_allclose(ridge.gradient(w), w / 4)
    assert_allclose(ridge.curvature(w), 0.25)
    assert ridge.gap(w[:, :1], np.array([[2.0]])) == pytest.approx(8.0)  # C/2 g²
    assert ridge


def test_no_penalty():
    assert not ElasticNet.of(np.inf)
    assert ElasticNet.of(np.inf).value(np.array([[1e300]])) == 0


def test_class_metric_keeps_the_digits_of_a_class_that_is_all_but_sure():
    """H = Σ c (e_k - e_l)(e_k - e_l)', c = 1e-30 for class 0: what H u has there is no rounding."""
    pairs = [(1e-30, 0, 1), (1.0, 1, 2), (1.0, 1, 3)]
    edges = [(c, np.eye(4)[k] - np.eye(4)[m]) for c, k, m in pairs]
    h = sum(c * np.outer(e, e) for c, e in edges)
    u = np.array([0.3, 0, -0.1, -0.2])
    g = np.array([0.3e-30, 0.1 + 0.2, -0.1, -0.2])
    assert g.sum() != 0
    solved = ClassMetric(h.reshape(4, 1, 4, 1), np.zeros(1)).solve(g)
    assert_allclose(solved, u, rtol=1e-12, atol=1e-15)


def test_the_bound_of_a_column_without_curvature_is_infinite():
    assert FullMetric(np.diag([1.0, 1e-320])).deviation(np.array([1.0, 1e200])) == np.inf

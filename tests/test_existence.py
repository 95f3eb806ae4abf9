"""Columns without a penalty that separate the classes: F has no minimum, and the fit says so.

The judge is a linear program: F has none exactly where a direction in these columns and the
intercept gives no row's class less than the others, and some row's more.
"""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import linprog

from logreg import (
    ConvergenceWarning,
    LogisticRegression,
    Outcome,
    SeparationWarning,
    detect_separation,
    logistic_path,
)


def has_minimum(A, y):
    """By HiGHS: no u with D u >= 0 but 0, D having a row for each row and wrong class."""
    codes = np.unique(y, return_inverse=True)[1]
    K, p = codes.max() + 1, A.shape[1]
    A = A / np.maximum(abs(A).max(axis=0), 1e-300)
    own = np.eye(K)[codes][:, None] - np.eye(K)  # (n, K, K)
    D = (own[:, :, :, None] * A[:, None, None]).reshape(-1, K * p)
    D = D[abs(D).max(axis=1) > 0]
    m = len(D)
    found = linprog(  # max Σ t, 0 <= t <= 1, D u >= t
        np.append(np.zeros(K * p), -np.ones(m)),
        A_ub=np.hstack([-D, np.eye(m)]),
        b_ub=np.zeros(m),
        bounds=[(-1e4, 1e4)] * (K * p) + [(0, 1)] * m,
    )
    assert found.status == 0
    return bool(-found.fun < 1e-3)


def problem(seed):
    """A small table, half of whose columns have no penalty and are mostly 0, or whole numbers."""
    rng = np.random.default_rng(seed)
    n, d, K = int(rng.integers(8, 40)), int(rng.integers(2, 6)), int(rng.integers(2, 5))
    X = rng.normal(size=(n, d)) * np.exp(2 * rng.normal(size=d))
    X *= rng.random((n, d)) < rng.choice([0.2, 0.6, 1.0])
    factors = np.where(np.arange(d) % 2 == 0, 0.0, rng.uniform(0.5, 2, d))
    y = (X / (X.std(axis=0) + 1e-9) @ rng.normal(size=(d, K)) + rng.gumbel(size=(n, K))).argmax(1)
    y[:K] = np.arange(K)
    weight = np.exp(rng.normal(size=n)) * (rng.random(n) < 0.8)
    weight[:K] = 1.0
    offset = 3 * rng.normal(size=n if K == 2 else (n, K)) if seed % 3 == 0 else None
    return X, y, factors, weight, offset, rng


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_linear_program_agrees(fit_intercept, l1_ratio):
    told = {True: 0, False: 0}
    for seed in range(40):
        X, y, factors, weight, offset, rng = problem(seed)
        model = LogisticRegression(
            C=10 ** rng.uniform(-3, 2),
            l1_ratio=l1_ratio,
            penalty_weights=factors,
            fit_intercept=fit_intercept,
        )
        table = sparse.csr_array(X) if seed % 4 == 0 else X
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            model.fit(table, y, weight, offset)
        A = np.column_stack([X[:, factors == 0], np.ones(len(y))][: 1 + fit_intercept])[weight > 0]
        finite = has_minimum(A, y[weight > 0])
        assert (model.outcome_ is Outcome.SEPARATED) is not finite, seed
        assert any(warning.category is SeparationWarning for warning in said) is not finite
        assert np.isfinite(model.coef_).all()
        told[finite] += 1
    assert min(told.values()) >= 8


def partly_separated(rows=40):
    """A column without a penalty that only rows of one class have: an infimum, and no minimum."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(rows, 3))
    y = (X[:, 0] + rng.logistic(size=rows) > 0).astype(int)
    X[:, 2] = (rng.random(rows) < 0.2) * (y == 1)
    return X, y, np.array([1.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("solver", "l1_ratio"),
    [("auto", 1.0), ("gd", 1.0), ("auto", 0.0), ("newton", 0.0), ("newton-cg", 0.0), ("pgd", 0.0)],
)
def test_no_solver_takes_an_infimum_for_a_minimum(solver, l1_ratio):
    X, y, factors = partly_separated()
    model = LogisticRegression(l1_ratio=l1_ratio, penalty_weights=factors, solver=solver)
    with pytest.warns(SeparationWarning, match="no penalty weight of 0"):
        model.fit(X, y)
    assert model.outcome_ is Outcome.SEPARATED
    # the rows that have the column cost nothing at the infimum: without them there is a minimum
    rest = X[:, 2] == 0
    least = LogisticRegression(l1_ratio=l1_ratio).fit(X[rest][:, :2], y[rest])
    bound = least.history_["objective"].iloc[-1]
    assert model.history_["objective"].iloc[-1] == pytest.approx(bound, rel=1e-3)
    assert model.history_["objective"].iloc[-1] - bound <= model.gap_ + 1e-9 * bound


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_one_row_of_the_other_class_is_enough_for_a_minimum(l1_ratio):
    X, y, factors = partly_separated()
    X[np.flatnonzero(y == 0)[0], 2] = 0.1
    model = LogisticRegression(l1_ratio=l1_ratio, penalty_weights=factors).fit(X, y)
    assert model.outcome_ is Outcome.CONVERGED


def test_a_path_is_separated_at_every_C():
    X, y, factors = partly_separated()
    with pytest.warns(ConvergenceWarning, match="5 of 5 fits .* SEPARATED"):
        path = logistic_path(X, y, l1_ratio=1.0, penalty_weights=factors, n_Cs=5)
    assert set(path.outcomes) == {Outcome.SEPARATED}


def test_an_optimum_at_margins_of_25_is_one():
    """Where a decrement of 1e-3 still moves margins by 1, and has some way to go."""
    X, y, factors, weight, _, _ = problem(38)
    A = np.column_stack([X[:, factors == 0], np.ones(len(y))])
    assert has_minimum(A[weight > 0], y[weight > 0])
    model = LogisticRegression(C=0.1, l1_ratio=0.5, penalty_weights=factors).fit(X, y, weight)
    assert model.outcome_ is Outcome.CONVERGED


def test_a_fit_that_stops_on_the_way_says_so_too():
    X, y, factors = partly_separated()
    with pytest.warns(SeparationWarning):
        model = LogisticRegression(l1_ratio=1.0, penalty_weights=factors, max_iter=1).fit(X, y)
    assert model.outcome_ is Outcome.SEPARATED
    assert model.n_iter_ == 1


def test_an_offset_hides_no_separation():
    """It has no share in whether there is a minimum, but may make rows sure that the columns tell
    apart: a fit then seemed to have converged, or to stand at the limit of rounding.
    """
    for X, y, offset in (
        ([1.0, 1, 0, 0], [1, 1, 0, 1], [0, 10.0, 6, 5]),
        ([0.0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 1, 1], [20.0, -20, 0, 20, 0, -20]),
    ):
        with pytest.warns(SeparationWarning, match="unlimited growth"):
            model = LogisticRegression(C=np.inf).fit(np.c_[X], y, offset=offset)
        assert model.outcome_ is Outcome.SEPARATED


def test_a_step_to_where_curvature_vanishes_proves_nothing():
    X, y = np.repeat(np.eye(2), [6, 4], axis=0), np.array([0, 1, 0, 1, 0, 1, 0, 0, 0, 0])
    offset = np.array([0.0] * 6 + [50, 30, 60, 20])
    with pytest.warns(SeparationWarning):
        LogisticRegression(C=np.inf, fit_intercept=False).fit(X, y, offset=offset)


def test_offsets_far_apart_against_a_linear_program():
    wrong = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X, y = rng.integers(0, 3, (14, 2)).astype(float), rng.integers(0, 2, 14)
        y[:2] = 0, 1
        verdict = detect_separation(X, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = LogisticRegression(C=np.inf).fit(X, y, offset=10 * rng.normal(size=14))
        wrong += verdict.separated != (model.outcome_ is Outcome.SEPARATED)
    assert wrong == 0


@pytest.mark.filterwarnings("ignore::logreg.CollinearityWarning")
def test_one_hot_groups_of_five_classes_lose_no_digits():
    """Conjugate gradients left the steps that change no margin to grow to 1e13."""
    rng = np.random.default_rng(2037)
    K, g, k = (int(rng.choice([2, 3, 5])), int(rng.integers(3, 25)), int(rng.integers(1, 4)))
    n = int(rng.integers(400, 4000))
    X = np.hstack([np.eye(g)[rng.integers(0, g, n)] for _ in range(k)])
    y = np.argmax(rng.gumbel(size=(n, K)) + X[:, :K] * rng.choice([0, 1.0]), axis=1)
    y[:K] = range(K)
    model = LogisticRegression(C=np.inf, solver="pgd").fit(X, y)
    assert model.outcome_ is Outcome.CONVERGED
    other = LogisticRegression(C=np.inf, solver="newton").fit(X, y)
    assert_allclose(model.coef_, other.coef_, atol=1e-5)

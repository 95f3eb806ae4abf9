"""The promise: at defaults the fit is at the optimum, whatever the units of the columns.

`tol` is a distance in standard errors, measured here against the longdouble oracle. The issue asks
for 1e-5 of them on every data set; what is reached, set by set, is in docs/accuracy.md, which
benchmarks/accuracy.py makes from the same cases.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle import optimum
from problems import correlated, generated, scaled

from logreg import CollinearityWarning, LogisticRegression, Outcome, datasets

NAMES = [loader.removeprefix("load_") for loader in datasets.__all__]
SEPARABLE = {"breast_cancer", "digits", "iris", "wine"}  # no optimum at C = inf
STRENGTHS = [0.01, 1, 100, np.inf]
PROMISE = 1e-5  # standard errors
TOL = 1e-6


def load(name):
    X, y, *weight = getattr(datasets, f"load_{name}")(return_X_y=True)
    return X, y, weight[0] if weight else None


def rescale(X, seed=0):
    return X * 10 ** np.random.default_rng(seed).uniform(-6, 6, X.shape[1])


def shift(X):
    return X + 1000 * X.std(axis=0)


COPIES = {
    "raw": lambda X: X,
    "scaled": rescale,
    "shifted": shift,
    "both": lambda X: shift(rescale(X, seed=1)),
}


def cases():
    """(name, copy, C) of every fit that has an optimum; digits, the slow one, at C=1 only."""
    for name in NAMES:
        for copy in COPIES:
            for C in STRENGTHS:
                if name == "digits" and (C != 1 or copy not in ("raw", "both")):
                    continue
                if C < np.inf or name not in SEPARABLE:
                    yield name, copy, C


def assert_optimal(model, truth):
    """Near the optimum; and the fit knew how near, and by how much F could still fall.

    Rounding alone costs up to 1e-10 standard errors and 1e-10 of F in shifted columns, where the
    products of a margin cancel. What is said of it is a bound, which may be some tenfold too large.
    """
    assert model.outcome_ is Outcome.CONVERGED
    distance = truth.distance(model.coef_, model.intercept_)
    assert distance <= PROMISE
    said = model.history_["standard_errors"].iloc[-1]
    assert said <= model.tol
    if model.solver != "newton":  # it is a bound, by another point's Hessian or the dual gap
        assert said / 30 - 1e-9 <= distance <= said * 1.02 + 1e-9
    else:
        assert distance == pytest.approx(said, rel=0.01, abs=1e-9)
    assert distance**2 / 2 <= 1.001 * model.gap_ + 1e-18
    assert model.history_["objective"].iloc[-1] == pytest.approx(truth.value, rel=1e-9)


@pytest.mark.parametrize(("name", "copy", "C"), list(cases()))
def test_data_set(name, copy, C):
    X, y, weight = load(name)
    X = COPIES[copy](X)
    model = LogisticRegression(C=C).fit(X, y, weight)
    assert_optimal(model, optimum(X, y, C=C, weight=weight))


@pytest.mark.parametrize("C", STRENGTHS)
@pytest.mark.parametrize("copy", ["raw", "both"])
@pytest.mark.parametrize("name", ["anes96", "mroz", "titanic", "ucb"])
def test_without_intercept(name, copy, C):
    X, y, weight = load(name)
    X = COPIES[copy](X)
    model = LogisticRegression(C=C, fit_intercept=False).fit(X, y, weight)
    assert_optimal(model, optimum(X, y, C=C, weight=weight, fit_intercept=False))


@pytest.mark.parametrize("name", ["anes96", "birthwt", "iris", "midwest", "wine"])
@pytest.mark.parametrize("C", STRENGTHS[:3])
@pytest.mark.parametrize("copy", ["raw", "both"])
def test_weights_and_offset(name, copy, C):
    X, y, _ = load(name)
    X = COPIES[copy](X)
    rng = np.random.default_rng(0)
    K = len(np.unique(y))
    weight = rng.uniform(0, 3, len(y)) * (rng.uniform(size=len(y)) > 0.1)  # some are zero
    offset = rng.normal(size=len(y) if K == 2 else (len(y), K))
    model = LogisticRegression(C=C).fit(X, y, weight, offset)
    assert_optimal(model, optimum(X, y, C=C, weight=weight, offset=offset))


# -- the solvers by name --------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["newton", "pgd"])
@pytest.mark.parametrize(
    ("name", "copy", "C"),
    [case for case in cases() if case[1] == "raw" or (case[1] == "both" and case[0] != "digits")],
)
def test_solver(name, copy, C, solver):
    X, y, weight = load(name)
    X = COPIES[copy](X)
    model = LogisticRegression(C=C, solver=solver).fit(X, y, weight)
    truth = optimum(X, y, C=C, weight=weight)
    assert model.outcome_ is Outcome.CONVERGED
    assert truth.distance(model.coef_, model.intercept_) <= PROMISE


SMALL = ["iris", "menarche", "mroz", "orings", "pima", "spector", "titanic", "ucb", "vaso"]


@pytest.mark.parametrize("C", STRENGTHS)
@pytest.mark.parametrize("name", SMALL)
def test_gradient_descent_on_standardised_columns(name, C):
    if name == "iris":
        C = min(C, 1)  # without a penalty there is no optimum, with little it is a long way
    X, y, weight = load(name)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = LogisticRegression(C=C, solver="gd", max_iter=20_000).fit(X, y, weight)
    assert_optimal(model, optimum(X, y, C=C, weight=weight))


# -- float32 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("C", [0.01, 1, 100])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "digits"])
def test_float32(name, C):
    """The same as for these numbers in float64, but for the rounding of the coefficients."""
    X, y, weight = load(name)
    X = X.astype(np.float32)
    model = LogisticRegression(C=C).fit(X, y, weight)
    assert model.coef_.dtype == model.intercept_.dtype == np.float32
    truth = optimum(X.astype(float), y, C=C, weight=weight)
    near = 2.0**-23 * np.abs(truth.coef) + PROMISE * truth.standard_errors
    assert np.all(np.abs(model.coef_ - truth.coef) <= near)
    assert_allclose(model.intercept_, truth.intercept, rtol=2.0**-22, atol=1e-5)


# -- shapes that are hard -------------------------------------------------------------------------

GENERATED = {
    "tall": generated(30_000, 12),
    "tall, scaled": scaled(generated(30_000, 12)),
    "tall, likelihood": generated(30_000, 12, C=np.inf),
    "tall, five classes": generated(20_000, 6, 5),
    "wide": generated(40, 200),
    "wide, weak penalty": generated(40, 200, C=100),
    "wide, scaled": scaled(generated(40, 200)),
    "wide, three classes": generated(40, 200, 3),
    "five classes": generated(400, 4, 5),
    "five classes, scaled": scaled(generated(400, 4, 5)),
    "five classes, likelihood": generated(400, 4, 5, C=np.inf),
    "correlated": correlated(400, 6, 0.999),
    "correlated, weak penalty": correlated(400, 6, 1 - 1e-9),
}


@pytest.mark.parametrize("name", GENERATED)
def test_generated(name):
    p = GENERATED[name]
    model = LogisticRegression(C=p.C).fit(p.X, p.y)
    truth = optimum(p.X, p.y, C=p.C)
    assert model.outcome_ is Outcome.CONVERGED
    assert truth.distance(model.coef_, model.intercept_) <= PROMISE


def one_hot(n=400, seed=0):
    """Two groups of dummies without a base: each group's sum is the intercept's column."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.eye(6)[rng.integers(0, 6, n)], np.eye(4)[rng.integers(0, 4, n)]])
    y = (X @ rng.normal(size=10) + rng.logistic(size=n) > 0).astype(int)
    return X, y, (y + rng.integers(0, 3, n)) % 4


@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("C", STRENGTHS[:3])
@pytest.mark.parametrize("solver", ["auto", "newton", "pgd"])
def test_one_hot_groups(solver, C, K):
    X, y, more = one_hot()
    y = y if K == 2 else more
    model = LogisticRegression(C=C, solver=solver).fit(X, y)
    assert_optimal(model, optimum(X, y, C=C))


@pytest.mark.parametrize("K", [2, 4])
def test_one_hot_groups_without_penalty(K):
    """Two directions change no margin: any optimum will do, and the fit takes the shortest."""
    X, y, more = one_hot()
    y = y if K == 2 else more
    with pytest.warns(CollinearityWarning, match="2 linear dependences"):
        model = LogisticRegression(C=np.inf).fit(X, y)
    assert_optimal(model, optimum(X, y, C=np.inf))
    assert_allclose(model.coef_[:, :6].sum(axis=1), model.coef_[:, 6:].sum(axis=1), atol=1e-10)


@pytest.mark.parametrize("C", STRENGTHS)
@pytest.mark.parametrize("apart", [1e-3, 1e-5])
def test_nearly_equal_columns(apart, C):
    X, y, _ = load("pima")
    noise = np.random.default_rng(0).normal(size=len(X))
    X = np.column_stack([X, X[:, 1] + apart * X[:, 1].std() * noise])
    model = LogisticRegression(C=C).fit(X, y)
    assert_optimal(model, optimum(X, y, C=C))


@pytest.mark.parametrize("C", STRENGTHS)
def test_classes_by_weight_factors(C):
    X, y, _ = load("birthwt")
    model = LogisticRegression(C=C, class_weight={0: 0.3, 1: 2.5}).fit(X, y)
    assert_optimal(model, optimum(X, y, C=C, weight=np.where(y == 1, 2.5, 0.3)))


def test_a_looser_tol_is_kept_too():
    """tol is what it says, not a number that happens to end near the optimum."""
    X, y, _ = load("mroz")
    truth = optimum(X, y)
    for tol in (1e-1, 1e-2, 1e-4):
        model = LogisticRegression(tol=tol).fit(X, y)
        assert truth.distance(model.coef_, model.intercept_) <= 1.1 * tol


@pytest.mark.filterwarnings("ignore:Stopped at the rounding limit")
def test_the_gap_is_never_negative():
    X, y, _ = load("iris")
    gaps = [
        LogisticRegression(C=C, tol=1e-10).fit(rescale(X, seed), y).gap_
        for seed in (1, 2, 3, 14, 24, 35, 36, 38, 43, 189)
        for C in (0.01, 1, 100)
    ]
    assert min(gaps) >= 0


@pytest.mark.parametrize("seed", [33, 36, 44, 93])
@pytest.mark.parametrize("name", ["iris", "wine"])
def test_nearly_separated_classes_and_columns_of_any_size(name, seed):
    """Curvatures differ by 1e15 here: float64 alone would lose directions."""
    X, y, _ = load(name)
    X = rescale(X, seed)
    model = LogisticRegression(C=100).fit(X, y)
    truth = optimum(X, y, C=100)
    assert model.outcome_ is Outcome.CONVERGED
    assert truth.distance(model.coef_, model.intercept_) <= PROMISE


def test_weights_and_columns_of_any_size():
    X, y, _ = load("iris")
    X = rescale(X, seed=4)
    weight = 10 ** np.random.default_rng(4).uniform(-4, 4, len(y))
    model = LogisticRegression(C=100).fit(X, y, weight)
    assert_optimal(model, optimum(X, y, C=100, weight=weight))


@pytest.mark.parametrize("seed", [0, 3])
def test_curvature_of_a_few_rows_that_fades_on_the_way(seed):
    """A Hessian kept for many steps said 5e-7 at a true 2e-4: few rows carry a group's columns."""
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(2000) < 0.7, 0, rng.integers(0, 10, 2000))
    X = np.column_stack([1e4 * np.eye(10)[group], rng.normal(size=(2000, 10))])
    margin = 2 * rng.normal(size=(10, 7))[group] + rng.normal(size=7)
    margin[:, :] += rng.gumbel(size=margin.shape)
    y = margin.argmax(axis=1)
    assert_optimal(LogisticRegression(C=100).fit(X, y), optimum(X, y, C=100))

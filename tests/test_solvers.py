"""Every solver on every problem: the same answer, that of the longdouble oracle."""

from itertools import islice

import numpy as np
import pytest
from oracle import optimum
from problems import PROBLEMS, Problem, generated

from logreg import LogisticRegression, Outcome
from logreg.solvers import SOLVERS as ALL
from logreg.solvers import choose
from logreg.solvers.line_search import backtrack
from logreg.solvers.newton_cg import newton_step_by_conjugate_gradients
from logreg.solvers.pgd import kronecker_metric
from logreg.solvers.quasi_newton import SecantMemory, refine

SOLVERS = {name: solver for name, solver in ALL.items() if solver.ridge}

# Textbook gradient descent needs as many steps as the columns' curvatures differ; a penalty of
# very different size in each column (after scaling) makes that millions, and it is no test.
TOO_SLOW_FOR_GD = {"scaled and shifted", "scaled and shifted, three classes", "wide, three classes"}


def solve(name, problem, tol=1e-7, limit=5000):
    objective = problem.objective()
    iterates = SOLVERS[name].iterates(objective, np.zeros(objective.size), np.random.default_rng(0))
    for iterate in islice(iterates, limit):
        if iterate.decrement <= tol:
            break
    return objective, iterate


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_reaches_the_optimum(solver, problem):
    if solver == "gd" and problem in TOO_SLOW_FOR_GD:
        pytest.skip("gradient descent without a metric")
    p = PROBLEMS[problem]
    objective, iterate = solve(solver, p)
    assert iterate.decrement <= 1e-7
    truth = optimum(
        p.X, p.y, C=p.C, weight=p.weight, offset=p.offset, fit_intercept=p.fit_intercept
    )
    w, b = objective.design.to_user(iterate.point.theta.reshape(objective.shape))
    assert truth.distance(w, b) <= 1.5e-7
    assert iterate.point.value == pytest.approx(truth.value, rel=1e-12)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_yielded_decrement_is_the_distance(problem):
    """Half its square is what F has still to fall."""
    p = PROBLEMS[problem]
    truth = optimum(
        p.X, p.y, C=p.C, weight=p.weight, offset=p.offset, fit_intercept=p.fit_intercept
    )
    _, iterate = solve("newton", p, tol=1e-2)
    fall = iterate.point.value - truth.value
    assert fall == pytest.approx(iterate.decrement**2 / 2, rel=0.05, abs=1e-12 * truth.value)


@pytest.mark.parametrize("K", [2, 3])
def test_pgd_on_rows_enough_to_sample(K):
    problem = generated(200_000, 5, K)
    assert choose("auto", problem.objective()).name == "pgd"
    objective, iterate = solve("pgd", problem)
    assert iterate.point.decrement <= 1.3e-7  # of the exact Hessian, not the sample's
    assert objective.passes < 15


def test_pgd_sees_rare_columns():
    """A 0/1 column with a handful of ones is missing from uniform samples."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200_000, 4))
    X[:, 3] = 0.0
    X[rng.choice(200_000, 12, replace=False), 3] = 1.0
    y = (rng.random(200_000) < 1 / (1 + np.exp(-X @ [1, -1, 0.5, 2.0]))).astype(int)
    objective, iterate = solve("pgd", Problem(X, y))
    assert iterate.point.decrement <= 1.3e-7
    assert objective.passes < 25


def test_pgd_warm_start_stays_where_it_is_good():
    problem = generated(200_000, 5)
    objective, iterate = solve("pgd", problem)
    again = problem.objective()
    iterates = SOLVERS["pgd"].iterates(again, iterate.point.theta, np.random.default_rng(0))
    assert next(iterates).decrement < 1e-6
    assert again.passes < objective.passes / 2


def test_kronecker_metric_reaches_the_optimum_and_proves_it():
    problem = generated(400, 6, 5)
    objective = problem.objective()
    rng = np.random.default_rng(0)
    iterates = refine(
        objective,
        np.zeros(objective.size),
        None,
        lambda point: kronecker_metric(objective, rng, point),
    )
    for iterate in islice(iterates, 500):
        if iterate.decrement <= 1e-7 and (iterate.prove is None or iterate.prove(1e-7) <= 1e-7):
            break
    assert iterate.point.decrement <= 1.3e-7
    assert iterate.prove is not None, "the metric stayed a Kronecker product"


def test_conjugate_gradients_measure_the_decrement():
    problem = generated(400, 6, 5)
    objective = problem.objective()
    point = objective.at(0.1 * np.random.default_rng(1).normal(size=objective.size))
    metric = kronecker_metric(objective, np.random.default_rng(0), point)
    _, measured = newton_step_by_conjugate_gradients(point, metric.solve)
    assert measured == pytest.approx(point.decrement, rel=0.05)


def test_draw_is_unbiased():
    """Weights are the inverse of the probabilities: a sample's sums are right on average."""
    objective = generated(2000, 3).objective()
    rng = np.random.default_rng(0)
    score = rng.exponential(size=2000) ** 3
    sums = [objective.draw(score.copy(), 300, rng).loss.weight.sum() for _ in range(200)]
    sizes = [len(objective.draw(score.copy(), 300, rng).loss.weight) for _ in range(20)]
    assert np.mean(sums) == pytest.approx(2000, rel=0.02)
    assert np.mean(sizes) == pytest.approx(300, rel=0.1)


def test_secant_memory_learns_the_curvature():
    """After as many pairs as dimensions, the inverse metric maps each y to its s."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    hessian = root @ root.T + np.eye(4)

    class Identity:
        def solve(self, g):
            return g.copy()

    memory = SecantMemory(4)
    for s in np.eye(4):
        memory.add(s, hessian @ s)
    last = np.eye(4)[-1]
    np.testing.assert_allclose(memory.solve(Identity(), hessian @ last), last, atol=1e-12)


def test_secant_memory_refuses_pairs_without_curvature():
    memory = SecantMemory(4)
    memory.add(np.array([1.0, 0.0]), np.array([-1.0, 0.0]))
    memory.add(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert not memory.pairs


def test_backtracking_takes_a_shorter_step_when_the_bold_one_overshoots():
    objective = PROBLEMS["binary"].objective()
    point = objective.at(np.zeros(objective.size))
    g = point.gradient
    after = backtrack(objective, point, -g, -float(g @ g), t=1e3)
    assert after is not None
    assert after.value < point.value


def test_backtracking_gives_up_on_a_step_that_does_not_descend():
    objective = PROBLEMS["binary"].objective()
    point = objective.at(np.zeros(objective.size))
    assert backtrack(objective, point, point.gradient, 1.0) is None


def test_solvers_end_at_the_rounding_limit():
    """Asked for more than float64 holds, a solver returns instead of going round for ever."""
    for name in ("newton", "pgd"):
        objective = PROBLEMS["binary"].objective()
        iterates = SOLVERS[name].iterates(
            objective, np.zeros(objective.size), np.random.default_rng(0)
        )
        assert len(list(islice(iterates, 500))) < 500


def test_auto_picks_by_shape():
    assert choose("auto", generated(100, 3).objective()).name == "newton"
    assert choose("auto", generated(20_000, 3).objective()).name == "pgd"
    assert choose("gd", generated(100, 3).objective()).name == "gd"


@pytest.mark.parametrize("mixed", [False, True])
def test_many_columns_begin_with_a_diagonal(mixed):
    """Where it is slow (mixed columns) a sample's Hessian takes its place, then the exact one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 330))
    if mixed:
        X = X @ (np.eye(330) + 0.3 * rng.normal(size=(330, 330)))
    y = (X[:, 0] / X[:, 0].std() + rng.logistic(size=len(X)) > 0).astype(int)
    objective = Problem(X, y).objective(2)
    assert choose("auto", objective).name == "pgd"
    model = LogisticRegression().fit(X, y)
    truth = LogisticRegression(solver="newton", tol=1e-9).fit(X, y)
    assert model.outcome_ is Outcome.CONVERGED
    change = np.append(model.coef_ - truth.coef_, model.intercept_ - truth.intercept_)
    p = truth.predict_proba(X)[:, 1]
    root = np.sqrt(p * (1 - p))[:, None] * np.column_stack([X, np.ones(len(X))])
    assert np.sqrt(np.sum((root @ change) ** 2) + np.sum(change[:-1] ** 2)) <= 1.2e-6


def test_a_metric_of_sampled_rows_sees_columns_that_few_rows_have():
    """A pixel at the border of digits: without its rows it would seem to have no curvature."""
    rng = np.random.default_rng(0)
    n, K = 60_000, 4
    X = np.column_stack([rng.normal(size=(n, 3)), np.zeros(n)])
    X[[5, 31_000, 50_000], 3] = 1.0
    y = rng.integers(0, K, n)
    objective = Problem(X, y, C=1e6).objective()
    point = objective.at(objective.start())
    metric = kronecker_metric(objective, np.random.default_rng(1), point)
    pull = np.zeros(objective.shape)
    pull[:2, 3] = 1.0, -1.0
    rough, exact = metric.solve(pull.ravel()), point.metric.solve(pull.ravel())
    ratio = rough.reshape(objective.shape)[0, 3] / exact.reshape(objective.shape)[0, 3]
    assert 0.5 < ratio < 2


@pytest.mark.parametrize("seed", range(6))
def test_a_samples_damping_is_not_taken_for_curvature(seed):
    """Two columns that are nearly equal and 136 events: the rows' curvature along their difference
    is a hundredth of the damping of a sample's Hessian, which showed too small a distance.
    """
    rng = np.random.default_rng(0)
    n, C = 150_000, 1e6
    z = np.exp(2 * rng.normal(size=n))
    X = np.column_stack([z, z + 1e-3 * rng.normal(size=n), rng.normal(size=n)])
    y = (rng.random(n) < 1 / (1 + np.exp(7.5 - X[:, 2]))).astype(int)

    def F(model):
        margin = model.decision_function(X)
        penalty = np.sum(model.coef_**2) / (2 * C)
        return np.logaddexp(0, np.where(y == 1, -margin, margin)).sum() + penalty

    rough = LogisticRegression(C=C, tol=0.1, random_state=seed).fit(X, y)
    exact = LogisticRegression(C=C, solver="newton").fit(X, y)
    assert rough.outcome_ is Outcome.CONVERGED
    assert np.sqrt(2 * max(F(rough) - F(exact), 0)) < 0.1


def test_rows_without_weight_that_move_far_are_no_trouble():
    rng = np.random.default_rng(1)
    n = 200_000
    X = rng.normal(size=(n, 3))
    y = (rng.random(n) < 1 / (1 + np.exp(2 - X[:, 0]))).astype(int)
    X[:5] *= 200
    weight = np.ones(n)
    weight[:5] = 0
    model = LogisticRegression(tol=1e-3).fit(X, y, sample_weight=weight)
    without = LogisticRegression(tol=1e-3).fit(X[5:], y[5:])
    np.testing.assert_allclose(model.coef_, without.coef_, atol=2e-5)

"""Fits with an L1 penalty: the optimum by an independent oracle, exact zeros, an honest gap."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression as Peer
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from logreg import (
    ConvergenceWarning,
    LogisticRegression,
    Outcome,
    SeparationWarning,
    logistic_path,
)

LONG = np.longdouble
RATIOS = [0.5, 1.0]
few = settings(max_examples=60, deadline=None, derandomize=True)


# -- the oracle ------------------------------------------------------------------------------------


class Truth:
    """The user's problem in longdouble, from X and y alone.

    F = f + Σ l1 |θ|, θ (q, d + 1), f being the log loss and the squares. For K > 2 classes the
    classes are symmetric, q = K.
    """

    def __init__(self, X, y, C=1.0, l1_ratio=1.0, weight=None, offset=None, fit_intercept=True):
        X = X.toarray() if sparse.issparse(X) else np.asarray(X)
        n, d = X.shape
        self.codes = np.unique(y, return_inverse=True)[1]
        self.K = self.codes.max() + 1
        self.q = 1 if self.K == 2 else self.K
        self.A = np.column_stack([X, np.full(n, float(fit_intercept))]).astype(LONG)
        self.s = np.ones(n, LONG) if weight is None else np.asarray(weight, LONG)
        self.offset = np.zeros((n, self.K), LONG)
        if offset is not None:
            self.offset[:, -self.q :] = np.asarray(offset, LONG).reshape(n, self.q)
        penalised = np.append(np.ones(d), 0.0)
        self.l1 = np.broadcast_to(penalised * l1_ratio / C, (self.q, d + 1)).astype(LONG)
        self.l2 = (penalised * (1 - l1_ratio) / C).astype(LONG)
        self.fit_intercept = fit_intercept

    def parameters(self, model):
        return np.column_stack([model.coef_, model.intercept_]).astype(LONG)

    def margins(self, theta):
        m = self.offset.copy()
        m[:, -self.q :] += self.A @ theta.T
        return m - m.max(axis=1, keepdims=True)

    def smooth(self, theta):
        """Value and gradient of f, and the probabilities."""
        m = self.margins(theta)
        total = np.exp(m).sum(axis=1, keepdims=True)
        p = np.exp(m) / total
        each = np.arange(len(m))
        loss = np.log(total[:, 0]) - m[each, self.codes]
        residual = p.copy()
        residual[each, self.codes] = 0
        residual[each, self.codes] = -residual.sum(axis=1)
        gradient = (residual * self.s[:, None])[:, -self.q :].T @ self.A + self.l2 * theta
        return self.s @ loss + (self.l2 * theta**2).sum() / 2, gradient, p

    def value(self, theta):
        return self.smooth(theta)[0] + (self.l1 * abs(theta)).sum()

    def fall(self, theta):
        """What F surely falls by if one parameter alone is changed for the better: 0 at the
        optimum and nowhere else. The curvature along it is at most Σ s x²/4 + l2.
        """
        gradient = self.smooth(theta)[1]
        curve = (self.s @ self.A**2) / 4 + self.l2
        curve = np.where(curve > 0, curve, 1)
        goal = theta - gradient / curve
        goal = np.sign(goal) * np.maximum(abs(goal) - self.l1 / curve, 0)
        step = goal - theta
        change = gradient * step + curve * step**2 / 2 + self.l1 * (abs(goal) - abs(theta))
        return float(-change.min())

    def conditions(self, theta):
        """How far each parameter's condition is from true, relative to the gradient's terms."""
        gradient = self.smooth(theta)[1]
        at_zero = np.maximum(abs(gradient) - self.l1, 0)
        elsewhere = abs(gradient + self.l1 * np.sign(theta))
        size = self.s @ abs(self.A) + 1e-300
        wrong = np.where((theta == 0) & (self.l1 > 0), at_zero, elsewhere) / size
        return float(wrong.max())

    def hessian(self, p):
        width = self.A.shape[1]
        A, s = self.A.astype(float), self.s.astype(float)
        p = p[:, -self.q :].astype(float)
        h = np.zeros((self.q, width, self.q, width))
        for k in range(self.q):
            for m in range(self.q):
                c = p[:, k] * ((k == m) - p[:, m])
                h[k, :, m] = (A * (s * c)[:, None]).T @ A + (k == m) * np.diag(
                    self.l2.astype(float)
                )
        return h.reshape(self.q * width, -1)

    @threadpool_limits.wrap(limits=1)  # two threads on a busy machine take 30 times as long
    def optimum(self, theta):
        """θ where all conditions hold, and F there, to 1e-20 or so: Newton's method within an
        orthant, after which what is most pulled from zero is freed.

        The start is the fit under test, which only saves time: F is convex, so that where the
        conditions hold is the optimum.
        """
        theta = theta.copy()
        l1, shape = self.l1.ravel(), theta.shape
        free = ((theta.ravel() != 0) | (l1 == 0)) & (
            self.A.any(axis=0)[None] & np.ones(shape, bool)
        ).ravel()
        for _ in range(2000):
            value, gradient, p = self.smooth(theta)
            g, x = gradient.ravel(), theta.ravel().copy()
            value += l1 @ abs(x)
            sign = np.where(x != 0, np.sign(x), -np.sign(g)) * (l1 > 0)
            left = np.where(free, g + l1 * sign, 0)
            h = self.hessian(p)
            size = np.sqrt(np.where(np.diag(h) > 0, np.diag(h), 1))
            if np.max(abs(left) / size) <= 1e-12 * np.sqrt(value + 1):
                pull = np.where(free, 0, abs(g) - l1) / size
                if pull.max() <= 1e-12 * np.sqrt(value + 1):
                    return theta, float(value)
                free[pull.argmax()] = True
                continue
            f = np.flatnonzero(free)
            part = (h / size / size[:, None])[np.ix_(f, f)]
            step = np.zeros_like(x)
            step[f] = -np.linalg.lstsq(part, (left / size)[f].astype(float), rcond=1e-13)[0]
            step /= size
            crossing = (l1 > 0) & (x != 0) & ((x + step) * sign < 0)
            t = LONG(1)
            if crossing.any():
                when = np.where(crossing, -x / np.where(crossing, step, 1), np.inf)
                t = when.min()
            while t > 1e-12:
                trial = x + t * step
                after = self.value(trial.reshape(shape))
                if after <= value + 1e-14 * abs(value):  # sums of all rows are rounded
                    break
                t /= 2
            if crossing.any() and t == when.min():
                trial[when.argmin()] = 0
                free[when.argmin()] = False
            theta = trial.reshape(shape)
        raise ArithmeticError(f"the oracle is still {np.max(abs(left) / size)} away")


def made(n, d, K=2, seed=0, spread=0.0, signal=1.0):
    """Columns of different size, the first half of which matter, and drawn labels."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    w = rng.normal(size=(d, K)) * signal * (np.arange(d) < (d + 1) // 2)[:, None]
    y = (X @ w + rng.gumbel(size=(n, K))).argmax(axis=1)
    y[:K] = np.arange(K)
    return X * 10 ** rng.uniform(-spread, spread, d), y


def assert_optimal(model, X, y, weight=None, offset=None, relative=1e-9):
    """The fit is the optimum of the user's problem to `relative` of F, and says so truly."""
    truth = Truth(X, y, model.C, model.l1_ratio, weight, offset, model.fit_intercept)
    theta = truth.parameters(model)
    value = float(truth.value(theta))
    best, least = truth.optimum(theta)
    rounding = 4e-15 * len(y) ** 0.5 * (1 + value)
    assert model.outcome_ is Outcome.CONVERGED
    assert truth.fall(theta) <= relative * value
    assert value - least <= relative * value
    assert value - least <= model.gap_ + rounding
    assert model.gap_ <= 1.0001 * relative * value + rounding
    return best


def fit(X, y, weight=None, offset=None, **parameters):
    return LogisticRegression(**{"l1_ratio": 1.0, **parameters}).fit(X, y, weight, offset)


X, Y = made(200, 8)
X3, Y3 = made(250, 6, 3)
WEIGHT = np.random.default_rng(1).integers(0, 4, 200).astype(float)
OFFSET = np.random.default_rng(2).normal(size=200)


# -- the oracle, tested first ----------------------------------------------------------------------


def test_the_oracle_knows_one_column_by_hand():
    """x = ±1, three of four rows right: without a penalty w = log 3; with l1 = 1/C the gradient
    n/2 (tanh(w/2)...) gives w = logit(3/4 - 1/(C n)) for n rows without an intercept.
    """
    x = np.tile([1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0], 5)[:, None]
    y = np.tile([1, 1, 1, 0, 0, 0, 0, 1], 5)
    p = 0.75 - 1 / (0.5 * 40)
    truth = Truth(x, y, C=0.5, fit_intercept=False)
    theta, _ = truth.optimum(np.zeros((1, 2), LONG))
    assert_allclose(float(theta[0, 0]), np.log(p / (1 - p)), rtol=1e-14)
    model = fit(x, y, C=0.5, fit_intercept=False)
    assert_allclose(model.coef_[0, 0], np.log(p / (1 - p)), rtol=1e-6)


def test_the_oracle_refuses_what_is_not_the_optimum():
    model = fit(X, Y, C=0.1)
    truth = Truth(X, Y, C=0.1)
    theta = truth.parameters(model)
    assert truth.conditions(theta) <= 1e-6
    for j in range(9):
        moved = theta.copy()
        moved[0, j] += 1e-2
        assert truth.conditions(moved) > 1e-5
        assert truth.fall(moved) > 1e-6
        assert truth.value(moved) > truth.optimum(moved)[1]


# -- the optimum -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("C", [0.02, 0.3, 10.0, 1000.0])
@pytest.mark.parametrize("l1_ratio", [0.01, 0.5, 1.0])
@pytest.mark.parametrize("K", [2, 3])
def test_the_conditions_of_the_optimum_hold(K, l1_ratio, C, fit_intercept):
    A, y = (X, Y) if K == 2 else (X3, Y3)
    model = fit(A, y, l1_ratio=l1_ratio, C=C, fit_intercept=fit_intercept)
    best = assert_optimal(model, A, y)
    truth = Truth(A, y, C, l1_ratio, fit_intercept=fit_intercept)
    assert truth.conditions(truth.parameters(model)) <= 1e-6
    assert_array_equal(model.coef_ == 0, best[:, :-1] == 0)
    assert model.history_["objective"].iloc[-1] == pytest.approx(
        float(truth.value(truth.parameters(model))), rel=1e-12
    )
    if not fit_intercept:
        assert_array_equal(model.intercept_, 0)


@pytest.mark.parametrize("C", [0.05, 1.0])
@pytest.mark.parametrize("l1_ratio", RATIOS)
@pytest.mark.parametrize("K", [2, 3])
def test_the_objective_is_that_of_saga(K, l1_ratio, C):
    A, y = (X, Y) if K == 2 else (X3, Y3)
    A = (A - A.mean(axis=0)) / A.std(axis=0)
    peer = Peer(C=C, l1_ratio=l1_ratio, solver="saga", tol=1e-12, max_iter=100_000).fit(A, y)
    model = fit(A, y, C=C, l1_ratio=l1_ratio)
    truth = Truth(A, y, C, l1_ratio)
    ours, theirs = (float(truth.value(truth.parameters(m))) for m in (model, peer))
    assert ours == pytest.approx(theirs, rel=1e-9)
    assert_allclose(model.predict_proba(A), peer.predict_proba(A), atol=1e-5)
    assert_allclose(model.coef_, peer.coef_, atol=1e-4)


def test_zeros_are_exact_and_as_many_as_the_penalty_asks_for():
    A, y = made(150, 40, seed=3)
    counts = [int((fit(A, y, C=C).coef_ != 0).sum()) for C in (0.03, 0.1, 1.0, 100.0)]
    assert counts[0] < 20 < counts[-1]
    assert counts == sorted(counts)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
@pytest.mark.parametrize("tol", [100.0, 1.0, 0.1, 1e-3, 1e-6])
def test_the_gap_is_a_bound_at_every_tolerance(tol, l1_ratio, K):
    for seed in range(5):
        A, y = made(120, 10, K, seed, spread=1.0)
        for C in (0.05, 1.0, 30.0):
            model = fit(A, y, C=C, l1_ratio=l1_ratio, tol=tol)
            assert_optimal(model, A, y, relative=1e-3 * tol)


@pytest.mark.parametrize("C", [10.0, 200.0, 1000.0])
def test_the_gap_is_a_bound_at_the_optimum_of_the_likelihood(C):
    """There the smooth part's gradient is 0, which says nothing about F with its corners."""
    A, y = made(300, 5, signal=0.5)
    model = LogisticRegression(C=np.inf).fit(A, y)
    model.set_params(C=C, l1_ratio=1.0, warm_start=True, tol=100.0).fit(A, y)
    truth = Truth(A, y, C)
    theta = truth.parameters(model)
    assert truth.value(theta) - truth.optimum(theta)[1] <= model.gap_ * (1 + 1e-6)


@pytest.mark.parametrize(("max_iter", "K"), [(0, 2), (1, 2), (0, 3)])
def test_the_gap_is_a_bound_where_the_fit_was_stopped(max_iter, K):
    A, y = made(60, 250, K, seed=5)
    offset = np.random.default_rng(0).normal(size=(60,) if K == 2 else (60, K))
    tol, C = 1e-9, 3.0
    with pytest.warns(ConvergenceWarning, match="duality gap"):
        model = fit(A, y, C=C, max_iter=max_iter, tol=tol, offset=offset)
    assert model.outcome_ is Outcome.MAX_ITER
    assert model.n_iter_ == max_iter
    truth = Truth(A, y, C, offset=offset)
    theta = truth.parameters(model)
    best = fit(A, y, C=C, offset=offset)
    least = truth.value(truth.parameters(best))
    rounding = 1e-12 * float(least)
    assert float(truth.value(theta) - least) <= model.gap_ + rounding
    assert truth.fall(theta) <= model.gap_ + rounding
    assert 0 < model.gap_ < np.inf


# -- equivalences ----------------------------------------------------------------------------------


def assert_same(a, b, atol=1e-5):
    assert_allclose(a.coef_, b.coef_, atol=atol)
    assert_allclose(a.intercept_, b.intercept_, atol=atol)
    assert_array_equal(a.coef_ == 0, b.coef_ == 0)


@pytest.mark.parametrize("l1_ratio", RATIOS)
def test_weights_are_repeated_rows_and_zero_is_a_removed_one(l1_ratio):
    weighted = fit(X, Y, WEIGHT, C=0.1, l1_ratio=l1_ratio)
    assert_optimal(weighted, X, Y, WEIGHT)
    rows = np.repeat(np.arange(200), WEIGHT.astype(int))
    assert_same(weighted, fit(X[rows], Y[rows], C=0.1, l1_ratio=l1_ratio))
    keep = WEIGHT > 0
    assert_same(weighted, fit(X[keep], Y[keep], WEIGHT[keep], C=0.1, l1_ratio=l1_ratio))


def test_weights_and_the_penalty_have_one_scale():
    assert_same(fit(X, Y, np.full(200, 3.0), C=0.1), fit(X, Y, C=0.3))


def test_class_weights_are_weights():
    weight = np.where(Y == 1, 2.5, 0.5)
    assert_same(fit(X, Y, C=0.1, class_weight={0: 0.5, 1: 2.5}), fit(X, Y, weight, C=0.1))


@pytest.mark.parametrize("l1_ratio", RATIOS)
@pytest.mark.parametrize("K", [2, 3])
def test_an_offset_is_part_of_the_margin(K, l1_ratio):
    A, y = (X, Y) if K == 2 else (X3, Y3)
    offset = np.random.default_rng(3).normal(size=(len(y), K) if K > 2 else len(y))
    weight = np.random.default_rng(4).uniform(0, 2, len(y))
    model = fit(A, y, weight, offset, C=0.2, l1_ratio=l1_ratio)
    assert_optimal(model, A, y, weight, offset)


@pytest.mark.parametrize("shift", [0.7, -30.0])
def test_a_constant_offset_is_absorbed_by_the_intercept(shift):
    moved, plain = fit(X, Y, None, np.full(200, shift), C=0.1), fit(X, Y, C=0.1)
    assert_allclose(moved.coef_, plain.coef_, atol=1e-5)
    assert_allclose(moved.intercept_, plain.intercept_ - shift, atol=1e-5)


def test_the_order_of_the_rows_does_not_matter():
    order = np.random.default_rng(5).permutation(200)
    assert_same(fit(X[order], Y[order], C=0.1), fit(X, Y, C=0.1))


@pytest.mark.parametrize("l1_ratio", RATIOS)
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("shape", [(400, 30), (60, 200), (300, 700)])
def test_sparse_is_as_dense(shape, K, l1_ratio):
    rng = np.random.default_rng(6)
    table = sparse.random_array(shape, density=0.1, rng=rng, format="csr")
    w = rng.normal(size=(shape[1], K)) * 3
    y = (table @ w + rng.gumbel(size=(shape[0], K))).argmax(axis=1)
    model = fit(table, y, C=2.0, l1_ratio=l1_ratio)
    dense = fit(table.toarray(), y, C=2.0, l1_ratio=l1_ratio)
    truth = Truth(table, y, 2.0, l1_ratio)
    ours, other = (truth.value(truth.parameters(m)) for m in (model, dense))
    assert abs(ours - other) <= 1e-9 * ours
    assert_allclose(model.predict_proba(table), dense.predict_proba(table), atol=1e-4)
    assert truth.fall(truth.parameters(model)) <= 1e-9 * ours
    if l1_ratio == 1:
        assert 0 < (model.coef_ != 0).sum() < model.coef_.size


@pytest.mark.parametrize("K", [2, 3])
def test_float32_is_close(K):
    A, y = (X, Y) if K == 2 else (X3, Y3)
    single, double = fit(A.astype(np.float32), y, C=0.1), fit(A, y, C=0.1)
    assert single.coef_.dtype == np.float32
    assert_allclose(single.coef_, double.coef_, atol=1e-4)
    assert_array_equal(single.coef_ == 0, double.coef_ == 0)
    truth = Truth(A.astype(np.float32), y, 0.1)
    theta = truth.parameters(single)
    left = float(truth.value(theta) - truth.optimum(theta)[1])
    assert left <= single.gap_ + 1e-12 * float(truth.value(theta))
    assert left <= 1e-8 * float(truth.value(theta))


@pytest.mark.parametrize(
    ("n", "d", "K", "C"), [(60_000, 20, 2, 1e-3), (3000, 400, 2, 0.02), (30_000, 20, 3, 1e-2)]
)
def test_the_number_of_threads_changes_no_bit(n, d, K, C):
    A, y = made(n, d, K, signal=0.3)
    one, two = (fit(A, y, C=C, n_jobs=jobs) for jobs in (1, 2))
    assert one.outcome_ is Outcome.CONVERGED
    for name in ("coef_", "intercept_", "gap_"):
        assert_array_equal(getattr(one, name), getattr(two, name))
    for column in ("objective", "relative_gap"):
        assert_array_equal(one.history_[column], two.history_[column])


def test_warm_start_goes_on_where_the_last_fit_ended():
    A, y = made(100, 300, seed=7)
    model = fit(A, y, C=1.0, warm_start=True)
    cold = model.n_iter_[0]
    coef = model.coef_.copy()
    assert model.fit(A, y).n_iter_[0] == 0 < cold
    assert_allclose(model.coef_, coef, rtol=1e-12)
    assert_array_equal(model.coef_ == 0, coef == 0)
    assert_optimal(model.set_params(C=2.0).fit(A, y), A, y)
    assert_optimal(model.set_params(C=0.2).fit(A, y), A, y)
    assert_optimal(model.set_params(C=0.2, l1_ratio=0.5).fit(A, y), A, y)


def test_warm_start_between_ridge_and_the_corners():
    model = LogisticRegression(warm_start=True).fit(X, Y)
    assert_optimal(model.set_params(l1_ratio=1.0, C=0.1).fit(X, Y), X, Y)
    model.set_params(l1_ratio=0.0, C=1.0).fit(X, Y)
    assert_allclose(model.coef_, LogisticRegression().fit(X, Y).coef_, atol=1e-6)


def test_the_same_random_state_gives_the_same_bits():
    A, y = made(60_000, 20, signal=0.3)
    a, b, c = (fit(A, y, C=1e-3, random_state=seed) for seed in (1, 1, 2))
    assert_array_equal(a.coef_, b.coef_)
    assert_allclose(a.coef_, c.coef_, atol=1e-5)


# -- hard data -------------------------------------------------------------------------------------


@pytest.mark.parametrize("l1_ratio", RATIOS)
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_badly_scaled_columns(shift, K, l1_ratio):
    A, y = made(200, 8, K, seed=8, spread=4.0)
    A = A + shift * A.std(axis=0)
    model = fit(A, y, C=0.1, l1_ratio=l1_ratio)
    assert_optimal(model, A, y)
    large = np.abs(A).max(axis=0).argmax()
    assert (model.coef_[:, large] != 0).any()


@pytest.mark.parametrize("l1_ratio", RATIOS)
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
def test_more_columns_than_rows(C, K, l1_ratio):
    A, y = made(40, 200, K, seed=9)
    model = fit(A, y, C=C, l1_ratio=l1_ratio)
    assert_optimal(model, A, y)
    if l1_ratio == 1:
        assert (model.coef_ != 0).sum() <= 40 * K


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("l1_ratio", RATIOS)
def test_duplicated_columns_share_one_coefficient(l1_ratio, K):
    A, y = (X, Y) if K == 2 else (X3, Y3)
    twice = np.column_stack([A, A])
    model, single = fit(twice, y, C=0.3, l1_ratio=l1_ratio), fit(A, y, C=0.3, l1_ratio=l1_ratio)
    assert_optimal(model, twice, y)
    d = A.shape[1]
    both = model.coef_[:, :d], model.coef_[:, d:]
    if l1_ratio == 1:
        assert_allclose(both[0] + both[1], single.coef_, atol=1e-4)
        assert (both[0] * both[1] >= 0).all()
    else:
        assert_allclose(both[0], both[1], atol=1e-4)


def test_columns_that_are_each_others_negative():
    mirrored = np.column_stack([X, -X])
    model = fit(mirrored, Y, C=0.3)
    assert_optimal(model, mirrored, Y)
    assert_allclose(model.coef_[:, :8] - model.coef_[:, 8:], fit(X, Y, C=0.3).coef_, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 1.0, -3e5])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_a_constant_column_has_no_coefficient(as_sparse, value):
    A = np.column_stack([X, np.full(200, value)])
    model = fit(sparse.csr_array(A) if as_sparse else A, Y, C=0.1)
    assert model.coef_[0, -1] == 0
    same_as = fit(X, Y, C=0.1)
    assert_allclose(model.coef_[:, :-1], same_as.coef_, atol=1e-5)
    assert_allclose(model.intercept_, same_as.intercept_, atol=1e-5)


def test_without_an_intercept_a_constant_column_is_a_column():
    A = np.column_stack([X, np.ones(200)])
    assert_optimal(fit(A, Y == 1, C=10.0, fit_intercept=False), A, Y == 1)


@pytest.mark.parametrize("l1_ratio", RATIOS)
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("C", [1e3, 1e6])
def test_separated_classes_with_hardly_any_penalty(C, K, l1_ratio):
    rng = np.random.default_rng(10)
    A = rng.normal(size=(60, 5))
    y = (A @ rng.normal(size=(5, K))).argmax(axis=1)
    model = fit(A, y, C=C, l1_ratio=l1_ratio)
    assert_optimal(model, A, y)
    assert model.score(A, y) == 1


def test_almost_no_penalty_is_the_likelihood():
    plain = LogisticRegression(C=np.inf).fit(X, Y)
    assert_allclose(fit(X, Y, C=1e8).coef_, plain.coef_, rtol=1e-4)


def test_without_a_penalty_its_kind_does_not_matter():
    plain = LogisticRegression(C=np.inf).fit(X, Y)
    assert_allclose(fit(X, Y, C=np.inf).coef_, plain.coef_, rtol=1e-6)


# -- all zero --------------------------------------------------------------------------------------


def least_C(A, y, l1_ratio, weight=None):
    return logistic_path(A, y, l1_ratio=l1_ratio, n_Cs=2, eps=0.5, sample_weight=weight).Cs[0]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("l1_ratio", RATIOS)
def test_up_to_C_min_all_are_zero_and_above_it_something_enters(l1_ratio, weight):
    C = least_C(X, Y, l1_ratio, weight)
    s = np.ones(200) if weight is None else weight
    share = s[Y == 1].sum() / s.sum()
    by_hand = l1_ratio / abs(X.T @ (s * (Y - share))).max()
    assert by_hand == pytest.approx(C, rel=1e-10)
    for factor in (1e-6, 0.5, 1 - 1e-9):
        model = fit(X, Y, weight, C=C * factor, l1_ratio=l1_ratio)
        assert_array_equal(model.coef_, 0)
        assert_allclose(model.intercept_, np.log(share / (1 - share)), rtol=1e-9)
        assert model.gap_ <= 1e-12 * len(Y)
    model = fit(X, Y, weight, C=C * 1.001, l1_ratio=l1_ratio)
    assert (model.coef_ != 0).sum() == 1
    assert_optimal(model, X, Y, weight)


@pytest.mark.parametrize("l1_ratio", RATIOS)
def test_up_to_C_min_all_are_zero_for_three_classes(l1_ratio):
    C = least_C(X3, Y3, l1_ratio)
    shares = np.bincount(Y3) / 250
    assert C == pytest.approx(l1_ratio / abs((np.eye(3)[Y3] - shares).T @ X3).max(), rel=1e-10)
    below, above = (fit(X3, Y3, C=C * f, l1_ratio=l1_ratio) for f in (1 - 1e-9, 1.001))
    assert_array_equal(below.coef_, 0)
    assert_allclose(below.intercept_, np.log(shares) - np.log(shares).mean(), rtol=1e-9)
    assert (above.coef_ != 0).any()
    assert_optimal(above, X3, Y3)


def test_nothing_enters_from_constant_columns():
    model = fit(np.ones((30, 3)), np.arange(30) % 3 == 0, C=100.0)
    assert_array_equal(model.coef_, 0)
    assert_allclose(model.intercept_, np.log(0.5), rtol=1e-9)


# -- tall data: samples of the rows ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("K", "n", "C", "l1_ratio"),
    [
        (2, 60_000, 1e-4, 1.0),
        (2, 60_000, 1e-3, 0.5),
        (2, 60_000, 1.0, 1.0),
        (3, 40_000, 1e-3, 1.0),
    ],
)
def test_tall_data(K, n, C, l1_ratio):
    A, y = made(n, 20, K, seed=11, spread=1.0, signal=0.3)
    model = fit(A, y, C=C, l1_ratio=l1_ratio)
    assert_optimal(model, A, y)
    assert model.n_passes_ <= 25
    if C < 1:
        assert (model.coef_ == 0).any()


def test_tall_data_with_weights_and_offset():
    A, y = made(60_000, 20, seed=12, signal=0.3)
    rng = np.random.default_rng(13)
    weight, offset = rng.integers(0, 3, 60_000).astype(float), rng.normal(size=60_000)
    assert_optimal(fit(A, y, weight, offset, C=1e-3), A, y, weight, offset)


def test_tall_data_with_a_rare_class():
    A, y = made(60_000, 20, seed=14, signal=0.3)
    y = y * (np.random.default_rng(15).uniform(size=60_000) < 0.002)
    model = fit(A, y, C=0.05)
    assert_optimal(model, A, y)


# -- generated problems ----------------------------------------------------------------------------


@st.composite
def problems(draw):
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    n, d, K = draw(st.integers(6, 80)), draw(st.integers(1, 30)), draw(st.integers(2, 4))
    A, y = made(n, d, K, seed, spread=draw(st.sampled_from([0.0, 1.0, 3.0])))
    kind = draw(st.sampled_from(["plain", "whole numbers", "repeated", "correlated", "sparse"]))
    if kind == "whole numbers":
        A = np.sign(A)
    elif kind == "repeated":
        A = A[:, rng.integers(0, d, d)]
    elif kind == "correlated":
        A = A + 20 * A[:, :1]
    elif kind == "sparse":
        A = sparse.csr_array(A * (rng.uniform(size=A.shape) < 0.3))
    weight = offset = None
    if draw(st.booleans()):
        weight = rng.integers(0, 3, n).astype(float)
        weight[:K] = 1.0
    if draw(st.booleans()):
        offset = rng.normal(size=n if K == 2 else (n, K))
    C = 10 ** draw(st.floats(-3, 3))
    l1_ratio = draw(st.sampled_from([0.05, 0.5, 0.95, 1.0]))
    return (
        A,
        y,
        weight,
        offset,
        {"C": C, "l1_ratio": l1_ratio, "fit_intercept": draw(st.booleans())},
    )


@few
@given(problems())
def test_generated_problems(problem):
    A, y, weight, offset, parameters = problem
    assert_optimal(fit(A, y, weight, offset, **parameters), A, y, weight, offset)


@few
@given(problems(), st.sampled_from([1.0, 10.0]))
def test_generated_problems_solved_roughly(problem, tol):
    A, y, weight, offset, parameters = problem
    model = fit(A, y, weight, offset, tol=tol, **parameters)
    assert_optimal(model, A, y, weight, offset, relative=1e-3 * tol)


# -- what it says ----------------------------------------------------------------------------------


@pytest.mark.parametrize("l1_ratio", [-0.1, 1.5, np.nan, "1", None, True])
def test_l1_ratio_is_a_number_from_0_to_1(l1_ratio):
    with pytest.raises(ValueError, match="l1_ratio must be a number of at least 0 and at most 1"):
        fit(X, Y, l1_ratio=l1_ratio)


@pytest.mark.parametrize("solver", ["pgd", "newton", "newton-cg"])
def test_solvers_for_smooth_penalties_refuse(solver):
    with pytest.raises(ValueError, match=f"solver='{solver}' cannot take an L1 penalty"):
        fit(X, Y, l1_ratio=0.5, solver=solver)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("l1_ratio", RATIOS)
def test_gradient_descent_comes_to_the_same(l1_ratio, K):
    A, y = (X, Y) if K == 2 else (X3, Y3)
    assert_optimal(
        fit(A, y, C=0.3, l1_ratio=l1_ratio, solver="gd", max_iter=20_000), A, y, relative=1e-6
    )


@pytest.mark.parametrize("smooth", [{"l1_ratio": 0.0}, {"C": np.inf}])
def test_the_solver_for_corners_refuses_a_smooth_penalty(smooth):
    with pytest.raises(ValueError, match="an L1 part, l1_ratio above 0 and a finite C"):
        fit(X, Y, solver="prox-newton", **smooth)


def test_the_solver_by_its_name_is_the_one_that_auto_takes():
    named, auto = fit(X, Y, C=0.1, solver="prox-newton"), fit(X, Y, C=0.1)
    assert_array_equal(named.coef_, auto.coef_)


def test_the_warning_names_the_duality_gap():
    A, y = made(60, 200, seed=16)
    with pytest.warns(ConvergenceWarning, match=r"after 1 iteration, with a duality gap of .* F"):
        model = fit(A, y, C=10.0, max_iter=1, tol=1e-9)
    assert model.outcome_ is Outcome.MAX_ITER


def test_the_warning_names_the_users_tol():
    with pytest.warns(ConvergenceWarning, match=r"tol=1.0e-06"):
        fit(X, Y, C=0.1, max_iter=0)


def test_the_history_has_the_relative_gap():
    model = fit(X, Y, C=0.1)
    assert list(model.history_.columns) == [
        "objective", "gradient_norm", "relative_gap", "passes", "seconds"
    ]  # fmt: skip
    last = model.history_.iloc[-1]
    assert last["relative_gap"] <= 1e-9
    assert last["relative_gap"] * last["objective"] >= model.gap_ * (1 - 1e-9)
    assert "standard_errors" in LogisticRegression().fit(X, Y).history_


def test_verbose_prints_the_gap(capsys):
    fit(X, Y, C=0.1, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    assert "standard errors" not in "".join(lines)


# -- scikit-learn's own checks ---------------------------------------------------------------------


@parametrize_with_checks(
    [LogisticRegression(l1_ratio=1.0, C=1.0), LogisticRegression(l1_ratio=0.5)]
)
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        assert check(estimator) is None


def test_a_probability_far_below_another_has_a_finite_divergence():
    """(q - p)/p rounds to -1 there: seen as a gap of -inf, called converged."""
    x = np.zeros((20, 2))
    x[1, 0], x[15, 0], x[19] = -1.7003395490338287, -0.9099366302218946, 0.24420978126838888
    y = np.array([0, 1, 2, 3, 4, 4, 3, 3, 2, 4, 1, 2, 3, 2, 2, 2, 3, 4, 3, 1])
    model = LogisticRegression(
        C=7.510587875270881, l1_ratio=0.01, fit_intercept=False, penalty_weights=[1.05391757, 0]
    )
    with pytest.warns(SeparationWarning):
        model.fit(x, y)
    least = 29.258919  # the infimum: row 19 alone has the column without a penalty
    assert 0 <= model.gap_ < 1e-6
    assert model.history_["objective"].iloc[-1] == pytest.approx(least, rel=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_unpenalised_columns_that_separate_everything(seed):
    rng = np.random.default_rng(seed)
    table, y = 30 * rng.normal(size=(20, 40)), rng.integers(0, 3, 20)
    factors = np.where(np.arange(40) % 3 == 2, 1.0, 0.0)
    with pytest.warns() as said:  # more columns without a penalty than rows: collinear as well
        model = LogisticRegression(l1_ratio=0.5, penalty_weights=factors).fit(table, y)
    assert any("The classes are separated" in str(warning.message) for warning in said)
    assert model.outcome_ is Outcome.SEPARATED
    assert np.isfinite(model.coef_).all()


def test_rounding_that_pulls_every_weight_the_wrong_way():
    """All that is free to move is held then: there is no system of equations left to solve."""
    rows = [
        [5.48335705, -122.89503822, -1.18649732, 1.09023394, 0.81590665],
        [-5.17617098, -66.18424863, 9.11835799, -2.15969109, -0.58433614],
        [4.75068532, -123.03573258, -9.75299202, 5.33321577, -1.20591564],
    ]
    weight, offset = np.array([0.9017627, 0.94883774, 0.44218141]), [10.84653, 3.454265, 8.024288]
    table, y = np.array(rows), np.array([0, 1, 0])
    model = fit(table, y, weight, offset, C=0.0393283828, fit_intercept=False)
    assert_optimal(model, table, y, weight, offset)

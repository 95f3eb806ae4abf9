"""The same problem gives the same answer as the peers, on every data set.

Every setting is solved by scikit-learn's newton-cholesky run to the end (its default tolerance is
not accuracy) and, without a penalty, by statsmodels too. Coefficients, intercepts, probabilities
and the objective agree to 1e-6 relative or better. We run at tol=1e-9: the default promises a
millionth of a standard error, which is more than 1e-6 of a coefficient that is nearly zero.
"""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle import optimum
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression as Peer
from threadpoolctl import threadpool_limits

from logreg import LogisticRegression, datasets

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what statsmodels' own imports deprecate is not our matter
    import statsmodels.api as sm

NAMES = [loader.removeprefix("load_") for loader in datasets.__all__]
SEPARABLE = {"breast_cancer", "digits", "iris", "wine"}  # no optimum at C = inf
STRENGTHS = [0.01, 1, 100, np.inf]
SETTINGS = ["plain", "no intercept", "weights", "class weights", "balanced"]
DIGITS = {(1, "plain"), (0.01, "no intercept")}  # 650 parameters: seconds, not milliseconds
MULTINOMIAL = {"anes96", "digits", "housing", "iris", "wine"}
RELATIVE = 1e-6


def has_optimum(name, C, setting="plain"):
    if name == "digits":
        return (C, setting) in DIGITS
    return C < np.inf or name not in SEPARABLE


def cases(*settings):
    return [
        pytest.param(name, setting, C, id=f"{name}-{setting}-{C}")
        for name in NAMES
        for setting in settings
        for C in STRENGTHS
        if has_optimum(name, C, setting)
    ]


def load(name):
    X, y, *weight = getattr(datasets, f"load_{name}")(return_X_y=True)
    return X, y, weight[0] if weight else None


def pose(name, setting):
    """X, y, weights and the parameters of both estimators. Weights are whole numbers, so that
    statsmodels can have repeated rows, which it knows in place of weights.
    """
    X, y, weight = load(name)
    parameters = {"fit_intercept": setting != "no intercept"}
    if setting == "weights":
        drawn = np.random.default_rng(0).integers(1, 4, len(X)).astype(float)
        weight = drawn if weight is None else weight * drawn
    elif setting == "class weights":
        parameters["class_weight"] = {k: 1.0 + k % 3 for k in np.unique(y)}
    elif setting == "balanced":
        parameters["class_weight"] = "balanced"
    return X, y, weight, parameters


def row_weights(y, weight, class_weight=None):
    """Each row's weight, by the definition in scikit-learn's documentation."""
    s = np.ones(len(y)) if weight is None else weight
    if class_weight == "balanced":
        totals = np.array([s[y == k].sum() for k in np.unique(y)])
        return s * (s.sum() / (len(totals) * totals))[y]
    return s if class_weight is None else s * np.array(list(class_weight.values()))[y]


# -- the fits: coefficients (q, d) and intercepts (q,), which sum to zero over classes ---------


def ours(X, y, weight, offset=None, **parameters):
    return LogisticRegression(tol=1e-9, **parameters).fit(X, y, weight, offset)


def scikit_learn(X, y, weight, solver="newton-cholesky", **parameters):
    model = Peer(solver=solver, tol=1e-13, max_iter=3000, **parameters)
    with warnings.catch_warnings(record=True) as said, threadpool_limits(1):
        warnings.simplefilter("always")
        model.fit(X, y, sample_weight=weight)
    if solver == "newton-cholesky" and said:  # its line search gave up, up to 6e-8 errors away
        return scikit_learn(X, y, weight, "newton-cg", **parameters)
    coef, intercept = model.coef_, np.broadcast_to(model.intercept_, len(model.coef_))
    if len(coef) > 1:
        coef, intercept = coef - coef.mean(axis=0), intercept - intercept.mean()
    return coef, intercept


def statsmodels(X, y, s, *, fit_intercept=True, offset=None):
    """Maximum likelihood; `s` whole numbers. Its Newton's method wants columns of like sizes:
    powers of two, so that nothing is rounded.
    """
    unit = 2.0 ** np.round(np.log2(np.abs(X).max(axis=0)))
    rows = np.repeat(np.arange(len(X)), s.astype(int))
    A = np.column_stack([np.full(len(X), float(fit_intercept)), X / unit])[rows]
    A = A if fit_intercept else A[:, 1:]
    known = {} if offset is None else {"offset": offset[rows]}
    K = len(np.unique(y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = (sm.Logit if K == 2 else sm.MNLogit)(y[rows], A, **known)
        fit = model.fit(method="newton", tol=1e-14, maxiter=100, disp=False)
    beta = np.reshape(fit.params, (A.shape[1], -1)).T
    if K > 2:  # it holds the first class at zero
        beta = np.vstack([np.zeros(A.shape[1]), beta])
        beta -= beta.mean(axis=0)
    intercept = beta[:, 0] if fit_intercept else np.zeros(len(beta))
    return beta[:, -X.shape[1] :] / unit, intercept


# -- the comparison -----------------------------------------------------------------------------


def log_probabilities(X, coef, intercept, offset=None):
    margin = X @ coef.T + intercept
    if len(coef) == 1:
        margin = np.column_stack([np.zeros(len(X)), margin[:, 0]])
        offset = None if offset is None else np.column_stack([np.zeros(len(X)), offset])
    return log_softmax(margin if offset is None else margin + offset, axis=1)


def objective(X, y, s, C, coef, intercept, offset=None):
    """F of design.md, section 1: scikit-learn's objective divided by C."""
    log_p = log_probabilities(X, coef, intercept, offset)
    return -(s * log_p[np.arange(len(y)), y]).sum() + (coef**2).sum() / (2 * C)


def assert_same(model, coef, intercept, X, y, s, offset=None):
    """`model` is at the optimum (coef, intercept). A coefficient counts as zero where it moves no
    margin by more than 1e-9 of what the largest one does.
    """
    deviation = X.std(axis=0)
    zero = 1e-9 * np.max(np.abs(coef) * deviation)
    difference = np.abs(model.coef_ - coef)
    assert np.all(difference * deviation <= RELATIVE * np.abs(coef) * deviation + zero)
    assert np.all(difference[:, deviation == 0] < 1e-12)
    assert_allclose(model.intercept_, intercept, rtol=RELATIVE, atol=1e-9)
    probability = np.exp(log_probabilities(X, coef, intercept, offset))
    assert_allclose(model.predict_proba(X, offset), probability, rtol=RELATIVE, atol=1e-15)
    best = objective(X, y, s, model.C, coef, intercept, offset)
    mine = objective(X, y, s, model.C, model.coef_, model.intercept_, offset)
    assert mine == pytest.approx(best, rel=1e-11)
    assert model.history_["objective"].iloc[-1] == pytest.approx(best, rel=1e-11)


@pytest.mark.parametrize(("name", "setting", "C"), cases(*SETTINGS))
def test_scikit_learn(name, setting, C):
    X, y, weight, parameters = pose(name, setting)
    model = ours(X, y, weight, C=C, **parameters)
    s = row_weights(y, weight, parameters.get("class_weight"))
    assert_same(model, *scikit_learn(X, y, weight, C=C, **parameters), X, y, s)
    assert_allclose(model.coef_.sum(axis=0) * (len(model.coef_) > 1), 0, atol=1e-12)


@pytest.mark.parametrize("setting", SETTINGS[:4])  # "balanced" has no whole numbers
@pytest.mark.parametrize("name", [name for name in NAMES if name not in SEPARABLE])
def test_statsmodels(name, setting):
    X, y, weight, parameters = pose(name, setting)
    model = ours(X, y, weight, C=np.inf, **parameters)
    s = row_weights(y, weight, parameters.pop("class_weight", None))
    assert_same(model, *statsmodels(X, y, s, **parameters), X, y, s)


@pytest.mark.parametrize("C", STRENGTHS[:3])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "digits"])
def test_lbfgs(name, C):
    """It stops where F no longer changes in float64, so its coefficients have half the digits; and
    on raw columns it does not come near.
    """
    X, y, weight = load(name)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = ours(X, y, weight, C=C)
    coef, intercept = scikit_learn(X, y, weight, "lbfgs", C=C)
    s = row_weights(y, weight)
    assert_allclose(model.coef_, coef, atol=1e-4 * np.abs(coef).max())
    best = objective(X, y, s, C, model.coef_, model.intercept_)
    theirs = objective(X, y, s, C, coef, intercept)
    assert best * (1 - 1e-9) < theirs < best * (1 + 1e-9)
    assert best <= theirs * (1 + 1e-14)


# -- offsets: statsmodels where there is no penalty, the oracle where there is ------------------


def offset_for(X, y):
    """Log-odds; for more than two classes one for each."""
    K = len(np.unique(y))
    shape = len(X) if K == 2 else (len(X), K)
    return np.random.default_rng(1).normal(size=shape)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", [n for n in NAMES if n not in SEPARABLE | MULTINOMIAL])
def test_offset_against_statsmodels(name, fit_intercept):
    X, y, weight = load(name)
    offset, s = offset_for(X, y), row_weights(y, weight)
    model = ours(X, y, weight, offset, C=np.inf, fit_intercept=fit_intercept)
    answer = statsmodels(X, y, s, fit_intercept=fit_intercept, offset=offset)
    assert_same(model, *answer, X, y, s, offset)

    unit = np.abs(X).max(axis=0)
    A = np.column_stack([X / unit, np.ones(len(X))]) if fit_intercept else X / unit
    family = sm.families.Binomial()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        glm = sm.GLM(y, A, family=family, offset=offset, freq_weights=s).fit(tol=1e-15)
    assert_allclose(model.coef_[0], glm.params[: X.shape[1]] / unit, rtol=RELATIVE)


@pytest.mark.parametrize(
    ("name", "C"), [(n, C) for n in NAMES for C in STRENGTHS if has_optimum(n, C)]
)
def test_offset_against_the_oracle(name, C):
    X, y, weight = load(name)
    offset = offset_for(X, y)
    model = ours(X, y, weight, offset, C=C)
    truth = optimum(X, y, C=C, weight=weight, offset=offset)
    assert_same(model, truth.coef, truth.intercept, X, y, row_weights(y, weight), offset)


@pytest.mark.parametrize("C", STRENGTHS[:3])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "digits"])
def test_an_offset_equal_for_all_rows_moves_scikit_learns_intercept(name, C):
    X, y, weight = load(name)
    coef, intercept = scikit_learn(X, y, weight, C=C)
    shift = np.array([0.7]) if len(coef) == 1 else np.linspace(-1, 1, len(coef))
    offset = np.full(len(X), 0.7) if len(coef) == 1 else np.tile(shift, (len(X), 1))
    model = ours(X, y, weight, offset, C=C)
    assert_same(model, coef, intercept - shift, X, y, row_weights(y, weight), offset)


def test_log_probabilities_are_the_definition():
    """Of the comparison itself: for two classes the margin is the log-odds of the second."""
    X = np.array([[1.0], [-2.0]])
    margin = 3.0 * X[:, 0] + 0.5
    expected = softmax(np.column_stack([np.zeros(2), margin]), axis=1)
    assert_allclose(
        np.exp(log_probabilities(X, np.array([[3.0]]), np.array([0.5]))), expected, rtol=1e-15
    )

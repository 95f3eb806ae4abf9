"""L1 on real data: our answer is the optimum, proved in longdouble from X, y and C alone.

Newton's method takes the weights that our fit did not set to 0 to where their conditions hold to
1e-15; then the conditions of all others are checked. F is convex, so that the point where both hold
is the optimum, whoever found it, and its zeros are the optimum's.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from logreg import LogisticRegression, datasets, logistic_path

LONG = np.longdouble
SHARED = Path(__file__).parents[2] / "shared" / "data"


class Problem:
    """F = Σ log loss + Σ l1 |w|, the intercepts free; two classes have one row of weights."""

    def __init__(self, X, y, l1):
        self.X = sparse.csc_array(X) if sparse.issparse(X) else X.astype(LONG)
        self.l1 = LONG(l1)
        K = y.max() + 1
        self.q = 1 if K == 2 else K
        self.told = np.eye(K, dtype=LONG)[y]

    def columns(self, which):
        """Those of X, and one of ones."""
        X = self.X[:, which]
        X = X.toarray().astype(LONG) if sparse.issparse(X) else X
        return np.column_stack([X, np.ones(len(self.told), LONG)])

    def state(self, margin):
        """The log loss and the residuals, exact where a probability is nearly 1."""
        if self.q == 1:
            margin = np.column_stack([np.zeros(len(margin), LONG), margin])
        margin = margin - margin.max(axis=1, keepdims=True)
        size = np.exp(margin)
        total = size.sum(axis=1, keepdims=True)
        p = size / total
        residual = np.where(self.told == 1, 0, p)
        residual -= self.told * residual.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - (self.told * margin).sum(axis=1)).sum()
        return loss, residual[:, -self.q :], p[:, -self.q :]

    def gradient(self, residual):
        """residual' X for all columns."""
        if not sparse.issparse(self.X):
            return residual.T @ self.X
        terms = self.X.data.astype(LONG)[:, None] * residual[self.X.indices]
        sums = np.vstack([np.zeros((1, self.q), LONG), terms.cumsum(axis=0)])
        return (sums[self.X.indptr[1:]] - sums[self.X.indptr[:-1]]).T


def hessian(A, p, free):
    A, p = A.astype(float), p.astype(float)
    q, width = free.shape
    h = np.empty((q, width, q, width))
    for k in range(q):
        for m in range(q):
            h[k, :, m] = (A * (p[:, k] * ((k == m) - p[:, m]))[:, None]).T @ A
    h = h.reshape(q * width, q * width)
    return h[np.ix_(free.ravel(), free.ravel())]


@threadpool_limits.wrap(limits=1)
def proved(X, y, l1, coef, intercept):
    """The signs and F of the optimum that has these zeros, and F of what came."""
    problem = Problem(X, y, l1)
    which = np.flatnonzero(coef.any(axis=0))
    A = problem.columns(which)
    theta = np.column_stack([coef[:, which], intercept]).astype(LONG)
    sign = np.sign(theta)
    sign[:, -1] = 0
    free = sign != 0
    free[:, -1] = True
    given = problem.state(A @ theta.T)[0] + problem.l1 * (sign * theta).sum()
    for _ in range(30):
        loss, residual, p = problem.state(A @ theta.T)
        left = (residual.T @ A + problem.l1 * sign)[free]
        if abs(left).max() <= 1e-15 * problem.l1:
            break
        h = hessian(A, p, free)
        size = np.sqrt(np.diag(h))
        step = np.linalg.lstsq(h / size / size[:, None], (left / size).astype(float), rcond=1e-14)
        theta[free] -= step[0] / size
        assert (np.sign(theta[:, :-1]) == sign[:, :-1]).all(), "a weight of the fit crosses 0"
    else:
        raise AssertionError(f"the conditions of what is not 0 are {abs(left).max():.0e} away")
    at_zero = abs(problem.gradient(residual))[coef == 0]
    assert (at_zero <= problem.l1 * (1 + LONG(1e-13))).all(), "a weight at 0 wants to leave it"
    return loss + problem.l1 * (sign * theta).sum(), given


def shared(name):
    if not SHARED.is_dir():
        pytest.skip("no shared/data beside the repository")
    if str(SHARED) not in sys.path:
        sys.path.insert(0, str(SHARED))
    from load import load

    return load(name)


def load(name):
    if name in ("leukemia_golub", "sms_spam"):
        return shared(name)
    X, y = getattr(datasets, f"load_{name.removesuffix(', scaled')}")(return_X_y=True)
    return (StandardScaler().fit_transform(X) if "scaled" in name else X.astype(float)), y


@pytest.mark.parametrize("share", [0.3, 0.03, 0.003])
@pytest.mark.parametrize(
    "name", ["breast_cancer", "breast_cancer, scaled", "digits", "leukemia_golub", "sms_spam"]
)
def test_the_optimum_and_its_zeros(name, share):
    X, y = load(name)
    C = logistic_path(X, y, n_Cs=1).Cs[0] / share
    model = LogisticRegression(C=C, l1_ratio=1.0, tol=1e-7).fit(X, y)
    least, ours = proved(X, y, 1 / C, model.coef_.astype(float), model.intercept_.astype(float))
    assert abs(ours - least) <= 1e-10 * least
    assert ours - least <= model.gap_ + 1e-14 * least  # float32: coefficients have 24 bits
    assert 0 < (model.coef_ != 0).sum() < model.coef_.size


def test_the_proof_refuses_what_is_not_the_optimum():
    X, y = load("breast_cancer, scaled")
    C = logistic_path(X, y, n_Cs=1).Cs[0] / 0.03
    model = LogisticRegression(C=C, l1_ratio=1.0).fit(X, y)
    smallest = np.where(model.coef_ == 0, np.inf, abs(model.coef_)).argmin()
    fewer = model.coef_.copy()
    fewer[0, smallest] = 0
    with pytest.raises(AssertionError, match="wants to leave"):
        proved(X, y, 1 / C, fewer, model.intercept_)
    more = model.coef_.copy()
    more[0, np.flatnonzero(more[0] == 0)[0]] = 1e-12
    flipped = np.where(more == 1e-12, -1e-12, more)
    for wrong in (more, flipped):
        with pytest.raises(AssertionError, match="crosses 0"):
            proved(X, y, 1 / C, wrong, model.intercept_)
    least, near = proved(X, y, 1 / C, model.coef_ * (1 + 1e-4), model.intercept_)
    assert near > least

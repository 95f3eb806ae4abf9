"""Wide data whose columns differ by more decades than a longdouble holds: checked with 80 digits.

With w = X'a the margins are K a + b, K = X X', and the optimum satisfies a = -C residual and
Σ a = 0: n + 1 equations, however many columns there are.
"""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from logreg import LogisticRegression, Outcome

mpmath.mp.dps = 80


def exact(X, y, C, w, b):
    """The optimum by Newton's method from (w, b), and the distance there in standard errors."""
    n = len(X)
    X, w, b = mpmath.matrix(X.tolist()), mpmath.matrix(w.tolist()), mpf(float(b))
    sign = [1 - 2 * int(label) for label in y]
    K, ones = X * X.T, mpmath.ones(n, 1)
    start = X * w + b * ones
    a = mpmath.lu_solve(K, start - b * ones)
    for _ in range(50):
        margin = K * a + b * ones
        p = [1 / (1 + mpmath.exp(-s * m)) for s, m in zip(sign, margin, strict=True)]
        W = [q * (1 - q) for q in p]
        wrong = mpmath.matrix([a[i] / C + sign[i] * p[i] for i in range(n)] + [sum(a)])
        if mpmath.norm(wrong) < mpf(10) ** -40:
            break
        jacobian = mpmath.zeros(n + 1, n + 1)
        for i in range(n):
            for j in range(n):
                jacobian[i, j] = W[i] * K[i, j]
            jacobian[i, i] += 1 / mpf(C)
            jacobian[i, n], jacobian[n, i] = W[i], 1
        step = mpmath.lu_solve(jacobian, wrong)
        a -= step[:n]
        b -= step[n]
    else:
        raise ArithmeticError("no optimum found")
    moved, change = margin - start, X.T * a - w
    loss = sum(weight * move**2 for weight, move in zip(W, moved, strict=True))
    return float(mpmath.sqrt(loss + sum(c**2 for c in change) / C))


@pytest.mark.parametrize("C", [1.0, 100.0])
@pytest.mark.parametrize("seed", range(4))
def test_wide_columns_over_25_decades(seed, C):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(16, 40)) * 10 ** rng.uniform(-20, 5, 40)
    y = rng.permutation(np.arange(16) % 2)
    model = LogisticRegression(C=C).fit(X, y)
    assert model.outcome_ is Outcome.CONVERGED
    said = model.history_["standard_errors"].iloc[-1]
    true = exact(X, y, C, model.coef_[0], model.intercept_[0])
    assert true <= 1e-5
    assert true <= 1.1 * said + 1e-8
    assert 0 <= model.gap_ <= model.history_["objective"].iloc[-1]

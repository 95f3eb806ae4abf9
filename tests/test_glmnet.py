"""Published elastic-net answers of glmnet and statsmodels, at the precision they have.

glmnet stops when no coefficient's move changes its deviance by 1e-7 of the null one: on this table
scikit-learn's saga at tol=1e-12 is up to 1.8e-5 away from it, which is the tolerance here. Our
objective is never above theirs, and their answers' own duality gap covers what they miss.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from logreg import LogisticRegression
from logreg.datasets import load_spector

REFERENCE = Path(__file__).parents[2] / "shared" / "data" / "reference"


def objective(X, y, w, b, l1, l2):
    """In longdouble: Σ log loss + l1 |w| + l2/2 |w|²."""
    w = np.asarray(w, np.longdouble)
    margin = X.astype(np.longdouble) @ w + b
    loss = np.logaddexp(0, np.where(y == 1, -margin, margin)).sum()
    return loss + l1 * abs(w).sum() + l2 / 2 * (w**2).sum()


def known():
    path = REFERENCE / "enet_binomial.json"
    if not path.exists():
        pytest.skip("no shared/data/reference/enet_binomial.json beside the repository")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", range(9))
def test_glmnet(row):
    """statsmodels 0.15.0, genmod/tests/results/glmnet_r_results.py, rslt_binomial_0 to 8, made by
    elastic_net.R beside it: glmnet(..., intercept=FALSE, standardize=FALSE) at its default thresh.
    Its loss is a mean over n rows.
    """
    entry = known()
    path = entry["published"][0]["paths"][row]
    t = pd.read_csv(REFERENCE / entry["data"])
    X, y, n = t.drop(columns="y").to_numpy(), t.y.to_numpy(), len(t)
    X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    lam, alpha = path["lam"], path["alpha"]
    model = LogisticRegression(C=1 / (n * lam), l1_ratio=alpha, fit_intercept=False, tol=1e-8)
    w = model.fit(X, y).coef_[0]
    assert_allclose(w, path["coef"], atol=entry["agreement"]["coef"])
    assert ((w == 0) == (np.array(path["coef"]) == 0)).all()
    ours, theirs = (
        objective(X, y, w, 0.0, n * lam * alpha, n * lam * (1 - alpha)) for w in (w, path["coef"])
    )
    assert ours <= theirs <= ours * (1 + 1e-8)


def test_statsmodels_l1():
    """statsmodels 0.15.0, discrete/tests/results/results_discrete.py, DiscreteL1.logit: Spector,
    sm.Logit(...).fit_regularized(method="l1", alpha=3 * [0, 1, 1, 1], trim_mode="size",
    size_trim_tol=1e-5, acc=1e-10), where trimming sets small weights to 0. SLSQP at that acc stops
    2e-5 away from the optimum; statsmodels' own test compares four decimals.
    """
    bunch = load_spector()
    X = bunch.data[:, [list(bunch.feature_names).index(name) for name in ("GPA", "TUCE", "PSI")]]
    y = bunch.target
    model = LogisticRegression(C=1 / 3, l1_ratio=1.0, tol=1e-9).fit(X, y)
    coef, intercept = [0.0, 0.15493781, 0.0], -4.10271595
    assert_allclose(model.coef_[0], coef, atol=1e-6)
    assert_allclose(model.intercept_[0], intercept, atol=2e-5)
    aic = 42.091439368583671  # of two parameters
    log_loss = objective(X, y, model.coef_[0], model.intercept_[0], 0, 0)
    assert float(2 * log_loss + 4) == pytest.approx(aic, abs=1e-5)
    ours = objective(X, y, model.coef_[0], model.intercept_[0], 3, 0)
    assert ours <= objective(X, y, coef, intercept, 3, 0)

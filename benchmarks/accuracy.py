"""How far each fit is from the optimum, in standard errors: ours and scikit-learn's, at defaults.

The cases are those of tests/test_accuracy.py, the judge is tests/oracle.py: Newton's method in
80-bit floating point, which uses neither package. It writes docs/accuracy.md (a minute or two).

    python benchmarks/accuracy.py
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import scipy
import sklearn
from sklearn.linear_model import LogisticRegression as Peer

from logreg import LogisticRegression

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from oracle import optimum  # noqa: E402
from test_accuracy import COPIES, TOL, cases, load  # noqa: E402

PAGE = ROOT / "docs" / "accuracy.md"
PEERS = {"lbfgs": "lbfgs (its default)", "newton-cholesky": "newton-cholesky"}
COLUMNS = [
    "data set",
    "rows × columns",
    "classes",
    "setting",
    "C",
    "logreg",
    "outcome",
    "decrement",
    "gap",
    *(f"scikit-learn {solver}" for solver in PEERS),
]

TEXT = """# Accuracy

How far is each fit from the optimum, *in standard errors* of the coefficients? The judge is a
Newton's method in 80-bit floating point on standardised columns (`tests/oracle.py`), which shares
no code with logreg or scikit-learn. Every fit runs at the defaults of its class, so ours promises
`tol` = {tol:g}; scikit-learn's `tol` is 1e-4, a bound on the gradient for lbfgs (with 100
iterations at most) and on the gradient or half the squared decrement for newton-cholesky.

- *raw*: the columns as they are. *scaled*: each multiplied by a factor drawn from 10^U(−6, 6).
  *shifted*: 1000 standard deviations added to each. *both*: scaled, then shifted.
- *decrement* and *gap* are what our fit itself says: its distance (`history_`) and a bound on
  F − F* (`gap_`), in units of log-likelihood. Half the distance squared is F − F* near the optimum.
- An asterisk: the fit gave a warning. Numbers below 1e-9 are rounding: of the coefficients to
  float64, or of the judge.
- Iris, wine, breast cancer and digits are separable, so have no optimum at C = ∞; digits is run at
  C = 1, raw and both.

Made by `make accuracy` with Python {python}, NumPy {numpy}, SciPy {scipy}, scikit-learn {sklearn}:
{n} fits of each.

| worst of | logreg | scikit-learn lbfgs | scikit-learn newton-cholesky |
| --- | --- | --- | --- |
{worst}

{rows}
"""


def fit(model, X, y, weight):
    """The fitted model, and an asterisk if it warned."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.fit(X, y, sample_weight=weight)
    return model, "*" if said else ""


def measure(name, copy, C):
    """A row of the table as texts, and the three distances."""
    X, y, weight = load(name)
    X = COPIES[copy](X)
    truth = optimum(X, y, C=C, weight=weight)
    ours, mark = fit(LogisticRegression(C=C), X, y, weight)
    marked = [(truth.distance(ours.coef_, ours.intercept_), mark)]
    for solver in PEERS:
        peer, mark = fit(Peer(C=C, solver=solver), X, y, weight)
        marked.append((truth.distance(peer.coef_, peer.intercept_), mark))
    first, *others = (f"{distance:.1e}{mark}" for distance, mark in marked)
    said = ours.history_["standard_errors"].iloc[-1]
    outcome = ours.outcome_.name.lower().replace("_", " ")
    shape = f"{X.shape[0]} × {X.shape[1]}"
    strength = "∞" if np.isinf(C) else f"{C:g}"
    head = [name, shape, str(len(ours.classes_)), copy, strength]
    row = [*head, first, outcome, f"{said:.1e}", f"{ours.gap_:.1e}", *others]
    return row, marked


def line(cells):
    return f"| {' | '.join(cells)} |"


def summary(measured):
    """The worst of each column by setting, and how many are beyond tol, warned or not."""
    settings = np.array([row[3] for row, _ in measured])
    distance = np.array([[d for d, _ in marked] for _, marked in measured])
    warned = np.array([[bool(mark) for _, mark in marked] for _, marked in measured])
    for copy in COPIES:
        worst = distance[settings == copy].max(axis=0)
        yield line([copy, *(f"{d:.1e}" for d in worst)])
    yield line(["all", *(f"**{d:.1e}**" for d in distance.max(axis=0))])
    counts = {
        f"fits further than {TOL:g}": distance > TOL,
        "fits further than 0.01": distance > 0.01,
        "of these, without a warning": (distance > 0.01) & ~warned,
    }
    for what, which in counts.items():
        yield line([what, *(str(k) for k in which.sum(axis=0))])


def main():
    measured = [measure(*case) for case in cases()]
    rows = [line(COLUMNS), line(["---"] * len(COLUMNS)), *(line(row) for row, _ in measured)]
    page = TEXT.format(
        tol=TOL,
        python=sys.version.split()[0],
        numpy=np.__version__,
        scipy=scipy.__version__,
        sklearn=sklearn.__version__,
        n=len(measured),
        worst="\n".join(summary(measured)),
        rows="\n".join(rows),
    )
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page, encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    print("\n".join(summary(measured)))


if __name__ == "__main__":
    main()

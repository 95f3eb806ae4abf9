"""Every data set, four strengths of penalty, with and without intercept: do the programs agree?

Each row of the table is one problem, with one right answer, since F is convex. Three programs:

- logreg at its defaults;
- a peer driven to the optimum: scikit-learn's newton-cholesky with a tiny tol, and where there is
  no penalty (C = inf) statsmodels' Logit and MNLogit, if installed;
- scikit-learn as it comes (lbfgs).

How far each is from the optimum, in standard errors, is measured here with NumPy and SciPy alone:
sqrt(g' H⁻¹ g), g being the slope of F at the coefficients, H its curvature. What you learn here:
the default of the same estimator can be exact on one table and far off on the next, and how to
check any program's answer without trusting another's. A row where we are off by more than 1e-5
standard errors, or apart from the peer, fails the script.
"""

import importlib.util
import warnings
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression as ScikitLearn
from threadpoolctl import threadpool_limits

from logreg import LogisticRegression, datasets

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"
LIMIT = 1e-5  # standard errors

SETS = [name.removeprefix("load_") for name in datasets.__all__]
SEPARABLE = {"iris", "wine", "breast_cancer", "digits"}  # no optimum without a penalty
STATSMODELS = importlib.util.find_spec("statsmodels") is not None
if STATSMODELS:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its own imports deprecate is not our matter
        import statsmodels.api as sm


def problems():
    for name in SETS:
        X, y, *counts = getattr(datasets, f"load_{name}")(return_X_y=True)
        weight = counts[0] if counts else None
        for C in (0.01, 1, 100, np.inf):
            for intercept in (True, False):
                if name in SEPARABLE and C == np.inf:
                    continue
                if name == "digits" and not (C == 1 and intercept):
                    continue  # the large one: once
                yield name, X, y, weight, C, intercept


# -- the programs: coefficients (q, d) and intercepts (q,), q = 1 for two classes, else K ---------


def answer(model, X, y, weight):
    model.fit(X, y, sample_weight=weight)
    return model.coef_, np.broadcast_to(model.intercept_, len(model.coef_))


def with_statsmodels(X, y, weight, intercept):
    if weight is not None:  # it knows no weights: a row of count 5 becomes 5 rows
        X, y = (np.repeat(part, weight.astype(int), axis=0) for part in (X, y))
    A = np.column_stack([np.ones(len(X)), X]) if intercept else X
    K = len(np.unique(y))
    fit = (sm.Logit if K == 2 else sm.MNLogit)(y, A).fit(maxiter=100, disp=0, tol=1e-12)
    beta = np.reshape(fit.params, (A.shape[1], -1)).T
    if K > 2:  # it sets the first class to zero; make the sum over the classes zero instead
        beta = np.vstack([np.zeros(A.shape[1]), beta])
        beta = beta - beta.mean(axis=0)
    return (beta[:, 1:], beta[:, 0]) if intercept else (beta, np.zeros(len(beta)))


def programs(X, y, weight, C, intercept):
    same = {"C": C, "fit_intercept": intercept}
    exact = ScikitLearn(**same, solver="newton-cholesky", tol=1e-10, max_iter=1000)
    return {
        "logreg": lambda: answer(LogisticRegression(**same), X, y, weight),
        "peer": (lambda: with_statsmodels(X, y, weight, intercept))
        if C == np.inf and STATSMODELS
        else (lambda: answer(exact, X, y, weight)),
        "default": lambda: answer(ScikitLearn(**same), X, y, weight),
    }


def timed(functions, rounds):
    """What each returns, and the median of its seconds; they take turns."""
    seconds, results = {name: [] for name in functions}, {}
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is wrong with an answer, its distance says
        for _ in range(rounds):
            for name, function in functions.items():
                start = perf_counter()
                results[name] = function()
                seconds[name].append(perf_counter() - start)
    return results, {name: np.median(times) for name, times in seconds.items()}


# -- the judge -----------------------------------------------------------------------------------


def distance(X, y, weight, C, intercept, coef, b):
    """sqrt(g' H⁻¹ g) in standardised columns, where H can be inverted without losing digits."""
    n, d = X.shape
    s = np.ones(n) if weight is None else weight
    scale = np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    A = np.column_stack([(X - X.mean(axis=0)) / scale, np.ones(n)]) if intercept else X / scale
    width, q = A.shape[1], len(coef)
    margin = X @ coef.T + b
    p = softmax(np.column_stack([np.zeros(n), margin]) if q == 1 else margin, axis=1)
    error = p - (np.unique(y) == y[:, None])
    p, error = p[:, -q:], error[:, -q:]  # of two classes the second

    g = (s[:, None] * error).T @ A
    g[:, :d] += coef / scale / C
    H = np.empty((q, width, q, width))
    for k in range(q):
        for m in range(q):
            H[k, :, m, :] = (A.T * (s * p[:, k] * ((k == m) - p[:, m]))) @ A
        H[k, range(d), k, range(d)] += 1 / (C * scale**2)
    H, g = H.reshape(q * width, -1), g.ravel()
    size = np.sqrt(np.where(np.diag(H) > 0, np.diag(H), 1))
    values, vectors = np.linalg.eigh(H / size / size[:, None])
    keep = values > 1e-13  # adding one number to all classes changes nothing: no slope, no curve
    return np.linalg.norm(vectors[:, keep].T @ (g / size) / np.sqrt(values[keep]))


def apart(X, one, other):
    """Relative difference of two answers, in standardised coefficients."""
    scale = np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    return np.linalg.norm((one[0] - other[0]) * scale) / np.linalg.norm(other[0] * scale)


def compare():
    other = ", at C = inf statsmodels" if STATSMODELS else ""
    print(f"peer: scikit-learn's newton-cholesky{other}; default: scikit-learn as it comes.\n")
    print(f"{'':31}{'standard errors off':^30}{'apart,':>9}{'milliseconds':^29}")
    three = "logreg      peer   default"
    print(f"{'data set':15}{'C':>5}  intercept  {three:>27}{'relative':>10}", end="")
    print(f"{'logreg':>9}{'peer':>9}{'default':>9}")
    rows = []
    for name, X, y, weight, C, intercept in problems():
        functions = programs(X, y, weight, C, intercept)
        results, seconds = timed(functions, 1 if name == "digits" else 3)
        off = {
            program: distance(X, y, weight, C, intercept, *result)
            for program, result in results.items()
        }
        difference = apart(X, results["logreg"], results["peer"])
        bad = not (off["logreg"] < LIMIT and difference < LIMIT)
        rows.append((name, C, intercept, off, difference, seconds, bad))
        print(f"{name:15}{C:5g}  {'yes' if intercept else 'no':9}  ", end="")
        print("".join(f"{value:9.1e} " for value in off.values()), end="")
        print(f"{difference:8.0e} " + "".join(f"{1e3 * t:9.1f}" for t in seconds.values()), end="")
        print("  <- disagrees" if bad else "")
    return rows


def tell(rows):
    print(f"\n{len(rows)} problems. Standard errors from the optimum: median, worst, and how many")
    print("are more than 0.1 off; time of a fit as a multiple of ours (geometric mean):")
    for program in ("logreg", "peer", "default"):
        off = np.array([row[3][program] for row in rows])
        ratio = [row[5][program] / row[5]["logreg"] for row in rows]
        print(f"  {program:8} {np.median(off):9.0e} {off.max():9.0e} {(off > 0.1).sum():5}", end="")
        print(f"      time × {np.exp(np.mean(np.log(ratio))):.2f}")


def draw(rows):
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(13, 8), layout="constrained", sharey=True, width_ratios=(3, 2)
    )
    names = [name for name in SETS if any(row[0] == name for row in rows)]
    styles = {"logreg": (BLUE, "o"), "peer": (GREEN, "^"), "default": (RED, "x")}
    labels = {"logreg": "logreg, default", "peer": "peer, driven to the optimum"}
    labels["default"] = "scikit-learn, default"
    for shift, (program, (color, marker)) in zip((-0.25, 0, 0.25), styles.items(), strict=True):
        height = [names.index(row[0]) + shift for row in rows]
        style = {"color": color, "alpha": 0.75, "label": labels[program]}
        if marker != "x":
            style["mfc"] = "none"
        off = np.maximum([row[3][program] for row in rows], 1e-16)
        left.plot(off, height, marker, **style)
        right.plot([1e3 * row[5][program] for row in rows], height, marker, **style)
    left.axvline(1e-6, color=BLUE, lw=1, ls=":")
    left.text(7e-7, -0.75, "our tol", color=BLUE, va="center", ha="right")
    left.axvline(1, color="black", lw=1, ls=":")
    left.text(0.7, -0.75, "as much as the data are noisy", va="center", ha="right")
    left.set(title="How far from the optimum", xlabel="standard errors", xscale="log")
    left.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -1))
    right.set(title="How long a fit takes", xlabel="milliseconds, on one thread", xscale="log")
    for panel in (left, right):
        panel.grid(alpha=0.25, axis="x")
        for line in range(len(names) - 1):
            panel.axhline(line + 0.5, color="0.85", lw=0.6)
    handles, texts = left.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=3)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=95)
    print(f"\nPicture: {FIGURE.parent.name}/{FIGURE.name}")


if __name__ == "__main__":
    rows = compare()
    tell(rows)
    draw(rows)
    bad = {row[0]: None for row in rows if row[-1]}
    if bad:
        raise SystemExit(f"There are rows that disagree, in {', '.join(bad)}.")

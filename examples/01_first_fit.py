"""A first fit: is the tumour benign? Our answer and scikit-learn's, side by side.

The breast cancer data of Wisconsin in their raw units: 569 tumours, 30 measures of their cells,
the largest of which varies some 200,000 times as much as the smallest. What you learn:

- the model is fitted in one line, and needs no scaling of the columns;
- three programs minimise the same objective, F(w, b) = Σ log loss + |w|² / (2C), which is convex:
  there is one right answer, and a program that stops elsewhere has not finished;
- "standard errors from the optimum" says how far it was from finishing: at 1 it misses by as much
  as another sample of tumours would have moved the answer. Our `tol` is that number, 1e-6;
- scikit-learn's tools (here its ROC and calibration curves) take our estimator as their own.
"""

import warnings
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibrationDisplay
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as ScikitLearn
from sklearn.metrics import RocCurveDisplay, log_loss
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from logreg import LogisticRegression
from logreg.datasets import load_breast_cancer
from logreg.plots import ConvergenceDisplay

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"

DATA = load_breast_cancer()
X, Y = DATA.data, DATA.target
OURS, DEFAULT, DRIVEN = "logreg", "sklearn, default", "sklearn, driven"
MODELS = {
    OURS: LogisticRegression(),
    DEFAULT: ScikitLearn(),  # lbfgs, at most 100 iterations
    DRIVEN: ScikitLearn(solver="newton-cholesky", tol=1e-10),
}


def objective(model):
    """F(w, b) = Σ log(1 + e^margin) - y margin + |w|² / 2, as C = 1, in units of log-likelihood."""
    margin = X @ model.coef_[0] + model.intercept_[0]
    return (np.logaddexp(0, margin) - Y * margin).sum() + model.coef_[0] @ model.coef_[0] / 2


def distance(model):
    """sqrt(g' H⁻¹ g): standard errors between a model and the optimum.

    g and H are the slope and the curvature of F; H⁻¹ is the covariance of the estimate. In
    standardised columns, so that H can be inverted without losing digits.
    """
    scale = np.append(X.std(axis=0), 1)
    A = np.column_stack([X - X.mean(axis=0), np.ones(len(X))]) / scale
    w = np.append(model.coef_[0], 0)  # the intercept is not penalised
    ridge = np.append(np.ones(X.shape[1]), 0) / scale**2
    p = model.predict_proba(X)[:, 1]
    g = A.T @ (p - Y) + w / scale
    H = (A.T * (p * (1 - p))) @ A + np.diag(ridge)
    return np.sqrt(g @ np.linalg.solve(H, g))


def fit_all():
    """Fit all three, on one thread each; the median times of fits that take turns."""
    seconds, said = {name: [] for name in MODELS}, {}
    for _ in range(11):
        for name, model in MODELS.items():
            with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", ConvergenceWarning)
                start = perf_counter()
                model.fit(X, Y)
                seconds[name].append(perf_counter() - start)
            said[name] = caught
    return {name: np.median(times) for name, times in seconds.items()}, said


def side_by_side(seconds, said):
    n, d = X.shape
    deviation = X.std(axis=0)
    print(f"{n} tumours, {d} columns in raw units: the standard deviation of the widest is")
    print(f"{deviation.max() / deviation.min():,.0f} times that of the narrowest.\n")
    rows = {
        "objective F": lambda m: f"{objective(m):.10f}",
        "standard errors off": lambda m: f"{distance(m):.1e}",
        "log loss, a row": lambda m: f"{log_loss(Y, m.predict_proba(X)):.10f}",
        "accuracy": lambda m: f"{m.score(X, Y):.4f}",
        "iterations": lambda m: f"{m.n_iter_[0]}",
    }
    print(f"{'':24}" + "".join(f"{name:>18}" for name in MODELS))
    for name, cell in rows.items():
        print(f"{name:24}" + "".join(f"{cell(model):>18}" for model in MODELS.values()))
    print(f"{'milliseconds':24}" + "".join(f"{1e3 * seconds[name]:18.1f}" for name in MODELS))
    names = [*DATA.feature_names, "intercept"]
    numbers = {k: np.append(m.coef_[0], m.intercept_[0]) for k, m in MODELS.items()}
    print("\ncoefficients, log-odds of 'benign' for a unit:")
    for name, *row in zip(names, *numbers.values(), strict=True):
        print(f"{name:24}" + "".join(f"{value:#18.7g}" for value in row))
    apart = np.abs(numbers[OURS] / numbers[DRIVEN] - 1).max()
    print(f"\nOurs and scikit-learn's, driven, differ by {apart:.0e} of a coefficient at most.")
    for name, caught in said.items():
        for warning in caught:
            text = " ".join(str(warning.message).split())
            print(f"{name} warned: {warning.category.__name__}: {text[:46]} ...")
    print(f"logreg says of itself: {MODELS[OURS].outcome_.name}, F is at most ", end="")
    print(f"{MODELS[OURS].gap_:.0e} above its minimum.")
    if apart > 1e-7 or distance(MODELS[OURS]) > 1e-6:
        raise SystemExit("logreg and scikit-learn driven to the optimum do not agree.")


def on_raw_units():
    """F - F* of scikit-learn's default, had it been stopped after so many iterations."""
    best, limits = objective(MODELS[DRIVEN]), np.geomspace(1, 6000, 22).astype(int)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fits = [ScikitLearn(max_iter=limit).fit(X, Y) for limit in np.unique(limits)]
    iterations, above = [f.n_iter_[0] for f in fits], [objective(f) - best for f in fits]
    print("\nWith max_iter raised, scikit-learn's default stops by itself: ", end="")
    off = f"F - F* = {above[-1]:.0e}, {distance(fits[-1]):.2g} standard errors off"
    print(f"{iterations[-1]:,} iterations,\n  {off}.")
    return iterations, above


def draw():
    figure, axes = plt.subplots(2, 2, figsize=(13, 10), layout="constrained")
    (steps, race), (roc, calibration) = axes
    display = ConvergenceDisplay.from_estimator(MODELS[OURS], ax=steps)
    steps.set(title="logreg: every iteration of the fit")

    iterations, above = on_raw_units()
    race.loglog(iterations, above, "^--", color=RED, label="scikit-learn's default, lbfgs")
    race.loglog(display.iteration[1:], display.excess[1:], "o-", color=BLUE, label="logreg")
    race.axvline(100, color=RED, lw=1, ls=":")
    race.text(108, 1e-9, "stops here,\nunconverged", color=RED)
    end = f"with max_iter raised it\nstops at {iterations[-1]:,}, satisfied"
    race.text(iterations[-1], above[-1] / 4, end, color=RED, ha="right", va="top")
    race.set(title="The objective on raw units", xlabel="iterations, logarithmic")
    race.set(ylabel="F − F*, log-likelihood above the optimum", ylim=(1e-12, 1e3))
    race.legend(loc="lower right")

    X_fit, X_new, y_fit, y_new = train_test_split(X, Y, test_size=0.5, random_state=0, stratify=Y)
    model = LogisticRegression().fit(X_fit, y_fit)
    right = f"{model.score(X_new, y_new):.1%}"
    print(f"Fitted to {len(y_fit)} tumours, it is right on {right} of {len(y_new)} others.")
    style = {"color": BLUE, "lw": 2}
    RocCurveDisplay.from_estimator(
        model, X_new, y_new, name="logreg", ax=roc, curve_kwargs=style, plot_chance_level=True
    )
    roc.set(title=f"{len(y_new)} tumours that the fit has not seen (1: benign)")
    CalibrationDisplay.from_estimator(
        model, X_new, y_new, n_bins=6, strategy="quantile", name="logreg", ax=calibration, **style
    )
    calibration.set(title="Of those given 90 %, are 90 % benign?")
    calibration.set(xlabel="probability predicted, mean of a bin", ylabel="share that is benign")
    for panel in axes.flat:
        panel.grid(alpha=0.25)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=100)
    print(f"Picture: {FIGURE.parent.name}/{FIGURE.name}")


if __name__ == "__main__":
    side_by_side(*fit_all())
    draw()

"""Which of thirty measurements of a cell nucleus tell a benign tumour from a malignant one?

The breast cancer table has each of ten features three times (mean, error, worst), so that many
columns say nearly the same. An L1 penalty (the lasso) sets most coefficients to exactly 0. What
you learn here, in the order in which glmnet's users go about it:

- the path: all fits from the penalty under which every coefficient is 0 to a weak one;
- cross-validation: which C predicts best, and which is the smallest C, hence the simplest model,
  that is worse by no more than one standard error of the best mean score;
- the columns that either rule keeps, and how often a fold keeps the same;
- what the choice costs: log loss on rows not seen before, beside ridge, which keeps all columns.

The penalty sees units, so columns are divided by their standard deviation first (glmnet does that
by itself): here by the training rows' alone, so that the test rows stay unseen.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler

from logreg import LogisticRegressionCV, logistic_path
from logreg.datasets import load_breast_cancer
from logreg.plots import CrossValidationDisplay, PathDisplay

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"
FOLDS = 10


def prepared():
    """Rows to learn from and rows to test, in standard deviations of the first."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X, new, y, truth = train_test_split(X, y, test_size=1 / 3, random_state=0, stratify=y)
    scaler = StandardScaler().set_output(transform="pandas").fit(X)
    return scaler.transform(X), y, scaler.transform(new), truth


def cross_validated(X, y, Cs, l1_ratio, rule):
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return LogisticRegressionCV(Cs=Cs, l1_ratios=(l1_ratio,), cv=folds, rule=rule).fit(X, y)


def kept(model):
    """Which columns have a coefficient that is not 0."""
    return model.coef_[0] != 0


def share_of_folds(model):
    """For each column the share of the folds whose fit at C_ has it."""
    at = np.flatnonzero(model.Cs_ == model.C_)[0]
    return (model.coefs_paths_[:, 0, at, 0, :-1] != 0).mean(axis=0)


def row_losses(model, X, y):
    """Minus the logarithm of the probability that each row's class was given."""
    return -model.predict_log_proba(X)[np.arange(len(y)), np.asarray(y)]


def tell_path(path):
    print(f"The path: {len(path.Cs)} fits, C from {path.Cs[0]:.2g} to {path.Cs[-1]:.2g}.")
    print(f"{'C':>9} {'columns':>8} {'deviance explained':>19}")
    for k in np.linspace(0, len(path.Cs) - 1, 6).round().astype(int):
        print(f"{path.Cs[k]:9.3g} {path.n_nonzero[k]:8} {path.deviance_explained[k]:19.1%}")
    inside = path.coefs[:, 0] != 0
    entry = np.where(inside.any(axis=0), inside.argmax(axis=0), len(path.Cs))
    first = path.feature_names[entry.argsort(kind="stable")[:4]]
    print(f"The first to enter: {', '.join(first)}.\n")


def tell_choice(models):
    best, simple = models["best"], models["1se"]
    mean = best.scores_.mean(axis=0)[0]
    error = best.scores_.std(axis=0, ddof=1)[0] / np.sqrt(FOLDS)
    print(f"Cross-validation, {FOLDS} folds; log loss is minus the score:")
    for rule, model in models.items():
        at = np.flatnonzero(model.Cs_ == model.C_)[0]
        print(
            f"  rule {rule:5} C = {model.C_:6.3f}: log loss {-mean[at]:.4f} ± {error[at]:.4f}, ",
            end="",
        )
        print(f"{kept(model).sum()} of {model.n_features_in_} columns")

    print(
        "\nWhat they keep, in log-odds of benign for one standard deviation more, and in how many"
    )
    print(f"of the {FOLDS} folds the column is not 0:")
    print(
        f"{'':26}{'coefficient':^16}{'folds':^14}\n{'':26}{'best':>7}{'1se':>8}{'best':>8}{'1se':>5}"
    )
    folds = {rule: (FOLDS * share_of_folds(model)).round() for rule, model in models.items()}
    for j in np.argsort(-np.abs(best.coef_[0]) - np.abs(simple.coef_[0]), kind="stable"):
        if kept(best)[j] or kept(simple)[j]:
            values = [f"{m.coef_[0, j]:.2f}" if kept(m)[j] else "." for m in models.values()]
            print(f"  {best.feature_names_in_[j]:24}{values[0]:>7}{values[1]:>8}", end="")
            print(f"{folds['best'][j]:8.0f}{folds['1se'][j]:5.0f}")
    for rule, model in models.items():
        share = share_of_folds(model)
        now_and_then = ((share > 0) & (share < 1)).sum()
        print(f"  at the C of {rule}: {(share == 1).sum()} columns in every fold, ", end="")
        print(f"{now_and_then} in some, {(share == 0).sum()} in none.")
    print(
        "Any two folds' fits share eight ninths of their rows: other patients would differ by more."
    )


def tell_test(models, ridge, new, truth):
    print(f"\n{len(new)} rows not seen before:")
    base = row_losses(ridge, new, truth)
    for name, model in {**models, "ridge": ridge}.items():
        loss = row_losses(model, new, truth)
        print(f"  {name:6}{kept(model).sum():3} columns, log loss {loss.mean():.4f}", end="")
        print(f", accuracy {(model.predict(new) == truth).mean():.1%}", end="")
        apart = loss - base
        error = apart.std(ddof=1) / np.sqrt(len(apart))
        print("" if model is ridge else f"; less ridge's: {apart.mean():+.4f} ± {error:.4f}")
    print("Where columns say nearly the same, keeping them all and shrinking them often predicts")
    print("better; what the short lists are for is being read, measured and explained.")


def draw(path, models, ridge):
    figure = plt.figure(figsize=(14, 13), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.45))
    left, right = top.subplots(1, 2, width_ratios=(1.1, 1))
    PathDisplay.from_path(path, label=9, ax=left)
    left.set_title("The path: columns enter as the penalty weakens")
    CrossValidationDisplay.from_estimator(models["1se"], ax=right)
    right.set_title("Cross-validation: the best C, and the simplest as good")
    for rule, style in (("best", ":"), ("1se", "--")):
        left.axvline(models[rule].C_, color=GREY, ls=style, lw=1.2)

    order = np.argsort(np.abs(models["best"].coef_[0]) + 1e-3 * np.abs(ridge.coef_[0]))
    rows = np.arange(len(order))
    left, right = bottom.subplots(1, 2, sharey=True)
    left.plot(ridge.coef_[0, order], rows, "D", color=GREY, ms=4, mfc="none", label="ridge")
    for (rule, model), color, marker in zip(models.items(), (BLUE, RED), "os", strict=True):
        used = kept(model)[order]
        style = {"color": color, "mfc": color if marker == "o" else "none", "label": rule}
        left.plot(model.coef_[0, order][used], rows[used], marker, **style)
        shift = 0.2 if marker == "o" else -0.2
        right.barh(rows + shift, share_of_folds(model)[order], 0.38, color=color, label=rule)
    left.axvline(0, color=GREY, lw=0.8)
    left.set(yticks=rows, yticklabels=models["best"].feature_names_in_[order])
    left.set(ylim=(-0.7, len(rows) - 0.3))
    left.set(title="What is chosen (no mark: exactly 0)")
    left.set(xlabel="log-odds of benign for one standard deviation more")
    right.set(
        title="How stable the choice is", xlabel=f"share of {FOLDS} folds that keep the column"
    )
    for panel in (left, right):
        panel.grid(alpha=0.25)
        panel.legend(loc="lower left" if panel is left else "lower right")
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=80)
    print(f"\nPicture: {FIGURE.parent.name}/{FIGURE.name}")


if __name__ == "__main__":
    X, y, new, truth = prepared()
    print(f"{len(X)} tumours to learn from, {len(new)} to test; {X.shape[1]} columns.\n")
    path = logistic_path(X, y)
    tell_path(path)
    models = {rule: cross_validated(X, y, path.Cs[::2], 1, rule) for rule in ("best", "1se")}
    ridge = cross_validated(X, y, np.geomspace(1e-3, 1e2, 30), 0, "best")
    tell_choice(models)
    tell_test(models, ridge, new, truth)
    draw(path, models, ridge)

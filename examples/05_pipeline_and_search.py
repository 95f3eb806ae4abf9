"""Who survived the Titanic? A mixed table, a pipeline and a search for its settings.

The table has words (sex, class, survived) and numbers (age). What you learn here:

- a ColumnTransformer turns words into 0/1 columns; our estimator ends the pipeline and takes the
  answers "no" and "yes" as they are. No column needs scaling for the fit to succeed; age is put
  in decades only so that the penalty, which sees units, treats it as it does the 0/1 columns;
- GridSearchCV chooses the strength of the penalty (1/C), the weights of the classes, and whether
  age and class may work differently for men than for women;
- it compares by log loss, which judges the probabilities; balanced class weights distort them;
- the coefficients of the winner are log odds ratios, and their names come out of the pipeline.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression as ScikitLearn
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from logreg import LogisticRegression
from logreg.datasets import load_titanic

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
BLUE, RED = "#0072B2", "#D55E00"
FOLDS = 10


def decades(table):
    return pd.DataFrame({"decades of age": table["age"] / 10})


def men_apart(columns):
    """Each column a second time, for men only (0 for women)."""
    others = columns.drop(columns="sex_male")
    return columns.join(others.mul(columns["sex_male"], axis=0).add_suffix(", men"))


def pipeline():
    words = OneHotEncoder(drop=["female", "1st"], sparse_output=False)  # the base: compare to them
    numbers = FunctionTransformer(decades)
    columns = [("words", words, ["sex", "passengerClass"]), ("numbers", numbers, ["age"])]
    prepare = ColumnTransformer(columns, verbose_feature_names_out=False)
    prepare.set_output(transform="pandas")
    return Pipeline([("prepare", prepare), ("men", "passthrough"), ("model", LogisticRegression())])


def search(table, survived):
    grid = {
        "model__C": [0.01, 0.1, 1, 10, 100, np.inf],
        "model__class_weight": [None, "balanced"],
        "men": ["passthrough", FunctionTransformer(men_apart)],
    }
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    found = GridSearchCV(pipeline(), grid, scoring="neg_log_loss", cv=folds, n_jobs=2)
    return found.fit(table, survived)


def results(found):
    """The search as a table: setting, CV log loss and its standard error over the folds."""
    cv = pd.DataFrame(found.cv_results_)
    return pd.DataFrame(
        {
            "C": cv["param_model__C"].astype(float),
            "class_weight": cv["param_model__class_weight"].fillna("None"),
            "men": np.where(cv["param_men"] == "passthrough", "as women", "apart"),
            "log_loss": -cv["mean_test_score"],
            "error": cv["std_test_score"] / np.sqrt(FOLDS - 1),
        }
    )


def tell(found, table, survived, new, truth):
    cv, best = results(found), found.best_estimator_
    print(f"{len(table)} passengers to learn from, {len(new)} to test; ", end="")
    print(f"{len(cv)} settings × {FOLDS} folds.")
    print(f"CV log loss: best {cv['log_loss'].min():.4f}, worst {cv['log_loss'].max():.4f}.")
    first = cv.loc[found.best_index_]
    print(f"Best: C = {first['C']:g}, class_weight = {first['class_weight']}, ", end="")
    print(f"men {first['men']}.")
    for column in ("class_weight", "men"):
        lowest = cv.groupby(column)["log_loss"].min()
        print(f"  lowest by {column:13}", ", ".join(f"{k}: {v:.4f}" for k, v in lowest.items()))

    probability = best.predict_proba(new)
    guess = np.full(len(new), (survived == "yes").mean())
    print(f"\nPassengers not seen before: log loss {log_loss(truth, probability):.4f} ", end="")
    print(f"(knowing only the share of survivors: {log_loss(truth, guess):.4f}),")
    print(f"accuracy {best.score(new, truth):.1%} ", end="")
    print(f"(saying always 'no': {(truth == 'no').mean():.1%}).")

    settings = {name: getattr(best["model"], name) for name in ("C", "class_weight")}
    driven = ScikitLearn(solver="newton-cholesky", tol=1e-10, **settings)
    other = clone(best).set_params(model=driven).fit(table, survived)
    apart = np.abs(probability - other.predict_proba(new)).max()
    print(f"scikit-learn's estimator in our place: probabilities differ by {apart:.0e} at most.")
    if apart > 1e-6:
        raise SystemExit("The two estimators do not agree.")


def odds_ratios(found):
    model = found.best_estimator_["model"]
    ratio = pd.Series(np.exp(model.coef_[0]), index=model.feature_names_in_)
    print("\nOdds ratios (the odds to survive are multiplied by ... for one unit more; the base is")
    print("a woman in the first class):\n" + ratio.map("{:10.3f}".format).to_string())
    if "decades of age, men" in ratio:
        women = ratio["decades of age"]
        men = women * ratio["decades of age, men"]
        print(f"Ten years more multiply the odds of a woman by {women:.2f}, of a man by {men:.2f}.")


def draw(found, raw):
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.8), layout="constrained")
    cv = results(found)
    strengths = [f"{C:g}".replace("inf", "∞") for C in found.param_grid["model__C"]]
    lines = cv.groupby(["men", "class_weight"], sort=False)
    for shift, ((men, weight), part) in zip((-0.09, -0.03, 0.03, 0.09), lines, strict=True):
        color, marker = (BLUE, "o") if men == "apart" else (RED, "s")
        style, face = ("-", color) if weight == "None" else ("--", "white")
        at = np.arange(len(part)) + shift
        label = f"men {men}, class_weight={weight}"
        left.errorbar(
            at, part["log_loss"], part["error"], fmt=marker + style, color=color, mfc=face,
            capsize=3, label=label,
        )  # fmt: skip
        if found.best_index_ in part.index:
            best = at[part.index.get_loc(found.best_index_)], -found.best_score_
    left.plot(*best, "*", color="black", ms=17, mfc="none", label="chosen")
    left.set_xticks(range(len(strengths)), strengths)
    left.set(title="The search, on the same folds for all settings")
    left.set(xlabel="C: to the right the penalty is weaker")
    left.set(ylabel=f"log loss, mean of {FOLDS} folds ± its standard error")
    left.legend()

    age = np.linspace(0, 80, 161)
    for sex, color in (("female", BLUE), ("male", RED)):
        for group, style in (("1st", "-"), ("2nd", "--"), ("3rd", ":")):
            people = pd.DataFrame({"sex": sex, "age": age, "passengerClass": group})
            p = found.predict_proba(people)[:, 1]
            right.plot(age, p, style, color=color, lw=2.5, label=f"{sex}, {group} class")
    shown = raw["sex"] == "female"
    for sex, color, y in ((shown, BLUE, 1.04), (~shown, RED, -0.04)):
        right.plot(raw.loc[sex, "age"], np.full(sex.sum(), y), "|", color=color, ms=7, alpha=0.4)
    right.set(title="The model that it chose (ticks: ages of the passengers)", xlabel="age, years")
    right.set(ylabel="probability to survive", ylim=(-0.08, 1.08))
    right.legend(loc="center right", bbox_to_anchor=(1, 0.7), ncols=2)
    for panel in (left, right):
        panel.grid(alpha=0.25)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=100)
    print(f"\nPicture: {FIGURE.parent.name}/{FIGURE.name}")


if __name__ == "__main__":
    raw = pd.read_csv(load_titanic().filename)
    print(raw.head(3).to_string(index=False), "\n")
    X, y = raw.drop(columns="survived"), raw["survived"]
    table, new, survived, truth = train_test_split(X, y, random_state=0, stratify=y)
    found = search(table, survived)
    tell(found, table, survived, new, truth)
    odds_ratios(found)
    draw(found, raw)

"""What happens when a column tells the classes apart, and what each remedy gives.

Made to look like the endometrial cancer study of Heinze and Schemper (2002): 79 women, histology
high or low, and three risk factors. Every woman with neovasculation (NV) has the high grade, so
the odds ratio of NV is infinite: maximum likelihood has no answer, and R's glm or statsmodels
print an estimate of 18 with a standard error of 1,500. What you see here:

- the warning of a fit, and `detect_separation`: which column, and the proof;
- the profile of the likelihood: its interval has an end, its estimate none;
- Firth's penalised likelihood, FLIC, FLAC and median bias reduction, and a ridge penalty: finite
  estimates, and what they make of the other columns;
- the same by simulation: how far each estimate is from the truth on average.

The picture: the profile of NV's coefficient with and without Firth's penalty, and the simulation.
"""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from logreg import (
    FirthLogisticRegression,
    LogisticRegression,
    SeparationWarning,
    detect_separation,
)
from logreg.profile import Profile

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"
TRUTH = np.array([3.0, -0.03, -2.0])  # of NV, PI and EH
STUDIES = 300


def study(seed, n=79):
    """Women with the study's ranges: NV in one of eight, a pulsatility index, the endometrium."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "NV": (rng.random(n) < 1 / 8).astype(int),
            "PI": rng.gamma(4, 4.4, n).round(),
            "EH": rng.gamma(6, 0.28, n).round(2),
        }
    )
    margin = 2.6 + X.to_numpy() @ TRUTH
    return X, (rng.random(n) < 1 / (1 + np.exp(-margin))).astype(int)


def separated_study():
    """The first study in which every woman with NV has the high grade."""
    for seed in range(100):
        X, y = study(seed)
        if detect_separation(X, y).kind == "quasi-complete":
            return X, y
    raise RuntimeError("none of 100 studies is separated")


def profile(solution, column, grid):
    """Twice the fall of the likelihood from its maximum, for values of one coefficient."""
    profiles = Profile(solution)
    return [profiles.ratio(profiles.contrast(column), [value]) for value in grid]


def estimates(X, y):
    """Each remedy's coefficients of NV, PI and EH."""
    found = {"ridge, C=1": LogisticRegression(C=1).fit(X, y).coef_[0]}
    for correction in ("firth", "flac", "median"):
        model = FirthLogisticRegression(correction=correction).fit(X, y)
        found[correction] = model.coef_[0]
    return found


def simulate():
    """The coefficient of NV in many studies, by maximum likelihood where it exists and by Firth."""
    likelihood, firth = [], []
    for seed in range(1000, 1000 + STUDIES):
        X, y = study(seed)
        firth.append(FirthLogisticRegression().fit(X, y).coef_[0, 0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SeparationWarning)
            model = LogisticRegression(C=np.inf).fit(X, y)
        likelihood.append(model.coef_[0, 0] if model.outcome_.name == "CONVERGED" else np.inf)
    return np.array(likelihood), np.array(firth)


def draw(grid, curves, likelihood, firth):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for (name, fall), color in zip(curves.items(), (GREY, RED), strict=True):
        left.plot(grid, fall, color=color, label=name)
    left.axhline(3.84, color="black", linewidth=0.8, linestyle=":")
    left.annotate("95 %: all values below", (4.5, 3.84), ha="center", va="bottom", fontsize=9)
    left.set(ylim=(0, 8), xlabel="coefficient of NV", ylabel="twice the fall of the log-likelihood")
    left.set_title("The likelihood has no maximum, Firth's has", loc="left", fontsize=11)
    left.legend(frameon=False, loc="upper right")
    bins = np.linspace(-1, 8, 37)
    finite = likelihood[np.isfinite(likelihood)]
    right.hist(finite, bins, color=GREY, alpha=0.6, label="maximum likelihood, where finite")
    right.hist(firth, bins, color=RED, alpha=0.6, label="Firth")
    right.axvline(TRUTH[0], color="black", linewidth=0.8, linestyle=":")
    right.set_ylim(0, 1.3 * right.get_ylim()[1])
    right.annotate("truth ", (TRUTH[0], right.get_ylim()[1]), ha="right", va="top", fontsize=9)
    right.set(xlabel="estimated coefficient of NV", ylabel="studies")
    lost = len(likelihood) - len(finite)
    right.set_title(f"{lost} of {len(firth)} studies are separated", loc="left", fontsize=11)
    right.legend(frameon=False)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def main():
    X, y = separated_study()
    print("What the fit says:")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = LogisticRegression(C=np.inf).fit(X, y)
    print(f"  SeparationWarning: {caught[0].message}\n")
    print(f"detect_separation: {detect_separation(X, y)}\n")

    print("Intervals of the likelihood's profile (Wald's standard errors mean nothing here):")
    print(model.inference(X, y).conf_int(method="profile").round(2).to_string())

    firth = FirthLogisticRegression().fit(X, y)
    print("\nFirth's penalised likelihood:")
    print(firth.inference(X, y).summary())

    print("\nThe remedies side by side (the data were made with 3, -0.03 and -2):")
    print(pd.DataFrame(estimates(X, y), index=X.columns).T.round(3).to_string())

    likelihood, corrected = simulate()
    finite = np.isfinite(likelihood)
    print(f"\n{STUDIES} such studies, NV's coefficient, truth {TRUTH[0]:g}:")
    print(f"  separated: {np.sum(~finite)}")
    print(f"  maximum likelihood, the others: {likelihood[finite].mean():.2f} on average")
    print(f"  Firth, all studies: {corrected.mean():.2f} on average")

    grid = np.linspace(-1, 9, 81)
    plain = FirthLogisticRegression(tau=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        curves = {
            "likelihood": profile(plain.fit(X, y).solution(X, y), 0, grid),
            "with Firth's penalty": profile(firth.solution(X, y), 0, grid),
        }
    figure = draw(grid, curves, likelihood, corrected)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=150)
    print(f"\nThe picture is in {FIGURE.relative_to(Path.cwd())}.")


if __name__ == "__main__":
    main()

"""What raises the risk that a baby weighs too little, and by how much?

Hosmer and Lemeshow's 189 births (Baystate Medical Center, 1986): which mothers had a baby of less
than 2,500 g. The analysis that a statistician would do in R with glm, summary, confint and
margins, on the estimator that a pipeline would use:

- a formula, and the summary of its fit;
- odds ratios with profile-likelihood intervals, and how they differ from Wald's;
- tests of whole terms: does race matter? age? Are two models needed?
- average marginal effects: the same in percentage points;
- diagnostics: is the model calibrated, and does one birth decide?

The picture is the forest plot of the odds ratios.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from logreg import fit_formula
from logreg.datasets import load_birthwt
from logreg.plots import CoefficientDisplay

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
FORMULA = "low ~ age + lwt_10 + race + smoke + ptl + ht + ui"
NAMES = {
    "age": "age, a year",
    "lwt_10": "mother's weight, 10 pounds",
    "race[T.black]": "black, against white",
    "race[T.other]": "other race, against white",
    "smoke": "smokes",
    "ptl": "premature labours before, each",
    "ht": "hypertension",
    "ui": "uterine irritability",
}


def births():
    """The table as R's MASS has it, with race in words and weight in tens of pounds."""
    table = load_birthwt(as_frame=True).frame
    known = [table["race_black"] == 1, table["race_other"] == 1]
    race = np.select(known, ["black", "other"], "white")
    race = pd.Categorical(race, ["white", "black", "other"])  # compared with the first
    return table.assign(race=race, lwt_10=table["lwt"] / 10)


def main():
    data = births()
    result = fit_formula(FORMULA, data)
    print(result.summary())

    print("\nOdds ratios with 95 % intervals, by the likelihood's profile and by Wald:")
    profile, wald = result.odds_ratios(method="profile"), result.odds_ratios()
    wald = wald[["lower", "upper"]].add_suffix(" (Wald)")
    table = profile.join(wald).rename(index=NAMES)
    print(table.drop(index="Intercept").round(2).to_string())

    print("\nWhole terms, by likelihood ratio:")
    for term in ("race", "age", "smoke"):
        print(f"  {NAMES.get(term, 'race'):12} {result.lr_test(term)}")
    crossed = fit_formula(FORMULA + " + smoke:lwt_10", data)
    print(f"  does smoking weigh more on light mothers?  {crossed.lr_test(result)}")

    print("\nAverage marginal effects, in percentage points:")
    effects = result.marginal_effects(discrete="auto").rename(index=NAMES)
    print((100 * effects[["dy_dx", "lower", "upper"]]).round(1).to_string())

    test, cook = result.hosmer_lemeshow(), result.cooks_distance()
    print(f"\nCalibration (Hosmer and Lemeshow, ten groups): {test}")
    print(
        f"The birth that moves the fit most: row {cook.argmax()}, Cook's distance {cook.max():.2f}"
    )

    display = CoefficientDisplay.from_inference(result, method="profile")
    display.names = [NAMES[name] for name in display.names]
    plt.close(display.figure_)
    display.plot().ax_.set_title("Odds of a birth weight under 2,500 g", loc="left", fontsize=11)
    FIGURE.parent.mkdir(exist_ok=True)
    display.figure_.savefig(FIGURE, dpi=150)
    print(f"\nThe picture is in {FIGURE.relative_to(Path.cwd())}.")


if __name__ == "__main__":
    main()

"""How often 95 % intervals hold the truth, in simulated studies: Wald's, the profile's, Firth's.

A logistic model with an intercept and three columns (normal, 0/1, skewed) of known coefficients,
fitted to 3,000 samples of each size. An interval of 95 % should hold the truth in 95 % of them, and
as often miss it on either side. Where a sample is separated, maximum likelihood has no Wald
interval: that counts as a miss, and the share of such samples is shown.

    python benchmarks/simulated_intervals.py [--write]
"""

import sys
import warnings

import numpy as np
from tables import ROOT

from logreg import FirthLogisticRegression, LogisticRegression, SeparationWarning

TRUTH = np.array([-0.5, 1.0, -0.8, 0.5])
NAMES = ("intercept", "normal", "0/1", "skewed")
SIZES = (30, 50, 100, 300, 1000)
STUDIES = 3000
KINDS = ("Wald", "profile", "Firth, profile")


def sample(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    X = np.column_stack([rng.normal(size=n), rng.random(n) < 0.3, rng.exponential(size=n)])
    return X, (rng.random(n) < 1 / (1 + np.exp(-TRUTH[0] - X @ TRUTH[1:]))).astype(int)


def intervals(X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """(4, 2) by each kind; NaN where there is none."""
    model = LogisticRegression(C=np.inf).fit(X, y)
    result = model.inference(X, y)
    none = np.full((4, 2), np.nan)
    wald = result.conf_int().to_numpy() if model.outcome_.name == "CONVERGED" else none
    firth = FirthLogisticRegression().fit(X, y).inference(X, y)
    return [wald, result.conf_int(method="profile").to_numpy(), firth.conf_int().to_numpy()]


def simulate(n: int, studies: int = STUDIES) -> tuple[np.ndarray, float]:
    """The share of studies in which each interval holds the truth, is above it and below it,
    (kinds, 4, 3); and the share of studies that are separated.
    """
    rng = np.random.default_rng(n)
    seen, lost = np.zeros((len(KINDS), 4, 3)), 0
    for _ in range(studies):
        X, y = sample(rng, n)
        while np.ptp(y) == 0:
            X, y = sample(rng, n)
        each = intervals(X, y)
        lost += bool(np.isnan(each[0]).any())
        for kind, ends in enumerate(each):
            seen[kind, :, 1] += ends[:, 0] > TRUTH
            seen[kind, :, 2] += ends[:, 1] < TRUTH
            seen[kind, :, 0] += (ends[:, 0] <= TRUTH) & (TRUTH <= ends[:, 1])
    return seen / studies, lost / studies


def draw(shares: dict[int, np.ndarray]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(11, 3), sharey=True, layout="constrained")
    for j, ax in enumerate(axes):
        ax.axhspan(94, 96, color="#EEEEEE")
        for kind, color in zip(range(len(KINDS)), ("#777777", "#0072B2", "#D55E00"), strict=True):
            rate = [100 * share[kind, j, 0] for share in shares.values()]
            ax.plot(list(shares), rate, "o-", color=color, label=KINDS[kind], markersize=4)
        ax.set(xscale="log", xlabel="rows", title=NAMES[j], ylim=(90, 100))
        ax.set_xticks(SIZES, [str(n) for n in SIZES])
        ax.minorticks_off()
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("% of 95 % intervals\nthat hold the truth")
    axes[0].legend(frameon=False, fontsize=8, loc="upper right")
    figure.savefig(ROOT / "docs" / "figures" / "coverage.png", dpi=120)


def main(write: bool) -> None:
    warnings.simplefilter("ignore", SeparationWarning)
    rows = ["| rows | separated, % | interval | " + " | ".join(NAMES) + " |"]
    rows.append("| --- | --- | --- | " + "--- | " * len(NAMES))
    shares = {}
    for n in SIZES:
        shares[n], lost = simulate(n)
        for kind, each in zip(KINDS, shares[n], strict=True):
            cells = [f"{100 * h:.1f} ({100 * a:.1f} / {100 * b:.1f})" for h, a, b in each]
            rows.append(f"| {n} | {100 * lost:.1f} | {kind} | " + " | ".join(cells) + " |")
            print(rows[-1], flush=True)
    if write:
        draw(shares)
        about = (__doc__ or "").split("\n\n    python")[0]
        text = f"""# Coverage of confidence intervals

{about}

![coverage](figures/coverage.png)

In brackets the share of intervals that lie above the truth / below it, in percent (2.5 / 2.5 is
right). Made by `python benchmarks/simulated_intervals.py --write`: {STUDIES} studies a size; truth:
{", ".join(f"{name} {value:g}" for name, value in zip(NAMES, TRUTH, strict=True))}.

"""
        (ROOT / "docs" / "coverage.md").write_text(text + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main("--write" in sys.argv[1:])

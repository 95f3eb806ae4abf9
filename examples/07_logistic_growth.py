"""Verhulst's law of growth: the sigmoid long before it was used for probabilities.

A population that grows at rate r while it is small, and slower the nearer it comes to the most
that the land can carry, K, follows

    P'(t) = r P (1 - P/K)        so        P(t) = K σ(r (t - t0)),

because σ' = σ (1 - σ); t0 is the year of fastest growth, where P = K/2 (Verhulst 1838). What you
learn here: to fit the curve by least squares, with the derivative of the sigmoid as Jacobian,

    ∂P/∂K = σ        ∂P/∂r = K (t - t0) σ'        ∂P/∂t0 = -K r σ',

and how little a good fit to the past says about the future: the limit K moves with every census.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import least_squares

from logreg import logit, sigmoid, sigmoid_derivative

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"

# Resident population of the United States, in millions, by census: U.S. Census Bureau (1790-2000
# are the data set USPop of the R package carData).
YEAR = np.arange(1790, 2021, 10.0)
# fmt: off
MILLIONS = np.array([
    3.929214, 5.308483, 7.239881, 9.638453, 12.860702, 17.063353, 23.191876, 31.443321, 38.558371,
    50.189209, 62.979766, 76.212168, 92.228496, 106.021537, 123.202624, 132.164569, 151.325798,
    179.323175, 203.302031, 226.542199, 248.709873, 281.421906, 308.745538, 331.449281,
])
# fmt: on

# Pearl and Reed (1920), Proc. Natl. Acad. Sci. 6, 275-288, from the counts up to 1910: in
# thousands, 2930.3009 / (0.014854 + e^(-0.0313395 x)), x being the years since 1780.
PEARL_REED = np.array(
    [2.9303009 / 0.014854, 0.0313395, 1780 - np.log(0.014854) / 0.0313395]  # K, r, t0
)


# K and its standard error from R's nls on the counts up to 2000: Fox and Weisberg (2010),
# "Nonlinear Regression and Nonlinear Least Squares in R", an appendix to An R Companion to Applied
# Regression.
FOX_WEISBERG = [440.83, 35.00]


def population(curve, t):
    K, r, t0 = curve
    return K * sigmoid(r * (t - t0))


def growth(curve, t):
    """P'(t), people (millions) a year."""
    K, r, t0 = curve
    return K * r * sigmoid_derivative(r * (t - t0))


def jacobian(curve, t):
    K, r, t0 = curve
    x = r * (t - t0)
    slope = K * sigmoid_derivative(x)
    return np.column_stack([sigmoid(x), slope * (t - t0), -slope * r])


def check_formulas(curve):
    steps = np.diag(1e-5 * curve)
    quotients = [
        (population(curve + s, YEAR) - population(curve - s, YEAR)) / (2 * s.sum()) for s in steps
    ]
    if not np.allclose(jacobian(curve, YEAR), np.column_stack(quotients), rtol=1e-6, atol=1e-6):
        raise SystemExit("The Jacobian is not the derivative of the curve.")
    K, r, _ = curve
    P = population(curve, YEAR)
    if not np.allclose(growth(curve, YEAR), r * P * (1 - P / K), rtol=1e-12):
        raise SystemExit("The curve does not obey Verhulst's law P' = r P (1 - P/K).")


def fit(last):
    """K, r, t0 and their standard errors from the counts up to the year `last`."""
    t, P = YEAR[last >= YEAR], MILLIONS[last >= YEAR]
    K = 2 * P[-1]  # a first guess; then logit(P/K) = r (t - t0) is a straight line
    r, constant = np.polyfit(t, logit(P / K), 1)
    answer = least_squares(
        lambda curve: population(curve, t) - P,
        [K, r, -constant / r],
        jac=lambda curve: jacobian(curve, t),
        x_scale="jac",
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
    )
    if not answer.success:
        raise SystemExit(f"The fit up to {last} failed: {answer.message}")
    variance = 2 * answer.cost / (len(t) - 3)
    covariance = variance * np.linalg.inv(answer.jac.T @ answer.jac)
    return answer.x, np.sqrt(np.diag(covariance))


def tell(fits):
    print("P(t) = K σ(r (t - t0)), fitted to the census counts of the United States:\n")
    print(f"{'counts up to':14}{'K, millions':>16}{'r, % a year':>16}{'t0, year':>16}", end="")
    print(f"{'2020: says':>12}")
    for last, (curve, error) in fits.items():
        shown = zip(curve * [1, 100, 1], error * [1, 100, 1], (1, 2, 1), strict=True)
        cells = "".join(f"{f'{c:.{d}f} ± {e:.{d}f}':>16}" for c, e, d in shown)
        print(f"{last:<14}{cells}{population(curve, 2020):12.0f}")
    K, r, t0 = PEARL_REED
    print(f"{'Pearl, Reed':14}{K:16.1f}{100 * r:16.2f}{t0:16.1f}", end="")
    print(f"{population(PEARL_REED, 2020):12.0f}\n{'counted':62}{MILLIONS[-1]:12.0f}")

    early, doubt = fits[1910]
    known = YEAR <= 1910
    for name, curve in (("Our fit up to 1910", early), ("Pearl and Reed's", PEARL_REED)):
        miss = population(curve, YEAR) - MILLIONS
        past = np.abs(miss[known]).max()
        wrong = YEAR[~known & (np.abs(miss) > 0.05 * MILLIONS)]
        lost = f"by over 5 % in {len(wrong)} of the {(~known).sum()} censuses since, "
        print(f"\n{name} is off by {past:.1f} millions at most up to 1910,", end="")
        print(f"\n  {lost}by {miss[-1]:+.0f} millions in 2020.", end="")
    limits = [curve[0] for curve, _ in fits.values()]
    passed = sum(MILLIONS[-1] > K for K in limits)
    moved = abs(fits[2020][0][0] - early[0]) / doubt[0]
    print(f"\nThe limit K of the fits ranges from {min(limits):.0f} to {max(limits):.0f} millions;")
    print(
        f"{passed} of these {len(limits)} limits have been passed by now. From the fit up to 1910"
    )
    print(
        f"to that up to 2020 it moved by {moved:.0f} of its standard errors: they know the scatter"
    )
    print("about the curve, not whether the law goes on to hold.")
    if np.any(np.abs(early / PEARL_REED - 1) > 0.05):
        raise SystemExit("The fit up to 1910 is far from the curve of Pearl and Reed.")
    curve, error = fits[2000]
    if not np.allclose([curve[0], error[0]], FOX_WEISBERG, rtol=0, atol=0.006):
        raise SystemExit("The fit up to 2000 is not the one that R's nls finds.")


def draw(fits):
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.6), layout="constrained")
    t = np.linspace(1780, 2060, 400)
    curves = [
        (fits[1910][0], BLUE, "-", "fit to the counts up to 1910"),
        (PEARL_REED, "black", ":", "Pearl and Reed 1920"),
        (fits[1940][0], GREEN, "-.", "fit up to 1940"),
        (fits[2020][0], RED, "--", "fit up to 2020"),
    ]
    for curve, color, style, name in curves:
        label = f"{name}: K = {curve[0]:.0f}"
        left.plot(t, population(curve, t), style, color=color, lw=2, label=label)
        right.plot(t, growth(curve, t), style, color=color, lw=2)
    known = YEAR <= 1910
    kinds = ((known, "black", "census up to 1910"), (~known, "white", "later census"))
    for part, face, name in kinds:
        left.plot(YEAR[part], MILLIONS[part], "o", color="black", mfc=face, ms=6, label=name)
    between, rise = (YEAR[1:] + YEAR[:-1]) / 2, np.diff(MILLIONS) / 10
    right.plot(between, rise, "o", color="black", mfc="white", ms=6, label="between two censuses")
    left.set(title="Population of the United States: K σ(r (t − t₀))", xlabel="year")
    left.set(ylabel="millions of people", ylim=(0, 480))
    right.set(title="Its growth: K r σ′(r (t − t₀))", xlabel="year", ylim=(0, None))
    right.set(ylabel="millions of people a year")
    left.legend(loc="upper left")
    right.legend(loc="upper left")
    for panel in (left, right):
        panel.grid(alpha=0.25)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=100)
    print(f"\nPicture: {FIGURE.parent.name}/{FIGURE.name}")


if __name__ == "__main__":
    check_formulas(PEARL_REED)
    fits = {last: fit(last) for last in (1880, 1910, 1940, 1980, 2000, 2020)}
    tell(fits)
    draw(fits)

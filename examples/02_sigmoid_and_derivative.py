"""The sigmoid and its slope, its relatives, and four programs that compute it.

What you learn here:

    σ(x)  = 1 / (1 + e^-x)             turns any number (log-odds) into a probability
    σ'(x) = σ(x) (1 - σ(x)) ≤ 1/4      its slope, largest in the middle, e^-|x| far out
    tanh(x) = 2 σ(2x) - 1              tanh is the same curve, stretched

and that a formula is not yet a program: written naively it warns, loses its tail, or loses its
slope. Everything printed below is measured in the run, on this machine.
"""

import importlib.util
import warnings
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit
from threadpoolctl import threadpool_limits

from logreg import log_sigmoid, sigmoid, sigmoid_derivative

if importlib.util.find_spec("mpmath"):
    from mpmath import exp, mp, mpf

    mp.dps = 60  # digits; s (1 - s) cancels up to 26 of them below
    high = mpf
else:
    high, exp = np.longdouble, np.exp
torch = importlib.import_module("torch") if importlib.util.find_spec("torch") else None

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
BLUE, RED, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"


def one_line(x):
    return 1 / (1 + np.exp(-x))


def programs():
    """Who computes σ: name and function of an array."""
    table = {"logreg.sigmoid": sigmoid, "scipy expit": expit, "1/(1+np.exp(-x))": one_line}
    if torch:
        unit = torch.nn.Sigmoid()
        table["torch.sigmoid"] = lambda x: torch.sigmoid(torch.from_numpy(x)).numpy()
        table["torch.nn.Sigmoid"] = lambda x: unit(torch.from_numpy(x)).numpy()
    return table


def true_sigmoid(x):
    return 1 / (1 + exp(-high(x)))


def true_slope(x):
    return exp(-abs(high(x))) / (1 + exp(-abs(high(x)))) ** 2


def worst(function, truth, x):
    """Largest error in ULP (steps from one double to the next, at the truth), and relative."""
    with np.errstate(all="ignore"):
        got = [float(value) for value in function(x)]
    exact = [truth(float(value)) for value in x]
    error = [float(abs(t - g)) for t, g in zip(exact, got, strict=True)]
    size = np.array([float(t) for t in exact])
    return float(np.max(error / np.spacing(size))), float(np.max(error / size))


def nanoseconds(functions, x, rounds=20):
    """Best time an element of each function, taking turns so that a busy moment hits all alike."""
    best = dict.fromkeys(functions, np.inf)
    with np.errstate(all="ignore"):
        for _ in range(rounds):
            for name, function in functions.items():
                start = perf_counter()
                function(x)
                best[name] = min(best[name], perf_counter() - start)
    return {name: 1e9 * seconds / x.size for name, seconds in best.items()}


def at(function, x):
    """The value at x, with an ! if computing it warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = float(function(np.array([x]))[0])
    return f"{value:.3g}" + ("!" if caught else "")


def compare():
    rng = np.random.default_rng(0)
    body = np.concatenate([rng.uniform(-40, 40, 1000), rng.uniform(-700, 700, 500)])
    tail = rng.uniform(-745, -710, 300)
    functions, many = programs(), rng.normal(0, 3, 1_000_000)
    free = nanoseconds(functions, many)
    if torch:
        torch.set_num_threads(1)
    with threadpool_limits(1):
        single = nanoseconds(functions, many)

    print("Error: the largest in ULP for |x| ≤ 700 (1/2 is perfect rounding), and in the tail")
    print("-745…-710. Time: ns an element on 1e6 doubles, on one thread, and left to itself.")
    print("Values: at ±800, and at -720, where the truth is ", end="")
    print(f"{float(true_sigmoid(-720.0)):.3g}; a ! means that it warned.\n")
    print(f"{'':18}{'ULP':>6}{'tail':>9}{'1 thread':>10}{'free':>7}", end="")
    print(f"{'σ(-800)':>10}{'σ(800)':>8}{'σ(-720)':>11}")
    for name, function in functions.items():
        ulp, tail_ulp = (worst(function, true_sigmoid, x)[0] for x in (body, tail))
        print(f"{name:18}{ulp:6.2f}{tail_ulp:9.2g}{single[name]:10.2f}{free[name]:7.2f}", end="")
        print(f"{at(function, -800.0):>10}{at(function, 800.0):>8}{at(function, -720.0):>11}")
        if name == "logreg.sigmoid" and max(ulp, tail_ulp) > 2:
            raise SystemExit("logreg.sigmoid promises 2 ULP and broke it.")
    if not torch:
        print("(PyTorch is not installed: its two rows are left out.)")

    ours, scipy, numpy = (single[name] for name in list(functions)[:3])
    winner, loser = ("NumPy's line", "expit") if numpy < scipy else ("expit", "NumPy's line")
    ratio = max(numpy, scipy) / min(numpy, scipy)
    faster = f"{winner} is {ratio:.1f} times as fast as {loser}"
    verdict = faster if ratio > 1.1 else "expit and NumPy's line are equally fast"
    print(f"\nOn one thread here, {verdict};")
    print(f"ours takes {ours / scipy:.2f} of expit's time, {ours / numpy:.2f} of NumPy's.")
    print(f"The fastest of all is {min(single, key=single.get)}.")


def naive_slope(x):
    return one_line(x) * (1 - one_line(x))


def slopes():
    x = np.random.default_rng(1).uniform(0, 36, 1000)
    (_, naive), (ulp, ours) = (worst(f, true_slope, x) for f in (naive_slope, sigmoid_derivative))
    print("\nσ' for x in [0, 36], largest relative error: ", end="")
    print(f"s (1 - s) {naive:.0%}, ours {ours:.0e} ({ulp:.1f} ULP).")
    kept = f"{sigmoid_derivative(40.0):.4g} (truth {float(true_slope(40.0)):.4g})"
    print(f"σ'(40): s (1 - s) gives {naive_slope(40.0):g}, ours {kept}", end="")
    if torch:
        point = torch.tensor(40.0, dtype=torch.float64, requires_grad=True)
        torch.sigmoid(point).backward()
        print(f", torch's autograd {point.grad.item():g}", end="")
    print(".")
    if ulp > 3:
        raise SystemExit("sigmoid_derivative promises 3 ULP and broke it.")


def relatives():
    x = np.linspace(-10, 10, 2001)
    difference = np.abs(np.tanh(x) - (2 * sigmoid(2 * x) - 1)).max()
    symmetry = np.abs(sigmoid(-x) - (1 - sigmoid(x))).max()
    print(f"\nOver [-10, 10]: tanh(x) and 2σ(2x) - 1 differ by {difference:.0e}", end=", ")
    print(f"σ(-x) and 1 - σ(x) by {symmetry:.0e};\nσ' is largest at ", end="")
    slope = sigmoid_derivative(x)
    print(f"x = {x[slope.argmax()]:.0f}: {slope.max()}.")
    if max(difference, symmetry) > 1e-15:
        raise SystemExit("The identities tanh(x) = 2σ(2x) - 1 and σ(-x) = 1 - σ(x) do not hold.")


def draw():
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.6), layout="constrained")
    x = np.linspace(-10, 10, 801)
    left.plot(x, sigmoid(x), color=BLUE, lw=2.5, label="σ(x) = 1 / (1 + e$^{-x}$)")
    left.plot(x, sigmoid_derivative(x), color=RED, lw=2.5, ls="--", label="σ′(x) = σ(x) (1 − σ(x))")
    left.set_xticks(range(-10, 11, 2))
    left.axhline(0.25, color=GREY, lw=1, ls=":")
    left.text(10, 0.26, "¼, the steepest it gets", ha="right", va="bottom", color="#555555")
    left.plot(0, 0.5, "o", color=BLUE)
    left.annotate("σ(0) = ½", (0, 0.5), (1.1, 0.47), color=BLUE)
    left.set(title="The sigmoid and its slope", xlabel="x, log-odds", ylabel="probability; slope")
    left.legend(loc="upper left")

    x = np.linspace(-4, 4, 401)
    middle.plot(x, np.maximum(x, 0), color="black", lw=2, label="ReLU(x) = max(0, x)")
    smooth = "softplus(x) = −log σ(−x), its slope is σ"
    middle.plot(x, -log_sigmoid(-x), color="black", lw=1.5, ls=":", label=smooth)
    middle.plot(x, np.tanh(x), color=RED, lw=2.5, label="tanh(x)")
    some = x[::20]
    middle.plot(some, 2 * sigmoid(2 * some) - 1, "o", mfc="none", color=RED, label="2σ(2x) − 1")
    arc = "(2/π) arctan(πx/2): reaches ±1 slowly"
    middle.plot(x, 2 / np.pi * np.arctan(np.pi * x / 2), color=GREEN, lw=2, ls="-.", label=arc)
    middle.plot(x, sigmoid(x), color=BLUE, lw=2.5, ls="--", label="σ(x)")
    middle.set(title="Its relatives", xlabel="x", ylabel="output of the unit", ylim=(-1.2, 3.8))
    middle.legend(loc="upper left", fontsize=9)

    x = np.linspace(0, 60, 1201)
    right.semilogy(x, sigmoid_derivative(x), color=BLUE, lw=2.5, label="logreg.sigmoid_derivative")
    naive = naive_slope(x)
    naive[naive == 0] = np.nan  # a logarithmic axis has no zero
    right.semilogy(x, naive, color=RED, lw=2, ls="--", label="s * (1 − s), s = 1/(1 + np.exp(−x))")
    end = x[np.isfinite(naive)][-1]
    right.plot(end, naive[np.isfinite(naive)][-1], "x", color=RED, ms=10, mew=2)
    note = f"from x = {end:.0f} on\nit gives 0"
    right.annotate(note, (end, 1e-16), (end + 4, 1e-13), color=RED)
    right.set(title="The same slope, two programs", xlabel="x", ylabel="σ′(x), logarithmic")
    right.legend(loc="lower left")
    for axes in (left, middle, right):
        axes.grid(alpha=0.25)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=110)
    print(f"\nPicture: {FIGURE.parent.name}/{FIGURE.name}")


if __name__ == "__main__":
    compare()
    slopes()
    relatives()
    draw()

"""One sigmoid unit, trained by hand, is logistic regression.

A unit feeds forward, p = σ(w x + b), is told its error, p - y, and learns by passing a blame δ
back to its weight and bias: the gradient is Σ δ x for w and Σ δ for b. What you learn here:

    squared error ½ (p - y)²                    δ = (p - y) σ'(z)    the delta rule
    log loss -y log p - (1 - y) log(1 - p)      δ = p - y            σ' cancels

- where the unit is sure and wrong σ' is almost 0: the delta rule stalls, the log loss does not;
- by hand, with PyTorch (if installed) and with LogisticRegression the same weights come out;
- gradient descent zig-zags where all inputs are positive, and what centring and a metric do.

Data: 20 students, hours of study and whether they passed the exam, from the article "Logistic
regression" of the English Wikipedia, which gives w = 1.5046 and b = -4.0777.
"""

import importlib.util
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq

from logreg import LogisticRegression, log_sigmoid, sigmoid, sigmoid_derivative

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
BLUE, RED, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"

HOURS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 4, 4.25, 4.5]
HOURS = np.array([*HOURS, 4.75, 5, 5.5])
PASSED = np.array([0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1])
INPUTS = np.column_stack([HOURS, np.ones(20)])  # the bias is the weight of an input that is 1
LARGEST = np.linalg.eigvalsh(INPUTS.T @ INPUTS)[-1]


# -- the unit ------------------------------------------------------------------------------------


def squared_error(theta, A=INPUTS):
    return 0.5 * ((sigmoid(A @ theta) - PASSED) ** 2).sum()


def log_loss(theta, A=INPUTS):
    return -log_sigmoid(np.where(PASSED == 1, 1, -1) * (A @ theta)).sum()


def delta_rule(z, y):
    return (sigmoid(z) - y) * sigmoid_derivative(z)


def residual(z, y):
    return sigmoid(z) - y


def back_propagate(blame, theta, A=INPUTS):
    """The gradient: each row's blame δ times its inputs, summed."""
    return A.T @ blame(A @ theta, PASSED)


def one_student():
    theta, x, y = np.array([-1.0, -2.0]), HOURS[18], PASSED[18]
    z = theta @ [x, 1]
    p, slope = sigmoid(z), sigmoid_derivative(z)
    print(f"One student, w = {theta[0]:g}, b = {theta[1]:g}: feed forward x = {x:g} h, y = {y}:")
    print(f"  z = {z:g}, p = σ(z) = {p:.6f}, error p - y = {p - y:.6f}, σ'(z) = {slope:.6f}")
    for name, blame in (("delta rule", delta_rule), ("log loss", residual)):
        d = blame(z, y)
        print(f"  back-propagation, {name:10}: δ = {d:9.6f}, gradient = ({d * x:9.6f}, {d:9.6f})")
    for loss, blame in ((squared_error, delta_rule), (log_loss, residual)):
        step = 1e-5 * np.eye(2)
        differences = [(loss(theta + s) - loss(theta - s)) / 2e-5 for s in step]
        if not np.allclose(back_propagate(blame, theta), differences, rtol=1e-6, atol=1e-9):
            raise SystemExit(f"Back-propagation is not the derivative of the {loss.__name__}.")
    print("  Both gradients agree with difference quotients of their losses.")


# -- the same weights, three ways ----------------------------------------------------------------


def by_hand(blame, theta, rate, steps=100_000):
    """Gradient descent with a fixed rate; all points on the way."""
    path = [np.asarray(theta, float)]
    for _ in range(steps):
        gradient = back_propagate(blame, path[-1])
        if np.linalg.norm(gradient) < 1e-8:
            break
        path.append(path[-1] - rate * gradient)
    return np.array(path)


def with_torch(rate):
    import torch
    from torch import nn

    torch.manual_seed(0)
    unit = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid()).double()
    x, y = torch.from_numpy(HOURS[:, None]), torch.from_numpy(PASSED[:, None].astype(float))
    loss, optimizer = nn.BCELoss(reduction="sum"), torch.optim.SGD(unit.parameters(), lr=rate)
    for _ in range(100_000):
        optimizer.zero_grad()
        loss(unit(x), y).backward()
        if sum(float(p.grad.norm()) for p in unit.parameters()) < 1e-8:
            break
        optimizer.step()
    return np.array([p.item() for p in unit.parameters()])


def three_ways():
    rate = 4 / LARGEST  # 1 / the largest curvature that the log loss can have, as σ' ≤ 1/4
    path = by_hand(residual, [0, 0], rate)
    model = LogisticRegression(C=np.inf).fit(HOURS[:, None], PASSED)
    ways = {
        f"by hand ({len(path) - 1} steps)": path[-1],
        "LogisticRegression(C=np.inf)": np.array([model.coef_[0, 0], model.intercept_[0]]),
    }
    if importlib.util.find_spec("torch"):
        ways["nn.Linear + nn.Sigmoid"] = with_torch(rate)
    print("\nThe log loss, minimised:")
    for name, (w, b) in ways.items():
        print(f"  {name:29} w = {w:.8f}, b = {b:.8f}")
        if not np.allclose([w, b], path[-1], rtol=0, atol=1e-6):
            raise SystemExit(f"{name} ended at other weights.")
        if not np.allclose([w, b], [1.5046, -4.0777], rtol=0, atol=5e-5):
            raise SystemExit(f"{name} does not give the published weights.")
    if "nn.Linear + nn.Sigmoid" not in ways:
        print("  (PyTorch is not installed: nn.Linear + nn.Sigmoid is left out.)")
    largest = max(np.abs(a - b).max() for a in ways.values() for b in ways.values())
    print(f"  They differ by {largest:.0e} at most, and round to the published 1.5046 and -4.0777.")
    return path[-1]


# -- saturation: the vanishing gradient ----------------------------------------------------------


def bad_start():
    """From a unit that is sure that nobody passes; each loss with its own safe rate."""
    start, z = np.array([0.0, -10.0]), np.linspace(-20, 20, 40_001)
    print(f"\nFrom a bad start, w = 0 and b = -10, where σ' = {sigmoid_derivative(-10.0):.1e}:")
    paths, half = {}, {}
    for blame, name in ((residual, "log loss"), (delta_rule, "squared error")):
        steepest = np.abs(np.gradient(blame(z, 1), z)).max()  # 1/4 for the log loss
        path = paths[blame] = by_hand(blame, start, 1 / (steepest * LARGEST))
        halved = [squared_error(theta) < squared_error(start) / 2 for theta in path]
        half[blame] = int(np.argmax(halved))
        size = np.linalg.norm(back_propagate(blame, start))
        print(f"  {name:13}: first gradient {size:.1e}; half the error after {half[blame]} steps")
    if half[delta_rule] < 10 * half[residual]:
        raise SystemExit("The squared error did not stall.")
    return paths


# -- the zig-zag ---------------------------------------------------------------------------------


def hessian(theta, A):
    return (A.T * sigmoid_derivative(A @ theta)) @ A


def steepest_descent(A, metric=None):
    """Walk along -M⁻¹ g (M = 1: the plain gradient) to the lowest point of each line."""
    path = [np.zeros(2)]
    while True:
        theta = path[-1]
        gradient = back_propagate(residual, theta, A)
        if gradient @ np.linalg.solve(hessian(theta, A), gradient) < 1e-12:
            return np.array(path)  # within 1e-6 standard errors of the optimum
        step = -gradient if metric is None else -np.linalg.solve(metric, gradient)

        def slope(t, theta=theta, step=step):
            return back_propagate(residual, theta + t * step, A) @ step

        t = 1e-3
        while slope(t) < 0:
            t *= 2
        path.append(theta + brentq(slope, 0, t, xtol=1e-15) * step)


def zig_zag():
    """Three walks from 0. (The last two start alike since as many students passed as failed.)"""
    mean = HOURS.mean()
    centred = INPUTS - [mean, 0]
    paths = {
        "hours as they are: all positive": steepest_descent(INPUTS),
        "hours minus their mean": steepest_descent(centred),
        "as they are, preconditioned": steepest_descent(INPUTS, hessian(np.zeros(2), INPUTS)),
    }
    paths["hours minus their mean"][:, 1] -= mean * paths["hours minus their mean"][:, 0]
    print("\nSteps of steepest descent to 1e-6 standard errors:")
    for name, path in paths.items():
        print(f"  {name:32} {len(path) - 1:4}")
    plain, centre, metric = (len(path) for path in paths.values())
    if not max(centre, metric) < plain / 2:
        raise SystemExit("Neither centring nor the metric made gradient descent shorter.")
    same = []
    for A in (INPUTS, centred):
        rows = residual(np.zeros(20), PASSED)[:, None] * A
        same.append((rows[:, 0] * rows[:, 1] > 0).mean())
    print(f"  {same[0]:.0%} of the rows pull w and b the same way (centred: {same[1]:.0%});")
    w, b = paths["hours as they are: all positive"][-1]
    print(f"  the way to the optimum is ({w:+.2f}, {b:+.2f}).")
    told = []
    for solver in ("gd", "pgd", "newton"):
        model = LogisticRegression(C=np.inf, solver=solver).fit(HOURS[:, None], PASSED)
        told.append(f"{solver} {model.n_iter_[0]}")
    print(f"  LogisticRegression centres by itself: {', '.join(told)} iterations.")
    return paths


# -- the picture ---------------------------------------------------------------------------------


def draw(best, saturated, paths):
    figure, axes = plt.subplots(2, 2, figsize=(13, 9.6), layout="constrained")
    (data, blame), (stall, valley) = axes
    x = np.linspace(0, 6, 200)
    data.plot(HOURS, PASSED, "o", color="black", mfc="none", ms=8, label="20 students")
    data.plot(x, sigmoid(best[0] * x + best[1]), color=BLUE, lw=2.5, label="log loss, all ways")
    w, b = saturated[delta_rule][-1]
    data.plot(x, sigmoid(w * x + b), color=RED, lw=2, ls="--", label="squared error")
    middle = -best[1] / best[0]
    data.axvline(middle, color=GREY, lw=1, ls=":")
    data.text(middle + 0.08, 0.05, f"p = ½ at {middle:.2f} hours", color=GREY)
    data.set(title="What the unit learned", xlabel="hours of study", ylabel="probability to pass")
    data.legend(loc="upper left", bbox_to_anchor=(0, 0.93))

    z = np.linspace(-12, 6, 400)
    blame.semilogy(z, -residual(z, 1), color=BLUE, lw=2.5, label="log loss: |p − y|")
    blame.semilogy(z, -delta_rule(z, 1), color=RED, lw=2.5, ls="--", label="squared: |p − y| σ′(z)")
    blame.plot(-10, -delta_rule(-10.0, 1), "o", color=RED)
    blame.text(-9.3, 1.2e-5, "sure and wrong: the delta rule\nlearns almost nothing", color=RED)
    blame.set(title="The vanishing gradient, for a row with y = 1")
    blame.set(xlabel="z = w x + b, log-odds", ylabel="blame |δ|, logarithmic")
    blame.legend(loc="lower center", bbox_to_anchor=(0.5, 0.22))

    names = {residual: ("log loss", BLUE, "-"), delta_rule: ("squared error", RED, "--")}
    for rule, (name, color, style) in names.items():
        errors = [squared_error(theta) / 10 for theta in saturated[rule]]
        stall.semilogx(errors, style, color=color, lw=2.5, label=name)
    stall.set(title="Training from w = 0, b = −10", xlabel="step, logarithmic", ylim=(0, None))
    stall.set(ylabel="mean squared error of the 20 students")
    stall.legend(loc="lower left", title="trained on")

    w, b = np.meshgrid(np.linspace(-0.25, 1.9, 100), np.linspace(-5.2, 0.6, 100))
    F = [log_loss(theta) - log_loss(best) for theta in np.column_stack([w.ravel(), b.ravel()])]
    height = np.reshape(F, w.shape)
    valley.contour(w, b, height, np.geomspace(0.03, 30, 9), colors="0.75", linewidths=1)
    for (name, path), color, style, width in zip(
        paths.items(), (RED, BLUE, GREEN), ("o-", "s-", "^--"), (1.5, 5, 2), strict=True
    ):
        label = f"{name}: {len(path) - 1} steps"
        valley.plot(*path.T, style, color=color, ms=4 + width, lw=width, mfc="none", label=label)
    valley.plot(*best, "*", color="black", ms=12, label="optimum")
    valley.set(title="Steepest descent on the log loss (grey: its height lines)")
    valley.set(xlabel="weight w, log-odds per hour", ylabel="bias b, log-odds")
    valley.legend(loc="lower left")
    for panel in (data, blame, stall):
        panel.grid(alpha=0.25)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=100)
    print(f"\nPicture: {FIGURE.parent.name}/{FIGURE.name}")


if __name__ == "__main__":
    one_student()
    best = three_ways()
    saturated = bad_start()
    draw(best, saturated, zig_zag())

"""Where a straight line is enough, and what to do where it is not.

Logistic regression says P(y=1) = σ(w·x + b): its boundary, where P = 1/2, is the line w·x + b = 0.
What you learn here, on two groups, on XOR and on rings:

- on XOR and rings the best line is about as good as a coin;
- a pipeline that adds x₁², x₁x₂, x₂² as columns solves both: linear in the new columns, curved in
  the old ones;
- a net of two layers of sigmoid units learns such columns by itself, with back-propagation:

    H = σ(X V + c)                    hidden units: each a soft line
    p = σ(H w + b)                    output unit: logistic regression on the hidden units
    δ = (p - y) / n                   blame of the output (log loss)
    Δ = δ wᵀ ∘ σ'(X V + c)            blame of the hidden units: δ sent back along w, times slope
    gradients: Hᵀδ, Σδ, XᵀΔ, ΣΔ       inputs of each layer times its blame
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from logreg import LogisticRegression, log_sigmoid, sigmoid, sigmoid_derivative

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
CORNERS, XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def two_groups(n, rng):
    y = rng.integers(0, 2, n)
    return rng.normal(0, 0.8, (n, 2)) + np.where(y == 1, 0.8, -0.8)[:, None] * [1, 0.6], y


def xor(n, rng):
    X = rng.uniform(-2, 2, (n, 2))
    return X, (X[:, 0] * X[:, 1] < 0).astype(int)


def rings(n, rng):
    y = rng.integers(0, 2, n)
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = np.where(y == 1, 0.7, 1.7) + rng.normal(0, 0.17, n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y


class TwoLayers:
    """Sigmoid units on sigmoid units, by gradient descent with momentum."""

    def __init__(self, hidden=6, rate=1.0, steps=800, seed=0):
        self.hidden, self.rate, self.steps, self.seed = hidden, rate, steps, seed

    def start(self, d):
        rng, h = np.random.default_rng(self.seed), self.hidden
        return [rng.normal(0, 1, (d, h)), rng.normal(0, 1, h), rng.normal(0, 1, h), np.zeros(())]

    @staticmethod
    def margins(weights, X):
        V, c, w, b = weights
        z = X @ V + c
        return z, sigmoid(z) @ w + b

    def loss(self, weights, X, y):
        return -log_sigmoid(np.where(y == 1, 1, -1) * self.margins(weights, X)[1]).mean()

    def gradients(self, weights, X, y):
        z, output = self.margins(weights, X)
        blame = (sigmoid(output) - y) / len(y)
        hidden_blame = np.outer(blame, weights[2]) * sigmoid_derivative(z)
        return [X.T @ hidden_blame, hidden_blame.sum(0), sigmoid(z).T @ blame, blame.sum()]

    def fit(self, X, y):
        self.weights = self.start(X.shape[1])
        speed = [np.zeros_like(part) for part in self.weights]
        for _ in range(self.steps):
            slopes = self.gradients(self.weights, X, y)
            speed = [0.9 * v - self.rate * g for v, g in zip(speed, slopes, strict=True)]
            self.weights = [part + v for part, v in zip(self.weights, speed, strict=True)]
        return self

    def predict_proba(self, X):
        p = sigmoid(self.margins(self.weights, X)[1])
        return np.column_stack([1 - p, p])

    def score(self, X, y):
        return ((self.predict_proba(X)[:, 1] > 0.5) == y).mean()


def check_back_propagation():
    net = TwoLayers(hidden=3)
    weights = net.start(2)
    worst = 0.0
    for part, slopes in zip(weights, net.gradients(weights, CORNERS, XOR), strict=True):
        for index in np.ndindex(part.shape):
            kept, quotient = part[index].copy(), 0.0
            for sign in (1, -1):
                part[index] = kept + sign * 1e-5
                quotient += sign * net.loss(weights, CORNERS, XOR) / 2e-5
            part[index] = kept
            worst = max(worst, abs(quotient - slopes[index]))
    print(f"Back-propagation and difference quotients of the loss differ by {worst:.0e} at most.")
    if worst > 1e-8:
        raise SystemExit("Back-propagation is wrong.")


def four_corners():
    """XOR at its smallest: (0,0) and (1,1) against (0,1) and (1,0)."""
    model = LogisticRegression(C=np.inf).fit(CORNERS, XOR)
    p = model.predict_proba(CORNERS)[:, 1]
    largest = max(np.abs(model.coef_).max(), abs(model.intercept_[0]))
    print("\nXOR of four points. The best line of all, unpenalised, has all weights ", end="")
    print(f"within {largest:.0e} of 0\n  and gives P = {p.round(6)}: it knows nothing.")
    if np.abs(p - 0.5).max() > 1e-6:
        raise SystemExit("By symmetry, every probability should be 1/2.")
    for hidden in (1, 2, 3, 4):
        nets = [TwoLayers(hidden, seed=seed).fit(CORNERS, XOR) for seed in range(12)]
        solved = sum(net.score(CORNERS, XOR) == 1 for net in nets)
        print(f"  a net, hidden units: {hidden}; solves it from {solved} of {len(nets)} starts")
        if hidden == 1 and solved:
            raise SystemExit("One hidden unit has one line: it cannot solve XOR.")


def models():
    return {
        "logistic regression": LogisticRegression(),
        "polynomial features + the same": make_pipeline(
            PolynomialFeatures(2, include_bias=False), LogisticRegression()
        ),
        "6 hidden sigmoid units": TwoLayers(),
    }


def explain(problem, fitted):
    """What the models found, in words of the input."""
    line, curve = fitted[0], fitted[1]
    if problem == "two groups":
        (w1, w2), b = line.coef_[0], line.intercept_[0]
        print(f"  the line: x₂ = {-b / w2:.2f} {-w1 / w2:+.2f} x₁")
    else:
        names = curve[0].get_feature_names_out(["x₁", "x₂"])
        terms = [f"{c:+.2f} {name}" for name, c in zip(names, curve[1].coef_[0], strict=True)]
        print(f"  the curve: {' '.join(terms)} {curve[1].intercept_[0]:+.2f} = 0")


def compare():
    rng = np.random.default_rng(4)
    table = {}
    print(f"\nAccuracy on 400 new points, fitted to 400:\n{'':14}", end="")
    print("  ".join(models()))
    for problem, make in (("two groups", two_groups), ("XOR", xor), ("rings", rings)):
        (X, y), (X_new, y_new) = make(400, rng), make(400, rng)
        fitted = [model.fit(X, y) for model in models().values()]
        scores = [model.score(X_new, y_new) for model in fitted]
        table[problem] = X_new, y_new, fitted, scores
        widths = [len(name) + 2 for name in models()]
        print(f"{problem:12}", "".join(f"{s:{w}.1%}" for s, w in zip(scores, widths, strict=True)))
        explain(problem, fitted)
        if problem != "two groups" and not (scores[0] < 0.7 and min(scores[1:]) > 0.95):
            raise SystemExit(f"On {problem} a line should fail and the curves should not.")
    return table


def draw(table):
    figure, axes = plt.subplots(3, 3, figsize=(11, 12.2), layout="constrained")
    x1, x2 = np.meshgrid(np.linspace(-2.6, 2.6, 150), np.linspace(-2.6, 2.6, 150))
    grid = np.column_stack([x1.ravel(), x2.ravel()])
    for row, (problem, (X, y, fitted, scores)) in zip(axes, table.items(), strict=True):
        for panel, name, model, score in zip(row, models(), fitted, scores, strict=True):
            p = model.predict_proba(grid)[:, 1].reshape(x1.shape)
            levels = np.linspace(0, 1, 11)
            filled = panel.contourf(x1, x2, p, levels, cmap="PuOr", alpha=0.55)
            panel.contour(x1, x2, p, [0.5], colors="black", linewidths=2)
            for k, marker, color in ((0, "o", "#B35806"), (1, "^", "#542788")):
                style = {"s": 24, "color": color, "edgecolor": "white", "linewidth": 0.4}
                panel.scatter(*X[y == k].T, marker=marker, label=f"y = {k}", **style)
            panel.set(title=f"{problem}, {score:.1%} right\n{name}", aspect="equal")
            panel.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6))
    for panel in axes[-1]:
        panel.set_xlabel("x₁")
    for panel in axes[:, 0]:
        panel.set_ylabel("x₂")
    axes[0, 0].legend(loc="lower right", markerscale=1.3, framealpha=0.95)
    bar = figure.colorbar(filled, ax=axes, location="bottom", shrink=0.5, aspect=40, pad=0.01)
    bar.set_label("P(y = 1); the black line is the boundary, P = ½")
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=90)
    print(f"\nPicture: {FIGURE.parent.name}/{FIGURE.name}")


if __name__ == "__main__":
    check_back_propagation()
    four_corners()
    draw(compare())

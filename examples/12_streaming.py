"""Learn from a stream that never ends: each row is seen once, and nothing is tuned.

`partial_fit` keeps no rows but a few, and yet ends where a fit of all of them would: it follows
the optimum, in the metric of all the curvature so far, so there is no learning rate to choose and
no column to scale.

- progressive validation: each batch is predicted before it is learned, so every row is test data;
- after one pass: how far from the optimum of all rows, against scikit-learn's SGDClassifier;
- drift: the world changes on the way, and `forgetting` lets the past fade.

The picture shows the log loss of each batch before it was learned.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss

from logreg import LogisticRegression

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
ROWS, BATCH = 60_000, 500
FORGETTING = 0.9995
CLASSES = [0, 1]
NAMES = ("price", "hour", "account age", "campaign")


def clicks(n=ROWS, drift=False, seed=0):
    """Visits to a shop, in raw units: price, hour, age of the account in seconds, and a campaign.

    With a drift, what people make of price and campaign turns round two thirds of the way.
    """
    rng = np.random.default_rng(seed)
    price = rng.lognormal(3.0, 0.8, n)
    hour = rng.uniform(0, 24, n)
    age = rng.exponential(3e7, n)
    campaign = (rng.random(n) < 0.1).astype(float)
    turned = np.where(drift & (np.arange(n) > 2 * n // 3), -1.0, 1.0)
    margin = -1.0 + turned * (1.5 * campaign - 0.05 * (price - 25)) + 0.05 * hour - 2e-8 * age
    bought = (rng.random(n) < 1 / (1 + np.exp(-margin))).astype(int)
    return np.column_stack([price, hour, age, campaign]), bought


def batches(X, y):
    for start in range(0, len(y), BATCH):
        yield X[start : start + BATCH], y[start : start + BATCH]


def progressive(model, X, y, **options):
    """The log loss of each batch before it is learned; of the first, of knowing nothing."""
    losses = []
    for rows, classes in batches(X, y):
        known = hasattr(model, "coef_")
        p = model.predict_proba(rows) if known else np.full((len(rows), 2), 0.5)
        losses.append(log_loss(classes, p, labels=CLASSES))
        model.partial_fit(rows, classes, classes=CLASSES, **options)
    return np.array(losses)


def main():
    X, y = clicks()
    stream = LogisticRegression(C=np.inf)
    losses = progressive(stream, X, y)
    whole = LogisticRegression(C=np.inf).fit(X, y)
    best = log_loss(y, whole.predict_proba(X))
    unit = (X.shape[1] + 1) / 2 / len(y)  # what chance makes of the optimum itself

    print(f"{ROWS:,} rows in batches of {BATCH}, each learned once.\n")
    print("Coefficients           " + "".join(f"{name:>12}" for name in NAMES))
    for name, model in (("of the stream", stream), ("of a fit of all rows", whole)):
        print(f"  {name:21}" + "".join(f"{w:12.3g}" for w in model.coef_[0]))

    print("\nLog loss on all rows above the optimum, in units of d/(2n):")
    print(f"  partial_fit                     {excess(stream, X, y, best) / unit:12.4f}")
    sgd = SGDClassifier(loss="log_loss", random_state=0)
    progressive(sgd, X, y)
    print(f"  SGDClassifier, the same rows    {excess(sgd, X, y, best) / unit:12,.0f}")
    scale = X.std(axis=0)
    sgd = SGDClassifier(loss="log_loss", random_state=0)
    progressive(sgd, X / scale, y)
    print(f"  SGDClassifier, scaled columns   {excess(sgd, X / scale, y, best) / unit:12,.0f}")

    X, y = clicks(drift=True)
    keeping = progressive(LogisticRegression(C=np.inf), X, y)
    fading = progressive(LogisticRegression(C=np.inf), X, y, forgetting=FORGETTING)
    half_life = np.log(0.5) / np.log(FORGETTING)
    print("\nWhen the world turns round, progressive log loss of the last quarter:")
    last = slice(3 * len(keeping) // 4, None)
    print(f"  nothing forgotten              {keeping[last].mean():.4f}")
    print(f"  forgetting={FORGETTING}              {fading[last].mean():.4f}")
    print(f"  (by which the past counts half in {half_life:,.0f} rows)")

    draw(losses, best, keeping, fading, half_life)
    print(f"\nThe picture is in {FIGURE.relative_to(Path.cwd())}.")


def excess(model, X, y, best):
    return log_loss(y, model.predict_proba(X)) - best


def draw(losses, best, keeping, fading, half_life):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), sharex=True)
    rows = BATCH * np.arange(1, len(losses) + 1)
    left.plot(rows, losses, ".", markersize=3, alpha=0.5, label="each batch, before it is learned")
    left.plot(rows, np.cumsum(losses) / np.arange(1, len(losses) + 1), label="mean so far")
    left.axhline(best, color="0.3", linewidth=1, linestyle="--", label="optimum of all rows")
    left.set_title("A stream that stays the same", loc="left", fontsize=11)
    left.set_ylabel("log loss")
    smooth = np.ones(6) / 6
    for losses, name in (
        (keeping, "nothing forgotten"),
        (fading, f"half-life {half_life:,.0f} rows"),
    ):
        right.plot(rows[5:], np.convolve(losses, smooth, mode="valid"), label=name)
    right.axvline(2 * ROWS // 3, color="0.3", linewidth=1, linestyle=":")
    right.set_title("Two thirds of the way the world turns round", loc="left", fontsize=11)
    for axis in (left, right):
        axis.set_xlabel("rows")
        axis.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()

"""A fit on a cluster: the data stay on the workers, and one of them may die.

Two million rows of thirty columns are made, chunk by chunk, by the processes of a LocalCluster, and
never come together anywhere. The fit sends the coefficients out and adds up what comes back: some
ten rounds of a few kilobytes, and a sample of the rows in the first two. What you learn here:

- `logreg.dask.LogisticRegression` is the same estimator, over Dask's arrays and frames;
- probabilities are lazy: an array that is computed where and when it is needed;
- a worker is killed in the midst of a second fit: its chunks are made again, the answer stays.

What changes for a real cluster is the line that makes the client:

    with Client("tcp://scheduler:8786") as client:

where the address comes from `dask scheduler`, or from dask-jobqueue, dask-kubernetes and the like,
and logreg is installed on the workers too. Data then come from what all workers can reach, as in
dask.dataframe.read_parquet("s3://..."), in chunks of some 100 MB, several for each thread.

The picture shows the distance from the optimum and the time of each iteration, of both fits.
"""

import logging
import os
import signal
from pathlib import Path
from time import perf_counter

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, LocalCluster, wait

from logreg.dask import LogisticRegression

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"
ROWS, COLUMNS, CHUNK = 2_000_000, 30, 100_000
KILLED_AT = 2  # the iteration


def visits():
    """Rows to come, in columns of all sorts of units that depend on each other."""
    rng = da.random.default_rng(0)
    scale = 10.0 ** np.random.default_rng(1).uniform(-3, 3, COLUMNS)
    own = rng.normal(size=(ROWS, COLUMNS), chunks=(CHUNK, -1))
    common = rng.normal(size=(ROWS, 1), chunks=(CHUNK, -1))
    X = (own + common) * scale
    margin = X @ (np.linspace(-1, 1, COLUMNS) / scale) - 2
    y = margin + rng.logistic(size=ROWS, chunks=CHUNK) > 0
    return X, y.astype(np.int8)


class Killer:
    """A callback of scikit-learn's: kills a worker when an iteration has ended."""

    def __init__(self, client):
        self.client, self.iterations = client, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **of_task):
        pass

    def on_fit_task_end(self, estimator, context, **of_task):
        if self.iterations == KILLED_AT:
            address, pid = self.client.run(os.getpid).popitem()
            rows = sum(address in where for where in self.client.who_has().values())
            os.kill(pid, signal.SIGKILL)
            print(f"  after iteration {KILLED_AT}: killed process {pid}, which had {rows} results")
        self.iterations += 1


def timed_fit(X, y, *callbacks):
    start = perf_counter()
    model = LogisticRegression(C=np.inf)
    if callbacks:
        model.set_callbacks(*callbacks)
    model.fit(X, y)
    print(f"  {perf_counter() - start:.1f} s, {model.n_passes_} rounds, {model.outcome_.name}")
    return model


def main():
    # Any free port will do for the dashboard, and Dask is not to tell of the worker that is killed.
    options = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster,
        Client(cluster) as client,
    ):
        X, y = client.persist(visits())
        wait([X, y])
        print(f"{X.nbytes / 1e6:,.0f} MB in {X.numblocks[0]} chunks on 2 processes")

        print("\nA fit:")
        model = timed_fit(X, y)
        print(model.history_[["objective", "standard_errors", "passes", "seconds"]].to_string())

        print("\nProbabilities, lazy:")
        p = model.predict_proba(X)
        print(f"  {p}")
        mean, rate, accuracy = p[:, 1].mean().compute(), y.mean().compute(), model.score(X, y)
        print(f"  on average {mean:.6f}, of the classes {rate:.6f}; accuracy {accuracy:.4f}")

        print("\nThe same fit, in the midst of which a worker dies:")
        again = timed_fit(X, y, Killer(client))
        apart = np.abs(again.coef_ / model.coef_ - 1).max()
        print(f"  coefficients differ by {apart:.1e} at most, relatively")

    draw(model.history_, again.history_)
    print(f"\nThe picture is in {FIGURE.relative_to(Path.cwd())}.")


def draw(calm, disturbed):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6))
    for history, color, style, shift, name in (
        (calm, BLUE, "o-", -0.2, "undisturbed"),
        (disturbed, RED, "x--", 0.2, "a worker is killed"),
    ):
        left.semilogy(history["passes"], history["standard_errors"], style, color=color, label=name)
        seconds = np.diff(history["seconds"], prepend=0.0)
        right.bar(history.index + shift, seconds, 0.4, color=color, label=name)
    for axis, place in ((left, disturbed["passes"][KILLED_AT]), (right, KILLED_AT + 0.5)):
        axis.axvline(place, color=GREY, linewidth=1, linestyle=":")
        where = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
        axis.annotate("killed", (place, 0.94), (4, 0), color=GREY, fontsize=8, **where)
    left.axhline(1e-6, color=GREY, linewidth=1)
    left.annotate("tol", (left.get_xlim()[0], 1e-6), (4, 3), textcoords="offset points")
    left.set_xlabel("rounds (the first two look at the data and draw a sample)")
    left.set_title("Standard errors from the optimum", loc="left", fontsize=11)
    right.set_xlabel("iteration (0 has the sample to draw)")
    right.set_title("Seconds of each iteration", loc="left", fontsize=11)
    for axis in (left, right):
        axis.legend(frameon=False, fontsize=8, loc="upper right")
    figure.tight_layout()
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()

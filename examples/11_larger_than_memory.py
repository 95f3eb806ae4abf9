"""A fit to files that need not fit in memory: a folder of Parquet, block by block.

Three million rows of twenty columns, half a gigabyte, lie on disk in twelve files. `fit_blocks`
reads them about as often as Newton's method has steps and holds a few blocks at a time, so what
memory the fit takes does not depend on the number of rows. What you learn
here:

- how to name a folder, the target and nothing else: `ArrowBlocks`;
- how much memory the fit took, measured while it ran, beside the size of the data;
- why not to be content with a sample that fits in memory: how far either answer is from the truth,
  which is known as the data are made up.

The picture shows the memory over time and the distance to the optimum after each pass.
"""

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression as InMemory

from logreg import ArrowBlocks, LogisticRegression

FIGURE = Path(__file__).parent / "figures" / f"{Path(__file__).stem}.png"
BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"
FILES, ROWS, COLUMNS = 12, 250_000, 20
MB = 2**20


def write_folder(folder):
    """Write the files, one at a time, and return the coefficients behind them."""
    rng = np.random.default_rng(0)
    scale = 10.0 ** rng.uniform(-1, 1, COLUMNS)  # columns in all sorts of units
    truth = rng.normal(size=COLUMNS) / scale / 4
    for k in range(FILES):
        X = rng.normal(size=(ROWS, COLUMNS)) * scale
        ill = rng.random(ROWS) < expit(X @ truth - 1)
        columns = {f"x{j}": X[:, j] for j in range(COLUMNS)} | {"ill": ill}
        pq.write_table(pa.table(columns), folder / f"part-{k:02}.parquet", row_group_size=100_000)
    return truth, scale


def memory():
    """Bytes that this process has now, without files' pages (where /proc tells: on Linux)."""
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        import resource  # not on Windows; on a Mac, the most so far

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = [line for line in status.splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024


@contextmanager
def watched():
    """A list of (seconds, bytes more than at the start), which grows inside the `with`."""
    start, before, samples, done = perf_counter(), memory(), [], Event()

    def watch():
        while not done.wait(0.01):
            samples.append((perf_counter() - start, memory() - before))

    thread = Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def draw(samples, size, history):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    seconds, extra = np.array(samples).T
    left.fill_between(seconds, extra / MB, color=BLUE, alpha=0.3, lw=0)
    left.plot(seconds, extra / MB, color=BLUE, label="the fit")
    left.axhline(size / MB, color=RED, ls="--", label="the data, as numbers in memory")
    left.set(xlabel="seconds", ylabel="extra memory, MB")
    left.set_ylim(bottom=0)
    left.set_title("Memory while the fit runs", loc="left", fontsize=11)
    left.legend(frameon=False)

    right.semilogy(history["passes"], history["standard_errors"], "o-", color=BLUE)
    right.set(xlabel="passes over the files", ylabel="distance to the optimum, standard errors")
    right.set_title("A few passes are enough", loc="left", fontsize=11)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=130)


def main():
    with TemporaryDirectory() as name:
        folder = Path(name)
        truth, scale = write_folder(folder)
        blocks = ArrowBlocks(folder, target="ill")
        on_disk = sum(file.stat().st_size for file in folder.iterdir())
        size = 8 * FILES * ROWS * COLUMNS
        print(f"{blocks}: {on_disk / MB:.0f} MB on disk.\n")

        with watched() as samples:
            model = LogisticRegression(verbose=1).fit_blocks(blocks)

        peak = max(extra for _, extra in samples)
        print(f"\n{model.outcome_.name.lower()} after {model.n_passes_} passes over the files.")
        print(f"Extra memory at most {peak / MB:.0f} MB; X in memory is {size / MB:.0f} MB.")

        (X, y), *_ = ArrowBlocks(folder / "part-00.parquet", target="ill", batch_rows=ROWS)
        sample = InMemory(solver="newton-cholesky").fit(X, y)
        print("\nDistance from the true coefficients (root mean square, each times its column's")
        print("standard deviation):")
        for what, fitted in ((f"{FILES} files", model), ("one file, scikit-learn", sample)):
            distance = np.sqrt(np.mean(((fitted.coef_[0] - truth) * scale) ** 2))
            print(f"  {what:24} {distance:.5f}")

    draw(samples, size, model.history_)
    print(f"\nThe picture is in {FIGURE.relative_to(Path.cwd())}.")


if __name__ == "__main__":
    main()

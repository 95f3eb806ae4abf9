"""Larger than memory: fits of 20 GB on disk, with 500 MB of memory on top of the process.

    python benchmarks/out_of_core.py [gigabytes] [folder]

Writes a table of standard-normal columns as a raw file (for a memory map) and as Parquet, once
each, and fits both by blocks. A pass is compared with plain reading of the same file from start to
end by NumPy or pyarrow, interleaved. Caches are dropped before each where that is allowed, as by
root on Linux; else the table has to be larger than memory. Memory is what the process has of its
own (RssAnon), so the pages of files do not count.
"""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from logreg import ArrowBlocks, LogisticRegression

COLUMNS, ROWS = 100, 50_000  # of a block
DROP = Path("/proc/sys/vm/drop_caches")


class Slices:
    """Blocks of a memory map."""

    def __init__(self, X: np.memmap, y: np.ndarray) -> None:
        self.X, self.y = X, y

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for a in range(0, len(self.y), ROWS):
            yield self.X[a : a + ROWS], self.y[a : a + ROWS]


def blocks(n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A table of n rows, made block by block."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=COLUMNS) / np.sqrt(COLUMNS)
    for a in range(0, n, ROWS):
        X = rng.standard_normal((min(ROWS, n - a), COLUMNS))
        yield X, (X @ w + rng.logistic(size=len(X)) > 0).astype(np.int8)


def write(folder: Path, n: int) -> None:
    """The raw file, and Parquet of a quarter of the rows: it takes four times as long to read."""
    with open(folder / "X.raw", "wb") as raw, open(folder / "y.raw", "wb") as labels:
        for X, y in blocks(n):
            raw.write(X.tobytes())
            labels.write(y.tobytes())
    schema = pa.schema([(f"x{j}", pa.float64()) for j in range(COLUMNS)] + [("y", pa.int8())])
    with pq.ParquetWriter(folder / "table.parquet", schema, compression="none") as file:
        for X, y in blocks(n // 4):
            columns = [pa.array(X[:, j]) for j in range(COLUMNS)] + [pa.array(y)]
            file.write_table(pa.table(columns, schema=schema))


def read_raw(folder: Path) -> None:
    buffer = bytearray(2**24)
    with open(folder / "X.raw", "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def read_parquet(folder: Path) -> None:
    for _ in ds.dataset(folder / "table.parquet").to_batches():
        pass


def cold() -> None:
    with contextlib.suppress(OSError):
        DROP.write_text("3")


def anonymous() -> int:
    (line,) = [
        line for line in Path("/proc/self/status").read_text().splitlines() if "RssAnon" in line
    ]
    return int(line.split()[1]) * 1024


def watched(job: Callable[[], Any]) -> tuple[Any, float, int]:
    """What the job returns, its seconds, and the most memory on top while it ran."""
    before, most, done = anonymous(), 0, Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.02):
            most = max(most, anonymous() - before)

    watcher = Thread(target=watch)
    watcher.start()
    start = perf_counter()
    try:
        result = job()
    finally:
        seconds = perf_counter() - start
        done.set()
        watcher.join()
    return result, seconds, most


def timed(job: Callable[[], None]) -> float:
    cold()
    start = perf_counter()
    job()
    return perf_counter() - start


def main(gigabytes: float, folder: Path) -> None:
    n = int(gigabytes * 1e9 / (8 * COLUMNS))
    if not (folder / "table.parquet").exists():
        write(folder, n)
    y = np.fromfile(folder / "y.raw", dtype=np.int8)
    X = np.memmap(folder / "X.raw", dtype=np.float64, mode="r", shape=(len(y), COLUMNS))
    jobs = {
        "memory map": (read_raw, lambda: Slices(X, y)),
        "Parquet": (read_parquet, lambda: ArrowBlocks(folder / "table.parquet", target="y")),
    }
    print("| file | size | passes | fit | a pass | plain read | speed | memory on top |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, (read, source) in jobs.items():
        file = folder / ("X.raw" if name == "memory map" else "table.parquet")
        size = file.stat().st_size / 1e9
        plain = [timed(lambda read=read: read(folder))]
        cold()
        model, seconds, memory = watched(
            lambda source=source: LogisticRegression().fit_blocks(source())
        )
        plain.append(timed(lambda read=read: read(folder)))
        a_pass, reading = seconds / model.n_passes_, float(np.median(plain))
        print(
            f"| {name} | {size:.1f} GB | {model.n_passes_} | {seconds:.0f} s | {a_pass:.1f} s | "
            f"{reading:.1f} s, {size / reading:.2f} GB/s | {reading / a_pass:.0%} | "
            f"{memory / 1e6:.0f} MB |",
            flush=True,
        )


if __name__ == "__main__":
    size = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    if len(sys.argv) > 2:
        main(size, Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(size, Path(folder))

"""Memory that a fit takes on top of X, as a share of X: each fit in a process of its own.

    python benchmarks/memory.py

The peak of the resident memory (ru_maxrss) after a fit, less that before it. A fit of a small table
comes first, so that libraries and thread pools are loaded.
"""

import resource
import subprocess
import sys

import numpy as np
from peers import PEERS
from tables import normal, text

from logreg import LogisticRegression

TABLES = {
    "1,000,000 x 28": lambda: normal(1_000_000, 28),
    "60,000 x 1000": lambda: normal(60_000, 1000),
    "text 30,000 x 20,000": text,
}


def fit(name: str, X, y) -> None:
    if name == "logreg":
        LogisticRegression().fit(X, y)
    else:
        next(p for p in PEERS if p.name == name).fit(X, y, 1.0, 1e-6)


def peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def size(X) -> int:
    return X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes


def share(table: str, name: str) -> float:
    """In this process: the extra memory of a fit as a share of X."""
    fit(name, *normal(20_000, 10))
    X, y = TABLES[table]()
    # what made X is given back but stays in the peak: fill it up
    room = np.ones(max(0, peak() - current()) // 8 + 1)
    before = peak()
    fit(name, X, y)
    return (peak() - before) / size(X) if len(room) else np.nan


def current() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def measured(table: str, name: str) -> float:
    """The same in a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, table, name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    return float(done.stdout) if done.returncode == 0 else np.nan


def rows() -> list[str]:
    """The table of the document, a line a table of data."""
    names = ["logreg", "lbfgs", "newton-cholesky", "newton-cg", "glum"]
    lines = ["| extra memory / X | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|"]
    for table in TABLES:
        dense = "text" not in table
        shares = [
            measured(table, n) if dense or n not in ("glum", "newton-cholesky") else np.nan
            for n in names
        ]
        cells = ["-" if np.isnan(s) else f"{s:.0%}" for s in shares]
        lines.append(f"| {table} | " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(share(*sys.argv[1:]))
    else:
        print("\n".join(rows()))

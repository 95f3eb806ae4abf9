"""Dask: ours against dask-ml's and Spark MLlib's logistic regression, at equal accuracy.

    python benchmarks/cluster.py [rows] [columns] [--dask-ml PYTHON] [--spark PYTHON]

PYTHON is the interpreter of an environment that has the peer, as they need other versions than
ours: `pip install dask-ml`, `pip install pyspark` (and Java). Each has two processes of one thread,
its data in memory before the clock starts, and climbs a ladder of tolerances; the time is that of
the loosest fit with F - F* ≤ 1e-6 F*, F being our objective at C=10,000, of which the penalty is
next to nothing: theirs is on the coefficients of scaled columns.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

ACCURATE = 1e-6  # of F*
STRENGTH = 1e4  # C: dask-ml and Spark penalise the coefficients of scaled columns
CHUNKS, WORKERS = 20, 2
PATIENCE = 600  # seconds for a peer


def table(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal columns of three decades of sizes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    margin = X @ (rng.normal(size=d) / np.sqrt(d))
    X *= 10.0 ** rng.uniform(-1.5, 1.5, d)
    return X, (margin + rng.logistic(size=n) > 0).astype(np.int8)


def dask_ml(folder: str, d: int) -> None:
    """A line of JSON a tolerance."""
    from dask.distributed import Client, LocalCluster
    from dask_ml.linear_model import LogisticRegression

    cluster = LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0")
    with cluster, Client(cluster):
        X, y = in_chunks(folder, d)
        for solver in ("newton", "lbfgs"):  # its default, admm, took over 50 s for 200,000 x 20
            for tol in (1e-2, 1e-4):
                model = LogisticRegression(solver=solver, tol=tol, C=STRENGTH, max_iter=200)
                start = perf_counter()
                try:
                    model.fit(X, y)
                except Exception as error:
                    tell(solver=solver, tol=tol, error=f"{type(error).__name__}: {error}"[:200])
                    break
                told(solver, tol, perf_counter() - start, model.coef_, model.intercept_)


def in_chunks(folder: str, d: int) -> tuple[Any, Any]:
    """The table as Dask's, in the memory of its workers."""
    import dask
    import dask.array as da

    y = np.load(f"{folder}/y.npy").astype(int)
    n, rows = len(y), -(-len(y) // CHUNKS)

    def part(a: int) -> np.ndarray:
        return np.array(np.load(f"{folder}/X.npy", mmap_mode="r")[a : a + rows])

    chunks = [
        da.from_delayed(dask.delayed(part)(a), (min(rows, n - a), d), float)
        for a in range(0, n, rows)
    ]
    X, y = da.concatenate(chunks).persist(), da.from_array(y, chunks=rows).persist()
    X.sum().compute()
    return X, y


def spark(folder: str, d: int) -> None:
    """The same for Spark."""
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import VectorAssembler
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master(f"local[{WORKERS}]")
        .config("spark.driver.memory", "12g")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    frame = session.read.parquet(f"{folder}/table.parquet")
    names = [name for name in frame.columns if name != "y"]
    frame = VectorAssembler(inputCols=names, outputCol="features").transform(frame)
    frame = frame.selectExpr("features", "cast(y as double) as label").repartition(CHUNKS).cache()
    n = frame.count()
    for standardization in (True, False):
        for tol in (1e-3, 1e-5, 1e-7, 1e-9):
            model = LogisticRegression(
                regParam=1.0 / (STRENGTH * n),
                elasticNetParam=0.0,
                tol=tol,
                maxIter=500,
                standardization=standardization,
            )
            start = perf_counter()
            fitted = model.fit(frame)
            solver = f"standardization={standardization}"
            seconds = perf_counter() - start
            told(solver, tol, seconds, fitted.coefficients.toArray(), fitted.intercept)
    session.stop()


def told(solver: str, tol: float, seconds: float, coef: Any, intercept: Any) -> None:
    w, b = np.asarray(coef, float).ravel(), float(np.ravel(intercept)[0])
    tell(solver=solver, tol=tol, seconds=seconds, coef=w.tolist(), intercept=b)


def tell(**found: Any) -> None:
    print("FOUND " + json.dumps(found), flush=True)


def ours(folder: str, d: int) -> list[dict[str, Any]]:
    """Two fits over Dask, the first with the start of everything in it."""
    from distributed import Client, LocalCluster

    from logreg.dask import LogisticRegression

    found = []
    cluster = LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0")
    with cluster, Client(cluster):
        X, y = in_chunks(folder, d)
        for tol in (1e-6, 1.0, 1e-1, 1e-6):  # the first starts everything
            start = perf_counter()
            model = LogisticRegression(C=STRENGTH, tol=tol).fit(X, y)
            seconds = perf_counter() - start
            w, b = model.coef_.ravel().tolist(), float(model.intercept_[0])
            found.append(
                {"solver": f"{model.n_passes_} rounds", "tol": tol, "seconds": seconds}
                | {"coef": w, "intercept": b}
            )
    return found[1:]


def peer(python: str, what: str, folder: str, d: int) -> list[dict[str, Any]]:
    command = [python, __file__, "--run", what, "--folder", folder, "--columns", str(d)]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
        out, errors = ended.stdout, ended.stderr
    except subprocess.TimeoutExpired as late:
        print(f"{what}: stopped after {PATIENCE} s")
        out, errors = late.stdout or b"", late.stderr or b""
    lines = [line[6:] for line in out.decode().splitlines() if line.startswith("FOUND ")]
    if not lines:
        print(errors.decode()[-2000:])
    return [json.loads(line) for line in lines]


def main(n: int, d: int, python: dict[str, str | None]) -> None:
    from logreg import LogisticRegression
    from logreg.inputs import check_fit
    from logreg.penalty import ElasticNet
    from logreg.problem import pose

    with tempfile.TemporaryDirectory() as folder:
        X, y = table(n, d)
        np.save(f"{folder}/X.npy", X)
        np.save(f"{folder}/y.npy", y)
        objective = pose(
            check_fit(LogisticRegression(), X, y, None, None, None), ElasticNet.of(STRENGTH)
        )

        def value(w: Any, b: float) -> float:
            theta = objective.design.from_user(np.atleast_2d(w), np.array([b]))
            return objective.at(theta.ravel()).value

        start = perf_counter()
        best = LogisticRegression(C=STRENGTH, tol=1e-9).fit(X, y)
        print(f"{n} x {d}; in memory, to tol=1e-9: {perf_counter() - start:.1f} s")
        least = value(best.coef_, float(best.intercept_[0]))
        results = {"logreg.dask": ours(folder, d)}
        if python["dask-ml"]:
            results["dask-ml"] = peer(python["dask-ml"], "dask-ml", folder, d)
        if python["spark"]:
            import pyarrow as pa
            import pyarrow.parquet as pq

            columns = {f"x{j}": X[:, j] for j in range(d)} | {"y": y}
            pq.write_table(pa.table(columns), Path(folder) / "table.parquet", row_group_size=2**18)
            results["Spark MLlib"] = peer(python["spark"], "spark", folder, d)
        report(results, value, least)


def report(results: dict[str, list[dict[str, Any]]], value: Any, least: float) -> None:
    print("| package | solver | tol | s | (F - F*) / F* |\n| --- | --- | --- | --- | --- |")
    fastest = {}
    for name, found in results.items():
        for each in found:
            if "error" in each:
                print(f"| {name} | {each['solver']} | {each['tol']:g} | – | {each['error']} |")
                continue
            excess = (value(each["coef"], each["intercept"]) - least) / least
            print(
                f"| {name} | {each['solver']} | {each['tol']:g} | {each['seconds']:.2f} | "
                f"{excess:.1e} |"
            )
            if excess <= ACCURATE:
                fastest[name] = min(fastest.get(name, np.inf), each["seconds"])
    ours = fastest["logreg.dask"]
    for name in results:
        if name != "logreg.dask":
            ratio = f"{fastest[name] / ours:.1f}" if name in fastest else "not there"
            print(f"{name}: {ratio} times our {ours:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int, nargs="?", default=5_000_000)
    parser.add_argument("columns_", type=int, nargs="?", default=50)
    parser.add_argument("--dask-ml")
    parser.add_argument("--spark")
    parser.add_argument("--run")
    parser.add_argument("--folder")
    parser.add_argument("--columns", type=int)
    given = parser.parse_args()
    if given.run:
        {"dask-ml": dask_ml, "spark": spark}[given.run](given.folder, given.columns)
    else:
        main(given.rows, given.columns_, {"dask-ml": given.dask_ml, "spark": given.spark})
        sys.exit(0)

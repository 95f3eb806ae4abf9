"""Dask: the answer of memory, whatever the chunks, the workers and what becomes of them."""

import os
import pickle
import signal
import threading
import time
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import apart
from problems import in_odd_units as made
from scipy.sparse import csr_array, csr_matrix, random_array
from sklearn.base import clone

import logreg

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")

from logreg.dask import DaskBlocks, LogisticRegression  # noqa: E402

INF = np.inf


@pytest.fixture(scope="module")
def cluster():
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    """For a test that needs workers; others take Dask's threads."""
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2)
        yield client


def cut(k, *arrays):
    """The arrays in k chunks of rows."""
    size = -(-len(arrays[-1]) // k)
    return [da.from_array(a, chunks=(size, *a.shape[1:])) for a in arrays]


def frames(X, y, k):
    table = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])]).assign(y=y)
    table = dd.from_pandas(table, npartitions=k)
    return table.drop(columns="y"), table["y"]


def assert_same(a, b):
    assert_allclose(a.coef_, b.coef_, rtol=1e-10)
    assert_allclose(a.intercept_, b.intercept_, rtol=1e-10)
    assert_array_equal(a.classes_, b.classes_)


def assert_refused(words, call, error=ValueError):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


# -- the same answer ----------------------------------------------------------------------------

CASES = {
    "ridge": ({}, {}),
    "likelihood": ({}, {"C": INF}),
    "three classes": ({"K": 3}, {}),
    "three classes, likelihood": ({"K": 3}, {"C": INF}),
    "balanced": ({"seed": 3}, {"class_weight": "balanced"}),
    "no intercept": ({}, {"fit_intercept": False}),
    "many rows": ({"n": 60_000}, {"C": INF}),  # so that the solver works with a sample
}


@pytest.mark.parametrize("case", CASES)
def test_any_number_of_chunks(case):
    size, params = CASES[case]
    X, y = made(**size)
    memory = logreg.LogisticRegression(tol=5e-7, **params).fit(X, y)
    first, *others = (LogisticRegression(tol=5e-7, **params).fit(*cut(k, X, y)) for k in (1, 2, 5))
    assert first.outcome_.name == "CONVERGED"
    assert apart(memory, first, X, y) < 1e-6  # each is within 5e-7 of the optimum
    for other in others:
        assert_same(first, other)
        assert other.n_passes_ == first.n_passes_


def test_workers_give_the_answer_of_threads(client):
    X, y = made(n=9000, K=3)
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    options = {"class_weight": "balanced", "C": INF}
    memory = logreg.LogisticRegression(tol=5e-7, **options).fit(X, y, weight)
    model = LogisticRegression(tol=5e-7, **options).fit(*cut(5, X, y, weight))
    assert apart(memory, model, X, y, weight) < 1e-6
    with dask.config.set(scheduler="threads"):
        assert_same(model, LogisticRegression(tol=5e-7, **options).fit(*cut(3, X, y, weight)))


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("K", [2, 3])
def test_penalties_with_corners(l1_ratio, K):
    X, y = made(K=K, n=6000)
    noise = np.random.default_rng(5).normal(size=(6000, 4))
    X = np.column_stack([X / X.std(axis=0), noise])
    params = {"C": 0.004, "l1_ratio": l1_ratio}
    memory = logreg.LogisticRegression(**params).fit(X, y)
    first, other = (LogisticRegression(**params).fit(*cut(k, X, y)) for k in (1, 4))
    assert_same(first, other)
    assert_array_equal(first.coef_ == 0, memory.coef_ == 0)
    assert (first.coef_ == 0).any()
    assert_allclose(first.coef_, memory.coef_, atol=1e-6)


@pytest.mark.parametrize("make", [csr_matrix, csr_array])
def test_sparse_chunks(make):
    rng = np.random.default_rng(0)
    X = csr_array(random_array((4000, 300), density=0.03, rng=rng))
    y = (X @ rng.normal(size=(300, 2)) + rng.gumbel(size=(4000, 2))).argmax(axis=1)
    memory = logreg.LogisticRegression(tol=5e-7).fit(X, y)
    dense, target = cut(4, X.toarray(), y)
    tables = [dense.map_blocks(make), cut_sparse(make(X), 3)]
    models = [LogisticRegression(tol=5e-7).fit(table, target) for table in tables]
    for model in models:
        assert apart(memory, model, X, y) < 1e-6
    assert_same(*models)
    p = memory.predict_proba(X)
    assert_allclose(models[0].predict_proba(tables[0]).compute(), p, atol=1e-6)
    assert models[0].score(tables[0], target) == models[0].score(X, y)


def cut_sparse(X, k):
    parts = np.array_split(np.arange(X.shape[0]), k)
    made = [(dask.delayed(X[rows]), (len(rows), X.shape[1])) for rows in parts]
    return da.concatenate([da.from_delayed(part, shape, meta=X[:0]) for part, shape in made])


def test_frames(client):
    X, y = made(n=900)
    table, target = frames(X, np.array(["no", "yes"])[y], 3)
    in_memory = table.compute()
    memory = logreg.LogisticRegression(tol=5e-7).fit(in_memory, target.compute())
    model = LogisticRegression(tol=5e-7).fit(table, target)
    assert_array_equal(model.feature_names_in_, in_memory.columns)
    assert_array_equal(model.classes_, ["no", "yes"])
    assert apart(memory, model, X, y) < 1e-6
    for name in ("predict_proba", "predict_log_proba", "decision_function", "predict"):
        lazy = getattr(model, name)(table)
        expected = getattr(model, name)(in_memory)
        assert isinstance(lazy, da.Array)
        assert lazy.ndim == expected.ndim
        assert lazy.dtype == expected.dtype
        assert_array_equal(lazy.compute(), expected)
    assert model.score(table, target) == memory.score(in_memory, target.compute())


def test_frames_of_all_kinds_of_columns():
    X, y = made(n=300, d=3)
    table = pd.DataFrame({"dose": X[:, 0], "old": X[:, 1] > 0, "n": np.arange(300) % 7, "ill": y})
    table["n"] = table["n"].astype("Int64")
    memory = logreg.LogisticRegression().fit(table[["dose", "old", "n"]], table["ill"])
    table = dd.from_pandas(table, npartitions=4)
    model = LogisticRegression().fit(table[["dose", "old", "n"]], table["ill"])
    assert_allclose(model.coef_, memory.coef_, rtol=1e-5)
    model = LogisticRegression().fit(table[["dose"]], table["ill"].to_dask_array(lengths=True))
    assert model.coef_.shape == (1, 1)


def test_names_are_those_of_the_last_fit():
    X, y = made(n=300)
    table, target = frames(X, y, 2)
    model = LogisticRegression().fit(table, target).fit(*cut(2, X, y))
    assert not hasattr(model, "feature_names_in_")
    numbered = table.rename(columns={name: j for j, name in enumerate(table.columns)})
    assert not hasattr(model.fit(numbered, target), "feature_names_in_")


def test_unknown_sizes_are_counted():
    X, y = made(n=1000)
    known, target = cut(4, X, y)
    some = known[:, 0] > X[0, 0]
    model = LogisticRegression().fit(known[some], target[some])
    rows = X[:, 0] > X[0, 0]
    assert np.isnan(known[some].chunks[0]).all()
    assert_same(model, LogisticRegression().fit(*cut(2, X[rows], y[rows])))
    assert model.score(known[some], target[some]) == model.score(X[rows], y[rows])
    lazy = model.predict_proba(known[some])
    assert_allclose(lazy.compute(), model.predict_proba(X[rows]))


def test_empty_chunks_and_a_class_in_the_last_one():
    X, y = made(n=900, K=3)
    order = np.argsort(y == 2, kind="stable")  # the third class is at the end
    X, y = X[order], y[order]
    one = LogisticRegression().fit(*cut(1, X, y))
    chunks = (0, 300, 0, 200, 399, 1, 0)
    cut_up = da.from_array(X, chunks=(chunks, -1)), da.from_array(y, chunks=(chunks,))
    model = LogisticRegression().fit(*cut_up)
    assert_same(model, one)
    assert_allclose(model.predict_proba(cut_up[0]).compute(), one.predict_proba(X))
    assert model.score(*cut_up) == one.score(X, y)


def test_y_and_weights_in_other_chunks():
    X, y = made(n=900)
    weight = 1.0 + y
    same = LogisticRegression().fit(*cut(3, X, y, weight))
    model = LogisticRegression().fit(cut(3, X)[0], cut(4, y)[0], cut(2, weight)[0])
    assert_same(model, same)
    column = cut(2, y)[0][:, None]
    assert_same(LogisticRegression().fit(cut(3, X)[0], column, cut(3, weight)[0]), same)
    table, target = frames(X, y, 4)
    labelled = target.map_partitions(lambda part: part.map({0: "a", 1: "b"}), meta=("y", object))
    model = LogisticRegression().fit(table, labelled.repartition(npartitions=3), cut(5, weight)[0])
    assert_allclose(model.coef_, same.coef_, rtol=1e-10)
    assert_array_equal(model.classes_, ["a", "b"])


def test_memory_is_taken_as_well():
    X, y = made(n=300)
    model, memory = LogisticRegression().fit(X, y), logreg.LogisticRegression().fit(X, y)
    assert_array_equal(model.coef_, memory.coef_)
    assert_array_equal(model.predict_proba(X), memory.predict_proba(X))
    assert model.score(X, y) == memory.score(X, y)
    assert_array_equal(model.inference(X, y).bse, memory.inference(X, y).bse)


def test_data_that_share_a_source_are_read_once():
    X, y = made(n=400, d=2)
    reads = []

    def read(part):
        reads.append(part)
        rows = slice(100 * part, 100 * part + 100)
        return np.column_stack([X, y])[rows]

    parts = [da.from_delayed(dask.delayed(read)(k), (100, 3), float) for k in range(4)]
    table = da.concatenate(parts)
    LogisticRegression().fit(table[:, :2], table[:, 2])
    assert sorted(reads) == [0, 1, 2, 3]
    reads.clear()

    def frame(part):
        return pd.DataFrame(read(part), columns=["a", "b", "y"])

    table = dd.from_map(frame, range(4), meta=pd.DataFrame({"a": [0.5], "b": 0.5, "y": 0.5}))
    LogisticRegression().fit(table[["a", "b"]], table["y"])
    assert sorted(reads) == [0, 1, 2, 3]


# -- predictions and the rest -------------------------------------------------------------------


@pytest.mark.parametrize("K", [2, 3])
def test_predictions_are_lazy(K):
    X, y = made(n=500, K=K)
    labels = np.array(["a", "bb", "ccc"])[y]
    table, target = cut(3, X, labels)
    model = LogisticRegression().fit(table, target)
    refused = da.map_blocks(lambda part: 1 / 0, table, dtype=float, meta=table._meta)
    for name in ("predict_proba", "predict_log_proba", "decision_function", "predict"):
        expected = getattr(model, name)(X)
        lazy = getattr(model, name)(table)
        assert lazy.shape == expected.shape
        assert lazy.chunks[0] == table.chunks[0]
        assert lazy.dtype == expected.dtype
        assert lazy._meta.dtype == expected.dtype
        assert_allclose(lazy.compute(), expected) if name != "predict" else assert_array_equal(
            lazy.compute(), expected
        )
        getattr(model, name)(refused)  # nothing is computed


def test_score_with_weights():
    X, y = made(n=500)
    weight = np.random.default_rng(0).integers(0, 4, 500).astype(float)
    table, target, weights = cut(3, X, y, weight)
    model = LogisticRegression().fit(table, target)
    assert_allclose(model.score(table, target, weights), model.score(X, y, weight))
    assert_allclose(model.score(table, target), model.score(X, y))
    assert_refused(["zero for every row"], lambda: model.score(table, target, 0 * weights))


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("cov_type", ["nonrobust", "HC1"])
def test_inference(K, cov_type):
    X, y = made(n=2000, d=4, K=K)
    table, target = frames(X, y, 3)
    memory = logreg.LogisticRegression(C=INF).fit(table.compute(), y)
    expected = memory.inference(table.compute(), y, cov_type=cov_type)
    model = LogisticRegression(C=INF).fit(table, target)
    result = model.inference(table, target, cov_type=cov_type)
    assert_allclose(result.bse, expected.bse, rtol=1e-6)
    assert_allclose([result.llf, result.llnull], [expected.llf, expected.llnull])
    assert list(result.odds_ratios().index) == list(expected.odds_ratios().index)
    if cov_type == "nonrobust":
        tests = [inference.lr_test(["x0", "x2"]) for inference in (result, expected)]
        assert_allclose(tests[0].statistic, tests[1].statistic, rtol=1e-8)
        assert tests[0].df == tests[1].df


def test_what_inference_refuses():
    X, y = made(n=400, d=3)
    table, target = frames(X, y, 2)
    model = LogisticRegression(C=INF).fit(table, target)

    def infer(X=table, **options):
        return model.inference(X, target, **options)

    assert_refused(["cluster", "memory"], lambda: infer(cov_type="cluster"))
    assert_refused(["groups", "memory"], lambda: infer(groups=target))
    assert_refused(["offset"], lambda: infer(offset=target))
    assert_refused(["feature names", "same order"], lambda: infer(table[["x2", "x1", "x0"]]))
    assert_refused(["in memory"], lambda: infer().conf_int(method="profile"))
    assert_refused(["in memory"], lambda: infer().leverage())
    lasso = LogisticRegression(l1_ratio=1.0).fit(table, target)
    assert_refused(["L1"], lambda: lasso.inference(table, target))


def test_a_citizen_of_scikit_learn():
    X, y = made(n=500)
    table, target = cut(2, X, y)
    model = LogisticRegression(C=2.0, tol=1e-7).fit(table, target)
    assert clone(model).get_params() == model.get_params()
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(table).compute(), model.predict_proba(table).compute())
    assert list(model.history_.columns) == list(logreg.LogisticRegression().fit(X, y).history_)
    warm = LogisticRegression(C=2.0, warm_start=True).fit(table, target)
    assert warm.fit(table, target).n_iter_[0] <= 1


@pytest.mark.skipif(find_spec("sklearn.callback") is None, reason="from scikit-learn 1.9 on")
def test_callbacks_stay_here(client):
    class Count:
        def __init__(self):
            self.lock, self.n = threading.Lock(), 0  # a lock cannot travel

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, **of_task):
            pass

        def on_fit_task_end(self, estimator, context, **of_task):
            self.n += 1

    count = Count()
    model = LogisticRegression().set_callbacks(count).fit(*cut(2, *made(n=300)))
    assert count.n > model.n_iter_[0]


# -- one sentence for what is wrong -------------------------------------------------------------


def test_the_plain_estimator_names_this_one():
    X, y = made(n=100)
    plain = logreg.LogisticRegression().fit(X, y)
    for table, target in (cut(2, X, y), frames(X, y, 2)):
        sentence = ["dask", "logreg.dask.LogisticRegression"]
        assert_refused(sentence, lambda t=table, y=target: clone(plain).fit(t, y), TypeError)
        assert_refused(sentence, lambda t=table: plain.predict_proba(t), TypeError)


def test_what_is_refused():
    X, y = made(n=100)
    table, target = cut(2, X, y)
    fit = LogisticRegression().fit
    columns = da.from_array(X, chunks=(50, 2))
    assert_refused(["3 chunks of columns", "X.rechunk({1: -1})"], lambda: fit(columns, target))
    assert fit(columns.rechunk({1: -1}), target)
    assert_refused(["y must be", "ndarray", "from_array"], lambda: fit(table, y), TypeError)
    assert_refused(["y must be", "NoneType"], lambda: fit(table, None), TypeError)
    assert_refused(["sample_weight must be"], lambda: fit(table, target, y), TypeError)
    assert_refused(["90 values", "100 rows"], lambda: fit(table, target[:90]))
    assert_refused(["sample_weight has 90"], lambda: fit(table, target, target[:90]))
    assert_refused(["offset", "memory"], lambda: fit(table, target, offset=target))
    assert_refused(["1 dimensions"], lambda: fit(target, target))
    assert_refused(["got Delayed"], lambda: fit(dask.delayed(X), target), TypeError)
    assert_refused(["no rows"], lambda: fit(table[:0], target[:0]))
    assert_refused(["one class (0)"], lambda: fit(table, 0 * target))
    assert_refused(["zero for every row"], lambda: fit(table, target, 0 * target))
    assert_refused(["Block 1", "negative"], lambda: fit(table, target, 49 - da.arange(100)))
    assert_refused(["l1_ratio"], lambda: LogisticRegression(l1_ratio=2.0).fit(table, target))


def test_what_predictions_refuse():
    X, y = made(n=100)
    table, target = frames(X, y, 2)
    model = LogisticRegression()
    assert_refused(["not fitted"], lambda: model.predict(table))
    model.fit(table, target)
    assert_refused(["x5", "missing"], lambda: model.predict(table[list(table.columns[:5])]))
    assert_refused(["offset"], lambda: model.predict_proba(table, offset=target))
    array = cut(2, X, y)[0]
    model.fit(array, cut(2, y)[0])
    assert_refused(["5 features", "6"], lambda: model.predict(array[:, :5]))
    assert_refused(["rechunk"], lambda: model.predict_proba(array.rechunk({1: 2})))


def test_what_is_wrong_in_a_block_has_its_number(client):
    X, y = made(n=100)
    X[70, 2] = np.nan
    table, target = cut(4, X, y)
    where = ["Block 2", "missing value", "row 20"]
    assert_refused([*where, "column 2"], lambda: LogisticRegression().fit(table, target))
    table, target = frames(X, y, 4)
    assert_refused([*where, "column 'x2'"], lambda: LogisticRegression().fit(table, target))
    text = table.assign(town="Ulm")
    assert_refused(["Block ", "'town'", "'Ulm'"], lambda: LogisticRegression().fit(text, target))
    # Of two wrong blocks the faster worker's is named, so only the labels are wrong here.
    table, target = frames(np.nan_to_num(X), y, 4)
    label = da.where(da.arange(100, chunks=25) == 99, np.nan, target.to_dask_array(lengths=True))
    assert_refused(["Block 3", "y contains NaN"], lambda: LogisticRegression().fit(table, label))


# -- what becomes of workers --------------------------------------------------------------------


def during(monkeypatch, act, pass_number):
    """Let something happen before a pass."""
    add_up, passes = DaskBlocks.add_up, []

    def watched(self, function):
        passes.append(function)
        if len(passes) == pass_number:
            act()
        return add_up(self, function)

    monkeypatch.setattr(DaskBlocks, "add_up", watched)
    return passes


def kill(client):
    """One of the workers, without a chance to say so."""
    pids = client.run(os.getpid)
    os.kill(min(pids.values()), signal.SIGKILL)


@pytest.mark.parametrize("given", ["by the client", "by workers"])
@pytest.mark.parametrize("wait", [None, 0.01])
def test_a_worker_is_killed(client, monkeypatch, given, wait):
    X, y = made(n=20_000)
    if given == "by the client":
        table, target = cut(6, X, y)
    else:  # made there, dropped here, and made again where they are lost
        rng = da.random.default_rng(0)
        table = rng.normal(size=(20_000, 6), chunks=(4000, -1))
        target = (table[:, 0] + rng.logistic(size=20_000, chunks=4000) > 0).astype(int)
        X, y = dask.compute(table, target)
    expected = LogisticRegression().fit(*cut(2, X, y))

    def act():
        if wait is None:  # between two passes
            kill(client)
        else:  # in the midst of one
            threading.Timer(wait, kill, [client]).start()

    passes = during(monkeypatch, act, 4)
    del X, y
    model = LogisticRegression().fit(table, target)
    assert len(passes) > 5
    assert_same(model, expected)


def test_a_worker_joins(client, cluster, monkeypatch):
    X, y = made(n=20_000)
    expected = LogisticRegression().fit(*cut(2, X, y))

    def join():
        cluster.scale(3)
        client.wait_for_workers(3)

    during(monkeypatch, join, 4)
    model = LogisticRegression().fit(*cut(6, X, y))
    assert_same(model, expected)
    cluster.scale(2)


def test_chunks_are_spilled(client, monkeypatch):
    X, y = made(n=20_000)
    expected = LogisticRegression().fit(*cut(2, X, y))

    def spill(dask_worker):
        while dask_worker.data.fast:
            dask_worker.data.evict()
        return len(dask_worker.data.slow)

    spilled = []
    during(monkeypatch, lambda: spilled.extend(client.run(spill).values()), 4)
    assert_same(LogisticRegression().fit(*cut(6, X, y)), expected)
    assert sum(spilled) >= 6


def test_nothing_is_kept(client):
    """Neither on the workers nor in the model."""
    model = LogisticRegression().fit(*cut(3, *made(n=3000)))
    assert len(pickle.dumps(model)) < 20_000

    def kept(dask_scheduler):
        return len(dask_scheduler.tasks)

    end = time.monotonic() + 10
    while client.run_on_scheduler(kept) and time.monotonic() < end:
        time.sleep(0.05)
    assert client.run_on_scheduler(kept) == 0

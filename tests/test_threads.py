"""Sharing jobs among threads, and living with BLAS, joblib, fork and Ctrl-C."""

import multiprocessing
import threading
import warnings
from importlib.metadata import version

import numpy as np
import pytest
from joblib import Parallel, cpu_count, delayed, parallel_config
from numpy.testing import assert_array_equal
from threadpoolctl import OpenBLASController, threadpool_info, threadpool_limits

from logreg import LogisticRegression, row_blocks
from logreg.threads import run, single_threaded_blas, thread_count

threadpoolctl_version = tuple(int(n) for n in version("threadpoolctl").split(".")[:2])
WAIT = 60  # seconds until a test that hangs fails; nothing here measures time
RNG = np.random.default_rng(0)
BIG = RNG.normal(size=(30_000, 8))
BIG_Y = (BIG[:, 0] + RNG.logistic(size=30_000) > 0).astype(int)

needs_blas_threads = pytest.mark.skipif(
    not any(lib["user_api"] == "blas" for lib in threadpool_info()),
    reason="no BLAS whose threads threadpoolctl can count",
)


def blas_limits():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


def limits_inside():
    with single_threaded_blas():
        return blas_limits()


def in_a_thread(function):
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join(WAIT)
    return results[0]


@pytest.fixture(autouse=True)
def blas_as_it_was_found():
    before = max(blas_limits(), default=1)
    yield
    if threadpoolctl_version >= (3, 8):
        OpenBLASController.clear_controlling_thread(force=True)
    threadpool_limits(before)
    if threadpoolctl_version >= (3, 8):
        OpenBLASController.clear_controlling_thread(force=True)


# -- run -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [0, 1, 2, 3, 50])
@pytest.mark.parametrize("n_jobs", [0, 1, 2, 17])
def test_results_come_in_the_order_of_the_jobs(n_threads, n_jobs):
    assert run(lambda i: i * i, range(n_jobs), n_threads) == [i * i for i in range(n_jobs)]


def test_every_job_is_done_once():
    done = []
    run(done.append, list(range(1000)), 4)
    assert sorted(done) == list(range(1000))


def test_jobs_do_run_at_the_same_time():
    together = threading.Barrier(2)
    places = run(lambda job: together.wait(WAIT), [1, 2], 2)  # alone, the first would never return
    assert sorted(places) == [0, 1]


def test_the_caller_works_too():
    together = threading.Barrier(2)

    def who(job):
        together.wait(WAIT)
        return threading.current_thread()

    assert threading.current_thread() in run(who, [1, 2], 2)


def test_one_thread_is_the_caller():
    threads = run(lambda job: threading.current_thread(), [1, 2, 3], 1)
    assert set(threads) == {threading.current_thread()}


def test_jobs_within_jobs_do_not_block_each_other():
    def outer(i):
        return run(lambda j: (i, j), range(5), 4)

    assert run(outer, range(20), 4) == [[(i, j) for j in range(5)] for i in range(20)]


@pytest.mark.parametrize("n_threads", [1, 2, 4])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_propagates_and_stops_the_others(error, n_threads):
    done = []

    def job(i):
        if i == 5:
            raise error("job five")
        done.append(i)

    with pytest.raises(error, match="job five"):
        run(job, range(100_000), n_threads)
    assert len(done) < 100_000
    assert run(abs, [-1, -2], n_threads) == [1, 2]  # the pool goes on working


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_in_a_worker_reaches_the_caller(error):
    together = threading.Barrier(2)

    def job(i):
        together.wait(WAIT)
        if threading.current_thread() is not caller:
            raise error("from a worker")

    caller = threading.current_thread()
    with pytest.raises(error, match="from a worker"):
        run(job, [1, 2], 2)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_in_the_caller_waits_for_the_workers(error):
    together, finished = threading.Barrier(2), []

    def job(i):
        together.wait(WAIT)
        if threading.current_thread() is caller:
            raise error("from the caller")
        finished.append(i)

    caller = threading.current_thread()
    with pytest.raises(error, match="from the caller"):
        run(job, [1, 2], 2)
    assert len(finished) == 1  # no worker is left behind that still writes to our arrays


# -- how many threads ------------------------------------------------------------------------------


def test_thread_count_takes_what_is_asked_for():
    assert thread_count(1) == 1
    assert thread_count(3) == 3
    assert thread_count(-1) == cpu_count()


@needs_blas_threads
@pytest.mark.parametrize("limit", [1, 2])
def test_thread_count_follows_the_limit_of_blas(limit):
    with threadpool_limits(limit):
        assert thread_count() == limit
        assert thread_count(None) == limit
        assert thread_count(5) == 5


def test_inside_the_threads_of_joblib_there_is_one():
    with parallel_config("threading"):
        assert Parallel(n_jobs=2)(delayed(thread_count)() for _ in range(4)) == [1] * 4


@needs_blas_threads
def test_inside_a_worker_process_of_joblib_there_is_one():
    with parallel_config("loky", inner_max_num_threads=1):
        assert Parallel(n_jobs=2)(delayed(thread_count)() for _ in range(4)) == [1] * 4


def test_fits_in_the_threads_of_joblib_give_the_same_bits():
    alone = LogisticRegression().fit(BIG, BIG_Y).coef_
    with parallel_config("threading"):
        models = Parallel(n_jobs=2)(delayed(LogisticRegression().fit)(BIG, BIG_Y) for _ in range(4))
    for model in models:
        assert_array_equal(model.coef_, alone)


# -- BLAS ------------------------------------------------------------------------------------------


@needs_blas_threads
def test_blas_is_held_at_one_thread_and_let_go():
    with threadpool_limits(2):
        with single_threaded_blas():
            assert set(blas_limits()) == {1}
            with single_threaded_blas():
                assert set(blas_limits()) == {1}
            assert set(blas_limits()) == {1}  # the inner one must not lift it
        assert set(blas_limits()) == {2}


@needs_blas_threads
def test_the_limit_is_lifted_after_an_exception():
    def fail():
        with single_threaded_blas():
            raise KeyboardInterrupt

    with threadpool_limits(2):
        with pytest.raises(KeyboardInterrupt):
            fail()
        assert set(blas_limits()) == {2}


# From 3.8 on, threadpoolctl lets only the thread that came first set the limits of OpenBLAS, until
# it leaves its `with` block; what other threads ask for is ignored in silence.
needs_two_blas_threads = pytest.mark.skipif(
    max(blas_limits(), default=1) < 2, reason="BLAS has one thread here anyway"
)


@needs_two_blas_threads
def test_blas_is_held_by_any_thread_after_the_main_thread_had_its_turn():
    with single_threaded_blas():
        assert set(blas_limits()) == {1}
    assert set(in_a_thread(limits_inside)) == {1}


@needs_two_blas_threads
def test_a_thread_that_fitted_once_does_not_keep_others_from_limiting_blas():
    done, leave = threading.Event(), threading.Event()

    def fit_and_live_on():
        limits_inside()
        done.set()
        leave.wait(WAIT)

    if threadpoolctl_version >= (3, 8):
        OpenBLASController.clear_controlling_thread(force=True)  # as in a fresh process
    thread = threading.Thread(target=fit_and_live_on)
    thread.start()
    try:
        assert done.wait(WAIT)
        with threadpool_limits(1):
            assert set(blas_limits()) == {1}
    finally:
        leave.set()
        thread.join(WAIT)


@needs_two_blas_threads
def test_overlapping_limits_of_two_threads():
    before = blas_limits()
    inside, leave, left, end = (threading.Event() for _ in range(4))

    def first():
        with single_threaded_blas():
            inside.set()
            leave.wait(WAIT)
        left.set()
        end.wait(WAIT)  # it lives on, as the threads of a server do

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert inside.wait(WAIT)
        with single_threaded_blas():
            leave.set()
            assert left.wait(WAIT)
            assert set(blas_limits()) == {1}  # the first to come has gone, the limit has not
        assert blas_limits() == before
    finally:
        leave.set()
        end.set()
        thread.join(WAIT)


@needs_blas_threads
def test_a_fit_leaves_blas_as_it_was():
    with threadpool_limits(2):
        LogisticRegression(n_jobs=2).fit(BIG, BIG_Y)
        assert set(blas_limits()) == {2}
        with pytest.raises(ValueError, match="missing value"):
            LogisticRegression().fit(np.full_like(BIG, np.nan), BIG_Y)
        assert set(blas_limits()) == {2}


# -- fork ------------------------------------------------------------------------------------------


def _fit_in_child(pipe):
    model = LogisticRegression(n_jobs=2).fit(BIG, BIG_Y)
    pipe.send((model.coef_, run(lambda i: i, range(100), 4)))
    pipe.close()


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
def test_a_forked_child_can_fit():
    expected = LogisticRegression(n_jobs=2).fit(BIG, BIG_Y).coef_  # now this process has threads
    run(lambda i: i, range(100), 4)
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe(duplex=False)
    child = fork.Process(target=_fit_in_child, args=(theirs,))
    with warnings.catch_warnings():  # Python 3.12 warns of forking with threads: that is the test
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    try:
        assert ours.poll(WAIT), "the child hangs: it waits for threads that it does not have"
        coef, results = ours.recv()
    finally:
        child.kill()
        child.join()
    assert_array_equal(coef, expected)
    assert results == list(range(100))


@needs_blas_threads
def test_a_fit_under_way_is_no_limit():
    with threadpool_limits(2, user_api="blas"):
        assert thread_count() == 2
        with single_threaded_blas(), single_threaded_blas():
            assert thread_count() == 2
        assert thread_count() == 2
    with threadpool_limits(1, user_api="blas"), single_threaded_blas():
        assert thread_count() == 1


@needs_blas_threads
@pytest.mark.parametrize("what", ["fit", "fit_blocks", "inference"])
def test_large_fits_take_the_threads_that_there_are(what, monkeypatch):
    X, y = np.tile(BIG, (4, 1)), np.tile(BIG_Y, 4)
    model, seen = LogisticRegression(C=np.inf).fit(X, y), set()

    def counted(work, jobs, n_threads):
        seen.add(n_threads)
        return run(work, jobs, n_threads)

    monkeypatch.setattr(row_blocks, "run", counted)
    asked = {
        "fit": lambda: model.fit(X, y),
        "fit_blocks": lambda: model.fit_blocks([(X, y)]),
        "inference": lambda: model.inference(X, y).bse,
    }
    with threadpool_limits(2, user_api="blas"):
        asked[what]()
    assert max(seen) == 2

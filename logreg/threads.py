"""How many threads, and how they share a list of jobs.

NumPy and BLAS release the GIL, so plain Python threads over row blocks use all cores. BLAS itself
is held at one thread meanwhile: its own threads would compete with ours, and would make the
rounding of a product depend on how many there are.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any, Generic, Self, TypeVar, overload

from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from threadpoolctl import OpenBLASController, ThreadpoolController

T = TypeVar("T")
Job = TypeVar("Job")


class cached_property(Generic[T]):
    """functools' without its lock: before Python 3.12 all instances share one, so a fit in a thread
    would wait for a pass of another, or for ever for its own parts.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self.compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...
    def __get__(self, instance: object, owner: type[Any] | None = None) -> Self | T:
        if instance is None:
            return self
        value: T = self.compute(instance)
        instance.__dict__[self.name] = value  # found there from now on, without a call
        return value


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=os.cpu_count(), thread_name_prefix="logreg")


# A forked child inherits the pool object without its threads: it must make its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)


def thread_count(n_jobs: int | None = None) -> int:
    """Threads to use: `n_jobs` if given (as joblib reads it), else what BLAS is allowed here.

    BLAS's own limit is what joblib's worker processes, threadpoolctl and OMP_NUM_THREADS set, so
    a grid search with two workers on two cores runs two fits of one thread each.
    """
    if n_jobs is not None:
        return int(effective_n_jobs(n_jobs))
    backend, _ = get_active_backend()
    if getattr(backend, "nesting_level", 0):  # inside joblib's threads the cores are taken
        return 1
    with _limit_lock:  # our own limit, of a fit that is under way, is not meant
        return _allowed if _limit_users else _blas_threads()


def _blas_threads() -> int:
    limits = [library.num_threads for library in _blas().lib_controllers]
    return max(1, min(limits)) if limits else os.cpu_count() or 1


_limit_lock = threading.Lock()
_limit_users = 0
_allowed = 1  # threads, before the first of them
_limiter: Any = None


def _take_control() -> None:
    """Let this thread set OpenBLAS's limit: from threadpoolctl 3.8 on only the thread that set it
    first may, in silence, and the fit that ends last need not be the one that began first.
    """
    clear = getattr(OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold BLAS at one thread. The limit is global to the process, so the first fit of several at
    a time sets it and the last one lifts it; each on its own would restore what another had set.
    """
    global _limit_users, _limiter, _allowed
    with _limit_lock:
        _limit_users += 1
        if _limit_users == 1:
            _take_control()
            _allowed = _blas_threads()
            _limiter = _blas().limit(limits=1)
            _take_control()
    try:
        yield
    finally:
        with _limit_lock:
            _limit_users -= 1
            if _limit_users == 0:
                _take_control()
                _limiter.restore_original_limits()
                _take_control()


def run(function: Callable[[Job], T], jobs: Sequence[Job], n_threads: int) -> list[T]:
    """`[function(job) for job in jobs]`, shared among `n_threads` threads, the caller's included.

    The caller takes jobs too, so a pool that is busy elsewhere delays nothing and cannot deadlock.
    An exception, KeyboardInterrupt included, stops the others at their next job and propagates.
    """
    n_threads = min(n_threads, len(jobs))
    if n_threads <= 1:
        return [function(job) for job in jobs]
    results: list[Any] = [None] * len(jobs)
    take = count()  # next() of a count is atomic
    stop = threading.Event()

    def work() -> None:
        try:
            while not stop.is_set() and (i := next(take)) < len(jobs):
                results[i] = function(jobs[i])
        except BaseException:
            stop.set()
            raise

    others = [_pool().submit(work) for _ in range(n_threads - 1)]
    try:
        work()
    finally:
        for other in others:
            if not other.cancel():
                other.result()
    return results

"""Reading blocks of rows: checked, numbered, and the next one read while one is worked on."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from queue import Queue
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from logreg import inputs
from logreg.row_blocks import Parts, add_parts
from logreg.targets import Targets, encode_targets

Array = NDArray[np.float64]


class Block(NamedTuple):
    """Some rows, checked but for what takes a look at all numbers."""

    X: Any  # array (n, d), or in compressed rows
    y: Targets  # the classes of these rows
    weight: Array | None
    start: int | None = None  # the place of the first among all rows, where the order is fixed
    total: int | None = None  # of all rows, where it is known


class Blocks(Protocol):
    """All rows, wherever they are."""

    threads: int | None  # for a block, if not as many as there are
    reading: float  # what it takes to have a number in memory, in units of about 0.2 ns

    def add_up(self, function: Callable[[Block], Parts | None]) -> Parts:
        """The sum of what the function returns for each block, if anything: one read of all."""
        ...


class Checker:
    """The checks of a block at the door. The first block says what columns there are."""

    def __init__(self, estimator: Any, *, reset: bool) -> None:
        self.estimator, self.first = estimator, reset

    def __call__(self, given: Any) -> Block:
        X, y, sample_weight = unpacked(given)
        table = inputs.numeric_table(self.estimator, X, reset=self.first, least=0)
        self.first = False
        n = table.shape[0]
        targets = encode_targets(y)
        if len(targets.codes) != n:
            raise ValueError(f"y has {len(targets.codes)} values, X has {n} rows.")
        return Block(table, targets, inputs.sample_weights(sample_weight, n))


def unpacked(given: Any) -> tuple[Any, Any, Any]:
    """X, y and the weights of what the user calls a block."""
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        size = f" of {len(given)}" if isinstance(given, (tuple, list)) else ""
        raise ValueError(
            f"a block must be (X, y) or (X, y, sample_weight), got {type(given).__name__}{size}."
        )
    X, y, *weight = given
    return X, y, weight[0] if weight else None


class LocalBlocks:
    """Blocks that an iterable gives, each time anew."""

    threads: int | None = None
    reading = 50.0  # a gigabyte a second

    def __init__(self, given: Iterable[Any], estimator: Any, *, reset: bool = True) -> None:
        if iter(given) is given:
            raise ValueError(
                "blocks can be read only once, as a generator can; a fit reads them many times. "
                "Give a list, or an object whose __iter__ starts from the beginning."
            )
        self.given = given
        # A reader may fill one buffer again while a block is worked on; a list holds what it holds,
        # and some readers say that each block is new.
        self.copies = not (isinstance(given, (list, tuple)) or getattr(given, "makes_new", False))
        self.check = Checker(estimator, reset=reset)
        self.lengths: list[int] | None = None

    def add_up(self, function: Callable[[Block], Parts | None]) -> Parts:
        parts: list[Parts] = []
        lengths: list[int] = []
        for block in ahead(self._checked()):
            n, number = block.X.shape[0], len(lengths)
            lengths.append(n)
            self._compare(number, n)
            if n:
                with named(number):
                    found = function(block)
                if found is not None:
                    parts.append(found)
            del block  # or it would be there until the next one is
            if len(parts) > 1:
                parts = [add_parts(*parts)]
        if self.lengths is not None and len(lengths) < len(self.lengths):
            raise ValueError(
                f"blocks ended after {len(lengths)} in this pass; in the first there were "
                f"{len(self.lengths)}. They must be the same each time they are read."
            )
        self.lengths = lengths
        if not parts:
            raise ValueError("blocks has no rows; a fit needs some.")
        return parts[0]

    def _compare(self, number: int, n: int) -> None:
        """Raise where a block is another than in the first pass."""
        if self.lengths is None:
            return
        was = f"had {self.lengths[number]}" if number < len(self.lengths) else "was not there"
        if was != f"had {n}":
            raise ValueError(
                f"Block {number} has {n} rows in this pass and {was} in the first: blocks must be "
                "the same each time they are read."
            )

    def _checked(self) -> Iterator[Block]:
        number, given = 0, iter(self.given)
        while True:
            with named(number):
                try:
                    one = next(given)
                except StopIteration:
                    return
                one = self.check(copied(one) if self.copies else one)
            yield one
            del one  # not two of them while the next one is read
            number += 1


def copied(given: Any) -> Any:
    """A block with arrays of its own."""
    X, y, weight = unpacked(given)
    parts = [deepcopy(part) for part in (X, y, weight)]
    return tuple(parts if weight is not None else parts[:2])


@contextmanager
def named(number: int) -> Iterator[None]:
    """Errors with the number of the block that they come from."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        if str(error).startswith("Block "):
            raise
        sentence = f"Block {number}: {error}"
        if isinstance(error, OSError):
            known = (error.errno, f"Block {number}: {error.strerror}", error.filename)
            raise type(error)(*(known if error.errno is not None else (sentence,))) from error
        raise (TypeError if isinstance(error, TypeError) else ValueError)(sentence) from error
    except MemoryError as error:
        error.add_note(f"Block {number}")
        raise
    except Exception as error:
        raise RuntimeError(f"Block {number}: {type(error).__name__}: {error}") from error


def ahead(items: Iterator[Any]) -> Iterator[Any]:
    """The items, each of them made by a thread while the one before is worked on: two at a time."""
    ready: Queue[tuple[Any, BaseException | None, bool]] = Queue()
    wanted, stopped = threading.Semaphore(1), threading.Event()

    def read() -> None:
        try:
            while wanted.acquire() and not stopped.is_set():
                ready.put((next(items), None, False))
        except StopIteration:
            ready.put((None, None, True))
        except BaseException as error:  # to be raised where it is waited for
            ready.put((None, error, True))

    reader = threading.Thread(target=read, name="logreg-reader", daemon=True)
    reader.start()
    try:
        while True:
            item, error, last = ready.get()
            if error is not None:
                raise error
            if last:
                return
            wanted.release()
            yield item
            del item
    finally:
        stopped.set()
        wanted.release()
        reader.join()

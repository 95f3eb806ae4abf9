"""Dask's tables as blocks, each kept by the worker that made it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from logreg import inputs
from logreg.blocks import Block, named
from logreg.row_blocks import Parts, add_parts
from logreg.targets import encode_targets
from logreg.threads import single_threaded_blas

try:
    import dask.array as da
    from dask.base import compute, is_dask_collection, persist
    from dask.delayed import delayed
except ImportError as error:
    raise ImportError("logreg.dask needs Dask: pip install 'logreg[dask]'.") from error

__all__ = ["DaskBlocks", "da", "is_dask_collection", "is_table"]

Array = NDArray[Any]

BRANCHES = 8  # of the tree in which parts are added up


def is_table(X: Any) -> bool:
    """Whether X is an array, a frame or a series of Dask's."""
    return isinstance(X, da.Array) or hasattr(type(X), "to_dask_array")


class Pieces(NamedTuple):
    """A table or a column in pieces of rows, persisted."""

    pieces: list[Any]
    lengths: tuple[int, ...]


def _in_pieces(tables: Mapping[str, Any]) -> dict[str, Pieces]:
    """Tables that are read once, even where they are parts of one, and then counted if need be."""
    for name, table in tables.items():
        if not is_table(table):
            raise TypeError(
                f"{name} must be a Dask array or series as X is, got {type(table).__name__}: use "
                f"dask.array.from_array({name}, chunks=X.chunks[0])."
            )
    found = {}
    for frames in (False, True):  # Dask warns of both in one call
        some = {k: v for k, v in tables.items() if isinstance(v, da.Array) is not frames}
        for name, table in zip(some, persist(*some.values()), strict=True):
            pieces = np.ravel(table.to_delayed(optimize_graph=False)).tolist()
            known = not frames and not np.isnan(table.chunks[0]).any()
            counted = table.chunks[0] if known else compute(*map(delayed(rows_of), pieces))
            found[name] = Pieces(pieces, counted)
    return found


def _aligned(name: str, column: Pieces, rows: tuple[int, ...]) -> list[Any]:
    """The pieces of a column, cut as those of X are."""
    if column.lengths == rows:
        return column.pieces
    if sum(column.lengths) != sum(rows):
        raise ValueError(
            f"{name} has {sum(column.lengths)} values, X has {sum(rows)} rows: give one for each."
        )
    parts = [
        da.from_delayed(delayed(one_dimensional)(piece), (n,), meta=np.empty(0))
        for piece, n in zip(*column, strict=True)
    ]
    return list(da.concatenate(parts).rechunk((rows,)).to_delayed())


class DaskBlocks:
    """The chunks of Dask's data, each kept as a block by the worker that made it."""

    reading = 0.0  # they lie in memory
    threads: int | None = 1  # of a task: a worker has as many tasks as it has threads

    def __init__(self, X: Any, y: Any, sample_weight: Any = None) -> None:
        tables = {"X": X, "y": y, "sample_weight": sample_weight}
        if sample_weight is None:
            del tables["sample_weight"]
        found = _in_pieces(tables)
        rows = found["X"].lengths
        parts = [_aligned(name, found[name], rows) for name in tables]
        starts = np.cumsum([0, *rows[:-1]]).tolist()
        make = delayed(made, pure=True)
        blocks = [
            make(number, start, sum(rows), *some)
            for number, (start, *some) in enumerate(zip(starts, *parts, strict=True))
        ]
        self.blocks: Sequence[Any] = persist(*blocks)

    def add_up(self, function: Callable[[Block], Parts | None]) -> Parts:
        """One round: the function goes to the blocks, and their sum comes back."""
        each, join = delayed(applied, pure=False), delayed(added, pure=False)
        sent = delayed(function, pure=False, traverse=False)
        parts = [each(sent, number, block) for number, block in enumerate(self.blocks)]
        while len(parts) > 1:
            parts = [join(parts[a : a + BRANCHES]) for a in range(0, len(parts), BRANCHES)]
        total: Parts | None = parts[0].compute()
        if total is None:
            raise ValueError("X has no rows; some are needed.")
        return total


# -- what workers do -----------------------------------------------------------------------------


def rows_of(piece: Any) -> int:
    """How many there are."""
    return int(piece.shape[0])


def one_dimensional(values: Any) -> Array:
    """A column as an array (n,)."""
    array = np.asarray(values)
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def made(number: int, start: int, total: int, X: Any, y: Any, weight: Any = None) -> Block:
    """The block of a chunk, checked."""
    with named(number):
        table = inputs.numeric_table(BaseEstimator(), X, least=0)
        targets = encode_targets(one_dimensional(y))
        n = table.shape[0]
        if len(targets.codes) != n:
            raise ValueError(f"y has {len(targets.codes)} values, X has {n} rows.")
        return Block(table, targets, inputs.sample_weights(weight, n), start, total)


def applied(function: Callable[[Block], Parts | None], number: int, block: Block) -> Parts | None:
    """What a block answers."""
    if not block.X.shape[0]:
        return None
    with named(number), single_threaded_blas():
        return function(block)


def added(parts: Sequence[Parts | None]) -> Parts | None:
    """Their sum, in order."""
    total = None
    for part in parts:
        if part is not None:
            total = part if total is None else add_parts(total, part)
    return total

"""The same estimator over Dask's arrays and frames: ``from logreg.dask import LogisticRegression``.

The data are read once and stay where they lie, as blocks. A pass is one round: the parameters go
out, each block answers with its part of the value, the gradient and what else was asked for, and
the parts are added up in a tree. Needs the extra: ``pip install 'logreg[dask]'``.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from logreg import inputs
from logreg.block_inference import BlockInference, infer_blocks
from logreg.blocks import Block, named
from logreg.callbacks import with_callbacks
from logreg.estimator import LogisticRegression as InMemory
from logreg.row_blocks import Parts, add_parts
from logreg.targets import encode_targets
from logreg.threads import single_threaded_blas

try:
    import dask.array as da
    from dask.base import compute, is_dask_collection, persist
    from dask.delayed import delayed
except ImportError as error:
    raise ImportError("logreg.dask needs Dask: pip install 'logreg[dask]'.") from error

Array = NDArray[Any]

BRANCHES = 8  # of the tree in which parts are added up


class LogisticRegression(InMemory):
    """Logistic regression over Dask arrays and frames, fitted to the same optimum.

    Parameters, attributes and warnings are those of :class:`logreg.LogisticRegression`. Data are
    chunks of rows, best of some 100 MB; those of arrays may hold sparse matrices of compressed
    rows. With a ``distributed`` client each chunk stays on its worker, and a worker that is lost is
    no loss, as Dask makes its chunks again. Tables in memory are taken as well.

    Examples
    --------
    >>> import dask.array as da
    >>> from logreg.dask import LogisticRegression
    >>> from logreg.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X, y = da.from_array(X, chunks=(200, -1)), da.from_array(y, chunks=200)
    >>> model = LogisticRegression().fit(X, y)
    >>> print(f"{model.score(X, y):.4f}")
    0.9578
    >>> model.predict_proba(X)[0].compute().round(4)
    array([1., 0.])
    """

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : dask array or dask dataframe (n_samples, n_features)
            Chunks of rows with all of their columns. Unknown chunk sizes are computed.
        y : dask array or series (n_samples,)
            In the chunks of X or in others.
        sample_weight : dask array or series (n_samples,), optional
        offset : None
            Data in memory may have one.

        Returns
        -------
        self
            Changed only when the fit has ended.
        """
        if not is_dask_collection(X):
            in_memory: Self = super().fit(X, y, sample_weight, offset)
            return in_memory
        _no_offset(offset)
        # It travels to the workers, so it has neither the last fit nor the callbacks of this one.
        fitted = type(self)(**self.get_params(deep=False))
        _check_columns(fitted, X, reset=True)
        source = DaskBlocks(X, y, sample_weight)
        return self._fit_source(source, fitted, source, None, None)

    def decision_function(self, X: Any, offset: Any = None) -> Any:
        """The margins in log-odds, a lazy Dask array (n_samples,) or (n_samples, n_classes)."""
        return self._predicted(InMemory.decision_function, X, offset)

    def predict_proba(self, X: Any, offset: Any = None) -> Any:
        """The probability of each class, a lazy Dask array (n_samples, n_classes)."""
        return self._predicted(InMemory.predict_proba, X, offset)

    def predict_log_proba(self, X: Any, offset: Any = None) -> Any:
        """The logarithm of `predict_proba`, a lazy Dask array (n_samples, n_classes)."""
        return self._predicted(InMemory.predict_log_proba, X, offset)

    def predict(self, X: Any, offset: Any = None) -> Any:
        """The most probable class of each row, a lazy Dask array (n_samples,)."""
        return self._predicted(InMemory.predict, X, offset)

    def _predicted(self, method: Callable[..., Array], X: Any, offset: Any) -> Any:
        """What the estimator in memory predicts, for each chunk of Dask's data."""
        if not is_dask_collection(X):
            return method(self, X, offset)
        _no_offset(offset)
        model = self._light()
        zero = np.zeros((1, model.n_features_in_), dtype=model.coef_.dtype)
        nothing = method(model, zero)[:0]
        _check_columns(self, X, reset=False)
        _check_columns(model, X, reset=True)  # which each chunk has, too
        predicted = partial(of_chunk, method, model, nothing)
        if not isinstance(X, da.Array):
            return X.map_partitions(predicted, meta=nothing)
        if nothing.ndim == 1:
            return da.map_blocks(predicted, X, drop_axis=1, meta=nothing)
        chunks = (X.chunks[0], nothing.shape[1:])
        return da.map_blocks(predicted, X, chunks=chunks, meta=nothing)

    def _light(self) -> InMemory:
        """What predictions need, to be sent to the workers."""
        check_is_fitted(self)
        model = InMemory(n_jobs=1)
        for name in ("coef_", "intercept_", "classes_", "n_features_in_"):
            setattr(model, name, getattr(self, name))
        return model

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """The accuracy: the weighted share of rows whose class is predicted."""
        if not is_dask_collection(X):
            return super().score(X, y, sample_weight, offset)
        _no_offset(offset)
        right = partial(right_of_block, self._light())
        _check_columns(self, X, reset=False)
        share, total = DaskBlocks(X, y, sample_weight).add_up(right)
        if not total:
            raise ValueError("sample_weight is zero for every row; at least one must be positive.")
        return float(share / total)

    def inference(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        offset: Any = None,
        cov_type: str = "nonrobust",
        groups: Any = None,
        *,
        weights: str = "frequency",
        baseline: Any = None,
    ) -> Any:
        """Standard errors, intervals and tests of the coefficients, from the data of the fit; of
        Dask's data what :class:`logreg.BlockInference` has.
        """
        if not is_dask_collection(X):
            return super().inference(
                X, y, sample_weight, offset, cov_type, groups, weights=weights, baseline=baseline
            )
        check_is_fitted(self)
        _no_offset(offset)
        if groups is not None:
            raise ValueError("groups is for data in memory, as cov_type='cluster' is.")
        _check_columns(self, X, reset=False)
        source = DaskBlocks(X, y, sample_weight)
        with single_threaded_blas():
            found: BlockInference = infer_blocks(self, source, cov_type, weights, baseline)
        return found


# -- at the door ---------------------------------------------------------------------------------


def _no_offset(offset: Any) -> None:
    if offset is not None:
        raise ValueError("offset is for data in memory; Dask's data cannot have one yet.")


def _check_columns(estimator: Any, X: Any, *, reset: bool) -> None:
    """Raise unless X is cut between rows only, and has the columns of the fit: scikit-learn's
    validation, which with `reset` takes their names.
    """
    if not _is_table(X):
        raise TypeError(
            f"X must be a Dask array or dataframe, got {type(X).__name__}: see "
            "dask.array.from_delayed and dask.dataframe.from_delayed."
        )
    if X.ndim != 2:
        raise ValueError(f"X must have rows and columns, got a Dask array of {X.ndim} dimensions.")
    if not isinstance(X, da.Array):
        X = X._meta
    elif X.numblocks[1] > 1:
        raise ValueError(
            f"X is cut into {X.numblocks[1]} chunks of columns; each chunk needs all columns of "
            "its rows: use X.rechunk({1: -1})."
        )
    validate_data(estimator, X, reset=reset, skip_check_array=True)


def _is_table(X: Any) -> bool:
    """Whether X is an array, a frame or a series of Dask's."""
    return isinstance(X, da.Array) or hasattr(type(X), "to_dask_array")


class Pieces(NamedTuple):
    """A table or a column in pieces of rows, persisted."""

    pieces: list[Any]
    lengths: tuple[int, ...]


def _in_pieces(tables: Mapping[str, Any]) -> dict[str, Pieces]:
    """Tables that are read once, even where they are parts of one, and then counted if need be."""
    for name, table in tables.items():
        if not _is_table(table):
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
            make(number, start, *some)
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


def made(number: int, start: int, X: Any, y: Any, weight: Any = None) -> Block:
    """The block of a chunk, checked."""
    with named(number):
        table = inputs.numeric_table(BaseEstimator(), X, least=0)
        targets = encode_targets(one_dimensional(y))
        n = table.shape[0]
        if len(targets.codes) != n:
            raise ValueError(f"y has {len(targets.codes)} values, X has {n} rows.")
        return Block(table, targets, inputs.sample_weights(weight, n), start)


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


def of_chunk(method: Callable[..., Array], model: InMemory, nothing: Array, chunk: Any) -> Array:
    """What the model predicts for a chunk; an empty one it would refuse."""
    return method(model, chunk) if chunk.shape[0] else nothing


def right_of_block(model: InMemory, block: Block) -> Parts:
    """The weight of the rows whose class is predicted, and of all."""
    right = model.predict(block.X) == block.y.classes[block.y.codes]
    weight = np.ones(len(right)) if block.weight is None else block.weight
    return float(weight[right].sum()), float(weight.sum())

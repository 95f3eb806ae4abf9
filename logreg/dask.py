"""The same estimator over Dask's arrays and frames: ``from logreg.dask import LogisticRegression``.

The data are persisted where they lie. A pass is one round: the parameters go out, each chunk
answers with its part of the value, the gradient and what else was asked for, and the parts are
added up in a tree. Needs the extra: ``pip install 'logreg[dask]'``.
"""

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Self

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
    from dask.base import compute, persist
    from dask.delayed import delayed
except ImportError as error:
    raise ImportError("logreg.dask needs Dask: pip install 'logreg[dask]'.") from error

Array = NDArray[Any]

BRANCHES = 8  # of the tree in which parts are added up


class LogisticRegression(InMemory):
    """Logistic regression over Dask arrays and frames, fitted to the same optimum.

    Parameters, attributes and warnings are those of :class:`logreg.LogisticRegression`. Data are
    chunks of rows; those of arrays may hold sparse matrices of compressed rows. With a
    ``distributed`` client each chunk stays on its worker, and a worker that is lost is no loss, as
    Dask makes its chunks again. Tables in memory are taken as well.

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
    >>> model.predict_proba(X)
    dask.array<...>
    """

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : dask array or dask dataframe (n_samples, n_features)
            Chunks of rows with all of their columns. Unknown chunk sizes are computed.
        y : dask array or series (n_samples,)
        sample_weight : dask array or series (n_samples,), optional
        offset : None
            Data in memory may have one.

        Returns
        -------
        self
        """
        if not _is_dask(X):
            in_memory: Self = super().fit(X, y, sample_weight, offset)
            return in_memory
        _no_offset(offset)
        fitted = copy(self)
        source = DaskBlocks(X, y, sample_weight)
        fitted.__dict__.pop("feature_names_in_", None)
        return self._fit_source(source, fitted, source, None, None)

    def decision_function(self, X: Any, offset: Any = None) -> Any:
        """The margins in log-odds, a lazy Dask array (n_samples,) or (n_samples, n_classes)."""
        return self._lazily(super().decision_function, "decision_function", X, offset)

    def predict_proba(self, X: Any, offset: Any = None) -> Any:
        """The probability of each class, a lazy Dask array (n_samples, n_classes)."""
        return self._lazily(super().predict_proba, "predict_proba", X, offset)

    def predict_log_proba(self, X: Any, offset: Any = None) -> Any:
        """The logarithm of `predict_proba`, a lazy Dask array (n_samples, n_classes)."""
        return self._lazily(super().predict_log_proba, "predict_log_proba", X, offset)

    def predict(self, X: Any, offset: Any = None) -> Any:
        """The most probable class of each row, a lazy Dask array (n_samples,)."""
        return self._lazily(super().predict, "predict", X, offset)

    def _lazily(self, in_memory: Callable[..., Array], name: str, X: Any, offset: Any) -> Any:
        if not _is_dask(X):
            return in_memory(X, offset)
        _no_offset(offset)
        model, X = self._light(), self._checked(X)
        empty = np.zeros((1, self.n_features_in_), dtype=self.coef_.dtype)
        sample = getattr(InMemory, name)(model, empty)

        def predicted(chunk: Any) -> Array:
            result: Array = getattr(InMemory, name)(model, chunk)
            return result

        if sample.ndim == 1:
            return da.map_blocks(predicted, X, dtype=sample.dtype, drop_axis=1, meta=sample[:0])
        chunks = (X.chunks[0], (sample.shape[1],))
        return da.map_blocks(predicted, X, dtype=sample.dtype, chunks=chunks, meta=sample[:0])

    def _light(self) -> InMemory:
        """What predictions need, to be sent to the workers."""
        model = InMemory(n_jobs=1)
        for name in ("coef_", "intercept_", "classes_", "n_features_in_"):
            setattr(model, name, getattr(self, name))
        return model

    def _checked(self, X: Any) -> Any:
        """X as an array of the columns of the fit."""
        check_is_fitted(self)
        if hasattr(X, "columns"):
            validate_data(self, X._meta, reset=False, ensure_min_samples=0)
            X = X.to_dask_array(lengths=None)
        _one_chunk_of_columns(X)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return X

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """The accuracy: the weighted share of rows whose class is predicted."""
        if not _is_dask(X):
            return super().score(X, y, sample_weight, offset)
        right = self.predict(X) == _column(y)
        if sample_weight is None:
            return float(right.mean().compute())
        weight = _column(sample_weight)
        total, all_of_it = compute((right * weight).sum(), weight.sum())
        return float(total / all_of_it)

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
        if not _is_dask(X):
            return super().inference(
                X, y, sample_weight, offset, cov_type, groups, weights=weights, baseline=baseline
            )
        _no_offset(offset)
        source = DaskBlocks(X, y, sample_weight)
        found: BlockInference = infer_blocks(self, source, cov_type, weights, baseline)
        return found


def _is_dask(X: Any) -> bool:
    return type(X).__module__.split(".")[0] in ("dask", "dask_expr")


def _no_offset(offset: Any) -> None:
    if offset is not None:
        raise ValueError("offset is for data in memory; Dask's data cannot have one yet.")


def _one_chunk_of_columns(X: Any) -> None:
    if X.ndim != 2:
        raise ValueError(f"X must have rows and columns, got a Dask array of {X.ndim} dimensions.")
    if X.numblocks[1] > 1:
        raise ValueError(
            f"X is cut into {X.numblocks[1]} chunks of columns; each chunk needs all columns of "
            "its rows: use X.rechunk({1: -1})."
        )


def _column(values: Any) -> Any:
    """A Dask array (n,) of a series or an array."""
    array = values if isinstance(values, da.Array) else values.to_dask_array(lengths=True)
    if any(np.isnan(n) for n in array.chunks[0]):
        array = copy(array).compute_chunk_sizes()
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


class DaskBlocks:
    """The chunks of Dask's data, each kept as a block by the worker that made it."""

    def __init__(self, X: Any, y: Any, sample_weight: Any = None) -> None:
        if y is None or not hasattr(y, "dask"):
            raise ValueError(
                f"y must be a Dask array or series as X is, got {type(y).__name__}: use "
                "dask.array.from_array(y, chunks=X.chunks[0])."
            )
        if hasattr(X, "columns"):
            self.feature_names = [str(name) for name in X.columns]
            X = X.to_dask_array(lengths=True)
        _one_chunk_of_columns(X)
        if any(np.isnan(n) for n in X.chunks[0]):
            X = copy(X).compute_chunk_sizes()
        rows = X.chunks[0]
        columns = [_aligned(y, rows, "y")]
        if sample_weight is not None:
            columns.append(_aligned(sample_weight, rows, "sample_weight"))
        parts = [X.to_delayed()[:, 0], *(column.to_delayed() for column in columns)]
        starts = np.cumsum([0, *rows[:-1]]).tolist()
        make = delayed(made, pure=True)
        blocks = [
            make(number, start, *some)
            for number, (start, *some) in enumerate(zip(starts, *parts, strict=True))
        ]
        self.blocks: Sequence[Any] = persist(*blocks)

    def add_up(self, function: Callable[[Block], Parts | None]) -> Parts:
        """One round: the function goes to the chunks, and their sum comes back."""
        each, join = delayed(applied, pure=False), delayed(added, pure=False)
        sent = delayed(function, pure=False, traverse=False)
        parts = [each(sent, number, block) for number, block in enumerate(self.blocks)]
        while len(parts) > 1:
            parts = [join(parts[a : a + BRANCHES]) for a in range(0, len(parts), BRANCHES)]
        total: Parts | None = parts[0].compute()
        if total is None:
            raise ValueError("X has no rows with a weight; a fit needs some.")
        return total


def _aligned(values: Any, rows: tuple[int, ...], name: str) -> Any:
    """A column in the chunks of X."""
    column = _column(values)
    n = sum(rows)
    if column.ndim != 1 or column.shape[0] != n:
        raise ValueError(f"{name} has the shape {column.shape}, X has {n} rows: give one for each.")
    return column if column.chunks[0] == rows else column.rechunk((rows,))


def made(number: int, start: int, X: Any, y: Any, weight: Any = None) -> Block:
    """The block of a chunk, checked."""
    with named(number):
        table = inputs.numeric_table(BaseEstimator(), X, least=0)
        targets = encode_targets(np.asarray(y))
        return Block(table, targets, inputs.sample_weights(weight, table.shape[0]), start)


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

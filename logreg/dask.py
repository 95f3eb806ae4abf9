"""The same estimator over Dask's arrays and frames: ``from logreg.dask import LogisticRegression``.

The data are read once and stay where they lie, as blocks. A pass is one round: the parameters go
out, each block answers with its part of the value, the gradient and what else was asked for, and
the parts are added up in a tree. Needs the extra: ``pip install 'logreg[dask]'``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from logreg.block_inference import BlockInference, infer_blocks
from logreg.blocks import Block
from logreg.callbacks import with_callbacks
from logreg.dask_blocks import DaskBlocks, da, is_dask_collection, is_table
from logreg.estimator import LogisticRegression as InMemory
from logreg.row_blocks import Parts
from logreg.threads import single_threaded_blas

Array = NDArray[Any]


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
    if not is_table(X):
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


# -- what workers do -----------------------------------------------------------------------------


def of_chunk(method: Callable[..., Array], model: InMemory, nothing: Array, chunk: Any) -> Array:
    """What the model predicts for a chunk; an empty one it would refuse."""
    return method(model, chunk) if chunk.shape[0] else nothing


def right_of_block(model: InMemory, block: Block) -> Parts:
    """The weight of the rows whose class is predicted, and of all."""
    right = model.predict(block.X) == block.y.classes[block.y.codes]
    weight = np.ones(len(right)) if block.weight is None else block.weight
    return float(weight[right].sum()), float(weight.sum())

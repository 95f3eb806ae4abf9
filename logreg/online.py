"""partial_fit: an estimator that learns a stream of rows, each of them once."""

from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metaestimators import available_if

from logreg import inputs
from logreg.fitting import Fitting
from logreg.parameters import check_parameters
from logreg.problem import attributes
from logreg.solvers import SOLVERS
from logreg.sparse_blocks import row_blocks
from logreg.streaming import LARGEST, Stream
from logreg.targets import Targets, encode_targets, places
from logreg.threads import single_threaded_blas

Array = NDArray[Any]

# what a fit leaves that is not true of a stream
OF_A_FIT = ("outcome_", "gap_", "n_passes_", "n_iter_", "_history")


def _without_corners(estimator: Any) -> bool:
    if estimator.l1_ratio > 0 and np.isfinite(estimator.C):
        raise AttributeError("partial_fit has no L1 penalty: set l1_ratio=0, or use fit_blocks.")
    return True


class Online(Fitting):
    """An estimator that can learn rows as they come."""

    n_samples_seen_: int
    _stream: Stream

    @available_if(_without_corners)
    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        forgetting: float = 1.0,
    ) -> Self:
        """Learn some more rows, which need not be kept.

        There is no learning rate. Each row changes the coefficients by their covariance so far,
        and some thousand rows, those whose loss is least like a parabola, are kept and solved for
        again. After one read the log loss is near that of the optimum: above it by a few
        hundredths of the sampling error d/(2n) on most data in random order, whatever the columns'
        units, and hardly other for other batches. docs/scale.md has where it is more: rows sorted
        by class or repeated in long runs. Of more than 2,000 coefficients only the variances are
        known: that is near the optimum where rows are many times as many, or columns have about
        one scale. The first call begins the stream: the rows of a `fit` before have no part in it.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
        y : array-like (n_samples,)
        classes : array-like (n_classes,)
            All classes that will ever come; needed in the first call, if there was no fit.
        sample_weight : array-like (n_samples,), optional
        forgetting : float, default=1.0
            The weight of a row when the next one has come, for streams that drift: the past
            counts half after log(½) / log(forgetting) rows of weight 1.

        Returns
        -------
        self
            With `coef_`, `intercept_`, `classes_` and `n_samples_seen_`.

        Raises
        ------
        ValueError
            For a class that is not in `classes`, or ``class_weight="balanced"``.
        AttributeError
            With an L1 penalty there is no such method.

        Examples
        --------
        >>> from logreg import LogisticRegression
        >>> from logreg.datasets import load_breast_cancer
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> model = LogisticRegression()
        >>> for start in range(0, len(y), 100):
        ...     rows = slice(start, start + 100)
        ...     model = model.partial_fit(X[rows], y[rows], classes=[0, 1])
        >>> print(f"{model.score(X, y):.2f}")
        0.96
        """
        check_parameters(vars(self), SOLVERS)
        _check_forgetting(forgetting)
        begun = hasattr(self, "_stream")
        fitted = copy(self)
        X = inputs.numeric_table(fitted, X, reset=not begun, least=0)
        known = self._known_classes(classes)
        codes = _codes(y, known, X.shape[0])
        weight = self._row_weights(sample_weight, known, codes)
        _check_sizes(X, weight, getattr(fitted, "feature_names_in_", None))
        stream = self._stream if begun else self._begin(X.shape[1], len(known))
        self._check_stream(stream)
        stream.forgetting = float(forgetting)
        try:
            with single_threaded_blas():
                stream.learn(X, codes, weight)
        finally:  # what an interrupted call has learned is learned
            found = inputs.Data(X, Targets(known, codes), None, None, None)
            self.__dict__.update({**vars(fitted), **attributes(*stream.coefficients(), found)})
            for name in OF_A_FIT:
                self.__dict__.pop(name, None)
            self._stream, self.n_samples_seen_ = stream, stream.n_rows
        return self

    def _check_stream(self, stream: Stream) -> None:
        """Take the penalty as it is now; the intercept cannot come or go."""
        if bool(self.fit_intercept) != stream.intercept:
            raise ValueError(
                f"fit_intercept is {self.fit_intercept} now and was {stream.intercept} when the "
                "stream began: begin anew with a clone."
            )
        stream.ridge = np.broadcast_to(np.asarray(self._penalty(stream.d).l2, float), stream.d)

    def _known_classes(self, classes: ArrayLike | None) -> Array:
        if classes is None:
            if not hasattr(self, "classes_"):
                raise ValueError(
                    "classes must be given in the first call of partial_fit: all that will come."
                )
            return self.classes_
        known = encode_targets(np.asarray(classes)).classes
        if hasattr(self, "_stream") and not np.array_equal(known, self.classes_):
            raise ValueError(
                f"classes={known.tolist()} are not those of the first call, "
                f"{self.classes_.tolist()}. Leave them out, or begin anew with a clone."
            )
        if len(known) < 2:
            raise ValueError(
                f"classes has one class ({known.tolist()[0]!r}); logistic regression needs at "
                "least two."
            )
        return known

    def _row_weights(self, sample_weight: Any, known: Array, codes: Array) -> Array | None:
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows, partial_fit has seen some: give the "
                "weights as a dict."
            )
        weight = inputs.sample_weights(sample_weight, len(codes))
        if self.class_weight is None:
            return weight
        each = Targets(known, np.arange(len(known)))
        factors: Array = inputs.class_factors(self.class_weight, each, None)[codes]
        return factors if weight is None else factors * weight

    def _begin(self, d: int, K: int) -> Stream:
        q = 1 if K == 2 else K
        if np.isinf(self.C) and q * (d + self.fit_intercept) > LARGEST:
            raise ValueError(
                f"C=inf with {q * (d + self.fit_intercept)} coefficients: without a penalty "
                f"partial_fit takes up to {LARGEST}. Set a finite C."
            )
        return Stream(q, d, intercept=bool(self.fit_intercept))


def _check_sizes(X: Any, weight: Array | None, names: Any) -> None:
    """Raise for what is not finite, or has squares that are not."""
    matrix = row_blocks(X)
    if weight is not None:
        inputs.check_size(float(weight.max(initial=0.0)), "sample_weight")
        weight = weight if weight.any() else None  # not learned, but checked all the same
    if matrix.n:
        inputs.check_columns(matrix.moments(weight), matrix, weight, names)


def _check_forgetting(forgetting: Any) -> None:
    if not isinstance(forgetting, (int, float, np.floating)) or not 0 < forgetting <= 1:
        raise ValueError(f"forgetting must be a number above 0 and at most 1, got {forgetting!r}.")


def _codes(y: Any, known: Array, n: int) -> Array:
    targets = encode_targets(y)
    if len(targets.codes) != n:
        raise ValueError(
            f"y has {len(targets.codes)} values, X has {n} rows: inconsistent numbers."
        )
    which = f"which is none of the classes {known.tolist()} of the first call of partial_fit."
    return places(targets, known, which).astype(np.intp)

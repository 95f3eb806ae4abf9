"""A linear classifier with its coefficients at hand: margins, probabilities, classes."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from logreg import inputs
from logreg.sigmoid import log_sigmoid, log_softmax, sigmoid, softmax
from logreg.sparse_blocks import row_blocks
from logreg.threads import thread_count

if TYPE_CHECKING:
    import pandas as pd

    from logreg.minimize import Record

Array = NDArray[Any]


def probabilities(margin: Array) -> Array:
    """A column a class, from margins (n,) of two classes or (n, K) of more."""
    if margin.ndim == 2:
        return np.asarray(softmax(margin))
    return np.column_stack([sigmoid(-margin), sigmoid(margin)])


class LinearClassifier(ClassifierMixin, BaseEstimator):
    """What estimators with `coef_`, `intercept_` and `classes_` predict; and their history."""

    coef_: Array
    intercept_: Array
    classes_: Array
    n_jobs: int | None
    _history: "list[Record]"
    _measure = "standard_errors"  # of distances from the optimum

    def decision_function(self, X: Any, offset: ArrayLike | None = None) -> Array:
        """The margins, x·w + b + offset, in log-odds.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
        offset : array-like (n_samples,) or (n_samples, n_classes), optional

        Returns
        -------
        ndarray (n_samples,) for two classes, else (n_samples, n_classes)
        """
        check_is_fitted(self)
        X = inputs.numeric_table(self, X, reset=False)
        matrix = row_blocks(X, thread_count(self.n_jobs))
        with np.errstate(over="ignore", invalid="ignore"):
            margin = matrix.margins(self.coef_, self.intercept_)
        inputs.check_margins(margin, matrix, getattr(self, "feature_names_in_", None))
        known = inputs.check_offset(offset, X.shape[0], len(self.classes_))
        if known is not None:
            margin += known.T.astype(margin.dtype)
        return margin[:, 0] if len(self.classes_) == 2 else margin

    def predict_proba(self, X: Any, offset: ArrayLike | None = None) -> Array:
        """The probability of each class, in the order of `classes_`.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
        offset : array-like (n_samples,) or (n_samples, n_classes), optional

        Returns
        -------
        ndarray (n_samples, n_classes)
            Each row adds up to 1 but for rounding; both columns of two classes are accurate, so
            neither is 1 minus the other.
        """
        return probabilities(self.decision_function(X, offset))

    def predict_log_proba(self, X: Any, offset: ArrayLike | None = None) -> Array:
        """The logarithm of `predict_proba`, finite for finite margins.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
        offset : array-like (n_samples,) or (n_samples, n_classes), optional

        Returns
        -------
        ndarray (n_samples, n_classes)
        """
        margin = self.decision_function(X, offset)
        if margin.ndim == 2:
            return np.asarray(log_softmax(margin))
        return np.column_stack([log_sigmoid(-margin), log_sigmoid(margin)])

    def predict(self, X: Any, offset: ArrayLike | None = None) -> Array:
        """The most probable class of each row.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
        offset : array-like (n_samples,) or (n_samples, n_classes), optional

        Returns
        -------
        ndarray (n_samples,)
        """
        margin = self.decision_function(X, offset)
        code = (margin > 0).astype(np.intp) if margin.ndim == 1 else margin.argmax(axis=1)
        labels: Array = self.classes_[code]
        return labels

    def score(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> float:
        """The accuracy: the weighted share of rows whose class is predicted.

        Parameters
        ----------
        X : array-like (n_samples, n_features)
        y : array-like (n_samples,)
        sample_weight : array-like (n_samples,), optional
        offset : array-like (n_samples,) or (n_samples, n_classes), optional

        Returns
        -------
        float
        """
        from sklearn.metrics import accuracy_score  # 40 ms that `import logreg` need not take

        return float(accuracy_score(y, self.predict(X, offset), sample_weight=sample_weight))

    @property
    def history_(self) -> "pd.DataFrame":
        """A row an iteration: objective, gradient norm, how many standard errors it is from the
        optimum (with an L1 penalty the `relative_gap`), reads of X and seconds so far.
        """
        check_is_fitted(self)
        if not hasattr(self, "_history"):
            raise AttributeError(
                f"This {type(self).__name__} has no history: refit=False fits no model of its own."
            )
        import pandas as pd

        history = pd.DataFrame(self._history).set_index("iteration")
        return history.rename(columns={"distance": self._measure})

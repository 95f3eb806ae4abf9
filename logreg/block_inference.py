"""Inference over blocks: what takes sums over the rows, and no row by itself."""

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from logreg import diagnostics, inputs
from logreg.block_objective import BlockObjective
from logreg.block_problem import pose_blocks
from logreg.block_rows import Rows
from logreg.blocks import Blocks
from logreg.contrasts import Contrasts
from logreg.covariance import meat_of_rows
from logreg.fitting import generator, theta_of
from logreg.inference import LARGEST, Inference, prior
from logreg.likelihood import Likelihood
from logreg.outcome import Outcome
from logreg.parameters import check_inference
from logreg.row_blocks import Parts
from logreg.threads import thread_count

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


class BlockInference(Inference):
    """The estimate's distribution, from blocks: made by ``model.inference_blocks(blocks)``.

    It has what :class:`logreg.Inference` has, but for profiles, clusters, marginal effects and
    what is a number a row (residuals, leverage, Hosmer and Lemeshow's groups). The blocks are read
    again when a test of columns is asked for.
    """

    @property
    def _objective(self) -> BlockObjective:
        objective = self._point.objective
        assert isinstance(objective, BlockObjective)
        return objective

    @cached_property
    def nobs(self) -> float:
        classes = self._objective.found.classes
        if self._weights == "frequency":
            return float(classes.totals.sum())
        return float(classes.present)

    def _meat_of_rows(self) -> Array:
        place, squared = self._objective.place(self._point), self._weights != "frequency"

        def function(rows: Rows) -> Parts:
            point = rows.at(place)
            weight = rows.whole.loss.weight
            return (meat_of_rows(point, weight if weight is None or not squared else weight**2),)

        meat: Array = self._objective.add_up(function)[0]
        return meat

    def pseudo_r2(self) -> "pd.Series[float]":
        """McFadden's, Cox and Snell's and Nagelkerke's R²."""
        import pandas as pd

        self._check(finite=True)
        n = self.nobs if self._weights == "frequency" else None
        return pd.Series(diagnostics.pseudo_r2(self.llf, self.llnull, n), name="pseudo_r2")

    # -- what needs rows ---------------------------------------------------------------------------

    def _refuse(self, what: str) -> NoReturn:
        raise ValueError(
            f"{what} needs the rows in memory: use inference(X, y), of a sample of them if need be."
        )

    @property
    def _witness(self) -> None:
        return None

    @property
    def _profiles(self) -> NoReturn:
        self._refuse("A profile")

    @property
    def _people(self) -> NoReturn:
        self._refuse("An average over the rows")

    def _against(self, other: Likelihood) -> NoReturn:
        self._refuse("A test against another model")

    def hosmer_lemeshow(self, groups: int = 10) -> NoReturn:
        self._refuse("hosmer_lemeshow")

    def residuals(self, kind: str = "deviance") -> NoReturn:
        self._refuse("residuals")

    def leverage(self) -> NoReturn:
        self._refuse("leverage")

    def cooks_distance(self) -> NoReturn:
        self._refuse("cooks_distance")


def infer_blocks(
    model: Any, source: Blocks, cov_type: str, weights: str, baseline: Any, names: Any = None
) -> BlockInference:
    """The inference of a fitted LogisticRegression, at its coefficients, from the fit's blocks."""
    check_is_fitted(model)
    if cov_type == "cluster":
        raise ValueError("cov_type='cluster' needs the rows in memory: use inference(X, y).")
    check_inference(vars(model), cov_type, None, weights)
    named = getattr(model, "feature_names_in_", names)
    objective, data = pose_blocks(
        source,
        model,
        lambda: named,
        lambda d: prior(model, d, d),
        generator(model.random_state),
        source.threads or thread_count(model.n_jobs),
        quiet=True,
    )
    inputs.check_same_classes(model.classes_, data.y.classes)
    d = data.X.shape[1]
    if d != model.coef_.shape[1]:
        raise ValueError(f"X has {d} columns; the model was fitted with {model.coef_.shape[1]}.")
    if objective.size > LARGEST:
        raise ValueError(
            f"The covariance of {objective.size} coefficients is a matrix of that size squared; "
            f"inference takes up to {LARGEST}. Select columns first."
        )
    first = model.classes_.tolist()[0] if baseline is None else baseline
    contrasts = Contrasts(objective, model.classes_, first, inputs.column_labels(named, d))
    point = objective.at(theta_of(objective, model.coef_, model.intercept_))
    return BlockInference(
        copy(model),
        data,
        point,
        contrasts,
        cov_type=cov_type,
        weights=weights,
        converged=getattr(model, "outcome_", None) in (Outcome.CONVERGED, None),  # of a stream
    )

"""How a fit ended, in sentences for the user, and the warnings that carry them."""

import functools
import inspect
import warnings
from enum import Enum
from pathlib import Path

import sklearn
from sklearn.exceptions import ConvergenceWarning

__all__ = ["CollinearityWarning", "ConvergenceWarning", "Outcome", "SeparationWarning"]


# How far a fit is from the optimum: with an L1 penalty a bound that is relative to F.
MEASURES = {
    "standard_errors": "{:.1e} standard errors from the optimum",
    "relative_gap": "with a duality gap of {:.1e} F",
}


class Outcome(Enum):
    """Why a fit stopped. The value is the sentence; ``outcome.sentence(...)`` fills in numbers."""

    CONVERGED = "Converged: {distance}, tol={tol:.1e}."
    MAX_ITER = (
        "Stopped after {n_iter} iterations, {distance} (tol={tol:.1e}): raise max_iter{or_auto}."
    )
    SEPARATED = (
        "The classes are separated: the likelihood has no maximum, it nears its bound with "
        "unlimited growth of {runaways}. Set a finite C (a ridge penalty) with no penalty weight "
        "of 0, use FirthLogisticRegression, or leave out the columns that give the class away; "
        "the coefficients here are those of iteration {n_iter}."
    )
    ROUNDING = (
        "Stopped at the rounding limit of float64, {distance} (tol={tol:.1e}), after {n_iter} "
        "iterations: raise tol, or look for columns that nearly repeat each other or hold values "
        "of extreme size."
    )
    INTERRUPTED = (
        "A callback stopped the fit after {n_iter} iterations, {distance} (tol={tol:.1e})."
    )

    def sentence(
        self,
        *,
        n_iter: int,
        distance: float,
        tol: float,
        measure: str,
        solver: str = "auto",
        runaways: str = "the coefficients",
    ) -> str:
        """The sentence with this fit's numbers in it, and the names of what is infinite."""
        or_auto = "" if solver == "auto" else ", or use solver='auto'"
        far = MEASURES[measure].format(distance)
        text = self.value.format(
            n_iter=n_iter, distance=far, tol=tol, or_auto=or_auto, runaways=runaways
        )
        return text.replace(" 1 iterations", " 1 iteration")


class SeparationWarning(ConvergenceWarning):
    """The classes can be told apart without error, so an unpenalised fit has no finite optimum."""


class CollinearityWarning(UserWarning):
    """Columns depend linearly on each other, so without a penalty their coefficients are not
    determined; the fit takes those of the smallest norm."""


# the package, and what stands between it and its caller: properties, scikit-learn's callbacks
INSIDE = (
    str(Path(__file__).parent),
    functools.__file__,
    str(Path(sklearn.__file__).parent / "callback"),
)


def warn_caller(sentence: str, kind: type[Warning]) -> None:
    """Warn of what was found when a result was asked for, at the line outside of the package that
    asked: how many calls and lazy properties lie between varies.
    """
    frame, level = inspect.currentframe(), 1
    while frame and frame.f_code.co_filename.startswith(INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, kind, stacklevel=level)

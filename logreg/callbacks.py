"""What happens once an iteration besides the fit: scikit-learn's callbacks and `verbose`.

scikit-learn has callbacks from version 1.9 on; before that `history_` and `verbose` serve.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from logreg.minimize import Callback, Record
from logreg.point import Point

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)  # a frame, as in scikit-learn's: warnings point at the caller of fit
        def fit(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        return fit


__all__ = ["CallbackSupportMixin", "FitTasks", "every", "report", "with_callbacks"]


class FitTasks:
    """The fit as a task of scikit-learn's callbacks, each iteration a subtask of it."""

    def __init__(self, estimator: Any, max_iter: int, X: Any, y: Any, weight: Any) -> None:
        self.estimator = estimator
        self.active = bool(getattr(estimator, "_skl_callbacks", [])) or hasattr(
            estimator, "_parent_callback_ctx"
        )
        self.data = {"X": X, "y": y}
        if weight is not None:
            self.data["metadata"] = {"sample_weight": weight}
        if self.active:
            # the start, max_iter iterations, and the empty task after the last
            self.fit = estimator._init_callback_context(max_subtasks=max_iter + 2)
            self.fit.call_on_fit_task_begin(estimator=estimator, **self.data)
            self._begin()

    def _begin(self) -> None:
        self.task = self.fit.subcontext(task_name="iteration")
        self.task.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def iteration_ended(self, attributes: Callable[[], dict[str, Any]]) -> bool:
        """Tell the callbacks; True if one asks to stop."""
        if not self.active:
            return False
        stop = self.task.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.data
        )
        self._begin()
        return bool(stop)

    def fit_ended(self, attributes: Callable[[], Mapping[str, Any]]) -> None:
        if self.active:
            self.task.call_on_fit_task_end(estimator=self.estimator)
            self.fit.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes=attributes, **self.data
            )


def report(point: Point, record: Record) -> bool:
    """Print a line for the iteration, what `verbose` asks for."""
    if record.iteration == 0:
        measure = {"standard_errors": "std. errors", "relative_gap": "duality gap"}
        far = measure[point.objective.measure]
        print(f"iteration        objective   {far}   passes   seconds")
    print(
        f"{record.iteration:9d} {record.objective:16.9g} {record.distance:13.1e} "
        f"{record.passes:8.1f} {record.seconds:9.3f}"
    )
    return False


def every(callbacks: Sequence[Callback]) -> Callback:
    """All of them, one after the other; True if one says so."""

    def call(point: Point, record: Record) -> bool:
        answers = [callback(point, record) for callback in callbacks]
        return any(answers)

    return call

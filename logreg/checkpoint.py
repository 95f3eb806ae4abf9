"""A fit on its way, in a file: to go on where it was interrupted."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logreg.inputs import Data
from logreg.minimize import Callback, Record
from logreg.objective import Objective
from logreg.point import Point
from logreg.problem import coefficients

Array = NDArray[Any]


class Checkpoint:
    """The coefficients and the history so far, as an npz file without pickles."""

    def __init__(self, path: Any) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            raise IsADirectoryError(f"{str(self.path)!r} is a folder; a checkpoint is a file.")

    def after_each(self, data: Data, before: Sequence[Record]) -> Callback:
        """A callback that writes the file after each iteration."""
        records: list[Record] = []

        def write(point: Point, record: Record) -> bool:
            records.append(record)
            self.write(point, data, continued(before, records))
            return False

        return write

    def write(self, point: Point, data: Data, history: Sequence[Record]) -> None:
        """All or nothing: a file of its own takes the place of the last one when it is whole."""
        found = coefficients(point, data)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(
                    file,
                    coef=found["coef_"].astype(np.float64),
                    intercept=found["intercept_"].astype(np.float64),
                    classes=_texts(found["classes_"]),
                    history=np.array(history, dtype=np.float64),
                )
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def read(self, objective: Objective, data: Data) -> tuple[Array, list[Record]]:
        """Where to start from, and the history up to there; of a fit of the same problem."""
        if not self.path.exists():
            raise FileNotFoundError(f"resume: there is no checkpoint {str(self.path)!r}.")
        try:
            with np.load(self.path, allow_pickle=False) as file:
                coef, intercept = file["coef"], file["intercept"]
                classes, rows = file["classes"], file["history"]
        except Exception as error:
            raise ValueError(f"resume: {str(self.path)!r} is no checkpoint of a fit.") from error
        shape = (objective.q, data.X.shape[1])
        numbers = all(_are_numbers(part) for part in (coef, intercept, rows))
        whole = rows.shape[1:] == (len(Record._fields),) and intercept.shape == coef.shape[:1]
        if not (numbers and whole and np.isfinite(coef).all() and np.isfinite(intercept).all()):
            raise ValueError(f"resume: {str(self.path)!r} is no checkpoint of a fit.")
        if coef.shape != shape or classes.tolist() != _texts(data.y.classes).tolist():
            here = data.y.classes.tolist()
            raise ValueError(
                f"resume: {str(self.path)!r} is of a fit with coefficients {coef.shape} and "
                f"classes {classes.tolist()}; these blocks have {shape} and {here}."
            )
        theta = objective.design.from_user(coef, intercept)
        theta -= theta.mean(axis=0) if len(theta) > 1 else 0.0
        return theta.ravel(), [Record(int(row[0]), *map(float, row[1:])) for row in rows]


def continued(before: Sequence[Record], history: Sequence[Record]) -> list[Record]:
    """The history of a fit that went on where another one had ended."""
    if not before:
        return list(history)
    last = before[-1]
    later = (
        record._replace(
            iteration=last.iteration + record.iteration,
            passes=last.passes + record.passes,
            seconds=last.seconds + record.seconds,
        )
        for record in history[1:]  # the first is where it had ended
    )
    return [*before, *later]


def _are_numbers(part: Array) -> bool:
    return part.dtype == np.float64 and not np.isnan(part).any()


def _texts(classes: Array) -> Array:
    return np.array([str(label) for label in classes.tolist()])

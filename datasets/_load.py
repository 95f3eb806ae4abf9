"""How a table becomes ``X``, ``y`` and weights: one row of ``SETS`` says it for each set.

Categories are coded by treatment contrasts (a 0/1 column for each level but the first, the
base); ``X`` has no column of ones. A table of counts has one row for each combination of the
columns and one column of counts for each class: each of its rows becomes one row of ``X`` per
class, in the order of the classes, with the count as its weight.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn import datasets as sklearn_datasets
from sklearn.utils import Bunch

HERE = Path(__file__).parent

Table: TypeAlias = dict[str, npt.NDArray[np.str_]]  # column name -> its texts
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A column of numbers, as it is."""

    name: str

    @property
    def features(self) -> list[str]:
        return [self.name]

    def values(self, table: Table) -> list[Floats]:
        return [table[self.name].astype(np.float64)]


@dataclass(frozen=True)
class Log:
    """The natural logarithm of a column of numbers, after adding ``plus``."""

    name: str
    plus: float = 0.0

    @property
    def features(self) -> list[str]:
        return [f"log_{self.name}"]

    def values(self, table: Table) -> list[Floats]:
        return [np.log(table[self.name].astype(np.float64) + self.plus)]


@dataclass(frozen=True)
class Factor:
    """A column of categories: a 0/1 column for each of ``levels``, none for the ``base``."""

    name: str
    base: str
    levels: tuple[str, ...]

    @property
    def features(self) -> list[str]:
        return [f"{self.name}_{level}" for level in self.levels]

    def values(self, table: Table) -> list[Floats]:
        unknown = sorted(set(table[self.name].tolist()) - {self.base, *self.levels})
        if unknown:
            raise ValueError(f"column {self.name!r} has levels that SETS does not list: {unknown}")
        return [(table[self.name] == level).astype(np.float64) for level in self.levels]


@dataclass(frozen=True)
class Spec:
    """How to read one set.

    ``classes`` maps what the table says (a value of the ``target`` column or, without a target,
    the name of a column of counts) to the name of the class, in the order 0, 1, ...
    """

    columns: tuple[Column | Log | Factor, ...]
    classes: dict[str, str]
    target: str | None = None

    @property
    def feature_names(self) -> list[str]:
        return [feature for column in self.columns for feature in column.features]


def numbers(names: str) -> tuple[Column, ...]:
    """Return a `Column` for each of the names."""
    return tuple(Column(name) for name in names.split())


PARTIES = """strong Democrat, weak Democrat, independent Democrat, independent,
independent Republican, weak Republican, strong Republican""".replace("\n", " ").split(", ")

SETS: dict[str, Spec] = {
    "anes96": Spec(
        (Log("popul", plus=0.1), *numbers("selfLR age educ income")),
        {str(code): party for code, party in enumerate(PARTIES)},
        target="PID",
    ),
    "birthwt": Spec(
        (
            *numbers("age lwt"),
            Factor("race", "white", ("black", "other")),
            *numbers("smoke ptl ht ui ftv"),
        ),
        {"0": "2500 g or more", "1": "below 2500 g"},
        target="low",
    ),
    "default": Spec(
        (*numbers("balance income"), Factor("student", "No", ("Yes",))),
        {"No": "no default", "Yes": "default"},
        target="default",
    ),
    "housing": Spec(
        (
            Factor("Infl", "Low", ("Medium", "High")),
            Factor("Type", "Tower", ("Apartment", "Atrium", "Terrace")),
            Factor("Cont", "Low", ("High",)),
        ),
        {"Low": "low", "Medium": "medium", "High": "high"},
    ),
    "infert": Spec(
        (
            *numbers("age parity"),
            Factor("education", "0-5yrs", ("6-11yrs", "12+ yrs")),
            *numbers("spontaneous induced"),
        ),
        {"0": "control", "1": "case"},
        target="case",
    ),
    "menarche": Spec(numbers("Age"), {"Not": "not yet", "Menarche": "menarche"}),
    "midwest": Spec(
        numbers(
            "area poptotal popdensity percblack percamerindan percasian percother popadults "
            "perchsd percollege percprof percpovertyknown percbelowpoverty "
            "percchildbelowpovert percelderlypoverty"
        ),
        {"0": "not metropolitan", "1": "metropolitan"},
        target="inmetro",
    ),
    "mroz": Spec(
        numbers("nwifeinc educ exper expersq age kidslt6 kidsge6"),
        {"0": "not in the labour force", "1": "in the labour force"},
        target="inlf",
    ),
    "orings": Spec(numbers("Temperature"), {"Undamaged": "undamaged", "Damaged": "damaged"}),
    "pima": Spec(
        numbers("npreg glu bp skin bmi ped age"),
        {"No": "not diabetic", "Yes": "diabetic"},
        target="type",
    ),
    "spector": Spec(
        numbers("GPA TUCE PSI"), {"0": "not improved", "1": "improved"}, target="GRADE"
    ),
    "titanic": Spec(
        (
            Factor("sex", "female", ("male",)),
            Column("age"),
            Factor("passengerClass", "1st", ("2nd", "3rd")),
        ),
        {"no": "died", "yes": "survived"},
        target="survived",
    ),
    "ucb": Spec(
        (Factor("Gender", "Male", ("Female",)), Factor("Dept", "A", ("B", "C", "D", "E", "F"))),
        {"Rejected": "rejected", "Admitted": "admitted"},
    ),
    "vaso": Spec(
        (Log("Volume"), Log("Rate")),
        {"0": "no constriction", "1": "constriction"},
        target="Y",
    ),
}

# Their tables come with scikit-learn: nothing to copy.
SKLEARN = ("breast_cancer", "digits", "iris", "wine")


def read_table(name: str) -> Table:
    """Read ``data.csv`` as texts; only ``csv`` and NumPy, so that no pandas is needed."""
    with open(HERE / name / "data.csv", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    columns = zip(*rows, strict=True)
    return {key: np.array(texts) for key, texts in zip(header, columns, strict=True)}


def arrays(spec: Spec, table: Table) -> tuple[Floats, npt.NDArray[np.int64], Floats | None]:
    """Return ``X``, ``y`` and the weights (None where each row counts once)."""
    X = np.column_stack([values for column in spec.columns for values in column.values(table)])
    labels = list(spec.classes)
    if spec.target is None:
        counts = np.column_stack([table[label].astype(np.float64) for label in labels])
        y = np.tile(np.arange(len(labels)), len(X))
        return np.repeat(X, len(labels), axis=0), y, counts.ravel()
    return X, np.array([labels.index(text) for text in table[spec.target].tolist()]), None


def framed(bunch: Bunch, target: str) -> Bunch:
    """Return the bunch with pandas objects for its arrays and with ``frame``."""
    import pandas as pd  # only here: a frame was asked for

    bunch.data = pd.DataFrame(bunch.data, columns=bunch.feature_names)
    bunch.target = pd.Series(bunch.target, name=target)
    parts: Sequence[Any] = [bunch.data, bunch.target]
    if "sample_weight" in bunch:
        bunch.sample_weight = pd.Series(bunch.sample_weight, name="sample_weight")
        parts = [*parts, bunch.sample_weight]
    bunch.frame = pd.concat(parts, axis=1)
    return bunch


def own(name: str, as_frame: bool) -> Bunch:
    """Load a set of this folder."""
    spec = SETS[name]
    X, y, weight = arrays(spec, read_table(name))
    bunch = Bunch(
        data=X,
        target=y,
        frame=None,
        feature_names=spec.feature_names,
        target_names=np.array(list(spec.classes.values())),
        filename=str(HERE / name / "data.csv"),
    )
    if weight is not None:
        bunch.sample_weight = weight
    return framed(bunch, spec.target or "target") if as_frame else bunch


def load(name: str, return_X_y: bool, as_frame: bool) -> Any:
    """Load a set by its name; the parameters are those of every ``load_<name>``."""
    if name in SKLEARN:
        bunch = getattr(sklearn_datasets, f"load_{name}")(as_frame=as_frame)
    else:
        bunch = own(name, as_frame)
    if return_X_y:
        xy = (bunch.data, bunch.target)
        return (*xy, bunch.sample_weight) if "sample_weight" in bunch else xy
    bunch.DESCR = (HERE / name / "card.md").read_text(encoding="utf-8")
    bunch.answers = json.loads((HERE / name / "answers.json").read_text(encoding="utf-8"))
    return bunch

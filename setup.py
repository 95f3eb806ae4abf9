"""Where the packages lie; everything else is in pyproject.toml.

The folder `datasets/` is installed as `logreg.datasets` (a top-level `datasets` would shadow a
well-known package), and each data set is a folder in it.
"""

from pathlib import Path

from setuptools import setup

folders = sorted(p.parent.name for p in Path("datasets").glob("*/card.md"))
setup(
    packages=[
        "logreg",
        "logreg.solvers",
        "logreg.datasets",
        *(f"logreg.datasets.{folder}" for folder in folders),
    ],
    package_dir={"logreg": "logreg", "logreg.datasets": "datasets"},
    package_data={"logreg": ["py.typed"], "": ["*.csv", "card.md", "answers.json"]},
)

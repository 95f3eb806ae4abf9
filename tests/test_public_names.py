"""The public names are the documented ones, and importing them costs no more than it should."""

import enum
import importlib.metadata
import inspect
import json
import re
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest

import logreg
from logreg import LogisticRegression

# design.md section 2: the contract. A name is added here when it is added to the documents.
FUNCTIONS = ["sigmoid", "sigmoid_derivative", "log_sigmoid", "logit", "softmax", "log_softmax"]
FUNCTIONS += ["logistic_path", "C_from_lambda", "detect_separation", "fit_formula"]
NAMES = [
    "ArrowBlocks",
    "BlockInference",
    "FirthLogisticRegression",
    "Inference",
    "LogisticRegression",
    "LogisticRegressionCV",
    "Path",
    "Separation",
    "Outcome",
    "CollinearityWarning",
    "ConvergenceWarning",
    "SeparationWarning",
    *FUNCTIONS,
]
METHODS = ["fit", "predict", "predict_proba", "predict_log_proba", "decision_function", "score"]


def test_all_is_exactly_the_documented_names():
    assert sorted(logreg.__all__) == sorted(NAMES)
    assert logreg.__all__ == sorted(logreg.__all__)


def test_there_are_no_other_public_names():
    public = {
        name
        for name, value in vars(logreg).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public == set(logreg.__all__)


def test_star_import():
    namespace = {}
    exec("from logreg import *", namespace)
    assert namespace.keys() - {"__builtins__"} == set(NAMES)
    assert callable(namespace["sigmoid"])  # the function, not the module of that name


def test_version():
    assert logreg.__version__ == importlib.metadata.version("logreg")
    assert re.fullmatch(r"\d+\.\d+\.\d+([.+-]?\w+)*", logreg.__version__)


def test_signature_of_the_estimator():
    parameters = inspect.signature(LogisticRegression).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "C": 1.0,
        "l1_ratio": 0.0,
        "penalty_weights": None,
        "fit_intercept": True,
        "class_weight": None,
        "solver": "auto",
        "tol": 1e-6,
        "max_iter": 1000,
        "warm_start": False,
        "random_state": None,
        "n_jobs": None,
        "verbose": 0,
    }
    assert {p.kind for p in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("fit", ["X", "y", "sample_weight", "offset"]),
        ("predict", ["X", "offset"]),
        ("predict_proba", ["X", "offset"]),
        ("predict_log_proba", ["X", "offset"]),
        ("decision_function", ["X", "offset"]),
        ("score", ["X", "y", "sample_weight", "offset"]),
        (
            "inference",
            ["X", "y", "sample_weight", "offset", "cov_type", "groups", "weights", "baseline"],
        ),
    ],
)
def test_signatures_of_the_methods(method, arguments):
    signature = inspect.signature(getattr(LogisticRegression(), method))
    assert list(signature.parameters) == arguments


def test_warnings_and_outcome():
    assert issubclass(logreg.SeparationWarning, logreg.ConvergenceWarning)
    assert issubclass(logreg.ConvergenceWarning, UserWarning)
    assert issubclass(logreg.CollinearityWarning, UserWarning)
    assert not issubclass(logreg.CollinearityWarning, logreg.ConvergenceWarning)
    assert issubclass(logreg.Outcome, enum.Enum)
    from sklearn.exceptions import ConvergenceWarning

    assert logreg.ConvergenceWarning is ConvergenceWarning  # so existing filters catch ours


# -- importing -------------------------------------------------------------------------------------


def modules_after(statement):
    """The modules that a fresh interpreter has loaded after the statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_import_is_light_and_silent():
    ours, peer = modules_after("import logreg"), modules_after("import sklearn.linear_model")
    for heavy in ("matplotlib", "statsmodels", "torch", "polars", "rich", "hypothesis"):
        assert heavy not in ours - peer
    assert ("pandas" in ours) <= ("pandas" in peer)
    assert "logreg.datasets" not in ours


def test_fitting_needs_no_pandas():
    statement = (
        "import sys; sys.modules['pandas'] = None; sys.modules['matplotlib'] = None\n"
        "from logreg import LogisticRegression\n"
        "model = LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])\n"
        "model.predict_proba([[1.0]])"
    )
    assert "logreg.estimator" in modules_after(statement)


# -- docstrings ------------------------------------------------------------------------------------


def sections(thing):
    """The numpydoc sections of a docstring: {"Parameters": text, ...}, "" for what comes first."""
    parts = re.split(r"^(\w[\w ]*)\n-+\n", inspect.getdoc(thing) or "", flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries(text):
    """The names that a section lists: lines at the margin, `name : type` or `a, b : type`."""
    lines = [line for line in text.splitlines() if re.match(r"(\*\*)?\w[\w, ]* : ", line)]
    names = [line.split(" : ")[0].lstrip("*") for line in lines]
    return [name for listed in names for name in listed.split(", ")]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "ConvergenceWarning"])
def test_every_public_name_has_a_docstring(name):
    first = sections(getattr(logreg, name))[""].strip()
    assert len(first) > 20
    assert first[0].isupper()
    assert first.split("\n\n")[0].rstrip().endswith((".", ":"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_every_section(name):
    function = getattr(logreg, name)
    found = sections(function)
    assert list(found) == sorted(
        found, key=["", "Parameters", "Returns", "Raises", "Notes", "References", "Examples"].index
    )
    assert found.keys() >= {"Parameters", "Returns", "Raises", "Examples"}
    assert entries(found["Parameters"]) == list(inspect.signature(function).parameters)
    assert ">>> " in found["Examples"]


@pytest.mark.parametrize("name", METHODS)
def test_methods_have_every_section(name):
    method = getattr(LogisticRegression, name)
    found = sections(method)
    assert found.keys() >= {"Parameters", "Returns"}
    assert entries(found["Parameters"]) == list(inspect.signature(method).parameters)[1:]


def test_the_estimator_documents_its_parameters():
    found = sections(LogisticRegression)
    assert found.keys() >= {
        "Parameters",
        "Attributes",
        "Raises",
        "Warns",
        "References",
        "Examples",
    }
    assert entries(found["Parameters"]) == list(inspect.signature(LogisticRegression).parameters)
    for solver in ("auto", "pgd", "newton", "gd"):
        assert f'"{solver}"' in found["Parameters"]
    for warning in ("ConvergenceWarning", "SeparationWarning", "CollinearityWarning"):
        assert warning in found["Warns"]


def fitted_attributes():
    import pandas as pd

    X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2)), columns=["a", "b"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LogisticRegression().fit(X, np.arange(30) % 2)
    return sorted(name for name in vars(model) if name.endswith("_") and name[0] != "_")


def test_the_estimator_documents_its_attributes():
    listed = entries(sections(LogisticRegression)["Attributes"])
    assert sorted(set(listed) - {"history_"}) == fitted_attributes()


def test_the_estimator_documents_its_history():
    assert "history_" in entries(sections(LogisticRegression)["Attributes"])
    assert "standard errors" in inspect.getdoc(LogisticRegression.history_)

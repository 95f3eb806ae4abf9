"""Imports go down: every module has a height and imports lower ones only.

design.md section 3 has the picture. A new file must get a height here; a module that seems to need
one of its own height or above holds something that belongs elsewhere.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

HEIGHT = {
    "threads": 0,
    "drawing": 0,  # what all pictures share
    "outcome": 0,
    "sigmoid": 1,  # σ, σ', softmax
    "loss": 1,
    "penalty": 1,
    "parameters": 1,  # the constructor's arguments
    "metric": 1,
    "row_blocks": 1,  # reading X
    "sparse_blocks": 2,  # reading a sparse X
    "targets": 1,  # y as classes and codes
    "inputs": 3,  # every check and error text
    "design": 2,  # how X multiplies
    "collinear": 3,
    "point": 2,  # F at one theta
    "objective": 3,  # the problem, but for sums over its rows
    "sampling": 0,
    "row_objective": 4,  # these, of rows in memory
    "linear_classifier": 4,  # what fitted coefficients predict
    "certificate": 4,
    "solvers": 5,
    "problem": 5,  # data and parameters as a problem
    "pairs": 3,  # a row and a class that is not its own
    "recession": 4,  # the linear program of separated classes
    "minimize": 5,  # the one loop
    "contrasts": 4,  # the parameters that inference reports
    "covariance": 4,  # of the estimate
    "supremum": 7,  # of a likelihood
    "significance": 8,  # Wald, likelihood ratio, score
    "effects": 5,  # on probabilities
    "diagnostics": 9,  # fit, residuals
    "summary": 0,
    "existence": 6,  # whether F has a minimum
    "callbacks": 6,
    "reservoir": 2,  # rows drawn from blocks
    "blocks": 4,  # blocks of rows, read again and again
    "survey": 5,  # what the first read tells
    "block_rows": 5,  # a block as a problem of its own
    "block_objective": 6,  # the sums over the rows of blocks
    "block_problem": 7,
    "checkpoint": 6,
    "fitting": 8,  # from a problem to attributes
    "spread": 2,  # the inverse Hessian of a stream
    "kept_rows": 6,
    "streaming": 7,  # rows that are seen once
    "online": 9,  # partial_fit
    "arrow_files": 0,  # Arrow's datasets
    "arrow_blocks": 5,
    "orthonormal": 4,  # X in orthonormal columns
    "jeffreys_point": 5,
    "jeffreys": 6,  # the likelihood with Jeffreys' prior
    "scoring": 7,  # its maximum
    "profile": 8,  # its profiles
    "corrections": 8,  # FLIC, FLAC, median: what is solved
    "estimates": 9,  # with their covariance
    "likelihood": 10,  # profiles and tests
    "inference": 11,
    "firth_inference": 12,
    "block_inference": 12,
    "firth": 13,
    "estimator": 13,
    "formula": 14,
    "dask_blocks": 5,
    "dask": 14,
    "separation": 14,
    "path": 14,
    "cross_validation": 15,
    "inference_plots": 16,
    "selection_plots": 16,
    "plots": 17,
    "__init__": 18,  # names only
}
SOLVER_HEIGHT = {
    "line_search": 0,
    "newton": 1,
    "gd": 2,
    "newton_cg": 1,
    "conjugate_gradients": 0,
    "faces": 2,
    "corners": 1,  # where the penalty has them
    "quasi_newton": 2,
    "pgd": 3,
    "prox_newton": 4,
    "__init__": 5,
}

# What a module may see of the others where its height alone would allow more: a solver never
# sees X, y or the penalty's formula; minimize never computes; a Design never sees y.
SEES_ONLY = {
    "solvers": {"objective", "point", "metric", "certificate"},
    "minimize": {"point", "outcome"},
    "design": {"row_blocks"},
    "loss": set(),
    "penalty": set(),
    "outcome": set(),
}

FILES = sorted((ROOT / "logreg").glob("*.py"))
SOLVER_FILES = sorted((ROOT / "logreg" / "solvers").glob("*.py"))


def imports(file):
    """(line, dotted module, name or None) of every import in the file, those in functions too; but
    for types only, `if TYPE_CHECKING:`.
    """
    tree = ast.parse(file.read_text())
    guarded = [node for node in tree.body if isinstance(node, ast.If)]
    types = {id(child) for node in guarded for child in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in types:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, None
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, "." * node.level + (node.module or ""), alias.name


def own(file):
    """(line, path below logreg) of the imports of our own modules, e.g. ("solvers", "pgd")."""
    for line, module, name in imports(file):
        assert not module.startswith("."), f"{file}:{line}: write the import in full, logreg..."
        parts = module.split(".")
        if parts[0] == "logreg":
            # `from logreg import inputs` is a module, `from logreg import sigmoid` a public name
            below = parts[1:] or [name if name in HEIGHT and name != "sigmoid" else "__init__"]
            yield line, tuple(below)


def test_every_file_has_a_height():
    folders = {p.parent.name for p in (ROOT / "logreg").glob("*/__init__.py")}
    assert {file.stem for file in FILES} | folders == set(HEIGHT)
    assert {file.stem for file in SOLVER_FILES} == set(SOLVER_HEIGHT)
    assert folders == {"solvers"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_imports_go_down(file):
    here = file.stem
    for line, (there, *_) in own(file):
        assert HEIGHT[there] < HEIGHT[here], f"{file}:{line}: {here} imports {there}, upwards"


@pytest.mark.parametrize("file", SOLVER_FILES, ids=lambda file: file.stem)
def test_imports_among_the_solvers_go_down(file):
    here = file.stem
    for line, (there, *inner) in own(file):
        if there == "solvers":
            below = SOLVER_HEIGHT[inner[0] if inner else "__init__"]
            assert below < SOLVER_HEIGHT[here], f"{file}:{line}: imports upwards among the solvers"
        else:
            assert HEIGHT[there] < HEIGHT["solvers"], f"{file}:{line}: a solver imports upwards"


@pytest.mark.parametrize("here", SEES_ONLY)
def test_what_a_module_may_see(here):
    files = SOLVER_FILES if here == "solvers" else [ROOT / "logreg" / f"{here}.py"]
    for file in files:
        seen = {there for _, (there, *_) in own(file)} - {"solvers"}
        assert seen <= SEES_ONLY[here], f"{file} sees {seen - SEES_ONLY[here]}"


def test_the_package_itself_is_imported_by_nobody():
    for file in FILES + SOLVER_FILES:
        for line, (there, *_) in own(file):
            assert there != "__init__", f"{file}:{line}: import from the module, not from logreg"


def test_data_sets_need_nothing_of_the_models():
    for file in (ROOT / "datasets" / "__init__.py", ROOT / "datasets" / "_load.py"):
        for line, module, _ in imports(file):
            assert module == "._load" or module.split(".")[0] != "logreg", f"{file}:{line}"


# -- from scratch, light, and safe -----------------------------------------------------------------

# No estimator, loss or optimiser of another package; nothing that unpickles, runs or downloads.
OWN = ("expit", "log_expit", "logit", "softmax", "log_softmax", "logsumexp", "xlogy", "*")
FORBIDDEN = {
    "sklearn.linear_model": "an estimator of scikit-learn",
    "sklearn._loss": "a loss of scikit-learn",
    "statsmodels": "a test oracle",
    **{f"scipy.special.{name}": "we have our own" for name in OWN},
    "torch": "not a dependency",
    "pickle": "unpickling runs code",
    "marshal": "unmarshalling may crash",
    "shelve": "it unpickles",
    "subprocess": "it runs code",
    "socket": "the network",
    "urllib": "the network",
    "http": "the network",
    "requests": "the network",
}
OPTIMISERS = {
    "minimize",
    "minimize_scalar",
    "root",
    "root_scalar",
    "least_squares",
    "fmin_l_bfgs_b",
}


@pytest.mark.parametrize("file", FILES + SOLVER_FILES, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_from_scratch_and_safe(file):
    for line, module, name in imports(file):
        for banned, why in FORBIDDEN.items():
            full = f"{module}.{name}" if name else module
            inside = full == banned or full.startswith(banned + ".")
            assert not inside, f"{file}:{line}: {banned} is not for this package: {why}"
        assert not (module == "scipy.optimize" and name in OPTIMISERS), f"{file}:{line}"
    calls = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call)]
    names = {n.func.id for n in calls if isinstance(n.func, ast.Name)}
    assert not names & {"eval", "exec", "__import__"}


@pytest.mark.parametrize("file", FILES + SOLVER_FILES, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_heavy_packages_are_imported_where_they_are_used(file):
    for node in ast.parse(file.read_text()).body:  # the top level; `if TYPE_CHECKING:` is an If
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.split(".")[0] not in ("pandas", "matplotlib", "polars", "pyarrow"), (
                    f"{file}:{node.lineno}: import {name} inside the function that needs it"
                )

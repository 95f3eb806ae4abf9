"""Separation: verdicts against another linear program, published answers, names in messages."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, csr_matrix

from logreg import (
    LogisticRegression,
    Outcome,
    SeparationWarning,
    datasets,
    detect_separation,
)

REFERENCE = Path(__file__).parents[2] / "shared" / "data" / "reference"
INF = np.inf


# -- an independent program ------------------------------------------------------------------------


def inequalities(X, y, intercept):
    """A row for each row of X and each other class, with parameters for every class."""
    Z = np.column_stack([X, np.ones(len(X))]) if intercept else np.asarray(X)
    Z = Z / np.abs(Z).max(axis=0)
    K = int(y.max()) + 1
    A = []
    for z, own in zip(Z, y, strict=True):
        for other in set(range(K)) - {own}:
            a = np.zeros((K, Z.shape[1]))
            a[own], a[other] = z, -z
            A.append(a.ravel())
    return np.array(A)


def verdict(X, y, intercept=True):
    """Konis' primal, in a box: the sum of the margins; then the largest of the least margins."""
    A = inequalities(X, y, intercept)
    m, p = A.shape
    total = linprog(-A.sum(axis=0), A_ub=-A, b_ub=np.zeros(m), bounds=(-1, 1), method="highs-ds")
    if -total.fun < 1e-6:
        return "overlap"
    least = linprog(
        np.append(np.zeros(p), -1.0),
        A_ub=np.column_stack([-A, np.ones(m)]),
        b_ub=np.zeros(m),
        bounds=[(-1, 1)] * p + [(None, 1)],
        method="highs-ds",
    )
    return "complete" if -least.fun > 1e-7 else "quasi-complete"


def random_problem(seed, kind):
    rng = np.random.default_rng(seed)
    n, d, K = int(rng.integers(8, 80)), int(rng.integers(1, 6)), int(rng.choice([2, 2, 3, 4]))
    whole = rng.random() < 0.5
    X = rng.integers(-2, 3, (n, d)).astype(float) if whole else rng.normal(size=(n, d))
    X[0] += 0.5
    W = rng.integers(-3, 4, (d, K))
    if kind == "quasi":
        X[:, 0] = rng.random(n) < 0.3
    y = np.argmax(X @ W + (kind != "separated") * 2 * rng.gumbel(size=(n, K)), axis=1)
    if kind != "separated" or len(np.unique(y)) < 2:
        y[:K] = np.arange(K)
    if kind == "quasi":
        y[X[:, 0] > 0] = 0
    if rng.random() < 0.2:
        X = np.column_stack([X, X[:, 0]])
    if rng.random() < 0.2:
        X = np.column_stack([X, np.full(n, 3.0)])
    return X, np.unique(y, return_inverse=True)[1], bool(rng.random() < 0.8)


def check_certificate(X, y, found):
    """The direction itself, by plain products."""
    w, b = found.direction, found.intercept_direction
    if len(w) == 1:
        w, b = np.vstack([0 * w, w]), np.append(0, b)
    eta = X @ w.T + b
    size = np.abs(X) @ np.abs(w).T + np.abs(b)
    margin = eta[np.arange(len(y)), y][:, None] - eta
    rounding = 1e-11 * (size + size[np.arange(len(y)), y][:, None])
    others = np.ones_like(margin, dtype=bool)
    others[np.arange(len(y)), y] = False
    assert np.all(margin >= -rounding)
    assert np.any(margin > rounding)
    assert (found.kind == "complete") == bool(np.all((margin > rounding)[others]))
    assert max(np.abs(w).max(), 0) <= 1


@pytest.mark.parametrize("seed", range(70))
@pytest.mark.parametrize("kind", ["separated", "quasi", "overlap"])
def test_verdicts_of_an_independent_program(kind, seed):
    X, y, intercept = random_problem(seed, kind)
    found = detect_separation(X, y, fit_intercept=intercept)
    assert found.kind == verdict(X, y, intercept)
    assert found.certified
    assert found.separated == (found.kind != "overlap")
    if found.separated:
        check_certificate(X, y, found)
    else:
        assert not found.direction.any()
        assert not found.coef_limits.any()


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", ["separated", "quasi", "overlap"])
def test_units_do_not_matter(kind, seed):
    X, y, intercept = random_problem(seed, kind)
    units = 10.0 ** np.random.default_rng(seed).integers(-8, 9, X.shape[1])
    found = detect_separation(X * units, y, fit_intercept=intercept)
    assert found.certified
    assert found.kind == verdict(X, y, intercept)


def test_the_random_problems_are_of_all_kinds():
    names = "separated", "quasi", "overlap"
    kinds = [verdict(*random_problem(seed, name)) for seed in range(70) for name in names]
    assert min(kinds.count(kind) for kind in ("complete", "quasi-complete", "overlap")) >= 30


# -- published answers -----------------------------------------------------------------------------


def reference(name):
    path = REFERENCE / f"{name}.json"
    if not path.exists():
        pytest.skip(f"no shared/data/reference/{path.name} beside the repository")
    known = json.loads(path.read_text(encoding="utf-8"))
    return pd.read_csv(REFERENCE / known["data"])


@pytest.mark.parametrize(
    ("name", "target", "columns", "limits", "intercept"),
    [
        ("endometrial", "HG", "NV PI EH", [INF, 0, 0], 0),
        ("sex2", "case", "age oc vic vicl vis dia", [0, 0, 0, 0, 0, INF], 0),
        ("silvapulle1981", "y", "ghqs", [INF], -INF),
        ("spector", "grade", "gpa tuce psi", [0, 0, 0], 0),
        ("vaso", "Y", "Volume Rate", [0, 0], 0),
        ("mtcars", "am", "hp wt", [0, 0], 0),
    ],
)
def test_reference(name, target, columns, limits, intercept):
    """As R's detectseparation, whose manual has the first and third; the others by its program."""
    table = reference(name)
    found = detect_separation(table[columns.split()], table[target])
    assert_array_equal(found.coef_limits, [limits])
    assert_array_equal(found.intercept_limits, [intercept])
    assert found.kind == ("quasi-complete" if INF in limits else "overlap")
    assert found.certified


def test_reference_of_three_classes():
    """An empty cell: no hepatitis C (HCV) where blood was withheld before the trial."""
    t = reference("hepatitis")
    withhold, post = t.group == "withhold", t.time == "post"
    X = pd.DataFrame({"withhold": withhold, "post": post, "both": withhold & post}).astype(float)
    found = detect_separation(X, t.HCV + 2 * t.nonABC, sample_weight=t.counts)
    assert found.kind == "quasi-complete"
    against_none = found.direction[1:] - found.direction[0]
    assert np.allclose(against_none / np.abs(against_none).max(), [[-1, 0, 1], [0, 0, 0]])
    assert not found.intercept_direction.any()


COMPLETE = {"breast_cancer", "digits", "wine"}


@pytest.mark.parametrize("name", [loader.removeprefix("load_") for loader in datasets.__all__])
def test_data_sets_of_the_package(name):
    bunch = getattr(datasets, f"load_{name}")()
    found = detect_separation(bunch.data, bunch.target, bunch.get("sample_weight"))
    kind = "complete" if name in COMPLETE else "quasi-complete" if name == "iris" else "overlap"
    assert found.kind == kind
    assert found.certified


# -- ways to give the data -------------------------------------------------------------------------

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 2, 90)
QUASI = np.column_stack([np.arange(90) % 3 == 0, RNG.normal(size=(90, 2))]).astype(float)
Y_QUASI = np.where(QUASI[:, 0] == 1, 1, Y)
Y3_QUASI = np.where(QUASI[:, 0] == 1, 2, RNG.integers(0, 3, 90))


@pytest.mark.parametrize("kind", [csr_array, csr_matrix, coo_array, np.asfortranarray, np.float32])
@pytest.mark.parametrize("y", [Y, Y_QUASI, (QUASI[:, 1] > 0).astype(int), Y3_QUASI])
def test_same_answer_however_X_is_stored(kind, y):
    X = QUASI.astype(np.float32).astype(float)  # float32 holds these numbers
    known, found = detect_separation(X, y), detect_separation(kind(X), y)
    assert found.kind == known.kind
    assert found.certified
    if known.kind == "quasi-complete":
        assert_array_equal(found.coef_limits, known.coef_limits)
        assert_array_equal(found.intercept_limits, known.intercept_limits)


def test_rows_without_weight_do_not_count():
    y = Y_QUASI.copy()
    y[0] = 0
    assert detect_separation(QUASI, y).kind == "overlap"
    weight = np.where(np.arange(90) == 0, 0.0, 3.0)
    found = detect_separation(QUASI, y, weight)
    assert_array_equal(found.coef_limits, [[INF, 0, 0]])
    assert detect_separation(QUASI, Y, np.full(90, 1e-9)).kind == "overlap"


def test_columns_that_repeat_share_the_direction():
    X = np.column_stack([QUASI, QUASI[:, 0], np.full(90, 7.0)])
    found = detect_separation(X, Y_QUASI)
    assert_array_equal(found.direction, [[1, 0, 0, 1, 0]])
    assert_array_equal(
        detect_separation(X[:, [0, 3]], Y_QUASI, fit_intercept=False).direction, [[1, 1]]
    )


def test_more_columns_than_rows():
    X = RNG.normal(size=(20, 50))
    found = detect_separation(X, Y[:20])
    assert (found.kind, found.certified) == ("complete", True)
    twice = np.vstack([X, X])
    assert detect_separation(twice, np.append(Y[:20], 1 - Y[:20])).kind == "overlap"


def test_two_rows():
    found = detect_separation([[1.0], [2.0]], ["a", "b"])
    assert found.kind == "complete"
    assert_array_equal(found.coef_limits, [[INF]])
    assert found.classes.tolist() == ["a", "b"]
    assert detect_separation([[1.0], [1.0]], ["a", "b"]).kind == "overlap"


def test_a_column_of_years():
    """Far from zero, and the classes share a single year."""
    year = np.arange(1950, 2020).astype(float)
    X, y = np.append(year, 1990.0)[:, None], np.append(year > 1990, True)
    found = detect_separation(X, y)
    assert found.kind == "quasi-complete"
    assert found.direction[0, 0] == 1
    assert found.intercept_direction[0] == -1990


@pytest.mark.parametrize("shift", [1e-9, 0.0, -1e-9])
def test_decided_by_the_ninth_digit(shift):
    x = np.append(np.linspace(-1, 1, 41), shift)
    y = np.append(x[:-1] >= 0, False)
    found = detect_separation(x[:, None], y)
    expected = {1e-9: "overlap", 0.0: "quasi-complete", -1e-9: "complete"}
    assert found.kind == expected[shift]
    assert found.certified


def test_doubt_is_said():
    """A sentinel so large that the other values of its column are its rounding."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    X[rng.random(200) < 0.05, 0] = 1e12
    y = np.where(X[:, 0] == 1e12, True, rng.random(200) < 0.5)
    found = detect_separation(X, y)
    assert not found.certified
    assert "not certain" in str(found)


# -- many rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("K", [2, 3])
def test_many_rows(K):
    """The programs see a sample of them first."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20_000, 10))
    X[:, 0] = rng.random(20_000) < 0.001
    y = np.argmax(X @ rng.normal(size=(10, K)) + rng.gumbel(size=(20_000, K)), axis=1)
    y[X[:, 0] > 0] = K - 1
    found = detect_separation(X, y)
    assert (found.kind, found.certified) == ("quasi-complete", True)
    assert_array_equal(found.coef_limits[:, 1:], np.zeros((K if K > 2 else 1, 9)))
    assert found.coef_limits[-1, 0] == INF
    y[np.flatnonzero(X[:, 0])[: K - 1]] = np.arange(K - 1)
    assert detect_separation(X, y).kind == "overlap"


def test_whole_numbers_on_a_plane():
    rng = np.random.default_rng(2)
    X = rng.integers(-9, 10, (20_000, 6)).astype(float)
    w = np.array([3, -2, 5, 1, 0, -4])
    y = np.where(X @ w == 0, rng.random(20_000) < 0.5, X @ w > 0)
    found = detect_separation(X, y)
    assert (found.kind, found.certified) == ("quasi-complete", True)
    assert np.allclose(found.direction[0] * 5, w, atol=1e-9)
    assert_array_equal(found.coef_limits[0], [INF, -INF, INF, INF, 0, -INF])


# -- in words --------------------------------------------------------------------------------------

FRAME = pd.DataFrame(QUASI, columns=["symptom", "age", "weight"])


def test_the_sentence_names_the_columns_and_the_remedies():
    found = detect_separation(FRAME, Y_QUASI)
    assert str(found) == found.sentence()
    assert "Quasi-complete separation" in str(found)
    assert "the coefficient of column 'symptom' (+∞)." in str(found)
    assert "FirthLogisticRegression" in str(found)
    assert "finite C" in str(found)
    assert "age" not in str(found)
    assert "(-∞)" in str(detect_separation(QUASI, 1 - Y_QUASI))
    assert "column 0" in str(detect_separation(QUASI, Y_QUASI))
    assert "overlap" in str(detect_separation(FRAME, Y))
    assert "column 'symptom'" in str(detect_separation(FRAME, Y3_QUASI))


def test_many_names_are_cut_short():
    found = detect_separation(RNG.normal(size=(20, 30)), Y[:20])
    assert "20 more" in str(found)


@pytest.mark.parametrize("y", [Y_QUASI, Y3_QUASI])
def test_fit_names_the_columns(y):
    with pytest.warns(SeparationWarning, match="'symptom'.*FirthLogisticRegression") as caught:
        LogisticRegression(C=np.inf).fit(FRAME, y)
    assert "'age'" not in str(caught[0].message)


def test_fit_names_the_unpenalised_column():
    model = LogisticRegression(penalty_weights=[1, 0, 1])
    with pytest.warns(SeparationWarning, match=r"column 'symptom' \(\+∞\)\. "):
        model.fit(FRAME[["age", "symptom", "weight"]], Y_QUASI)


def test_a_fit_of_many_parameters_makes_no_program(monkeypatch):
    monkeypatch.setattr("logreg.recession.LARGEST", 1)
    with pytest.warns(SeparationWarning, match="detect_separation may find which"):
        LogisticRegression(C=np.inf).fit(QUASI, Y_QUASI)


def test_a_proof_of_overlap_overrules_a_judgement(monkeypatch):
    """A fit that believes in a recession goes on if a program proves that there is none."""
    monkeypatch.setattr("logreg.point.Point.recedes", True)
    monkeypatch.setattr("logreg.point.Point.overlaps", False)
    model = LogisticRegression(C=np.inf).fit(QUASI, Y)
    assert model.outcome_ is Outcome.CONVERGED


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "y", "arguments", "sentence"),
    [
        ([[1.0], [np.nan]], [0, 1], {}, "1 missing value"),
        ([[1.0], [2.0]], [0, 0], {}, "one class"),
        ([[1.0], [2.0]], [0, 1, 1], {}, "3 values, X has 2 rows"),
        ([[1.0], [2.0]], None, {}, "requires y"),
        ([["a"], ["b"]], [0, 1], {}, "text in column 0"),
        ([[1.0], [2.0]], [0, 1], {"sample_weight": [1, -1]}, "1 negative value"),
        ([[1.0], [2.0]], [0, 1], {"sample_weight": [1, 0]}, "one class"),
        ([[1.0], [2.0]], [0, 1], {"fit_intercept": "yes"}, "fit_intercept must be True or False"),
        (csr_array(np.eye(6000)), np.arange(6000) % 2, {}, "at most 5000 columns"),
    ],
)
def test_bad_input(X, y, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        detect_separation(X, y, **arguments)

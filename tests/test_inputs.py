"""Bad input: one clear sentence that says what was wrong, where, what came and what to do."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import DataConversionWarning, NotFittedError

from logreg import LogisticRegression
from logreg.targets import encode_targets

N = 20
X = np.random.default_rng(0).normal(size=(N, 3))
Y = np.arange(N) % 2
Y3 = np.arange(N) % 3
NAMES = ["age", "bmi", "dose"]
FRAME = pd.DataFrame(X, columns=NAMES)
ONES = np.ones(N)


def with_value(array, place, value):
    array = array.copy()
    array[place] = value
    return array


def frame_with(row, column, value):
    frame = FRAME.copy()
    frame.loc[row, column] = value
    return frame


def fit(X=X, y=Y, sample_weight=None, offset=None, **parameters):
    return LogisticRegression(**parameters).fit(X, y, sample_weight, offset)


def assert_refused(error, words, call, *args, **kwargs):
    """Assert that the call raises `error` with all these words, and return the sentence."""
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    sentence = str(caught.value)
    for word in words:
        assert word in sentence
    return sentence


# -- X --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (frame_with(4, "bmi", np.nan), ["1 missing value", "row 4", "column 'bmi'"]),
        (frame_with([7, 9], "dose", np.nan), ["2 missing values", "row 7", "column 'dose'"]),
        (frame_with(4, "bmi", -np.inf), ["1 infinite value", "row 4", "column 'bmi'"]),
        (with_value(X, (4, 1), np.nan), ["X has 1 missing value", "row 4", "column 1"]),
        (with_value(X, (slice(5, 8), 2), np.inf), ["3 infinite values", "row 5", "column 2"]),
        ([*X.tolist()[:-1], [0, 0, np.nan]], ["1 missing value", "row 19", "column 2"]),
        (with_value(X, (4, 1), np.nan).astype(np.float32), ["row 4", "column 1"]),
        (pl.from_pandas(frame_with(4, "bmi", np.nan)), ["row 4", "column 'bmi'"]),
        (pl.DataFrame({"a": [None, *X[1:, 0]]}), ["1 missing value", "row 0", "column 'a'"]),
        (pd.DataFrame({"a": pd.array([1, pd.NA] * 10, "Int64")}), ["10 missing", "column 'a'"]),
        (np.array([[1, None]] * N, dtype=object), ["20 missing", "row 0", "column 1"]),
    ],
    ids=["nan", "two", "inf", "array", "infs", "list", "float32", "polars", "null", "NA", "None"],
)
def test_missing_and_infinite_values_in_X(bad, words):
    sentence = assert_refused(ValueError, [*words, "X has", "Drop or impute"], fit, bad)
    assert sentence.endswith(".")


def test_missing_values_come_before_infinite_ones():
    bad = with_value(with_value(X, (2, 0), np.inf), (8, 1), np.nan)
    assert_refused(ValueError, ["1 missing value", "row 8", "column 1"], fit, bad)


def test_missing_value_deep_inside_a_large_X_read_by_threads():
    big = np.random.default_rng(0).normal(size=(60_000, 8))
    big[54_321, 6] = np.nan
    y = np.arange(60_000) % 2
    assert_refused(ValueError, ["1 missing value", "row 54321", "column 6"], fit, big, y, n_jobs=2)


def test_missing_value_in_a_row_of_zero_weight_is_refused_as_well():
    weight = with_value(ONES, 4, 0.0)
    assert_refused(ValueError, ["row 4", "column 1"], fit, with_value(X, (4, 1), np.nan), Y, weight)


@pytest.mark.parametrize("size", [1e160, 1e300, -1e300])
def test_values_whose_squares_overflow(size):
    words = [f"{abs(size):.1e}", "column 'bmi'", "overflow", "Divide"]
    assert_refused(ValueError, words, fit, frame_with(4, "bmi", size))
    assert_refused(ValueError, [f"{abs(size):.1e}", "column 1"], fit, with_value(X, (4, 1), size))


def test_no_rows_or_columns():
    assert_refused(ValueError, ["0 sample(s)", "(0, 3)", "minimum of 1"], fit, X[:0], Y[:0])
    assert_refused(ValueError, ["0 feature(s)", "(20, 0)", "minimum of 1"], fit, X[:, :0])


def test_wrong_dimensions_of_X():
    assert_refused(ValueError, ["Expected 2D array, got 1D array"], fit, X[:, 0])
    assert_refused(ValueError, ["dim 3"], fit, X[:, :, None])
    assert_refused(ValueError, ["Expected 2D array, got scalar"], fit, 1.0)


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
@pytest.mark.parametrize(("value", "what"), [(np.nan, "missing value"), (np.inf, "infinite")])
def test_sparse_X_not_finite(make, value, what):
    words = [f"1 {what}", "row 4", "column 1"]
    assert_refused(ValueError, words, fit, make(with_value(X, (4, 1), value)))
    model = fit(make(X))
    assert_refused(ValueError, words, model.predict, make(with_value(X, (4, 1), value)))


@pytest.mark.parametrize(("value", "what"), [(1e300, "overflows"), (1e-160, "underflow")])
def test_sparse_X_out_of_range(value, what):
    column = np.arange(N) % 2 * value
    bad = np.column_stack([X, column])
    assert_refused(ValueError, [what, "column 3"], fit, sparse.csr_array(bad))


@pytest.mark.parametrize("K", [2, 3])
def test_sparse_X_too_wide_for_no_penalty(K):
    wide = sparse.csr_array(np.eye(20, 6000))
    y = np.arange(20) % K
    assert_refused(ValueError, ["C=inf", "6000 columns", "finite C"], fit, wide, y, C=np.inf)


def test_a_matrix_too_large_for_newton():
    wide = sparse.csr_array(np.eye(20, 30_000))
    words = ["solver='newton'", "30001 x 30001", "solver='auto'"]
    assert_refused(ValueError, words, fit, wide, solver="newton")


def test_complex_X():
    assert_refused(ValueError, ["Complex data not supported"], fit, X * 1j)


CITY = FRAME.assign(city=["Rome", "Oslo"] * 10)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (CITY, ["column 'city'", "'Rome'", "row 0"]),
        (pl.from_pandas(CITY), ["column 'city'", "'Rome'", "row 0"]),
        (CITY.astype({"city": "category"}), ["column 'city'", "'Rome'"]),
        ([["1", "2"], ["3", "a"]] * 10, ["column 1", "'a'", "row 1"]),
        (np.array([[1, "a"]] * N, dtype=object), ["column 1", "'a'", "row 0"]),
    ],
    ids=["pandas", "polars", "category", "list", "object"],
)
def test_text_in_X_names_the_column(bad, words):
    assert_refused(ValueError, [*words, "X has", "Encode"], fit, bad)


def test_text_in_X():
    assert_refused(ValueError, ["'Rome'"], fit, CITY)
    assert_refused(ValueError, ["'a'"], fit, [["1", "a"]] * N)


def test_dates_in_X():
    bad = FRAME.assign(day=pd.Timestamp("2020-01-01"))
    assert_refused((TypeError, ValueError), ["column 'day'", "X has"], fit, bad)


def test_columns_names_of_mixed_kind():
    mixed = pd.DataFrame(X, columns=["a", 1, "b"])
    assert_refused(TypeError, ["['int', 'str']", "X.columns.astype(str)"], fit, mixed)


# -- y --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        with_value(Y.astype(float), 3, np.nan),
        with_value(Y.astype(float), 3, np.inf),
        with_value(np.array(["a", "b"] * 10, dtype=object), 3, None),
        with_value(np.array(["a", "b"] * 10, dtype=object), 3, np.nan),
        pd.Series(with_value(np.array(["a", "b"] * 10, dtype=object), 3, None), dtype="str"),
        pd.Series(with_value(np.array(["a", "b"] * 10, dtype=object), 3, None), dtype="category"),
        pd.Series([pd.NA if i == 3 else i % 2 for i in range(N)], dtype="Int64"),
        pd.Series([pd.NA if i == 3 else "ab"[i % 2] for i in range(N)]),
        pl.Series([None if i == 3 else "ab"[i % 2] for i in range(N)]),
    ],
    ids=["nan", "inf", "None", "object", "str", "category", "Int64", "NA", "polars"],
)
def test_missing_labels(bad):
    assert_refused(ValueError, ["y contains NaN", "row 3", "Drop"], fit, X, bad)


def test_no_y():
    assert_refused(ValueError, ["LogisticRegression requires y", "None"], fit, X, None)


@pytest.mark.parametrize("value", [7, -1, 2.0, True, "spam", "it's"])
def test_one_class(value):
    assert_refused(ValueError, ["y has one class", "at least two"], fit, X, [value] * N)


@pytest.mark.parametrize("value", [7, -1, 2.0, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_one_class_is_named_as_the_user_wrote_it(value, weighted):
    if weighted:
        y, weight = np.array([value, type(value)(0)] * 10), np.array([1.0, 0.0] * 10)
    else:
        y, weight = [value] * N, None
    assert_refused(ValueError, [f"one class ({value!r})"], fit, X, y, weight)


def test_one_text_class_is_named():
    assert_refused(ValueError, ["one class ('spam')"], fit, X, ["spam"] * N)


def test_one_class_left_by_the_weights():
    words = ["y has one class", "positive weight", "at least two"]
    assert "1" in assert_refused(ValueError, words, fit, X, Y, Y * 1.0)
    assert_refused(ValueError, [*words, "'b'"], fit, X, np.where(Y, "b", "a"), Y * 1.0)
    assert_refused(ValueError, words, fit, X, Y, class_weight={0: 0})


def test_no_class_left_by_the_class_weights():
    assert_refused(ValueError, ["class_weight", "zero"], fit, X, Y, class_weight={0: 0, 1: 0})


def test_no_class_left_by_both_weights():
    weight = np.where(Y == 0, 0.0, 1.0)
    assert_refused(ValueError, ["weight", "zero"], fit, X, Y, weight, class_weight={1: 0})


def test_wrong_length_of_y():
    assert_refused(ValueError, ["y has 19 values", "X has 20 rows"], fit, X, Y[:-1])
    assert_refused(ValueError, ["y has 0 values", "X has 20 rows"], fit, X, [])


def test_two_dimensional_y():
    assert_refused(ValueError, ["1d array", "shape (20, 2)"], fit, X, np.column_stack([Y, Y]))
    assert_refused(ValueError, ["1d array", "shape (20, 3)"], fit, X, pd.get_dummies(Y3))


def test_column_y_warns_and_works():
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        model = fit(X, Y[:, None])
    np.testing.assert_array_equal(model.coef_, fit().coef_)


def test_scalar_y():
    assert_refused(ValueError, ["1d array", "shape ()"], fit, X, 1)
    assert_refused(ValueError, ["1d array", "shape ()"], fit, X, "abc")


def test_continuous_y():
    assert_refused(ValueError, ["Unknown label type: continuous", "classes"], fit, X, X[:, 0])


def test_sparse_and_complex_y():
    assert_refused(
        TypeError, ["Sparse data was passed for y"], fit, X, sparse.csr_array(Y[:, None])
    )
    assert_refused(ValueError, ["Complex data not supported"], fit, X, Y * 1j)


@pytest.mark.parametrize("pair", [[1, "a"], ["a", 1]])
def test_labels_that_cannot_be_sorted(pair):
    y = np.array(pair * 10, dtype=object)
    assert_refused(ValueError, ["y mixes", "int", "str"], fit, X, y)


def test_huge_unsigned_labels():
    y = Y.astype(np.uint64) + np.uint64(2**63)
    assert fit(X, y).classes_.tolist() == [2**63, 2**63 + 1]


# -- weights and offset ---------------------------------------------------------------------------


def test_negative_weights():
    words = ["sample_weight has 1 negative value", "(-2)", "row 5", "zero or positive"]
    assert_refused(ValueError, words, fit, X, Y, with_value(ONES, 5, -2.0))
    words = ["sample_weight has 10 negative values", "(-0.5)", "row 1"]
    assert_refused(ValueError, words, fit, X, Y, np.where(Y, -0.5, 1.0))


def test_all_zero_weights():
    assert_refused(ValueError, ["sample_weight is zero for every row"], fit, X, Y, ONES * 0)


@pytest.mark.parametrize("name", ["sample_weight", "offset"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_and_offset_must_be_finite(name, value):
    bad = with_value(ONES, 5, value)
    assert_refused(ValueError, [f"{name} has 1 value", "NaN", "row 5"], fit, X, Y, **{name: bad})
    bad = with_value(ONES, [6, 8], value)
    assert_refused(ValueError, [f"{name} has 2 values", "row 6"], fit, X, Y, **{name: bad})


@pytest.mark.parametrize("name", ["sample_weight", "offset"])
def test_weights_and_offset_of_the_wrong_shape(name):
    words = [f"{name} has 19 values", "X has 20 rows", "one for each row"]
    assert_refused(ValueError, words, fit, X, Y, **{name: ONES[:-1]})
    assert_refused(
        ValueError, [f"{name} must be a 1D array", "2D"], fit, X, Y, **{name: np.ones((N, 2))}
    )
    assert_refused(ValueError, [f"{name}", "0 values"], fit, X, Y, **{name: []})


@pytest.mark.parametrize("name", ["sample_weight", "offset"])
def test_weights_and_offset_must_be_dense_numbers(name):
    assert_refused(TypeError, [f"{name} must be a dense array"], fit, **{name: sparse.csr_array(X)})
    assert_refused(ValueError, [f"{name} must hold numbers", "'a'"], fit, **{name: ["a"] * N})


@pytest.mark.parametrize("name", ["sample_weight", "offset"])
def test_complex_weights_and_offset(name):
    assert_refused(ValueError, [f"{name} must hold", "complex"], fit, **{name: ONES * 1j})


@pytest.mark.parametrize("name", ["sample_weight", "offset"])
def test_one_number_stands_for_every_row(name):
    each = fit(X, Y, **{name: np.full(N, 2.0)})
    one = fit(X, Y, **{name: 2.0})
    column = fit(X, Y, **{name: np.full((N, 1), 2.0)})
    np.testing.assert_array_equal(one.coef_, each.coef_)
    np.testing.assert_array_equal(column.coef_, each.coef_)


def test_offset_of_several_classes():
    words = ["offset must have shape (20, 3)", "each row and class"]
    assert_refused(ValueError, [*words, "got (20,)"], fit, X, Y3, offset=ONES)
    assert_refused(ValueError, [*words, "got (3, 20)"], fit, X, Y3, offset=np.zeros((3, N)))
    bad = with_value(np.zeros((N, 3)), (5, 1), np.nan)
    assert_refused(ValueError, ["offset has 1 value", "NaN", "row 5"], fit, X, Y3, offset=bad)


def test_enormous_weights():
    words = ["sample_weight", "overflow", "1e+308"]
    assert_refused(ValueError, words, fit, X, Y, ONES * 1e308)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"X": with_value(X, (4, 1), np.nan)}, "1 missing value "),
        ({"X": with_value(X, (4, 1), np.inf)}, "1 infinite value "),
        ({"sample_weight": with_value(ONES, 5, -2.0)}, "1 negative value "),
        ({"sample_weight": with_value(ONES, 5, np.nan)}, "1 value that is NaN or infinite"),
        ({"offset": with_value(ONES, 5, np.nan)}, "1 value that is NaN or infinite"),
    ],
)
def test_one_is_singular(arguments, words):
    assert_refused(ValueError, [words], fit, **arguments)


# -- class_weight ---------------------------------------------------------------------------------


def test_unknown_class_in_class_weight():
    words = ["class_weight names the class 5", "not in y", "[0, 1]"]
    assert_refused(ValueError, words, fit, class_weight={0: 1, 5: 2})
    words = ["class_weight names the class 'c'", "['a', 'b']"]
    assert_refused(ValueError, words, fit, X, np.where(Y, "b", "a"), class_weight={"c": 1})
    assert_refused(ValueError, ["the class '0'", "[0, 1]"], fit, class_weight={"0": 1})


@pytest.mark.parametrize("value", [-1, np.nan, np.inf])
def test_bad_values_in_class_weight(value):
    assert_refused(ValueError, ["class_weight must hold", str(value)], fit, class_weight={0: value})


@pytest.mark.parametrize("value", ["heavy", None])
def test_no_numbers_in_class_weight(value):
    assert_refused(
        ValueError, ["class_weight must hold", repr(value)], fit, class_weight={0: value}
    )


@pytest.mark.parametrize("value", ["bal", [1, 2], 3])
def test_class_weight_of_the_wrong_kind(value):
    words = ["class_weight must be a dict", "'balanced'", repr(value)]
    assert_refused(ValueError, words, fit, class_weight=value)


# -- parameters -----------------------------------------------------------------------------------

BAD_PARAMETERS = {
    "C": [0, -1, np.nan, -np.inf, None, "1", True, 1j, [1.0]],
    "l1_ratio": [-0.1, 1.1, np.nan, None, True, "a"],
    "tol": [0, -1e-6, np.nan, np.inf, None, True, "a"],
    "max_iter": [-1, 1.5, 10.0, None, True, "a"],
    "n_jobs": [0, 1.5, "a", True],
    "verbose": [-1, "a", None],
    "fit_intercept": [None, "a", 2],
    "warm_start": [None, "a", 2],
    "solver": ["lbfgs", None, ["newton"], 1],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, v) for name, values in BAD_PARAMETERS.items() for v in values]
)
def test_bad_parameters(name, value):
    sentence = assert_refused(ValueError, [name, repr(value)], fit, **{name: value})
    assert sentence.startswith(name)
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_C_says_how_to_have_no_penalty():
    assert_refused(ValueError, ["C must be a number above 0", "np.inf"], fit, C=0)


def test_unknown_solver_lists_the_known_ones():
    assert_refused(
        ValueError, ["'lbfgs'", "'auto'", "'pgd'", "'newton'", "'gd'"], fit, solver="lbfgs"
    )


@pytest.mark.parametrize("solver", ["newton", "pgd", "newton-cg"])
def test_solvers_for_ridge_refuse_l1(solver):
    said = [f"solver={solver!r} cannot take an L1 penalty", "'auto'"]
    assert_refused(ValueError, said, fit, l1_ratio=0.5, solver=solver)


def test_prox_newton_refuses_ridge():
    assert_refused(ValueError, ["l1_ratio above 0 and a finite C"], fit, solver="prox-newton")


@pytest.mark.parametrize("value", ["a", -1, 1.5])
def test_bad_random_state(value):
    assert_refused(ValueError, [], fit, random_state=value)


def test_C_too_small_to_divide_by():
    assert_refused(ValueError, ["C", "5e-324"], fit, C=5e-324)


def test_parameters_are_checked_at_fit_not_before():
    model = LogisticRegression(C=-1, solver="none")  # scikit-learn's convention
    assert model.get_params()["C"] == -1
    assert_refused(ValueError, ["C must be"], model.fit, X, Y)


@pytest.mark.parametrize(
    ("name", "value"),
    [("C", C) for C in (np.float64(1.0), np.float32(1.0), np.logspace(0, 1, 3)[0])]
    + [
        ("tol", np.float64(1e-6)),
        ("max_iter", np.int64(1000)),
        ("n_jobs", np.int32(1)),
        ("verbose", np.int64(0)),
        ("l1_ratio", np.float64(0)),
        ("fit_intercept", np.True_),
        ("warm_start", np.False_),
    ],
)
def test_numpy_numbers_are_numbers(name, value):
    np.testing.assert_array_equal(fit(**{name: value}).coef_, fit().coef_)


# -- predict --------------------------------------------------------------------------------------

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.mark.parametrize("method", METHODS)
def test_predict_before_fit(method):
    model = LogisticRegression()
    assert_refused(
        NotFittedError, ["LogisticRegression", "not fitted", "'fit'"], getattr(model, method), X
    )


def test_score_and_history_before_fit():
    assert_refused(NotFittedError, ["not fitted"], LogisticRegression().score, X, Y)
    with pytest.raises(NotFittedError, match="not fitted"):
        _ = LogisticRegression().history_


@pytest.mark.parametrize("method", METHODS)
def test_different_columns_at_predict(method):
    call = getattr(fit(FRAME), method)
    assert_refused(ValueError, ["feature names", "same order"], call, FRAME[["bmi", "age", "dose"]])
    assert_refused(ValueError, ["now missing", "dose"], call, FRAME[["age", "bmi"]])
    assert_refused(ValueError, ["unseen", "height"], call, FRAME.assign(height=1.0))
    assert_refused(
        ValueError, ["unseen", "Age", "missing", "age"], call, FRAME.rename(columns={"age": "Age"})
    )
    call = getattr(fit(X), method)
    assert_refused(ValueError, ["X has 2 features", "expecting 3"], call, X[:, :2])


@pytest.mark.parametrize("method", METHODS)
def test_missing_and_infinite_values_at_predict(method):
    call = getattr(fit(FRAME), method)
    words = ["1 missing value", "row 4", "column 'bmi'"]
    assert_refused(ValueError, words, call, frame_with(4, "bmi", np.nan))
    words = ["1 infinite value", "row 4", "column 'bmi'"]
    assert_refused(ValueError, words, call, frame_with(4, "bmi", np.inf))
    assert_refused(
        ValueError, ["row 2", "column 0"], getattr(fit(X), method), with_value(X, (2, 0), np.nan)
    )


@pytest.mark.parametrize("method", METHODS)
def test_values_that_overflow_at_predict(method):
    model = fit(C=1e6)
    sizes = np.sign(model.coef_) * [1.7e308, 1.7e308, -1.7e308]
    assert_refused(
        ValueError, ["X has values up to 1.7e+308", "overflow"], getattr(model, method), sizes
    )


@pytest.mark.parametrize("method", METHODS)
def test_offset_at_predict(method):
    call = getattr(fit(), method)
    assert_refused(ValueError, ["offset has 3 values", "X has 20 rows"], call, X, offset=ONES[:3])
    bad = with_value(ONES, 2, np.nan)
    assert_refused(ValueError, ["offset has 1 value", "row 2"], call, X, offset=bad)
    call = getattr(fit(X, Y3), method)
    assert_refused(ValueError, ["offset must have shape (20, 3)"], call, X, offset=ONES)


def test_score_of_the_wrong_length():
    assert_refused(ValueError, ["inconsistent numbers of samples"], fit().score, X, Y[:3])


# -- every sentence -------------------------------------------------------------------------------


def test_a_refused_fit_leaves_the_estimator_as_it_was():
    model = fit(FRAME)
    before = dict(vars(model))
    for bad in ({"X": with_value(X, (0, 0), np.nan)}, {"y": [1] * N}, {"sample_weight": -ONES}):
        arguments = {"X": X, "y": Y, **bad}
        with pytest.raises(ValueError, match=re.compile("X has|y has|sample_weight has")):
            model.fit(**arguments)
        assert vars(model).keys() == before.keys()
        assert all(vars(model)[name] is before[name] for name in before)
    fresh = LogisticRegression()
    assert_refused(ValueError, ["one class"], fresh.fit, X, [1] * N)
    assert vars(fresh) == vars(LogisticRegression())


def test_offsets_beyond_any_log_odds():
    words = ["offset has values up to 1e+05", "log-odds"]
    assert_refused(ValueError, words, fit, offset=with_value(ONES, 3, 1e5))


def test_columns_too_small_to_square():
    words = ["X has values down to", "e-165", "column 0", "underflow"]
    assert_refused(ValueError, words, fit, X * 1e-165)


def test_columns_of_the_same_name():
    frame = pd.DataFrame(X[:, :2], columns=["age", "age"])
    assert_refused(ValueError, ["2 columns named 'age'"], fit, frame)


@pytest.mark.parametrize(
    "make",
    [
        lambda days: pd.DataFrame({"a": pd.to_datetime(days, unit="D"), "b": 1.0}),
        lambda days: pd.DataFrame({"a": pd.to_datetime(days, unit="D")}),
        lambda days: pd.DataFrame({"a": pd.to_datetime(days, unit="D", utc=True)}),
        lambda days: pd.DataFrame({"a": pd.to_timedelta(days, unit="D")}),
        lambda days: pd.DataFrame({"a": pd.to_datetime(days, unit="D").to_period("D")}),
        lambda days: pl.DataFrame({"a": days.astype("M8[D]"), "b": np.ones(len(days))}),
        lambda days: days.astype("M8[D]")[:, None],
    ],
)
def test_dates_in_every_kind_of_table(make):
    assert_refused(ValueError, ["X has dates", "into numbers"], fit, make(np.arange(len(Y))))


def test_nat_in_y():
    y = np.array([2020, 2021] * (len(Y) // 2), "M8[Y]")
    assert len(fit(X[: len(y)], y).classes_) == 2
    y[3] = "NaT"
    assert_refused(ValueError, ["NaT", "row 3"], fit, X[: len(y)], y)


def test_weights_whose_products_underflow():
    weight = np.full(len(Y), 1e-320)
    assert_refused(ValueError, ["sample_weight", "underflow"], fit, sample_weight=weight)


def test_verbose_may_be_a_bool(capsys):
    fit(verbose=True)
    shown = capsys.readouterr()
    assert "iteration" in shown.out + shown.err
    fit(verbose=False)
    assert capsys.readouterr() == ("", "")


def test_a_start_that_is_not_finite_is_none():
    model = LogisticRegression(warm_start=True).fit(X, Y)
    known = model.coef_.copy()
    model.coef_[0, 0] = np.nan
    assert_allclose(model.fit(X, Y).coef_, known, rtol=1e-6)


def test_any_byte_but_zero_is_true_in_a_mask_seen_as_booleans():
    y = np.array([255, 0, 1, 255], np.uint8).view(bool)
    classes, codes = encode_targets(y)
    assert_array_equal(classes, [False, True])
    assert_array_equal(codes, [1, 0, 1, 1])

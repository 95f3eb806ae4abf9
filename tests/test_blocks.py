"""Blocks that are read again for each pass: the same answers as in memory, and one clear sentence
where blocks make no sense.
"""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import tracemalloc
import warnings
from time import sleep

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import apart
from problems import in_odd_units as made
from scipy.sparse import csr_array, random_array

from logreg import (
    CollinearityWarning,
    ConvergenceWarning,
    LogisticRegression,
    SeparationWarning,
    survey,
)
from logreg.blocks import ahead
from logreg.datasets import load_breast_cancer, load_iris
from logreg.reservoir import Reservoir, uniforms
from logreg.targets import encode_targets


def cut(k, *arrays):
    """The arrays' rows in k blocks."""
    ends = np.linspace(0, len(arrays[-1]), k + 1).astype(int)
    return [tuple(a[i:j] for a in arrays) for i, j in itertools.pairwise(ends)]


# -- the same answer ---------------------------------------------------------------------------

PROBLEMS = {
    "small": ({"n": 300, "d": 4}, {}),
    "binary": ({}, {}),
    "no penalty": ({}, {"C": np.inf}),
    "no intercept": ({}, {"fit_intercept": False}),
    "tall": ({"n": 40_000, "d": 8}, {}),
    "four classes": ({"K": 4}, {}),
    "four classes, no penalty": ({"K": 4, "n": 20_000}, {"C": np.inf}),
    "balanced": ({"K": 3}, {"class_weight": "balanced"}),
    "weights of classes": ({}, {"class_weight": {0: 3.0}}),
    "newton": ({}, {"solver": "newton"}),
    "newton-cg": ({}, {"solver": "newton-cg"}),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_blocks_give_the_answer_of_memory(name):
    size, params = PROBLEMS[name]
    X, y = made(**size)
    memory = LogisticRegression(**params).fit(X, y)
    models = [LogisticRegression(**params).fit_blocks(cut(k, X, y)) for k in (1, 2, 5)]
    for model in models:
        assert model.outcome_.name == "CONVERGED"
        assert apart(memory, model, X, y) < 2e-6  # each is within 1e-6 of the optimum
        assert model.gap_ < 1e-6 * model.history_["objective"].iloc[-1]
        assert_allclose(model.coef_, models[0].coef_, rtol=1e-10)
        assert_array_equal(model.classes_, memory.classes_)
        assert model.coef_.shape == memory.coef_.shape
        assert model.n_features_in_ == X.shape[1]


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("K", [2, 3])
def test_penalties_with_corners(l1_ratio, K):
    X, y = made(K=K, n=12_000)
    noise = np.random.default_rng(5).normal(size=(12_000, 4))
    X = np.column_stack([X / X.std(axis=0), noise])
    params = {"C": 0.002, "l1_ratio": l1_ratio}
    memory = LogisticRegression(**params).fit(X, y)
    model = LogisticRegression(**params).fit_blocks(cut(4, X, y))
    assert_array_equal(model.coef_ == 0, memory.coef_ == 0)
    assert (model.coef_ == 0).any()
    assert_allclose(model.coef_, memory.coef_, atol=1e-5)
    assert model.gap_ <= 1e-8 * model.history_["objective"].iloc[-1]


def test_factors_of_the_penalty():
    X, y = made(n=12_000)
    X = X / X.std(axis=0)
    params = {"C": 0.01, "penalty_weights": [0, 1, 0, 2, 1, 1]}
    memory = LogisticRegression(**params).fit(X, y)
    model = LogisticRegression(**params).fit_blocks(cut(4, X, y))
    assert_allclose(model.coef_, memory.coef_, atol=1e-7)


def test_weights_and_rows_without_one():
    X, y = made(n=9000, K=3)
    rng = np.random.default_rng(1)
    weight = rng.integers(0, 4, len(y)).astype(float)
    weight[:2000] = 0  # a block of them
    weight[y == 2] = 0  # and a class
    memory = LogisticRegression().fit(X, y, sample_weight=weight)
    model = LogisticRegression().fit_blocks(cut(9, X, y, weight))
    assert_array_equal(model.classes_, [0, 1])
    assert apart(memory, model, X, y, weight) < 2e-6


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_a_sparse_block_without_weight(l1_ratio):
    X, y = made(n=4000)
    X, weight = csr_array(X), np.where(np.arange(4000) < 1000, 0.0, 1.0)
    blocks = cut(4, X, y, weight)
    memory = LogisticRegression(l1_ratio=l1_ratio).fit(X, y, sample_weight=weight)
    model = LogisticRegression(l1_ratio=l1_ratio).fit_blocks(blocks)
    assert apart(memory, model, X, y, weight) < 2e-6
    if not l1_ratio:
        assert np.isfinite(model.inference_blocks(blocks).bse).all()


def test_a_full_sparse_column_far_from_zero():
    rng = np.random.default_rng(0)
    X = csr_array(np.column_stack([rng.normal(size=(3000, 5)), np.full(3000, 1e5)]))
    y, weight = rng.integers(0, 3, 3000), rng.random(3000)
    for k in (1, 2, 3, 7):
        with pytest.warns(CollinearityWarning):
            model = LogisticRegression(C=np.inf).fit_blocks(cut(k, X, y, weight))
        assert model.outcome_.name == "CONVERGED"


def test_weights_that_leave_float64():
    X, y = made(n=300)
    for weight in (1e150, 1e-150):
        with pytest.raises(ValueError, match="Divide all weights by it"):
            LogisticRegression().fit_blocks([(X, y, np.full(300, weight))])


@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("d", [30, 3000])
def test_sparse_blocks(K, d):
    rng = np.random.default_rng(0)
    X = csr_array(random_array((4000, d), density=10 / d, rng=rng))
    y = (X @ rng.normal(size=(d, K)) + rng.gumbel(size=(4000, K))).argmax(axis=1)
    memory = LogisticRegression().fit(X, y)
    model = LogisticRegression().fit_blocks(cut(3, X, y))
    assert apart(memory, model, X, y) < 2e-6


def test_frames_and_text_labels():
    X, y = made(n=900)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    label = np.array(["no", "yes"])[y]
    memory = LogisticRegression().fit(frame, label)
    model = LogisticRegression().fit_blocks(cut(3, frame, label))
    assert_array_equal(model.feature_names_in_, list("abcdef"))
    assert_array_equal(model.classes_, ["no", "yes"])
    assert_array_equal(model.predict(frame), memory.predict(frame))


def test_float32_stays_what_it_is():
    X, y = made(n=900)
    memory = LogisticRegression().fit(X.astype(np.float32), y)
    model = LogisticRegression().fit_blocks(cut(3, X.astype(np.float32), y))
    assert model.coef_.dtype == np.float32
    assert_allclose(model.coef_, memory.coef_, rtol=1e-5)


def test_the_order_of_blocks_makes_no_difference():
    X, y = made(n=40_000, d=8)
    blocks = cut(7, X, y)
    models = [
        LogisticRegression().fit_blocks(b) for b in (blocks, blocks[::-1], blocks[3:] + blocks[:3])
    ]
    for model in models[1:]:
        assert_allclose(model.coef_, models[0].coef_, rtol=1e-10)
        assert_array_equal(model.n_iter_, models[0].n_iter_)


def test_few_reads():
    X, y = made(n=100_000, d=12)
    model = LogisticRegression().fit_blocks(cut(10, X, y))
    assert model.n_passes_ <= 12
    reads = []

    class Counted:
        def __iter__(self):
            reads.append(1)
            return iter(cut(10, X, y))

    LogisticRegression().fit_blocks(Counted())
    assert len(reads) - 1 == model.n_passes_  # one look at whether it can be read again


def test_a_class_in_the_last_block_only_and_empty_blocks():
    X, y = load_iris(return_X_y=True)  # sorted by class
    blocks = [(X[:0], y[:0]), *cut(3, X, y), (X[:0], y[:0])]
    model = LogisticRegression().fit_blocks(blocks)
    assert apart(LogisticRegression().fit(X, y), model, X, y) < 2e-6


def test_warm_start():
    X, y = made(n=40_000, d=8)
    model = LogisticRegression(warm_start=True).fit_blocks(cut(4, X, y))
    first = model.n_iter_[0]
    assert model.fit_blocks(cut(4, X, y)).n_iter_[0] < first


def test_collinear_columns():
    X, y = made(n=5000)
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    with pytest.warns(CollinearityWarning, match="1 linear dependence among column 0"):
        memory = LogisticRegression(C=np.inf).fit(X, y)
    with pytest.warns(CollinearityWarning, match="1 linear dependence among column 0"):
        model = LogisticRegression(C=np.inf).fit_blocks(cut(4, X, y))
    assert_allclose(model.decision_function(X), memory.decision_function(X), atol=1e-6)


def test_separated_classes():
    X, y = made(n=2000)
    X[:, 0] += 1e9 * y
    with pytest.warns(SeparationWarning):
        LogisticRegression(C=np.inf).fit_blocks(cut(4, X, y))


def test_a_fit_that_does_not_get_there_says_so_where_it_was_called():
    X, y = made()
    X = np.column_stack([X, X[:, 0]])
    model = LogisticRegression(C=np.inf, max_iter=1)
    for fit in (lambda: model.fit(X, y), lambda: model.fit_blocks(cut(2, X, y))):
        with pytest.warns() as record:
            fit()
        assert {w.category for w in record} == {CollinearityWarning, ConvergenceWarning}
        assert {w.filename for w in record} == {__file__}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([2, 3]))
def test_any_cut_will_do(seed, k, K):
    rng = np.random.default_rng(seed)
    n, d = rng.integers(60, 400), rng.integers(1, 5)
    X, y = made(n=n, d=d, K=K, seed=seed)
    weight = rng.exponential(size=n)
    memory = LogisticRegression(C=0.5).fit(X, y, sample_weight=weight)
    model = LogisticRegression(C=0.5).fit_blocks(cut(k, X, y, weight))
    assert apart(memory, model, X, y, weight) < 2e-6


def test_a_reader_may_fill_one_buffer_again():
    X, y = made(n=4000)

    class Filled:
        def __iter__(self):
            rows, labels = np.empty((500, 6)), np.empty(500, int)
            for a in range(0, 4000, 500):
                rows[:], labels[:] = X[a : a + 500], y[a : a + 500]
                yield rows, labels
                rows[:] = np.nan

    assert_array_equal(
        LogisticRegression().fit_blocks(Filled()).coef_,
        LogisticRegression().fit_blocks(cut(8, X, y)).coef_,
    )


@pytest.mark.parametrize("size", [1, 5, 100])
def test_few_different_rows_in_small_blocks(size):
    """Their numbers tie, as they agree: one of them stands for all."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (3000, 3)).astype(float)
    y = (X[:, 0] + rng.logistic(size=3000) > 0.5).astype(int)
    blocks = [(X[a : a + size], y[a : a + size]) for a in range(0, 3000, size)]
    model = LogisticRegression(C=np.inf).fit_blocks(blocks)
    assert apart(LogisticRegression(C=np.inf).fit(X, y), model, X, y) < 2e-6


# -- sentences ---------------------------------------------------------------------------------


class Changing:
    """Blocks that are others from some pass on."""

    def __init__(self, first, later, since=2):
        self.first, self.later, self.since, self.pass_number = first, later, since, -1

    def __iter__(self):
        self.pass_number += 1  # the first is the look at whether they can be read again
        return iter(self.first if self.pass_number < self.since else self.later)


def assert_refused(blocks, match, kind=ValueError, **params):
    model = LogisticRegression(**params)
    with pytest.raises(kind, match=match):
        model.fit_blocks(blocks)
    assert not hasattr(model, "coef_")


def test_what_is_wrong_with_blocks_is_said():
    X, y = made(n=400)
    good = cut(4, X, y)
    assert_refused((block for block in good), "read only once, as a generator can")
    assert_refused([], "blocks has no rows")
    assert_refused([(X[:0], y[:0])], "blocks has no rows")
    assert_refused(
        [X], r"Block 0: a block must be \(X, y\) or \(X, y, sample_weight\), got ndarray"
    )
    assert_refused([good[0], (X, y, y, y)], "Block 1: a block must be .* got tuple of 4")
    assert_refused([good[0], (X[:5], y[:4])], "Block 1: y has 4 values, X has 5 rows")
    assert_refused(
        [good[0], (X[:5, :3], y[:5])], "Block 1: X has 3 features, but .* is expecting 6"
    )
    assert_refused([(X, np.zeros(400))], "y has one class")
    assert_refused([(X, y, np.zeros(400))], "sample_weight is zero for every row")
    assert_refused([(X, y, -np.ones(400))], "Block 0: sample_weight has 400 negative values")
    assert_refused([good[0], (csr_array(X[:9]), y[:9])], "some blocks are sparse and others dense")
    assert_refused([good[0], (X[:9], np.full(9, "a"))], "y mixes labels that cannot be sorted")
    frame = pd.DataFrame(X, columns=list("abcdef"))
    assert_refused(
        [(frame, y), (frame[list("bacdef")], y)], "Block 1: The feature names should match"
    )


def test_missing_values_are_named_with_their_block():
    X, y = made(n=400)
    X[210, 2] = np.nan
    assert_refused(cut(4, X, y), "Block 2: X has 1 missing value .* in row 10 of column 2")


def test_blocks_that_change_between_passes():
    X, y = made(n=400)
    good = cut(4, X, y)
    changed = "Block 1 has 90 rows in this pass and had 100 in the first"
    assert_refused(Changing(good, [good[0], (X[:90], y[:90]), *good[2:]]), changed)
    assert_refused(
        Changing(good, good[:3]), "blocks ended after 3 in this pass; in the first there were 4"
    )
    assert_refused(
        Changing(good, [*good, good[0]]), "Block 4 has 100 rows in this pass and was not there"
    )
    other = [*good[:3], (X[300:], np.full(100, 7))]
    strange = "Block 3: y has the class 7, which was not there in the first"
    assert_refused(Changing(good, other), strange)
    with pytest.raises(ValueError, match=strange):
        LogisticRegression(class_weight="balanced").fit_blocks(Changing(good, other))


def test_an_error_of_the_reader_surfaces_with_the_block():
    X, y = made(n=400)

    class Broken:
        def __init__(self, error):
            self.error = error

        def __iter__(self):
            yield from cut(4, X, y)[:3]
            raise self.error

    assert_refused(Broken(OSError("the disk is gone")), "Block 3: the disk is gone", OSError)
    assert_refused(
        Broken(FileNotFoundError(2, "gone", "a")), "Block 3: gone: 'a'", FileNotFoundError
    )
    assert_refused(Broken(KeyError("x")), "Block 3: KeyError: 'x'", RuntimeError)
    with pytest.raises(KeyboardInterrupt):
        LogisticRegression().fit_blocks(Broken(KeyboardInterrupt()))


def test_reading_goes_on_while_a_block_is_worked_on():
    seen = []

    def items():
        for k in range(4):
            seen.append(k)
            yield k

    reader = ahead(items())
    assert next(reader) == 0
    for _ in range(200):
        if len(seen) > 1:
            break
        sleep(0.01)
    assert len(seen) > 1  # though nobody has asked for more
    reader.close()
    assert list(ahead(iter([1, 2, 3]))) == [1, 2, 3]


# -- checkpoints -------------------------------------------------------------------------------


def test_a_fit_goes_on_from_its_checkpoint(tmp_path):
    X, y = made(n=40_000, d=8, K=3)
    blocks, path = cut(4, X, y), tmp_path / "deep" / "fit.npz"
    whole = LogisticRegression().fit_blocks(blocks)
    with pytest.warns(ConvergenceWarning):
        part = LogisticRegression(max_iter=2).fit_blocks(blocks, checkpoint=path)
    rest = LogisticRegression().fit_blocks(blocks, resume=path, checkpoint=path)
    assert apart(whole, rest, X, y) < 2e-6
    history = rest.history_
    assert_allclose(history.iloc[:3], part.history_, rtol=1e-12)
    assert_array_equal(history.index, np.arange(len(history)))
    assert (np.diff(history["passes"]) > 0).all()
    assert rest.n_iter_[0] == history.index[-1]
    assert [file.name for file in path.parent.iterdir()] == ["fit.npz"]  # no part is left
    again = LogisticRegression().fit_blocks(blocks, resume=path)
    assert len(again.history_) <= len(history) + 2


def test_what_is_no_checkpoint_of_this_fit(tmp_path):
    X, y = made(n=400)
    blocks, path = cut(2, X, y), tmp_path / "fit.npz"
    with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
        LogisticRegression().fit_blocks(blocks, resume=path)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is no checkpoint of a fit"):
        LogisticRegression().fit_blocks(blocks, resume=path)
    with pytest.raises(IsADirectoryError, match="is a folder; a checkpoint is a file"):
        LogisticRegression().fit_blocks(blocks, checkpoint=tmp_path)
    LogisticRegression().fit_blocks(blocks, checkpoint=path)
    good = dict(np.load(path))
    for name, bad in (("coef", "a"), ("coef", 1j), ("history", np.nan), ("intercept", "b")):
        np.savez(path, **{**good, name: np.full(good[name].shape, bad)})
        with pytest.raises(ValueError, match="is no checkpoint of a fit"):
            LogisticRegression().fit_blocks(blocks, resume=path)
    np.savez(path, **good)
    with pytest.raises(ValueError, match=r"coefficients \(1, 6\) and classes \['0', '1'\]"):
        LogisticRegression().fit_blocks([(X[:, :3], y)], resume=path)


KILLED = """
    import os, signal, sys
    import numpy as np
    sys.path.insert(0, {tests!r})
    from problems import in_odd_units as made
    from test_blocks import cut
    from logreg import LogisticRegression

    blocks = cut(4, *made(n=40_000, d=8))

    class Deadly:
        passes = 0
        def __iter__(self):
            Deadly.passes += 1
            if Deadly.passes == 7:  # in the middle of the fit, the history being three lines long
                os.kill(os.getpid(), signal.SIGKILL)
            return iter(blocks)

    LogisticRegression().fit_blocks(Deadly(), checkpoint={path!r})
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_process_is_resumed(tmp_path):
    path = str(tmp_path / "fit.npz")
    script = textwrap.dedent(KILLED.format(tests=os.path.dirname(__file__), path=path))
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    X, y = made(n=40_000, d=8)
    blocks = cut(4, X, y)
    whole = LogisticRegression().fit_blocks(blocks)
    rest = LogisticRegression().fit_blocks(blocks, resume=path)
    assert rest.outcome_.name == "CONVERGED"
    assert apart(whole, rest, X, y) < 2e-6
    with np.load(path) as file:
        assert len(file["history"]) >= 2


# -- memory ------------------------------------------------------------------------------------


def peak(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_memory_map_is_read_by_blocks(tmp_path, monkeypatch):
    n, d = 200_000, 30
    X = np.memmap(tmp_path / "X", dtype=np.float64, mode="w+", shape=(n, d))
    rng = np.random.default_rng(0)
    X[:] = rng.normal(size=(n, d))
    y = (X[:, 0] + rng.logistic(size=n) > 0).astype(int)
    X.flush()
    read = np.memmap(tmp_path / "X", dtype=np.float64, mode="r", shape=(n, d))
    taken = peak(lambda: LogisticRegression().fit(read, y))
    assert taken < 0.6 * read.nbytes  # with the sample of a tenth of the rows and its products

    class Slices:
        def __iter__(self):
            for a in range(0, n, 5000):
                yield read[a : a + 5000], y[a : a + 5000]

    monkeypatch.setattr(survey, "SAMPLE_BYTES", 2**22)
    assert peak(lambda: LogisticRegression().fit_blocks(Slices())) < 0.7 * read.nbytes


# -- inference ---------------------------------------------------------------------------------


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("cov_type", ["nonrobust", "HC0", "HC1"])
def test_inference_over_blocks(K, cov_type):
    X, y = made(n=2500, K=K)
    weight = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
    model = LogisticRegression(C=np.inf).fit(X, y, sample_weight=weight)
    memory = model.inference(X, y, sample_weight=weight, cov_type=cov_type)
    blocks = model.inference_blocks(cut(3, X, y, weight), cov_type=cov_type)
    assert_allclose(blocks.bse, memory.bse, rtol=1e-9)
    assert_allclose(blocks.params, memory.params)
    names = ["llf", "llnull", "nobs", "prsquared", "df_model"]
    for name in names + ["aic", "bic", "llr_pvalue"] * (cov_type == "nonrobust"):
        assert getattr(blocks, name) == pytest.approx(getattr(memory, name), rel=1e-9), name
    assert_allclose(blocks.wald_test([0, 1]), memory.wald_test([0, 1]), rtol=1e-8)
    assert_allclose(blocks.conf_int(), memory.conf_int(), rtol=1e-7)
    assert_allclose(blocks.predict(X[:5]), memory.predict(X[:5]), rtol=1e-7)
    if cov_type == "nonrobust":
        assert_allclose(blocks.lr_test([2]), memory.lr_test([2]), rtol=1e-6)
        assert_allclose(blocks.score_test([2]), memory.score_test([2]), rtol=1e-6)
        assert str(blocks.summary()) == str(memory.summary())


def test_inference_over_blocks_with_weights_of_a_survey():
    X, y = made(n=2500)
    weight = np.random.default_rng(1).exponential(size=len(y))
    model = LogisticRegression(C=np.inf).fit(X, y, sample_weight=weight)
    same = {"cov_type": "HC1", "weights": "probability"}
    memory = model.inference(X, y, sample_weight=weight, **same)
    blocks = model.inference_blocks(cut(3, X, y, weight), **same)
    assert_allclose(blocks.bse, memory.bse, rtol=1e-9)
    assert blocks.nobs == memory.nobs == 2500


def test_what_needs_rows_is_refused():
    X, y = load_breast_cancer(return_X_y=True)
    blocks = cut(3, X[:, :3], y)
    model = LogisticRegression(C=np.inf).fit_blocks(blocks)
    found = model.inference_blocks(blocks)
    for ask in (
        found.residuals,
        found.leverage,
        found.cooks_distance,
        found.hosmer_lemeshow,
        found.marginal_effects,
        lambda: found.conf_int(method="profile"),
        lambda: found.lr_test(found),
    ):
        with pytest.raises(ValueError, match="needs the rows in memory: use inference"):
            ask()
    with pytest.raises(ValueError, match="cov_type='cluster' needs the rows in memory"):
        model.inference_blocks(blocks, cov_type="cluster")
    with pytest.raises(ValueError, match="X has 2 features"):
        model.inference_blocks([(X[:, :2], y)])


# -- samples -----------------------------------------------------------------------------------


def numbers(X, y, salt=0):
    return uniforms(X, encode_targets(y), None, salt)


def test_a_rows_number_is_made_of_its_contents():
    X, y = made(n=500)
    u = numbers(X, y)
    order = np.random.default_rng(0).permutation(500)
    assert_array_equal(numbers(X[order], y[order]), u[order])
    assert_array_equal(numbers(csr_array(X), y), u * 0 + numbers(csr_array(X), y))
    assert np.all((u >= 0) & (u < 1))
    assert len(np.unique(u)) == 500
    assert abs(np.corrcoef(u, numbers(X, y, 1))[0, 1]) < 0.2
    twice = numbers(np.vstack([X, X]), np.concatenate([y, y]))
    assert len(np.unique(twice)) == 1000  # rows that agree have numbers of their own


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_of_whole_numbers_have_numbers_of_their_own(dtype):
    """Their bits are at the upper end of a float; and labels may end alike."""
    rng = np.random.default_rng(0)
    X = np.unique(rng.integers(0, 4, (30_000, 12)).astype(dtype), axis=0)
    same = np.zeros(len(X), int)
    assert len(np.unique(numbers(X, same))) == len(X)
    assert len(np.unique(numbers(csr_array(X), same))) == len(X)
    label = np.array(["one of the classes", "two of the classes"])
    a, b = (numbers(X[:100], np.repeat(label[k], 100)) for k in (0, 1))
    assert not np.isin(a, b).any()


def test_a_reservoir_stands_for_all_rows():
    """Weights are the inverse of the probabilities, so that sums are right on average."""
    X, y = made(n=4000)
    score = np.random.default_rng(0).exponential(size=4000)
    totals = []
    for salt in range(60):
        u = numbers(X, y, salt)
        parts = [
            Reservoir.of(300, X[rows], y[rows], None, score[rows], u[rows])
            for rows in np.array_split(np.arange(4000), 5)
        ]
        sample = sum(parts[1:], parts[0])
        rows, labels, weight = sample.drawn(300)
        assert len(rows) == len(labels) == 300
        totals.append(weight.sum())
        backwards = sum(parts[-2::-1], parts[-1])
        assert_array_equal(backwards.drawn(200)[0], sample.drawn(200)[0])
    assert np.mean(totals) == pytest.approx(4000, rel=0.05)


def test_no_warning_is_lost_or_made_up():
    X, y = made(n=400)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LogisticRegression().fit_blocks(cut(3, X, y))
    assert model.outcome_.name == "CONVERGED"

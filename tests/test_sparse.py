"""Sparse X gives what the same numbers give as an array."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracle import optimum
from scipy import sparse
from sklearn.linear_model import LogisticRegression as Peer

from logreg import LogisticRegression, Outcome
from logreg.design import Design
from logreg.sparse_blocks import SparseBlocks, row_blocks

RNG = np.random.default_rng(0)


def table(n, d, K=2, density=0.1, seed=0):
    """n × d with columns of very different size, and labels that depend on them."""
    rng = np.random.default_rng(seed)
    entries = rng.permutation(n * d)[: int(density * n * d)] if n * d < 1e7 else None
    if entries is None:
        entries = np.unique(rng.integers(0, n * d, int(density * n * d)))
    X = sparse.csr_array((rng.normal(size=len(entries)), np.divmod(entries, d)), shape=(n, d))
    w = rng.normal(size=(d, K)) * 2
    y = (X @ w + rng.gumbel(size=(n, K))).argmax(axis=1)
    return X * (10.0 ** rng.uniform(-2, 2, d)), y


SHAPES = {"tall": (800, 12), "wide": (40, 150), "square": (300, 250)}


@pytest.mark.parametrize("solver", ["auto", "newton", "newton-cg", "pgd", "gd"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_as_dense(shape, K, fit_intercept, solver):
    X, y = table(*SHAPES[shape], K)
    if solver == "gd" and shape != "tall":
        pytest.skip("slow")
    weight = RNG.integers(0, 3, len(y)).astype(float)
    model = LogisticRegression(solver=solver, fit_intercept=fit_intercept, max_iter=5000)
    model.fit(X, y, weight)
    truth = optimum(X.toarray(), y, weight=weight, fit_intercept=fit_intercept)
    assert model.outcome_ is Outcome.CONVERGED
    assert truth.distance(model.coef_, model.intercept_) <= 1.01e-6
    assert 0 <= model.gap_
    dense = X.toarray()
    assert_allclose(model.predict_proba(X), model.predict_proba(dense), rtol=1e-10)
    assert_allclose(model.decision_function(X), model.decision_function(dense), atol=1e-10)


@pytest.mark.parametrize("C", [0.01, 1, 100])
@pytest.mark.parametrize("K", [2, 4])
def test_a_diagonal_metric_and_the_peer(K, C):
    """More columns than a Hessian pays for: "auto" takes the diagonal."""
    X, y = table(1500, 3000, K, density=0.01)
    model = LogisticRegression(C=C).fit(X, y)
    peer = Peer(C=C, solver="lbfgs", tol=1e-10, max_iter=5000).fit(X, y)
    assert model.outcome_ is Outcome.CONVERGED
    assert_allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-6)
    said = model.history_["standard_errors"].iloc[-1]
    assert model.history_["objective"].iloc[-1] - said**2 <= value(peer, X, y, C) + 1e-10


def value(model, X, y, C):
    p = model.predict_proba(X)[np.arange(len(y)), y]
    loss = -np.log(np.maximum(p, np.finfo(float).tiny)).sum()
    return loss + (model.coef_**2).sum() / (2 * C)


def unsorted(X):
    X = sparse.csr_array(X)
    for i in range(X.shape[0]):
        a, b = X.indptr[i : i + 2]
        X.indices[a:b], X.data[a:b] = X.indices[a:b][::-1].copy(), X.data[a:b][::-1].copy()
    return sparse.csr_array((X.data, X.indices, X.indptr), shape=X.shape)


def with_duplicates(X):
    X = sparse.coo_array(X)
    row, column = (np.concatenate([index, index]) for index in X.coords)
    return sparse.coo_array(
        (np.concatenate([X.data * 0.25, X.data * 0.75]), (row, column)), X.shape
    )


def duplicates_in_rows(X):
    X = sparse.csr_array(X)
    return sparse.csr_array(
        (np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr), shape=X.shape
    )


def with_zeros(X):
    X = sparse.csr_array(X, copy=True)
    X.data[::7] = 0
    return X


def long_indices(X):
    X = sparse.csr_array(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


KINDS = {
    "csr_matrix": sparse.csr_matrix,
    "csr_array": sparse.csr_array,
    "csc_matrix": sparse.csc_matrix,
    "csc_array": sparse.csc_array,
    "coo_array": sparse.coo_array,
    "lil_array": sparse.lil_array,
    "unsorted": unsorted,
    "duplicates": with_duplicates,
    "duplicates in rows": duplicates_in_rows,
    "explicit zeros": with_zeros,
    "int64 indices": long_indices,
    "float32": lambda X: sparse.csr_array(X).astype(np.float32),
    "integers": lambda X: sparse.csr_array(X).astype(np.int32),
}


@pytest.mark.parametrize("d", [20, 2000])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_matrix(kind, d):
    X, y = table(400, d, density=0.02)
    X = X * 3
    given = KINDS[kind](X)
    before, indices = given.copy(), np.array(getattr(given, "indices", 0))
    sparse_fit = LogisticRegression(tol=1e-8).fit(given, y)
    dense_fit = LogisticRegression(tol=1e-8).fit(given.toarray(), y)
    rtol = 1e-4 if kind == "float32" else 1e-6
    assert_allclose(sparse_fit.coef_, dense_fit.coef_, rtol=rtol, atol=rtol / 100)
    assert sparse_fit.coef_.dtype == dense_fit.coef_.dtype
    assert (given != before).nnz == 0
    if hasattr(given, "indices"):
        assert given.indices.dtype == indices.dtype
        assert_array_equal(given.indices, indices)
    assert_allclose(
        sparse_fit.predict_proba(given), sparse_fit.predict_proba(given.toarray()), rtol=1e-5
    )


@pytest.mark.parametrize("d", [30, 3000])
@pytest.mark.parametrize("K", [2, 3])
def test_the_same_bits_for_any_number_of_threads(K, d):
    X, y = table(20_000, d, K, density=20 / d)
    fits = [LogisticRegression(n_jobs=jobs).fit(X, y) for jobs in (1, 2, 8)]
    for other in fits[1:]:
        assert_array_equal(other.coef_, fits[0].coef_)
        assert_array_equal(other.intercept_, fits[0].intercept_)


def test_never_dense_and_never_copied():
    X, y = table(20_000, 20_000, density=2e-3)
    X = sparse.csr_array(X)
    model = LogisticRegression(n_jobs=1)
    tracemalloc.start()
    model.fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert model.outcome_ is Outcome.CONVERGED
    held = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    assert peak < 1.5 * held + 60 * 8 * X.shape[1]  # the products' own: rows and pairs of steps


@pytest.mark.parametrize("weighted", [False, True])
def test_moments_of_columns_far_from_zero(weighted):
    dense = RNG.normal(size=(500, 6)) + np.array([0, 1e3, 1e6, 1e6, 0, 7])
    dense[::2, 3], dense[:, 4], dense[:, 5] = 0.0, 0.0, 7.0
    weight = RNG.integers(0, 4, 500).astype(float) if weighted else None
    s = np.ones(500) if weight is None else weight
    total, mean, square = SparseBlocks(sparse.csr_array(dense)).moments(weight)
    truth = np.average(dense, axis=0, weights=s)
    assert total == s.sum()
    assert_allclose(mean, truth, rtol=1e-12, atol=1e-13)
    assert_allclose(square, (s[:, None] * (dense - truth) ** 2).sum(axis=0), rtol=1e-7, atol=1e-18)


@pytest.mark.parametrize("C", [1, np.inf])
def test_offset_collinear_columns_and_no_penalty(C):
    X, y = table(600, 8, density=0.4)
    X = sparse.csr_array(sparse.hstack([X, X[:, [0]], sparse.csr_array((600, 1))]))
    offset = RNG.normal(size=600)
    model, dense = LogisticRegression(C=C), LogisticRegression(C=C)
    if C == np.inf:
        with pytest.warns(UserWarning, match="column 0, column 8"):
            model.fit(X, y, offset=offset)
        with pytest.warns(UserWarning, match="column 0, column 8"):
            dense.fit(X.toarray(), y, offset=offset)
    else:
        model.fit(X, y, offset=offset)
        dense.fit(X.toarray(), y, offset=offset)
    assert_allclose(model.coef_, dense.coef_, rtol=1e-6, atol=1e-9)
    assert_allclose(model.predict_proba(X, offset), dense.predict_proba(X.toarray(), offset))


def test_separated_without_a_penalty():
    X, y = table(200, 5, density=0.5)
    y = (X[:, [0]].toarray().ravel() > 0).astype(int)
    with pytest.warns(UserWarning, match="separated"):
        model = LogisticRegression(C=np.inf).fit(X, y)
    assert model.outcome_ is Outcome.SEPARATED


@pytest.mark.parametrize("K", [2, 3])
def test_nothing_stored(K):
    X = sparse.csr_array((30, 4))
    y = np.arange(30) % K
    model = LogisticRegression().fit(X, y)
    assert model.outcome_ is Outcome.CONVERGED
    assert not model.coef_.any()
    assert_allclose(model.predict_proba(X), 1 / K)


def test_a_sparse_frame():
    X, y = table(100, 8, density=0.3)
    frame = pd.DataFrame.sparse.from_spmatrix(X, columns=list("abcdefgh"))
    model = LogisticRegression().fit(frame, y)
    assert list(model.feature_names_in_) == list("abcdefgh")
    assert_allclose(model.coef_, LogisticRegression().fit(X, y).coef_, rtol=1e-6)


def test_a_warm_start_saves_passes():
    X, y = table(2000, 3000, density=0.01)
    model = LogisticRegression(warm_start=True).fit(X, y)
    cold = model.n_passes_
    again = model.set_params(C=1.1).fit(X, y)
    assert again.outcome_ is Outcome.CONVERGED
    assert again.n_passes_ < 0.8 * cold


@pytest.mark.parametrize("solver", ["newton-cg", "auto", "pgd"])
@pytest.mark.parametrize("seed", [0, 3])
def test_columns_that_nearly_repeat_at_several_scales(seed, solver):
    """The decrement that conjugate gradients see levels off, and grows again."""
    rng = np.random.default_rng(seed)
    B = rng.normal(size=(800, 40)) * (rng.random((800, 40)) < 0.2)
    E = np.where(B != 0, rng.normal(size=B.shape), 0) * 10.0 ** rng.uniform(-3, 0, 40)
    X = np.hstack([B, B + E])
    y = (rng.random(800) < 1 / (1 + np.exp(-B @ rng.normal(size=40)))).astype(int)
    model = LogisticRegression(C=1e6, solver=solver).fit(sparse.csr_array(X), y)
    assert model.outcome_ is Outcome.CONVERGED
    truth = optimum(X, y, C=1e6)
    assert truth.distance(model.coef_, model.intercept_) <= 1.1e-6


def test_the_gram_matrix_of_a_sparse_x_stays_sparse_and_is_the_dense_one():
    rng = np.random.default_rng(0)
    X = sparse.csr_array(rng.random((500, 60)) * (rng.random((500, 60)) < 0.05))
    X.data = rng.normal(size=X.nnz)
    X = sparse.csr_array(sparse.hstack([X, sparse.csr_array(np.full((500, 1), 3.0))]))
    weight = rng.random(500) * (rng.random(500) < 0.9)
    root = np.sqrt(weight)
    grams = []
    for table in (X, X.toarray(), X[:, :60], X.toarray()[:, :60]):
        matrix = row_blocks(table)
        design = Design(matrix, matrix.moments(weight), weight=weight)
        scale = np.append(design.scale, 1.0)
        grams.append(design.gram(lambda rows: root[None, rows])[0] * scale * scale[:, None])
        stays = sparse.issparse(table)
        assert design._stays_sparse == stays
    # a column that is constant has nothing left after centring: the dense way is taken for it
    assert_allclose(grams[0], grams[1], rtol=1e-12, atol=1e-12 * np.abs(grams[1]).max())
    assert_allclose(grams[2], grams[3], rtol=1e-12, atol=1e-12 * np.abs(grams[3]).max())

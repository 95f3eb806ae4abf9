"""LogisticRegressionCV against scikit-learn's, and against its own words."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegressionCV as Peer
from sklearn.metrics import accuracy_score, get_scorer, log_loss, make_scorer, roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

from logreg import ConvergenceWarning, LogisticRegression, LogisticRegressionCV, Outcome

RNG = np.random.default_rng(0)
X = RNG.normal(size=(180, 5))
X = (X - X.mean(axis=0)) / X.std(axis=0)
Y = (X @ [1.5, -1.0, 0.5, 0, 0] + RNG.logistic(size=180) > 0).astype(int)
Y3 = np.array(["u", "v", "w"])[(X @ RNG.normal(size=(5, 3)) + RNG.gumbel(size=(180, 3))).argmax(1)]
WEIGHT = RNG.integers(1, 4, 180).astype(float)
OFFSET = RNG.normal(size=180)
GROUPS = RNG.integers(0, 12, 180)
CS = [0.003, 0.03, 0.3, 3.0]
WEAK = [0.1, 0.3, 1.0, 3.0]  # saga stops at once, its intercept far off, where all weights are 0

# LogisticRegressionCV's parameters of scikit-learn 1.8 and later
newer = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"), reason="an older scikit-learn"
)


def cv(X=X, y=Y, weight=None, **parameters):
    return LogisticRegressionCV(**{"Cs": CS, "cv": 4, **parameters}).fit(X, y, weight)


def peer(X=X, y=Y, weight=None, l1_ratios=(0.0,), **parameters):
    smooth = not np.any(l1_ratios)
    given = {
        "Cs": CS,
        "cv": 4,
        "scoring": "neg_log_loss",
        "use_legacy_attributes": False,
        "l1_ratios": l1_ratios,
        "solver": "newton-cholesky" if smooth else "saga",
        "tol": 1e-10,
        "max_iter": 100_000,
    }
    return Peer(**{**given, **parameters}).fit(X, y, weight)


# -- as scikit-learn's -----------------------------------------------------------------------------


@newer
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("l1_ratios", [(0.0,), (1.0,), (0.0, 0.5, 1.0)], ids=str)
@pytest.mark.parametrize("y", [Y, Y3], ids=["2", "3"])
@pytest.mark.parametrize("legacy", [False, True])
def test_it_agrees_with_scikit_learn(legacy, y, l1_ratios, fit_intercept):
    same = {"l1_ratios": l1_ratios, "use_legacy_attributes": legacy, "fit_intercept": fit_intercept}
    same["Cs"] = WEAK
    ours, theirs = cv(y=y, **same), peer(y=y, **same)
    assert_array_equal(ours.Cs_, theirs.Cs_)
    assert_array_equal(ours.l1_ratios_, theirs.l1_ratios_)
    assert_array_equal(ours.classes_, theirs.classes_)
    assert np.shape(ours.n_iter_) == np.shape(theirs.n_iter_)
    for name in ("C_", "l1_ratio_"):
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert type(mine) is type(other)
        assert_allclose(mine, other)
        assert np.shape(mine) == np.shape(other)
    for name, atol in (("scores_", 1e-6), ("coefs_paths_", 1e-4)):
        mine, other = getattr(ours, name), getattr(theirs, name)
        if legacy:
            assert list(mine) == list(other)
            mine, other = (np.array(list(each.values())) for each in (mine, other))
        assert mine.shape == other.shape
        assert_allclose(mine, other, atol=atol)
    assert ours.coef_.shape == theirs.coef_.shape
    assert ours.intercept_.shape == theirs.intercept_.shape
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y), abs=1e-6)


@newer
@pytest.mark.parametrize("scoring", [None, "accuracy", "balanced_accuracy", "roc_auc", "f1"])
def test_other_scores_are_scikit_learns(scoring):
    ours, theirs = cv(scoring=scoring), peer(scoring=scoring)
    assert_allclose(ours.scores_, theirs.scores_, atol=1e-6)
    assert ours.C_ == theirs.C_
    assert ours.score(X, Y) == pytest.approx(theirs.score(X, Y))


@newer
@pytest.mark.parametrize("y", [Y, Y3], ids=["2", "3"])
@pytest.mark.parametrize("scoring", ["neg_log_loss", "accuracy"])
@pytest.mark.parametrize("class_weight", [None, {0: 2.0, "u": 2.0}, "balanced"], ids=str)
def test_weights_are_counted_as_in_scikit_learn(class_weight, scoring, y):
    if isinstance(class_weight, dict):
        class_weight = {k: v for k, v in class_weight.items() if k in y.tolist()}
    weight = None if class_weight == "balanced" else WEIGHT
    same = {"class_weight": class_weight, "scoring": scoring}
    ours, theirs = cv(y=y, weight=weight, **same), peer(y=y, weight=weight, **same)
    assert_allclose(ours.scores_, theirs.scores_, atol=1e-6)
    assert_allclose(ours.coefs_paths_, theirs.coefs_paths_, atol=1e-4)
    assert ours.C_ == theirs.C_
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)


@newer
@pytest.mark.parametrize("y", [Y, Y3], ids=["2", "3"])
def test_without_a_refit_it_agrees_with_scikit_learn(y):
    same = {"refit": False, "l1_ratios": np.array([0.0, 1.0]), "Cs": WEAK}
    ours, theirs = cv(y=y, **same), peer(y=y, **same)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)
    assert ours.C_ == pytest.approx(theirs.C_)
    assert ours.l1_ratio_ == pytest.approx(theirs.l1_ratio_)


@newer
def test_a_number_of_Cs_is_scikit_learns_grid():
    assert_allclose(cv(Cs=6).Cs_, peer(Cs=6).Cs_)
    assert_array_equal(cv(Cs=1).Cs_, [1e-4])
    assert len(LogisticRegressionCV().fit(X, Y).Cs_) == 10


# -- by hand ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("y", [Y, Y3], ids=["2", "3"])
def test_scores_and_paths_are_those_of_fits_on_the_training_rows(y, l1_ratio):
    model = cv(y=y, l1_ratios=[l1_ratio], weight=WEIGHT)
    assert model.scores_.shape == (4, 1, 4)
    for k, (train, test) in enumerate(StratifiedKFold(4).split(X, y)):
        for c, C in enumerate(CS):
            one = LogisticRegression(C=C, l1_ratio=l1_ratio).fit(X[train], y[train], WEIGHT[train])
            loss = log_loss(y[test], one.predict_proba(X[test]), sample_weight=WEIGHT[test])
            assert model.scores_[k, 0, c] == pytest.approx(-loss, abs=1e-6)
            path = model.coefs_paths_[k, 0, c]
            assert_allclose(path, np.column_stack([one.coef_, one.intercept_]), atol=1e-4)


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_the_last_fit_is_that_of_all_rows(l1_ratio):
    model = cv(l1_ratios=[l1_ratio], weight=WEIGHT)
    assert model.C_ == CS[model.scores_.mean(axis=0)[0].argmax()]
    assert model.l1_ratio_ == l1_ratio
    one = LogisticRegression(C=model.C_, l1_ratio=l1_ratio).fit(X, Y, WEIGHT)
    assert_allclose(model.coef_, one.coef_, atol=1e-5)
    assert_allclose(model.intercept_, one.intercept_, atol=1e-5)
    assert model.outcome_ is Outcome.CONVERGED
    assert 0 <= model.gap_ < 1e-6
    assert "objective" in model.history_
    assert model.n_iter_.shape == (4, 1, 4)
    assert model.n_iter_.dtype.kind == "i"


def test_an_offset_counts_in_fits_and_scores():
    model = LogisticRegressionCV(Cs=CS, cv=4, l1_ratios=[1.0]).fit(X, Y, offset=OFFSET)
    for k, (train, test) in enumerate(StratifiedKFold(4).split(X, Y)):
        one = LogisticRegression(C=CS[1], l1_ratio=1.0).fit(X[train], Y[train], None, OFFSET[train])
        loss = log_loss(Y[test], one.predict_proba(X[test], OFFSET[test]))
        assert model.scores_[k, 0, 1] == pytest.approx(-loss, abs=1e-6)
    whole = LogisticRegression(C=model.C_, l1_ratio=1.0).fit(X, Y, offset=OFFSET)
    assert_allclose(model.coef_, whole.coef_, atol=1e-5)


def test_offsets_of_three_classes():
    offset = RNG.normal(size=(180, 3))
    model = LogisticRegressionCV(Cs=CS, cv=4).fit(X, Y3, offset=offset)
    train, test = next(StratifiedKFold(4).split(X, Y3))
    one = LogisticRegression(C=CS[2]).fit(X[train], Y3[train], None, offset[train])
    loss = log_loss(Y3[test], one.predict_proba(X[test], offset[test]))
    assert model.scores_[0, 0, 2] == pytest.approx(-loss, abs=1e-6)


def test_cross_val_score_of_the_best_is_no_different():
    model = cv()
    best = cross_val_score(LogisticRegression(C=model.C_), X, Y, cv=4, scoring="neg_log_loss")
    assert_allclose(model.scores_[:, 0, CS.index(model.C_)], best, atol=1e-6)


@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_no_scoring_is_accuracy(scoring):
    model = cv(scoring=scoring)
    p = model.predict(X)
    assert model.score(X, Y) == accuracy_score(Y, p)
    assert model.score(X, Y, WEIGHT) == accuracy_score(Y, p, sample_weight=WEIGHT)
    assert_array_equal(model.scores_, cv(scoring="accuracy").scores_)


def test_a_callable_is_called_as_scikit_learn_does():
    def scorer(estimator, features, labels):
        return roc_auc_score(labels, estimator.predict_proba(features)[:, 1])

    model, named = cv(scoring=scorer), cv(scoring="roc_auc")
    assert_allclose(model.scores_, named.scores_, rtol=1e-12)
    assert model.score(X, Y) == roc_auc_score(Y, model.predict_proba(X)[:, 1])


def test_the_score_is_by_default_minus_the_log_loss():
    model = cv()
    assert model.score(X, Y) == pytest.approx(-log_loss(Y, model.predict_proba(X)))
    weighted = -log_loss(Y, model.predict_proba(X), sample_weight=WEIGHT)
    assert model.score(X, Y, WEIGHT) == pytest.approx(weighted)


# -- which one is chosen ---------------------------------------------------------------------------


@pytest.mark.parametrize("l1_ratios", [(0.0,), (1.0,), (0.2, 1.0)], ids=str)
def test_one_standard_error_takes_the_smallest_C_that_is_as_good(l1_ratios):
    Cs = np.geomspace(1e-3, 10, 15)
    best, simple = (cv(Cs=Cs, l1_ratios=l1_ratios, rule=rule) for rule in ("best", "1se"))
    assert_array_equal(best.scores_, simple.scores_)
    mean = best.scores_.mean(axis=0)
    r, c = np.unravel_index(mean.argmax(), mean.shape)
    error = best.scores_[:, r, c].std(ddof=1) / 2
    smallest = min(C for C, score in zip(Cs, mean[r], strict=True) if score >= mean[r, c] - error)
    assert (best.C_, best.l1_ratio_) == (Cs[c], l1_ratios[r])
    assert (simple.C_, simple.l1_ratio_) == (smallest, l1_ratios[r])
    assert simple.C_ < best.C_
    one = LogisticRegression(C=smallest, l1_ratio=l1_ratios[r]).fit(X, Y)
    assert_allclose(simple.coef_, one.coef_, atol=1e-5)


def test_ties_go_to_the_smallest_C():
    def none(estimator, features, labels):
        return 0.0

    for rule in ("best", "1se"):
        model = cv(scoring=none, rule=rule, l1_ratios=(0.5, 1.0))
        assert (model.C_, model.l1_ratio_) == (CS[0], 0.5)


@pytest.mark.parametrize("y", [Y, Y3], ids=["2", "3"])
def test_without_a_refit_the_best_of_the_folds_are_averaged(y):
    l1_ratios = (0.0, 0.5, 1.0)
    model = cv(y=y, refit=False, l1_ratios=l1_ratios)
    places = [np.unravel_index(s.argmax(), s.shape) for s in model.scores_]
    paths = [model.coefs_paths_[(k, *place)] for k, place in enumerate(places)]
    assert_allclose(model.coef_, np.mean(paths, axis=0)[:, :-1])
    assert_allclose(model.intercept_, np.mean(paths, axis=0)[:, -1])
    assert model.C_ == pytest.approx(np.mean([CS[c] for _, c in places]))
    assert model.l1_ratio_ == pytest.approx(np.mean([l1_ratios[r] for r, _ in places]))
    assert model.predict_proba(X).shape == (180, len(np.unique(y)))


def test_a_second_fit_forgets_the_first():
    model = cv()
    model.set_params(refit=False).fit(X, Y)
    assert not hasattr(model, "gap_")
    assert not hasattr(model, "outcome_")


def test_the_order_of_Cs_does_not_matter():
    shuffled, sorted_ = cv(Cs=[3.0, 0.003, 0.3, 0.03]), cv()
    assert_array_equal(shuffled.Cs_, CS)
    assert shuffled.C_ == sorted_.C_
    assert_array_equal(shuffled.scores_, sorted_.scores_)


# -- folds -----------------------------------------------------------------------------------------


def test_folds_as_a_number_a_splitter_and_an_iterable():
    number = cv(cv=4)
    splitter = cv(cv=StratifiedKFold(4))
    iterable = cv(cv=list(StratifiedKFold(4).split(X, Y)))
    generator = cv(cv=StratifiedKFold(4).split(X, Y))
    for model in (splitter, iterable, generator):
        assert_array_equal(model.scores_, number.scores_)
        assert_array_equal(model.coef_, number.coef_)
    assert LogisticRegressionCV(Cs=2).fit(X, Y).scores_.shape == (5, 1, 2)
    assert cv(cv=KFold(3, shuffle=True, random_state=0)).scores_.shape == (3, 1, 4)


def test_a_fold_that_repeats_rows_fits_them_repeated():
    train = np.r_[0:100, 0:50]
    model = cv(cv=[(train, np.arange(100, 180)), (np.arange(80, 180), np.arange(80))])
    one = LogisticRegression(C=CS[2]).fit(X[train], Y[train])
    assert_allclose(model.coefs_paths_[0, 0, 2, :, :-1], one.coef_, atol=1e-4)


def test_masks_are_folds_too():
    half = np.arange(180) % 2 == 0
    masks = cv(cv=[(half, ~half), (~half, half)])
    indices = cv(
        cv=[
            (np.flatnonzero(half), np.flatnonzero(~half)),
            (np.flatnonzero(~half), np.flatnonzero(half)),
        ]
    )
    assert_allclose(masks.scores_, indices.scores_, rtol=1e-12)


def test_groups_are_routed_to_the_splitter():
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegressionCV(Cs=CS, cv=GroupKFold(3)).fit(X, Y, groups=GROUPS)
    by_hand = cv(cv=list(GroupKFold(3).split(X, Y, GROUPS)))
    assert_array_equal(model.scores_, by_hand.scores_)
    assert_array_equal(model.coef_, by_hand.coef_)


def test_weights_are_routed_to_the_scorer_if_it_asks_for_them():
    plain, weighted = cv(weight=WEIGHT), None
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = get_scorer("neg_log_loss").set_score_request(sample_weight=True)
        model = LogisticRegressionCV(Cs=CS, cv=4, scoring=scorer)
        weighted = model.set_fit_request(sample_weight=True).fit(X, Y, sample_weight=WEIGHT)
        without = get_scorer("neg_log_loss").set_score_request(sample_weight=False)
        model = LogisticRegressionCV(Cs=CS, cv=4, scoring=without)
        unweighted = model.set_fit_request(sample_weight=True).fit(X, Y, sample_weight=WEIGHT)
    assert_allclose(weighted.scores_, plain.scores_, rtol=1e-9)
    assert_allclose(unweighted.coefs_paths_, plain.coefs_paths_, atol=1e-10)
    assert np.abs(unweighted.scores_ - plain.scores_).max() > 1e-4


def test_weights_are_routed_through_a_pipeline():
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = get_scorer("neg_log_loss").set_score_request(sample_weight=True)
        inner = LogisticRegressionCV(Cs=CS, cv=4, scoring=scorer).set_fit_request(
            sample_weight=True
        )
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipe = make_pipeline(scaler, inner).fit(X, Y, sample_weight=WEIGHT)
    assert_allclose(pipe[-1].scores_, cv(weight=WEIGHT).scores_, rtol=1e-6)


def test_groups_without_routing_are_refused():
    with pytest.raises(ValueError, match="groups: parameters for the splitter or the scorer need"):
        LogisticRegressionCV(cv=GroupKFold(3)).fit(X, Y, groups=GROUPS)


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_weights_are_repeated_rows_but_for_the_folds(l1_ratio):
    rows = np.repeat(np.arange(180), WEIGHT.astype(int))
    first = np.arange(180) < 90
    folds = [(np.flatnonzero(first), np.flatnonzero(~first))] * 2
    many = [(np.flatnonzero(first[rows]), np.flatnonzero(~first[rows]))] * 2
    weighted = cv(weight=WEIGHT, cv=folds, l1_ratios=[l1_ratio])
    repeated = cv(X[rows], Y[rows], cv=many, l1_ratios=[l1_ratio])
    assert_allclose(weighted.scores_, repeated.scores_, atol=1e-6)
    assert_allclose(weighted.coef_, repeated.coef_, atol=1e-5)


def test_rows_without_weight_count_nowhere():
    weight = WEIGHT.copy()
    weight[::5] = 0
    noise = X.copy()
    noise[::5] = RNG.normal(size=noise[::5].shape) * 5
    assert_allclose(
        cv(weight=weight, cv=KFold(4)).scores_,
        cv(noise, weight=weight, cv=KFold(4)).scores_,
        rtol=1e-5,
    )


@pytest.mark.parametrize("l1_ratios", [(0.0,), (0.5, 1.0)], ids=str)
@pytest.mark.parametrize("y", [Y, Y3], ids=["2", "3"])
def test_the_number_of_jobs_changes_nothing(y, l1_ratios):
    one, two = (cv(y=y, l1_ratios=l1_ratios, n_jobs=jobs) for jobs in (None, 2))
    for name in ("scores_", "coefs_paths_", "coef_", "intercept_", "n_iter_"):
        assert_array_equal(getattr(one, name), getattr(two, name))


def test_a_random_state_serves_all_folds_alike():
    a, b = (cv(random_state=3, n_jobs=jobs) for jobs in (1, 2))
    assert_array_equal(a.scores_, b.scores_)


# -- kinds of X ------------------------------------------------------------------------------------


@pytest.mark.parametrize("l1_ratios", [(0.0,), (1.0,)], ids=str)
@pytest.mark.parametrize("scoring", ["neg_log_loss", "accuracy"])
@pytest.mark.parametrize("y", [Y, Y3], ids=["2", "3"])
def test_sparse_is_as_dense(y, scoring, l1_ratios):
    A = np.where(np.abs(X) > 0.6, X, 0.0)
    same = {"y": y, "scoring": scoring, "l1_ratios": l1_ratios}
    dense = cv(A, **same)
    for kind in (sparse.csr_array, sparse.csc_matrix):
        thin = cv(kind(A), **same)
        assert_allclose(thin.scores_, dense.scores_, atol=1e-6)
        assert_allclose(thin.coef_, dense.coef_, atol=1e-4)


def test_more_columns_than_rows():
    A = RNG.normal(size=(60, 100))
    y = (A[:, :2].sum(axis=1) > 0).astype(int)
    for l1_ratio in (0.0, 1.0):
        model = cv(A, y, l1_ratios=[l1_ratio])
        train, test = next(StratifiedKFold(4).split(A, y))
        one = LogisticRegression(C=CS[2], l1_ratio=l1_ratio).fit(A[train], y[train])
        loss = log_loss(y[test], one.predict_proba(A[test]))
        assert model.scores_[0, 0, 2] == pytest.approx(-loss, abs=1e-6)


def test_a_frame_keeps_its_names_and_float32_its_kind():
    frame = pd.DataFrame(X.astype(np.float32), columns=list("abcde"))
    model = cv(frame)
    assert_array_equal(model.feature_names_in_, list("abcde"))
    assert model.n_features_in_ == 5
    assert model.coef_.dtype == np.float32
    assert_allclose(model.coef_, cv().coef_, atol=1e-4)
    assert_allclose(model.scores_, cv().scores_, atol=1e-5)


def test_X_is_left_as_it_is():
    A = X.copy()
    A.flags.writeable = False
    cv(A, weight=WEIGHT, l1_ratios=(0.0, 1.0))
    assert_array_equal(A, X)


@pytest.mark.parametrize(("y", "q"), [(Y, 1), (Y3, 3)], ids=["2", "3"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_shapes(fit_intercept, y, q):
    new = cv(y=y, fit_intercept=fit_intercept, l1_ratios=(0.5, 1.0))
    width = 5 + fit_intercept
    assert new.coefs_paths_.shape == (4, 2, 4, q, width)
    assert new.scores_.shape == new.n_iter_.shape == (4, 2, 4)
    assert isinstance(new.C_, float)
    assert isinstance(new.l1_ratio_, float)
    old = cv(y=y, fit_intercept=fit_intercept, l1_ratios=(0.5, 1.0), use_legacy_attributes=True)
    labels = [1] if q == 1 else ["u", "v", "w"]
    assert list(old.coefs_paths_) == list(old.scores_) == labels
    for k, label in enumerate(labels):
        assert old.coefs_paths_[label].shape == (4, 4, 2, width)
        assert old.scores_[label].shape == (4, 4, 2)
        assert_array_equal(old.coefs_paths_[label][1, 2, 0], new.coefs_paths_[1, 0, 2, k])
        assert_array_equal(old.scores_[label][3, 1, 0], new.scores_[3, 0, 1])
    assert old.n_iter_.shape == (1, 4, 4, 2)
    assert old.C_.shape == old.l1_ratio_.shape == (q,)
    assert_array_equal(old.coef_, new.coef_)
    if not fit_intercept:
        assert_array_equal(new.intercept_, np.zeros(q))


# -- parameters ------------------------------------------------------------------------------------


def test_parameters_and_copies():
    model = LogisticRegressionCV(Cs=3, l1_ratios=(0.0, 1.0), rule="1se", cv=4)
    parameters = model.get_params()
    assert parameters["Cs"] == 3
    assert parameters["rule"] == "1se"
    assert "C" not in parameters
    assert "l1_ratio" not in parameters
    assert "warm_start" not in parameters
    assert clone(model).get_params() == parameters
    assert vars(clone(model.fit(X, Y))) == vars(LogisticRegressionCV(**parameters))
    assert repr(LogisticRegressionCV(Cs=3)) == "LogisticRegressionCV(Cs=3)"
    assert LogisticRegressionCV().scoring == "neg_log_loss"


@newer
def test_every_parameter_of_scikit_learns_is_there():
    left_out = {"dual", "intercept_scaling", "penalty"}  # of liblinear, and deprecated
    assert set(Peer().get_params()) - left_out <= set(LogisticRegressionCV().get_params())


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"rule": "min"}, "rule must be 'best' or '1se', got 'min'"),
        ({"rule": "1se", "refit": False}, "rule='1se' chooses one C for all folds and needs refit"),
        ({"refit": "yes"}, "refit must be True or False, got 'yes'"),
        ({"use_legacy_attributes": "warn"}, "use_legacy_attributes must be True or False"),
        ({"Cs": 0}, "Cs must be an integer of at least 1, got 0"),
        ({"Cs": []}, "Cs must be finite numbers above 0"),
        ({"Cs": [1.0, -1.0]}, "Cs must be finite numbers above 0"),
        ({"Cs": [1.0, np.inf]}, "Cs must be finite numbers above 0"),
        ({"Cs": "ten"}, "Cs must be finite numbers above 0"),
        ({"Cs": None}, "Cs must be finite numbers above 0"),
        ({"Cs": True}, "Cs must be"),
        ({"l1_ratios": ()}, "l1_ratios must be a list of numbers from 0 to 1"),
        ({"l1_ratios": 0.5}, "l1_ratios must be a list of numbers from 0 to 1"),
        ({"l1_ratios": (0.5, 2.0)}, "l1_ratios must be a list of numbers from 0 to 1"),
        ({"l1_ratios": (np.nan,)}, "l1_ratios must be a list of numbers from 0 to 1"),
        ({"l1_ratios": None}, "l1_ratios must be a list of numbers from 0 to 1"),
        ({"l1_ratios": "all"}, "l1_ratios must be a list of numbers from 0 to 1"),
        ({"tol": 0.0}, "tol must be a number above 0"),
        ({"max_iter": -1}, "max_iter must be an integer"),
        ({"n_jobs": 0}, "n_jobs=0 has no meaning"),
        ({"solver": "lbfgs"}, "solver='lbfgs' is unknown"),
        ({"solver": "newton", "l1_ratios": (1.0,)}, "solver='newton' cannot take an L1 penalty"),
        ({"scoring": "best"}, "best"),
        ({"cv": 1}, "n_splits=1|k-fold"),
        ({"cv": 1000}, "n_splits=1000"),
    ],
    ids=str,
)
def test_bad_parameters_are_named(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        cv(**parameters)


def test_one_standard_error_of_one_fold():
    """There is none: its best is taken, or it is said."""
    half = np.arange(180) % 2 == 0
    folds = [(np.flatnonzero(half), np.flatnonzero(~half))]
    assert cv(cv=folds).scores_.shape == (1, 1, 4)
    with pytest.raises(ValueError, match=r"1se.*fold"):
        cv(cv=folds, rule="1se")


def test_no_folds_at_all():
    with pytest.raises(ValueError, match="fold"):
        cv(cv=[])


def test_a_scorer_with_an_offset_is_refused():
    with pytest.raises(ValueError, match="With an offset scoring must be 'neg_log_loss', got 'acc"):
        LogisticRegressionCV(scoring="accuracy").fit(X, Y, offset=OFFSET)


def test_a_class_that_a_fold_lacks_is_named():
    y = np.sort(Y3)
    with pytest.raises(
        ValueError, match=r"Class 'u' has no rows to fit on in fold 0: use fewer or"
    ):
        cv(
            y=y,
            cv=KFold(3, shuffle=False) if (y == "u").sum() <= 60 else [(np.arange(170, 180), [0])],
        )


def test_a_class_with_one_row_only():
    y = np.where(np.arange(180) == 0, "alone", Y3)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        with pytest.raises(ValueError, match="Class 'alone' has no rows to fit on in fold 0"):
            cv(y=y)


def test_a_class_of_weight_zero_counts_nowhere():
    """Neither by its rows' weights nor by the class's."""
    keep = Y3 != "w"
    folds = [(np.arange(60, 180), np.arange(60)), (np.arange(60), np.arange(60, 180))]
    place = np.cumsum(keep) - 1
    fewer = [tuple(place[part[keep[part]]] for part in fold) for fold in folds]
    removed = cv(X[keep], Y3[keep], cv=fewer)
    by_row = cv(y=Y3, weight=keep.astype(float), cv=folds)
    assert_allclose(by_row.scores_, removed.scores_, atol=1e-6)
    by_class = cv(y=Y3, class_weight={"w": 0.0}, cv=folds)
    assert_array_equal(by_class.classes_, ["u", "v"])
    assert_allclose(by_class.coefs_paths_, removed.coefs_paths_, atol=1e-4)
    assert_allclose(by_class.scores_, removed.scores_, atol=1e-6)


def test_test_rows_without_any_weight_are_an_error_with_a_sentence():
    weight = (np.arange(180) >= 60).astype(float)
    with pytest.raises(ValueError, match="weight"):
        cv(weight=weight, cv=[(np.arange(60, 180), np.arange(60))])


def test_two_classes_and_one_of_them_missing():
    y = np.sort(Y)
    with pytest.raises(ValueError, match="Class 1 has no rows to fit on in fold"):
        cv(y=y, cv=[(np.flatnonzero(y == 0), np.flatnonzero(y == 1))])


def test_fits_that_do_not_converge_are_counted():
    every = "fits in the folds did not reach tol|Stopped after 0 iterations"
    with pytest.warns(ConvergenceWarning, match=every) as record:
        cv(max_iter=0, l1_ratios=(1.0,))
    messages = [str(warning.message) for warning in record]
    assert sum("in the folds" in message for message in messages) == 1
    assert any("raise max_iter" in message for message in messages)
    assert {warning.filename for warning in record} == {__file__}


def test_make_scorer_with_its_own_arguments():
    scorer = make_scorer(accuracy_score, normalize=False)
    model = cv(scoring=scorer)
    assert model.scores_.max() > 1
    assert model.score(X, Y) == (model.predict(X) == Y).sum()


def test_integer_labels_of_any_value():
    labels = np.where(Y == 1, 7, -3)
    model = cv(y=labels)
    assert_array_equal(model.classes_, [-3, 7])
    assert_array_equal(model.scores_, cv().scores_)
    assert set(np.unique(model.predict(X))) == {-3, 7}
    old = cv(y=labels, use_legacy_attributes=True)
    assert list(old.scores_) == [7]


# -- scikit-learn's own checks ---------------------------------------------------------------------


@parametrize_with_checks([LogisticRegressionCV(Cs=3, cv=3)])
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        assert check(estimator) is None


def test_what_takes_blocks_is_not_for_cross_validation():
    model = LogisticRegressionCV()
    for name in ("fit_blocks", "partial_fit", "inference_blocks"):
        assert not hasattr(model, name)
        with pytest.raises(AttributeError, match="needs all rows in memory, to cut them"):
            getattr(model, name)

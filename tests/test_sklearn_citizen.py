"""LogisticRegression among scikit-learn's tools: its own checks, then the tools for real."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.feature_selection import SelectFromModel
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.utils import estimator_html_repr, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from logreg import ConvergenceWarning, LogisticRegression
from logreg.datasets import load_breast_cancer, load_iris, load_wine

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
Y = (X @ [1.5, -1.0, 0.0, 0.5] + RNG.logistic(size=200) > 0).astype(int)
WEIGHT = RNG.uniform(0.2, 3.0, 200)
OFFSET = RNG.normal(size=200)
NAMES = ["age", "bmi", "dose", "height"]

# -- scikit-learn's own checks ---------------------------------------------------------------------

# Not here: fit_intercept=False, with which scikit-learn's own LogisticRegression fails
# check_class_weight_classifiers as well; C=inf, because most of the checks' data are separable.
CONFIGURATIONS = [
    LogisticRegression(),
    LogisticRegression(solver="newton"),
    LogisticRegression(solver="pgd"),
    LogisticRegression(solver="gd", tol=1e-9),  # two ways to the same data must agree to 1e-7
    LogisticRegression(warm_start=True, C=10.0, n_jobs=2),
]


@parametrize_with_checks(CONFIGURATIONS)
def test_scikit_learns_checks(estimator, check):
    name = getattr(check, "func", check).__name__
    slow = estimator.solver == "gd"
    with warnings.catch_warnings():
        if slow and name == "check_class_weight_classifiers":  # weights 1000 and 0.0001
            warnings.simplefilter("ignore", ConvergenceWarning)
        check(estimator)


def test_tags():
    tags = get_tags(LogisticRegression())
    assert tags.estimator_type == "classifier"
    assert tags.classifier_tags.multi_class
    assert tags.target_tags.required
    assert not tags.target_tags.multi_output
    assert tags.input_tags.sparse
    assert not tags.input_tags.allow_nan
    assert not tags.non_deterministic
    assert is_classifier(LogisticRegression())


# -- parameters, copies, pictures ------------------------------------------------------------------


def test_parameters_are_the_documented_ones():
    assert LogisticRegression().get_params() == {
        "C": 1.0,
        "class_weight": None,
        "fit_intercept": True,
        "l1_ratio": 0.0,
        "penalty_weights": None,
        "max_iter": 1000,
        "n_jobs": None,
        "random_state": None,
        "solver": "auto",
        "tol": 1e-6,
        "verbose": 0,
        "warm_start": False,
    }
    with pytest.raises(TypeError, match="positional"):
        LogisticRegression(1.0)


def test_set_params():
    model = LogisticRegression().set_params(C=3.0, solver="newton")
    assert (model.C, model.solver) == (3.0, "newton")
    with pytest.raises(ValueError, match="Invalid parameter 'penalty'"):
        model.set_params(penalty="l2")


def test_clone_keeps_the_parameters_and_forgets_the_fit():
    model = LogisticRegression(C=5.0, class_weight={0: 2.0}, solver="newton").fit(X, Y)
    fresh = clone(model)
    assert fresh.get_params() == model.get_params()
    assert vars(fresh) == vars(LogisticRegression(C=5.0, class_weight={0: 2.0}, solver="newton"))


@pytest.mark.parametrize(
    "duplicate", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy], ids=["pickle", "copy"]
)
def test_a_copy_is_as_good(duplicate):
    frame = pd.DataFrame(X, columns=NAMES)
    model = LogisticRegression(C=2.0).fit(frame, Y, WEIGHT)
    twin = duplicate(model)
    assert vars(twin).keys() == vars(model).keys()
    assert twin.outcome_ is model.outcome_
    assert_array_equal(twin.coef_, model.coef_)
    assert_array_equal(twin.feature_names_in_, NAMES)
    assert_array_equal(twin.predict_proba(frame), model.predict_proba(frame))
    pd.testing.assert_frame_equal(twin.history_, model.history_)


def test_a_pickle_holds_no_data():
    big = np.random.default_rng(0).normal(size=(20_000, 3))
    model = LogisticRegression().fit(big, np.arange(20_000) % 2)
    assert len(pickle.dumps(model)) < 10_000


def test_repr_shows_what_was_changed():
    assert repr(LogisticRegression(C=2.0)) == "LogisticRegression(C=2.0)"


@pytest.mark.parametrize("fitted", [False, True])
def test_html_repr_links_to_our_documentation(fitted):
    model = LogisticRegression()
    html = estimator_html_repr(model.fit(X, Y) if fitted else model)
    assert 'href="https://logreg.readthedocs.io/en/stable/api.html#LogisticRegression"' in html
    assert "scikit-learn.org" not in html.split("sk-estimator-doc-link", 1)[1].split("</a>")[0]
    assert "logreg.readthedocs.io" in estimator_html_repr(make_pipeline(StandardScaler(), model))


# -- names of columns ------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_names_of_the_columns(make):
    frame = make(dict(zip(NAMES, X.T, strict=True)))
    model = LogisticRegression().fit(frame, Y)
    assert_array_equal(model.feature_names_in_, NAMES)
    assert model.feature_names_in_.dtype == object
    assert model.n_features_in_ == 4
    assert_allclose(model.coef_, LogisticRegression().fit(X, Y).coef_, rtol=1e-12)
    assert_allclose(model.predict_proba(frame), LogisticRegression().fit(X, Y).predict_proba(X))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)


def test_no_names_without_a_frame():
    assert not hasattr(LogisticRegression().fit(X, Y), "feature_names_in_")
    assert not hasattr(LogisticRegression().fit(pd.DataFrame(X), Y), "feature_names_in_")


def test_names_go_when_the_next_fit_has_none():
    model = LogisticRegression().fit(pd.DataFrame(X, columns=NAMES), Y)
    model.fit(X, Y)
    assert not hasattr(model, "feature_names_in_")
    model.predict(X)  # no warning about missing names


# -- metadata routing ------------------------------------------------------------------------------


def routed():
    return (
        LogisticRegression()
        .set_fit_request(sample_weight=True, offset=True)
        .set_score_request(sample_weight=True, offset=True)
        .set_predict_request(offset=True)
        .set_predict_proba_request(offset=True)
    )


def test_weights_and_offset_are_routed_through_a_pipeline():
    scaled = StandardScaler().fit_transform(X)
    direct = LogisticRegression().fit(scaled, Y, sample_weight=WEIGHT, offset=OFFSET)
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipe = Pipeline([("scale", scaler), ("model", routed())])
        pipe.fit(X, Y, sample_weight=WEIGHT, offset=OFFSET)
        assert_array_equal(pipe[-1].coef_, direct.coef_)
        assert_array_equal(
            pipe.predict_proba(X, offset=OFFSET), direct.predict_proba(scaled, offset=OFFSET)
        )
        assert_array_equal(pipe.predict(X, offset=OFFSET), direct.predict(scaled, OFFSET))
        score = pipe.score(X, Y, sample_weight=WEIGHT, offset=OFFSET)
    assert score == direct.score(scaled, Y, WEIGHT, OFFSET)
    plain = LogisticRegression().fit(scaled, Y)
    assert abs(direct.coef_ - plain.coef_).max() > 0.05  # they did make a difference


def test_weights_and_offset_are_routed_through_a_grid_search():
    folds = StratifiedKFold(3)
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(routed(), {"C": [0.01, 1.0]}, cv=folds)
        search.fit(X, Y, sample_weight=WEIGHT, offset=OFFSET)
    for k, (train, test) in enumerate(folds.split(X, Y)):
        for i, C in enumerate([0.01, 1.0]):
            model = LogisticRegression(C=C)
            model.fit(X[train], Y[train], WEIGHT[train], OFFSET[train])
            score = model.score(X[test], Y[test], WEIGHT[test], OFFSET[test])
            assert_allclose(search.cv_results_[f"split{k}_test_score"][i], score)


def test_metadata_that_nobody_asked_for_is_an_error():
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make_pipeline(LogisticRegression())
        with pytest.raises(ValueError, match="offset"):
            pipe.fit(X, Y, offset=OFFSET)


# -- the tools, for real ---------------------------------------------------------------------------


def test_grid_search_with_two_workers():
    features, labels = load_breast_cancer(return_X_y=True)
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    grid = {"logisticregression__C": [1e-4, 0.1, 1e3]}
    two = GridSearchCV(pipe, grid, n_jobs=2, cv=3, scoring="neg_log_loss").fit(features, labels)
    one = GridSearchCV(pipe, grid, n_jobs=1, cv=3, scoring="neg_log_loss").fit(features, labels)
    assert two.best_params_ == {"logisticregression__C": 0.1}
    assert two.best_score_ > -0.12
    for k in range(3):  # the same bits in a worker of one thread
        name = f"split{k}_test_score"
        assert_array_equal(two.cv_results_[name], one.cv_results_[name])


def test_grid_search_over_logspace():
    search = GridSearchCV(LogisticRegression(), {"C": np.logspace(-3, 3, 5)}, cv=3).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_pipeline_with_polynomial_features_learns_xor():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 5, dtype=float)
    xor = corners.sum(axis=1) == 1
    model = make_pipeline(PolynomialFeatures(2, include_bias=False), LogisticRegression(C=100))
    assert model.fit(corners, xor).score(corners, xor) == 1
    assert LogisticRegression(C=100).fit(corners, xor).score(corners, xor) <= 0.75


def test_column_transformer_of_a_mixed_table():
    city = np.where(X[:, 2] > 0, "Rome", "Oslo")
    frame = pd.DataFrame(X, columns=NAMES).assign(city=city)
    columns = make_column_transformer(
        (StandardScaler(), NAMES), (OneHotEncoder(drop="first"), ["city"])
    ).set_output(transform="default")
    model = make_pipeline(columns, LogisticRegression()).fit(frame, city)
    assert model.score(frame, city) == 1
    assert model[-1].coef_.shape == (1, 5)


def test_calibrated_classifier():
    features, labels = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    calibrated = CalibratedClassifierCV(model, cv=3).fit(features, labels)
    p = calibrated.predict_proba(features)
    assert_allclose(p.sum(axis=1), 1)
    assert log_loss(labels, p) < 0.1


def test_one_versus_rest():
    features, labels = load_iris(return_X_y=True)
    model = OneVsRestClassifier(LogisticRegression()).fit(features, labels)
    assert [e.coef_.shape for e in model.estimators_] == [(1, 4)] * 3
    assert model.score(features, labels) > 0.9
    single = LogisticRegression().fit(features, labels == model.classes_[1])
    assert_array_equal(model.estimators_[1].coef_, single.coef_)


def test_select_from_model():
    frame = pd.DataFrame(X, columns=NAMES)
    select = SelectFromModel(LogisticRegression(), threshold=0.3).set_output(transform="pandas")
    kept = select.fit_transform(frame, Y)
    assert list(kept.columns) == ["age", "bmi", "height"]  # the truth for dose is 0
    features, labels = load_wine(return_X_y=True)
    scaled = StandardScaler().fit_transform(features)
    select = SelectFromModel(LogisticRegression(), max_features=5).fit(scaled, labels)
    assert select.transform(scaled).shape == (178, 5)


def test_permutation_importance():
    model = LogisticRegression().fit(X, Y)
    importance = permutation_importance(model, X, Y, n_repeats=10, random_state=0).importances_mean
    assert importance.argmin() == 2  # the truth for that column is 0
    assert importance[:2].min() > 0.1 > 0.03 > importance[2]


def test_cross_val_predict():
    features, labels = load_wine(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    p = cross_val_predict(model, features, labels, cv=3, method="predict_proba")
    assert p.shape == (178, 3)
    assert accuracy_score(labels, np.unique(labels)[p.argmax(axis=1)]) > 0.95
    assert_allclose(p.sum(axis=1), 1)

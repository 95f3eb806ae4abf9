"""Formulas: the same fit as of the columns they name, on tables with text and missing values."""

import sys

import numpy as np
import pandas as pd
import polars
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose

from logreg import LogisticRegression, fit_formula
from logreg.datasets import load_birthwt


@pytest.fixture
def data():
    table = load_birthwt(as_frame=True).frame
    race = table["race_black"] + 2 * table["race_other"]
    return table.assign(
        race=race.map({0: "white", 1: "black", 2: "other"}),
        outcome=table["low"].map({0: "normal", 1: "low"}),
    )


def test_it_is_the_fit_of_the_columns_that_the_formula_names(data):
    mine = fit_formula("low ~ age + lwt + C(race) + smoke:ht", data, tol=1e-9)
    theirs = smf.logit("low ~ age + lwt + C(race) + smoke:ht", data).fit(disp=0, tol=1e-14)
    assert set(mine.params.index) == set(theirs.params.index)
    order = theirs.params.index
    assert_allclose(mine.params[order], theirs.params, rtol=1e-6)
    assert_allclose(mine.bse[order], theirs.bse, rtol=1e-6)
    assert_allclose(mine.predict_proba(data)[:, 1], theirs.predict(data), rtol=1e-6)
    assert mine.formula == "low ~ age + lwt + C(race) + smoke:ht"
    assert isinstance(mine.model, LogisticRegression)


def test_a_response_of_text_and_a_baseline(data):
    plain = fit_formula("low ~ age", data)
    labels = fit_formula("outcome ~ age", data, baseline="normal")
    assert_allclose(labels.params, plain.params, rtol=1e-6)
    assert list(labels.model.classes_) == ["low", "normal"]
    events = fit_formula("{bwt < 1} ~ age", data.assign(bwt=1 - data["low"]))
    assert_allclose(events.params, plain.params, rtol=1e-6)


def test_without_an_intercept_and_with_a_penalty(data):
    mine = fit_formula("low ~ age + lwt - 1", data, C=0.1)
    model = LogisticRegression(C=0.1, fit_intercept=False).fit(data[["age", "lwt"]], data["low"])
    assert_allclose(mine.params, model.coef_[0])


def test_terms_are_tested_as_a_whole(data):
    whole, small = fit_formula("low ~ age + C(race)", data), fit_formula("low ~ age", data)
    for test in (whole.lr_test("C(race)"), whole.lr_test(small)):
        assert_allclose(test.statistic, 2 * (whole.llf - small.llf), rtol=1e-6)
        assert test.df == 2
    assert whole.wald_test("C(race)").df == 2
    assert whole.wald_test(["C(race)[T.other]"]).df == 1


def test_the_coding_of_the_fit_is_that_of_predictions(data):
    result = fit_formula("low ~ age + C(race) + center(lwt)", data)
    some = data.iloc[[5]]
    assert_allclose(result.predict_proba(some), result.predict_proba(data)[[5]])
    assert_allclose(result.predict(some), result.predict(data).iloc[[5]])
    with pytest.raises(ValueError, match=r"levels that those of the fit did not have.*martian"):
        result.predict_proba(data.assign(race="martian"))
    with pytest.raises(
        ValueError, match=r"X has 1 missing value \(NaN\), in row 0 of column 'age'"
    ):
        result.predict_proba(some.assign(age=np.nan))


def test_rows_with_missing_values_are_left_out_with_a_warning(data):
    holes = data.astype({"age": float, "low": float}).copy()
    holes.loc[[3, 5], "age"], holes.loc[7, "race"], holes.loc[9, "low"] = np.nan, None, np.nan
    with pytest.warns(
        UserWarning, match=r"4 of 189 rows are left out: values are missing in age, low, race"
    ):
        mine = fit_formula("low ~ age + C(race)", holes)
    rest = data.drop(index=[3, 5, 7, 9])
    assert_allclose(mine.params, fit_formula("low ~ age + C(race)", rest).params, rtol=1e-6)
    assert mine.nobs == 185


def test_weights_offset_and_groups_by_name_or_by_value(data):
    data = data.assign(w=np.arange(189) % 3 + 1, o=0.01 * data["lwt"], g=np.arange(189) // 4)
    named = fit_formula(
        "low ~ age", data, sample_weight="w", offset="o", cov_type="cluster", groups="g"
    )
    given = fit_formula(
        "low ~ age",
        data,
        sample_weight=data["w"],
        offset=data["o"].to_numpy(),
        cov_type="cluster",
        groups=data["g"].tolist(),
    )
    assert_allclose(named.bse, given.bse)
    assert_allclose(named.params, given.params)


def test_functions_of_the_user(data):
    result = fit_formula("low ~ half(age)", data, context={"half": lambda x: x / 2})
    plain = fit_formula("low ~ age", data)
    assert_allclose(result.params.iloc[1], 2 * plain.params.iloc[1], rtol=1e-6)
    assert_allclose(result.predict_proba(data), plain.predict_proba(data), rtol=1e-6)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("~ age", r"must read 'y ~ columns', with one y; got '~ age'"),
        ("low ~ 1", "has no columns on its right side"),
        ("C(race) ~ age", "makes 3 columns; the response must be one"),
    ],
)
def test_formulas_that_make_no_model(data, formula, message):
    with pytest.raises(ValueError, match=message):
        fit_formula(formula, data)


def test_values_of_another_length(data):
    with pytest.raises(ValueError, match="groups has 3 values, data has 189 rows"):
        fit_formula("low ~ age", data, cov_type="cluster", groups=[1, 2, 3])


def test_without_formulaic_a_sentence_says_what_to_install(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "formulaic", None)
    with pytest.raises(ImportError, match=r"pip install 'logreg\[formula\]'"):
        fit_formula("low ~ age", data)


def test_the_frame_is_left_as_it_was(data):
    before = data.copy()
    fit_formula("low ~ age + C(race)", data)
    pd.testing.assert_frame_equal(data, before)


def test_other_tables(data):
    plain = fit_formula("low ~ age", data)
    table = {name: data[name].tolist() for name in ("low", "age")}
    assert_allclose(fit_formula("low ~ age", table).params, plain.params)
    frame = polars.DataFrame(table)
    result = fit_formula("low ~ age", frame)
    assert_allclose(result.params, plain.params)
    assert_allclose(result.predict_proba(frame), plain.predict_proba(data))
    with pytest.raises(ValueError, match=r"data must be a table with named columns .* ndarray"):
        fit_formula("low ~ age", np.eye(3))


def test_missing_values_inside_transforms_that_learn(data):
    holes = data.astype({"age": float})
    holes.loc[3, "age"] = np.nan
    with pytest.warns(UserWarning, match="1 of 189 rows are left out"):
        result = fit_formula("low ~ scale(age) + poly(lwt, 2)", holes)
    assert result.nobs == 188


def test_clusters_in_two_ways_by_name(data):
    data = data.assign(g=np.arange(189) % 40, h=np.arange(189) // 5)
    named = fit_formula("low ~ age", data, cov_type="cluster", groups=["g", "h"])
    given = fit_formula("low ~ age", data, cov_type="cluster", groups=data[["g", "h"]])
    assert_allclose(named.bse, given.bse)
    with pytest.raises(ValueError, match="sample_weight='w': data has no column 'w'"):
        fit_formula("low ~ age", data, sample_weight="w")


def test_the_formula_says_whether_there_is_an_intercept(data):
    with pytest.raises(ValueError, match=r"write '- 1' for none"):
        fit_formula("low ~ age", data, fit_intercept=False)
    with pytest.raises(ValueError, match="must read 'y ~ columns'"):
        fit_formula("low ~ age | lwt", data)

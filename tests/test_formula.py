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
        UserWarning, match=r"4 of 189 rows are left out: values are missing in low, age, race"
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


# -- what a reader broke ---------------------------------------------------------------------------


def levels(data, *names):
    return pd.Categorical(data["race"], categories=names)


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_level_that_no_row_has_is_none(data, place):
    names = ["black", "other", "white"]
    every = fit_formula("low ~ age + race", data.assign(race=levels(data, *names)))
    names.insert(place, "martian")
    mine = fit_formula("low ~ age + race", data.assign(race=levels(data, *names)))
    assert list(mine.bse.index) == list(every.bse.index)
    assert_allclose(mine.bse, every.bse, rtol=1e-6)
    assert_allclose(mine.predict_proba(data), every.predict_proba(data))


def test_a_level_whose_rows_are_all_left_out_is_none(data):
    holes = data.assign(race=data["race"].astype("category"), age=data["age"].astype(float))
    holes.loc[holes["race"] == "black", "age"] = np.nan
    with pytest.warns(UserWarning, match="rows are left out"):
        mine = fit_formula("low ~ age + race", holes)
    rest = fit_formula("low ~ age + race", data[data["race"] != "black"])
    assert_allclose(mine.bse, rest.bse, rtol=1e-6)


def test_a_factor_has_no_value(data):
    result = fit_formula("low ~ age + C(race)", data)
    with pytest.raises(ValueError, match=r"'C\(race\)' is a term of 2 columns: name each, 'C"):
        result.marginal_effects("age", at={"C(race)": 1})
    both = {"C(race)[T.other]": 1, "C(race)[T.white]": 0}
    p = result.predict_proba(data.assign(race="other"))[:, 1]
    effect = result.marginal_effects("age", at=both)["dy_dx"].iloc[0]
    assert_allclose(effect, np.mean(p * (1 - p)) * result.params["age"])


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("low ~ age +", r"cannot be read: Operator `\+` has insuff"),
        ("low ~ (age", "cannot be read: Could not find matching context marker"),
        ("low ~ .", r"cannot be read: '\.' does not stand for all other columns here: name them"),
        ("low ~ I(age +)", "cannot be read"),
        (3, "The formula must be a text, 'y ~ columns', got 3"),
        ("low ~ height", r"names 'height', which is no column of data, and not in context; data h"),
        ("height ~ age", "names 'height', which is no column of data"),
        ("low ~ half(age)", "names 'half', which is no column of data, and not in context"),
        ("low ~ C(heigth)", "names 'heigth', which is no column of data"),
        ("low ~ np.lgo(age)", r"cannot be computed: Unable to evaluate factor `np\.lgo\(age\)`"),
        ("low ~ Intercept + age", "names a column 'Intercept', as the model's own intercept is"),
        ("low ~ age + Intercept - 1", "names a column 'Intercept'"),
        ("low ~ twice", r"names 'twice', and data has 2 columns of that name; there are 'age'"),
    ],
)
def test_a_sentence_for_every_formula_that_fails(data, formula, message):
    data = data.assign(Intercept=1.5 * data["lwt"], twice=data["lwt"])
    data = pd.concat([data, data[["twice"]]], axis=1)
    with pytest.raises(ValueError, match=message) as told:
        fit_formula(formula, data)
    assert "\x1b" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_sentence_for_every_table_that_fails(data):
    with pytest.raises(ValueError, match=r"data has no rows\."):
        fit_formula("low ~ age", data.iloc[:0])
    result = fit_formula("low ~ age + C(race)", data)
    with pytest.raises(ValueError, match="names 'race', and data has no column of that name"):
        result.predict(data[["age"]])
    with pytest.raises(ValueError, match=r"data must be a dict of columns of one length, such as"):
        result.predict({"age": 30.0, "race": "white"})
    with pytest.raises(ValueError, match=r"data must be a table with named columns .* Series"):
        result.predict(data.iloc[0])


def test_columns_named_as_functions_and_columns_that_are_not_used(data):
    """A column C or np took the place of the function, and its missing values rows of the fit."""
    plain = fit_formula("low ~ np.log(age) + C(race) + {lwt - 1} + `my smoke`", named(data))
    other = named(data).assign(C=np.nan, np=np.nan, log=np.nan, race_black=np.nan)
    mine = fit_formula("low ~ np.log(age) + C(race) + {lwt - 1} + `my smoke`", other)
    assert mine.nobs == 189
    assert_allclose(mine.params, plain.params)
    assert_allclose(mine.predict_proba(other), plain.predict_proba(named(data)))
    columns = fit_formula("low ~ C + np", named(data).assign(C=data["age"], np=data["lwt"]))
    assert_allclose(columns.params, fit_formula("low ~ age + lwt", data).params, rtol=1e-6)


def named(data):
    return data.rename(columns={"smoke": "my smoke"})


def test_an_offset_by_its_name_in_new_tables(data):
    data = data.assign(o=0.01 * data["lwt"])
    result = fit_formula("low ~ age", data, offset="o")
    some = data.iloc[:5]
    assert_allclose(result.predict(some, offset="o"), result.predict(some, offset=some["o"]))
    assert_allclose(result.predict_proba(some, "o"), result.predict_proba(some, some["o"]))
    with pytest.raises(ValueError, match="offset='p': data has no column 'p'"):
        result.predict(some, offset="p")


def test_a_formula_makes_its_columns_once_for_a_prediction(data):
    calls = []

    def seen(x):
        calls.append(len(x))
        return x

    result = fit_formula("low ~ seen(age)", data, context={"seen": seen})
    calls.clear()
    result.predict(data)
    assert calls == [189]


def test_dates_offsets_of_new_data_and_the_order_of_weights():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=300), "o": rng.normal(size=300)})
    data["w"], data["day"] = rng.integers(1, 3, 300), pd.date_range("2020-01-01", periods=300)
    data["y"] = (data["x"] + rng.logistic(size=300) > 0).astype(int)
    with pytest.raises(ValueError, match=r"'day' has dates\. Turn them into numbers"):
        fit_formula("y ~ day + x", data)
    data["season"] = data["day"].where(data["day"].dt.month > 3, data["day"].min())
    data["season"] = data["season"].dt.to_period("Q").dt.to_timestamp()
    assert any(
        name.startswith("C(season)") for name in fit_formula("y ~ C(season)", data).bse.index
    )
    since = {"days": lambda day: (day - day.min()).dt.days.astype(float)}
    assert "days(day)" in fit_formula("y ~ days(day)", data, context=since).bse.index
    result = fit_formula("y ~ x", data, offset="o")
    assert_allclose(result.predict(data), result.predict(data, "o"))
    with pytest.raises(ValueError, match="data has no column 'o'"):
        result.predict(data[["x"]])
    with pytest.raises(ValueError, match=r"another order: .* sample_weight.loc\[data.index\]"):
        fit_formula("y ~ x", data.sample(frac=1, random_state=0), sample_weight=data["w"])
    given, named = (fit_formula("y ~ x", data, sample_weight=w) for w in (data["w"], "w"))
    assert_allclose(given.params, named.params, rtol=0)

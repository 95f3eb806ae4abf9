"""Published answers, and answers that two other programs computed alike, to the last digit given.

Two collections: `answers.json` of every data set of the package, and the tables with known answers
that lie beside the repository (skipped where they do not). Each number says in its entry where it
comes from; the tolerance is what the source printed.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from logreg import LogisticRegression, Outcome, SeparationWarning, datasets

NAMES = [loader.removeprefix("load_") for loader in datasets.__all__]
SEPARABLE = {"breast_cancer", "digits", "iris", "wine"}
REFERENCE = Path(__file__).parents[2] / "shared" / "data" / "reference"


def fit(X, y, weight=None, **parameters):
    """tol=1e-10: a relative error of 1e-8 is less than the default's 1e-6 standard errors."""
    return LogisticRegression(tol=1e-10, **parameters).fit(X, y, weight)


def against_class_0(model):
    """coef and intercept with the first class held at zero, as most programs print them."""
    coef, intercept = model.coef_, model.intercept_
    if len(coef) == 1:
        return coef[0], intercept[0]
    return coef[1:] - coef[0], intercept[1:] - intercept[0]


def log_likelihood(model, X, y, weight=None):
    log_p = model.predict_log_proba(X)[np.arange(len(y)), y]
    return float(log_p @ (np.ones(len(y)) if weight is None else weight))


def last_place(printed):
    """A unit of the last digit of each number, as JSON spells it."""

    def one(x):
        digits, _, exponent = repr(float(x)).partition("e")
        return 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))

    return np.vectorize(one, otypes=[float])(printed)


# -- the data sets of the package ----------------------------------------------------------------


def answers():
    for name in NAMES:
        for i, answer in enumerate(getattr(datasets, f"load_{name}")().answers):
            yield pytest.param(name, answer, id=f"{name}-{i}-C={answer['C']}")


def tolerance(answer, key):
    """A unit of the last decimal printed (some programs stop a little early), or the digits."""
    if f"{key}_decimals" in answer:
        return 10.0 ** -np.asarray(answer[f"{key}_decimals"], dtype=float)
    return relative(answer) * np.abs(answer[key])


def relative(answer):
    return max(0.5 * 10.0 ** (1 - answer["digits"]), 1e-8)


@pytest.mark.parametrize(("name", "answer"), list(answers()))
def test_data_set(name, answer):
    bunch = getattr(datasets, f"load_{name}")()
    rows = slice(answer.get("rows"))
    columns = [list(bunch.feature_names).index(column) for column in answer["names"]]
    X, y = bunch.data[rows, columns], bunch.target[rows]
    weight = bunch.sample_weight[rows] if "sample_weight" in bunch else None
    C = float(answer["C"])
    model = fit(X, y, weight, C=C)

    if "coef" in answer:
        baseline = len(model.classes_) == 2 or "baseline" in answer["parametrisation"]
        mine = against_class_0(model) if baseline else (model.coef_, model.intercept_)
        for key, value in zip(("coef", "intercept"), mine, strict=True):
            assert np.all(np.abs(value - answer[key]) <= tolerance(answer, key)), key
    loglik = log_likelihood(model, X, y, weight)
    if "loglik" in answer and answer.get("published"):
        # Stata kept Spector's columns in single precision: relative(answer) is for that.
        allowed = last_place(answer["loglik"]) / 2 + relative(answer) * abs(loglik)
        assert abs(loglik - answer["loglik"]) <= allowed
    elif "loglik" in answer:
        assert loglik == pytest.approx(answer["loglik"], rel=1e-9)
    if "objective" in answer:
        value = -loglik + (model.coef_**2).sum() / (2 * C)
        assert value == pytest.approx(answer["objective"], rel=1e-12)
        assert model.history_["objective"].iloc[-1] == pytest.approx(value, rel=1e-12)


def test_every_set_has_an_answer():
    assert {case.values[0] for case in answers()} == set(NAMES)


@pytest.mark.filterwarnings("ignore::logreg.CollinearityWarning")  # digits has blank pixels
@pytest.mark.parametrize("name", sorted(SEPARABLE))
def test_separable_sets_have_no_maximum_likelihood(name):
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    with pytest.warns(SeparationWarning, match="no maximum"):
        model = LogisticRegression(C=np.inf).fit(X, y)
    assert model.outcome_ is Outcome.SEPARATED
    assert np.isfinite(model.coef_).all()


# -- the tables beside the repository ------------------------------------------------------------


def levels(column, *names):
    """A 0/1 column for each level named; the base is the one that is not."""
    return {f"{column.name}={name}": column == name for name in names}


def plain(response, columns):
    """For a table with one row an observation."""

    def read(table):
        return table[columns.split()], table[response]

    return read


def counted(table, successes, failures):
    """Each row of a table of binomial counts as two, with its counts as weights."""
    both = pd.concat([table, table])
    y = np.repeat([1, 0], [len(table), len(table)])
    return both, y, np.append(successes, failures).astype(float)


def anes96(t):
    return t.drop(columns="PID"), t.PID


def icu(t):
    return t[["Age", "Sex", "Infection", "SysBP", "Pulse", "Emergency"]], t.Survive == 0


def islr_default(t):
    return t[["balance", "income"]].assign(**levels(t.student, "Yes")), t.default == "Yes"


def lbw(t):
    race = levels(t.race, "black", "other")
    return t[["age", "lwt"]].assign(**race, **t[["smoke", "ptl", "ht", "ui"]]), t.low


def lbw_table22(t):
    return t[["age", "lwt"]].assign(**levels(t.race, 2, 3), ftv=t.ftv), t.low


def lizards(t):
    X = pd.DataFrame(
        {
            **levels(t.height, ">=5ft"),
            **levels(t.diameter, ">2in"),
            **levels(t.light, "shady"),
            **levels(t.time, "midday", "late"),
        }
    )
    return counted(X, t.grahami, t.opalinus)


def menarche(t):
    return counted(t[["Age"]], t.Menarche, t.Total - t.Menarche)


def orings(t):
    return counted(t[["Temperature"]], t.Total, 6 - t.Total)


def pima_tr(t):
    return t.drop(columns="type"), t.type == "Yes"


def saheart(t):
    return t.drop(columns="chd"), t.chd


def spaceshuttle(t):
    return t[["Temperature"]], t.Fail == "yes"


def star98(t):
    return counted(t.drop(columns=["NABOVE", "NBELOW"]), t.NABOVE, t.NBELOW)


def titanic(t):
    X = {**levels(t.sex, "male"), "age": t.age, **levels(t.passengerClass, "2nd", "3rd")}
    return pd.DataFrame(X), t.survived == "yes"


def ucb_admissions(t):
    X = pd.DataFrame({**levels(t.gender, "Male"), **levels(t.dept, *"BCDEF")})
    return counted(X, t.Admitted, t.Rejected)


def ucla_admissions(t):
    return t[["gre", "gpa"]].assign(**levels(t["rank"], 2, 3, 4)), t.admit


def vaso_log(t):
    return np.log(t[["Volume", "Rate"]]), t.Y


def hepatitis(t):
    withhold, post = t.group == "withhold", t.time == "post"
    X = pd.DataFrame({"withhold": withhold, "post": post, "both": withhold & post})
    return X, t.HCV + 2 * t.nonABC, t.counts


# name: how its table becomes X, y and perhaps weights, in the order of "columns"
FINITE = {
    "anes96": anes96,
    "icu": icu,
    "infert": plain("case", "spontaneous induced"),
    "islr_default": islr_default,
    "lbw": lbw,
    "lbw_table22": lbw_table22,
    "lizards": lizards,
    "menarche": menarche,
    "mtcars": plain("am", "hp wt"),
    "mtcars_wt": plain("am", "wt"),
    "orings": orings,
    "pima_tr": pima_tr,
    "remission": plain("remiss", "li temp cell"),
    "remission_full": plain("remiss", "cell smear infil li blast temp"),
    "saheart": saheart,
    "spaceshuttle": spaceshuttle,
    "spector": plain("grade", "gpa tuce psi"),
    "star98": star98,
    "titanic": titanic,
    "ucb_admissions": ucb_admissions,
    "ucla_admissions": ucla_admissions,
    "vaso": plain("Y", "Volume Rate"),
    "vaso_log": vaso_log,
    "vaso_rounded": plain("Y", "Volume Rate"),
}
INFINITE = {
    "endometrial": plain("HG", "NV PI EH"),
    "hepatitis": hepatitis,
    "sex2": plain("case", "age oc vic vicl vis dia"),
    "silvapulle1981": plain("y", "ghqs"),
}
PUBLISHED = ["anes96", "lbw", "lbw_table22", "spector", "star98", "vaso_rounded"]


def entry(name):
    path = REFERENCE / f"{name}.json"
    if not path.exists():
        pytest.skip(f"no shared/data/reference/{path.name} beside the repository")
    return json.loads(path.read_text(encoding="utf-8"))


def table(name):
    """The entry and its X, y (codes) and weights."""
    known = entry(name)
    read = (FINITE | INFINITE)[name]
    X, y, *weight = read(pd.read_csv(REFERENCE / known["data"]))
    X, y = X.to_numpy(dtype=float), np.asarray(y).astype(int)
    assert X.shape[1] == len(known["columns"]) - 1
    return known, X, y, np.asarray(weight[0], dtype=float) if weight else None


def maximum_likelihood(known):
    return [p for p in known["published"] if "coef" in p and "estimator" not in p]


def saturated(X, y, weight):
    """The log-likelihood of a model with a parameter for each row of the table as given."""
    if weight is None:
        return 0.0
    counts = weight.reshape(2, -1)  # successes, failures
    share = counts / counts.sum(axis=0)
    return float((counts * np.log(np.where(counts > 0, share, 1))).sum())


@pytest.mark.parametrize("name", FINITE)
def test_reference_computed(name):
    known, X, y, weight = table(name)
    model = fit(X, y, weight, C=np.inf)
    assert model.outcome_ is Outcome.CONVERGED
    coef, intercept = against_class_0(model)
    mine = np.column_stack([np.atleast_1d(intercept), np.atleast_2d(coef)])
    truth = known["computed"]["ml"]
    error = np.abs(mine - truth["coef"])
    # 1e-8 of the number, or 1e-9 of its standard error where the number is nearly zero.
    assert np.all(error <= 1e-8 * np.abs(truth["coef"]) + 1e-9 * np.abs(truth["se"]))
    loglik = log_likelihood(model, X, y, weight)
    assert loglik == pytest.approx(truth["loglik"], rel=1e-11)
    if "deviance" in truth:
        deviance = 2 * (saturated(X, y, weight) - loglik)
        assert deviance == pytest.approx(truth["deviance"], rel=1e-9)


@pytest.mark.parametrize("name", PUBLISHED)
def test_reference_published(name):
    """To a unit of the last digit, since some programs cut or stopped a little early. Stata 11 kept
    the data in single precision; our own tol is 1e-10.
    """
    known, X, y, weight = table(name)
    model = fit(X, y, weight, C=np.inf)
    coef, intercept = against_class_0(model)
    loglik = log_likelihood(model, X, y, weight)
    made = {
        "loglik": loglik,
        "minus2loglik": -2 * loglik,
        "deviance": 2 * (saturated(X, y, weight) - loglik),
    }
    for answer in maximum_likelihood(known):
        mine = np.column_stack([np.atleast_1d(intercept), np.atleast_2d(coef)])
        rounding = 2e-7 if "Stata 11" in answer["source"] else 1e-10
        for key, value in {"coef": mine, **made}.items():
            if key in answer:
                allowed = last_place(answer[key]) + rounding * np.abs(answer[key])
                assert np.all(np.abs(value - answer[key]) <= allowed), key


@pytest.mark.parametrize("name", INFINITE)
def test_reference_without_a_maximum(name):
    _, X, y, weight = table(name)
    with pytest.warns(SeparationWarning):
        model = LogisticRegression(C=np.inf).fit(X, y, weight)
    assert model.outcome_ is Outcome.SEPARATED
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.predict_log_proba(X)).all()


@pytest.mark.parametrize("name", ["endometrial", "sex2"])
def test_reference_finite_part_of_a_separated_fit(name):
    """Only one coefficient is infinite; the rest and the likelihood's bound are known."""
    known, X, y, _ = table(name)
    with pytest.warns(SeparationWarning):
        model = LogisticRegression(C=np.inf).fit(X, y)
    limit = known["computed"]["ml_limit"]
    theta = dict(zip(known["columns"], [*model.intercept_, *model.coef_[0]], strict=True))
    mine = np.array([theta[column] for column in limit["columns"]])
    assert np.all(np.abs(mine - limit["coef"]) <= 1e-3 * np.array(limit["se"]))
    assert log_likelihood(model, X, y) == pytest.approx(limit["loglik"], abs=1e-3)


def test_every_reference_is_tested():
    if not REFERENCE.is_dir():
        pytest.skip("no shared/data/reference beside the repository")
    there = {path.stem for path in REFERENCE.glob("*.json")}
    assert there == {*FINITE, *INFINITE, "enet_binomial"}  # the last: test_glmnet.py
    for name in there:
        known = entry(name)
        assert (name in FINITE) == ("ml" in known.get("computed", {}))
        assert (name in PUBLISHED) == (name in FINITE and bool(maximum_likelihood(known)))

"""Data sets with a card and known answers.

==============  ===========  =======  ====================================
``load_...``    shape of X   classes  what it is
==============  ===========  =======  ====================================
anes96          (944, 5)     7        party of voters, 1996
birthwt         (189, 9)     2        low birth weight
breast_cancer   (569, 30)    2        scikit-learn's; separable
default         (10000, 3)   2        debt not paid; simulated
digits          (1797, 64)   10       scikit-learn's; separable
housing         (72, 6)      3        satisfied tenants; counts
infert          (248, 6)     2        infertility, matched cases
iris            (150, 4)     3        scikit-learn's; separable
menarche        (50, 1)      2        age of menarche; counts
midwest         (437, 15)    2        metropolitan counties; badly scaled
mroz            (753, 7)     2        married women who work
orings          (46, 1)      2        O-rings of Challenger; counts
pima            (532, 7)     2        diabetes
spector         (32, 3)      2        a teaching experiment
titanic         (1046, 4)    2        survival
ucb             (24, 6)      2        admissions to Berkeley; counts
vaso            (39, 2)      2        vasoconstriction; influential rows
wine            (178, 13)    3        scikit-learn's; separable
==============  ===========  =======  ====================================

Every loader takes two keywords and returns what those of scikit-learn return.

Parameters
----------
return_X_y : bool, default=False
    Return only ``(X, y)``; for a set of counts ``(X, y, sample_weight)``.
as_frame : bool, default=False
    Give pandas objects in place of arrays (pandas is imported only then).

Returns
-------
sklearn.utils.Bunch
    - ``data``: array (n, d) of floats, without a column of ones; categories are 0/1 columns, with
      the base that the card names; ``feature_names`` are its d columns
    - ``target``: array (n,) of classes 0, 1, ...; ``target_names`` says what they mean
    - ``sample_weight``: array (n,), in sets of counts only: each row of their table became one row
      per class, with the count as its weight (which may be 0)
    - ``frame``: data, target and weights in one DataFrame, or None
    - ``DESCR``: the card: origin, licence, columns with their units, what the set is good for
    - ``answers``: list of dicts, published or doubly computed optima. Each has ``names`` (columns
      used), ``C`` (a number, or "inf"), ``coef``, ``intercept``, mostly ``bse`` (standard errors,
      in the order of names, intercept last) and ``loglik``, ``digits`` (significant digits that are
      right), ``source`` and ``command``; those not published also ``objective``, the minimum
      of sum_i s_i loss_i + |w|^2 / (2 C). ``rows``, if there, means the first so many rows.
    - ``filename``: where the table lies

Examples
--------
>>> from logreg import datasets
>>> spector = datasets.load_spector()
>>> spector.feature_names
['GPA', 'TUCE', 'PSI']
>>> published = spector.answers[0]
>>> published["intercept"], published["source"][:8]
(-13.0213483201, 'Stata 11')
>>> X, y, counts = datasets.load_ucb(return_X_y=True)
>>> counts[:2]  # of the men who applied to department A: rejected, admitted
array([313., 512.])
"""

from __future__ import annotations

from typing import Any

from ._load import load as _load

__all__ = [
    "load_anes96",
    "load_birthwt",
    "load_breast_cancer",
    "load_default",
    "load_digits",
    "load_housing",
    "load_infert",
    "load_iris",
    "load_menarche",
    "load_midwest",
    "load_mroz",
    "load_orings",
    "load_pima",
    "load_spector",
    "load_titanic",
    "load_ucb",
    "load_vaso",
    "load_wine",
]


def load_anes96(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """With which party do voters identify? Seven classes, strong Democrat to strong Republican.

    >>> load_anes96().data.shape
    (944, 5)
    """
    return _load("anes96", return_X_y, as_frame)


def load_birthwt(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """What makes a low birth weight likely? The textbook example of odds ratios.

    >>> load_birthwt().data.shape
    (189, 9)
    """
    return _load("birthwt", return_X_y, as_frame)


def load_breast_cancer(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Is the tumour benign? Of scikit-learn; raw scales, separable.

    >>> load_breast_cancer().data.shape
    (569, 30)
    """
    return _load("breast_cancer", return_X_y, as_frame)


def load_default(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Who will not pay the debt of the credit card? Simulated by its authors; a rare class.

    >>> load_default().data.shape
    (10000, 3)
    """
    return _load("default", return_X_y, as_frame)


def load_digits(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Which digit is it? Of scikit-learn; ten classes, constant columns, separable.

    >>> load_digits().data.shape
    (1797, 64)
    """
    return _load("digits", return_X_y, as_frame)


def load_housing(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """How content are tenants? Three classes, counts, categories only.

    >>> X, y, sample_weight = load_housing(return_X_y=True)
    >>> X.shape, sample_weight.shape
    ((72, 6), (72,))
    """
    return _load("housing", return_X_y, as_frame)


def load_infert(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Are earlier abortions linked to infertility? A matched study of cases and controls.

    >>> load_infert().data.shape
    (248, 6)
    """
    return _load("infert", return_X_y, as_frame)


def load_iris(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Which of three species of iris is it? Of scikit-learn; one class is separated.

    >>> load_iris().data.shape
    (150, 4)
    """
    return _load("iris", return_X_y, as_frame)


def load_menarche(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """At which age do girls reach menarche? Counts; dose and response.

    >>> X, y, sample_weight = load_menarche(return_X_y=True)
    >>> X.shape, sample_weight.shape
    ((50, 1), (50,))
    """
    return _load("menarche", return_X_y, as_frame)


def load_midwest(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Which counties are metropolitan? Columns over seven decades of scales.

    >>> load_midwest().data.shape
    (437, 15)
    """
    return _load("midwest", return_X_y, as_frame)


def load_mroz(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Which married women work for pay? A polynomial term, published in a textbook.

    >>> load_mroz().data.shape
    (753, 7)
    """
    return _load("mroz", return_X_y, as_frame)


def load_orings(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Do O-rings fail in the cold? Counts; the smallest set.

    >>> X, y, sample_weight = load_orings(return_X_y=True)
    >>> X.shape, sample_weight.shape
    ((46, 1), (46,))
    """
    return _load("orings", return_X_y, as_frame)


def load_pima(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Who has diabetes? A fixed split into 200 rows to train and 332 to test.

    >>> load_pima().data.shape
    (532, 7)
    """
    return _load("pima", return_X_y, as_frame)


def load_spector(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Did a new way of teaching economics help? The most widely printed answers.

    >>> load_spector().data.shape
    (32, 3)
    """
    return _load("spector", return_X_y, as_frame)


def load_titanic(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Who survived the Titanic? Categories and large effects.

    >>> load_titanic().data.shape
    (1046, 4)
    """
    return _load("titanic", return_X_y, as_frame)


def load_ucb(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Were women admitted less often to Berkeley? Counts; Simpson's paradox.

    >>> X, y, sample_weight = load_ucb(return_X_y=True)
    >>> X.shape, sample_weight.shape
    ((24, 6), (24,))
    """
    return _load("ucb", return_X_y, as_frame)


def load_vaso(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Does a deep breath narrow the vessels of the skin? Two rows carry the fit.

    >>> load_vaso().data.shape
    (39, 2)
    """
    return _load("vaso", return_X_y, as_frame)


def load_wine(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Which of three growers made the wine? Of scikit-learn; raw scales, separable.

    >>> load_wine().data.shape
    (178, 13)
    """
    return _load("wine", return_X_y, as_frame)

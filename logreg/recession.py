"""Which way the likelihood recedes: the linear program behind `detect_separation`.

Without a penalty the log loss falls along v for ever just if no row objects,

    x̃_i·(v_y - v_k) >= 0        for every row i, its own class y and every other class k,

and some margin grows. With a row of A for each such pair (i, k), the v with A v >= 0 are a cone,
and exactly one of these holds (Stiemke's lemma; Albert and Anderson 1984 for the likelihood):

    there is a v with A v >= 0, A v ≠ 0          the classes are separated: completely if A v > 0
    there are y > 0 with A'y = 0                 they overlap: the likelihood has a maximum

One linear program finds both, and the largest set of pairs that v can tell apart:

    max Σ z, z <= A v, 0 <= z <= 1       with the dual       min Σ t, A'y = 0, y >= 1 - t, y, t >= 0

A pair that some v tells apart has z = 1, all others z = 0 and y >= 1: these alone overlap, and y
proves it. The dual is what is solved (Konis 2007 compares the two): a row a parameter only. Of many
pairs a sample is given to it, and those that its answer leaves out or gets wrong are added.

HiGHS allows itself 1e-7; what is believed is checked here. A margin counts as zero within 1e-12 of
the sum of its terms' sizes, which is some hundred times their rounding (and within that of v: 1e-15
of its largest part); y is moved to A'y = 0 by a weighted least-squares step, which has to leave it
positive.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq, svd
from scipy.sparse import csc_array, hstack, issparse

from logreg.collinear import NOTHING, least_norm
from logreg.inputs import column_name
from logreg.pairs import ROUNDING, Pairs
from logreg.point import Point
from logreg.targets import Targets

Array = NDArray[np.float64]
Index = NDArray[np.intp]

ROUNDS = 60
LARGEST = 200  # parameters of a linear program within a fit: some seconds
ZERO = 1e-9  # of the direction: what rounding leaves of a parameter that stays finite


class Recession(NamedTuple):
    """A direction of recession that tells as many pairs apart as any; zero where none does."""

    w: Array  # (K, d), in the user's units, of size 1
    b: Array  # (K,)
    complete: bool
    certified: bool

    @property
    def separated(self) -> bool:
        """Whether any margin grows."""
        return bool(self.w.any())

    @property
    def direction(self) -> tuple[Array, Array]:
        """w and b as `coef_` and `intercept_` have them: one row for two classes."""
        if len(self.w) == 2:
            return self.w[1:] - self.w[:1], self.b[1:] - self.b[:1]
        return self.w, self.b


def recession(
    point: Point, codes: NDArray[Any], n_classes: int, largest: float = np.inf
) -> Recession:
    """The direction of recession that tells the most pairs apart, or the proof that there is none.

    Parameters
    ----------
    point : Point
        Where a fit without a penalty ended: often it proves the answer itself, and else it knows
        the rows that matter.
    codes : array (n,)
    n_classes : int
    largest : float
        Of more parameters no linear program is made: then the answer may not be certified.

    Returns
    -------
    Recession
        Of rows with a positive weight. Where columns depend on each other, of the smallest norm.
    """
    objective = point.objective
    design, weight, near = objective.design, objective.loss.weight, point.theta
    near = near.reshape(objective.shape)
    near = np.vstack([np.zeros_like(near), near]) if n_classes == 2 else near
    if weight is not None and not weight.all():
        rows = np.flatnonzero(weight)
        design, codes = design.take(rows), codes[rows]
    pairs = Pairs(design, codes, n_classes)
    if not design.d:
        return _nowhere(pairs, True)
    found = _finished(pairs, near, objective.flat)
    if found.complete and found.certified:
        return found
    if point.overlaps:
        return _nowhere(pairs, True)
    if pairs.p > largest:
        return _nowhere(pairs, False)
    working = pairs.first(near)
    for precise in (False, True):
        answer, working = _search(pairs, working, objective.flat, precise)
        if answer.certified:
            break
    return answer


def unbounded(pairs: Pairs, a: Array) -> bool:
    """Whether a'v > 0 for some direction v of the cone: then a'θ has no upper bound among the
    parameters whose likelihood is near its supremum. `a` in the design's coordinates.
    """
    from scipy.optimize import linprog

    a = pairs.functional(a)
    A = pairs.rows(np.delete(np.arange(pairs.K * pairs.n), pairs.own))
    size = np.abs(a).max()
    result: Any = linprog(
        -a / size, A_ub=-A, b_ub=np.zeros(A.shape[0]), bounds=(-1, 1), method="highs"
    )
    return bool(result.status == 0 and -result.fun > 1e-6)


def _nowhere(pairs: Pairs, certified: bool) -> Recession:
    basis, d = pairs.design.basis, pairs.design.d
    w = np.zeros((pairs.K, d if basis is None else len(basis)))
    return Recession(w, np.zeros(pairs.K), False, certified)


def _search(
    pairs: Pairs, working: Index, flat: Array | None, precise: bool
) -> tuple[Recession, Index]:
    """Programs of more and more pairs, until their answer holds for all."""
    for _ in range(ROUNDS):
        A = pairs.rows(working)
        solved = _program(A, precise)
        if solved is None:
            return _nowhere(pairs, False), working
        v, y = solved
        still = y > 0.5
        basis = _null_basis(A[still], pairs.p) if still.any() else None
        if basis is not None:
            v = _without_noise(basis @ (basis.T @ v)) * (not still.all())
        missed = _missed(pairs, v, basis, working)
        if not len(missed):
            break
        working = np.union1d(working, missed)
    else:
        return _nowhere(pairs, False), working
    proved = basis is None or _overlap(A[still], y[still])
    if not v.any():
        return _nowhere(pairs, proved), working
    found = _finished(pairs, _central(pairs, v, basis, A[~still]), flat)
    return found._replace(certified=found.certified and proved), working


def _program(A: Any, precise: bool) -> tuple[Array, Array] | None:
    """v and y of the linear program, or None where HiGHS finds no answer."""
    from scipy.optimize import linprog  # 30 ms that `import logreg` need not take

    m = A.shape[0]
    sparse: bool = issparse(A)
    both: Any = csc_array(hstack([A.T, -A.T])) if sparse else np.hstack([A.T, -A.T])
    bounds: Any = np.zeros((2 * m, 2))
    unit = 2.0**13 if precise else 1.0  # HiGHS' tolerances are absolute
    tight = 1e-10 if precise else 1e-7
    bounds[:, 1] = np.repeat([1.0, np.inf], m)
    options: Any = {"primal_feasibility_tolerance": tight, "dual_feasibility_tolerance": tight}
    result = linprog(  # y = 1 - t + e
        np.repeat([unit, 0.0], m),
        A_eq=both,
        b_eq=np.asarray(A.sum(axis=0)).ravel(),
        bounds=bounds,
        method="highs",
        options=options,
    )
    if result.status != 0:
        return None
    x: Any = result.x  # t, then e
    return result.eqlin.marginals / unit, 1.0 - x[:m] + x[m:]


def _dense(A: Any) -> Array:
    sparse: bool = issparse(A)
    dense: Array = A.toarray() if sparse else A
    return dense


def _null_basis(A: Any, p: int) -> Array:
    """An orthonormal basis (p, k) of {v : A v = 0}, to the rounding that `collinear` allows."""
    dense = _dense(A)
    _, values, vectors = svd(dense, full_matrices=len(dense) < p, check_finite=False)
    rank = int(np.sum(values > NOTHING * np.sqrt(len(dense))))
    basis: Array = vectors[rank:].T
    return basis


def _without_noise(v: Array) -> Array:
    """v without what rounding left of its zeros: margins made of that alone would have a sign."""
    return np.where(np.abs(v) <= ROUNDING * np.abs(v).max(initial=0.0), 0.0, v)


def _missed(pairs: Pairs, v: Array, basis: Array | None, working: Index) -> Index:
    """Pairs outside of the program that its answer leaves open: those with a margin below zero,
    and those at zero for v though not for all of the basis.
    """
    margin, size = pairs.margins(pairs.theta(v))
    rounding = ROUNDING * size
    missed = margin < -rounding
    still = np.abs(margin) <= rounding
    if basis is not None and still.any():
        still &= _moves(pairs, basis)
    missed |= still
    missed[working] = missed[pairs.own] = False
    if not missed.any():
        return np.empty(0, np.intp)
    # With them come the pairs with the lowest margins: by a few at a time it takes long.
    margin[missed] -= 2 * np.abs(margin).max() + 1
    margin[working] = margin[pairs.own] = np.inf
    more = min(len(working) // 2, pairs.count - len(working) - 1)
    return np.argpartition(margin, more)[: more + 1]


def _moves(pairs: Pairs, basis: Array) -> NDArray[np.bool_]:
    """Which pairs do not stay at zero all over the basis: a random member of it tells."""
    if not basis.shape[1]:
        return np.zeros(pairs.K * pairs.n, dtype=bool)
    probe = _without_noise(basis @ np.random.default_rng(1).normal(size=basis.shape[1]))
    margin, size = pairs.margins(pairs.theta(probe))
    moves: NDArray[np.bool_] = np.abs(margin) > 1e3 * ROUNDING * size
    return moves


def _central(pairs: Pairs, v: Array, basis: Array | None, told: Any) -> Array:
    """v moved along the steepest rise of the margins' sum, to where none has lost more than half.

    A program's answer is a corner: where several directions separate, parameters that may well
    grow are zero there by accident.
    """
    u = np.asarray(told.sum(axis=0)).ravel() / told.shape[0]
    u = u if basis is None else _without_noise(basis @ (basis.T @ u))
    margin, size = pairs.margins(pairs.theta(v))
    change, _ = pairs.margins(pairs.theta(u))
    falling = (change < 0) & (margin > ROUNDING * size)
    share = np.min(margin[falling] / -change[falling], initial=2 * np.abs(v).max())
    return pairs.theta(v + 0.5 * share * u)


def _overlap(A: Any, y: Array) -> bool:
    """Whether y, moved to A'y = 0, is positive: u = argmin Σ y (1 - A u)² gives y (1 - A u). Once
    more, and what rounding left of A'y must be next to nothing.
    """
    dense, share = _dense(A), np.zeros(len(y))
    for _ in range(2):
        y = y * (1.0 - share)
        root = np.sqrt(y)
        u, _, _, _ = lstsq(dense * root[:, None], root, cond=NOTHING, check_finite=False)
        share = dense @ u
        if not share.max() < 0.5:
            return False
    return bool(np.abs(share).max() < 1e-6)


def _finished(pairs: Pairs, theta: Array, flat: Array | None) -> Recession:
    """The direction in the user's columns, with |w| <= 1: of the smallest norm, and in ten digits
    where that leaves every pair where it is. It is certified if no margin is below zero.
    """
    design = pairs.design
    if flat is not None:
        theta = least_norm(design, flat, theta)
    if pairs.K > 2:
        theta = theta - theta.mean(axis=0)
    w, b = design.to_user(_without_noise(theta))
    largest = np.abs(w).max()
    if not largest:
        return _nowhere(pairs, False)
    told, sound = pairs.told(design.from_user(w, b))
    short = _in_short(pairs, theta, w, b, largest)
    if (told, True) == pairs.told(design.from_user(*short)):
        (w, b), sound = short, True
    else:
        w, b = w / largest, b / largest
    return Recession(w, b, told == pairs.count, sound and told > 0)


def _in_short(
    pairs: Pairs, theta: Array, w: Array, b: Array, largest: float
) -> tuple[Array, Array]:
    """w and b in ten digits, and zero where they are but rounding of the others."""
    design = pairs.design
    moved = np.abs(theta[:, -1]) * design.intercept
    if design.basis is None:
        w = np.where(np.abs(w) * design.scale <= ZERO * np.abs(theta).max(), 0.0, w)
        moved = moved + np.abs(w) @ np.abs(design.centre)
    noise = ZERO * moved + ROUNDING * np.abs(theta).max()
    b = np.where(np.abs(b) <= noise, 0.0, b)
    return _ten_digits(w / largest), _ten_digits(b / largest)


def _ten_digits(x: Array) -> Array:
    rounded = [float(f"{value:.10g}") for value in x.ravel()]
    return np.array(rounded).reshape(x.shape)


class Witness:
    """Whether the likelihood recedes where a fit believes so: one answer for all its iterates."""

    def __init__(self, y: Targets) -> None:
        self.codes, self.n_classes = y.codes, len(y.classes)
        self.found: Recession | None = None

    def __call__(self, point: Point) -> bool:
        """False if there is a proof that it does not."""
        found = self.ask(point)
        return found.separated or not found.certified

    def ask(self, point: Point) -> Recession:
        """The recession, unless it would take far longer than the fit."""
        if self.found is None:
            self.found = recession(point.unpenalised, self.codes, self.n_classes, LARGEST)
        return self.found

    def names(self, point: Point, names: Any) -> str:
        """The coefficients that become infinite, in words."""
        found = self.ask(point)
        if not found.separated:
            return "the coefficients (detect_separation may find which)"
        w, b = found.direction
        penalty, design = point.objective.penalty, point.objective.design
        if penalty.anything:
            part, w = w, np.zeros((len(w), design.d))
            w[:, penalty.free(design.d)] = part
        return runaways(w, b, names)


def runaways(w: Array, b: Array, names: Any) -> str:
    """The coefficients (q, d) and (q,) that the direction moves, in words."""
    found = [(column_name(names, j), w[:, j]) for j in np.flatnonzero(w.any(axis=0)).tolist()]
    some = [_towards(name, moves) for name, moves in found[:10]]
    some += [f"{len(found) - 10} more"] * (len(found) > 10)
    some += [_towards("the intercept", b)] * bool(b.any())
    listed = " and ".join([", ".join(some[:-1]), some[-1]] if len(some) > 1 else some)
    return f"the coefficients of {listed}" if len(found) > 1 else f"the coefficient of {listed}"


def _towards(name: str, moves: Array) -> str:
    return f"{name} ({'+' if moves[0] > 0 else '-'}∞)" if len(moves) == 1 else name

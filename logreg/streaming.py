"""A stream of rows: each is read once, and the estimate follows the optimum of all so far.

    F(θ) ≈ Σ_kept s_i ℓ(y_i, x_i·w + b) + Q(θ) + penalty
    Q(θ) = slope·(θ - a) + ½ (θ - a)' curvature (θ - a)

The last rows, and those whose loss is least like a parabola where θ may still go, are kept as they
are: a bounded number. The others are let go at the optimum `a` of their time: what is left of them
is the second order of their loss there, an estimate and its information. So early rows, of which
the estimate was poor, or those of a rare level or class are taken at later estimates again.

    new rows                         θ ← θ - V X'u,  u = residual at the new θ (implicit: no rate)
    when as many as were kept came   θ ← argmin F, by Newton's method; half of the rows are let go
    with forgetting γ                a row's weight is γ^(weight of the rows after it)

θ, Q and V = H⁻¹ are in the coordinates of the design (columns of mean 0 and deviation 1), which
move with the columns' moments. For more parameters than a matrix can be made of, `curvature` and V
are diagonals.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from logreg.design import Design
from logreg.kept_rows import (
    VANISHING,
    Kept,
    KeptRows,
    Past,
    by_conjugate_gradients,
    by_newton,
    moved,
)
from logreg.loss import Binomial, Loss, Multinomial
from logreg.penalty import ElasticNet
from logreg.point import Point
from logreg.row_blocks import Moments, merged
from logreg.row_objective import RowObjective
from logreg.sampling import drawn
from logreg.sparse_blocks import row_blocks
from logreg.spread import Covariance, Spread, Variances, is_sparse

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

LARGEST = 2000  # parameters whose curvature is a matrix
ROWS, LEAST = 10, 1000  # kept at most: so many for each parameter, and in all ...
MANY, CHEAP = 20_000, 1_000_000  # ... or so many, where they have no more numbers than these
NUMBERS, NUMBERS_OF_LARGE = 20_000_000, 2_000_000  # ... and numbers in them, at most
GROWTH = 1.5  # of the first rows, until all are solved for again
TOGETHER = 128  # rows times outputs of one implicit step, which costs their cube
ROUNDING = 1e-12  # of the mean: a column that varies by no more is constant
FORGOTTEN = 1e-30  # a share of the past that is next to nothing
SMALL, AHEAD = 0.3, 3.0  # standard errors of a penalty that has no say; log-odds of a step
STALE = 0.1  # share left of the past


class Stream:
    """Logistic regression of rows that come in batches and are not kept.

    The coefficients do not depend on the columns' units, and hardly on how the rows are cut into
    batches. Memory is O(p² + 10 p d) for p parameters and at least a million numbers of rows; O(p)
    above 2000 parameters and the 2 million numbers of some rows.

    Parameters
    ----------
    n_outputs : int
        1 for two classes, K for K > 2.
    n_columns : int
    ridge : float or array (n_columns,), default=0
        Curvature of the penalty ½ ridge w² in the user's units, 1/C.
    intercept : bool, default=True
    forgetting : float, default=1.0
        Weight of a row when the next one has come, in (0, 1]: the past counts half after
        log(½) / log(forgetting) rows.

    Attributes
    ----------
    n_rows : int
        Rows learned, but for those of weight 0.
    """

    def __init__(
        self,
        n_outputs: int,
        n_columns: int,
        *,
        ridge: float | Array = 0.0,
        intercept: bool = True,
        forgetting: float = 1.0,
    ) -> None:
        self.q, self.d, self.intercept = n_outputs, n_columns, intercept
        self.ridge = np.broadcast_to(np.asarray(ridge, np.float64), n_columns).copy()
        self.forgetting = forgetting
        self.n_rows = 0
        self.given = 0.0  # weight of them, as it was given
        self.theta = np.zeros((self.q, n_columns + intercept))
        self.is_large = self.theta.size > LARGEST
        self.rows = KeptRows(LEAST, NUMBERS_OF_LARGE if self.is_large else NUMBERS)
        self.past = Past(self.theta.size, self.is_large)
        self.design: Design | None = None
        self.moments: Moments | None = None
        self.constant = np.ones(n_columns, bool)  # columns that have not varied yet
        self.rng = np.random.default_rng(0)  # the same rows, the same bits
        self.left = 1.0  # of the weight that all had when they were last solved for
        self.due = 1  # rows at which the first ones are solved for again

    def learn(self, X: Any, codes: Codes, weight: Array | None = None) -> None:
        """Learn the rows of X (m, d), an array or CSR, of classes 0..K-1 with weights (m,)."""
        weight = np.ones(len(codes)) if weight is None else np.asarray(weight, np.float64)
        if not np.all(weight > 0):
            some = np.flatnonzero(weight > 0)
            X, codes, weight = X[some], codes[some], weight[some]
        X = self._alike(X)
        self.rows.most = self._most_rows
        start, n = 0, len(codes)
        while start < n:
            stop = min(start + self.rows.room(X, start), n)
            x, y, s = _own(X[start:stop]), np.array(codes[start:stop]), weight[start:stop]
            start = stop
            self.given += float(s.sum())
            s = self._fade(s)
            self.rows.append(x, y, s)
            self.n_rows += len(y)
            few = self.q * len(y) < GROWTH * self.rows.size  # or a solution costs less than steps
            if self.rows.is_full:
                self._let_go(*self._solve())
            elif few and self.rows.size < self.due and not self._is_stale(x):
                self._follow(x, y, s)
            else:
                self._solve()

    @property
    def _most_rows(self) -> int:
        """As many as cost little tell more where rows are sorted; those forgotten soon do not."""
        cheap = min(MANY, CHEAP // self.d) if self.forgetting == 1.0 else 0
        return max(LEAST, ROWS * self.theta.size, cheap)

    def _alike(self, X: Any) -> Any:
        """X sparse or not, as the rows that came first were."""
        first = self.rows.parts[0] if self.rows.parts else X
        if is_sparse(first) == is_sparse(X):
            return X
        return sparse.csr_array(X) if is_sparse(first) else X.toarray()

    def coefficients(self) -> tuple[Array, Array]:
        """Weights (q, d) and intercepts (q,) in the user's units; over K classes they add up to 0.

        All are 0 before the first row.
        """
        if self.design is None:
            return np.zeros((self.q, self.d)), np.zeros(self.q)
        return self.design.to_user(self.theta)

    def _fade(self, weight: Array) -> Array:
        """Forget some of the past; what weights so far apart are worth after the last of them."""
        if self.forgetting == 1.0:
            return weight
        later = np.cumsum(weight[::-1])[::-1] - weight
        if self.moments is not None:
            factor = max(self.forgetting ** float(weight.sum()), FORGOTTEN)
            self.past.fade(factor)
            self.left *= factor
            self.rows.weight = np.maximum(self.rows.weight * factor, FORGOTTEN**2)
            self.spread.fade(factor)
            total, mean, square = self.moments
            self.moments = Moments(total * factor, mean, square * factor)
        faded: Array = weight * np.maximum(self.forgetting**later, FORGOTTEN)
        return faded

    def _is_stale(self, x: Any) -> bool:
        """Whether V is of a past that has faded, so that it knows nothing of the penalty; or a
        column varies for the first time, and its scale is not known.
        """
        if self.left < STALE:
            return True
        if self.is_large or self.moments is None or not self.constant.any():
            return False
        part, mean = x[:, self.constant], self.moments.mean[self.constant]
        part = part.toarray() if is_sparse(part) else part
        return bool(np.any(np.abs(part - mean) > ROUNDING * np.abs(mean)))

    # -- a few rows: one implicit step -------------------------------------------------------------

    def _follow(self, x: Any, codes: Codes, weight: Array) -> None:
        m = max(1, TOGETHER // self.q)
        for start in range(0, len(codes), m):
            rows = slice(start, start + m)
            loss = self._loss(codes[rows], weight[rows])
            self.theta = self.spread.step(self.theta, self._standard(x[rows]), loss)

    def _loss(self, codes: Codes, weight: Array) -> Loss:
        return Binomial(codes, weight) if self.q == 1 else Multinomial(codes, self.q, weight)

    def _standard(self, x: Any) -> Any:
        """Rows in the coordinates of the design, with their ones; sparse where d is large."""
        assert self.design is not None
        m = x.shape[0]
        if self.is_large and is_sparse(x):
            z = sparse.csr_array(x @ sparse.diags_array(self.design.per_scale))
            ones = sparse.csr_array(np.ones((m, 1)))
            return sparse.hstack([z, ones], "csr") if self.intercept else z
        out = np.empty((m, self.theta.shape[1]))
        return self.design.over(row_blocks(x)).standard_rows(slice(0, m), out)

    # -- all the rows that are kept: Newton's method -----------------------------------------------

    def _solve(self) -> tuple[Kept, Point]:
        """θ at the minimum of F, and V there."""
        self.due = int(GROWTH * self.rows.size) + 1 if self.past.is_empty else self.rows.most
        self.left = 1.0
        kept = self._pose()
        find = by_conjugate_gradients if self.is_large else by_newton
        point, metric = find(kept, kept.at(self.theta.ravel()))
        if self.q > 1:  # one number added to all classes changes no margin
            theta = point.theta.reshape(self.theta.shape)
            point = kept.at((theta - theta.mean(axis=0)).ravel())
        self.theta = point.theta.reshape(self.theta.shape)
        self.spread: Spread = (
            Variances(metric, self.q) if self.is_large else Covariance(metric, *self.theta.shape)
        )
        return kept, point

    def _pose(self) -> Kept:
        """F, in the coordinates of the moments so far."""
        x, codes, weight, new = self.rows.gather()
        if len(codes) > new:
            moments = row_blocks(x[new:]).moments(weight[new:])
            self.moments = moments if self.moments is None else merged(self.moments, moments)
        assert self.moments is not None
        total, mean, square = self.moments
        self.constant = square / total <= (ROUNDING * mean) ** 2
        self.moments = Moments(total, mean, np.where(self.constant, 0.0, square))
        ridge = np.where(self.ridge > 0, self.ridge, self._weak())
        matrix = row_blocks(x)
        if self.is_large and self.design is not None and not self.past.is_empty:
            self.design = self.design.over(matrix)  # a diagonal cannot move
        else:
            if self.is_large and matrix.sparse:  # nor would rows that are centred stay sparse
                moments = Moments(total, np.zeros(self.d), square + total * mean**2)
            else:
                moments = self.moments
            design = Design(matrix, moments, intercept=self.intercept, ridge=ridge, rotate=False)
            self._move(design)
        assert self.design is not None
        loss, penalty = self._loss(codes, weight), ElasticNet(0.0, ridge)
        return Kept(self.design, loss, penalty, self.past, self._vanishing)

    @property
    def _vanishing(self) -> float:
        """What is next to nothing beside rows of the weights so far."""
        return VANISHING * self.given / self.n_rows

    def _weak(self) -> Array:
        """The curvature of next to no penalty, (d,)."""
        assert self.moments is not None
        total, mean, square = self.moments
        variance = square / total + (0.0 if self.intercept else mean**2)
        return np.where(
            self.constant, 1.0, self._vanishing * variance
        )  # or rounding would be a column

    def _move(self, design: Design) -> None:
        """To other coordinates."""
        if self.design is not None:
            ratio = design.scale * self.design.per_scale
            shift = (design.centre - self.design.centre) * self.design.per_scale
            self.theta = moved(self.theta, ratio, shift)
            self.past.move(ratio, shift, self.theta.shape)
        self.design = design

    def _let_go(self, kept: Kept, point: Point) -> None:
        """Half of the rows go: those whose loss is most like a parabola."""
        x, codes, weight, _ = self.rows.gather()
        margin, each = point.margin, np.arange(len(codes))
        deviation = self.spread.deviations(self._standard(x), codes)
        if self.q == 1:
            score = _asymmetry(margin[0] * (1 - 2 * codes), deviation[0])
        else:  # against each other class
            other = _asymmetry(margin - margin[codes, each], deviation)
            other[codes, each] = 0.0
            score = other.max(axis=0)
        straight = self._part(score * weight)
        if len(straight):
            loss = kept.loss.take(straight, np.ones(len(straight)))
            others = RowObjective(kept.design.take(straight), loss, ElasticNet(0.0, 0.0))
            ahead = point.theta + self._ahead(kept, point)
            self.past.add(others.at(point.theta), others.at(ahead))
        self.design = kept.design.over(row_blocks(self.rows.gather()[0]))

    def _ahead(self, kept: Kept, point: Point) -> Array:
        """Half of the way to where θ goes as the penalty's share falls: there the curvature of rows
        that are let go is taken, or the parabola would be one of the wrong place.
        """
        still, pull = np.zeros(kept.size), kept.pull_of_penalty(point.theta)
        if self.is_large or float(pull @ point.metric.solve(pull)) < SMALL**2:
            return still
        penalty = ElasticNet(0.0, self._weak())
        free = Kept(kept.design, kept.loss, penalty, kept.past, self._vanishing)
        step = by_newton(free, free.at(point.theta))[0].theta - point.theta
        farthest = float(np.abs(kept.margin_change(step)).max())
        half: Array = 0.5 * min(1.0, AHEAD / max(farthest, 1e-300)) * step
        return half

    def _part(self, score: Array) -> Codes:
        """Keep half of the rows; which of the others are taken as a parabola."""
        half, weight = len(score) // 2, self.rows.weight
        if np.all(self.rows.codes == self.rows.codes[0]) and self.past.is_empty:
            # Of one class alone all are sure beyond measure, and no parabola would tell the next
            # class that they were there: a part is drawn, and stands for all.
            stay, factor = drawn(weight.copy(), half, self.rng)
            self.rows.keep(stay, weight[stay] * factor)
            return np.empty(0, np.intp)
        order = np.argsort(-score, kind="stable")
        stay = np.sort(order[:half])
        self.rows.keep(stay, weight[stay])
        return np.sort(order[half:])


def _own(X: Any) -> Any:
    """A copy: the caller's array may change."""
    return sparse.csr_array(X, dtype=np.float64, copy=True) if is_sparse(X) else X.copy()


def _asymmetry(z: Array, deviation: Array) -> Array:
    """How far log(1 + e^z) is from its parabola at z, two standard errors to either side."""
    t = 2 * deviation
    u = np.exp(-np.abs(z))
    sigma = np.where(z < 0, u, 1.0) / (1 + u)
    here, bend = np.logaddexp(0, z), u / (1 + u) ** 2 * t * t / 2
    above = np.logaddexp(0, z + t) - here - t * sigma - bend
    below = np.logaddexp(0, z - t) - here + t * sigma - bend
    score: Array = np.maximum(np.abs(above), np.abs(below))
    return score

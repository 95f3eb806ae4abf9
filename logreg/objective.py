"""The problem, stated once. All other files use these words.

    F(θ) = Σ_i s_i ℓ(y_i, x_i·w + b + o_i)  +  (1/C) ½ ‖w‖²

    X        (n, d)   design matrix: n rows, d columns            s (n,)  weights, o (n,) offset
    q                 outputs: 1 for two classes, K for K > 2     y (n,)  classes as codes 0..K-1
    theta    (p,)     parameters: for each output its d weights w, then its intercept b if there
                      is one, in the coordinates of the design (columns of mean 0 and deviation ~1)
    margin   (q, n)   x·w + b + o, log-odds
    residual (q, n)   dℓ/dmargin times s                          probability minus truth
    curvature         its derivative: W, never negative

    gradient g = X'residual + w/C          Hessian H = X'WX + 1/C, the information matrix

ℓ is the log loss. F is in units of log-likelihood, so H⁻¹ is the covariance of the estimate and
the Newton decrement δ = sqrt(g' H⁻¹ g) is how many standard errors θ is away from the optimum:
F(θ) - F* = δ²/2 to second order. It does not depend on the units of a column, on n or on C.

θ is split into w and b here and nowhere else, so a penalty never meets the intercept.

Some directions change no margin. With K > 2 classes, one number added to the same parameter of all
classes: every theta and every step here adds up to zero over the classes. Without a penalty, the
null space of the design: `flat` holds it, and the Hessian gets a positive term along it, which is
orthogonal to every gradient and only makes it invertible.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky

from logreg.design import Design
from logreg.loss import Loss
from logreg.metric import ClassMetric, FactoredHessian, FullMetric, triangle
from logreg.penalty import ElasticNet
from logreg.point import Point

Array = NDArray[np.float64]

LARGEST_ROOT = 2e10  # products of a Q R of all rows that a metric may cost


class Objective:
    """F for one design, loss and penalty. ``at(theta)`` gives a :class:`Point`."""

    def __init__(
        self,
        design: Design,
        loss: Loss,
        penalty: ElasticNet,
        offset: Array | None = None,
        flat: Array | None = None,
    ) -> None:
        self.design, self.loss, self.penalty = design, loss, penalty
        self.offset, self.flat = offset, flat
        self.shape = (loss.q, design.width)
        self.size = loss.q * design.width
        # Weights below 1 on average (that add up to 1, say) make standard errors large, but not the
        # optimum less wanted: distances are judged as if they were 1.
        positive = 1.0 if loss.weight is None else loss.weight[loss.weight > 0].mean()
        self.unit = float(np.sqrt(min(1.0, positive)))

    @property
    def measure(self) -> str:
        """What a distance from the optimum is measured in."""
        return "relative_gap" if self.penalty.has_corners else "standard_errors"

    def start(self) -> Array:
        """No weights, and the intercepts that are best without them, but for the offset's spread:
        the classes' log-odds less the mean offset.
        """
        theta = np.zeros(self.shape)
        if self.design.intercept:
            theta[:, -1] = self.loss.log_odds()
            if self.offset is not None:
                mean = np.average(self.offset, axis=1, weights=self.loss.weight)
                theta[:, -1] -= mean - (mean.mean() if self.loss.q > 1 else 0.0)
        return theta.ravel()

    def at(self, theta: Array, margin: Array | None = None) -> Point:
        """F at theta; nothing is computed before it is asked for. Margins that are known already
        need not be computed again.
        """
        return Point(self, theta, margin)

    @property
    def passes(self) -> float:
        """Reads of X so far; a read of a sample counts for its share."""
        return self.design.matrix.meter.passes

    def settled(self, step: Array) -> Array:
        """A step less its part along `flat`, which changes no margin: a rough metric would let it
        grow until the margins lose their digits.
        """
        if self.flat is None:
            return step
        each = step.reshape(self.shape)
        return (each - (each @ self.flat) @ self.flat.T).ravel()

    # -- the kernels: what is done with a block of rows while it is in cache ------------------

    def value_and_gradient(
        self, theta: Array, known: Array | None = None
    ) -> tuple[float, Array, Array]:
        """F, the gradient (p,) of its smooth part and the margins (q, n), in one read of X."""
        w, b = self.design.of_block(theta.reshape(self.shape))
        x = self.design.matrix
        margin = np.empty((self.loss.q, self.design.n)) if known is None else known
        operand = x.operand(w)

        def kernel(blocks: Sequence[slice]) -> tuple[float, Array, Array]:
            value, pulled, total = 0.0, np.zeros_like(w), np.zeros_like(b)
            for rows in blocks:
                block = self.design.block(rows)
                part = margin[:, rows]
                if known is None:
                    part = self._margin(block, operand, b, rows, out=part)
                loss, residual = self.loss.value_and_residual(part, rows)
                value += loss
                pulled += x.backward(residual, block)
                total += residual.sum(axis=1)
            return value, pulled, total

        groups = x.groups(self.size)
        value, pulled, total = x.add_up(kernel, groups=groups, products=self.loss.q)
        value += self.penalty.value(w)
        gradient = self.design.pull_back(pulled + self.penalty.gradient(w), total)
        return float(value), gradient.ravel(), margin

    def hessian(self, margin: Array) -> Array:
        """H (p, p) at these margins, by symmetric products of blocks scaled by the root of W.

        With several classes W_i = Σ_{k<l} s p_k p_l (e_k - e_l)(e_k - e_l)': one product a pair of
        classes, all of them added. The other way, diag(p) - p p', would subtract nearly equal
        numbers where a class is sure.
        """
        q, width = self.shape
        first, second = self._pairs

        def root(rows: slice) -> Array:
            diag, root = self.loss.curvature(margin[:, rows], rows)
            return np.sqrt(diag if root is None else root[first] * root[second])

        products = self.design.gram(root, max(len(first), 1))
        if q == 1:
            return self._with_penalty_and_flat(products[0])
        h = np.zeros((q, width, q, width))
        for product, k, m in zip(products, first, second, strict=True):
            h[k, :, k, :] += product
            h[m, :, m, :] += product
            h[k, :, m, :] = h[m, :, k, :] = -product
        return self._with_penalty_and_flat(h.reshape(self.size, self.size))

    @cached_property
    def _pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The pairs of classes; none where there is one output."""
        if self.loss.q == 1:
            return np.empty(0, np.intp), np.empty(0, np.intp)
        return np.tril_indices(self.loss.q, -1)

    def metric(self, hessian: Array) -> FactoredHessian:
        """The Hessian factored, for steps that add up to zero over the classes."""
        q, width = self.shape
        if q == 1:
            return FullMetric(hessian)
        return ClassMetric(hessian.reshape(q, width, q, width), self._penalty_diagonal)

    def metric_by_root(self, margin: Array, still: int) -> FactoredHessian | None:
        """The same from Q R of a root of the Hessian, which sees nearly repeated columns where
        products of columns are rounding; with the class `still` held. None where it costs too much.

        The root's rows are sqrt(s p_k p_l) (e_k - e_l)' ⊗ x̃_i', by blocks (Demmel et al. 2012,
        Communication-optimal QR), and those of the penalty.
        """
        q, width = self.shape
        moving = np.delete(np.arange(q), still) if q > 1 else np.array([0])
        pairs = [(k, m) for k in range(q) for m in range(k)] if q > 1 else [(0, 0)]
        p = len(moving) * width
        if self.design.n * len(pairs) * p**2 > LARGEST_ROOT:
            return None

        def kernel(blocks: Sequence[slice]) -> tuple[list[Array]]:
            out = np.empty((blocks[0].stop - blocks[0].start, width))
            upper = np.zeros((p, p))
            for rows in blocks:
                x = self.design.standard_rows(rows, out)
                diag, root = self.loss.curvature(margin[:, rows], rows)
                z = np.zeros((len(pairs), len(x), len(moving), width))
                for part, (k, m) in zip(z, pairs, strict=True):
                    w = np.sqrt(diag[0]) if root is None else np.sqrt(root[k] * root[m])
                    part[:, moving == k] = (w[:, None] * x)[:, None]
                    if k != m:
                        part[:, moving == m] = -(w[:, None] * x)[:, None]
                upper = triangle(np.vstack([upper, z.reshape(-1, p)]))
            return ([upper],)

        parts = self.design.matrix.add_up(kernel, width=len(pairs) * p)[0]
        shares = cholesky(np.eye(len(moving)) - (1 / q if q > 1 else 0.0))
        parts.append(np.kron(shares, np.diag(np.sqrt(self._penalty_diagonal))))
        if self.flat is not None:
            parts.append(np.kron(np.eye(len(moving)), np.sqrt(self.design.n) * self.flat.T))
        rows = np.vstack(parts)
        return FullMetric.of_root(rows) if q == 1 else ClassMetric.of_root(rows, still, q)

    @cached_property
    def _penalty_diagonal(self) -> Array:
        strength = self.penalty.curvature(self.design.scale) * self.design.per_scale**2
        return np.append(strength, 0.0) if self.design.intercept else strength

    def _with_penalty_and_flat(self, h: Array) -> Array:
        """h (p, p) with these added, in place."""
        q, width = self.shape
        diagonal = h.reshape(-1)[:: self.size + 1].reshape(q, width)  # a view
        size = 0.0 if self.flat is None else max(diagonal.mean(), np.finfo(float).tiny)
        diagonal += self._penalty_diagonal
        if self.flat is not None:
            for k in range(q):
                part = slice(k * width, (k + 1) * width)
                h[part, part] += self.flat @ self.flat.T * size
        return h

    def diagonal(self, margin: Array) -> Array:
        """The diagonal of H for two classes, (p,); no read of X where all margins are the same."""
        diag, _ = self.loss.curvature(margin, slice(0, self.design.n))
        if np.ptp(margin) == 0:
            each = diag.sum() / self.design.total
            diagonal: Array = self.design.column_curvature() * each
        else:
            diagonal = self.design.gram_diagonal(diag[0])
        return diagonal + self._penalty_diagonal

    def diagonal_of_classes(self, margin: Array) -> Array:
        """H's diagonal with the classes added up, but for the penalty, (width,)."""
        return self.design.gram_diagonal(self.loss.trace(margin, slice(0, self.design.n)))

    def kronecker(self, margin: Array, *, diagonal: bool = False) -> tuple[Array, Array, Array]:
        """The Hessian as if all rows had the same mix of classes: S ⊗ B + diag(ridge).

        S (q, q) is the sum of the rows' curvatures; B (width, width) the mean of x̃ x̃' weighted by
        their traces, or its diagonal; ridge (width,) the penalty's part. Far fewer numbers than H
        has.
        """
        diag, root = self.loss.curvature(margin, slice(0, self.design.n))
        s = np.diag(diag.sum(axis=1))
        c = diag.sum(axis=0)
        if root is not None:
            s -= root @ root.T
            c = np.maximum(c - (root * root).sum(axis=0), 0.0)
        c /= c.sum()
        if diagonal:
            return s, self.design.gram_diagonal(c), self._penalty_diagonal
        np.sqrt(c, out=c)
        (b,) = self.design.gram(lambda rows: c[None, rows])
        return s, b, self._penalty_diagonal

    def hessian_times(self, margin: Array, v: Array) -> Array:
        """H v (p,) at these margins, in one read of X."""
        w, b = self.design.of_block(v.reshape(self.shape))
        x = self.design.matrix
        operand = x.operand(w)

        def kernel(blocks: Sequence[slice]) -> tuple[Array, Array]:
            pulled, total = np.zeros_like(w), np.zeros_like(b)
            for rows in blocks:
                block = self.design.block(rows)
                change = x.forward(block, operand)
                change += b[:, None]
                diag, root = self.loss.curvature(margin[:, rows], rows)
                product = diag * change
                if root is not None:
                    product -= root * (root * change).sum(axis=0)
                pulled += x.backward(product, block)
                total += product.sum(axis=1)
            return pulled, total

        pulled, total = x.add_up(kernel, groups=x.groups(self.size), products=self.loss.q)
        pulled += self.penalty.curvature(w) * w
        return self.design.pull_back(pulled, total).ravel()

    def margin_change(self, step: Array) -> Array:
        """What a step in theta adds to the margins, (q, n)."""
        w, b = self.design.of_block(step.reshape(self.shape))
        x, change = self.design.matrix, np.empty((self.loss.q, self.design.n))
        operand = x.operand(w)

        def kernel(blocks: Sequence[slice]) -> tuple[Any, ...]:
            for rows in blocks:
                x.forward(self.design.block(rows), operand, out=change[:, rows])
            return ()

        x.add_up(kernel)
        change += b[:, None]
        return change

    @cached_property
    def threshold(self) -> Array:
        """The L1 part of the penalty in the coordinates of the design, (p,): 0 for intercepts."""
        each = np.zeros(self.shape)
        each[:, : self.design.d] = self.penalty.l1 * self.design.per_scale
        return each.ravel()

    @cached_property
    def largest_row(self) -> Array:
        """A bound on |x̃_j| in all rows with a weight, (width,), from the columns' squares."""
        weight = self.loss.weight
        least = 1.0 if weight is None else weight[weight > 0].min()
        largest = np.sqrt(self.design.column_curvature() / least)
        if self.design.intercept:
            largest[-1] = 1.0
        return largest

    def leverage(self, theta: Array, curvature: Array) -> Array:
        """A score a row, (n,): its share of each column's curvature, summed over the columns.

            score_i = c_i Σ_j x̃_ij² / Σ_k c_k x̃_kj²,      c = trace of the row's curvature at theta

        Rare columns and rare classes get their rows' full share, which uniform draws miss. The
        sums over k are the caller's, `curvature` (width,), up to a common factor. One read of X.
        """
        share = np.divide(1.0, curvature, out=np.zeros(len(curvature)), where=curvature > 0)
        square, linear, constant = self.design.square_form(share)
        w, b = self.design.of_block(theta.reshape(self.shape))
        x = self.design.matrix
        operand, score, c = x.operand(w), np.empty(self.design.n), np.empty(self.design.n)
        of_squares, of_linear = x.operand(square[None]), x.operand(linear[None])

        def kernel(blocks: Sequence[slice]) -> tuple[Any, ...]:
            scratch = x.scratch(blocks[0].stop - blocks[0].start)
            for rows in blocks:
                block = self.design.block(rows)
                c[rows] = self.loss.trace(self._margin(block, operand, b, rows), rows)
                score[rows] = x.forward(x.squared(block, scratch), of_squares)[0]
                score[rows] -= x.forward(block, of_linear)[0]
            return ()

        x.add_up(kernel)
        score += constant
        np.maximum(c, 1e-3 * c.mean(), out=c)  # rows at rest now may wake up
        score *= c
        if self.loss.weight is not None:
            score *= self.loss.weight > 0
        return score

    def _margin(
        self, block: Any, operand: Array, b: Array, rows: slice, out: Array | None = None
    ) -> Array:
        margin = self.design.matrix.forward(block, operand, out)
        margin += b[:, None]
        if self.offset is not None:
            margin += self.offset[:, rows]
        return margin

    def from_coordinates(self, theta: Array, other: "Objective") -> Array:
        """Parameters of another objective of the same X in the coordinates of this one."""
        theta = theta.reshape(self.shape).copy()
        theta[:, : self.design.d] *= self.design.scale * other.design.per_scale
        return theta.ravel()

    @cached_property
    def free(self) -> "Objective":
        """The objective of the columns that are not penalised, and the intercept."""
        return self.columns(self.penalty.free(self.design.d))

    @cached_property
    def unpenalised(self) -> NDArray[np.intp]:
        """The places of an output's parameters that are not penalised, the intercept's included."""
        return self._places(self.penalty.free(self.design.d))

    def _places(self, index: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.append(index, self.design.d) if self.design.intercept else index

    def restricted(self, theta: Array, index: NDArray[np.intp]) -> Array:
        """The part of theta, or of a gradient, of some columns and of the intercepts."""
        return theta.reshape(self.shape)[:, self._places(index)].ravel()

    def extended(self, theta: Array, index: NDArray[np.intp]) -> Array:
        """The inverse: parameters of some columns and the intercepts, with 0 for all others."""
        whole = np.zeros(self.shape)
        whole[:, self._places(index)] = theta.reshape(self.loss.q, -1)
        return whole.ravel()

    def with_penalty(self, penalty: ElasticNet) -> "Objective":
        """The objective with another penalty."""
        design = self.design.for_ridge(penalty.l2)
        return Objective(design, self.loss, penalty, self.offset, self.flat)

    def stronger(self, factor: float) -> "Objective":
        """The objective with a penalty so many times as strong, in the same coordinates."""
        penalty = self.penalty.times(factor)
        return Objective(self.design, self.loss, penalty, self.offset, self.flat)

    def columns(self, index: NDArray[np.intp]) -> "Objective":
        """The objective of some of the columns: F where the weights of all others are 0."""
        design, penalty = self.design.columns(index), self.penalty.columns(index)
        flat = None if self.flat is None else self.flat[self._places(index)]
        return Objective(design, self.loss, penalty, self.offset, flat)

    def take(self, index: NDArray[np.intp], factor: Array) -> "Objective":
        """The objective of some rows, their weights times `factor`; the penalty as it is."""
        offset = None if self.offset is None else self.offset[:, index]
        loss = self.loss.take(index, factor)
        return Objective(self.design.take(index), loss, self.penalty, offset, self.flat)

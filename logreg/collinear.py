"""Columns that depend linearly on each other, which matters only without a penalty.

Parameters z with X̃ z = 0 change no margin, so the likelihood does not determine them. Of all
solutions the one with the smallest ‖w‖ is taken: the limit of ridge as C → ∞.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, lstsq

from logreg.design import Design

Array = NDArray[np.float64]

# Singular value of a direction, in standard deviations a row, below which it is zero but for the
# rounding of the data: a column 1000 standard deviations from zero is rounded to 1e-13 of one.
NOTHING = 1e-10


def flat_directions(gram: Array, square: Callable[[Array], Array]) -> Array | None:
    """An orthonormal basis (width, k) of {z : X̃ z = 0}, or None, from gram = X̃'X̃ / n.

    The eigenvectors of X̃'X̃ with the smallest eigenvalues are candidates; the square of a singular
    value below 1e-8 drowns in rounding there, so that of X̃ z itself is asked for: `square` gives
    Z'X̃'X̃ Z / n.
    """
    values, vectors = eigh(gram, check_finite=False)
    candidates = vectors[:, values <= 1e-8 * max(values[-1], 1.0)]
    if not candidates.shape[1]:
        return None
    values, mix = eigh(square(candidates), check_finite=False)
    flat: Array = candidates @ mix[:, values <= NOTHING**2]
    return flat if flat.shape[1] else None


def null_space(design: Design, weight: Array | None) -> Array | None:
    """The same on the rows of positive weight."""
    present = np.ones(design.n) if weight is None else (weight > 0).astype(np.float64)
    if _some_rows_suffice(design, present):
        return None
    (gram,) = design.gram(lambda rows: present[None, rows]) / design.n
    return flat_directions(gram, lambda z: squares(design, z, present) / design.n)


def squares(design: Design, directions: Array, present: Array) -> Array:
    """Z'X̃'X̃ Z for directions Z (width, k), of the rows that are present."""
    w, b = design.of_block(directions.T)
    x = design.matrix
    operand = x.operand(w)

    def kernel(blocks: Sequence[slice]) -> tuple[Array]:
        total = np.zeros((len(w), len(w)))
        for rows in blocks:
            margin = x.forward(design.block(rows), operand) + b[:, None]
            margin *= present[rows]
            total += margin @ margin.T
        return (total,)

    total: Array = x.add_up(kernel)[0]
    return total


def _some_rows_suffice(design: Design, present: Array) -> bool:
    """Whether a few rows show that there is no dependence: X̃'X̃ of all rows is at least theirs."""
    m = 20 * design.width
    if m > design.n // 10:
        return False
    some = design.take(np.arange(0, design.n, design.n // m))
    return are_independent(some, present[:: design.n // m], design.n)


def are_independent(some: Design, present: Array, n: int) -> bool:
    """Whether no direction is flat on these rows, and so on none of n rows that they belong to."""
    (gram,) = some.gram(lambda rows: present[None, rows])
    smallest = eigh(gram, eigvals_only=True, check_finite=False, subset_by_index=[0, 0])[0]
    # the largest eigenvalue of X̃'X̃ / n is at most its trace, about 2 a column
    return bool(smallest > 1e-8 * 4 * some.width * n)


def least_norm(design: Design, flat: Array, theta: Array) -> Array:
    """theta (q, width) moved along `flat` to where ‖w‖ is smallest; no margin changes."""
    directions = flat[: design.d] * design.per_scale[:, None]
    w = theta[:, : design.d] * design.per_scale
    length = np.linalg.norm(directions, axis=0)
    move = lstsq(directions / length, w.T)[0] / length[:, None]
    moved: Array = theta - (flat @ move).T
    return moved


def involved(design: Design, flat: Array) -> tuple[list[int], bool]:
    """The columns that take part in some dependence, and whether the intercept does."""
    columns = np.flatnonzero(np.abs(flat[: design.d]).max(axis=1) > 1e-7)
    if not design.intercept:
        return columns.tolist(), False
    w = flat[: design.d] * design.per_scale[:, None]
    parts = w * design.centre[:, None]
    b = flat[design.d] - parts.sum(axis=0)
    size = np.abs(flat[design.d]) + np.abs(parts).sum(axis=0)
    return columns.tolist(), bool(np.any(np.abs(b) > 1e-7 * size))

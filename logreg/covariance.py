"""The covariance of the estimate: by the information, or by a sandwich of the rows' scores.

    nonrobust     H⁻¹, H the information at the estimate. With a ridge penalty H holds the penalty,
                  and H⁻¹ is the covariance of the posterior about its mode (Laplace).
    HC0           H⁻¹ (Σ_i s_i u_i u_i') H⁻¹,  u_i the score of a row; s_i² for probability weights
    HC1           the same times n / (n - k)
    cluster       H⁻¹ (Σ_g U_g U_g') H⁻¹ times G/(G - 1) (n - 1)/(n - k),  U_g = Σ_{i in g} s_i u_i;
                  clustered in several ways: by inclusion and exclusion over their intersections

H⁻¹ is never formed: factors of H are solved for the parameters asked for.

References
----------
White (1980), Econometrica 48, 817-838. Cameron, Gelbach and Miller (2011), Robust inference with
multiway clustering, JBES 29, 238-249.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from logreg.point import Point

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


def information_covariance(point: Point, m: Array) -> Array:
    """M H⁻¹ M' for the rows of M (r, p)."""
    cov: Array = m @ point.metric.solve(m.T)
    return symmetric(cov)


def sandwich(point: Point, m: Array, meat: Array) -> Array:
    """M H⁻¹ meat H⁻¹ M'."""
    bread = point.metric.solve(m.T)
    return symmetric(bread.T @ meat @ bread)


def symmetric(a: Array) -> Array:
    return (a + a.T) / 2


def residuals(point: Point) -> Array:
    """Of the rows, (q, n), at a weight of 1; 0 for rows without a weight."""
    objective = point.objective
    _, residual = objective.loss.value_and_residual(point.margin, slice(0, objective.design.n))
    weight = objective.loss.weight
    if weight is None:
        return residual
    return np.divide(residual, weight, out=np.zeros_like(residual), where=weight > 0)


def meat_of_rows(point: Point, weight: Array | None) -> Array:
    """Σ_i weight_i u_i u_i' (p, p), with u_i = residual_i ⊗ x̃_i."""
    q, width = point.objective.shape
    residual = residuals(point)
    if weight is not None:
        residual = residual * np.sqrt(weight)
    gram = point.objective.design.gram
    squares = gram(lambda rows: residual[:, rows], q)
    out = np.zeros((q, width, q, width))
    for k in range(q):
        out[k, :, k] = squares[k]
    pairs = list(combinations(range(q), 2))
    if pairs:  # 2 r_k r_l = (r_k + r_l)² - r_k² - r_l²
        first, second = (list(side) for side in zip(*pairs, strict=True))
        sums = gram(lambda rows: residual[first, rows] + residual[second, rows], len(pairs))
        for both, k, m in zip(sums, first, second, strict=True):
            out[k, :, m] = out[m, :, k] = (both - squares[k] - squares[m]) / 2
    return out.reshape(q * width, q * width)


def meat_of_clusters(point: Point, groups: Codes, weight: Array | None, correct: float) -> Array:
    """Σ over the ways of clustering and their intersections, with alternating signs.

    `groups` (n, ways) are codes; `correct` the factor (n - 1) / (n - k).
    """
    total = np.zeros((point.objective.size, point.objective.size))
    ways = groups.shape[1]
    present = slice(None) if weight is None else weight > 0
    for size in range(1, ways + 1):
        for some in combinations(range(ways), size):
            codes = np.unique(groups[:, some], axis=0, return_inverse=True)[1].reshape(-1)
            clusters = len(np.unique(codes[present]))
            if clusters < 2:
                raise ValueError(
                    "All rows are in one group: a cluster-robust covariance needs several."
                )
            scores = cluster_scores(point, codes, int(codes.max()) + 1, weight)
            factor = (-1) ** (size + 1) * correct * clusters / (clusters - 1)
            total += factor * (scores.T @ scores)
    return total


def cluster_scores(point: Point, codes: Codes, count: int, weight: Array | None) -> Array:
    """Σ_{i in g} s_i u_i for each group, (G, p)."""
    objective = point.objective
    q, width = objective.shape
    residual = residuals(point)
    if weight is not None:
        residual = residual * weight
    out = np.zeros((count, q, width))

    def kernel(blocks: Sequence[slice]) -> tuple[()]:
        scratch = np.empty((blocks[0].stop - blocks[0].start, width))
        for rows in blocks:
            x = objective.design.standard_rows(rows, scratch)
            place = (codes[rows], np.arange(len(x)))
            for k in range(q):
                belong = csr_array((residual[k, rows], place), shape=(count, len(x)))
                out[:, k] += np.asarray(belong @ x)
        return ()

    objective.design.matrix.add_up(kernel, width=width, groups=1)
    return out.reshape(count, -1)

"""Coordinates in which the columns are orthonormal, for methods that need the hat matrix.

    X̃ = rows · back,    θ̃ = to · φ,    margin = rows · φ,    rows' S rows = 1 (S: the weights)

X̃ is the design with its intercept (see :mod:`logreg.design`). In φ the information of a logistic
model is near a multiple of the identity, whatever the units and the correlations of the columns:
its Cholesky factor loses no digits, and rank is decided once, here. Unlike a Design this holds a
copy of X, as the hat diagonal needs every row solved against the factor again and again.
"""

from copy import copy

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import svd
from scipy.linalg.blas import dtrsm
from scipy.linalg.lapack import dpocon, dpotrf

from logreg.collinear import NOTHING, involved, least_norm
from logreg.design import Design

Array = NDArray[np.float64]

# Reciprocal condition of X̃'SX̃ above which its Cholesky factor makes columns orthonormal to 1e-8;
# below, the digits are in X̃ itself only, and a QR of it finds them (twice the work).
FINE = 1e-8


class Orthonormal:
    """X of a design in orthonormal coordinates.

    Parameters
    ----------
    design : Design
        Without its row space (``rotate=False``).
    weight : array (n,), positive, optional

    Attributes
    ----------
    rows : array (n, r)
        r is the rank of X̃, at most `design.width`.
    user : array (width, r)
        Takes φ to the user's parameters: the d weights, then the intercept if there is one.
    flat : array (width, width - r) or None
        The directions of θ̃ that change no margin.
    unit : bool
        Whether rows' S rows = 1, not only rows' rows.
    log_volume : float
        log |det dφ/dθ|, θ being the user's parameters; 0 where some are not determined.
    """

    def __init__(self, design: Design, weight: Array | None = None) -> None:
        self.design = design
        standard = design.standard_rows(slice(0, design.n), np.empty((design.n, design.width)))
        weighted = standard if weight is None else standard * weight[:, None]
        lower, failed = dpotrf(standard.T @ weighted, lower=1, clean=1)
        size = np.max(np.diag(lower), initial=1.0) ** 2
        self.flat: Array | None = None
        self.unit = True
        if not failed and dpocon(lower, size, uplo="L")[0] > FINE:
            self.rows = dtrsm(1.0, lower, standard.T, lower=1).T
            self.back = lower.T
            self.to = dtrsm(1.0, lower, np.eye(len(lower)), lower=1).T
            self.log_volume = float(np.log(np.diag(lower)).sum())
        else:
            self._by_singular_values(standard)
            self.unit = weight is None
        self.user = self._to_user()
        if self.flat is None:
            self.log_volume += float(np.log(design.scale).sum())

    def _by_singular_values(self, standard: Array) -> None:
        """X̃ = Q R, R = U S V', φ = S V' θ̃ along the singular values that are not zero."""
        r = np.linalg.qr(standard, mode="r")
        s, vt = svd(r, full_matrices=True, check_finite=False)[1:]
        rank = int(np.sum(s > NOTHING * np.sqrt(len(standard))))
        self.to = vt[:rank].T / s[:rank]
        self.back = s[:rank, None] * vt[:rank]
        self.rows = standard @ self.to
        self.log_volume = float(np.log(s[:rank]).sum())
        if rank < standard.shape[1]:
            self.flat, self.log_volume = vt[rank:].T, 0.0

    def _to_user(self) -> Array:
        """w_j = w̃_j / scale_j, b = b̃ - Σ_j centre_j w_j, as rows of a matrix."""
        d = self.design.d
        w = self.to[:d] * self.design.per_scale[:, None]
        return np.vstack([w, self.to[d:] - self.design.centre @ w]) if len(self.to) > d else w

    @property
    def rank(self) -> int:
        return int(self.rows.shape[1])

    def to_user(self, phi: Array) -> tuple[Array, Array]:
        """(q, r) as w (q, d) and b (q,), of the smallest norm where some are free."""
        theta = phi @ self.to.T
        if self.flat is not None:
            theta = least_norm(self.design, self.flat, theta)
        return self.design.to_user(theta)

    def from_user(self, w: Array, b: Array) -> Array:
        """The inverse of `to_user`, (q, r)."""
        phi: Array = self.design.from_user(w, b) @ self.back.T
        return phi

    def twice(self) -> "Orthonormal":
        """The rows, and the rows again with a further column that is 1 for those, 0 for these;
        its coefficient is none of the user's.
        """
        other = copy(self)
        n, r = self.rows.shape
        other.rows = np.zeros((2 * n, r + 1))
        other.rows[:n, :r] = other.rows[n:, :r] = self.rows
        other.rows[n:, r] = 1.0
        other.user = np.column_stack([self.user, np.zeros(len(self.user))])
        return other

    def constant(self) -> Array:
        """φ (r,) of the margin 1 in every row, for a design with an intercept."""
        one: Array = self.back[:, -1]
        return one

    def determines(self, column: int) -> bool:
        """Whether the margins fix the user's parameter of a column, d being the intercept."""
        if self.flat is None:
            return True
        columns, intercept = involved(self.design, self.flat)
        return not intercept if column == self.design.d else column not in columns

"""The likelihood with Jeffreys' prior as a penalty, and the scores that reduce bias.

    ℓ*(θ) = ℓ(θ) + τ log det I(θ),    τ = 1/2: Jeffreys' prior (Firth 1993, section 3)

    ℓ    the log-likelihood Σ_i s_i log P(y_i | x_i)       I = X'WX  its information, all columns
    U*   the modified score ∂ℓ*/∂θ; for two classes, with μ_i = P(y_i = 1), W_i = s_i μ_i (1 - μ_i),
             U* = X' [s (y - μ) + τ h (1 - 2μ)],    h_i = W_i x_i' I⁻¹ x_i,
         h the diagonal of the hat matrix W^½ X I⁻¹ X' W^½ (Heinze and Schemper 2002)
    φ    (q r,) the parameters in orthonormal coordinates (:mod:`logreg.orthonormal`), for each of
         q outputs: one for two classes, K - 1 against class 0 for K of them

A point knows its value, score and the Cholesky factor of I, made by blocks of rows: one to make I,
one more read to solve the rows against its factor for h.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dtrmm, dtrsm
from scipy.linalg.lapack import dpotrs, dtrtri

from logreg.jeffreys_point import JeffreysPoint
from logreg.loss import Multinomial
from logreg.orthonormal import Orthonormal

Array = NDArray[np.float64]

CUBED = 200  # columns of which a cube is held, 64 MB
BLOCK = 2**17  # numbers in a block of rows, 1 MB: with its copy it stays in cache


class Jeffreys:
    """The penalised likelihood of two classes.

    Parameters
    ----------
    x : Orthonormal
    y : array (n,)
        The share of class 1 in each row, from 0 to 1.
    weight, offset : array (n,), optional
    tau : float
        Weight of log det I; 0 is the plain likelihood.
    """

    q = 1

    def __init__(
        self,
        x: Orthonormal,
        y: Array,
        weight: Array | None = None,
        offset: Array | None = None,
        tau: float = 0.5,
    ) -> None:
        self.x, self.y, self.weight, self.offset, self.tau = x, y, weight, offset, tau
        self.rows = x.rows
        n, r = self.rows.shape
        size = max(BLOCK // max(r, 1), 64)
        self.blocks = [slice(a, min(a + size, n)) for a in range(0, n, size)]
        self.reads = 0

    @property
    def shape(self) -> tuple[int, int]:
        """(q, r): parameters an output."""
        return self.q, self.x.rank

    @property
    def constant(self) -> float:
        """What log det I lacks in the coordinates φ, times τ."""
        return 2.0 * self.tau * self.q * self.x.log_volume

    has_value = True  # the score is a gradient

    def at(self, phi: Array) -> JeffreysPoint:
        """The point at φ (q r,)."""
        self.reads += 1
        return JeffreysPoint(self, phi)

    def margins(self, phi: Array) -> Array:
        """(q, n)."""
        margin: Array = phi.reshape(self.shape) @ self.rows.T
        return margin if self.offset is None else margin + self.offset

    def start(self) -> Array:
        """φ of equal margins, of the classes' shares, and from there the step to the linear
        discriminant: least squares of y on X divided by the variance within the classes.

        Where W is a multiple of the weights, so is I of the identity: there is nothing to factor.
        """
        if not (self.x.unit and self.x.design.intercept and self.offset is None):
            return np.zeros(self.x.rank)
        s = 1.0 if self.weight is None else self.weight
        total = float(len(self.y) if self.weight is None else self.weight.sum())
        share = (float((s * self.y).sum()) + self.tau) / (total + 2 * self.tau)
        curvature = share * (1 - share)
        slopes = (s * (self.y - share)) @ self.rows
        explained = float(slopes @ slopes) / (total * curvature)
        step = slopes / (curvature * max(1.0 - explained, 0.5))
        start: Array = step + self.x.constant() * np.log(share / (1 - share))
        return start

    def of_coefficients(self, w: NDArray[Any], b: NDArray[Any]) -> Array:
        """φ of an estimator's `coef_` and `intercept_`; not finite where they are out of range."""
        phi = self.x.from_user(w.astype(np.float64), b.astype(np.float64))
        return np.ravel(phi if self.q == 1 else phi[1:] - phi[0])

    def separates(self, phi: Array) -> bool:
        """Whether the margins alone, without the offset, tell all rows' classes."""
        margin = self.rows @ phi
        return bool(np.all(np.where(self.y > 0.5, margin, -margin) > 0))

    # -- what a point asks for ---------------------------------------------------------------

    def curve(self, margin: Array) -> tuple[float, Array, Array, Array]:
        """ℓ, s(y - μ) (1, n), W (n,) and 1 - 2μ (n,), accurate in both tails."""
        eta, y = margin[0], self.y
        u = np.exp(-np.abs(eta))
        near = 1.0 / (1.0 + u)
        far = u * near
        up = eta > 0
        mu, nu = np.where(up, near, far), np.where(up, far, near)
        curvature = near * far
        residual = y * nu - (1.0 - y) * mu
        # y η - log(1 + e^η) = -log(1 + u) - y max(-η, 0) - (1 - y) max(η, 0)
        loglik = -np.log1p(u) - np.where(up, (1.0 - y) * eta, -y * eta)
        if self.weight is not None:
            curvature *= self.weight
            residual *= self.weight
            loglik *= self.weight
        return float(loglik.sum()), residual[None], curvature, nu - mu

    def information(self, curvature: Array) -> Array:
        """X'WX (r, r)."""
        root = np.sqrt(curvature)
        total = np.zeros((self.x.rank, self.x.rank))
        for rows in self.blocks:
            block = self.rows[rows] * root[rows, None]
            total += block.T @ block
        return total

    def penalty(self, lower: Array, curvature: Array, tilt: Array) -> tuple[Array, Array]:
        """h (n,), and ∂ log det I / ∂ margin = h (1 - 2μ), (1, n); I = LL'."""
        hat = np.empty(len(self.rows))
        # A triangle's inverse is as accurate as solving with it; to multiply with is a third faster
        inverse, failed = dtrtri(lower, lower=1)
        for rows in self.blocks:
            z = dtrmm(1.0, inverse, self.rows[rows].T, lower=1)
            np.einsum("ij,ij->j", z, z, out=hat[rows])
        hat *= np.nan if failed else curvature
        return hat, (hat * tilt)[None]

    def penalty_hessian(self, point: JeffreysPoint) -> Array | None:
        """-τ ∂² log det I (r, r), or None where that takes too much memory.

        With ζ = L⁻¹ x, m = μ (1 - μ) and e = 1 - 2μ it is, in the coordinates of ζ,
            τ [ Σ_cd T_acd T_bcd - Σ_i h_i (1 - 6 m_i) ζ_ia ζ_ib ],
            T_acd = Σ_i W_i e_i ζ_ia ζ_ic ζ_id.
        """
        r = self.x.rank
        if r > CUBED:
            return None
        third, second = np.zeros((r, r, r)), np.zeros((r, r))
        s = np.ones(len(self.rows)) if self.weight is None else self.weight
        diagonal = point.hat * (1.0 - 6.0 * point.curvature / s)
        skew = point.curvature * point.tilt
        for rows in self.blocks:
            z = dtrsm(1.0, point.lower, self.rows[rows].T, lower=1).T
            second -= z.T @ (z * diagonal[rows, None])
            weighted = z * skew[rows, None]
            for a in range(r):
                third[a] += (weighted * z[:, a, None]).T @ z
        flat = third.reshape(r, r * r)
        lower = point.lower
        hessian: Array = self.tau * (lower @ (flat @ flat.T + second) @ lower.T)
        return hessian

    def shift(self, point: JeffreysPoint) -> Array | None:
        """What I times is added to the score, as a change of φ; None for nothing."""
        return None


class MultinomialJeffreys(Jeffreys):
    """The penalised likelihood of K > 2 classes: K - 1 outputs, against class 0.

    Kosmidis and Firth (2011), section 2; the same estimate whichever class they are against.

    Parameters
    ----------
    x : Orthonormal
    codes : array (n,) of int
    q : int
        K - 1.
    weight : array (n,), optional
    offset : array (q, n), optional
    tau : float
    """

    def __init__(
        self,
        x: Orthonormal,
        codes: NDArray[np.intp],
        q: int,
        weight: Array | None = None,
        offset: Array | None = None,
        tau: float = 0.5,
    ) -> None:
        super().__init__(x, codes.astype(np.float64), weight, offset, tau)
        self.q = q
        self.loss = Multinomial(codes, q + 1, weight)

    def separates(self, phi: Array) -> bool:
        margin = np.vstack([np.zeros(len(self.rows)), phi.reshape(self.shape) @ self.rows.T])
        return self.loss.lead(margin) > 0

    def penalty_hessian(self, point: JeffreysPoint) -> Array | None:
        """None: there is no short formula."""
        return None

    def start(self) -> Array:
        """φ of margin 0."""
        return np.zeros(self.q * self.x.rank)

    def curve(self, margin: Array) -> tuple[float, Array, Array, Array]:
        """ℓ, s(y - π) (q, n), and twice π (q, n)."""
        full = np.vstack([np.zeros(margin.shape[1]), margin])
        loss, residual = self.loss.value_and_residual(full, slice(None))
        share: Array = np.exp(full - full.max(axis=0))
        share = (share / share.sum(axis=0))[1:]
        return -loss, -residual[1:], share, share

    def information(self, curvature: Array) -> Array:
        """Σ_i s_i (diag π_i - π_i π_i') ⊗ x_i x_i', (q r, q r)."""
        q, r = self.shape
        share = curvature
        s = np.ones(share.shape[1]) if self.weight is None else self.weight
        total = np.zeros((q, r, q, r))
        for rows in self.blocks:
            x = self.rows[rows]
            for k in range(q):
                for m in range(k + 1):
                    w = s[rows] * share[k, rows] * ((k == m) - share[m, rows])
                    total[k, :, m] += x.T @ (x * w[:, None])
        for k in range(q):
            for m in range(k):
                total[m, :, k] = total[k, :, m].T
        return total.reshape(q * r, q * r)

    def penalty(self, lower: Array, curvature: Array, tilt: Array) -> tuple[Array, Array]:
        """h_i = tr(I⁻¹ I_i), and ∂ log det I / ∂ margin (q, n).

        With V the q × q matrix (e_a ⊗ x)' I⁻¹ (e_b ⊗ x) of a row, the derivative of its share
        diag π - ππ' of W by the margin k gives
            s π_k [ V_kk - Σ_a π_a V_aa - 2 ((Vπ)_k - π'Vπ) ].
        """
        q, r = self.shape
        hat, slope = np.empty(len(self.rows)), np.empty((q, len(self.rows)))
        for rows in self.blocks:
            x, p = self.rows[rows], curvature[:, rows]
            z = []
            for a in range(q):
                right = np.zeros(((q - a) * r, len(x)), order="F")
                right[:r] = x.T
                z.append(dtrsm(1.0, lower[a * r :, a * r :], right, lower=1, overwrite_b=1))
            v = np.empty((q, q, len(x)))
            for a in range(q):
                for b in range(a, q):
                    v[a, b] = v[b, a] = np.einsum("ij,ij->j", z[a][(b - a) * r :], z[b])
            diagonal = np.einsum("aai->ai", v)
            vp = np.einsum("abi,bi->ai", v, p)
            once, twice = (p * diagonal).sum(axis=0), (p * vp).sum(axis=0)
            hat[rows] = once - twice
            slope[:, rows] = p * (diagonal - once - 2.0 * (vp - twice))
        if self.weight is not None:
            hat, slope = hat * self.weight, slope * self.weight
        return hat, slope


class MedianReduced(Jeffreys):
    """The score whose root has each coefficient too high and too low equally often.

    Kenne Pagui, Salvan and Sartori (2017), equation (10): to U* of Firth it adds I b. For two
    classes, with g = X I⁻¹ e_j and c = (I⁻¹)_jj in the user's parameters,
        b_j = -1/3 Σ_i W_i (1 - 2μ_i) g_i³ / c.
    It is the gradient of no penalty; with τ other than 1/2 both parts are times 2τ.
    """

    has_value = False

    def shift(self, point: JeffreysPoint) -> Array:
        """b as a change of φ (r,)."""
        user = self.x.user
        right = dpotrs(point.lower, user.T, lower=1)[0]
        variance = np.einsum("jr,rj->j", user, right)
        third = np.zeros(len(user))
        for rows in self.blocks:
            g = self.rows[rows] @ right
            third += (point.curvature[rows] * point.tilt[rows]) @ (g * g * g)
        b = -2.0 * self.tau / 3.0 * third / variance
        phi: Array = self.x.from_user(*self._parts(b))[0]
        return phi

    def _parts(self, b: Array) -> tuple[Array, Array]:
        d = self.x.design.d
        return b[None, :d], b[d:] if self.x.design.intercept else np.zeros(1)

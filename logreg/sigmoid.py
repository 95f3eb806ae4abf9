"""The sigmoid and its relatives: the function everything stands on.

    sigmoid             σ(x)  = 1 / (1 + e^-x)                    from log-odds to probability
    sigmoid_derivative  σ'(x) = σ(x) (1 - σ(x)) = σ(x) σ(-x)      slope, in (0, 1/4]
    log_sigmoid         log σ(x) = -log(1 + e^-x)
    logit               σ^-1(p) = log(p / (1 - p))                from probability to log-odds
    softmax             e^x_k / Σ_j e^x_j                         the same for several classes
    log_softmax         x_k - log Σ_j e^x_j

Why σ' = σ (1 - σ): with u = 1 + e^-x we have σ = 1/u, so

    σ' = -u'/u² = e^-x / (1 + e^-x)² = [1 / (1 + e^-x)] [e^-x / (1 + e^-x)] = σ (1 - σ),

because 1 - σ = e^-x / (1 + e^-x) = 1 / (e^x + 1) = σ(-x), which is the symmetry of the curve.
At x = 0 this is 1/2 · 1/2 = 1/4, its largest value. In floating point the *form* matters:
1 - σ(x) is 0 from x = 37 on, though the truth there is e^-37; the forms used below keep their
relative accuracy until the answer itself is smaller than the smallest double.

All functions take arrays, lists and scalars of any shape. float32 stays float32 (computed in
float64 and rounded once, so correct to half a unit in the last place); everything else becomes
float64. Infinite input gives the limit, NaN gives NaN, and none of them warns.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from logreg.threads import run, thread_count

Array = NDArray[np.floating[Any]]
Kernel = Callable[[Any, Any], None]

# Elements in a block. 64 Ki doubles in and out fill 1 MB, about a level-2 cache; on 1e6 doubles
# 1.17 ns an element, against 1.4 with 8 Ki (the calls show) and 3.6 with no blocks at all.
BLOCK = 65536


def _floats(x: ArrayLike) -> Array:
    """x as float32 if it was, else float64."""
    x = np.asarray(x)
    if np.issubdtype(x.dtype, np.complexfloating):
        raise TypeError(f"the sigmoid functions take real numbers, got {x.dtype}.")
    if x.dtype.kind in "mMSU":
        raise TypeError(f"the sigmoid functions take numbers, got {x.dtype}.")
    if x.dtype.kind == "f" and x.dtype.itemsize == 4:
        return x.astype(np.float32, copy=False)  # in this machine's order of bytes
    return x.astype(np.float64, copy=False)


def _blockwise(kernel: Kernel, x: ArrayLike, out: Array | None = None) -> Any:
    """Apply `kernel(x_block, out_block)`, both float64, to blocks that stay in cache."""
    x = _floats(x)
    if out is None:
        out = result = np.empty(x.shape, x.dtype)
    else:
        if not isinstance(out, np.ndarray) or out.shape != x.shape or out.dtype != x.dtype:
            got = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
            raise ValueError(f"out must be a {x.dtype} array of shape {x.shape}, got {got}.")
        result = out
        if not out.flags.c_contiguous or _overlap(x, out):
            out = np.empty(x.shape, x.dtype)
    source, target = x.ravel(), out.reshape(-1)  # ravel copies only what is not contiguous

    def apply(start: int) -> None:
        block, answer = source[start : start + BLOCK], target[start : start + BLOCK]
        with np.errstate(all="ignore"):
            if x.dtype == np.float64:
                kernel(block, answer)
            else:
                wide = block.astype(np.float64)
                kernel(wide, wide)
                answer[:] = wide

    starts = range(0, x.size, BLOCK)
    run(apply, starts, thread_count() if len(starts) > 3 else 1)
    if out is not result:
        result[...] = out
    return result[()] if result.ndim == 0 else result


def _overlap(x: Array, out: Array) -> bool:
    """Whether writing one block would change another block's input."""
    same = x.__array_interface__["data"] == out.__array_interface__["data"]
    return np.may_share_memory(x, out) and not (same and x.strides == out.strides)


def _sigmoid_block(x: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    if np.may_share_memory(x, out):
        x = x.copy()
    tail = None
    try:
        with np.errstate(over="raise"):
            np.exp(np.negative(x, out=out), out=out)
    except FloatingPointError:  # a look at the flag costs nothing, a look for x < -709 a fifth
        np.exp(np.negative(x, out=out), out=out)
        tail = np.isinf(out)
    out += 1.0
    np.divide(1.0, out, out=out)
    if tail is not None:  # where e^-x overflows, e^x itself is the answer to the last bit
        out[tail] = np.exp(x[tail])


def sigmoid(x: ArrayLike, *, out: Array | None = None) -> Any:
    """The logistic function σ(x) = 1 / (1 + e^-x), from log-odds to probability.

    It rises from 0 at -∞ over σ(0) = 1/2 to 1 at +∞ and is symmetric, σ(-x) = 1 - σ(x). Its
    derivative is σ'(x) = σ(x) (1 - σ(x)), see :func:`sigmoid_derivative`; its inverse is
    :func:`logit`; tanh is the same curve stretched, tanh(x) = 2 σ(2x) - 1.

    Parameters
    ----------
    x : array-like of any shape
        Log-odds. float32 is kept, everything else becomes float64.
    out : ndarray of x's shape and result dtype, optional
        Where to write the answer; may be `x` itself.

    Returns
    -------
    ndarray of x's shape, or a scalar for a scalar
        Probabilities, at most 2 units in the last place from the truth, down to the smallest
        subnormal number (x = -745.13). NaN where x is NaN.

    Raises
    ------
    ValueError
        If `out` has another shape or dtype.
    TypeError
        If x is complex.

    Notes
    -----
    Worked by hand: e^-1 = 0.3678794, so σ(1) = 1/1.3678794 = 0.7310586. (Texts that round e^-1
    to 0.367 get 0.7315.) Arrays of more than 2e5 elements are shared among threads.

    Examples
    --------
    >>> from logreg import sigmoid
    >>> print(f"{sigmoid(1):.7f}")
    0.7310586
    >>> sigmoid([0.15, 0.4, 0.5, 0.9, 0.2])
    array([0.53742985, 0.59868766, 0.62245933, 0.7109495 , 0.549834  ])
    """
    return _blockwise(_sigmoid_block, x, out)


def _derivative_block(x: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    # e / (1 + e)² with e = e^-|x| in (0, 1]: nothing cancels and nothing overflows. The square as
    # 1 + e (2 + e) is rounded once where e is small, (1 + e)·(1 + e) three times (3.3 ULP in all).
    np.abs(x, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    square = out + 2.0
    square *= out
    square += 1.0
    out /= square


def sigmoid_derivative(x: ArrayLike) -> Any:
    """The slope of the sigmoid, σ'(x) = σ(x) (1 - σ(x)) = σ(x) σ(-x).

    Its range is (0, 1/4]: 1/4 at x = 0, the same at x and -x, and close to e^-|x| far out, where
    a unit is "saturated". It is the variance of a 0/1 variable with probability σ(x), and the
    weight of a row in the information matrix. The derivation stands at the top of
    `logreg/sigmoid.py`: with u = 1 + e^-x, σ' = -u'/u² = (1/u) (e^-x/u) = σ (1 - σ).

    Parameters
    ----------
    x : array-like of any shape

    Returns
    -------
    ndarray of x's shape, or a scalar
        At most 3 units in the last place from the truth. Unlike ``s * (1 - s)``, which is 0 from
        x = 37 on, it keeps its relative accuracy where σ rounds to 1.

    Raises
    ------
    TypeError
        If x is complex.

    Examples
    --------
    >>> from logreg import sigmoid, sigmoid_derivative
    >>> print(sigmoid_derivative(0.0))
    0.25
    >>> s = sigmoid(40.0)
    >>> print(s * (1 - s), f"{sigmoid_derivative(40.0):.6e}")
    0.0 4.248354e-18
    """
    return _blockwise(_derivative_block, x)


def _log_sigmoid_block(x: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    # min(x, 0) - log1p(e^-|x|): for x > 0 the tiny tail, for x < 0 x itself, both kept
    log = np.abs(x)
    np.negative(log, out=log)
    np.exp(log, out=log)
    np.log1p(log, out=log)
    np.minimum(x, 0.0, out=out)
    out -= log


def log_sigmoid(x: ArrayLike) -> Any:
    """The logarithm of the sigmoid, log σ(x) = -log(1 + e^-x): minus the log loss at margin x.

    Parameters
    ----------
    x : array-like of any shape

    Returns
    -------
    ndarray of x's shape, or a scalar
        Values in [-∞, 0], at most 3 units in the last place from the truth; finite for every
        finite x (``np.log(sigmoid(-1000))`` is -inf).

    Raises
    ------
    TypeError
        If x is complex.

    Examples
    --------
    >>> from logreg import log_sigmoid
    >>> log_sigmoid([-1000.0, 0.0, 40.0])
    array([-1.00000000e+03, -6.93147181e-01, -4.24835426e-18])
    """
    return _blockwise(_log_sigmoid_block, x)


def _logit_block(p: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    # Near 1/2 the quotient is near 1 and its logarithm loses digits: there
    # p / (1 - p) = 1 + (2p - 1) / (1 - p), with 2p - 1 exact.
    middle = np.abs(p - 0.5) < 0.25
    q = 1.0 - p
    ratio = np.where(middle, 2.0 * p - 1.0, p) / q
    out[:] = np.where(middle, np.log1p(ratio), np.log(ratio))


def logit(p: ArrayLike) -> Any:
    """The log-odds log(p / (1 - p)), the inverse of the sigmoid.

    Parameters
    ----------
    p : array-like of any shape
        Probabilities. 0 gives -inf, 1 gives inf, outside [0, 1] NaN.

    Returns
    -------
    ndarray of p's shape, or a scalar

    Raises
    ------
    TypeError
        If p is complex.

    Examples
    --------
    >>> from logreg import logit, sigmoid
    >>> print(f"{logit(0.75):.6f}")  # log 3
    1.098612
    >>> print(f"{sigmoid(logit(0.3)):.6f}")
    0.300000
    """
    return _blockwise(_logit_block, p)


def _classwise(kernel: Callable[[Any], Any], x: ArrayLike, axis: int) -> Any:
    """Apply `kernel` (K, m) -> (K, m), in float64, to blocks of slices along `axis`.

    With the classes in front, maxima and sums over them run along contiguous rows.
    """
    x = _floats(x)
    classes_last = np.moveaxis(np.atleast_1d(x), axis, -1)
    K = classes_last.shape[-1]
    slices = classes_last.reshape(-1, K) if x.size else classes_last.reshape(0, 0)
    out = np.empty(slices.shape, x.dtype)
    size = max(1, BLOCK // max(K, 1))

    def apply(start: int) -> None:
        with np.errstate(all="ignore"):
            block = np.array(slices[start : start + size].T, np.float64, order="C")
            largest = block.max(axis=0)
            shifted = block - largest
            if not np.isfinite(largest).all():  # infinite maxima share as equals
                shifted = np.where(block == largest, 0.0, shifted)
            out[start : start + size] = kernel(shifted).T

    starts = range(0, len(slices), size)
    run(apply, starts, thread_count() if len(starts) > 3 else 1)
    back = np.moveaxis(out.reshape(classes_last.shape), -1, axis)
    return back.reshape(np.shape(x))[()]


def _softmax_block(shifted: Array) -> Array:
    p = np.exp(shifted, out=shifted)
    p /= p.sum(axis=0)
    return p


def _log_softmax_block(shifted: Array) -> Array:
    p = np.exp(shifted)
    top = shifted == 0.0
    p[top] = 0.0
    rest = p.sum(axis=0) + (top.sum(axis=0) - 1)  # the total less 1, to all its digits
    log: Array = shifted - np.log1p(np.where(np.isnan(shifted).any(axis=0), np.nan, rest))
    return log


def softmax(x: ArrayLike, axis: int = -1) -> Any:
    """Probabilities e^x_k / Σ_j e^x_j along `axis`: the sigmoid for several classes.

    Adding one number to all x changes nothing; of two classes with x = (0, m), the second has
    probability σ(m).

    Parameters
    ----------
    x : array-like of any shape
        Margins, one a class along `axis`.
    axis : int, default=-1
        The axis whose entries add up to 1.

    Returns
    -------
    ndarray of x's shape
        Where an entry is +inf it gets all the probability; several of them share it, as do all
        entries where all are -inf. NaN where the slice has a NaN.

    Raises
    ------
    TypeError
        If x is complex.

    Examples
    --------
    >>> from logreg import softmax
    >>> softmax([0.0, 0.0, 800.0])
    array([0., 0., 1.])
    """
    return _classwise(_softmax_block, x, axis)


def log_softmax(x: ArrayLike, axis: int = -1) -> Any:
    """The logarithm of :func:`softmax`, x_k - log Σ_j e^x_j, finite for finite x.

    Parameters
    ----------
    x : array-like of any shape
        Margins, one a class along `axis`.
    axis : int, default=-1
        The axis of the classes.

    Returns
    -------
    ndarray of x's shape

    Raises
    ------
    TypeError
        If x is complex.

    Examples
    --------
    >>> from logreg import log_softmax
    >>> log_softmax([0.0, 0.0, 800.0])
    array([-800., -800.,    0.])
    """
    return _classwise(_log_softmax_block, x, axis)

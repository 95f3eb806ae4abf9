"""Conjugate gradients (Hestenes and Stiefel 1952), with a preconditioner."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Linear = Callable[[Array], Array]


def conjugate_gradients(
    times: Linear, b: Array, solve: Linear
) -> Iterator[tuple[Array, float, float]]:
    """x on its way from 0 to A⁻¹ b, for `times` = A and `solve` = M⁻¹.

    With each x, which is the same array each time, come r'M⁻¹r of the residual r = b - A x, and by
    how much the last step has raised b'x. These terms are positive and add up to b'A⁻¹b (theorem
    6:1). It ends where no residual is left.
    """
    x, r = np.zeros_like(b), b.copy()
    z = solve(r)
    p, rz = z.copy(), float(r @ z)
    yield x, rz, 0.0
    while rz > 0:
        ap = times(p)
        alpha = rz / float(p @ ap)
        x += alpha * p
        r -= alpha * ap
        z = solve(r)
        rz, old = float(r @ z), rz
        yield x, rz, alpha * old
        p = z + (rz / old) * p

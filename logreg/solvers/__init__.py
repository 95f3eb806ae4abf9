"""The solvers: a table of what each is and when "auto" takes it. The first row that suits wins.

A solver is a generator: given the objective, a start and a random generator it yields
one :class:`Iterate` after the other, and returns when it can go no further. It knows no
tolerance and no limit; `minimize` judges. To add one, write its file and its row here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logreg.objective import Objective
from logreg.point import Iterate
from logreg.solvers.gd import gradient_descent
from logreg.solvers.newton import newton
from logreg.solvers.newton_cg import newton_cg
from logreg.solvers.pgd import preconditioned_gradient_descent
from logreg.solvers.prox_newton import prox_newton

__all__ = ["SOLVERS", "Solver", "choose"]

Iterates = Callable[[Objective, NDArray[np.float64], np.random.Generator], Iterator[Iterate]]


MATRIX = 20_000  # parameters whose Hessian, 3 GB, can still be formed


@dataclass(frozen=True)
class Solver:
    """A row of the table."""

    name: str
    iterates: Iterates
    method: str
    suits: Callable[[Objective], bool]
    limit: float = np.inf  # parameters that it can take
    ridge: bool = True  # whether it takes penalties without an L1 part
    corners: bool = False  # ... and with one


SMALL = 50_000  # numbers in a pass, over the classes: fewer cost less than the calls do


def _large(objective: Objective) -> bool:
    # Otherwise overhead rules, and the method with the fewest steps is the fastest.
    return objective.design.n * objective.size > SMALL


def _corners(objective: Objective) -> bool:
    return objective.penalty.has_corners


SOLVERS = {
    solver.name: solver
    for solver in (
        Solver("prox-newton", prox_newton, "proximal Newton", _corners, ridge=False, corners=True),
        Solver("pgd", preconditioned_gradient_descent, "preconditioned gradient descent", _large),
        Solver("newton", newton, "Newton's method", lambda objective: True, MATRIX),
        Solver("newton-cg", newton_cg, "Newton's method, truncated", lambda objective: False),
        Solver(
            "gd",
            gradient_descent,
            "textbook gradient descent",
            lambda objective: False,
            MATRIX,
            corners=True,
        ),
    )
}


def choose(name: str, objective: Objective) -> Solver:
    """The solver of that name; for "auto" the first of the table that suits the objective."""
    if name != "auto":
        solver, p = SOLVERS[name], objective.size
        if p > solver.limit:
            raise ValueError(
                f"solver={name!r} makes a matrix of {p} x {p} numbers for these columns and "
                f"classes; it takes up to {solver.limit}. Use solver='auto'."
            )
        if _corners(objective) and not solver.corners:
            raise ValueError(
                f"solver={name!r} cannot take an L1 penalty; for l1_ratio above 0 use 'auto'."
            )
        if not solver.ridge and not _corners(objective):
            raise ValueError(
                f"solver={name!r} is for penalties with an L1 part, l1_ratio above 0 and a finite "
                "C; use solver='auto'."
            )
        return solver
    return next(solver for solver in SOLVERS.values() if solver.suits(objective))

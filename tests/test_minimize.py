"""The one loop: when it stops, what it says, and what it asks of a solver."""

from types import SimpleNamespace

import pytest

from logreg.minimize import PATIENCE, minimize
from logreg.outcome import Outcome
from logreg.point import Iterate


def point(value, *, separates=False, recedes=False):
    return SimpleNamespace(
        value=value,
        gradient=[0.0],
        separates=separates,
        recedes=recedes,
        moved=lambda last: True,
        objective=SimpleNamespace(passes=1.0, unit=1.0),
    )


def falling(factor=0.1, **kwargs):
    decrement, value = 1.0, 10.0
    while True:
        yield Iterate(point(value, **kwargs), decrement)
        decrement, value = decrement * factor, value * 0.9


def test_stops_at_the_first_iterate_within_tol():
    solution = minimize(falling(), tol=2e-3, max_iter=100)
    assert solution.outcome is Outcome.CONVERGED
    assert solution.n_iter == 3
    assert [record.iteration for record in solution.history] == [0, 1, 2, 3]
    assert solution.decrement == pytest.approx(1e-3)


def test_stops_at_the_limit_of_iterations():
    solution = minimize(falling(0.9), tol=1e-9, max_iter=5)
    assert solution.outcome is Outcome.MAX_ITER
    assert solution.n_iter == 5


def test_convergence_at_the_last_iteration_is_convergence():
    assert minimize(falling(), tol=2e-3, max_iter=3).outcome is Outcome.CONVERGED


def test_a_solver_that_ends_has_met_rounding():
    solution = minimize(iter([Iterate(point(1.0), 0.5)]), tol=1e-9, max_iter=5)
    assert solution.outcome is Outcome.ROUNDING


def test_a_solver_that_goes_round_has_met_rounding():
    def round_and_round():
        while True:
            yield Iterate(point(1.0), 0.5)

    solution = minimize(round_and_round(), tol=1e-9, max_iter=1000)
    assert solution.outcome is Outcome.ROUNDING
    assert solution.n_iter <= PATIENCE + 1


def test_a_slow_solver_is_not_taken_for_a_stalled_one():
    solution = minimize(falling(0.999), tol=0.5, max_iter=10_000)
    assert solution.outcome is Outcome.CONVERGED


def test_separation_is_seen_from_the_point():
    solution = minimize(falling(separates=True), tol=1e-9, max_iter=5)
    assert solution.outcome is Outcome.SEPARATED
    assert solution.n_iter == 0
    solution = minimize(falling(recedes=True), tol=1e-9, max_iter=50)
    assert solution.outcome is Outcome.SEPARATED
    assert solution.n_iter == 4  # the first below 1e-3, while the curvature can be seen


def test_an_estimate_is_proved_before_it_is_believed():
    asked = []

    def prove(tol):
        assert tol == 1e-3
        asked.append(len(asked))
        return 1e-2 if len(asked) == 1 else 1e-4

    iterates = (Iterate(point(1.0), decrement, prove) for decrement in (1.0, 1e-3, 1e-3))
    solution = minimize(iterates, tol=1e-3, max_iter=50)
    assert solution.outcome is Outcome.CONVERGED
    assert asked == [0, 1]  # not for the first, which was too far anyway
    assert solution.decrement == 1e-4
    assert solution.history[1].distance == 1e-2


def test_the_callback_sees_every_iteration_and_can_stop():
    seen = []

    def callback(point, record):
        seen.append(record.iteration)
        return record.iteration == 2

    solution = minimize(falling(), tol=1e-9, max_iter=50, callback=callback)
    assert solution.outcome is Outcome.INTERRUPTED
    assert seen == [0, 1, 2]

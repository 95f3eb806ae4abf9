"""What happens once an iteration: scikit-learn's callbacks (from 1.9 on) and `verbose`."""

import importlib.util
import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from logreg import ConvergenceWarning, LogisticRegression, Outcome

needs_callbacks = pytest.mark.skipif(
    importlib.util.find_spec("sklearn.callback") is None,
    reason="scikit-learn has callbacks from version 1.9 on",
)
SOLVERS = ["gd", "newton", "pgd"]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
Y = (X @ [1.0, -1.0, 0.5] + RNG.logistic(size=80) > 0).astype(int)
Y3 = RNG.integers(0, 3, 80)


class Recorder:
    """Writes down every call; `stop_at` ends the fit, `fail_at` raises there."""

    def __init__(self, stop_at=None, fail_at=None):
        self.calls, self.ended, self.models = [], [], []
        self.stop_at, self.fail_at = stop_at, fail_at

    def setup(self, estimator, context):
        self._called("setup")

    def teardown(self, estimator, context):
        self._called("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self._called(f"begin {context.task_name}")

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self._called(f"end {context.task_name}")
        if context.task_name == "iteration" and fitted_estimator is not None:
            self.ended.append((context.task_id, X, y, metadata))
            self.models.append(fitted_estimator)
        return context.task_name == "iteration" and len(self.ended) - 1 == self.stop_at

    def _called(self, what):
        self.calls.append(what)
        if what == self.fail_at:
            raise RuntimeError(f"failed at {what}")


def fit_with(*callbacks, y=Y, sample_weight=None, **parameters):
    return LogisticRegression(**parameters).set_callbacks(*callbacks).fit(X, y, sample_weight)


# -- scikit-learn's callbacks ----------------------------------------------------------------------


@needs_callbacks
@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_one_call_an_iteration(solver, y):
    recorder = Recorder()
    model = fit_with(recorder, y=y, solver=solver)
    assert model.outcome_ is Outcome.CONVERGED
    assert model.n_iter_[0] > 1
    # the start counts as iteration 0
    assert [task_id for task_id, *_ in recorder.ended] == list(range(model.n_iter_[0] + 1))
    assert len(model.history_) == len(recorder.ended)


@needs_callbacks
def test_every_task_that_begins_ends():
    recorder = Recorder()
    fit_with(recorder)
    calls = recorder.calls
    assert calls[0] == "setup"
    assert calls[1] == "begin fit"
    assert calls[-2:] == ["end fit", "teardown"]
    assert calls.count("begin iteration") == calls.count("end iteration")
    inside = calls[2:-2]
    assert inside == ["begin iteration", "end iteration"] * (len(inside) // 2)


@needs_callbacks
@pytest.mark.parametrize("y", [Y, Y3], ids=["binary", "multinomial"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_each_iteration_gives_an_estimator_that_predicts(solver, y):
    recorder = Recorder()
    model = fit_with(recorder, y=y, solver=solver)
    history = model.history_
    for fitted, objective in zip(recorder.models, history["objective"], strict=True):
        p = fitted.predict_proba(X)
        assert p.shape == (80, len(np.unique(y)))
        assert 0 <= fitted.score(X, y) <= 1
        # it is the iterate that the history tells of: F = log loss + ridge (C = 1)
        w = fitted.coef_ if len(np.unique(y)) > 2 else fitted.coef_[0]
        F = -np.log(p[np.arange(80), y]).sum() + 0.5 * (w**2).sum()
        assert_allclose(F, objective, rtol=1e-12)
    assert_array_equal(recorder.models[-1].coef_, model.coef_)


@needs_callbacks
def test_callbacks_get_the_data():
    recorder = Recorder()
    weight = np.linspace(0.5, 2, 80)
    fit_with(recorder, sample_weight=weight)
    for _, features, labels, metadata in recorder.ended:
        assert features is X
        assert labels is Y
        assert metadata["sample_weight"] is weight


@needs_callbacks
def test_a_callback_changes_nothing_in_the_answer():
    plain = LogisticRegression().fit(X, Y)
    watched = fit_with(Recorder())
    assert_array_equal(watched.coef_, plain.coef_)
    extra = vars(watched).keys() - vars(plain).keys()
    assert extra == {"_skl_callbacks"}  # set_callbacks put it there; nothing of the fit is left


@needs_callbacks
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("at", [0, 1])
def test_a_callback_stops_the_fit(solver, at):
    recorder = Recorder(stop_at=at)
    model = fit_with(recorder, solver=solver)  # without a warning: it was asked for
    assert model.outcome_ is Outcome.INTERRUPTED
    assert_array_equal(model.n_iter_, [at])
    assert len(recorder.ended) == at + 1
    assert recorder.calls[-2:] == ["end fit", "teardown"]
    assert np.isfinite(model.coef_).all()
    assert_array_equal(model.coef_, recorder.models[-1].coef_)
    assert model.predict_proba(X).shape == (80, 2)
    assert model.gap_ > 1e-10


@needs_callbacks
def test_a_stop_at_the_optimum_is_still_converged():
    last = LogisticRegression().fit(X, Y).n_iter_[0]
    assert fit_with(Recorder(stop_at=last)).outcome_ is Outcome.CONVERGED


@needs_callbacks
def test_either_of_two_callbacks_can_stop():
    first, second = Recorder(), Recorder(stop_at=1)
    assert fit_with(first, second).outcome_ is Outcome.INTERRUPTED
    assert len(first.ended) == len(second.ended) == 2


@needs_callbacks
def test_the_iteration_limit_fits_the_tasks():
    recorder = Recorder()
    with pytest.warns(ConvergenceWarning, match="after 2 iterations"):
        model = fit_with(recorder, max_iter=2)
    assert len(recorder.ended) == 3
    assert model.n_iter_[0] == 2


PLACES = ["setup", "begin fit", "begin iteration", "end iteration", "end fit", "teardown"]


@needs_callbacks
@pytest.mark.parametrize("place", PLACES)
def test_a_callback_that_raises_leaves_the_fitted_estimator_unchanged(place):
    model = LogisticRegression().fit(X, Y)
    before = dict(vars(model))
    recorder = Recorder(fail_at=place)
    model.set_callbacks(recorder)
    with pytest.raises(RuntimeError, match=f"failed at {place}"):
        model.fit(X, Y3)
    assert recorder.calls.count("teardown") == 1
    assert recorder.calls[-1] == "teardown"
    model.set_callbacks()
    if place == "teardown":  # it comes after the fit, whose result is kept
        assert_array_equal(model.classes_, [0, 1, 2])
        return
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is before[name] for name in before)


@needs_callbacks
def test_a_callback_that_raises_leaves_an_unfitted_estimator_unfitted():
    model = LogisticRegression().set_callbacks(Recorder(fail_at="end iteration"))
    with pytest.raises(RuntimeError, match="failed at end iteration"):
        model.fit(X, Y)
    assert vars(model.set_callbacks()) == vars(LogisticRegression())


@needs_callbacks
def test_teardown_is_called_after_bad_input_too():
    recorder = Recorder()
    model = LogisticRegression().set_callbacks(recorder)
    with pytest.raises(ValueError, match="one class"):
        model.fit(X, np.zeros(80, int))
    assert recorder.calls in ([], ["setup", "teardown"])  # if it was set up, it was torn down


@needs_callbacks
def test_what_is_not_a_callback_is_refused():
    with pytest.raises(TypeError, match="FitCallback protocol"):
        LogisticRegression().set_callbacks(print)


@needs_callbacks
def test_progress_bar(monkeypatch):
    rich = pytest.importorskip("rich", reason="scikit-learn's ProgressBar needs rich")
    from sklearn.callback import ProgressBar

    assert rich is not None
    console = importlib.import_module("rich.console")
    screen = io.StringIO()
    monkeypatch.setattr(
        importlib.import_module("rich.progress"),
        "get_console",
        lambda: console.Console(file=screen, width=100),
    )
    model = fit_with(ProgressBar())
    assert model.outcome_ is Outcome.CONVERGED
    assert "LogisticRegression - fit" in screen.getvalue()
    assert "100%" in screen.getvalue()


@needs_callbacks
def test_scoring_monitor():
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="neg_log_loss")
    model = fit_with(monitor)
    frame = monitor.get_logs().data_as_pandas
    scores = frame["neg_log_loss"].dropna().to_numpy()
    assert len(scores) >= model.n_iter_[0] + 1
    assert -np.log(2) < scores.min() < -0.65  # the start: no weights, the best intercept
    assert scores.max() > -0.6


@needs_callbacks
def test_callbacks_reach_through_a_grid_search():
    from sklearn.model_selection import GridSearchCV

    class Propagated(Recorder):
        max_propagation_depth = None

    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    if not hasattr(search, "set_callbacks"):
        pytest.skip("this scikit-learn's GridSearchCV takes no callbacks")
    recorder = Propagated()
    search.set_callbacks(recorder).fit(X, Y)
    fits = 2 * 2 + 1
    zeros = [task_id for task_id, *_ in recorder.ended].count(0)
    assert zeros == fits  # one iteration 0 a fit
    assert recorder.calls.count("setup") == recorder.calls.count("teardown") == 1


def test_without_callbacks_set_nothing_is_told(monkeypatch):
    from logreg.callbacks import FitTasks

    tasks = FitTasks(LogisticRegression(), 10, X, Y, None)
    assert not tasks.active
    assert tasks.iteration_ended(lambda: pytest.fail("computed for nobody")) is False
    assert tasks.fit_ended(lambda: pytest.fail("computed for nobody")) is None


# -- verbose ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_verbose_prints_a_line_an_iteration(solver, capsys):
    model = LogisticRegression(solver=solver, verbose=1).fit(X, Y)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "iteration"
    for word in ("objective", "std. errors", "passes", "seconds"):
        assert word in head
    assert [int(line.split()[0]) for line in lines] == list(range(model.n_iter_[0] + 1))
    assert_allclose([float(line.split()[1]) for line in lines], model.history_["objective"], 1e-8)
    assert float(lines[-1].split()[2]) <= model.tol


def test_quiet_by_default(capsys):
    LogisticRegression().fit(X, Y)
    out = capsys.readouterr()
    assert out.out == out.err == ""


@needs_callbacks
def test_verbose_and_a_callback_together(capsys):
    recorder = Recorder(stop_at=1)
    model = fit_with(recorder, verbose=2)
    assert model.outcome_ is Outcome.INTERRUPTED
    assert len(capsys.readouterr().out.splitlines()) == 1 + 2

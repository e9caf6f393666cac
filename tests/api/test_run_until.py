"""Iterations end at the target or the budget, resume after an interruption, and train nothing twice."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from scaling import api
from scaling.config import CellRun, load_study
from scaling.errors import FitError, UsageError
from scaling.fit import Quantity
from scaling.fit.quantity import require_floored_law
from scaling.plan.packs import make_packs
from scaling.plan.speed_file import default_speed
from scaling.plan.time_estimate import pack_seconds, training_seconds
from scaling.sweep.in_process import InProcessExecutor
from tests.api.simulated_training import STUDY, TWO

TARGET, NARROW_TARGET = 0.03, 0.02
"""Half widths that one further iteration reaches, and that take several iterations with new widths."""


@pytest.fixture
def run_until(training, workspace):
    """Function that runs a study until a target, and returns the result and all iterations."""

    def run(config, half_width: float = TARGET, **target) -> tuple[api.SequentialResult, list[api.Iteration]]:
        iterations: list[api.Iteration] = []
        result = api.run_until(
            config,
            api.Target(half_width=half_width, **target),
            workspace,
            in_process=True,
            on_iteration=iterations.append,
        )
        return result, iterations

    return run


@pytest.mark.simulation
@pytest.mark.parametrize("text", [STUDY, TWO], ids=["one curve", "two curves"])
def test_iterations_grow_the_study_until_every_interval_is_within_the_target(
    run_until, study, workspace, text
):
    config = study(text)
    result, iterations = run_until(config)
    assert len(iterations) > 1
    assert [iteration.number for iteration in iterations] == list(range(len(iterations)))
    assert result.last is iterations[-1]
    assert result.last.suggestion.is_reached
    for fit in api.fit(str(result.study), workspace):
        assert Quantity.parse("prediction@2x", 12.0).half_width(require_floored_law(fit)) <= TARGET
    assert not any(iteration.suggestion.is_reached for iteration in iterations[:-1])
    # The grown study contains all trained runs.
    assert result.study == workspace.artifacts / "grown" / "until.yaml"
    assert api.plan(result.study, workspace).new == 0
    grown = {run.id for _, run in load_study(result.study, data=workspace.data).runs()}
    assert grown == workspace.stores().ids()
    assert grown > {run.id for _, run in load_study(config, data=workspace.data).runs()}


def test_all_iterations_share_one_start_of_ray(training, study, workspace, tmp_path, monkeypatch):
    """A stand-in for Ray, whose executors train in this process."""
    starts, trained = [], []

    @contextmanager
    def session(address, workers):
        starts.append(workers)
        yield tmp_path

    def run_in_process(executor, packs, on_progress, **_):
        InProcessExecutor(executor.config).run(packs, on_progress)

    monkeypatch.setattr("scaling.sweep.ray_session.ray_session", session)
    monkeypatch.setattr("scaling.sweep.ray_tune.RayTuneExecutor.run", run_in_process)
    api.run_until(
        study(STUDY + "resources: {engine: ray, workers: 1}\n"),
        api.Target(half_width=TARGET),
        workspace,
        quiet=True,
        on_iteration=lambda iteration: trained.append(iteration.outcome.trained),
    )
    assert len(trained) > 1
    assert all(trained)
    assert starts == [1]


def test_the_same_command_repeats_the_iterations_and_trains_nothing(run_until, study, training):
    config = study()
    first, iterations = run_until(config)
    asked = training.attempts.total()
    second, again = run_until(config)
    assert training.attempts.total() == asked
    assert [iteration.outcome.trained for iteration in again] == [0] * len(iterations)
    assert [iteration.suggestion.core_s for iteration in again] == [
        iteration.suggestion.core_s for iteration in iterations
    ]
    assert second.study.read_text() == first.study.read_text()


@pytest.mark.simulation
def test_an_interruption_keeps_all_finished_runs(run_until, study, training, workspace, tmp_path):
    """Interrupted anywhere, the iterations end at the same study as without, and no pack is trained twice."""
    config = study()
    whole, iterations = run_until(config, NARROW_TARGET)
    assert len(iterations) > 2
    target = api.Target(half_width=NARROW_TARGET)
    text, packs = whole.study.read_text(), training.attempts.total()
    for stop in (1, packs // 2, packs):
        training.attempts.clear()
        other = api.Workspace(
            store=str(tmp_path / f"store{stop}"), data=tmp_path, artifacts=tmp_path / f"artifacts{stop}"
        )

        def interrupted(pack, attempt, stop=stop):
            return KeyboardInterrupt() if training.attempts.total() == stop else None

        training.failing = interrupted
        with pytest.raises(KeyboardInterrupt):
            api.run_until(config, target, other, in_process=True)
        training.failing = lambda pack, attempt: None
        assert api.run_until(config, target, other, in_process=True).study.read_text() == text
        assert training.attempts.total() == packs + 1  # the one that was interrupted


def test_the_budget_counts_recorded_time_and_ends_the_iterations(run_until, study, workspace):
    config = study()
    _, iterations = run_until(config, 0.005, budget_s=60.0)
    assert not iterations[-1].suggestion.is_reached
    written = {run.id for _, run in load_study(config, data=workspace.data).runs()}
    rows = workspace.stores().runs().to_pylist()
    # A plain loop: iteration of the eight runs of a pack stores the time of the pack.
    assert iterations[-1].extra_s == pytest.approx(
        sum(row["wall_s"] / 8 for row in rows if row["id"] not in written)
    )
    assert iterations[0].extra_s == 0
    assert [iteration.extra_s for iteration in iterations] == sorted(
        iteration.extra_s for iteration in iterations
    )


def test_a_tiny_budget_trains_only_the_study_as_written(run_until, study, workspace):
    config = study()
    result, iterations = run_until(config, 0.001, budget_s=1e-6)
    assert len(iterations) == 1
    assert not result.last.suggestion.is_reached
    assert workspace.stores().ids() == {run.id for _, run in load_study(config, data=workspace.data).runs()}


@pytest.mark.simulation
def test_an_iteration_costs_at_most_about_as_much_as_all_before_it(run_until, study):
    _, iterations = run_until(study(), 0.01)
    for iteration in iterations[:-1]:
        plan = iteration.suggestion.plan
        known_s = sum(
            pack.cell.architecture.filters for pack in make_packs(plan.wanted)
        )  # the simulation takes a second for iteration filter
        paced = (
            (curve.time_ratio, cell) for curve in iteration.suggestion.curves for cell in curve.candidates
        )
        dearest_s = max(
            pace * pack_seconds(make_packs([CellRun(cell, cell.run(0))])[0], plan.speed)
            for pace, cell in paced
        )
        assert 0 < iteration.suggestion.core_s < known_s + dearest_s


def test_recorded_times_correct_the_estimates(run_until, study, training):
    """Packs take 400 times as long as estimated. Without a correction, one would exceed each budget."""
    speed = default_speed()
    training.wall_s = lambda pack: 400 * training_seconds(pack.cell, pack.size, speed)
    for budget_s in (60.0, 120.0):
        result, iterations = run_until(study(), 0.001, budget_s=budget_s)
        (curve,) = iterations[0].suggestion.curves
        assert curve.time_ratio == pytest.approx(400)
        assert 0 < result.last.extra_s <= budget_s


def test_a_failed_pack_ends_the_iterations(run_until, study, training):
    training.failing = lambda pack, attempt: (
        RuntimeError("no luck") if pack.cell.architecture.filters == 3 else None
    )
    result, iterations = run_until(study())
    assert len(iterations) == 1
    assert result.last.suggestion is None
    assert result.last.outcome.missing == 8


def test_the_target_stays_at_twice_the_widest_network_as_written(run_until, study, workspace):
    result, _ = run_until(study(), NARROW_TARGET)
    cells = load_study(result.study, data=workspace.data).cells
    assert 12 < max(cell.architecture.filters for cell in cells) <= 48
    with pytest.raises(
        UsageError, match=r"until\.yaml: this file is where the extended study is written; copy it"
    ):
        api.run_until(result.study, api.Target(half_width=TARGET), workspace, in_process=True)


def test_a_study_that_cannot_grow_is_refused_before_training(run_until, study, training):
    with pytest.raises(UsageError, match=r"dataset\.train_images has several values"):
        run_until(study(STUDY.replace("size: 50", "size: 50, train_images: [25, 50]")))
    assert not training.attempts


def test_the_widths_and_seeds_that_a_law_needs_are_trained_first(run_until, study, workspace):
    config = study(STUDY.replace("[1, 2, 3, 4, 6, 12]", "[2, 3, 6]").replace("seeds: 8", "seeds: 2"))
    result, iterations = run_until(config, 0.2)
    assert not iterations[0].suggestion.curves[0].has_law
    assert iterations[-1].suggestion.is_reached
    cells = load_study(result.study, data=workspace.data).cells
    widths = [cell.architecture.filters for cell in cells]
    assert len(widths) >= 6
    assert max(widths) >= 10 * min(widths)
    assert min(cell.seeds for cell in cells) >= 4


def test_widths_that_cannot_grow_are_trained_and_then_reported(run_until, study):
    two = "filters: 1, recipe: {learning_rate: 0.1}}\n  - {type: tree3, rows: 1, branches: 2, filters: 2"
    with pytest.raises(FitError, match="only 2 sizes from 1 to 2 can be trained; first train"):
        run_until(study(STUDY.replace("filters: [1, 2, 3, 4, 6, 12]", two)))

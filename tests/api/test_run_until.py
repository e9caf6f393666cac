"""Rounds: they end at the target or the budget, go on where they were, and train nothing twice."""

from __future__ import annotations

import pytest

from scaling import api
from scaling.config import load_study
from scaling.errors import FitError, UsageError
from scaling.fit import Quantity
from scaling.fit.quantity import require_floored_law
from scaling.plan.packs import make_packs
from scaling.plan.time_estimate import pack_seconds, training_seconds
from tests.api.simulated_training import STUDY, TWO

TARGET = 0.02


@pytest.fixture
def rounds(training, workspace):
    """Runs a study until a target, and collects the rounds."""

    def go(config, target: float = TARGET, **aim) -> tuple[api.SequentialResult, list[api.Iteration]]:
        told: list[api.Iteration] = []
        made = api.run_until(
            config, api.Target(half_width=target, **aim), workspace, in_process=True, on_iteration=told.append
        )
        return made, told

    return go


@pytest.mark.simulation
@pytest.mark.parametrize("text", [STUDY, TWO], ids=["one curve", "two curves"])
def test_rounds_end_when_every_interval_is_within_the_target(rounds, study, workspace, text):
    made, told = rounds(study(text))
    assert len(told) > 1
    assert [each.number for each in told] == list(range(len(told)))
    assert made.last is told[-1]
    assert made.last.suggestion.is_reached
    for fit in api.fit(str(made.study), workspace):
        assert Quantity.parse("prediction@2x", 12.0).half_width(require_floored_law(fit)) <= TARGET
    assert not any(each.suggestion.is_reached for each in told[:-1])


@pytest.mark.simulation
def test_the_grown_study_is_a_study_of_all_that_was_trained(rounds, study, workspace):
    config = study(TWO)
    made, _ = rounds(config)
    assert made.study == workspace.artifacts / "grown" / "until.yaml"
    assert api.plan(made.study, workspace).new == 0
    grown = {run.id for _, run in load_study(made.study, data=workspace.data).runs()}
    assert grown == workspace.stores().ids()
    assert grown > {run.id for _, run in load_study(config, data=workspace.data).runs()}


def test_the_same_command_again_goes_the_same_way_and_trains_nothing(rounds, study, training):
    config = study()
    first, told = rounds(config)
    asked = training.attempts.total()
    second, again = rounds(config)
    assert training.attempts.total() == asked
    assert [each.outcome.trained for each in again] == [0] * len(told)
    assert [each.suggestion.core_s for each in again] == [each.suggestion.core_s for each in told]
    assert second.study.read_text() == first.study.read_text()


@pytest.mark.simulation
def test_an_interruption_costs_nothing_that_was_finished(rounds, study, training, workspace, tmp_path):
    """Interrupted anywhere, rounds end at the same study as without, and no pack is trained twice."""
    config = study()
    whole, _ = rounds(config)
    text, packs = whole.study.read_text(), training.attempts.total()
    for stop in range(1, packs, 7):
        training.attempts.clear()
        other = api.Workspace(
            store=str(tmp_path / f"store{stop}"), data=tmp_path, artifacts=tmp_path / f"artifacts{stop}"
        )

        def interrupted(pack, attempt, stop=stop):
            return KeyboardInterrupt() if training.attempts.total() == stop else None

        training.failing = interrupted
        with pytest.raises(KeyboardInterrupt):
            api.run_until(config, api.Target(half_width=TARGET), other, in_process=True)
        training.failing = lambda pack, attempt: None
        assert (
            api.run_until(config, api.Target(half_width=TARGET), other, in_process=True).study.read_text()
            == text
        )
        assert training.attempts.total() == packs + 1  # the one that was interrupted


def test_a_budget_counts_what_was_recorded_and_ends_the_rounds(rounds, study, workspace):
    config = study()
    _, told = rounds(config, 0.005, budget_s=60.0)
    assert not told[-1].suggestion.is_reached
    written = {run.id for _, run in load_study(config, data=workspace.data).runs()}
    rows = workspace.stores().runs().to_pylist()
    # By a plain loop: eight runs of a pack have its time each.
    assert told[-1].extra_s == pytest.approx(
        sum(row["wall_s"] / 8 for row in rows if row["id"] not in written)
    )
    assert told[0].extra_s == 0
    assert [each.extra_s for each in told] == sorted(each.extra_s for each in told)


def test_a_budget_of_next_to_nothing_trains_the_study_as_it_is_written(rounds, study, workspace):
    config = study()
    made, told = rounds(config, 0.001, budget_s=1e-6)
    assert len(told) == 1
    assert not made.last.suggestion.is_reached
    assert workspace.stores().ids() == {run.id for _, run in load_study(config, data=workspace.data).runs()}


@pytest.mark.simulation
def test_a_round_costs_about_as_much_as_all_before_it(rounds, study):
    _, told = rounds(study(), 0.01)
    for each in told[:-1]:
        plan = each.suggestion.plan
        known_s = sum(
            made.cell.architecture.filters for made in make_packs(plan.wanted)
        )  # as the stand-in takes a second a filter
        paced = ((curve.time_ratio, cell) for curve in each.suggestion.curves for cell in curve.candidates)
        dearest_s = max(
            pace * pack_seconds(make_packs([(cell, cell.run(0))])[0], plan.speed) for pace, cell in paced
        )
        assert 0 < each.suggestion.core_s < known_s + dearest_s


def test_what_runs_have_taken_corrects_what_further_ones_are_said_to_take(rounds, study):
    """Estimates of so small a study are off by orders of magnitude: an uncorrected one would use up any budget at once, and pass it."""
    for budget_s in (30.0, 60.0, 120.0):
        made, told = rounds(study(), 0.001, budget_s=budget_s)
        plan, (curve,) = told[0].suggestion.plan, told[0].suggestion.curves
        estimated_s = sum(
            training_seconds(each.cell, each.size, plan.speed) for each in make_packs(plan.wanted)
        )
        assert curve.time_ratio == pytest.approx(
            28 / estimated_s
        )  # a pack of each of 1, 2, 3, 4, 6 and 12 filters
        assert budget_s / 2 < made.last.extra_s <= 1.5 * budget_s


def test_a_pack_that_fails_ends_the_rounds(rounds, study, training):
    training.failing = lambda pack, attempt: (
        RuntimeError("no luck") if pack.cell.architecture.filters == 3 else None
    )
    made, told = rounds(study())
    assert len(told) == 1
    assert made.last.suggestion is None
    assert made.last.outcome.missing == 8


def test_the_target_stays_at_twice_the_widest_of_the_study_as_written(rounds, study, workspace):
    made, _ = rounds(study())
    assert max(cell.architecture.filters for cell in load_study(made.study, data=workspace.data).cells) <= 48
    with pytest.raises(
        UsageError, match=r"until\.yaml: is the file of the grown study, which would be overwritten; copy it"
    ):
        api.run_until(made.study, api.Target(half_width=TARGET), workspace, in_process=True)


def test_a_study_that_cannot_grow_is_refused_before_anything_is_trained(rounds, study, training):
    with pytest.raises(UsageError, match=r"dataset\.train_images is a grid"):
        rounds(study(STUDY.replace("size: 50", "size: 50, train_images: [25, 50]")))
    assert not training.attempts


def test_too_few_widths_are_trained_and_then_it_is_said_what_is_missing(rounds, study):
    with pytest.raises(FitError, match="train at least 6 sizes"):
        rounds(study(STUDY.replace("[1, 2, 3, 4, 6, 12]", "[1, 2]")))

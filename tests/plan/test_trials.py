"""Trials: each pack is in one trial, and trials are long enough but not too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.architectures import Tree3
from scaling.config import CellRun
from scaling.plan.packs import make_packs
from scaling.plan.time_estimate import pack_seconds
from scaling.plan.trials import MAX_TRIAL_S, MIN_TRIALS_PER_WORKER, make_trials
from tests.plan.example_cells import cell, distinct_runs
from tests.plan.example_speed import speed

CELLS = [cell(filters, epochs=epochs) for filters in (1, 6, 40) for epochs in (1, 8)] + [
    cell(Tree3(filters=6, rows=4), epochs=2)
]

SPEED = speed()
runs = distinct_runs(CELLS, seeds=32)


def costs(packs) -> list[float]:
    return [pack_seconds(p, SPEED) for p in packs]


@pytest.mark.simulation
@given(runs, st.integers(1, 64))
def test_every_pack_is_in_exactly_one_trial_and_the_longest_come_first(runs, workers):
    packs = make_packs(runs)
    trials = make_trials(packs, workers=workers, speed=SPEED)
    assert all(trials)
    assert sorted(p.key for trial in trials for p in trial) == sorted(p.key for p in packs)
    times = [pack_seconds(p, SPEED) for trial in trials for p in trial]
    assert times == sorted(times, reverse=True)


@pytest.mark.simulation
@given(runs, st.integers(1, 64))
def test_a_trial_of_several_packs_has_the_target_length(runs, workers):
    """Every trial except the last reaches the target, and no trial would reach it without its last pack."""
    packs = make_packs(runs)
    target = min(MAX_TRIAL_S, sum(costs(packs)) / (workers * MIN_TRIALS_PER_WORKER))
    trials = make_trials(packs, workers=workers, speed=SPEED)
    assert all(sum(costs(trial[:-1])) < target for trial in trials)
    assert all(sum(costs(trial)) >= target for trial in trials[:-1])


@given(runs, st.integers(1, 8))
def test_trials_do_not_depend_on_the_order_of_the_packs(runs, workers):
    packs = make_packs(runs)
    assert make_trials(packs[::-1], workers=workers, speed=SPEED) == make_trials(
        packs, workers=workers, speed=SPEED
    )


def test_short_packs_share_a_trial_and_long_packs_do_not():
    tiny = [cell(1, epochs=1, learning_rate=0.01 * (1 + i)) for i in range(100)]
    packs = make_packs(CellRun(c, c.run(0)) for c in tiny)
    assert len(packs) == 100
    assert len(make_trials(packs, workers=1, speed=SPEED)) <= 100 / 5
    long = [cell(40, epochs=100, learning_rate=0.01 * (1 + i)) for i in range(5)]
    assert [
        len(trial)
        for trial in make_trials(make_packs(CellRun(c, c.run(0)) for c in long), workers=1, speed=SPEED)
    ] == [1] * 5

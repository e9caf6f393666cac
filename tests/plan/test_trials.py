from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.architectures import Tree3
from scaling.plan.packs import make_packs
from scaling.plan.time_estimate import pack_seconds
from scaling.plan.trials import MAX_TRIAL_S, MIN_TRIALS_PER_WORKER, make_trials
from tests.plan.planned_cells import cell, chosen
from tests.plan.planted_speed import speed

CELLS = [cell(filters, epochs=epochs) for filters in (1, 6, 40) for epochs in (1, 8)] + [
    cell(Tree3(filters=6, rows=4), epochs=2)
]

SPEED = speed()
runs = chosen(CELLS, seeds=32)


def costs(packs) -> list[float]:
    return [pack_seconds(p, SPEED) for p in packs]


@pytest.mark.simulation
@given(runs, st.integers(1, 64))
def test_every_pack_is_in_exactly_one_batch_and_the_longest_come_first(runs, workers):
    packs = make_packs(runs)
    made = make_trials(packs, workers=workers, speed=SPEED)
    assert all(made)
    assert sorted(p.key for batch in made for p in batch) == sorted(p.key for p in packs)
    times = [pack_seconds(p, SPEED) for batch in made for p in batch]
    assert times == sorted(times, reverse=True)


@pytest.mark.simulation
@given(runs, st.integers(1, 64))
def test_a_batch_of_several_packs_is_full_and_no_fuller(runs, workers):
    """Without its last pack a batch is below the target, and every batch but the last one reaches it."""
    packs = make_packs(runs)
    target = min(MAX_TRIAL_S, sum(costs(packs)) / (workers * MIN_TRIALS_PER_WORKER))
    made = make_trials(packs, workers=workers, speed=SPEED)
    assert all(sum(costs(batch[:-1])) < target for batch in made)
    assert all(sum(costs(batch)) >= target for batch in made[:-1])


@given(runs, st.integers(1, 8))
def test_batches_do_not_depend_on_the_order_of_the_packs(runs, workers):
    packs = make_packs(runs)
    assert make_trials(packs[::-1], workers=workers, speed=SPEED) == make_trials(
        packs, workers=workers, speed=SPEED
    )


def test_tiny_packs_share_a_batch_and_long_ones_do_not():
    tiny = [cell(1, epochs=1, learning_rate=0.01 * (1 + i)) for i in range(100)]
    packs = make_packs((c, c.run(0)) for c in tiny)
    assert len(packs) == 100
    assert len(make_trials(packs, workers=1, speed=SPEED)) <= 100 / 5
    long = [cell(40, epochs=100, learning_rate=0.01 * (1 + i)) for i in range(5)]
    assert [
        len(batch) for batch in make_trials(make_packs((c, c.run(0)) for c in long), workers=1, speed=SPEED)
    ] == [1] * 5

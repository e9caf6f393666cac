"""Workers, wall time and memory of a sweep, compared with plain simulations."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.architectures import Tree3
from scaling.config import CellRun
from scaling.config.study import Resources
from scaling.plan import machine
from scaling.plan.memory import GIB, WORKER_BYTES, max_workers, memory_bytes, peak_bytes
from scaling.plan.packs import make_packs
from scaling.plan.sweep_schedule import make_schedule
from scaling.plan.time_estimate import pack_seconds
from scaling.plan.trials import make_trials, makespan
from tests.hypothesis_settings import examples
from tests.plan.example_cells import cell, distinct_runs
from tests.plan.example_speed import speed


@pytest.fixture(autouse=True, scope="module")
def _many_cpus():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "cpu_count", lambda: 8)
        yield


CELLS = [cell(filters) for filters in (1, 6, 40, 120)] + [cell(Tree3(filters=48, rows=4), batch_size=1000)]
runs_of_cells = distinct_runs(CELLS, seeds=16).filter(bool)


@given(st.lists(st.integers(0, 20), max_size=12), st.integers(1, 5))
def test_makespan_equals_a_simulation_tick_by_tick(durations, count):
    """At each tick, a free worker takes the next trial of nonzero duration."""
    waiting, remaining, ticks = [duration for duration in durations if duration], [0] * count, 0
    while waiting or any(remaining):
        for worker in range(count):
            if not remaining[worker] and waiting:
                remaining[worker] = waiting.pop(0)
        remaining = [max(0, duration - 1) for duration in remaining]
        ticks += 1
    assert makespan([float(duration) for duration in durations], workers=count) == ticks


@examples(40)
@given(runs_of_cells, st.integers(1, 3), st.floats(0.5, 6))
def test_workers_never_exceed_the_memory_with_any_packs(runs, cpus, gib):
    packs = make_packs(runs)
    count = max_workers(packs, gib * GIB, cpus)
    needs = [WORKER_BYTES + memory_bytes(p.cell) for p in packs]
    worst = {n: max(map(sum, combinations(needs, n)), default=0) for n in range(1, 5)}
    assert 1 <= count <= min(cpus, len(packs))
    assert peak_bytes(packs, count) == worst[count]
    assert worst[count] <= gib * GIB or count == 1
    assert count == min(cpus, len(packs)) or worst[count + 1] > gib * GIB


@examples(40)
@given(runs_of_cells, st.integers(1, 8))
def test_wall_time_is_within_grahams_bounds(runs, count):
    packs, machine_speed = make_packs(runs), speed()
    schedule = make_schedule(packs, Resources(workers=count, memory_gib=1000.0), speed=machine_speed)
    assert (schedule.workers, schedule.held_back) == (min(count, len(packs)), 0)
    work = sum(pack_seconds(p, machine_speed) for p in packs)
    trials = make_trials(packs, workers=schedule.workers, speed=machine_speed)
    longest = max(sum(pack_seconds(p, machine_speed) for p in trial) for trial in trials)
    # Graham's bound: a worker is idle only while the last trials end.
    tolerance = 1 + 1e-9  # rounding
    assert (
        max(work / schedule.workers, longest) <= (schedule.wall_s - machine_speed.sweep_start_s) * tolerance
    )
    assert schedule.wall_s - machine_speed.sweep_start_s <= (work / schedule.workers + longest) * tolerance


def test_short_memory_holds_workers_back():
    packs = make_packs(CellRun(example, example.run(seed)) for example in CELLS[:2] for seed in (0, 8))
    two = peak_bytes(packs, 2) / GIB
    schedule = make_schedule(packs, Resources(workers=4, memory_gib=two), speed=speed())
    assert (schedule.workers, schedule.held_back, schedule.peak_bytes) == (2, 2, peak_bytes(packs, 2))
    assert (
        schedule.wall_s > make_schedule(packs, Resources(workers=4, memory_gib=100.0), speed=speed()).wall_s
    )


def test_more_workers_than_cores_are_not_started(monkeypatch):
    packs = make_packs(CellRun(example, example.run(seed)) for example in CELLS for seed in (0, 8))
    monkeypatch.setattr(machine, "cpu_count", lambda: 2)
    asked, default = (
        make_schedule(packs, Resources(workers=workers, memory_gib=1000.0), speed=speed())
        for workers in (64, None)
    )
    assert (asked.workers, asked.beyond_cpus, default.beyond_cpus) == (2, len(packs) - 2, 0)
    assert (asked.wall_s, asked.peak_bytes) == (default.wall_s, default.peak_bytes)


def test_the_schedule_of_no_packs_is_empty():
    schedule = make_schedule((), Resources(), speed=speed())
    assert (schedule.workers, schedule.held_back, schedule.wall_s, schedule.peak_bytes) == (0, 0, 0.0, 0)


def test_the_machine_sets_the_default_limits(monkeypatch):
    packs = make_packs(CellRun(example, example.run(seed)) for example in CELLS for seed in (0, 8))
    monkeypatch.setattr(machine, "cpu_count", lambda: 3)
    monkeypatch.setattr(machine, "usable_memory", lambda: 1000.0 * GIB)
    assert make_schedule(packs, Resources(), speed=speed()).workers == 3
    monkeypatch.setattr(machine, "usable_memory", lambda: float(peak_bytes(packs, 2)))
    assert make_schedule(packs, Resources(), speed=speed()).workers == 2

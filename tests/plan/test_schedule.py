"""How many packs train at once, for how long and in how much memory, against plain simulations."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.architectures import Tree3
from scaling.config.study import Resources
from scaling.plan import machine
from scaling.plan.memory import GIB, WORKER_BYTES, max_workers, memory_bytes, peak_bytes
from scaling.plan.packs import make_packs
from scaling.plan.schedule import make_schedule
from scaling.plan.time_estimate import pack_seconds
from scaling.plan.trials import make_trials, makespan
from tests.hypothesis_settings import examples
from tests.plan.planned_cells import cell, chosen
from tests.plan.planted_speed import speed

CELLS = [cell(filters) for filters in (1, 6, 40, 120)] + [cell(Tree3(filters=48, rows=4), batch_size=1000)]
some = chosen(CELLS, seeds=16).filter(bool)


@given(st.lists(st.integers(0, 20), max_size=12), st.integers(1, 5))
def test_makespan_is_what_a_clock_tick_by_tick_shows(times, count):
    """Workers look at each tick whether they are free, and take the next batch that takes any time."""
    waiting, left, ticks = [time for time in times if time], [0] * count, 0
    while waiting or any(left):
        for worker in range(count):
            if not left[worker] and waiting:
                left[worker] = waiting.pop(0)
        left = [max(0, time - 1) for time in left]
        ticks += 1
    assert makespan([float(time) for time in times], workers=count) == ticks


@examples(40)
@given(some, st.integers(1, 3), st.floats(0.5, 6))
def test_workers_never_exceed_the_memory_whichever_packs_they_get(runs, cpus, gib):
    packs = make_packs(runs)
    count = max_workers(packs, gib * GIB, cpus)
    needs = [WORKER_BYTES + memory_bytes(p.cell) for p in packs]
    worst = {n: max(map(sum, combinations(needs, n)), default=0) for n in range(1, 5)}
    assert 1 <= count <= min(cpus, len(packs))
    assert peak_bytes(packs, count) == worst[count]
    assert worst[count] <= gib * GIB or count == 1
    more = count + 1
    assert more > min(cpus, len(packs)) or worst[more] > gib * GIB


@examples(40)
@given(some, st.integers(1, 8))
def test_a_placement_adds_up(runs, count):
    packs, known = make_packs(runs), speed()
    made = make_schedule(packs, Resources(workers=count, memory_gib=1000.0), speed=known)
    assert (made.workers, made.held_back) == (min(count, len(packs)), 0)
    work = sum(pack_seconds(p, known) for p in packs)
    longest = max(
        sum(pack_seconds(p, known) for p in batch)
        for batch in make_trials(packs, workers=made.workers, speed=known)
    )
    # Graham: a worker is idle only while the last make_trials end.
    tolerance = 1 + 1e-9  # of rounding
    assert max(work / made.workers, longest) <= (made.wall_s - known.sweep_start_s) * tolerance
    assert made.wall_s - known.sweep_start_s <= (work / made.workers + longest) * tolerance


def test_where_memory_is_short_fewer_workers_run_and_the_rest_is_told():
    packs = make_packs((mine, mine.run(seed)) for mine in CELLS[:2] for seed in (0, 8))
    two = peak_bytes(packs, 2) / GIB
    made = make_schedule(packs, Resources(workers=4, memory_gib=two), speed=speed())
    assert (made.workers, made.held_back, made.peak_bytes) == (2, 2, peak_bytes(packs, 2))
    assert made.wall_s > make_schedule(packs, Resources(workers=4, memory_gib=100.0), speed=speed()).wall_s


def test_nothing_to_do_takes_nothing():
    made = make_schedule((), Resources(), speed=speed())
    assert (made.workers, made.held_back, made.wall_s, made.peak_bytes) == (0, 0, 0.0, 0)


def test_the_machine_decides_where_the_study_does_not(monkeypatch):
    packs = make_packs((mine, mine.run(seed)) for mine in CELLS for seed in (0, 8))
    monkeypatch.setattr(machine, "cpu_count", lambda: 3)
    monkeypatch.setattr(machine, "usable_memory", lambda: 1000.0 * GIB)
    assert make_schedule(packs, Resources(), speed=speed()).workers == 3
    monkeypatch.setattr(machine, "usable_memory", lambda: float(peak_bytes(packs, 2)))
    assert make_schedule(packs, Resources(), speed=speed()).workers == 2


def test_a_containers_limit_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_CGROUP_MEMORY_MAX", tmp_path / "memory.max")
    free = machine.usable_memory()
    machine._CGROUP_MEMORY_MAX.write_text(f"{2**20}\n")
    assert machine.usable_memory() == pytest.approx(machine._MEMORY_SHARE * 2**20)
    machine._CGROUP_MEMORY_MAX.write_text("max\n")
    assert machine.usable_memory() == free

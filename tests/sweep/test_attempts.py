"""Attempts at packs whose workers die: alone, and then one network at a time if memory was short."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling.plan import Pack
from scaling.sweep.attempts import PackRecord, run_attempts
from scaling.sweep.executor import PackEvent
from tests.sweep.planted_training import packs, worker_config

RAY_MEMORY_TEXT = "1 worker(s) were killed due to the node running low on memory. Memory on the node"


@pytest.mark.parametrize("fits_one_by_one", [True, False])
def test_pack_whose_worker_is_killed_for_memory_is_tried_with_one_network_at_a_time(
    tmp_path, fits_one_by_one
):
    """The second of three packs needs too much memory, the third one crashes."""
    (healthy, large, crashing), events = packs(1, 2, 3, seeds=8), list[PackEvent]()
    record = PackRecord({pack.key: pack for pack in (healthy, large, crashing)}, events.append)
    tried: list[tuple[list[Pack], int | None]] = []

    def run_trials(trials, config, name):
        tried.append(([pack for trial in trials for pack in trial], config.max_replicas))
        for pack in tried[-1][0]:
            if pack is healthy or (pack is large and config.max_replicas == 1 and fits_one_by_one):
                record.report(PackEvent(key=pack.key, epoch=pack.cell.recipe.epochs))
            else:
                record.record_death([pack.key], RAY_MEMORY_TEXT if pack is large else "exit code 139")

    run_attempts([(healthy, large, crashing)], worker_config(tmp_path), record, run_trials)
    assert tried == [([healthy, large, crashing], None), ([large, crashing], None), ([large], 1)]
    failures = {event.key: event for event in events if event.failure}
    crash = failures.pop(crashing.key)
    assert crash.failure == "its worker failed twice"
    assert "exit code 139" in Path(crash.log).read_text()
    assert [event.failure.split(",")[0] for event in failures.values()] == (
        [] if fits_one_by_one else ["its worker was killed for want of memory"]
    )


def test_pack_that_the_kernel_may_have_killed_is_tried_with_one_network_at_a_time(tmp_path, monkeypatch):
    """The kernel does not say which process it killed: every pack whose worker died meanwhile counts."""
    kills = iter([3, 4])
    monkeypatch.setattr("scaling.sweep.attempts.count_kernel_kills", lambda: next(kills))
    (pack,), names = packs(1, seeds=8), list[tuple[str, int | None]]()
    record = PackRecord({pack.key: pack}, lambda event: None)
    run_attempts(
        [(pack,)],
        worker_config(tmp_path),
        record,
        lambda trials, config, name: names.append((name, config.max_replicas)),
    )
    assert names == [("trials", None), ("repeated", None), ("one_by_one", 1)]

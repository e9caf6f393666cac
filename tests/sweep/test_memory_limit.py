"""A pack that exceeds a real limit of the process's memory is split, and all of its runs are published."""

from __future__ import annotations

import resource
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest

from scaling.architectures import Tree3
from scaling.config import Recipe
from scaling.datasets import Synthetic
from scaling.plan.memory import memory_bytes
from scaling.store import open_store
from scaling.sweep.executor import PackEvent
from scaling.sweep.worker import process_packs
from tests.sweep.planted_training import ids, packs, worker_config

LARGE = packs(
    30,
    seeds=8,
    dataset=Synthetic(size=4000, test_size=50, side=10),
    architecture=partial(Tree3, branches=8, rows=1),
    recipe=Recipe(epochs=1, batch_size=4000, precision="fp32"),
)


def train_under_limit(folder: Path) -> None:
    process_packs(packs(1), worker_config(folder), print)  # loads libraries
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + memory_bytes(LARGE[0].cell) // 3
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    events: list[PackEvent] = []
    process_packs(LARGE, worker_config(folder), events.append)
    assert [(event.was_split, event.published) for event in events] == [(True, 8)]


@pytest.mark.slow
def test_pack_that_exceeds_the_limit_trains_in_smaller_groups(tmp_path):
    process = get_context("spawn").Process(target=train_under_limit, args=(tmp_path,))
    process.start()
    process.join()
    print((tmp_path / "logs" / f"{LARGE[0].key}.log").read_text())
    assert process.exitcode == 0
    runs = open_store(tmp_path / "store").runs()
    replicas = [
        count
        for run_id, count in zip(runs["id"].to_pylist(), runs["replicas"].to_pylist(), strict=True)
        if run_id in ids(LARGE)
    ]
    assert len(replicas) == 8
    assert set(replicas) < {1, 2, 4}

"""Search for a store with a similar name, among neighbours that are no stores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scaling.store import find_similar_store, open_store


def loop(runs: Path) -> None:
    runs.symlink_to(runs)


NEIGHBOURS = {"file": Path.touch, "pipe": os.mkfifo, "circular link": loop, "empty folder": Path.mkdir}


@pytest.mark.parametrize("plant", NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_neighbour_that_is_no_store_is_passed_over(tmp_path, plant):
    neighbour, other = tmp_path / "results1", tmp_path / "result"
    neighbour.mkdir()
    plant(neighbour / "runs")
    store = open_store(tmp_path / "results2")
    assert find_similar_store(store) is None
    (other / "runs").mkdir(parents=True)
    (other / "runs" / "a.parquet").touch()
    assert find_similar_store(store) == other

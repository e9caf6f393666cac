"""Tests of ``scaling status``."""

from __future__ import annotations

import json

import pytest

from scaling.plan import speed_file
from scaling.store import open_store


def test_status_counts_runs(scaling, study, store):
    result = scaling("status", study, "--store", store, "--set", "seeds=3")
    assert (result.code, result.err) == (0, "")
    assert result.out.count("2/3") == 5
    assert "10 of 15 runs done; diverged: 0 runs; " in result.out
    counted = json.loads(scaling("status", study, "--store", store, "--set", "seeds=3", "--json").out)
    assert {name: counted[name] for name in ("study", "wanted", "done", "diverged")} == {
        "study": "tiny",
        "wanted": 15,
        "done": 10,
        "diverged": 0,
    }
    assert counted["left_s"] > 0


def test_status_compares_estimated_with_actual_time(scaling, study, store):
    counted = json.loads(scaling("status", study, "--store", store, "--json").out)
    # By a plain loop: both runs of a pack have the pack's time.
    times = {row["filters"]: row["wall_s"] for row in open_store(store).runs().to_pylist()}
    assert {cell["filters"]: cell["actual_s"] for cell in counted["cells"]} == pytest.approx(times)
    assert counted["actual_s"] == pytest.approx(sum(times.values()))
    assert counted["estimated_s"] == pytest.approx(sum(cell["estimated_s"] for cell in counted["cells"]))
    # What is estimated for packs that are to be trained is that, and their starts.
    new = json.loads(scaling("status", study, "--store", "nowhere", "--json").out)
    assert (new["estimated_s"], new["actual_s"]) == (0, 0)
    assert new["left_s"] == pytest.approx(counted["estimated_s"] + 5 * speed_file.load_speed().pack_start_s)
    result = scaling("status", study, "--store", store)
    assert result.out.count("2/2") == 5
    assert f"({counted['actual_s'] / counted['estimated_s']:.2f} times)" in result.out
    assert "core time of the finished runs" not in scaling("status", study, "--store", "nowhere").out


def test_the_time_of_a_partly_wanted_pack_counts_once(scaling, study, store):
    """All of its replicas trained, whatever of them is asked for."""
    both, one = (
        json.loads(scaling("status", study, "--store", store, "--set", f"seeds={seeds}", "--json").out)
        for seeds in (2, 1)
    )
    assert (both["done"], one["done"]) == (10, 5)
    assert one["actual_s"] == pytest.approx(both["actual_s"])
    assert one["estimated_s"] == pytest.approx(both["estimated_s"])

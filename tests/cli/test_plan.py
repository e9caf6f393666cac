"""Tests of ``scaling plan``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from scaling.plan import machine, speed_file
from tests.cli.commands import PILOTS, plan_json


def own_study(folder) -> Path:
    """Write a study of the images in ``mine.npz``."""
    file = folder / "own.yaml"
    file.write_text(
        f"""\
study: own
dataset: {{type: npz, path: {folder / "mine.npz"}}}
architectures: [{{type: lenet5, filters: [1, 2]}}]
recipe: {{batch_size: 8}}
seeds: 2
"""
    )
    return file


def test_plan_prints_the_runs_to_do_and_trains_nothing(scaling, study, tmp_path):
    result = scaling("plan", study, "--store", tmp_path / "new")
    assert (result.code, result.err) == (0, "")
    assert "tiny: 10 runs to do, 0 done" in result.out
    assert "10 runs to do in 5 packs; about" in result.out
    assert result.out.count("tree3") == 5
    assert list(tmp_path.iterdir()) == []


def test_plan_prints_json(scaling, study, tmp_path):
    made = plan_json(scaling, study, "--store", tmp_path / "new")
    assert {name: made[name] for name in ("study", "wanted", "done", "new", "packs")} == {
        "study": "tiny",
        "wanted": 10,
        "done": 0,
        "new": 10,
        "packs": 5,
    }
    assert len({run["id"] for run in made["runs"]}) == 10
    assert not any(run["done"] for run in made["runs"])
    # 2 branches x filters x the 3x3 pooled map, 25 weights of each filter, and a readout of 2 branches
    # x 3 strips x 10 classes.
    assert [cell["parameters"] for cell in made["cells"]] == [
        2 * f * 9 + 25 * f + 60 for f in (1, 2, 3, 4, 6)
    ]
    assert sum(cell["core_s"] for cell in made["cells"]) == pytest.approx(made["core_s"])


def test_plan_shows_the_classes_of_a_file_whose_labels_have_gaps(scaling, tmp_path):
    rng = np.random.default_rng(0)
    arrays = {f"{split}_images": rng.integers(0, 256, (8, 28, 28), np.uint8) for split in ("train", "test")}
    labels = np.array([0, 255] * 4)
    np.savez(tmp_path / "mine.npz", **arrays, train_labels=labels, test_labels=labels)
    words = own_study(tmp_path), "--store", tmp_path / "new"
    assert (
        "mine: 2 classes, 8 training and 8 test images of 28x28 pixels with 1 channel;"
        " the labels 0, 255 of its file become the classes 0 to 1\n"
    ) in scaling("plan", *words).out
    (dataset,) = plan_json(scaling, *words)["datasets"]
    assert (dataset["classes"], dataset["labels"]) == (2, [0, 255])


def test_plan_prints_wall_time_and_memory_of_the_workers(scaling, study, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "cpu_count", lambda: 2)
    words = (study, "--store", tmp_path / "new")
    two, one, short = (
        plan_json(scaling, *words, "--set", f"resources={{{resources}}}")
        for resources in (
            "workers: 2, memory_gib: 100",
            "workers: 1, memory_gib: 100",
            "workers: 2, memory_gib: 1",
        )
    )
    assert [made["workers"] for made in (two, one, short)] == [2, 1, 1]
    assert short["wall_s"] == one["wall_s"] > two["wall_s"]
    assert one["core_s"] < one["wall_s"] < one["core_s"] + two["wall_s"]
    assert short["peak_bytes"] < 2**30 < two["peak_bytes"] < 100 * 2**30
    assert one["peak_bytes"] > max(cell["memory_bytes"] for cell in one["cells"])
    text = scaling("plan", *words, "--set", "resources={workers: 2, memory_gib: 1}").out
    assert "1 worker on this machine (no memory for 1 more: resources.memory_gib); about" in text
    assert f"at most {short['peak_bytes'] / 2**30:.2f} GiB of memory" in text


def test_estimates_use_the_measured_speed_of_this_machine(scaling, study, tmp_path, monkeypatch):
    monkeypatch.setattr(speed_file, "user_cache_path", lambda name: tmp_path / "cache")
    words = (study, "--store", tmp_path / "new")
    before = plan_json(scaling, *words)["core_s"]
    assert (
        f"estimated with the speed of {speed_file.default_speed().machine.processor}; to measure"
        in scaling("plan", *words).out
    )
    slower = speed_file.default_speed().model_copy(
        update={"pack_start_s": speed_file.default_speed().pack_start_s + 1000}
    )
    speed_file.write_speed(slower, speed_file.speed_path())
    assert plan_json(scaling, *words)["core_s"] == pytest.approx(before + 5 * 1000)
    assert (
        f"estimated with the speed of this machine, measured on {slower.machine.measured_at:%Y-%m-%d}"
        in scaling("plan", *words).out
    )
    speed_file.speed_path().write_text("{}")
    result = scaling("plan", *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(str(speed_file.speed_path()))
    assert result.err.endswith("measure again with: scaling bench\n")


def test_a_changed_recipe_makes_new_runs_and_changed_resources_do_not(scaling, study, store):
    assert plan_json(scaling, study, "--store", store, "--set", "recipe.epochs=3")["new"] == 10
    assert (
        plan_json(scaling, study, "--store", store, "--set", "resources.workers=7", "--set", "study=other")[
            "new"
        ]
        == 0
    )


def test_plan_and_status_count_the_runs_that_wait_for_pilots(scaling, study, tmp_path):
    words = (study, "--store", tmp_path / "new", *PILOTS)
    made = plan_json(scaling, *words)
    assert {name: made[name] for name in ("wanted", "new", "pending")} == {
        "wanted": 10,
        "new": 10,
        "pending": 10,
    }
    assert [(cell["pilots"], cell["pending"], cell["learning_rates"]) for cell in made["cells"]] == [
        (True, False, [0.1, 0.3]),
        (False, True, []),
    ] * 5
    assert sum(cell["core_s"] for cell in made["cells"]) == pytest.approx(made["core_s"])
    assert {run["pilot"] for run in made["runs"]} == {True}
    result = scaling("plan", *words)
    assert result.out.count("waits for pilots") == result.out.count("  pilots  ") == 5
    assert "pilot runs try 2 learning rates: 0.1, 0.3\n" in result.out
    assert (
        "10 runs to do in 5 packs; 10 more runs in 5 packs when pilots have chosen the learning rates"
        in result.out
    )
    counted = json.loads(scaling("status", *words, "--json").out)
    assert (counted["pending"], counted["left_s"]) == (10, pytest.approx(made["core_s"]))
    assert (
        "0 of 10 runs done; diverged: 0 runs; 10 more runs waiting for pilots"
        in scaling("status", *words).out
    )


def test_plan_names_the_seeds_that_cost_nothing(scaling, study):
    text = (
        "seeds train in blocks: for 5 networks, 2 seeds cost what 8 cost, so that seeds: 8 adds 30 runs"
        " at no cost\n"
    )
    two, eight = (scaling("plan", study, "--set", f"seeds={seeds}") for seeds in (2, 8))
    assert text in two.out
    assert "seeds train in blocks" not in eight.out
    plans = [plan_json(scaling, study, "--set", f"seeds={seeds}") for seeds in (2, 8)]
    assert plans[0]["core_s"] == plans[1]["core_s"]
    assert plans[0]["free_seeds"] == [{"seeds": 2, "same_cost": 8, "networks": 5}]
    assert plans[1]["free_seeds"] == []

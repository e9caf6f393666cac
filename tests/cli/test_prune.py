"""Tests of ``scaling prune`` on a network of one layer, which is trained and pruned once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import fmean

import pytest
import torch
from pyarrow import csv, parquet

from scaling import api
from scaling.api._load import load_runs
from scaling.cli import main
from scaling.config import Run
from scaling.config.pruning import METHODS
from scaling.models import named_weights
from scaling.models.feature_maps import load_network
from scaling.models.stored_weights import decode_weights
from scaling.settings import ImageShape
from scaling.store import open_store

STUDY = """\
study: tiny_pruning
dataset: {type: synthetic, size: 100, test_size: 50, side: 16, noise: 0.6}
architectures:
  - {type: net1_1989, filters: 1}
recipe: {epochs: 2, batch_size: 25, loss: mse, precision: fp32, learning_rate: 0.02}
seeds: 2
store: {weights: all}
"""
SIZES = (1285, 900)
PRUNING = ("--set", "pruning={parameters_left: 900, factor: 0.5, epochs: 1}", "--in-process")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("pruning") / "tiny.yaml"
    file.write_text(STUDY)
    return file


@pytest.fixture(scope="module")
def _trained(study) -> Path:
    store = study.parent / "trained"
    assert main(["run", str(study), "--in-process", "--store", str(store)]) == 0
    return store


@pytest.fixture(scope="module")
def _pruned(study, _trained) -> Path:
    store = Path(shutil.copytree(_trained, study.parent / "pruned"))
    folder = str(study.parent / "figures")
    assert main(["prune", str(study), *PRUNING, "--store", str(store), "--out", folder]) == 0
    return store


@pytest.fixture
def trained(_trained, tmp_path) -> Path:
    return Path(shutil.copytree(_trained, tmp_path / "trained"))


@pytest.fixture
def pruned(_pruned, tmp_path) -> Path:
    return Path(shutil.copytree(_pruned, tmp_path / "pruned"))


def pruned_rows(store: Path) -> list[dict]:
    return [row for row in open_store(store).runs().to_pylist() if row["pruning_method"]]


def test_every_round_is_a_run_with_weights_masks_and_columns(pruned):
    rows = pruned_rows(pruned)
    assert sorted((row["pruning_method"], row["parameters_left"], row["seed"]) for row in rows) == sorted(
        (method, size, seed) for method in METHODS for size in SIZES for seed in (0, 1)
    )
    for row in rows:
        run = Run.from_json(row["config_json"])
        stored, before = (
            decode_weights(open_store(pruned).weights(run_id)) for run_id in (run.id, run.parent.id)
        )
        assert run.id == row["id"]
        assert row["parameters"] == 2570
        assert sum(int(mask.sum()) for mask in stored.masks.values()) == row["parameters_left"]
        for name, mask in stored.masks.items():
            assert (stored.weights[name][~mask] == 0).all()
            assert (mask <= before.masks.get(name, True)).all()
        last = open_store(pruned).epochs([run.id]).to_pylist()[-1]
        assert (row["test_mse"], row["epochs"]) == (last["test_loss"], 1)
        assert row["predicted_increase"] >= 0
        assert row["train_mse"] > 0


def test_json_has_means_over_seeds_and_changes_from_the_same_network(scaling, study, pruned):
    result = scaling("prune", study, *PRUNING, "--store", pruned, "--json")
    assert (result.code, result.err) == (0, "")
    printed = json.loads(result.out)
    (network,) = printed["networks"]
    assert (printed["trained"], printed["missing"], printed["diverged"]) == (0, 0, 0)
    assert [(entry["method"], entry["parameters_left"]) for entry in network["rounds"]] == [
        (method, size) for method in METHODS for size in SIZES
    ]
    before = {row["seed"]: row for row in open_store(pruned).runs().to_pylist() if not row["pruning_method"]}
    assert network["unpruned"]["test_error"]["estimate"] == pytest.approx(
        fmean(row["test_error"] for row in before.values())
    )
    for entry in network["rounds"]:
        rows = [
            row
            for row in pruned_rows(pruned)
            if (row["pruning_method"], row["parameters_left"]) == (entry["method"], entry["parameters_left"])
        ]
        for name in ("test_error", "test_mse", "train_mse", "predicted_increase", "measured_increase"):
            assert entry[name]["estimate"] == pytest.approx(fmean(row[name] for row in rows))
        changes = [row["test_error"] - before[row["seed"]]["test_error"] for row in rows]
        assert entry["error_change"]["estimate"] == pytest.approx(fmean(changes), abs=1e-12)
        assert (entry["runs"], entry["assessment"]["status"]) == (2, "caution")


def test_figures_have_their_numbers_beside_them(study, pruned):
    folder = study.parent / "figures"
    names = ("error_against_parameters_left", "measured_against_predicted_increase")
    assert {file.name for file in folder.iterdir()} == {
        f"{name}.{kind}" for name in names for kind in ("svg", "png", "csv")
    }
    errors, increases = (csv.read_csv(folder / f"{name}.csv").to_pylist() for name in names)
    assert [(row["method"], row["parameters_left"]) for row in errors] == [
        ("none", 2570),
        *((method, size) for method in METHODS for size in SIZES),
    ]
    assert len(increases) == len(pruned_rows(pruned))


def test_after_an_interruption_only_missing_rounds_are_trained_with_the_same_bits(scaling, study, pruned):
    store = open_store(pruned)
    lost = [row for row in pruned_rows(pruned) if row["parameters_left"] == SIZES[1]]
    weights = {row["id"]: store.weights(row["id"]) for row in lost}
    for part in (pruned / "runs").iterdir():
        if weights.keys() & set(parquet.read_table(part)["id"].to_pylist()):
            part.unlink()
    result = scaling("prune", study, *PRUNING, "--store", pruned)
    assert result.code == 0
    assert result.err.startswith("pruning: 6 runs in 3 packs, about ")
    assert result.out.startswith("tiny_pruning: 6 pruned networks trained in ")
    assert "s, 6 were done before" in result.out.splitlines()[0]
    assert {run_id: open_store(pruned).weights(run_id) for run_id in weights} == weights
    again = scaling("prune", study, *PRUNING, "--store", pruned)
    assert again.out.startswith("tiny_pruning: 0 pruned networks to train, 12 done\n")


def test_pruned_networks_are_no_runs_of_the_study(scaling, study, pruned, tmp_path):
    scaling("table", study, "--store", pruned, "--out", tmp_path / "runs.csv")
    assert csv.read_csv(tmp_path / "runs.csv").num_rows == 2
    plan = json.loads(scaling("plan", study, "--store", pruned, "--json").out)
    assert len(plan["runs"]) == 2
    alone = api.Workspace(store=str(pruned))
    of_store = load_runs(str(pruned), alone, overrides=(), x="filters", columns={"filters", "test_error"})
    assert of_store.runs.num_rows == 2


def test_plan_and_status_list_the_rounds(scaling, study, trained, pruned):
    words = (study, *PRUNING[:2], "--json", "--store")
    sizes = [(method, size) for method in METHODS for size in SIZES]
    for store, done in ((trained, 0), (pruned, 2)):
        plan, status = (
            json.loads(scaling(name, *words, store).out)["pruning"] for name in ("plan", "status")
        )
        for listed in (plan, status):
            assert (listed["wanted"], listed["done"]) == (12, 6 * done)
            assert [(row["method"], row["parameters_left"]) for row in listed["rounds"]] == sizes
            assert {(row["runs"], row["done"]) for row in listed["rounds"]} == {(2, done)}
        assert status["left_s"] == pytest.approx(plan["core_s"])
        assert bool(plan["core_s"]) == bool(plan["wall_s"]) == (not done)
    assert {run["id"] for run in plan["runs"] if run["done"]} == {row["id"] for row in pruned_rows(pruned)}
    # Both runs of a pack have the pack's time.
    times = {(row["pruning_method"], row["parameters_left"]): row["wall_s"] for row in pruned_rows(pruned)}
    actual = {(row["method"], row["parameters_left"]): row["actual_s"] for row in status["rounds"]}
    assert actual == pytest.approx(times)
    assert "12 pruned networks to do in 6 packs; about" in scaling("plan", *words[:3], "--store", trained).out
    text = scaling("status", *words[:3], "--store", pruned).out
    assert "2 of 2 runs done; " in text
    assert "12 of 12 pruned networks done; diverged: 0; about 0 s of core time left" in text
    assert json.loads(scaling("plan", study, "--json", "--store", pruned).out)["pruning"] is None


def test_a_merged_store_has_the_rounds_without_weights_and_gives_the_same_means(
    scaling, study, pruned, tmp_path
):
    merged = tmp_path / "merged"
    words = ("store", "merge", study, *PRUNING[:2], "--predictions", "--store", pruned, "--into", merged)
    assert scaling(*words).out == f"{merged}: 14 runs added\n"
    assert scaling(*words).out == f"{merged}: 0 runs added\n"
    first, second = open_store(pruned), open_store(merged)
    assert second.runs().equals(first.runs())
    assert second.predictions(first.ids()).equals(first.predictions(first.ids()))
    assert not (merged / "weights").exists()
    results = [scaling("prune", study, *PRUNING, "--json", "--store", store) for store in (pruned, merged)]
    assert results[0] == results[1]
    further = [word.replace("900", "800") for word in PRUNING]
    result = scaling("prune", study, *further, "--store", merged)
    assert (result.code, result.out) == (2, "")
    assert "without its weights, from which the pruning starts" in result.err


def test_a_pruned_network_is_read_like_any_other(pruned):
    row = pruned_rows(pruned)[0]
    stored = open_store(pruned).weights(row["id"])
    image = ImageShape(row["channels"], row["side"], row["classes"])
    network = load_network(Run.from_json(row["config_json"]).architecture, image, stored)
    for name, value in named_weights(network).items():
        assert torch.equal(value[0], decode_weights(stored).weights[name])


def test_a_study_without_the_section_is_refused(scaling, study, trained):
    result = scaling("prune", study, "--store", trained)
    assert (result.code, result.out) == (2, "")
    assert result.err == f"{study}: pruning: is missing; add for example pruning: {{parameters_left: 2600}}\n"


def test_networks_that_are_not_trained_are_refused(scaling, study, tmp_path):
    result = scaling("prune", study, *PRUNING, "--store", tmp_path / "empty")
    assert (result.code, result.out) == (2, "")
    hint = f"2 of 2 runs of this study are not trained; to train what is missing: scaling run {study} --set "
    assert result.err.startswith(hint)
    assert result.err.endswith(f" --store {tmp_path / 'empty'}\n")


def test_networks_without_stored_weights_are_refused(scaling, study, trained):
    shutil.rmtree(trained / "weights")
    result = scaling("prune", study, *PRUNING, "--store", trained)
    assert (result.code, result.out) == (2, "")
    assert "without its weights, from which the pruning starts" in result.err
    assert result.err.endswith("train it again in another --store\n")

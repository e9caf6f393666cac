"""Tables of the store from a pack's results."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from scaling.config import Run
from scaling.plan import Pack
from scaling.store import SCHEMAS, collect_provenance, open_store
from scaling.train import PackResult, build_tables, train
from tests.train.tiny_packs import LENET, SET, TREE, cell, loaded_dataset, pack

LOSSES = ("train_loss", "val_loss", "test_loss")
STARTED = datetime.now(UTC)
"""Time before any training of these tests."""

PACK = pack(
    cell(LENET, SET.model_copy(update={"validation": 50, "train_images": 300}), weight_decay=1e-4, epochs=2)
)


@pytest.fixture(scope="module")
def result():
    return trained(PACK)


@pytest.fixture(scope="module")
def tables(result):
    return build_tables(result, loaded_dataset(PACK.cell.dataset), collect_provenance())


def trained(pack: Pack) -> PackResult:
    return train(pack, loaded_dataset(pack.cell.dataset), device="cpu")


def test_tables_have_the_schemas_of_the_store(tables):
    assert {name: table.schema for name, table in tables.items()} == SCHEMAS
    assert {name: len(table) for name, table in tables.items()} == {
        "runs": 8,
        "predictions": 8,
        "epochs": 16,
        "test_sets": 1,
    }


def test_a_run_row_has_the_identity_and_the_cell(tables):
    for run, row in zip(PACK.runs, tables["runs"].to_pylist(), strict=True):
        assert Run.from_json(row["config_json"]) == run
        layers = LENET.layer_table(loaded_dataset().info.image)
        expected = {
            "id": run.id,
            "dataset": "synthetic",
            "fingerprint": run.data.fingerprint,
            "train_images": 300,
            "validation_images": 50,
            **{"channels": 1, "side": 16, "classes": 10},
            "architecture": "lenet5",
            "depth": 4,
            "filters": 6,
            "filters_total": 6,
            "epochs": 2,
            "batch_size": 25,
            "optimizer": "sgd",
            "learning_rate": 0.02,
            "weight_decay": 1e-4,
            "precision": "fp32",
            "seed": run.seed,
            "order": 0,
            "training_version": run.training_version,
            **{name: getattr(layers, name) for name in ("parameters", "connections", "macs", "units")},
            "test_images": 200,
            "replicas": 8,
            "device": "cpu",
            "threads": 1,
            "diverged": False,
            **collect_provenance().columns(),
        }
        assert {name: row[name] for name in expected} == expected
        assert STARTED <= row["created_at"] <= datetime.now(UTC)


def test_filters_total_counts_all_colours_of_a_tree():
    colours = SET.model_copy(update={"channels": 3})
    one_pack = pack(cell(TREE, colours, epochs=1))
    (row, *_) = build_tables(trained(one_pack), loaded_dataset(colours), collect_provenance())[
        "runs"
    ].to_pylist()
    assert (row["filters"], row["filters_total"], row["depth"]) == (2, 6, 3)


def test_errors_are_counted_from_the_stored_logits(tables):
    labels = np.array(tables["test_sets"]["labels"][0].as_py())
    np.testing.assert_array_equal(labels, loaded_dataset().test.labels)
    for row, prediction in zip(tables["runs"].to_pylist(), tables["predictions"].to_pylist(), strict=True):
        assert prediction["id"] == row["id"]
        assert prediction["fingerprint"] == row["fingerprint"]
        logits = np.array(prediction["logits"]).reshape(200, prediction["classes"])
        errors = int((logits.argmax(1) != labels).sum())
        assert (row["test_errors"], row["test_error"], row["test_accuracy"]) == (
            errors,
            errors / 200,
            1 - errors / 200,
        )


def test_a_run_row_has_the_metrics_of_the_last_epoch(tables, result):
    last = [row for row in tables["epochs"].to_pylist() if row["epoch"] == 2]
    for row, epoch in zip(tables["runs"].to_pylist(), last, strict=True):
        assert row["id"] == epoch["id"]
        assert row["train_accuracy"] == epoch["train_accuracy"]
        assert row["train_error"] == pytest.approx(1 - row["train_accuracy"], abs=1e-6)  # counted in fp32
        assert [row[name] for name in LOSSES] == [epoch[name] for name in LOSSES]
        assert row["val_error"] == pytest.approx(1 - epoch["val_accuracy"], abs=1e-15)
        assert row["test_error"] == pytest.approx(epoch["test_error"], abs=1e-15)
        assert row["wall_s"] == result.wall_s
        assert row["images_per_s"] == result.images_per_s


def test_epoch_rows_have_the_metrics_of_each_epoch(tables, result):
    for number, epoch in enumerate(result.history, start=1):
        rows = [row for row in tables["epochs"].to_pylist() if row["epoch"] == number]
        for name in (
            "train_loss",
            "train_accuracy",
            "val_loss",
            "val_accuracy",
            "test_loss",
            "test_accuracy",
        ):
            assert [row[name] for row in rows] == getattr(epoch, name).tolist()
        assert {row["learning_rate"] for row in rows} == {epoch.lr_factor * 0.02}
        assert {row["wall_s"] for row in rows} == {epoch.wall_s}


def test_validation_columns_are_null_without_validation_images():
    tables = build_tables(trained(pack(cell(epochs=1))), loaded_dataset(), collect_provenance())
    assert tables["runs"]["val_error"].null_count == 8
    assert tables["epochs"]["val_accuracy"].null_count == 8
    assert tables["runs"]["validation_images"].to_pylist() == [0] * 8


def test_a_diverged_run_has_null_errors_and_other_replicas_keep_theirs():
    tame, wild = (cell(loss="mse", learning_rate=rate, epochs=2) for rate in (0.05, 1e6))
    result = trained(pack(tame, tame, wild, tame, tame, tame, tame, tame))
    tables = build_tables(result, loaded_dataset(), collect_provenance())
    rows = tables["runs"].to_pylist()
    assert [row["diverged"] for row in rows] == [False, False, True, False, False, False, False, False]
    assert [row["learning_rate"] for row in rows] == [0.05, 0.05, 1e6, 0.05, 0.05, 0.05, 0.05, 0.05]
    for name in ("train_accuracy", "train_error", "test_accuracy", "test_error", "test_errors"):
        assert [row[name] is None for row in rows] == [row["diverged"] for row in rows]
    lost = [row for row in tables["epochs"].to_pylist() if row["id"] == rows[2]["id"]]
    assert {
        row[name] for row in lost for name in ("train_loss", "train_accuracy", "test_loss", "test_error")
    } == {None}
    assert [row["epoch"] for row in lost] == [1, 2]


def test_a_partial_pack_has_rows_of_its_wanted_runs_only():
    one_pack = pack(cell(epochs=1), seeds=(3, 6))
    tables = build_tables(trained(one_pack), loaded_dataset(), collect_provenance())
    assert tables["runs"]["seed"].to_pylist() == [3, 6]
    assert tables["runs"]["replicas"].to_pylist() == [8, 8]
    assert tables["predictions"]["id"].to_pylist() == [run.id for run in one_pack.runs]
    assert set(tables["epochs"]["id"].to_pylist()) == {run.id for run in one_pack.runs}


def test_a_store_accepts_the_tables(tables, tmp_path):
    store = open_store(tmp_path)
    assert store.publish(tables) == 8
    assert store.ids() == {run.id for run in PACK.runs}
    assert store.labels(PACK.cell.info.fingerprint).tolist() == loaded_dataset().test.labels.tolist()


def test_a_pack_on_some_labels_has_as_many_outputs_and_their_test_set():
    few = SET.model_copy(update={"labels": 3})
    one_pack = pack(cell(LENET, few, epochs=1))
    loaded = loaded_dataset(few)
    tables = build_tables(trained(one_pack), loaded, collect_provenance())
    for row, prediction in zip(tables["runs"].to_pylist(), tables["predictions"].to_pylist(), strict=True):
        assert row["classes"] == prediction["classes"] == 3
        assert row["fingerprint"] == prediction["fingerprint"] == loaded.info.fingerprint
        assert len(prediction["logits"]) == 3 * loaded.info.test_images == 3 * row["test_images"]
        assert row["test_error"] < 2 / 3  # better than chance
    (test_set,) = tables["test_sets"].to_pylist()
    assert test_set["labels"] == loaded.test.labels.tolist()
    assert set(test_set["labels"]) == {0, 1, 2}

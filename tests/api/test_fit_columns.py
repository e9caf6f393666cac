"""Fits of losses, along labels and along parameters by kind of layer, on stores with planted errors."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.planted_store import plant, planted_tables, study
from scaling import api
from scaling.api._load import LoadedRuns, drop_missing
from scaling.errors import TableError
from scaling.store import collect_provenance, open_store

STUDY = study(widths=6, seeds=4, epochs=10, train_images=(1000,))
LOSSES = ("train_loss", "val_loss", "test_loss")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    file = tmp_path_factory.mktemp("columns") / "study.yaml"
    file.write_text(STUDY)
    plant(file, file.parent / "store")
    plant_older(file, file.parent / "older", share=1.0)
    plant_older(file, file.parent / "mixed", share=0.5)
    plant_older(file, file.parent / "cut", share=1.0, with_epochs=False)
    return file


def plant_older(config, store, *, share: float, with_epochs: bool = True) -> None:
    """Publish a study, a share of its packs as a version without columns of losses did."""
    packs = api.plan(config, api.Workspace(store=str(store))).packs
    for index, pack in enumerate(packs):
        tables = planted_tables(pack, collect_provenance().columns())
        if index < share * len(packs):
            runs = tables["runs"]
            for name in LOSSES:
                nulls = pa.nulls(len(runs), runs[name].type)
                runs = runs.set_column(runs.schema.get_field_index(name), name, nulls)
            tables["runs"] = runs.cast(tables["runs"].schema)
            if not with_epochs:
                del tables["epochs"]
        open_store(store).publish(tables)


def workspace(config, store: str) -> api.Workspace:
    return api.Workspace(store=str(config.parent / store))


def fit_loss(config, store: str, y: str = "test_loss", source: str = "") -> list:
    stores = workspace(config, store)
    return api.fit(source or str(config), stores, options=api.FitOptions(y=y))


@pytest.mark.parametrize("store", ["store", "older", "mixed"])
@pytest.mark.parametrize("y", ["test_loss", "train_loss"])
def test_losses_are_those_of_the_last_epoch_at_any_age_of_the_store(config, store, y):
    """The planted losses are twice the error of the last epoch."""
    errors = api.fit(str(config), workspace(config, store))
    for source in ("", workspace(config, store).store):
        losses = fit_loss(config, store, y, source)
        assert [fit.label for fit in losses] == [fit.label for fit in errors]
        for error, loss in zip(errors, losses, strict=True):
            assert loss.points.y_name == y
            assert loss.points.test_images is None
            np.testing.assert_array_equal(loss.points.x, error.points.x)
            np.testing.assert_allclose(loss.points.y, 2 * error.points.y, rtol=1e-14)


def test_the_table_has_the_losses_of_older_runs(config):
    rows = api.table(config, workspace(config, "older")).runs
    newer = api.table(config, workspace(config, "store")).runs
    for name in ("train_loss", "test_loss"):
        np.testing.assert_allclose(rows[name].to_numpy(), newer[name].to_numpy(), rtol=1e-14)


def test_a_loss_that_no_run_has_is_refused_with_a_hint(config):
    with pytest.raises(TableError, match=r"val_loss: no run has it; .* fit val_error instead"):
        fit_loss(config, "store", "val_loss")
    with pytest.raises(TableError, match="test_loss: no run has it; the store lacks their epochs"):
        fit_loss(config, "cut")


def test_runs_that_lack_a_loss_are_counted_with_a_hint(config):
    stores = api.Workspace(store=str(config.parent / "cut"), also=(str(config.parent / "store"),))
    assert not any("have no test_loss" in note for fit in fit_loss(config, "store") for note in fit.notes)
    partly = config.parent / "partly"
    plant_older(config, partly, share=0.5, with_epochs=False)
    notes = {note for fit in fit_loss(config, "partly") for note in fit.notes if "have no test_loss" in note}
    assert any("the store lacks their epochs; read the store that trained them" in note for note in notes)
    assert all(
        fit.points.counts.tolist() == [4] * 6
        for fit in api.fit(str(config), stores, options=api.FitOptions(y="test_loss"))
    )


@pytest.mark.parametrize("x", ["conv_parameters", "linear_parameters"])
def test_a_study_has_laws_along_the_parameters_of_a_kind_of_layer(config, x):
    fits = api.fit(str(config), workspace(config, "store"), options=api.FitOptions(x=x))
    cells = api.plan(config, workspace(config, "store")).study.cells
    assert [fit.label for fit in fits] == ["lenet5", "tree3"]
    for fit in fits:
        of_curve = [cell for cell in cells if cell.architecture.type == fit.label]
        expected = {getattr(cell.layer_table(), x) for cell in of_curve}
        assert fit.points.widths.tolist() == sorted(expected)
        # The readout of a tree has one size at all widths.
        assert len(expected) == 1 or fit.laws["power"].interval("exponent").estimate > 0


def test_a_network_without_a_kind_of_layer_is_left_out_with_a_note():
    runs = pa.table({"architecture": ["knn", "net", "net"], "conv_parameters": [None, 0, 7]})
    loaded = drop_missing(LoadedRuns(runs=runs), "conv_parameters")
    assert loaded.runs["conv_parameters"].to_pylist() == [7]
    assert loaded.notes == ("Left out: 2 of 3 runs (knn, net has no conv_parameters).",)


@pytest.fixture(scope="module")
def label_study(tmp_path_factory):
    file = tmp_path_factory.mktemp("labels") / "study.yaml"
    settings = json.loads(study(widths=2, seeds=8, epochs=5, train_images=(1000,)))
    settings["dataset"] = {"type": "usps", "labels": [2, 3, 4, 6, 8, None]}
    file.write_text(json.dumps(settings))
    plant(file, file.parent / "store")
    return file


def test_curves_along_labels_have_one_width_and_name_what_changes_with_them(label_study):
    stores = workspace(label_study, "store")
    for source in (str(label_study), stores.store):
        fits = api.fit(source, stores, options=api.FitOptions(x="labels"))
        assert [fit.label for fit in fits] == [
            f"{name}, filters {width}" for name in ("lenet5", "tree3") for width in (1, 2)
        ]
        for fit in fits:
            assert fit.points.widths.tolist() == [2, 3, 4, 6, 8, 10]
            assert fit.points.counts.tolist() == [8] * 6


def test_the_table_names_labels_and_their_test_sets(label_study):
    rows = api.table(label_study, workspace(label_study, "store")).runs.to_pylist()
    infos = {cell.data.fingerprint: cell.info for cell in api.plan(label_study).study.cells}
    for row in rows:
        info = infos[row["fingerprint"]]
        assert row["labels"] == row["classes"] == info.image.classes
        assert (row["train_images"], row["test_images"]) == (info.train_images, info.test_images)

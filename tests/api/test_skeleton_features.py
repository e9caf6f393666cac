"""A network on features of skeletons: planned without features, trained, resumed, rejected, classifying."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

from scaling import api
from scaling.data import load
from scaling.errors import DataError, UsageError

STUDY = """\
study: hybrid
dataset: {type: skeleton_features, of: {type: synthetic, size: 200, test_size: 100, side: 16, noise: 0.2}}
architectures: [{type: hybrid1988, filters: 40}]
recipe: {epochs: 2, batch_size: 20, learning_rate: 0.02, precision: fp32}
seeds: 2
store: {weights: all}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("hybrid") / "hybrid.yaml"
    file.write_text(STUDY)
    return file


@pytest.fixture(scope="module")
def workspace(file):
    """Workspace with all runs of the study."""
    pytest.importorskip("skimage")
    folder = file.parent
    workspace = api.Workspace(store=str(folder / "store"), data=folder, artifacts=folder / "artifacts")
    outcome = api.run(file, workspace, in_process=True, quiet=True)
    assert (outcome.trained, outcome.failures) == (2, ())
    return workspace


def test_a_plan_needs_neither_features_nor_their_package(file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.morphology", None)
    plan = api.plan(file, api.Workspace(store=str(tmp_path / "store"), data=tmp_path))
    assert plan.new == 2
    (row,) = plan.rows()
    assert row.memory_bytes > 0


def test_a_missing_package_stops_the_run_with_its_extra(file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.morphology", None)
    workspace = api.Workspace(store=str(tmp_path / "store"), data=tmp_path, artifacts=tmp_path)
    file.with_name("other.yaml").write_text(STUDY.replace("noise: 0.2", "noise: 0.1"))
    with pytest.raises(DataError, match=r"scikit-image.*scaling-studies\[history\]"):
        api.run(file.with_name("other.yaml"), workspace, in_process=True, quiet=True)


def test_finished_runs_are_found_again(file, workspace):
    assert api.plan(file, workspace).new == 0


def test_predictions_give_an_error_reject_curve(file, workspace):
    (cell,) = api.reject(file, workspace).cells
    assert (cell.curve, cell.filters) == ("hybrid1988", 40)


def test_a_picture_of_a_test_image_has_the_stored_outputs(file, workspace):
    """A picture of the size of the images is not resized, so it has the features of the image."""
    run = api.plan(file, workspace).wanted[0].run
    dataset = api.plan(file, workspace).study.cells[0].dataset
    images = load(dataset.pictures, folder=workspace.data).test.images[:5, ..., 0]
    files = [file.with_name(f"{index}.png") for index in range(len(images))]
    for picture, image in zip(files, images, strict=True):
        Image.fromarray(image).save(picture)
    logits = workspace.stores().logits([run.id]).logits[0, : len(images)].astype(float)
    answer = api.classify(files, run.id, workspace, configs=[file])
    assert [picture.label for picture in answer.classes] == logits.argmax(axis=1).tolist()
    second, first = np.sort(logits, axis=1)[:, -2:].T
    margins = [picture.margin for picture in answer.classes]
    assert margins == pytest.approx(first - second, abs=2 * 2**-11 * np.abs(logits).max())  # float16


def test_features_are_not_drawn(file, workspace):
    run = api.plan(file, workspace).wanted[0].run
    with pytest.raises(UsageError, match="its inputs are 270 features"):
        api.inspect(run.id, workspace, configs=[file])

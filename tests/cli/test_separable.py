"""Tests of ``scaling separable`` on a data set whose separability is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scaling.fit import Interval
from scaling.store import open_store

STUDY = """\
study: planted
dataset: {{type: npz, path: {path}, train_images: [6, 9]}}
architectures: [{{type: tree3, rows: 1, branches: 2, filters: 1}}]
recipe: {{batch_size: 1}}
"""


@pytest.fixture
def planted(tmp_path):
    """Return a study whose images lie on a line: classes 0, 1 and 2 are dark, grey and bright."""
    images = np.zeros((9, 10, 10), np.uint8)
    images[:, 0, 0] = np.repeat([0, 100, 200], 3) + np.tile([0, 10, 20], 3)
    labels = np.repeat([0, 1, 2], 3)
    np.savez(
        tmp_path / "line.npz",
        **{"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels},
    )
    file = tmp_path / "planted.yaml"
    file.write_text(STUDY.format(path=tmp_path / "line.npz"))
    return file


def test_json_has_a_verdict_for_each_class_and_for_all(scaling, planted):
    result = scaling("separable", planted, "--json")
    assert (result.code, result.err) == (0, "")
    printed = json.loads(result.out)["training_sets"]
    assert [row["train_images"] for row in printed] == [6, 9]
    for row in printed:
        # The hulls of the classes 0 and 2 are on both sides of class 1.
        verdicts = [line["verdict"] for line in row["classes"]]
        assert verdicts == ["separable", "not separable", "separable"]
        assert row["all_classes"]["verdict"] == "separable"
        assert [line["class_images"] for line in row["classes"]] == [row["train_images"] // 3] * 3
    whole = printed[1]["classes"]
    assert (whole[0]["margin"], whole[2]["margin"]) == pytest.approx((80 / 255, 80 / 255))


def test_the_table_has_a_line_for_each_class_and_for_all(scaling, planted):
    result = scaling("separable", planted, "--set", "dataset.train_images=9")
    assert (result.code, result.err) == (0, "")
    lines = {
        label: line
        for line in result.out.splitlines()
        for label in "012"
        if line.startswith(f"{label} against")
    }
    assert ["not separable" in lines[label] for label in "012"] == [False, True, False]
    assert "all classes at once" in result.out


def test_a_single_class_is_refused(scaling, planted):
    result = scaling("separable", planted, "--set", "dataset.train_images=1")
    assert (result.code, result.out) == (2, "")
    assert "the training images have one class; give a larger dataset.train_images" in result.err


SINGLE_LAYER = """\
study: single_layer
dataset: {type: synthetic, size: 20, test_size: 30, side: 16, classes: 2}
architectures: [{type: net1_1989, filters: 1}, {type: net2_1989, filters: 12, seeds: 1}]
recipe: {epochs: 1, batch_size: 10, precision: fp32, loss: mse}
seeds: 2
"""


def test_errors_of_the_stored_single_layer_stand_beside_the_verdict(scaling, tmp_path):
    file, store = tmp_path / "single_layer.yaml", tmp_path / "store"
    file.write_text(SINGLE_LAYER)
    assert (
        json.loads(scaling("separable", file, "--store", store, "--json").out)["training_sets"][0][
            "single_layers"
        ]
        == []
    )
    assert scaling("run", file, "--in-process", "--quiet", "--store", store).code == 0
    (printed,) = json.loads(scaling("separable", file, "--store", store, "--json").out)["training_sets"]
    (layer,) = printed["single_layers"]
    assert (layer["label"], layer["runs"], layer["status"]) == ("net1_1989", 2, "caution")
    runs = [row for row in open_store(store).runs().to_pylist() if row["architecture"] == "net1_1989"]
    for name in ("train_error", "test_error"):
        mean = Interval.of_mean(np.array([row[name] for row in runs]), at_least=0, at_most=1)
        assert list(layer[name].values()) == pytest.approx([mean.estimate, mean.low, mean.high])
    text = scaling("separable", file, "--store", store).out
    assert "net1_1989" in text
    assert "net2_1989" not in text


BASELINES = """\
study: baselines
dataset: {type: synthetic, size: 20, test_size: 30, side: 8, classes: 2}
architectures: [{type: knn, k: 1}, {type: linear_classifier}]
"""


def test_a_classifier_that_keeps_images_is_no_single_layer_and_a_fit_in_one_go_has_no_seeds(
    scaling, tmp_path
):
    pytest.importorskip("sklearn")
    file, store = tmp_path / "baselines.yaml", tmp_path / "store"
    file.write_text(BASELINES)
    assert scaling("run", file, "--in-process", "--quiet", "--store", store).code == 0
    (printed,) = json.loads(scaling("separable", file, "--store", store, "--json").out)["training_sets"]
    (layer,) = printed["single_layers"]
    assert (layer["label"], layer["runs"], layer["status"]) == ("linear_classifier", 1, "rejected")
    assert layer["reason"] == (
        "a single run has no interval; there is one, because the fit uses no random numbers"
    )

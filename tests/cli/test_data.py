"""Tests of ``scaling data``."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import TypeAdapter

from scaling.cli.data_check import dataset_line
from scaling.config.yaml_reader import parse_yaml
from scaling.datasets import PUBLISHED_DATASETS, AnyDataset, NpzDataset, ShiftedDigits
from tests.datasets.own_files import draw_images


@pytest.fixture
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


@pytest.mark.usefixtures("_own_cache")
def test_data_lists_every_published_set_without_a_network(scaling, tmp_path):
    result = scaling("data", "--data", tmp_path / "data")
    assert (result.code, result.err) == (0, "")
    for name in PUBLISHED_DATASETS:
        assert name in result.out
    assert "scaling data cifar10" in result.out
    assert f"data folder: {tmp_path / 'data'}" in result.out


def test_an_unknown_data_set_is_refused(scaling):
    result = scaling("data", "imagenet")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(
        f"imagenet: no such data set; choose from {', '.join(PUBLISHED_DATASETS)}, F"
    )


def write_digits(file):
    """Write two test images that are training images, labels from 1, and a validation split."""
    images = draw_images(12, (5, 8))
    np.savez(
        file,
        train_images=images[:6],
        train_labels=np.arange(6)[:, None] % 3 + 1,
        val_images=images[6:8],
        val_labels=np.array([[1], [2]]),
        test_images=images[4:12],
        test_labels=np.arange(4, 12)[:, None] % 3 + 1,
    )


@pytest.mark.usefixtures("_own_cache")
def test_check_says_what_a_file_holds(scaling, tmp_path):
    write_digits(tmp_path / "digits.npz")
    result = scaling("data", "check", "digits.npz")
    assert (result.code, result.err) == (0, "")
    assert max(map(len, result.out.splitlines())) <= 80
    text = " ".join(result.out.split())
    for part in (
        "data set digits layout npz with train_images, test_images, val_images",
        "images 8 training and 8 test images of 8x8 pixels with 1 channel",
        "classes 3, with 2 to 3 training and 2 to 3 test images; labels 1 to 3 become the classes 0 to 2",
        "duplicates 4 test images are also training images",
        "note the 2 images of its validation split are training images (validation_split: leave_out",
        "note images of 8x5 pixels are padded with zeros to 8x8",
    ):
        assert part in text
    assert result.out.endswith("dataset: {type: npz, path: digits.npz}\n")


@pytest.mark.usefixtures("_own_cache")
def test_the_line_of_a_check_is_that_of_a_study(scaling, tmp_path):
    write_digits(tmp_path / "digits.npz")
    line = scaling("data", "check", "digits.npz").out.splitlines()[-1]
    network = "architectures: [{type: lenet5, convolutions: 1, filters: 1}]\nrecipe: {batch_size: 2}\n"
    (tmp_path / "study.yaml").write_text(f"study: s\n{line}\n{network}")
    (by_path,) = json.loads(scaling("data", "check", "digits.npz", "--json").out)
    (by_study,) = json.loads(scaling("data", "check", "study.yaml", "--json").out)
    assert by_path["fingerprint"] == by_study["fingerprint"]
    assert by_path["duplicates"] == {"train": 0, "test": 0, "between": 4, "conflicting": 0}
    assert by_path["train_per_class"] == [3, 3, 2]


def test_the_line_of_a_computed_data_set_has_its_images():
    dataset = ShiftedDigits(of=NpzDataset(path="a.npz"), digits_per_class=20, labels=5)
    line = dataset_line(SimpleNamespace(dataset=dataset))
    assert TypeAdapter(AnyDataset).validate_python(parse_yaml(line.encode(), "a line")["dataset"]) == dataset


@pytest.mark.parametrize("name", ["a/b c", "no", "1e3", "{x: #", '"quoted"', "\u732b", "..", "A.1/x_y-z"])
def test_the_line_of_any_path_is_read_back(name):
    dataset = NpzDataset(path=name, test_images=3)
    line = dataset_line(SimpleNamespace(dataset=dataset))
    assert parse_yaml(line.encode(), "a line") == {"dataset": {"type": "npz", "path": name, "test_images": 3}}
    assert "\n" not in line


def test_check_without_a_source_says_what_to_give(scaling):
    result = scaling("data", "check")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "scaling data check: give a study, an .npz file, a folder or the name of a data set\n"
    )


@pytest.mark.usefixtures("_own_cache")
def test_plan_says_what_was_changed(scaling, tmp_path):
    write_digits(tmp_path / "digits.npz")
    network = "architectures: [{type: lenet5, convolutions: 1, filters: 1}]\nrecipe: {batch_size: 2}\n"
    (tmp_path / "study.yaml").write_text(f"study: s\ndataset: {{type: npz, path: digits.npz}}\n{network}")
    result = scaling("plan", "study.yaml")
    assert (result.code, result.err) == (0, "")
    assert "digits: images of 8x5 pixels are padded with zeros to 8x8\n" in result.out
    assert "the labels 1, 2, 3 of its file become the classes 0 to 2" in result.out

"""A user's own data in a study: where they are searched, and what of them is part of an identity."""

from __future__ import annotations

import numpy as np
import pytest

from scaling.config import StudySettings, load_study
from scaling.errors import ConfigError, DataError
from tests.datasets.own_files import draw_images, write_hub, write_imagefolder

NETWORK = "architectures: [{type: lenet5, convolutions: 1, filters: 1}]\nrecipe: {batch_size: 2}\n"


def study(dataset: str) -> str:
    return f"study: s\ndataset: {dataset}\n{NETWORK}"


def write_npz(file, seed):
    images, labels = draw_images(6, (8, 8), seed=seed), np.arange(6) % 2
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, train_images=images, train_labels=labels, test_images=images, test_labels=labels)


def fingerprint(loaded) -> str:
    return loaded.cells[0].info.fingerprint


def test_a_path_is_searched_beside_the_study_then_in_the_working_folder_then_in_the_data_folder(
    load, monkeypatch, tmp_path
):
    """The folder of the study is ``tmp_path``, and the data folder is ``nowhere`` in it."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    found = []
    for seed, folder in enumerate((tmp_path / "nowhere", work, tmp_path)):
        write_npz(folder / "mine.npz", seed)
        loaded = load(study("{type: npz, path: mine.npz}"))
        found.append(fingerprint(loaded))
        assert loaded.cells[0].dataset.path == str((folder / "mine.npz").resolve())
    assert len(set(found)) == 3


def test_a_study_without_a_file_searches_the_working_folder(monkeypatch, tmp_path):
    write_npz(tmp_path / "mine.npz", 0)
    monkeypatch.chdir(tmp_path)
    settings = {
        "study": "s",
        "dataset": {"type": "npz", "path": "mine.npz"},
        "architectures": [{"type": "lenet5", "convolutions": 1, "filters": 1}],
        "recipe": {"batch_size": 2},
    }
    (cell,) = load_study(StudySettings(settings), data=tmp_path / "nowhere").cells
    assert cell.dataset.path == str(tmp_path / "mine.npz")


def test_the_images_of_features_are_searched_beside_the_study(load, tmp_path):
    write_npz(tmp_path / "mine.npz", 0)
    text = study("{type: skeleton_features, of: {type: npz, path: mine.npz}}").replace(
        NETWORK, "architectures: [{type: linear_classifier}]\n"
    )
    assert load(text).cells[0].dataset.of.path == str(tmp_path / "mine.npz")


def test_an_id_has_the_content_and_not_the_place(load, tmp_path):
    ids = []
    for place in ("a", "b/c"):
        write_npz(tmp_path / place / "mine.npz", 0)
        loaded = load(study(f"{{type: npz, path: {place}/mine.npz}}"))
        ids.append([run.id for _, run in loaded.runs()])
    assert ids[0] == ids[1]


def test_label_columns_are_an_axis(load, tmp_path):
    images, labels = draw_images(12, (8, 8, 3)), np.arange(12) % 4
    columns = {"fine_label": labels, "coarse_label": labels // 2}
    write_hub(tmp_path / "set", {"train": (images, columns), "test": (images, columns)})
    loaded = load(study("{type: parquet, path: set, label_column: [fine_label, coarse_label]}"))
    assert [cell.info.image.classes for cell in loaded.cells] == [4, 2]


def test_drawn_classes_keep_their_names(load, tmp_path):
    split = draw_images(12, (8, 8, 3)), np.arange(12) % 4
    write_imagefolder(tmp_path / "set", {"train": split, "test": split}, ("ant", "bee", "cat", "dog"))
    (cell,) = load(study("{type: imagefolder, path: set, labels: 2}")).cells
    names = ("ant", "bee", "cat", "dog")
    assert cell.info.label_names == tuple(names[index] for index in cell.info.classes_in_use)


@pytest.mark.parametrize(
    ("dataset", "problem"),
    [
        ("{type: parquet, path: set, label_column: 3}", "dataset.label_column: expected text, got 3"),
        ("{type: imagefolder, path: set, size: 0}", "dataset.size: expected a number >= 1, got 0"),
        ("{type: imagefolder}", "dataset.path: is missing"),
        (
            "{type: npz, path: a, validation_split: drop}",
            "dataset.validation_split: expected 'join' or 'leave_out', got 'drop'",
        ),
        ("{type: fashion_mnist}", "dataset.type: write {type: torchvision, name: FashionMNIST}"),
        ("{type: CIFAR-100}", "dataset.type: write {type: torchvision, name: CIFAR100}"),
        (
            "{type: torchvision, name: MNIST}",
            "dataset.name: MNIST has a type of its own; write dataset: {type: mnist}",
        ),
    ],
)
def test_problem_of_a_setting_is_named(load, dataset, problem):
    with pytest.raises(ConfigError) as raised:
        load(study(dataset))
    assert raised.value.problems == (problem,)


def test_missing_folder_is_named_with_all_places(load):
    with pytest.raises(
        DataError, match=r"no such file; searched .*/set, set and .*/nowhere/set; give the path"
    ):
        load(study("{type: imagefolder, path: set}"))

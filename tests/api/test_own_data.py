"""A user's own data from their files to a law, in each layout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scaling import api
from scaling.datasets import TORCHVISION_SETS, Synthetic
from tests.datasets.own_files import write_hub, write_idx_file, write_imagefolder

NAMES = ("ant", "bee", "cat")
SPLITS = Synthetic(size=120, test_size=60, side=12, noise=0.6, classes=3).splits()
LABELLED = {
    name: (split.images[..., 0], split.labels) for name, split in zip(("train", "test"), SPLITS, strict=True)
}


def write_fashion(folder, monkeypatch):
    key = "FashionMNIST", None
    small = replace(
        TORCHVISION_SETS[key],
        train_images=120,
        test_images=60,
        image=replace(TORCHVISION_SETS[key].image, side=12, classes=3),
    )
    monkeypatch.setitem(TORCHVISION_SETS, key, small)
    for split, (images, labels) in LABELLED.items():
        start = f"FashionMNIST/raw/{'t10k' if split == 'test' else split}"
        write_idx_file(folder / f"{start}-images-idx3-ubyte", images)
        write_idx_file(folder / f"{start}-labels-idx1-ubyte", labels)
    return "{type: torchvision, name: FashionMNIST}"


def write_parquet(folder, monkeypatch):
    splits = {
        name: (images, {"fine_label": labels.astype(int), "coarse_label": labels.astype(int) // 2})
        for name, (images, labels) in LABELLED.items()
    }
    write_hub(folder / "hub", splits, names={"fine_label": NAMES}, image_column="img")
    return "{type: parquet, path: hub, label_column: fine_label}"


def write_npz(folder, monkeypatch):
    (images, labels), (test_images, test_labels) = LABELLED.values()
    np.savez(
        folder / "medical.npz",
        train_images=images[:90],
        train_labels=labels[:90, None],
        val_images=images[90:],
        val_labels=labels[90:, None],
        test_images=test_images,
        test_labels=test_labels[:, None],
    )
    return "{type: npz, path: medical.npz}"


def write_folders(folder, monkeypatch):
    write_imagefolder(folder / "pictures", LABELLED, NAMES)
    return "{type: imagefolder, path: pictures}"


@pytest.mark.parametrize("write", [write_fashion, write_parquet, write_npz, write_folders])
def test_from_files_to_a_law(monkeypatch, tmp_path, write):
    dataset = write(tmp_path, monkeypatch)
    study = tmp_path / "own.yaml"
    study.write_text(
        f"study: own\ndataset: {dataset}\n"
        "architectures: [{type: lenet5, convolutions: 1, kernel: 3, hidden: [], filters: [1, 2, 4]}]\n"
        "recipe: {epochs: 1, batch_size: 20, learning_rate: 0.02}\nseeds: 2\n"
    )
    workspace = api.Workspace(store=str(tmp_path / "store"), data=tmp_path, artifacts=tmp_path / "artifacts")
    outcome = api.run(study, workspace, in_process=True)
    assert (outcome.trained, outcome.failures) == (6, ())
    (info,) = outcome.plan.dataset_infos
    # Every layout holds the same images, so each run trains on the same content.
    assert (
        info.fingerprint
        == Synthetic(size=120, test_size=60, side=12, noise=0.6, classes=3).info(tmp_path).fingerprint
    )
    (fit,) = api.fit(str(study), workspace)
    exponent = fit.laws["power"].interval("exponent")
    assert exponent.low <= exponent.estimate <= exponent.high

"""A user's own .npz file is read in canonical order, and each problem is named."""

from __future__ import annotations

import os
import zipfile
from io import BytesIO
from zipfile import ZipFile

import numpy as np
import pytest

from scaling.datasets import NpzDataset, Split, compute_fingerprint, sort_canonically
from scaling.errors import DataError


def arrays(**changed) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    valid = {
        "train_images": rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8),
        "train_labels": np.arange(12) % 4,
        "test_images": rng.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8),
        "test_labels": np.arange(6) % 3,
    }
    return {name: array for name, array in {**valid, **changed}.items() if array is not None}


def test_info_describes_the_content(tmp_path):
    np.savez_compressed(tmp_path / "mine.npz", **arrays())
    dataset = NpzDataset(path="mine.npz")
    info, (train, test) = dataset.info(tmp_path), dataset.splits(tmp_path)
    assert (info.title, info.train_images, info.test_images) == ("mine", 12, 6)
    assert (info.image.side, info.image.channels, info.image.classes) == (8, 3, 4)
    assert info.fingerprint == compute_fingerprint(train, test)
    np.testing.assert_array_equal(train.images, sort_canonically(train).images)


def test_fingerprint_of_labels_from_zero_is_that_of_the_arrays_as_they_stand(tmp_path):
    given = arrays()
    np.savez(tmp_path / "mine.npz", **given)
    train, test = (
        sort_canonically(Split(given[f"{split}_images"], given[f"{split}_labels"].astype(np.uint8)))
        for split in ("train", "test")
    )
    info = NpzDataset(path="mine.npz").info(tmp_path)
    assert info.fingerprint == compute_fingerprint(train, test)
    assert not info.renumbers_labels


@pytest.mark.parametrize("labels", [(1, 2, 3, 4), (0, 10, 20, 30), (0, 1, 2, 255), (252, 253, 254, 255)])
def test_labels_become_classes_in_ascending_order(tmp_path, labels):
    """A file with any four labels is the same data set as the file with the labels 0 to 3."""
    given = arrays()
    np.savez(tmp_path / "plain.npz", **given)
    relabelled = {
        name: np.array([labels[label] for label in given[name]]) for name in ("train_labels", "test_labels")
    }
    np.savez(tmp_path / "mine.npz", **given | relabelled)
    plain, mine = NpzDataset(path="plain.npz"), NpzDataset(path="mine.npz")
    info = mine.info(tmp_path)
    assert (info.image, info.fingerprint) == (
        plain.info(tmp_path).image,
        plain.info(tmp_path).fingerprint,
    )
    assert info.renumbers_labels
    assert tuple(map(info.label, range(4))) == labels
    for split, expected in zip(mine.splits(tmp_path), plain.splits(tmp_path), strict=True):
        np.testing.assert_array_equal(split.labels, expected.labels)


def test_greyscale_images_need_no_channel_axis(tmp_path):
    np.savez(
        tmp_path / "grey.npz",
        **arrays(train_images=np.ones((12, 8, 8), np.uint8), test_images=np.ones((6, 8, 8), np.uint8)),
    )
    assert NpzDataset(path="grey.npz").info(tmp_path).image.channels == 1


NAMES = ("train_images", "train_labels", "test_images", "test_labels")


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_x", "train_y", "test_x", "test_y"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("training_images", "training_labels", "test_images", "test_labels"),
    ],
)
def test_the_names_in_use_give_the_same_data_set(tmp_path, names):
    given = arrays()
    np.savez(tmp_path / "plain.npz", **given)
    np.savez(tmp_path / "mine.npz", **{name: given[own] for name, own in zip(names, NAMES, strict=True)})
    plain, mine = (NpzDataset(path=name).info(tmp_path) for name in ("plain.npz", "mine.npz"))
    assert mine.fingerprint == plain.fingerprint
    assert mine.layout == f"npz with {names[0]}, {names[2]}"


@pytest.mark.parametrize("prefix", ["", "Train_"], ids=["without a split", "in another case"])
def test_training_images_may_have_no_split_in_their_names(tmp_path, prefix):
    given = arrays()
    np.savez(tmp_path / "mine.npz", **given)
    renamed = {name.replace("train_", prefix): array for name, array in given.items()}
    np.savez(tmp_path / "other.npz", **renamed)
    first, other = (NpzDataset(path=name).info(tmp_path) for name in ("mine.npz", "other.npz"))
    assert first.fingerprint == other.fingerprint


def test_validation_images_are_joined_or_left_out(tmp_path):
    """The layout of MedMNIST: labels of shape (N, 1), and a validation split."""
    given, val = arrays(), arrays(train_labels=np.arange(12) % 4)
    val_images = val["train_images"][::-1] // 2
    medical = {name: array[:, None] if array.ndim == 1 else array for name, array in given.items()}
    np.savez(tmp_path / "m.npz", val_images=val_images, val_labels=val["train_labels"][:, None], **medical)
    joined = {
        "train_images": np.concatenate([given["train_images"], val_images]),
        "train_labels": np.concatenate([given["train_labels"], val["train_labels"]]),
    }
    np.savez(tmp_path / "joined.npz", **given | joined)
    np.savez(tmp_path / "plain.npz", **given)
    expected = {
        name: NpzDataset(path=f"{name}.npz").info(tmp_path).fingerprint for name in ("joined", "plain")
    }
    info = NpzDataset(path="m.npz").info(tmp_path)
    assert (info.fingerprint, info.train_images) == (expected["joined"], 24)
    assert info.notes == (
        "the 12 images of its validation split are training images (validation_split: leave_out omits them)",
    )
    info = NpzDataset(path="m.npz", validation_split="leave_out").info(tmp_path)
    assert (info.fingerprint, info.train_images) == (expected["plain"], 12)


def test_test_images_are_drawn_from_an_archive_of_training_images(tmp_path):
    np.savez(tmp_path / "mine.npz", **arrays(test_images=None, test_labels=None))
    with pytest.raises(
        DataError, match=r"has no array test_images, test_labels; .*; dataset\.test_images: 1000 draws"
    ):
        NpzDataset(path="mine.npz").info(tmp_path)
    info = NpzDataset(path="mine.npz", test_images=4).info(tmp_path)
    assert (info.train_per_class, info.test_per_class) == ((2, 2, 2, 2), (1, 1, 1, 1))


def test_images_that_are_not_square_are_padded_with_zeros(tmp_path):
    given = arrays()
    wide = {name: given[name][:, 1:6] for name in ("train_images", "test_images")}
    padded = {name: np.pad(array, ((0, 0), (1, 2), (0, 0), (0, 0))) for name, array in wide.items()}
    np.savez(tmp_path / "wide.npz", **given | wide)
    np.savez(tmp_path / "padded.npz", **given | padded)
    info = NpzDataset(path="wide.npz").info(tmp_path)
    assert info.fingerprint == NpzDataset(path="padded.npz").info(tmp_path).fingerprint
    assert info.notes == ("images of 8x5 pixels are padded with zeros to 8x8",)


def test_labels_of_any_size_become_classes(tmp_path):
    given = arrays()
    large = {name: given[name] + 10**6 for name in ("train_labels", "test_labels")}
    for name, content in (("plain", given), ("large", given | large)):
        np.savez(tmp_path / f"{name}.npz", **content)
    plain, info = (NpzDataset(path=f"{name}.npz").info(tmp_path) for name in ("plain", "large"))
    assert info.fingerprint == plain.fingerprint
    assert info.labels == (10**6, 10**6 + 1, 10**6 + 2, 10**6 + 3)


def test_fingerprint_does_not_depend_on_the_path(tmp_path):
    for name in ("a.npz", "b.npz"):
        np.savez(tmp_path / name, **arrays())
    assert (
        NpzDataset(path="a.npz").info(tmp_path).fingerprint
        == NpzDataset(path="b.npz").info(tmp_path).fingerprint
    )


def test_changed_file_is_read_again(tmp_path):
    np.savez(tmp_path / "mine.npz", **arrays())
    before = NpzDataset(path="mine.npz").info(tmp_path)
    np.savez(tmp_path / "mine.npz", **arrays(train_labels=np.arange(12) % 3))
    assert NpzDataset(path="mine.npz").info(tmp_path).fingerprint != before.fingerprint


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"test_labels": None}, "test_labels"),
        ({"train_images": np.zeros((12, 8, 8, 3))}, "train_images: expected uint8"),
        ({"train_images": np.zeros((12, 8, 7, 3), np.uint8)}, "training and test images differ in shape"),
        ({"test_images": np.zeros((0, 8, 8, 3), np.uint8), "test_labels": np.zeros(0, int)}, "test_images"),
        ({"test_images": np.zeros((6, 9, 9, 3), np.uint8)}, "differ in shape"),
        ({"train_labels": np.arange(11)}, "train_labels: expected 12"),
        ({"train_labels": np.arange(12) - 1}, "train_labels: expected .* from -1 to 10"),
        ({"train_labels": np.zeros(12, int)}, "train_labels: expected at least two classes, got only 0"),
        (
            {"test_labels": np.arange(6) + 2},
            r"test_labels contain \[4, 5, 6, 7\], which train_labels do not contain",
        ),
        ({"train_labels": np.arange(12) + 250}, "test_labels contain"),
        ({"train_labels": np.linspace(0, 1, 12)}, "train_labels"),
        (
            {"train_labels": np.zeros((12, 14), int)},
            r"train_labels: expected 12 integers >= 0, got .*\(12, 14\)",
        ),
        (
            {"train_images": np.zeros((12, 3, 8, 8), np.uint8)},
            r"its channels first; write train_images\.transpose\(0, 2, 3, 1\)",
        ),
        (
            {"train_images": np.zeros((300, 2, 2), np.uint8), "train_labels": np.arange(300)},
            "training and test images differ",
        ),
        ({"train_images": np.zeros((12, 8, 8, 3))}, "multiply values from 0 to 1 by 255"),
        ({"train_images": None, "train_labels": None}, "has no array train_images, train_labels; expected"),
    ],
)
def test_unsuitable_array_is_named_with_its_file(tmp_path, changed, named):
    np.savez(tmp_path / "bad.npz", **arrays(**changed))
    with pytest.raises(DataError, match=named) as raised:
        NpzDataset(path="bad.npz").info(tmp_path)
    assert str(tmp_path / "bad.npz") in str(raised.value)


def test_damaged_file_is_named(tmp_path):
    np.savez_compressed(tmp_path / "whole.npz", **arrays())
    content = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "short.npz").write_bytes(content[: len(content) // 2])
    middle = 200  # within the compressed pixels of the first array
    (tmp_path / "flipped.npz").write_bytes(
        content[:middle]
        + bytes(255 - byte for byte in content[middle : middle + 40])
        + content[middle + 40 :]
    )
    np.save(tmp_path / "one.npy", np.zeros(3))
    with zipfile.ZipFile(tmp_path / "forged.npz", "w") as archive:
        for array in ("train_images", "train_labels", "test_images", "test_labels"):
            header = BytesIO()
            np.lib.format.write_array_header_1_0(
                header, {"descr": "|u1", "fortran_order": False, "shape": (2**50,)}
            )
            archive.writestr(f"{array}.npy", header.getvalue())
    for name in ("short.npz", "flipped.npz", "one.npy", "forged.npz"):
        with pytest.raises(DataError, match=name):
            NpzDataset(path=name).info(tmp_path)


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("'descr': '|u1', 'fortran_order': False, 'shape': (10**12, 8, 8)", "claims 64,000,000,000,000"),
        ("'descr': '|u1', 'fortran_order': False, 'shape': (800000000, 8, 8)", "claims 51,200,000,000"),
        ("'descr': '|u1', 'fortran_order': False, 'shape': (-1, 8, 8)", "train_images has 768 bytes"),
        ("'descr': '|u1', 'fortran_order': False, 'shape': (11, 8, 8)", "768 bytes, .* claims 704"),
        ("'descr': '|u1', 'fortran_order': False, 'shape': (12, 8, 8", "cannot be read as"),
        ("'descr': '|u1', 'fortran_order': False, 'shape': " + "(" * 3000 + ")" * 3000, "cannot be read as"),
    ],
)
def test_forged_header_is_refused_before_memory_is_allocated(tmp_path, header, named):
    header = f"{{{header}, }}\n".replace("10**12", str(10**12))
    forged = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(768)
    np.savez(tmp_path / "forged.npz", **arrays(train_images=None))
    with ZipFile(tmp_path / "forged.npz", "a") as archive:
        archive.writestr("train_images.npy", forged)
    with pytest.raises(DataError, match=rf"forged\.npz: .*{named}"):
        NpzDataset(path="forged.npz").info(tmp_path)


def test_home_of_an_unknown_user_is_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"no such file; searched ~nobody-at-all/mine.npz and"):
        NpzDataset(path="~nobody-at-all/mine.npz").info(tmp_path)


def test_pipe_is_named_and_does_not_block(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.npz")
    with pytest.raises(DataError, match=r"dataset.path: pipe.npz: is a pipe or a device, not a file; give"):
        NpzDataset(path="pipe.npz").info(tmp_path / "data")


def test_missing_file_names_both_folders(tmp_path):
    with pytest.raises(DataError, match=r"dataset\.path: no such file") as raised:
        NpzDataset(path="nowhere.npz").info(tmp_path)
    assert str(tmp_path / "nowhere.npz") in str(raised.value)


def test_name_that_is_too_long_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r"aaa: cannot be read \(File name too long\); give"):
        NpzDataset(path="a" * 5000).info(tmp_path)

"""Parquet files in the hub's layout: columns and splits are found or named, and problems are named."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scaling.datasets import NpzDataset, ParquetDataset
from scaling.errors import DataError
from tests.datasets.own_files import draw_images, encode, write_hub

TRAIN, TEST = draw_images(12, (8, 8, 3)), draw_images(6, (8, 8, 3), seed=1)
LABELS = {"train": np.arange(12) % 3, "test": np.arange(6) % 3}


def hub(folder, columns=None, **options):
    """Write the two splits with the columns of a function of the labels."""
    columns = columns or (lambda labels: {"label": labels})
    splits = {split: (images, columns(LABELS[split])) for split, images in (("train", TRAIN), ("test", TEST))}
    return write_hub(folder, splits, **options)


def info(folder, **settings):
    return ParquetDataset(path=str(folder), **settings).info(folder.parent)


@pytest.fixture
def fingerprint(tmp_path):
    """Fingerprint of the same arrays."""
    np.savez(
        tmp_path / "same.npz",
        train_images=TRAIN,
        train_labels=LABELS["train"],
        test_images=TEST,
        test_labels=LABELS["test"],
    )
    return NpzDataset(path=str(tmp_path / "same.npz")).info(tmp_path).fingerprint


@pytest.mark.parametrize(
    ("place", "file"),
    [
        ("", "{split}-00000-of-00001.parquet"),
        ("", "{split}.parquet"),
        ("data", "{split}-00000-of-00001.parquet"),
        ("", "{split}/0000.parquet"),
        ("plain_text", "{split}/0000.parquet"),
    ],
)
def test_every_layout_of_the_hub_gives_the_same_content(tmp_path, fingerprint, place, file):
    hub(tmp_path / "set" / place, file=file)
    read = info(tmp_path / "set")
    assert read.fingerprint == fingerprint
    assert (read.title, read.train_images, read.test_images) == ("set", 12, 6)


def test_parts_of_different_types_are_read_in_order(tmp_path, fingerprint):
    folder = hub(tmp_path / "set")
    whole = pq.read_table(folder / "train-00000-of-00001.parquet")
    (folder / "train-00000-of-00001.parquet").unlink()
    for part in range(3):
        piece = whole.slice(4 * part, 4)
        piece = piece.set_column(1, "label", piece["label"].cast((pa.int64(), pa.int8(), pa.uint16())[part]))
        pq.write_table(piece, folder / f"train-{part:05}-of-00003.parquet")
    assert info(folder).fingerprint == fingerprint


def test_names_of_the_classes_come_from_the_metadata_of_the_hub(tmp_path):
    assert info(hub(tmp_path / "set", names={"label": ("ant", "bee", "cat")})).label_names == (
        "ant",
        "bee",
        "cat",
    )


def test_labels_of_text_become_classes_in_alphabetical_order(tmp_path, fingerprint):
    names = np.array(["ant", "bee", "cat"])
    read = info(hub(tmp_path / "set", lambda labels: {"label": names[labels]}))
    assert (read.fingerprint, read.label_names) == (fingerprint, tuple(names))


def test_labels_of_categories_are_text(tmp_path, fingerprint):
    names = np.array(["ant", "bee", "cat"])
    folder = hub(tmp_path / "set", lambda labels: {"label": pa.array(names[labels]).dictionary_encode()})
    assert info(folder).fingerprint == fingerprint


def two_labels(labels):
    return {"fine_label": labels, "coarse_label": labels % 2}


def test_several_label_columns_are_offered_by_name(tmp_path, fingerprint):
    """The layout of CIFAR-100."""
    names = {"fine_label": ("ant", "bee", "cat"), "coarse_label": ("few", "many")}
    folder = hub(tmp_path / "set", two_labels, names=names, image_column="img")
    with pytest.raises(DataError) as raised:
        info(folder)
    assert str(raised.value) == (
        f"{folder}/train-00000-of-00001.parquet: has several label columns: fine_label (3 classes),"
        " coarse_label (2 classes); choose one with dataset.label_column: fine_label"
    )
    assert info(folder, label_column="fine_label").fingerprint == fingerprint
    coarse = info(folder, label_column="coarse_label")
    assert (coarse.image.classes, coarse.label_names) == (2, ("few", "many"))


def test_the_columns_can_be_named(tmp_path, fingerprint):
    folder = hub(tmp_path / "set", lambda labels: {"kind": labels, "size": labels}, image_column="photo")
    assert info(folder, label_column="kind").fingerprint == fingerprint
    assert info(folder, image_column="photo", label_column="kind").fingerprint == fingerprint
    with pytest.raises(
        DataError, match=r"dataset\.label_column: .* has no column sort; choose from kind, size"
    ):
        info(folder, label_column="sort")


def test_files_of_other_splits_are_left_out_and_named(tmp_path, fingerprint):
    folder = hub(tmp_path / "set")
    (folder / "extra-00000-of-00001.parquet").write_bytes(b"not read")
    read = info(folder)
    assert read.fingerprint == fingerprint
    assert read.notes == ("files of other splits are left out: extra-00000-of-00001.parquet",)


def replace_train(folder, **columns):
    pq.write_table(pa.table(columns), folder / "train-00000-of-00001.parquet")


IMAGES = [encode(image) for image in TRAIN]


def test_test_images_are_drawn_from_files_of_one_split(tmp_path):
    folder = hub(tmp_path / "set")
    (folder / "test-00000-of-00001.parquet").unlink()
    with pytest.raises(
        DataError, match=r"holds no test images; .*, or dataset\.test_images: 2 draws them from"
    ):
        info(folder)
    read = info(folder, test_images=3)
    assert (read.train_per_class, read.test_per_class) == ((3, 3, 3), (1, 1, 1))


PROBLEMS = {
    "no image": (
        lambda folder: replace_train(folder, image=[b"text", *IMAGES[1:]], label=LABELS["train"]),
        r"train-00000-of-00001\.parquet: row 0: is not a whole image \(UnidentifiedImageError\); replace or",
    ),
    "bytes missing": (
        lambda folder: replace_train(folder, image=[*IMAGES[:-1], None], label=LABELS["train"]),
        r"row 11: is not a whole image \(its bytes are missing\); replace or remove it",
    ),
    "no label column": (
        lambda folder: replace_train(folder, image=IMAGES, score=np.zeros(12)),
        r"has no column of labels; its columns are image, score; name one with dataset\.label_column",
    ),
    "labels missing": (
        lambda folder: replace_train(folder, image=IMAGES, label=pa.array([None] * 12, pa.int64())),
        r"label of train has 12 missing values; remove those rows",
    ),
    "unlabelled images": (
        lambda folder: replace_train(folder, image=IMAGES, label=LABELS["train"] - 1),
        r"label of train: expected integers >= 0, got -1 to 1; the hub marks images without a label by -1",
    ),
    "too many classes": (
        lambda folder: replace_train(folder, image=IMAGES * 25, label=np.arange(300)),
        r"label of the training images: expected at most 256 classes, got 300",
    ),
    "damage": (
        lambda folder: (folder / "train-00000-of-00001.parquet").write_bytes(b"PAR1 and no more"),
        r"train-00000-of-00001\.parquet: cannot be decoded \(Parquet magic bytes",
    ),
    "no training images": (
        lambda folder: (folder / "train-00000-of-00001.parquet").unlink(),
        r"set: holds no training images; expected train-\*\.parquet and test-\*\.parquet",
    ),
    "no known split": (
        lambda folder: [file.rename(folder / f"x{file.name}") for file in folder.iterdir()],
        r"set: has no file with a name like train-\*\.parquet",
    ),
    "no files": (
        lambda folder: [file.unlink() for file in folder.iterdir()],
        r"set: has no Parquet files; expected train-\*\.parquet and test-\*\.parquet",
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_problem_is_named_in_one_line(tmp_path, name):
    folder = hub(tmp_path / "set")
    spoil, problem = PROBLEMS[name]
    spoil(folder)
    with pytest.raises(DataError, match=problem) as raised:
        info(folder)
    assert len(str(raised.value).splitlines()) == 1


def test_one_of_several_data_sets_has_to_be_named(tmp_path):
    for name in ("digits", "letters"):
        hub(tmp_path / "set" / name)
    with pytest.raises(
        DataError,
        match=r"holds several data sets; give dataset\.path: .*set/digits \(found digits, letters\)",
    ):
        info(tmp_path / "set")

"""Images in folders of their classes are read like the same arrays in an .npz file; each problem is named."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from scaling.datasets import ImageFolderDataset, NpzDataset
from scaling.errors import DataError
from tests.datasets.own_files import draw_images, encode, write_imagefolder

NAMES = ("ant", "bee", "cat")
TRAIN = (draw_images(9, (8, 8, 3)), np.arange(9) % 3)
TEST = (draw_images(6, (8, 8, 3), seed=1), np.arange(6) % 3)
VAL = (draw_images(3, (8, 8, 3), seed=2), np.arange(3))


@pytest.fixture
def root(tmp_path):
    return write_imagefolder(tmp_path / "insects", {"train": TRAIN, "test": TEST}, NAMES)


def info(root, **settings):
    return ImageFolderDataset(path=str(root), **settings).info(root.parent)


def npz_info(tmp_path, train, test):
    np.savez(
        tmp_path / "same.npz",
        train_images=train[0],
        train_labels=train[1],
        test_images=test[0],
        test_labels=test[1],
    )
    return NpzDataset(path=str(tmp_path / "same.npz")).info(tmp_path)


def test_the_content_is_that_of_the_same_arrays(root, tmp_path):
    read = info(root)
    assert read.fingerprint == npz_info(tmp_path, TRAIN, TEST).fingerprint
    assert (read.title, read.label_names, read.notes) == ("insects", NAMES, ())
    assert (read.train_per_class, read.test_per_class) == ((3, 3, 3), (2, 2, 2))


def test_torchvision_numbers_the_classes_alike(root):
    from torchvision.datasets import ImageFolder

    oracle = ImageFolder(str(root / "train"))
    train, _ = ImageFolderDataset(path=str(root)).splits(root)
    expected = {np.asarray(image).tobytes(): label for image, label in oracle}
    assert {image.tobytes(): label for image, label in zip(*vars(train).values(), strict=True)} == expected


def test_validation_images_are_joined_or_left_out(tmp_path):
    root = write_imagefolder(tmp_path / "a", {"train": TRAIN, "test": TEST, "val": VAL}, NAMES)
    joined = tuple(np.concatenate(pair) for pair in zip(TRAIN, VAL, strict=True))
    assert info(root).fingerprint == npz_info(tmp_path, joined, TEST).fingerprint
    assert "the 3 images of its validation split are training images" in info(root).notes[0]
    left_out = info(root, validation_split="leave_out")
    assert left_out.fingerprint == npz_info(tmp_path, TRAIN, TEST).fingerprint
    assert "are left out" in left_out.notes[0]


def test_without_a_test_split_the_validation_images_are_the_test_images(tmp_path):
    root = write_imagefolder(tmp_path / "a", {"train": TRAIN, "validation": VAL}, NAMES)
    assert info(root).fingerprint == npz_info(tmp_path, TRAIN, VAL).fingerprint
    assert "there is no test split" in info(root).notes[0]


def test_grey_images_stay_grey_and_become_colour_beside_colour(tmp_path):
    grey = draw_images(6, (8, 8, 1)), np.arange(6) % 3
    root = write_imagefolder(tmp_path / "a", {"train": grey, "test": grey}, NAMES)
    assert info(root).image.channels == 1
    (root / "train/ant/x.png").write_bytes(encode(TRAIN[0][0]))
    mixed = info(root)
    assert mixed.image.channels == 3
    assert mixed.notes == ("12 grey images become colour images, as the others are",)


def test_images_that_are_not_square_are_padded_with_zeros(tmp_path):
    wide = draw_images(6, (5, 8, 3)), np.arange(6) % 3
    padded = np.pad(wide[0], ((0, 0), (1, 2), (0, 0), (0, 0))), wide[1]
    root = write_imagefolder(tmp_path / "a", {"train": wide, "test": wide}, NAMES)
    assert info(root).fingerprint == npz_info(tmp_path, padded, padded).fingerprint
    assert info(root).notes == ("images of 8x5 pixels are padded with zeros to 8x8",)


def test_size_fits_images_of_all_sizes_with_their_proportions(root):
    (root / "train/ant/wide.png").write_bytes(encode(np.full((4, 16, 3), 200, np.uint8)))
    with pytest.raises(DataError) as raised:
        info(root)
    assert str(raised.value) == (
        f"{root}: images differ in size: 8x8 (15, such as {root}/train/ant/000.png), 16x4 (1, such as"
        f" {root}/train/ant/wide.png); dataset.size: 32 fits all into 32x32"
    )
    assert info(root, size=8).notes == ("1 of 16 images are fitted into 8x8 pixels",)
    train, _ = ImageFolderDataset(path=str(root), size=8).splits(root)
    (fitted,) = [image for image in train.images if not image[0].any()]
    expected = np.zeros((8, 8, 3), np.uint8)
    expected[3:5] = 200
    np.testing.assert_array_equal(fitted, expected)


def test_other_and_hidden_files_are_left_out_and_deeper_images_are_read(root):
    before = info(root).fingerprint
    (root / "train/ant/.hidden.png").write_bytes(b"")
    (root / ".cache").mkdir()
    (root / "train/ant/notes.txt").write_text("text")
    (root / "train/ant/more").mkdir()
    (root / "train/ant/000.png").rename(root / "train/ant/more/000.PNG")
    assert info(root).fingerprint == before
    assert info(root).notes == ("1 files without the name of an image are left out",)


def link_to_folder_above(root):
    (root / "train/ant/loop").symlink_to(root / "train")


def link_in_a_circle(root):
    (root / "elsewhere").mkdir()
    (root / "train/ant/to").symlink_to(root / "elsewhere")
    (root / "elsewhere/back").symlink_to(root / "train/ant")


def test_sixteen_bits_a_pixel_are_refused_by_name(root):
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(root / "train/ant/deep.png")
    with pytest.raises(DataError, match=r"deep\.png: expected an image with 8 bits a channel, got .* I;16"):
        info(root)


def move_classes_up(root):
    for folder in (root / "train").iterdir():
        folder.rename(root / folder.name)
    for name in ("train", "test"):
        for file in sorted((root / name).rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
        (root / name).rmdir()


PROBLEMS = {
    "no whole image": (
        lambda root: (root / "train/bee/001.png").write_bytes(encode(TRAIN[0][1])[:70]),
        r"train/bee/001\.png: is not a whole image \(OSError\); replace or remove it",
    ),
    "text": (
        lambda root: (root / "train/bee/001.png").write_bytes(b"text"),
        r"train/bee/001\.png: is not a whole image \(UnidentifiedImageError\); replace",
    ),
    "a pipe": (
        lambda root: os.mkfifo(root / "train/bee/pipe.png"),
        r"train/bee/pipe\.png: is a pipe or a device, not a file; remove it",
    ),
    "no images": (
        lambda root: (root / "train/dog").mkdir(),
        r"train/dog: has no images \(\.bmp, .*\); add some or remove it",
    ),
    "a class of the test images alone": (
        lambda root: (root / "test/cat").rename(root / "test/dog"),
        r"the test images contain \[dog\], which the training images do not contain",
    ),
    "a link to a folder above": (
        link_to_folder_above,
        r"train/ant/loop: is a link to .*/train, which is read",
    ),
    "links in a circle": (
        link_in_a_circle,
        r"train/ant/to/back: is a link to .*/ant, which is read already;",
    ),
    "no split": (
        move_classes_up,
        r"has no folder train or test, but ant; dataset\.test_images: 1000 draws",
    ),
    "two names of one split": (
        lambda root: (root / "training").mkdir(),
        r"train and training are both train; rename one of them",
    ),
    "no test split": (
        lambda root: (root / "test").rename(root / "other"),
        r"holds no test images; expected train/CLASS/IMAGE\.png and test/CLASS/IMAGE\.png, or"
        r" dataset\.test_images: 1 draws them from the training images",
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_problem_is_named_in_one_line(root, name):
    spoil, problem = PROBLEMS[name]
    spoil(root)
    with pytest.raises(DataError, match=problem) as raised:
        info(root)
    assert len(str(raised.value).splitlines()) == 1
    assert str(root) in str(raised.value)


def test_empty_folder_and_file_in_its_place_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: has no folders; expected train/CLASS"):
        info(tmp_path / "empty")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file: is not a folder; give the path of a folder with train/CLASS"):
        info(tmp_path / "file")


def test_a_single_split_leads_to_the_folder_above(root):
    with pytest.raises(DataError, match=rf"train: is one split; give the folder .*, dataset\.path: {root}$"):
        info(root / "train")


def test_test_images_are_drawn_by_class_from_folders_without_splits(tmp_path):
    """The layout of torchvision's ImageFolder itself. The drawn images do not depend on names of files."""
    images, labels = draw_images(30, (8, 8, 3)), np.sort(np.arange(30) % 3)
    root = write_imagefolder(tmp_path, {"set": (images, labels)}, NAMES) / "set"
    dataset = ImageFolderDataset(path=str(root), test_images=9)
    read = dataset.info(tmp_path)
    assert (read.train_per_class, read.test_per_class) == ((7, 7, 7), (3, 3, 3))
    assert read.notes == ("9 of 30 images are drawn as test images (test_images: 9)",)
    train, test = dataset.splits(tmp_path)
    assert {image.tobytes() for split in (train, test) for image in split.images} == {
        image.tobytes() for image in images
    }
    larger, _ = ImageFolderDataset(path=str(root), test_images=6).splits(tmp_path)
    assert {image.tobytes() for image in train.images} < {image.tobytes() for image in larger.images}
    (root / "ant/000.png").rename(root / "ant/zzz.png")
    assert dataset.info(tmp_path).fingerprint == read.fingerprint
    with pytest.raises(DataError, match=r"dataset\.test_images: expected at most 29, so that training"):
        info(root, test_images=30)


def test_test_images_are_not_drawn_beside_a_test_split(root):
    with pytest.raises(DataError, match=r"dataset\.test_images: leave it out, because .* has a test split"):
        info(root, test_images=2)


def test_one_class_is_not_enough(tmp_path):
    root = write_imagefolder(tmp_path / "a", {"train": (TRAIN[0], TRAIN[1] * 0), "test": TEST}, NAMES)
    with pytest.raises(DataError, match="the training images: expected at least two classes, got only ant"):
        info(root)

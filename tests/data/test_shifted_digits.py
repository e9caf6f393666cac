"""Shifted digits: bitmaps, positions, choice and splits, against plain loops and by counting."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from scaling.data import load
from scaling.data.derive import network_inputs
from scaling.data.shifted_digits import make_bitmaps, place_bitmap
from scaling.datasets import NpzDataset, ShiftedDigits, Synthetic, compute_fingerprint
from scaling.errors import DataError

DIGITS, POSITIONS = 5, 4
OF = Synthetic(size=90, test_size=10, side=9, classes=3, noise=0.6)


def shifted_digits(**settings) -> ShiftedDigits:
    # 7 of the 20 images of a class: no multiple of the 4 positions
    defaults = {"of": OF, "digits_per_class": DIGITS, "positions": POSITIONS, "test_per_class": 7}
    return ShiftedDigits(**defaults | settings)


def first_column(image) -> int:
    return int(np.nonzero(image.any(axis=(0, 2)))[0][0])


def positions_of_digits(split) -> dict[tuple[int, bytes], list[int]]:
    """Return the positions of each digit: of the images of a label that are equal up to a shift."""
    positions = defaultdict(list)
    for image, label in zip(split.images, split.labels, strict=True):
        column = first_column(image)
        positions[int(label), np.roll(image, -column, axis=1).tobytes()].append(column)
    return positions


@pytest.mark.parametrize(("split_by", "test"), [("image", 7), ("digit", 8)])
def test_each_digit_has_one_image_at_each_position(tmp_path, split_by, test):
    loaded = load(shifted_digits(split_by=split_by, test_per_class=test), folder=tmp_path)
    train, test_digits = positions_of_digits(loaded.train), positions_of_digits(loaded.test)
    digits = set(train) | set(test_digits)
    assert len(digits) == 3 * DIGITS
    for digit in digits:
        found = sorted(train.get(digit, []) + test_digits.get(digit, []))
        assert found == list(range(found[0], found[0] + POSITIONS))
    for split, count in ((loaded.train, DIGITS * POSITIONS - test), (loaded.test, test)):
        assert np.bincount(split.labels).tolist() == [count] * 3
        assert set(np.unique(split.images)) == {0, 255}
    common = set(train) & set(test_digits)
    # By the pigeonhole principle: 7 test images are not whole digits of 4 images.
    assert len(common) >= 3 if split_by == "image" else not common


def test_bitmaps_equal_plain_loops():
    """An oracle with whole numbers: every pixel becomes as many equal columns as the bitmap has."""
    images = np.random.default_rng(0).integers(0, 256, (4, 9, 9, 1), dtype=np.uint8)
    width = 9 - POSITIONS + 1
    fine = images[..., 0].repeat(width, axis=2).astype(int)
    for level in (0.3, 0.5, 1.0):
        bitmaps = make_bitmaps(images, shifted_digits(ink_level=level))
        for image, bitmap in zip(fine, bitmaps, strict=True):
            sums = np.array([[row[9 * k : 9 * (k + 1)].sum() for k in range(width)] for row in image])
            np.testing.assert_array_equal(bitmap, sums >= level * sums.max())
    assert not make_bitmaps(np.zeros((1, 9, 9, 1), np.uint8), shifted_digits()).any()


def test_a_digit_at_one_position_keeps_its_width():
    images = np.random.default_rng(1).integers(1, 256, (2, 9, 9, 1), dtype=np.uint8)
    bitmaps = make_bitmaps(images, shifted_digits(positions=1, test_per_class=2, ink_level=0.5))
    np.testing.assert_array_equal(bitmaps, images[..., 0] >= 0.5 * images.max(axis=(1, 2)).reshape(-1, 1, 1))


def test_digits_are_training_images_of_the_other_data_set(tmp_path):
    dataset = shifted_digits()
    loaded, source = (load(known, folder=tmp_path) for known in (dataset, OF))
    expected = {
        (int(label), np.roll(image, -first_column(image), axis=1).tobytes())
        for bitmap, label in zip(make_bitmaps(source.train.images, dataset), source.train.labels, strict=True)
        for image in place_bitmap(bitmap, POSITIONS)
    }
    for split in (loaded.train, loaded.test):
        assert set(positions_of_digits(split)) <= expected


def test_the_content_is_the_same_on_every_machine(cache, tmp_path):
    """A change of this value needs a new SHIFTED_DIGITS_VERSION."""
    loaded = load(shifted_digits(draw=3), folder=tmp_path, cache=cache)
    content = compute_fingerprint(loaded.train, loaded.test)
    assert content == "37b02202ef7a2f73705f8ec9063edcd186624f92a2930cb31b94bcbd2ff1b3c2"
    again = load(shifted_digits(draw=3), folder=tmp_path, cache=cache, verify=True)
    assert compute_fingerprint(again.train, again.test) == content


def test_both_splits_of_a_draw_have_the_same_digits_and_draws_differ(tmp_path):
    def digits(**settings):
        loaded = load(shifted_digits(test_per_class=8, **settings), folder=tmp_path)
        return set(positions_of_digits(loaded.train)) | set(positions_of_digits(loaded.test))

    assert digits(split_by="digit") == digits(split_by="image")
    assert digits(draw=1) != digits(draw=0)


@pytest.fixture
def twins(tmp_path):
    """Return a data set with two images of class 0, the first of them twice, and one of class 1."""
    images = np.zeros((4, 6, 6), np.uint8)
    images[:3, 2, 1:5] = 255
    images[2, 4, 1:5] = images[3, 1, 1:5] = 255
    labels = np.array([0, 0, 0, 1])
    file = tmp_path / "twins.npz"
    np.savez(file, train_images=images, train_labels=labels, test_images=images, test_labels=labels)
    return NpzDataset(path=str(file))


def test_a_digit_that_repeats_an_image_is_passed_over(twins, tmp_path):
    one = shifted_digits(of=twins, digits_per_class=1, positions=2, test_per_class=1)
    assert len(load(one, folder=tmp_path).test) == 2
    two = shifted_digits(of=twins, digits_per_class=2, positions=2, test_per_class=1)
    message = (
        r"dataset\.digits_per_class: expected at most 1, the number of different digits of class 1, got 2"
    )
    with pytest.raises(DataError, match=message):
        load(two, folder=tmp_path)
    with pytest.raises(DataError, match="expected at most 2, the training images of a class"):
        load(two.model_copy(update={"digits_per_class": 3}), folder=tmp_path)


def test_a_picture_becomes_a_digit_at_the_position_in_the_middle(tmp_path):
    dataset, source = shifted_digits(), load(OF, folder=tmp_path)
    inputs = network_inputs(source.train.images[:6], dataset)
    for image, bitmap in zip(inputs, make_bitmaps(source.train.images[:6], dataset), strict=True):
        np.testing.assert_array_equal(image, place_bitmap(bitmap, POSITIONS)[1])
        assert not image[:, [0, 7, 8]].any()

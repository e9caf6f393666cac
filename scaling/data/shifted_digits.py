"""Computation of shifted digits: choice of the digits, bitmaps, positions, and splits."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from scaling.datasets import ShiftedDigits, Split, Splits, sort_canonically
from scaling.errors import DataError

_MAX_CLASSES = 256
"""Largest number of classes, which separates the random numbers of choices from those of splits."""


def make_bitmaps(
    images: UInt8[np.ndarray, "n side side 1"], dataset: ShiftedDigits
) -> Bool[np.ndarray, "n side width"]:
    """Return digits as binary images that leave room for all positions.

    The columns of a bitmap are means of the columns of the image, weighted by their overlap.

    Args:
        images: grey images, bright on dark.
        dataset: number of positions, and level of the ink.
    """
    side = images.shape[1]
    width = side - dataset.positions + 1
    # The image is side * width units wide: ``width`` for each of its columns, ``side`` for each new one.
    starts, new_starts = width * np.arange(side)[:, np.newaxis], side * np.arange(width)
    overlap = np.minimum(starts + width, new_starts + side) - np.maximum(starts, new_starts)
    ink = images[..., 0].astype(np.int64) @ np.maximum(overlap, 0)
    brightest = ink.max(axis=(1, 2), keepdims=True)
    return np.asarray((ink > 0) & (ink >= dataset.ink_level * brightest))


def place_bitmap(
    bitmap: Bool[np.ndarray, "side width"], positions: int
) -> UInt8[np.ndarray, "positions side side 1"]:
    """Return one image for each position of a digit, from left to right, with ink of the value 255."""
    side, width = bitmap.shape
    images = np.zeros((positions, side, side, 1), np.uint8)
    for position in range(positions):
        images[position, :, position : position + width, 0] = 255 * bitmap
    return images


def centred_digits(
    images: UInt8[np.ndarray, "n side side 1"], dataset: ShiftedDigits
) -> UInt8[np.ndarray, "n side side 1"]:
    """Return images of digits at the position in the middle; of two such positions, the left one."""
    middle = (dataset.positions - 1) // 2
    bitmaps = make_bitmaps(images, dataset)
    return np.stack([place_bitmap(bitmap, dataset.positions)[middle] for bitmap in bitmaps])


def make_splits(train: Split, dataset: ShiftedDigits, *, classes: int) -> Splits:
    """Return the training and the test images, in canonical order.

    Args:
        train: training split of the data set that the digits come from, in canonical order.
        dataset: settings.
        classes: number of classes.

    Raises:
        DataError: a class has too few digits that give different images.
    """
    seen: set[bytes] = set()
    parts = [_split_class(train, dataset, label=label, seen=seen) for label in range(classes)]
    return Splits(
        *(
            sort_canonically(
                Split(
                    np.concatenate([part.images for part in split]),
                    np.concatenate([part.labels for part in split]),
                )
            )
            for split in zip(*parts, strict=True)
        )
    )


def _split_class(train: Split, dataset: ShiftedDigits, *, label: int, seen: set[bytes]) -> Splits:
    """Return the images of one class; those of earlier classes are in ``seen``, which they are added to."""
    digits = _choose_digits(train, dataset, label=label, seen=seen)
    if dataset.split_by == "digit":  # the digits are in random order
        test, rest = np.split(digits, [dataset.test_digits_per_class])
        groups = (rest.reshape(-1, *digits.shape[2:]), test.reshape(-1, *digits.shape[2:]))
    else:
        images = digits.reshape(-1, *digits.shape[2:])
        order = _random_order(len(images), draw=dataset.draw, stream=_MAX_CLASSES + label)
        groups = (images[order[dataset.test_per_class :]], images[order[: dataset.test_per_class]])
    return Splits(*(Split(group, np.full(len(group), label, np.uint8)) for group in groups))


def _choose_digits(
    train: Split, dataset: ShiftedDigits, *, label: int, seen: set[bytes]
) -> UInt8[np.ndarray, "digits positions side side 1"]:
    (members,) = np.nonzero(train.labels == label)
    digits: list[np.ndarray] = []
    for index in members[_random_order(len(members), draw=dataset.draw, stream=label)]:
        (bitmap,) = make_bitmaps(train.images[index : index + 1], dataset)
        images = place_bitmap(bitmap, dataset.positions)
        contents = {image.tobytes() for image in images}
        if len(contents) == dataset.positions and contents.isdisjoint(seen):
            seen |= contents
            digits.append(images)
        if len(digits) == dataset.digits_per_class:
            return np.stack(digits)
    raise DataError(
        f"dataset.digits_per_class: expected at most {len(digits)}, the number of different digits of class"
        f" {label}, got {dataset.digits_per_class}"
    )


def _random_order(count: int, *, draw: int, stream: int) -> Int64[np.ndarray, " count"]:
    """Return a random permutation.

    NumPy promises that the raw bits of Philox stay the same in every version.
    """
    bits = np.random.Philox(key=[draw, stream]).random_raw(count)
    return np.argsort(bits, kind="stable").astype(np.int64)

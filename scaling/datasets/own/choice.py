"""Choice of the training and the test images among the splits that a user's files have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from scaling.datasets.canonical import pixel_digests, stratified_order
from scaling.datasets.own.content import LabelledImages
from scaling.errors import DataError


@dataclass(frozen=True, kw_only=True)
class SplitRules:
    """Choices of a study about the splits of its data."""

    joins: bool
    """Add the images of a validation split to the training images."""
    test_images: int | None
    """Number of images that are drawn as test images from files with one split."""


class ChosenSplits(NamedTuple):
    """Training and test images, and sentences about what became of the splits."""

    train: LabelledImages
    test: LabelledImages
    notes: tuple[str, ...]


def choose_splits(
    found: Mapping[str, LabelledImages], rules: SplitRules, *, origin: str, hint: str
) -> ChosenSplits:
    """Return the training images and the test images.

    Args:
        found: images of ``train``, ``test`` and ``val``, as far as the files have them.
        rules: what the study says.
        origin: name of the file or the folder.
        hint: what the user can do if a split is missing.

    Raises:
        DataError: the training images are missing, or there are neither test nor validation images.
    """
    if "train" not in found:
        raise DataError(f"{origin}: holds no training images; {hint}")
    train, val = found["train"], found.get("val")
    if rules.test_images is not None:
        if len(found) > 1:
            other = "test" if "test" in found else "validation"
            raise DataError(f"dataset.test_images: leave it out, because {origin} has a {other} split")
        return _draw_test_images(train, rules.test_images)
    if len(found) == 1:
        draw = f"dataset.test_images: {max(1, len(train) // 5)} draws them from the training images"
        raise DataError(f"{origin}: holds no test images; {hint}, or {draw}")
    if "test" not in found:
        note = "there is no test split: the images of the validation split are the test images"
        return ChosenSplits(train, found["val"], (note,))
    if val is None:
        return ChosenSplits(train, found["test"], ())
    if not rules.joins:
        note = f"the {len(val):,} images of its validation split are left out (validation_split: leave_out)"
        return ChosenSplits(train, found["test"], (note,))
    return _join(train, val, test=found["test"], origin=origin)


def _join(train: LabelledImages, val: LabelledImages, *, test: LabelledImages, origin: str) -> ChosenSplits:
    shapes = [split.images.shape[1:] for split in (train, val)]
    if shapes[0] != shapes[1]:
        raise DataError(
            f"{origin}: training and validation images differ in shape: {shapes[0]} and {shapes[1]}"
        )
    joined = LabelledImages(
        np.concatenate([train.images, val.images]), np.concatenate([train.labels, val.labels])
    )
    note = (
        f"the {len(val):,} images of its validation split are training images"
        " (validation_split: leave_out omits them)"
    )
    return ChosenSplits(joined, test, (note,))


def _draw_test_images(images: LabelledImages, count: int) -> ChosenSplits:
    """Draw test images by class and by the hash of the pixels, whatever the order of the images."""
    if count >= len(images):
        raise DataError(
            f"dataset.test_images: expected at most {len(images) - 1}, so that training images remain, got"
            f" {count}"
        )
    by_hash = np.lexsort((images.labels, pixel_digests(images.images)))
    drawn = by_hash[stratified_order(images.labels[by_hash])]
    test, train = (
        LabelledImages(images.images[index], images.labels[index]) for index in (drawn[:count], drawn[count:])
    )
    note = f"{count:,} of {len(images):,} images are drawn as test images (test_images: {count})"
    return ChosenSplits(train, test, (note,))

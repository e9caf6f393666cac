"""Canonical order and fingerprint of a data set, which do not depend on its source.

A split is sorted by the SHA-256 of each image's pixels, then by label. So the i-th test prediction belongs to
the same image for every source.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels.

    Args:
        images: uint8, [images, side, side, channels].
        labels: uint8, [images].
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    def count_classes(self, classes: int) -> tuple[int, ...]:
        """Return the number of images of each class.

        Args:
            classes: number of classes.
        """
        return tuple(np.bincount(self.labels, minlength=classes).tolist())


class Splits(NamedTuple):
    """The two splits of a data set."""

    train: Split
    test: Split


def pixel_digests(images: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Return the SHA-256 of the pixels of each image: [images]."""
    return np.array([sha256(image.data).digest() for image in np.ascontiguousarray(images)], dtype="S32")


def sort_canonically(split: Split) -> Split:
    """Return the images of a split in canonical order."""
    images = np.ascontiguousarray(split.images)
    digests = pixel_digests(images)
    # NumPy compares S32 by bytes without trailing zeros. That keeps the order and makes no two digests equal.
    order = np.lexsort((split.labels, digests))
    return Split(images[order], split.labels[order])


def compute_fingerprint(train: Split, test: Split) -> str:
    """Return the SHA-256 of two canonical splits, shapes included: 64 hexadecimal digits."""
    digest = sha256(b"scaling data set, version 1")
    for split in (train, test):
        digest.update(repr(split.images.shape).encode())
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.labels).data)
    return digest.hexdigest()


def stratified_order(labels: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return an order of a canonical split whose first n images have the classes in proportion, for every n.

    The k-th of n images of a class has the position (2k + 1) / 2n; ties go to the smaller class. Within a
    class, the canonical order is an order by hash. So the first n images are a stratified sample, and the
    samples of different sizes are nested.

    Args:
        labels: integers, [images].

    Returns:
        Indices of the images, [images].
    """
    position = np.empty(len(labels))
    for label in np.unique(labels):
        (members,) = np.nonzero(labels == label)
        position[members] = (2 * np.arange(len(members)) + 1) / (2 * len(members))
    return np.lexsort((labels, position))

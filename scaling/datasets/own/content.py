"""Content of a user's own files, and what becomes of it: square images, and classes from 0.

The k labels of the training images become the classes 0 to k-1 in ascending order: gaps, as between 0 and
255, make no class without images. Images that are not square are padded with zeros. Whatever changes the
images or the labels is a note, which ``scaling plan`` prints.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scaling.datasets.base import DatasetInfo
from scaling.datasets.canonical import Split, Splits, compute_fingerprint, sort_canonically
from scaling.errors import DataError
from scaling.settings import ImageShape

_MAX_LISTED_LABELS = 5
_MAX_CLASSES = 256
"""Largest number of classes: the number of a class is a byte."""
MAX_LABEL = 2**53
"""Largest label of a file."""


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images of a split with the labels of their file.

    Args:
        images: uint8, [images, height, width, channels].
        labels: integers >= 0, [images].
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False, kw_only=True)
class OwnContent:
    """Content of the files of a data set."""

    origin: str
    """Name of the file or the folder, for messages."""
    title: str
    """Name in figures and tables."""
    layout: str
    """Layout of the files, such as the names of the arrays."""
    train: LabelledImages
    """Training images."""
    test: LabelledImages
    """Test images."""
    names: tuple[str, str] = ("training labels", "test labels")
    """Names of the labels of both splits, for messages."""
    label_names: Mapping[int, str] = field(default_factory=dict)
    """Names of the labels; empty if the files give none."""
    notes: tuple[str, ...] = ()
    """Sentences about what was changed or left out."""

    def splits(self) -> Splits:
        """Return square images with the classes 0 to k-1, in canonical order.

        Raises:
            DataError: the splits do not belong together.
        """
        self._check()
        classes = np.unique(self.train.labels)
        return Splits(
            *(
                sort_canonically(
                    Split(
                        pad_to_square(split.images), np.searchsorted(classes, split.labels).astype(np.uint8)
                    )
                )
                for split in (self.train, self.test)
            )
        )

    def describe(self, splits: Splits) -> DatasetInfo:
        """Return the description of the data set.

        Args:
            splits: the images and classes, as ``splits()`` returns them.
        """
        train, test = splits
        labels = tuple(np.unique(self.train.labels).tolist())
        _, side, _, channels = train.images.shape
        return DatasetInfo(
            title=re.sub(r"[^\w .+-]", "_", self.title),
            image=ImageShape(channels=channels, side=side, classes=len(labels)),
            train_images=len(train),
            test_images=len(test),
            fingerprint=compute_fingerprint(train, test),
            labels=labels,
            label_names=tuple(self.label_names.get(label, str(label)) for label in labels)
            if self.label_names
            else (),
            train_per_class=train.count_classes(len(labels)),
            test_per_class=test.count_classes(len(labels)),
            layout=self.layout,
            notes=(*self.notes, *_padding_note(self.train.images)),
        )

    def _check(self) -> None:
        train_shape, test_shape = (split.images.shape[1:] for split in (self.train, self.test))
        if train_shape != test_shape:
            raise DataError(
                f"{self.origin}: training and test images differ in shape: {train_shape} and {test_shape}"
            )
        train_labels, test_labels = (
            set(np.unique(split.labels).tolist()) for split in (self.train, self.test)
        )
        train_name, test_name = self.names
        if len(train_labels) < 2:
            only = self._label_text(min(train_labels))
            raise DataError(f"{self.origin}: {train_name}: expected at least two classes, got only {only}")
        if len(train_labels) > _MAX_CLASSES:
            raise DataError(
                f"{self.origin}: {train_name}: expected at most {_MAX_CLASSES} classes, got"
                f" {len(train_labels):,}"
            )
        if unknown := sorted(test_labels - train_labels):
            listed = ", ".join(map(self._label_text, unknown[:_MAX_LISTED_LABELS]))
            more = ", ..." if len(unknown) > _MAX_LISTED_LABELS else ""
            raise DataError(
                f"{self.origin}: {test_name} contain [{listed}{more}], which {train_name} do not contain"
            )

    def _label_text(self, label: int) -> str:
        return self.label_names.get(label, str(label))


def pad_to_square(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images with zeros around them, as evenly as possible, so that they are square.

    Args:
        images: uint8, [images, height, width, channels].
    """
    height, width = images.shape[1:3]
    side = max(height, width)
    rows, columns = (((side - size) // 2, side - size - (side - size) // 2) for size in (height, width))
    return images if height == width else np.pad(images, ((0, 0), rows, columns, (0, 0)))


def _padding_note(images: NDArray[np.uint8]) -> tuple[str, ...]:
    height, width = images.shape[1:3]
    side = max(height, width)
    if height == width:
        return ()
    return (f"images of {width}x{height} pixels are padded with zeros to {side}x{side}",)

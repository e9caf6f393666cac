"""Base class of the specifications of data sets."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from scaling.datasets.digit_frame import DigitFrame
from scaling.settings import ConfigModel, IdentityDefault, ImageShape, NonNegativeInt, PositiveInt, Problem


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """Description of a data set that is known before its images are read."""

    title: str
    """Name in figures and tables."""
    image: ImageShape
    """Shape of the images and number of classes."""
    train_images: int
    """Number of training images."""
    test_images: int
    """Number of test images."""
    fingerprint: str
    """SHA-256 of the content in canonical order: 64 hexadecimal digits. A run id includes the fingerprint."""
    labels: tuple[int, ...] = ()
    """Label of each class in a user's own file, ascending; empty if the data set numbers its classes."""

    def label(self, class_index: int) -> int:
        """Return the label of a class, as the data set's file gives it."""
        return self.labels[class_index] if self.labels else class_index

    @property
    def renumbers_labels(self) -> bool:
        """Return whether the labels of a user's own file are not the numbers of the classes."""
        return bool(self.labels) and self.labels != tuple(range(len(self.labels)))


class Dataset(ConfigModel):
    """A data set, and how much of its training split is used."""

    digit_frame: ClassVar[DigitFrame | None] = None
    """Size and position of the digits; None if the images are not single digits on a background."""

    train_images: Annotated[PositiveInt | None, IdentityDefault(None)] = None
    """Number of training images, by default all. Subsets are stratified and nested."""
    validation: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Number of training images held out for choices. With 0, nothing may be chosen."""

    @property
    def pictures(self) -> Dataset:
        """Data set whose images pictures are made like: this one, or the one that it is computed from."""
        return self

    @abstractmethod
    def info(self, folder: Path) -> DatasetInfo:
        """Return the shape, the sizes and the fingerprint. A user's own data set is read for this.

        Args:
            folder: the data folder.

        Raises:
            DataError: the user's file is missing or unsuitable.
        """

    def problem(self, info: DatasetInfo) -> Problem | None:
        """Return why the training split cannot be divided as requested, or None."""
        left = info.train_images - self.validation
        if left < 1:
            most = info.train_images - 1
            text = f"expected at most {most}, so that training images remain, got {self.validation}"
            return Problem("validation", text)
        if self.train_images is not None and self.train_images > left:
            return Problem("train_images", f"expected at most {left}, got {self.train_images}")
        return None

    def train_size(self, info: DatasetInfo) -> int:
        """Return the number of training images in use."""
        return self.train_images or info.train_images - self.validation

"""Base class of the specifications of data sets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from scaling.datasets.class_subset import draw_classes
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
    """Label of each class where it is not the class's number, ascending; empty if the data set numbers its
    classes."""
    train_per_class: tuple[int, ...] = ()
    """Number of training images of each class."""
    test_per_class: tuple[int, ...] = ()
    """Number of test images of each class."""
    classes_in_use: tuple[int, ...] = ()
    """Classes of the whole data set that are used, ascending; empty if all are."""
    label_names: tuple[str, ...] = ()
    """Name of each class, as the files of the data set give it; empty if they give none."""
    layout: str = ""
    """Layout of a user's own files, such as the names of the arrays."""
    notes: tuple[str, ...] = ()
    """Sentences about what was changed in a user's own images, or left out."""

    def label(self, class_index: int) -> int:
        """Return the label of a class, as the data set's file gives it."""
        return self.labels[class_index] if self.labels else class_index

    @property
    def renumbers_labels(self) -> bool:
        """Return whether the labels of the data set's file are not the numbers of the classes."""
        return bool(self.labels) and self.labels != tuple(range(len(self.labels)))

    def restricted_to(self, classes: Sequence[int]) -> DatasetInfo:
        """Return the description of the images of k classes, which become the classes 0 to k-1.

        The new fingerprint is a hash of this one and of the classes, so that a study can be planned without
        the images.

        Args:
            classes: some of the classes, ascending.
        """
        train, test = (
            tuple(counts[index] for index in classes)
            for counts in (self.train_per_class, self.test_per_class)
        )
        content = f"classes {', '.join(map(str, classes))} of {self.fingerprint}"
        return replace(
            self,
            image=replace(self.image, classes=len(classes)),
            train_images=sum(train),
            test_images=sum(test),
            fingerprint=sha256(content.encode()).hexdigest(),
            labels=tuple(map(self.label, classes)),
            label_names=tuple(self.label_names[index] for index in classes) if self.label_names else (),
            train_per_class=train,
            test_per_class=test,
            classes_in_use=tuple(classes),
        )


class Dataset(ConfigModel):
    """A data set, and how much of it is used: which classes, and how much of their training images."""

    digit_frame: ClassVar[DigitFrame | None] = None
    """Size and position of the digits; None if the images are not single digits on a background."""

    labels: Annotated[Annotated[int, Field(ge=2, le=256)] | None, IdentityDefault(None)] = None
    """Number of classes, by default all. The drawn classes are nested, and become the classes 0 to k-1."""
    labels_draw: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Random seed of the drawn classes."""
    train_images: Annotated[PositiveInt | None, IdentityDefault(None)] = None
    """Number of training images of these classes, by default all. Subsets are stratified and nested."""
    validation: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Number of training images held out for choices. With 0, nothing may be chosen."""

    @property
    def pictures(self) -> Dataset:
        """Data set whose images pictures are made like: this one, or the one that it is computed from."""
        return self

    @property
    def content_type(self) -> str:
        """Name of the data set in a run's identity, such as ``mnist``."""
        return str(self.type)  # type: ignore[attr-defined]

    def located(self, study: Path, folder: Path) -> Dataset:
        """Return the data set with absolute paths of a user's own files.

        Args:
            study: folder of the study's YAML file, beside which the files may be.
            folder: the data folder.

        Raises:
            DataError: a file is missing.
        """
        return self

    @abstractmethod
    def whole_info(self, folder: Path) -> DatasetInfo:
        """Return the description of the data set with all its classes. A user's own data set is read for it.

        Args:
            folder: the data folder.

        Raises:
            DataError: the user's file is missing or unsuitable.
        """

    def info(self, folder: Path) -> DatasetInfo:
        """Return the shape, the sizes and the fingerprint of the classes in use.

        Args:
            folder: the data folder.

        Raises:
            DataError: the user's file is missing or unsuitable.
        """
        whole = self.whole_info(folder)
        classes = whole.image.classes
        if self.labels is None or self.labels >= classes:  # more than all are a problem, see below
            return whole
        return whole.restricted_to(draw_classes(classes, k=self.labels, draw=self.labels_draw))

    def problem(self, info: DatasetInfo) -> Problem | None:
        """Return why the data set cannot be divided as requested, or None."""
        if self.labels is not None and self.labels > info.image.classes:
            return Problem("labels", f"expected at most {info.image.classes} classes, got {self.labels}")
        if info.classes_in_use and not (all(info.train_per_class) and info.test_images):
            drawn = ", ".join(map(str, info.labels))
            text = f"the drawn classes {drawn} lack training or test images; choose another labels_draw"
            return Problem("labels", text)
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

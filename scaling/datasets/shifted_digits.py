"""Shifted digits: binary digits at several horizontal positions, the kind of data of Net-1 to Net-5 of 1989.

After LeCun, Generalization and network design strategies, in Connectionism in Perspective (1989): few digits,
each at several positions of the image, so that a network with shared weights can generalise from one position
to another. The digits of the paper were drawn by hand, and its data set is not public.

Digits are chosen at random from the training images of another data set. A digit is squeezed until it leaves
room for all positions, becomes binary, and is put at each position: one image for each digit and position.

With ``split_by: image``, the images are split at random. Almost every digit of the test images is then among
the training images too, at other positions: the test error measures generalisation to other positions, and
hardly at all generalisation to other digits. With ``split_by: digit``, all positions of a digit are in one
split. In both cases, validation images are drawn from the training images without regard to their digits.

Set here: the source of the digits, 12 digits of each class, 4 positions, a third of the images for the test,
and the splits by class. No publication that is at hand fixes them. At the default level of the ink, the
strokes of most USPS digits stay in one piece. No two images are equal: a digit that would repeat an image is
passed over.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from scaling.datasets.base import DatasetInfo
from scaling.datasets.derived import DerivedDataset
from scaling.errors import DataError
from scaling.settings import ImageShape, NonNegativeInt, PositiveInt

SHIFTED_DIGITS_VERSION = 1
"""Version of the computation, raised when it changes its results. Then every fingerprint is new."""


class ShiftedDigits(DerivedDataset):
    """Binary digits, each at several consecutive horizontal positions of the image."""

    type: Literal["shifted_digits"] = "shifted_digits"
    digits_per_class: PositiveInt = 12
    """Number of digits of each class, from the training images of ``of``."""
    positions: PositiveInt = 4
    """Number of positions of each digit, one pixel apart. Digits are squeezed to the width that is left."""
    test_per_class: PositiveInt = 16
    """Number of test images of each class. All other images of the class are training images."""
    split_by: Literal["image", "digit"] = "image"
    """``image``: a digit can be in both splits, at different positions. ``digit``: no digit is in both."""
    ink_level: Annotated[float, Field(ge=0.001, le=1)] = 0.3
    """Least value of a pixel of the stroke, as a fraction of the brightest pixel of the squeezed digit."""
    draw: NonNegativeInt = 0
    """Random seed. Each value gives other digits, and another split."""

    @model_validator(mode="after")
    def _check_split(self) -> ShiftedDigits:
        images = self.digits_per_class * self.positions
        if self.test_per_class >= images:
            raise ValueError(
                f"test_per_class: expected at most {images - 1}, so that training images remain, got"
                f" {self.test_per_class}"
            )
        if self.split_by == "digit" and self.test_per_class % self.positions:
            raise ValueError(
                f"test_per_class: expected a multiple of the {self.positions} positions, because the split"
                f" is by digit, got {self.test_per_class}"
            )
        return self

    @property
    def test_digits_per_class(self) -> int:
        """Number of test digits of each class of a split by digit."""
        return self.test_per_class // self.positions

    def whole_info(self, folder: Path) -> DatasetInfo:
        images = self.grey_info(folder)
        side, classes = images.image.side, images.image.classes
        if self.positions >= side:
            raise DataError(
                f"dataset.positions: expected at most {side - 1}, because the images are {side} pixels"
                f" wide, got {self.positions}"
            )
        available = images.train_images // classes
        if self.digits_per_class > available:
            raise DataError(
                f"dataset.digits_per_class: expected at most {available}, the training images of a class of"
                f" {self.of.type}, got {self.digits_per_class}"
            )
        settings = (
            f"{self.digits_per_class} digits a class, {self.positions} positions,"
            f" {self.test_per_class} test images a class, split by {self.split_by},"
            f" ink level {self.ink_level!r}, draw {self.draw}"
        )
        content = f"shifted digits, version {SHIFTED_DIGITS_VERSION}, {settings}, of {images.fingerprint}"
        train_per_class = self.digits_per_class * self.positions - self.test_per_class
        return DatasetInfo(
            title=f"{images.title}, shifted digits, split by {self.split_by}",
            image=ImageShape(channels=1, side=side, classes=classes),
            train_images=train_per_class * classes,
            test_images=self.test_per_class * classes,
            fingerprint=sha256(content.encode()).hexdigest(),
            labels=images.labels,
            train_per_class=(train_per_class,) * classes,
            test_per_class=(self.test_per_class,) * classes,
        )

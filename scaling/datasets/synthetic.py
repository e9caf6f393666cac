"""A synthetic data set of known difficulty, for tests and for trying out a study in seconds.

Each class has one random pattern. An image is ``(1 - noise)`` times the pattern of its class plus ``noise``
times uniform noise. A fraction ``flipped`` of all labels is drawn again at random, so no network has a mean
test error below ``flipped * (1 - 1 / classes)``.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from scaling.datasets.base import Dataset, DatasetInfo
from scaling.datasets.canonical import Split, Splits, compute_fingerprint, sort_canonically
from scaling.settings import ImageShape, NonNegativeInt, PositiveInt, zero_or_at_least

_MAX_VALUES = 2**28
"""Largest number of pixel values of all images together; CIFAR-10 would reach it with 87,000 images."""


class Synthetic(Dataset):
    """Synthetic images, which are the same on every machine."""

    type: Literal["synthetic"] = "synthetic"
    size: PositiveInt = 1000
    """Number of training images."""
    test_size: PositiveInt = 500
    """Number of test images."""
    side: Annotated[int, Field(ge=6)] = 16
    """Height and width of the images in pixels."""
    channels: PositiveInt = 1
    """Number of channels."""
    classes: Annotated[int, Field(ge=2, le=256)] = 10
    """Number of classes."""
    noise: Annotated[float, Field(ge=0, le=1), zero_or_at_least(1e-12)] = 0.7
    """Weight of the noise in each image, from 0 to 1."""
    flipped: Annotated[float, Field(ge=0, le=1), zero_or_at_least(1e-12)] = 0.0
    """Fraction of the labels that are drawn again at random."""
    draw: NonNegativeInt = 0
    """Random seed. Each value gives another data set of the same kind."""

    @model_validator(mode="after")
    def _check_size(self) -> Synthetic:
        values = (self.size + self.test_size) * self.channels * self.side**2
        if values > _MAX_VALUES:
            raise ValueError(
                f"size, test_size, channels and side give {values:,} pixel values; "
                f"at most {_MAX_VALUES:,} are allowed"
            )
        return self

    def whole_info(self, folder: Path) -> DatasetInfo:
        train, test = self.splits()
        return DatasetInfo(
            title="synthetic patterns",
            image=ImageShape(channels=self.channels, side=self.side, classes=self.classes),
            train_images=self.size,
            test_images=self.test_size,
            fingerprint=compute_fingerprint(train, test),
            train_per_class=train.count_classes(self.classes),
            test_per_class=test.count_classes(self.classes),
        )

    def splits(self) -> Splits:
        """Return the training split and the test split, in canonical order."""
        return _generate_splits(
            size=self.size,
            test_size=self.test_size,
            shape=(self.side, self.side, self.channels),
            classes=self.classes,
            noise=self.noise,
            flipped=self.flipped,
            draw=self.draw,
        )


def _uniform(draw: int, stream: int, *, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return uniform random numbers in [0, 1).

    NumPy promises that the raw bits of Philox stay the same in every version. It does not promise this of its
    distributions.
    """
    bits = np.random.Philox(key=[draw, stream]).random_raw(int(np.prod(shape)))
    return (bits >> np.uint64(11)).reshape(shape) / 2.0**53


@lru_cache(maxsize=4)
def _generate_splits(
    *,
    size: int,
    test_size: int,
    shape: tuple[int, int, int],
    classes: int,
    noise: float,
    flipped: float,
    draw: int,
) -> Splits:
    patterns = _uniform(draw, 0, shape=(classes, *shape))
    splits = []
    for stream, count in ((1, size), (4, test_size)):
        true_labels = np.arange(count) % classes
        noises = _uniform(draw, stream, shape=(count, *shape))
        images = (1 - noise) * patterns[true_labels] + noise * noises
        random_labels = (_uniform(draw, stream + 1, shape=(count,)) * classes).astype(int)
        is_flipped = _uniform(draw, stream + 2, shape=(count,)) < flipped
        labels = np.where(is_flipped, random_labels, true_labels)
        splits.append(sort_canonically(Split((images * 255).astype(np.uint8), labels.astype(np.uint8))))
    return Splits(*splits)

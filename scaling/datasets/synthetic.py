"""A made set whose difficulty is planted: for tests, and for trying out a study in seconds.

Each class has one random pattern. An image is its class's pattern, dimmed by ``noise``, plus uniform noise of that share; a fraction
``flipped`` of all labels is drawn anew, so no network errs on less than ``flipped * (1 - 1 / classes)`` of the test images in the mean.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from scaling.datasets.base import Dataset, DatasetInfo
from scaling.datasets.canonical import Split, compute_fingerprint, sort_canonically
from scaling.settings import ImageShape, NonNegativeInt, PositiveInt

MOST_NUMBERS = 2**28
"""Of all images together; as many as CIFAR-10 would have with 87,000 images."""


class Synthetic(Dataset):
    """Images made from counters; the same numbers on every machine."""

    type: Literal["synthetic"] = "synthetic"
    size: PositiveInt = 1000
    """Training images."""
    test_size: PositiveInt = 500
    side: Annotated[int, Field(ge=6)] = 16
    channels: PositiveInt = 1
    classes: Annotated[int, Field(ge=2, le=256)] = 10
    noise: Annotated[float, Field(ge=0, le=1)] = 0.7
    flipped: Annotated[float, Field(ge=0, le=1)] = 0.0
    draw: NonNegativeInt = 0
    """Another number, another data set of the same kind."""

    @model_validator(mode="after")
    def _small(self) -> Synthetic:
        numbers = (self.size + self.test_size) * self.channels * self.side**2
        if numbers > MOST_NUMBERS:
            raise ValueError(
                f"size, test_size, side and channels make {numbers:,} numbers; at most {MOST_NUMBERS:,} are made"
            )
        return self

    def info(self, folder: Path) -> DatasetInfo:
        return DatasetInfo(
            title="synthetic patterns",
            image=ImageShape(self.channels, self.side, self.classes),
            train_images=self.size,
            test_images=self.test_size,
            fingerprint=compute_fingerprint(*self.splits()),
        )

    def splits(self) -> tuple[Split, Split]:
        """Training and test split, in canonical order."""
        content = {
            name: getattr(self, name)
            for name in ("size", "test_size", "side", "channels", "classes", "noise", "flipped", "draw")
        }
        return _splits(**content)


def _uniform(draw: int, stream: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Numbers in [0, 1). Raw bits of Philox are promised to stay the same in every version of NumPy; its distributions are not."""
    bits = np.random.Philox(key=[draw, stream]).random_raw(int(np.prod(shape)))
    return (bits >> np.uint64(11)).reshape(shape) / 2.0**53


@lru_cache(maxsize=4)
def _splits(
    *,
    size: int,
    test_size: int,
    side: int,
    channels: int,
    classes: int,
    noise: float,
    flipped: float,
    draw: int,
) -> tuple[Split, Split]:
    shape = (side, side, channels)
    patterns = _uniform(draw, 0, (classes, *shape))
    made = []
    for stream, count in ((1, size), (4, test_size)):
        true = np.arange(count) % classes
        images = (1 - noise) * patterns[true] + noise * _uniform(draw, stream, (count, *shape))
        redrawn = (_uniform(draw, stream + 1, (count,)) * classes).astype(int)
        labels = np.where(_uniform(draw, stream + 2, (count,)) < flipped, redrawn, true)
        made.append(sort_canonically(Split((images * 255).astype(np.uint8), labels.astype(np.uint8))))
    return made[0], made[1]

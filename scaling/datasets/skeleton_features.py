"""Features of skeletons: the fixed part of the hybrid of 1988, as a data set made from digits.

Source: Denker, Gardner, Graf, Henderson, Howard, Hubbard, Jackel, Baird & Guyon, Neural network recognizer
    for hand-written zip code digits, NIPS 1, 323 (1988)

A digit is scaled to 20x32 pixels and deskewed, its strokes are thinned to a skeleton, templates mark lines,
ends of lines and arcs in 18 maps, and each map is blocked to 3x5 numbers. ``scaling.data.skeleton_features``
computes this. The images of this data set have one pixel with 270 channels, so that each feature has a mean
and a standard deviation of its own.

Images keep the canonical order of the data set that they come from: the i-th prediction belongs to the same
digit.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from scaling.datasets.base import DatasetInfo
from scaling.datasets.derived import DerivedDataset
from scaling.settings import ImageShape

FEATURES_VERSION = 1
"""Version of the computation, raised when it changes its results. Then every fingerprint is new."""
MAPS, BLOCK_ROWS, BLOCK_COLUMNS = 18, 5, 3
"""Number of feature maps, and of the blocks of each map."""


class SkeletonFeatures(DerivedDataset):
    """Features of the skeletons of digits: 18 maps of 3x5 blocks, 270 numbers for each digit."""

    type: Literal["skeleton_features"] = "skeleton_features"
    ink_level: Annotated[float, Field(ge=0.001, le=1)] = 0.5
    """Least value of a pixel of the stroke, as a fraction of the brightest pixel of the image."""
    deskew: bool = True
    """True to shear each digit until its rows and columns are uncorrelated."""

    def whole_info(self, folder: Path) -> DatasetInfo:
        images = self.grey_info(folder)
        settings = f"ink level {self.ink_level!r}, {'deskewed' if self.deskew else 'not deskewed'}"
        content = f"skeleton features, version {FEATURES_VERSION}, {settings}, of {images.fingerprint}"
        return DatasetInfo(
            title=f"{images.title}, skeleton features",
            image=ImageShape(
                channels=MAPS * BLOCK_ROWS * BLOCK_COLUMNS, side=1, classes=images.image.classes
            ),
            train_images=images.train_images,
            test_images=images.test_images,
            fingerprint=sha256(content.encode()).hexdigest(),
            labels=images.labels,
            train_per_class=images.train_per_class,
            test_per_class=images.test_per_class,
        )

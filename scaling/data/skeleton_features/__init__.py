"""Computation of the features of skeletons, the fixed part of the hybrid of 1988."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from scaling.data.skeleton_features.maps import block_maps, feature_maps
from scaling.data.skeleton_features.skeletons import make_skeletons
from scaling.datasets import SkeletonFeatures, Split

_IMAGES_PER_CHUNK = 512
"""Number of images whose feature maps are in memory at once."""


def compute_features(
    images: UInt8[np.ndarray, "n side side 1"], dataset: SkeletonFeatures
) -> UInt8[np.ndarray, "n 1 1 features"]:
    """Return the features of images.

    Args:
        images: grey images of one digit each, bright on dark.
        dataset: settings of the features.

    Raises:
        DataError: the package scikit-image is missing.
    """
    chunks = [
        block_maps(
            feature_maps(
                make_skeletons(
                    images[start : start + _IMAGES_PER_CHUNK, ..., 0],
                    ink_level=dataset.ink_level,
                    deskew=dataset.deskew,
                )
            )
        )
        for start in range(0, len(images), _IMAGES_PER_CHUNK)
    ]
    return np.concatenate(chunks)[:, np.newaxis, np.newaxis]


def features_of(split: Split, dataset: SkeletonFeatures) -> Split:
    """Return the features of a split, in the order of its images, with its labels."""
    return Split(compute_features(split.images, dataset), np.array(split.labels))

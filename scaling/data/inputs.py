"""Inputs that networks get for images that are not in a data set, such as pictures."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from scaling.data.skeleton_features import compute_features
from scaling.datasets import Dataset, SkeletonFeatures


def network_inputs(
    images: UInt8[np.ndarray, "n height width C"], dataset: Dataset
) -> UInt8[np.ndarray, "n side side channels"]:
    """Return inputs like those of a data set, before they are normalised.

    Args:
        images: images like those of ``dataset.pictures``.
        dataset: data set that the network was trained on.

    Raises:
        DataError: a package that computes features is missing.
    """
    return compute_features(images, dataset) if isinstance(dataset, SkeletonFeatures) else images

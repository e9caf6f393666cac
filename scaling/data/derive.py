"""Computation of data sets from the images of others, and of network inputs from pictures."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from scaling.data.shifted_digits import centred_digits, make_splits
from scaling.datasets import Dataset, DatasetInfo, DerivedDataset, ShiftedDigits, SkeletonFeatures, Splits


def derive_splits(images: Splits, dataset: DerivedDataset, *, info: DatasetInfo) -> Splits:
    """Return the splits of a data set that is computed from another one.

    Args:
        images: splits of ``dataset.of``, in canonical order.
        dataset: the data set that is computed.
        info: its description.

    Raises:
        DataError: a package that computes features is missing, or a class has too few digits.
    """
    match dataset:
        case SkeletonFeatures():
            # Imported here, because SciPy's image functions take a third of a second in each process.
            from scaling.data.skeleton_features import features_of

            return Splits(*(features_of(split, dataset) for split in images))
        case ShiftedDigits():
            return make_splits(images.train, dataset, classes=info.image.classes)
        case _:
            raise TypeError(f"{type(dataset).__name__}: no computation is known")


def network_inputs(
    images: UInt8[np.ndarray, "n height width C"], dataset: Dataset
) -> UInt8[np.ndarray, "n side side channels"]:
    """Return inputs like those of a data set, before they are normalised.

    Args:
        images: images like those of ``dataset.pictures``, such as pictures of a user.
        dataset: data set that the network was trained on.

    Raises:
        DataError: a package that computes features is missing.
    """
    match dataset:
        case SkeletonFeatures():
            from scaling.data.skeleton_features import compute_features

            return compute_features(images, dataset)
        case ShiftedDigits():
            return centred_digits(images, dataset)
        case _:
            return images

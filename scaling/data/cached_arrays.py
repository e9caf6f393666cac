"""Arrays of a data set that are cached: both splits in canonical order, and the moments of the pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling.datasets import Split

_IMAGES_PER_CHUNK = 1024
"""Number of images whose squares are in memory at once."""


@dataclass(frozen=True, eq=False)
class CachedArrays:
    """Arrays of a whole data set."""

    train: Split
    """Whole training split."""
    test: Split
    """Test split."""
    mean: NDArray[np.float64]
    """Mean of the training pixels over 255: [channels]."""
    std: NDArray[np.float64]
    """Standard deviation of the training pixels over 255; 1 for a constant channel: [channels]."""

    @classmethod
    def from_splits(cls, train: Split, test: Split) -> CachedArrays:
        """Compute the moments; sums of integers are exact, so the moments are equal on all machines."""
        side, channels = train.images.shape[2:]
        # Sums over the first axis add whole images: several times faster than sums over all pixels.
        total, total_squares = np.zeros((2, side * side * channels), np.int64)
        for start in range(0, len(train), _IMAGES_PER_CHUNK):
            chunk = train.images[start : start + _IMAGES_PER_CHUNK].reshape(-1, len(total))
            total += chunk.sum(axis=0, dtype=np.int64)
            total_squares += np.square(chunk, dtype=np.uint16).sum(axis=0, dtype=np.int64)
        total, total_squares = (sums.reshape(-1, channels).sum(axis=0) for sums in (total, total_squares))
        count = train.images.size // channels
        # Python's integers subtract two large numbers without rounding.
        variance = np.array(
            [
                (count * int(squares) - int(values) ** 2) / count**2
                for values, squares in zip(total, total_squares, strict=True)
            ]
        )
        # A constant channel gets 1, so that normalising turns it into zeros.
        std = np.where(variance > 0, np.sqrt(variance) / 255, 1.0)
        return cls(train, test, total / count / 255, std)

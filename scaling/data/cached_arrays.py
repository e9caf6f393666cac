"""What is cached of a data set: its splits in canonical order, and the moments of its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling.datasets import Split

CHUNK = 1024
"""Images that are widened to 64 bits at once."""


@dataclass(frozen=True, eq=False)
class CachedArrays:
    """A data set's numbers.

    Args:
        train: the whole training split.
        test: the test split.
        mean: float64, [channels], of the training pixels over 255.
        std: likewise. A channel that never changes has 1, so that normalising makes it zero.
    """

    train: Split
    test: Split
    mean: NDArray[np.float64]
    std: NDArray[np.float64]


def content(train: Split, test: Split) -> CachedArrays:
    """Compute the moments; sums of whole numbers are exact, so they are the same everywhere."""
    channels = train.images.shape[3]
    total, squares = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
    for start in range(0, len(train), CHUNK):
        pixels = train.images[start : start + CHUNK].reshape(-1, channels).astype(np.int64)
        total += pixels.sum(axis=0)
        squares += (pixels**2).sum(axis=0)
    count = train.images.size // channels
    # In Python's integers: the difference of two large numbers, without rounding.
    variance = np.array(
        [(count * int(square) - int(s) ** 2) / count**2 for s, square in zip(total, squares, strict=True)]
    )
    return CachedArrays(
        train, test, total / count / 255, np.where(variance > 0, np.sqrt(variance) / 255, 1.0)
    )

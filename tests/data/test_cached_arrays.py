"""Moments of the pixels of a data set."""

from __future__ import annotations

import numpy as np

from scaling.data.cached_arrays import CachedArrays
from scaling.datasets import Split


def test_constant_channel_does_not_divide_by_zero():
    images = np.full((5, 6, 6, 2), 7, np.uint8)
    images[..., 1] = np.arange(6)
    split = Split(images, np.zeros(5, np.uint8))
    arrays = CachedArrays.from_splits(split, split)
    assert arrays.std[0] == 1
    assert arrays.mean[0] == 7 / 255

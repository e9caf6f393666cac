"""Minibatches of a DataLoader have the same images, layout and precision as this software's minibatches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.data_loader import DataLoaderMinibatches
from scaling.config.recipe import Augmentation
from scaling.data.minibatches import Minibatches


@pytest.mark.parametrize("channels", [1, 3])
def test_data_loader_returns_the_same_images_in_its_own_order(channels):
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 256, (12, 6, 6, channels), dtype=np.uint8))
    settings = {
        "batch_size": 4,
        "order": 0,
        "augmentation": Augmentation(),
        "dtype": torch.float32,
        "index": np.arange(2, 10),
        "mean": np.full(channels, 0.4),
        "std": np.linspace(0.2, 0.3, channels),
    }
    sorted_images = []
    for minibatches_class in (Minibatches, DataLoaderMinibatches):
        batches = list(minibatches_class(images, torch.arange(12), **settings).epoch(0))
        assert [len(labels) for _, labels in batches] == [4, 4]
        assert all(part.is_contiguous(memory_format=torch.channels_last) for part, _ in batches)
        by_label = {
            int(label): image for part, labels in batches for image, label in zip(part, labels, strict=True)
        }
        sorted_images.append(torch.stack([by_label[label] for label in range(2, 10)]))
    # Five roundings in fp32 of numbers below 4: 5 * 4 * 2**-24 < 2e-6.
    torch.testing.assert_close(sorted_images[0], sorted_images[1], atol=2e-6, rtol=0)

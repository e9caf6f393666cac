"""CIFAR-10: 60,000 small colour photographs of ten classes of objects.

Source: Krizhevsky, Learning multiple layers of features from tiny images (2009)
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from scaling.datasets.base import Dataset, DatasetInfo
from scaling.settings import ImageShape

CIFAR10_INFO = DatasetInfo(
    title="CIFAR-10",
    image=ImageShape(channels=3, side=32, classes=10),
    train_images=50_000,
    test_images=10_000,
    fingerprint="5ceda65e0fe18b35c94af5069a2f9afa9cba213737460c84a32ecdd5d2860751",
    train_per_class=(5000,) * 10,
    test_per_class=(1000,) * 10,
)


class Cifar10(Dataset):
    """CIFAR-10: 50,000 training and 10,000 test images of 32x32 pixels in three colours."""

    type: Literal["cifar10"] = "cifar10"

    def whole_info(self, folder: Path) -> DatasetInfo:
        return CIFAR10_INFO

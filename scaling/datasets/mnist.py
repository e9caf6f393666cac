"""MNIST: 70,000 handwritten digits, size-normalised and centred.

Source: LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86, 2278 (1998), doi:10.1109/5.726791
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from scaling.datasets.base import Dataset, DatasetInfo
from scaling.datasets.digit_frame import MNIST_FRAME, DigitFrame
from scaling.settings import ImageShape

MNIST_INFO = DatasetInfo(
    title="MNIST",
    image=ImageShape(channels=1, side=28, classes=10),
    train_images=60_000,
    test_images=10_000,
    fingerprint="2c1515217700e91223938e5f7257bf7ce76140b397548e103738818f5abd9020",
    train_per_class=(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    test_per_class=(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
)


class Mnist(Dataset):
    """MNIST: 60,000 training and 10,000 test images of 28x28 pixels."""

    digit_frame: ClassVar[DigitFrame | None] = MNIST_FRAME

    type: Literal["mnist"] = "mnist"

    def whole_info(self, folder: Path) -> DatasetInfo:
        return MNIST_INFO

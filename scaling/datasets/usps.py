"""USPS zip codes: 9,298 handwritten digits, the data of LeCun et al. (1989).

Source: LeCun et al., Neural Computation 1, 541 (1989), doi:10.1162/neco.1989.1.4.541
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from scaling.datasets.base import Dataset, DatasetInfo
from scaling.datasets.digit_frame import USPS_FRAME, DigitFrame
from scaling.settings import ImageShape

USPS_INFO = DatasetInfo(
    title="USPS zip codes",
    image=ImageShape(channels=1, side=16, classes=10),
    train_images=7_291,
    test_images=2_007,
    fingerprint="0f6d837fc9c82a677a299f0271cc9b6cb95b4673ecbd590d56d41c09314d9217",
    train_per_class=(1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644),
    test_per_class=(359, 264, 198, 166, 200, 160, 170, 147, 166, 177),
)


class Usps(Dataset):
    """USPS zip codes: 7,291 training and 2,007 test images of 16x16 pixels."""

    digit_frame: ClassVar[DigitFrame | None] = USPS_FRAME

    type: Literal["usps"] = "usps"

    def whole_info(self, folder: Path) -> DatasetInfo:
        return USPS_INFO

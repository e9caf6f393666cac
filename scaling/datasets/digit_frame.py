"""The position and the size of a digit in the images of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class DigitFrame:
    """Size and position that a data set gives to every digit; its ink is bright on a dark background."""

    extent: int
    """Longer side of the digit's bounding box, in pixels."""
    centre: Literal["mass", "box"]
    """Point of the digit that is in the middle: its centre of mass, or the centre of its bounding box."""


MNIST_FRAME = DigitFrame(extent=20, centre="mass")
"""MNIST: a digit fits a square of 20 pixels, and its centre of mass is in pixel 14 of 0 to 27."""
USPS_FRAME = DigitFrame(extent=16, centre="box")
"""USPS: a digit fills the height or the width of the image. Set here: its bounding box is centred."""

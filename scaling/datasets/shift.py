"""Shifts of images by whole pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True)
class Shift:
    """Displacement of an image, in pixels."""

    right: int
    down: int

    @property
    def distance(self) -> int:
        """Larger one of the horizontal and the vertical displacement."""
        return max(abs(self.right), abs(self.down))


def square_of_shifts(largest: int) -> tuple[Shift, ...]:
    """Return all shifts of at most ``largest`` pixels in each direction, line by line."""
    steps = range(-largest, largest + 1)
    return tuple(Shift(right=right, down=down) for down in steps for right in steps)


def shift_images(
    images: UInt8[np.ndarray, "n side side C"], shift: Shift
) -> UInt8[np.ndarray, "n side side C"]:
    """Return shifted images, with the value 0 where a shift moves pixels in.

    Args:
        images: images.
        shift: displacement, smaller than the images.
    """
    shifted, side = np.zeros_like(images), images.shape[1]
    to_rows, to_columns = (slice(max(0, step), side + min(0, step)) for step in (shift.down, shift.right))
    rows, columns = (slice(max(0, -step), side - max(0, step)) for step in (shift.down, shift.right))
    shifted[:, to_rows, to_columns] = images[:, rows, columns]
    return shifted

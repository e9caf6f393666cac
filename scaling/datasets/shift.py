"""Shifts of images by whole pixels."""

from __future__ import annotations

from dataclasses import dataclass


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

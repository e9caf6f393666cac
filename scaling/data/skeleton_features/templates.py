"""The 49 templates of 7x7 pixels that find strokes and their ends in a skeleton.

A template counts pixels of the skeleton: +1 for each one where it expects ink, -5 where it expects none, and
0 elsewhere. It is active where the sum reaches its threshold (Denker et al. 1988).

Set here, because the paper shows a few of its 49 templates only:

- 24 stroke templates, one for each direction that a window of 7x7 pixels distinguishes. Each expects a stroke
  that runs from the middle in its direction. Ink may be up to one pixel beside the direction.
- 24 end templates, one for each direction. Each expects a stroke in its direction and nothing in the
  horseshoe around the middle, more than 65 degrees off the direction and two or three pixels away.
- One template for the middle itself: the pixel of a stroke.

Directions are angles in degrees: 0 to the right, 90 up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 7
"""Side of the templates, in pixels."""
STROKE_THRESHOLD, END_THRESHOLD, MIDDLE_THRESHOLD = 3, 3, 1
_RADIUS = SIDE // 2
_BESIDE, _BEHIND = 1.0, 0.4
"""Distance in pixels from a stroke's axis that ink may have, and least distance ahead of the middle."""
_HORSESHOE_ANGLE, _HORSESHOE_RADIUS = 65.0, 2
"""Angle between a stroke and the horseshoe around its end, and the horseshoe's inner radius."""
_NO_INK = -5
"""Weight of a pixel that should have no ink."""

_UP, _RIGHT = np.mgrid[_RADIUS : -_RADIUS - 1 : -1, -_RADIUS : _RADIUS + 1]
_ANGLES = np.degrees(np.arctan2(_UP, _RIGHT)) % 360
_RING = np.maximum(abs(_UP), abs(_RIGHT))
"""Distance of each pixel from the middle, in rings of pixels."""

DIRECTIONS: NDArray[np.float64] = np.sort(_ANGLES[_RING == _RADIUS])
"""Directions of the pixels of the outermost ring: [24]."""


def angle_between(first: NDArray[np.float64], second: float) -> NDArray[np.float64]:
    """Return the angles between directions and a direction, 0 to 180 degrees."""
    angles: NDArray[np.float64] = np.abs((first - second + 180) % 360 - 180)
    return angles


def stroke_template(direction: float) -> NDArray[np.int8]:
    """Return the template of a stroke that runs from the middle in a direction."""
    right, up = np.cos(np.radians(direction)), np.sin(np.radians(direction))
    ahead, beside = _RIGHT * right + _UP * up, abs(_UP * right - _RIGHT * up)
    # Distances are rounded, so that mirrored directions have mirrored templates.
    template: NDArray[np.int8] = ((ahead > _BEHIND) & (beside.round(9) <= _BESIDE)).astype(np.int8)
    return template


def end_template(direction: float) -> NDArray[np.int8]:
    """Return the template of a stroke that lies in a direction and ends in the middle."""
    template = stroke_template(direction)
    is_off_direction = angle_between(_ANGLES, direction) > _HORSESHOE_ANGLE
    template[is_off_direction & (_RING >= _HORSESHOE_RADIUS) & (template == 0)] = _NO_INK
    template[_RADIUS, _RADIUS] = 1
    return template


STROKES: NDArray[np.int8] = np.stack([stroke_template(direction) for direction in DIRECTIONS])
ENDS: NDArray[np.int8] = np.stack([end_template(direction) for direction in DIRECTIONS])
MIDDLE: NDArray[np.int8] = (_RING == 0).astype(np.int8)
TEMPLATES: NDArray[np.int8] = np.concatenate([STROKES, ENDS, MIDDLE[np.newaxis]])
"""All templates: [49, row, column]."""
THRESHOLDS: NDArray[np.int8] = np.repeat(
    np.array([STROKE_THRESHOLD, END_THRESHOLD, MIDDLE_THRESHOLD], np.int8), [len(STROKES), len(ENDS), 1]
)
"""Sum from which each template is active: [49]."""

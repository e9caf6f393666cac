"""The 18 feature maps of a skeleton, combined from 49 templates by AND and OR, and their coarse blocks.

Source: Denker et al. 1988, who give the numbers of templates and maps, and ends, lines and arcs as examples.

Set here: all features belong to a pixel of the skeleton, so each has an AND with the template of the middle.
A direction is active if any stroke template within 22 degrees of it is.

- 4 line maps: strokes in two opposite directions, along 0, 45, 90 or 135 degrees.
- 8 end maps: any end template within 22 degrees of 0, 45 ... 315 degrees, the direction of the stroke.
- 4 arc maps: strokes on both sides of the arc's opening, which is to the right, up, left or down: one 45
  degrees from the opening and the other 60 degrees. A straight stroke is no arc.
- A junction map: strokes in three directions, each at least 90 degrees from the others.
- A crossing map: strokes in four directions at right angles.

A pixel counts for the nearest blocks of its map: its weight is divided between two rows and two columns of
blocks by its distance from their middles, in sixteenths. A feature is sixteen times the number of active
pixels of its block, at most 255.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Shaped, UInt8
from numpy.typing import NDArray

from scaling.data.skeleton_features.skeletons import HEIGHT, WIDTH
from scaling.data.skeleton_features.templates import (
    DIRECTIONS,
    SIDE,
    TEMPLATES,
    THRESHOLDS,
    angle_between,
)
from scaling.datasets.skeleton_features import BLOCK_COLUMNS, BLOCK_ROWS, MAPS

_COMPASS = tuple(45.0 * eighth for eighth in range(8))
_NEAR, _ARC_ANGLES = 22.0, (45.0, 60.0)
"""Degrees between a template and its direction on the compass, and between an arc's opening and strokes."""
_SIXTEENTHS = 16

MAP_NAMES = (
    *(f"line {angle:.0f}" for angle in _COMPASS[:4]),
    *(f"end {angle:.0f}" for angle in _COMPASS),
    *(f"arc {angle:.0f}" for angle in _COMPASS[::2]),
    "junction",
    "crossing",
)
"""Names of the maps, with the direction of each one's stroke or opening."""


def feature_maps(skeletons: Bool[np.ndarray, "n row col"]) -> Bool[np.ndarray, "n row col maps"]:
    """Return where each of the 18 features is in skeletons."""
    maps = np.zeros((*skeletons.shape, MAPS), np.bool_)
    # Templates are compared at the pixels of the skeletons alone, a tenth of all pixels.
    active = _active_templates(skeletons)
    strokes, ends = active[:, : len(DIRECTIONS)], active[:, len(DIRECTIONS) : 2 * len(DIRECTIONS)]
    maps[skeletons] = np.stack([*_combine(strokes, ends)], axis=1)
    return maps


def block_maps(maps: Shaped[np.ndarray, "n row col maps"]) -> UInt8[np.ndarray, "n features"]:
    """Return the features: for each map, its blocks row by row."""
    weights = np.kron(_block_weights(HEIGHT, BLOCK_ROWS), _block_weights(WIDTH, BLOCK_COLUMNS))
    # Sums of integers are exact in float32 up to 2**24, and equal on all machines.
    pixels = maps.reshape(len(maps), HEIGHT * WIDTH, -1).astype(np.float32)
    sums = (weights.astype(np.float32) @ pixels).astype(np.int64) // _SIXTEENTHS
    return sums.clip(0, 255).astype(np.uint8).swapaxes(1, 2).reshape(len(maps), -1)


def _active_templates(skeletons: Bool[np.ndarray, "n row col"]) -> Bool[np.ndarray, "pixels templates"]:
    border = SIDE // 2
    padded = np.pad(skeletons, ((0, 0), (border, border), (border, border)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (SIDE, SIDE), axis=(1, 2))[skeletons]
    weights = TEMPLATES.reshape(len(TEMPLATES), -1).astype(np.float32)
    sums = windows.reshape(len(windows), SIDE**2).astype(np.float32) @ weights.T
    return np.asarray(sums >= THRESHOLDS)


def _combine(
    strokes: Bool[np.ndarray, "pixels directions"], ends: Bool[np.ndarray, "pixels directions"]
) -> Iterator[Bool[np.ndarray, " pixels"]]:
    """Yield the features of pixels, in the order of ``MAP_NAMES``."""

    def any_near(active: NDArray[np.bool_], direction: float) -> NDArray[np.bool_]:
        return np.asarray(active[:, angle_between(DIRECTIONS, direction) <= _NEAR].any(axis=1))

    lines = strokes & np.roll(strokes, len(DIRECTIONS) // 2, axis=1)
    for direction in _COMPASS[:4]:
        yield any_near(lines, direction)
    for direction in _COMPASS:
        yield any_near(ends, direction)
    for opening in _COMPASS[::2]:
        left, right = (
            [any_near(strokes, opening + side * angle) for angle in _ARC_ANGLES] for side in (1, -1)
        )
        yield left[0] & right[1] | left[1] & right[0]
    compass = [any_near(strokes, direction) for direction in _COMPASS]
    apart = [three for three in combinations(range(8), 3) if _smallest_gap(three) >= 2]
    yield np.any([compass[i] & compass[j] & compass[k] for i, j, k in apart], axis=0)
    yield np.all(compass[::2], axis=0) | np.all(compass[1::2], axis=0)


def _smallest_gap(directions: tuple[int, ...]) -> int:
    """Return the smallest difference of directions on the compass, in eighths of a turn."""
    return min(
        (following - first) % 8
        for first, following in zip(directions, (*directions[1:], directions[0]), strict=True)
    )


def _block_weights(pixels: int, blocks: int) -> NDArray[np.int64]:
    """Return the share of each pixel that each block gets, in sixteenths: [blocks, pixels].

    The shares of a pixel add up to 16. Beyond the middle of the outer blocks, the outer block gets all.
    """
    position = (np.arange(pixels) + 0.5) * blocks / pixels - 0.5  # 0 is the middle of the first block
    position = position.clip(0, blocks - 1)
    before = np.minimum(position.astype(int), blocks - 2)
    after_share = np.rint((position - before) * _SIXTEENTHS).astype(int)
    weights = np.zeros((blocks, pixels), int)
    weights[before, np.arange(pixels)] = _SIXTEENTHS - after_share
    weights[before + 1, np.arange(pixels)] = after_share
    return weights

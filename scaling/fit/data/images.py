"""The test images as a sample: how far means would move with other images of the same kind.

The error indicator of seed s on image i is mean + seed + image + interaction. Seeds are nested in a width; the images are crossed with all
widths and all groups, so one draw of images serves them all. The variance of a width's mean over n seeds and N images is

    seeds / n + images / N + interaction / (n N)

The scatter of runs estimates seeds + interaction / N, and that of images images + interaction / n: drawn side by side they count the
interaction twice (Owen 2007, of the two-way bootstrap). So the deviations of seeds are shrunk by what is too much.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float

from scaling.fit.data.points import Points


def resample_images(points: Points, draws: int, seed: int) -> Float[np.ndarray, "draws widths"]:
    """By how much each width's mean moves in studies on other images.

    Args:
        points: with ``misclassified``.
        draws: how many studies.
        seed: of the draw of images; the same for all groups, which then share it.
    """
    misclassified = _misclassified(points)
    by_width = np.stack(
        [misclassified[points.width_index == width].mean(axis=0) for width in range(len(points.widths))],
        axis=1,
    )
    return np.asarray(
        image_resampling_weights(misclassified.shape[1], draws, seed) @ by_width.astype(np.float32),
        dtype=float,
    )


def seed_std_fraction(points: Points) -> Float[np.ndarray, " widths"]:
    """Of the scatter of a width's runs, as a standard deviation, what is left without the interaction; 1 where a single run can't tell."""
    misclassified = _misclassified(points)
    share = np.ones(len(points.widths))
    for width, runs in enumerate(points.counts):
        if runs < 2:
            continue
        mine = misclassified[points.width_index == width].astype(np.float32)
        images = mine.shape[1]
        scatter = float(mine.mean(axis=1).var(ddof=1))
        apart = mine - mine.mean(axis=0) - mine.mean(axis=1, keepdims=True) + mine.mean()
        interaction = float(np.square(apart).sum()) / ((runs - 1) * (images - 1))
        share[width] = np.sqrt(max(0.0, 1 - interaction / images / scatter)) if scatter else 1.0
    return share


def _misclassified(points: Points) -> Bool[np.ndarray, "runs images"]:
    if points.misclassified is None:
        raise ValueError("these points don't tell which images their runs err on")
    return points.misclassified


@lru_cache(maxsize=1)
def image_resampling_weights(images: int, draws: int, seed: int) -> Float[np.ndarray, "draws images"]:
    """How often each image is drawn more often than once, over the number of images; each row sums to 0."""
    rng = np.random.default_rng([seed, 1])  # another stream than that of the seeds
    weights = np.empty((draws, images), np.float32)
    for row in weights:
        row[:] = np.bincount(rng.integers(images, size=images), minlength=images)
    return (weights - 1) / images

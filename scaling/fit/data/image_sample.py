"""Test images as a sample: how far the means would move on other images of the same kind.

The error indicator of seed s on image i is mean + seed + image + interaction. Seeds are nested in a width;
the images are crossed with all widths and all groups, so that one draw of images serves all of them. The
variance of a width's mean over n seeds and N images is

    seeds / n + images / N + interaction / (n N)

The spread of the runs estimates seeds + interaction / N, and the spread of the images estimates images +
interaction / n. Resampled side by side, they count the interaction twice (Owen 2007, on the two-way
bootstrap). The deviations of the seeds are therefore reduced by the share of the interaction.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float

from scaling.fit.data.points import Points

_STREAM = 1
"""Stream of random numbers for the images; the seeds use another one."""
_DRAWN_AT_ONCE = 100_000
"""Number of images that are drawn in one call; few draws of many images and many of few then take as long."""


def resample_images(points: Points, draws: int, seed: int) -> Float[np.ndarray, "draws widths"]:
    """Return the deviation of each width's mean in studies on other test images.

    Args:
        points: the runs, with ``misclassified``.
        draws: number of studies.
        seed: seed of the draw of images; the same for all groups, which then share the draw.
    """
    misclassified = _misclassified(points)
    by_width = np.stack(
        [misclassified[points.width_index == width].mean(axis=0) for width in range(len(points.widths))],
        axis=1,
    )
    weights = image_resampling_weights(misclassified.shape[1], draws, seed)
    return np.asarray(weights @ by_width.astype(np.float32), dtype=float)


def seed_std_fraction(points: Points) -> Float[np.ndarray, " widths"]:
    """Return the standard deviation of the seeds over that of the runs, which includes the interaction.

    The fraction is 1 for a width with a single run, where it is unknown.
    """
    misclassified = _misclassified(points)
    fraction = np.ones(len(points.widths))
    for width, runs in enumerate(points.counts):
        if runs < 2:
            continue
        indicators = misclassified[points.width_index == width].astype(np.float32)
        images = indicators.shape[1]
        run_variance = float(indicators.mean(axis=1).var(ddof=1))
        residuals = indicators - indicators.mean(axis=0) - indicators.mean(axis=1, keepdims=True)
        residuals = residuals + indicators.mean()
        interaction = float(np.square(residuals).sum()) / ((runs - 1) * (images - 1))
        if run_variance:
            fraction[width] = np.sqrt(max(0.0, 1 - interaction / images / run_variance))
    return fraction


@lru_cache(maxsize=1)
def image_resampling_weights(images: int, draws: int, seed: int) -> Float[np.ndarray, "draws images"]:
    """Return (number of times that each image is drawn - 1) / number of images; each row sums to 0."""
    rng = np.random.default_rng([seed, _STREAM])
    weights = np.empty((draws, images), np.float32)
    rows_at_once = max(1, _DRAWN_AT_ONCE // images)
    for rows in np.split(weights, range(rows_at_once, draws, rows_at_once)):
        drawn = rng.integers(images, size=rows.shape) + images * np.arange(len(rows))[:, None]
        rows[:] = np.bincount(drawn.ravel(), minlength=rows.size).reshape(rows.shape)
    weights -= 1
    weights /= images
    return weights


def _misclassified(points: Points) -> Bool[np.ndarray, "runs images"]:
    if points.misclassified is None:
        raise ValueError("the points do not hold the images that their runs misclassify")
    return points.misclassified

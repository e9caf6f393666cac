"""Other studies that might have been: means over seeds, drawn anew at each width for itself.

A width's runs are drawn with replacement, and the deviation of the drawn mean is stretched. By sqrt(n / (n - 1)), because n runs scatter
less about their own mean than about the true one. By Student's quantile over the normal one, for the degrees of freedom behind what is known of
the scatter, because a spread that was itself estimated is uncertain. And where ``scaling.fit.data.dispersion`` finds that the runs' own spread says too
little, by what it found. Where the points know which images their runs err on, the images are drawn anew too, as ``scaling.fit.data.images`` says.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri, stdtrit

from scaling.fit.data.images import resample_images, seed_std_fraction
from scaling.fit.data.points import Points
from scaling.fit.data.variance import Dispersion
from scaling.fit.result import CONFIDENCE_LEVEL


def resample_means(
    points: Points,
    curve: Float[np.ndarray, " widths"],
    *,
    dispersion: Dispersion,
    draws: int,
    seed: int,
    stream: int = 0,
) -> Float[np.ndarray, "draws widths"]:
    """Draw the means of other studies.

    Args:
        points: the runs.
        curve: the fitted law. Where a width has a single run, or its standard deviation is stated, it gives the variance.
        scatter: what is known of the means' scatter.
        draws: how many studies.
        seed: where chance comes from; the same for groups that share their images.
        stream: another number, other seeds on the same images.

    Returns:
        Above 0 wherever the points' mean is.
    """
    rng = np.random.default_rng([seed, 0, stream])
    counts, drawn = points.counts, (points.counts == 1) | (points.known_std is not None)
    start = np.cumsum(counts) - counts
    # Runs of one width stand together, so that each draws within its own and one reduction sums all widths.
    by_width = points.deviations[np.argsort(points.width_index, kind="stable")]
    chosen = np.repeat(start, counts) + (
        rng.random((draws, len(by_width))) * np.repeat(counts, counts)
    ).astype(np.intp)
    deviation = np.add.reduceat(by_width[chosen], start, axis=1) / counts
    deviation *= dispersion.inflation * np.sqrt(counts / np.maximum(counts - 1, 1))
    spread = np.sqrt(dispersion.value * points.variance_model.variance(curve) / points.weights)
    deviation[:, drawn] = rng.standard_normal((draws, drawn.sum())) * spread[drawn]
    deviation *= student_inflation(dispersion.dof)
    if points.misclassified is not None:
        deviation = deviation * seed_std_fraction(points) + resample_images(points, draws, seed)
    # As a factor, so that no stretch takes an error below 0; a width without any error has nothing to scatter.
    return points.means * np.exp(
        deviation / np.where(drawn, curve, np.where(points.means > 0, points.means, 1))
    )


def student_inflation(freedom: int) -> float:
    """Student's quantile at the level of intervals, over the normal one."""
    upper = (1 + CONFIDENCE_LEVEL) / 2
    return float(stdtrit(freedom, upper) / ndtri(upper))

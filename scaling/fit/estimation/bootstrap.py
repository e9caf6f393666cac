"""Bootstrap of the means over seeds: simulated repetitions of the study.

At each width the runs are drawn with replacement, and the deviation of the drawn mean is inflated by three
factors:

- sqrt(n / (n - 1)), because n runs scatter less about their own mean than about the true one;
- the quantile of Student's t over that of the normal distribution, with the degrees of freedom of the
  dispersion, because an estimated spread is uncertain;
- the inflation of the dispersion, if ``scaling.fit.data.dispersion`` finds that the spread of the runs is too
  small.

If the points hold the images that each run misclassifies, the images are resampled too: see
``scaling.fit.data.image_sample``.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from scaling.fit.data.image_sample import resample_images, seed_std_fraction
from scaling.fit.data.points import Points
from scaling.fit.data.variance import Dispersion
from scaling.fit.interval import CONFIDENCE_LEVEL, student_quantile


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
        curve: the fitted law, which gives the variance of widths with a single run or a known standard
            deviation.
        dispersion: dispersion of the means.
        draws: number of studies.
        seed: seed of the draws; equal for groups that share their test images.
        stream: number of the group; another number draws other seeds on the same images.

    Returns:
        Means above 0 wherever the mean of the points is.
    """
    rng = np.random.default_rng([seed, 0, stream])
    counts, parametric = points.counts, (points.counts == 1) | (points.known_std is not None)
    start = np.cumsum(counts) - counts
    # Runs of one width are adjacent, so that each width draws its own runs and one reduction sums all widths.
    by_width = points.deviations[np.argsort(points.width_index, kind="stable")]
    offsets = (rng.random((draws, len(by_width))) * np.repeat(counts, counts)).astype(np.intp)
    drawn_runs = np.repeat(start, counts) + offsets
    deviation = np.add.reduceat(by_width[drawn_runs], start, axis=1) / counts
    deviation *= dispersion.inflation * np.sqrt(counts / np.maximum(counts - 1, 1))
    std = np.sqrt(dispersion.value * points.variance_model.variance(curve) / points.weights)
    deviation[:, parametric] = rng.standard_normal((draws, parametric.sum())) * std[parametric]
    deviation *= student_inflation(dispersion.dof)
    if points.misclassified is not None:
        deviation = deviation * seed_std_fraction(points) + resample_images(points, draws, seed)
    # The deviation is applied as a factor, so that no error falls below 0. A width without errors has no
    # spread.
    scale = np.where(parametric, curve, np.where(points.means > 0, points.means, 1))
    return points.means * np.exp(deviation / scale)


def student_inflation(dof: int) -> float:
    """Return the quantile of Student's t over that of the normal distribution, at the confidence level."""
    return float(student_quantile(dof) / ndtri((1 + CONFIDENCE_LEVEL) / 2))

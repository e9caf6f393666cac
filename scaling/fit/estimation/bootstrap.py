"""Bootstrap of the means over seeds: simulated repetitions of the study.

At each width the runs are drawn with replacement, and the deviation of the drawn mean is inflated by three
factors:

- sqrt(n / (n - 1)), because n runs scatter less about their own mean than about the true one;
- the quantile of Student's t over that of the normal distribution, with the degrees of freedom of the
  dispersion, because an estimated spread is uncertain;
- the inflation of the dispersion, if ``scaling.fit.data.dispersion`` finds that the spread of the runs is too
  small.

Runs are drawn for each width by itself, unless the runs of one seed deviate alike: then whole seeds get
random weights, the same at all widths (``scaling.fit.data.shared_seeds``).

If the points hold the images that each run misclassifies, the images are resampled too: see
``scaling.fit.data.image_sample``.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from scaling.fit.data.image_sample import resample_images, seed_std_fraction
from scaling.fit.data.points import Points
from scaling.fit.data.shared_seeds import crossed_deviations
from scaling.fit.data.variance import Dispersion, DispersionSource
from scaling.fit.interval import CONFIDENCE_LEVEL, student_quantile

_BLOCK = 4_000_000
"""Number of runs that are drawn at once."""
_MANY_RUNS = 500
"""Number of runs of a width from which their mean is drawn from a normal distribution.

The skewness of a mean falls with the square root of the number of runs: with this many, and runs as skewed as
an exponential distribution, it moves the limits of a 95 % interval by 2 % of their distance."""


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
        Means above 0 wherever the mean of the points is, and at most 1 for fractions of the test images.
    """
    rng = np.random.default_rng([seed, 0, stream])
    counts, parametric = points.counts, (points.counts == 1) | (points.known_std is not None)
    by_seed = crossed_deviations(points) if dispersion.source is DispersionSource.SEEDS else None
    deviation = _draw_runs(points, rng, draws) if by_seed is None else _draw_seeds(by_seed, rng, draws)
    deviation *= dispersion.inflation * np.sqrt(counts / np.maximum(counts - 1, 1))
    std = np.sqrt(dispersion.value * points.variance_model.variance(curve) / points.weights)
    deviation[:, parametric] = rng.standard_normal((draws, parametric.sum())) * std[parametric]
    deviation *= student_inflation(dispersion.dof)
    if points.misclassified is not None:
        deviation = deviation * seed_std_fraction(points) + resample_images(points, draws, seed)
    # The deviation is applied as a factor, so that no error falls below 0. A width without errors has no
    # spread.
    scale = np.where(parametric, curve, np.where(points.means > 0, points.means, 1))
    means = points.means * np.exp(deviation / scale)
    return means if points.test_images is None else np.minimum(means, 1)


def _draw_runs(points: Points, rng: np.random.Generator, draws: int) -> Float[np.ndarray, "draws widths"]:
    """Draw runs at each width by itself, and return the deviation of the mean of each width."""
    deviation, has_many = np.empty((draws, len(points.counts))), points.counts >= _MANY_RUNS
    if has_many.any():
        squares = np.bincount(points.width_index, points.deviations**2, minlength=len(points.counts))
        std = np.sqrt(squares[has_many]) / points.counts[has_many]
        deviation[:, has_many] = rng.standard_normal((draws, len(std))) * std
    if has_many.all():
        return deviation
    counts = points.counts[~has_many]
    start = np.cumsum(counts) - counts
    # Runs of one width are adjacent, so that each width draws its own runs and one reduction sums all widths.
    by_width = points.deviations[np.argsort(points.width_index, kind="stable")]
    by_width = by_width[np.repeat(~has_many, points.counts)]
    runs_of_width = np.repeat(counts, counts)
    rows = max(1, _BLOCK // len(by_width))
    for first in range(0, draws, rows):  # in blocks, because tables may have many runs
        n_drawn = min(rows, draws - first)
        offsets = (rng.random((n_drawn, len(by_width))) * runs_of_width).astype(np.intp)
        drawn_runs = np.repeat(start, counts) + offsets
        sums = np.add.reduceat(by_width[drawn_runs], start, axis=1)
        deviation[first : first + n_drawn, ~has_many] = sums / counts
    return deviation


def _draw_seeds(
    by_seed: Float[np.ndarray, "seeds widths"], rng: np.random.Generator, draws: int
) -> Float[np.ndarray, "draws widths"]:
    """Draw the deviations of the means from normal weights of whole seeds, the same for all widths.

    Seeds drawn with replacement would have the same covariance, but rough quantiles with few seeds.
    """
    weights, counts = rng.standard_normal((draws, len(by_seed))), np.isfinite(by_seed).sum(axis=0)
    return np.asarray(weights @ np.nan_to_num(by_seed) / counts)


def student_inflation(dof: int) -> float:
    """Return the quantile of Student's t over that of the normal distribution, at the confidence level."""
    return float(student_quantile(dof) / ndtri((1 + CONFIDENCE_LEVEL) / 2))

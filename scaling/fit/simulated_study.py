"""Simulated repetitions of a study: new runs about a known curve, which scatter as the study's runs do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.special import fdtrc

from scaling.fit.data.points import Points
from scaling.fit.data.shared_seeds import crossed_deviations
from scaling.fit.data.variance import Dispersion, DispersionSource

_SHARED_P = 0.05
"""Level of the F test below which simulated runs share effects.

A fit tests at 25 %, because a false alarm only widens its intervals. Here a false alarm would be taken for
the truth, and a simulated study adds false alarms of its own."""


def simulate_study(
    points: Points,
    curve: Float[np.ndarray, " widths"],
    dispersion: Dispersion,
    rng: np.random.Generator,
    *,
    copies: int = 1,
) -> Points:
    """Return the runs of a study like a given one, whose true means are a curve.

    Single runs scatter as in the given study. If its means scatter by more than its runs explain, so do those
    of the simulated study: orders of minibatches have effects of their own, or each width deviates from the
    curve by an amount that more seeds do not reduce. Seeds that deviate alike at all widths are resampled as
    a whole.

    Args:
        points: the runs of the given study.
        curve: true mean at each width.
        dispersion: dispersion of the means about the law of the given study.
        rng: source of random numbers.
        copies: number of runs, as a multiple of those of the given study; each copy has its own seeds and
            orders.
    """
    index = np.tile(points.width_index, copies)
    known_std = None if points.known_std is None else np.tile(points.known_std, copies)
    runs = points.run_dispersion or dispersion
    std = np.sqrt(runs.value * points.variance_model.variance(curve)) * np.ones_like(curve)
    order, seed = (_renumber(column, copies) for column in (points.order, points.seed))
    shared = np.zeros(len(index))
    if dispersion.source is DispersionSource.SEEDS:
        noise = np.concatenate([_resample_seeds(points, rng) for _ in range(copies)])
    else:
        noise = rng.standard_normal(len(index)) * (1 if known_std is None else known_std)
        if fdtrc(dispersion.dof, runs.dof, dispersion.inflation**2) < _SHARED_P:
            shared = np.sqrt(dispersion.inflation**2 - 1) * _shared_noise(points, dispersion, rng, copies)
    y = curve[index] + std[index] * (noise + shared)
    return replace(
        points,
        x=points.widths[index],
        y=y.clip(0, None if points.test_images is None else 1),
        order=order,
        seed=seed,
        known_std=known_std,
        misclassified=None,
        y_at_best_epoch=None,
    )


def _renumber(column: NDArray[np.int64] | None, copies: int) -> NDArray[np.int64] | None:
    """Repeat seeds or orders, with other numbers in each copy."""
    if column is None:
        return None
    offsets = np.arange(copies) * (int(column.max()) - int(column.min()) + 1)
    return np.asarray((offsets[:, None] + column).ravel())


def _shared_noise(
    points: Points, dispersion: Dispersion, rng: np.random.Generator, copies: int
) -> Float[np.ndarray, " runs"]:
    """Return effects that runs share, in units of the standard deviation of one run, at an inflation of
    sqrt(2).
    """
    if dispersion.source is DispersionSource.ORDERS and points.order is not None:
        keys = np.stack([points.width_index, points.order])
        _, cell, count = np.unique(keys, axis=1, return_inverse=True, return_counts=True)
        effects = rng.standard_normal((copies, len(count))) / np.sqrt(count)
        return np.asarray(effects[:, cell].ravel())
    effects = rng.standard_normal(len(points.widths)) / np.sqrt(points.counts)
    return np.tile(effects[points.width_index], copies)


def _resample_seeds(points: Points, rng: np.random.Generator) -> Float[np.ndarray, " runs"]:
    """Return deviations of whole seeds, drawn with replacement, in units of the standard deviation of one
    run.
    """
    deviations = crossed_deviations(points)
    if deviations is None or points.seed is None:
        raise ValueError("seeds that deviate alike are crossed with widths")
    n_seeds, counts = len(deviations), points.counts
    for row, width in np.argwhere(np.isnan(deviations)):
        # A missing run deviates as that of another seed.
        deviations[row, width] = rng.choice(points.deviations[points.width_index == width])
    scaled = deviations * np.sqrt(counts / (counts - 1) / points.variance_model.variance(points.means))
    if points.run_dispersion is not None:
        scaled /= np.sqrt(points.run_dispersion.value)
    drawn = scaled[rng.integers(n_seeds, size=n_seeds)]
    return np.asarray(drawn[np.unique(points.seed, return_inverse=True)[1], points.width_index])

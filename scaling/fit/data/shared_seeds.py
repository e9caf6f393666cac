"""Seeds that are crossed with widths: runs of one seed at several widths may deviate alike.

Networks of one seed can share their initial weights, up to a scale, and tables from elsewhere may hold one
data sample for each seed. If the deviations of a seed rise or fall together, or change along x together, the
exponents of seeds scatter more than independent runs of the same spread would let them. Two contrasts of the
deviations show this: their mean over widths and their slope in log x (with two sizes, the slope in each), in
units of relative deviations. If the variance of one of them over seeds exceeds that of the remaining
deviations, by F tests, whole seeds are resampled.

Seeds are crossed with widths as far as they have runs: a run that is missing, because it diverged or was
never trained, is left out of the contrasts and of the weights of its seed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import fdtri

from scaling.fit.data.points import DOUBTED_P, Points

_MIN_SEEDS = 3
_MIN_WIDTHS = 4
_ALARMS = 2
"""Number of seeds, divided by the number of all seeds, is the level of the F tests of a few seeds.

Few seeds have little power against shared deviations, whose omission costs coverage, and a false alarm widens
an interval by little."""


def crossed_deviations(points: Points) -> Float[np.ndarray, "seeds widths"] | None:
    """Return the deviation of each seed at each width, NaN without a run; None if no seeds are shared.

    Seeds are shared if three or more have a run at three or more widths (four, with two sizes), and no seed
    has two runs at a width.

    Args:
        points: the runs.
    """
    if points.seed is None or points.known_std is not None:
        return None
    seeds, index = np.unique(points.seed, return_inverse=True)
    deviations = np.full((len(seeds), len(points.widths)), np.nan)
    deviations[index, points.width_index] = points.deviations
    has_run = np.isfinite(deviations)
    is_shared = has_run.sum(axis=1) > _n_contrasts(points)
    if has_run.sum() < len(points.y) or is_shared.sum() < _MIN_SEEDS or points.counts.min() < _MIN_SEEDS:
        return None
    return deviations if len(points.widths) >= _MIN_WIDTHS else None


def has_shared_seeds(points: Points) -> bool:
    """Return whether the runs of one seed deviate alike, by more than chance explains.

    Args:
        points: the runs.
    """
    deviations = crossed_deviations(points)
    if deviations is None or not points.means.all():
        return False
    has_run = np.isfinite(deviations)
    std = np.sqrt(points.variance_model.variance(points.means))
    scaled = np.where(has_run, deviations, 0) / std
    positions = points.log_sizes - points.log_sizes.mean(axis=0)
    effects = (points.means / std)[:, None] * np.column_stack([np.ones(len(std)), positions])
    squares, dof = np.zeros((2, effects.shape[1]))
    # A deviation from the mean of n runs has 1 - 1 / n degrees of freedom.
    share = 1 - 1 / points.counts
    for pattern, seeds in _patterns(has_run, least=_n_contrasts(points) + 1):
        contrasts, _ = np.linalg.qr(effects[pattern])
        squares += ((scaled[seeds][:, pattern] @ contrasts) ** 2).sum(axis=0)
        dof += len(seeds) * (contrasts**2).T @ share[pattern]
    other_dof = float((has_run * share).sum() - dof.sum())
    others = ((scaled**2).sum() - squares.sum()) / other_dof
    level = max(DOUBTED_P, _ALARMS / len(deviations)) / len(squares)
    return bool((squares / dof > others * fdtri(dof, other_dof, 1 - level)).any())


def _n_contrasts(points: Points) -> int:
    """Return the number of contrasts of a seed: its mean deviation, and its slope in each size."""
    return 1 + int(points.log_sizes.shape[1])


def _patterns(
    has_run: Bool[np.ndarray, "seeds widths"], *, least: int
) -> Iterator[tuple[Bool[np.ndarray, " widths"], Int[np.ndarray, " some_seeds"]]]:
    """Yield each set of widths at which seeds have runs, if it is large enough, with these seeds."""
    patterns, index = np.unique(has_run, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        if pattern.sum() >= least:
            yield pattern, np.flatnonzero(index.reshape(-1) == number)

"""What was found in many studies of one cell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, linregress, t

from scaling.fit import EstimationOptions, Fit, Law, Points, Status, fit, predict
from scaling.fit.data.images import image_resampling_weights
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.forms import FLOOR
from simulations.cells import EXPONENT, Cell

LOW, HIGH = 0.93, 0.97
"""Of an honest 95 % interval's coverage, with what is forgiven."""
REJECTED = 1e-4
BEYOND = 2
"""Times the widest: where a prediction is asked for."""
RESAMPLINGS = 400


@dataclass(frozen=True)
class Tally:
    """Of one cell."""

    cell: Cell
    studies: int
    held: dict[str, int]
    """Studies whose interval of a quantity holds the truth."""
    doubtful: int
    """Studies that have no usable law: each is to be looked at or refused."""
    verdicts: Counter[str]

    def fails(self, quantity: str) -> bool:
        """Whether a binomial test refuses that the coverage lies where it should; at a bound an interval may hold too much."""
        found, at_bound = self.held[quantity], quantity == "floor" and not self.cell.floor
        few = binomtest(found, self.studies, 0.95 if at_bound else LOW, "less").pvalue < REJECTED
        return few or (not at_bound and binomtest(found, self.studies, HIGH, "greater").pvalue < REJECTED)


def tally(cell: Cell, studies: int, seed: int = 0) -> Tally:
    """Draw studies, fit them, and count."""
    held: Counter[str] = Counter(dict.fromkeys(QUANTITIES, 0))
    doubtful, verdicts = 0, Counter[str]()
    for study in range(studies):
        points = cell.study(np.random.default_rng([seed, study]))
        found = fit(points, EstimationOptions(resamplings=RESAMPLINGS, seed=study))
        held.update({name: int(_holds(name, cell, found, points, study)) for name in QUANTITIES})
        doubtful += all(law.status is not Status.USABLE for law in found.laws.values())
        verdicts[found.verdict.choice.value] += 1
    return Tally(cell, studies, dict(held), doubtful, verdicts)


QUANTITIES = ("exponent", "floor", "prediction", "plain exponent", "naive exponent")
"""The last two are others' ways: quantiles of a plain bootstrap of seeds (and images), and least squares on logarithms, without a floor."""


def _holds(quantity: str, cell: Cell, found: Fit, points: Points, seed: int) -> bool:
    law = found.laws["floor"]
    if quantity == "naive exponent":
        low, high = _least_squares(points)
        return low <= EXPONENT <= high
    if quantity == "plain exponent":
        low, high = plain_bootstrap(points, law, seed)
        return low <= EXPONENT <= high
    if quantity == "prediction":
        size = BEYOND * cell.sizes[-1]
        made = next(prediction.mean for prediction in predict(found, [size]) if prediction.form == "floor")
        return made.low <= cell.mean(size) <= made.high
    interval, truth = (
        law.parameters[quantity],
        dict(zip(law.form.parameters, cell.law, strict=True))[quantity],
    )
    return interval.low <= truth <= interval.high


def _least_squares(points: Points) -> tuple[float, float]:
    """Of the exponent, from a straight line through the logarithms of the means."""
    line = linregress(np.log(points.widths), np.log(np.maximum(points.means, 1e-6)))
    half = t.ppf(0.975, len(points.widths) - 2) * line.stderr
    return -line.slope - half, -line.slope + half


def plain_bootstrap(points: Points, law: Law, seed: int) -> tuple[float, float]:
    """Of the exponent: quantiles over draws of runs within each width, crossed with draws of images where these are a sample."""
    rng, runs = np.random.default_rng([seed, 7]), len(points.y)
    shares = np.zeros((RESAMPLINGS, runs))
    for width, count in enumerate(points.counts):
        mine = np.flatnonzero(points.width_index == width)
        shares[:, mine] = rng.multinomial(count, np.full(count, 1 / count), RESAMPLINGS) / count
    if points.misclassified is None:
        errors = np.broadcast_to(points.y, shares.shape)
    else:
        images = points.misclassified.shape[1]
        errors = (
            image_resampling_weights(images, RESAMPLINGS, seed) + np.float32(1 / images)
        ) @ points.misclassified.T.astype(np.float32)
    means = np.stack(
        [
            (shares * errors)[:, points.width_index == width].sum(axis=1)
            for width in range(len(points.widths))
        ],
        axis=1,
    )
    near = law.predict(points.widths)
    every = np.broadcast_to(points.weights, means.shape)
    exponents = fit_by_variable_projection(
        FLOOR, points.widths, np.maximum(means, 1e-9), every, points.variance_model, near=near
    )[:, 1]
    low, high = np.quantile(exponents, [0.025, 0.975])
    return float(low), float(high)

"""Coverage of intervals and frequency of verdicts in many simulated studies of one scenario."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, linregress, t

from scaling.fit import EstimationOptions, Fit, Interval, Law, Points, Status, fit, predict
from scaling.fit.data.image_sample import image_resampling_weights
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.forms import FLOOR
from simulations.scenarios import EXPONENT, Scenario

METHODS = ("exponent", "floor", "prediction", "plain exponent", "naive exponent")
"""Intervals whose coverage is counted.

The last two are other methods for the exponent: the quantiles of a plain bootstrap over seeds (and images),
and least squares on logarithms, without a floor. """
_LOWEST_COVERAGE, _HIGHEST_COVERAGE = 0.93, 0.97
"""Accepted coverage of a 95 % interval."""
_LEVEL = 1e-4
"""Level of the binomial tests of a coverage."""
_EXTRAPOLATION = 2
"""Ratio of the size of the prediction to the widest size."""
_RESAMPLINGS = 400


@dataclass(frozen=True)
class ScenarioCounts:
    """Counts over the simulated studies of one scenario."""

    scenario: Scenario
    studies: int
    covered: dict[str, int]
    """Number of studies whose interval contains the truth, by the method."""
    without_usable_law: int
    """Number of studies in which no law has the status ``usable``."""
    verdicts: Counter[str]
    """Number of studies by their verdict."""

    def is_rejected(self, method: str) -> bool:
        """Return True if a binomial test rejects the coverage; the interval of a bound may cover too
        often."""
        covered, is_bound = self.covered[method], method == "floor" and not self.scenario.floor
        lowest = 0.95 if is_bound else _LOWEST_COVERAGE
        too_low = binomtest(covered, self.studies, lowest, "less").pvalue < _LEVEL
        too_high = binomtest(covered, self.studies, _HIGHEST_COVERAGE, "greater").pvalue < _LEVEL
        return bool(too_low or (too_high and not is_bound))


def count_scenario(scenario: Scenario, studies: int, *, seed: int = 0) -> ScenarioCounts:
    """Simulate studies, fit them, and count.

    Args:
        scenario: the kind of study.
        studies: number of studies.
        seed: seed of the simulations.
    """
    covered: Counter[str] = Counter(dict.fromkeys(METHODS, 0))
    without_usable_law, verdicts = 0, Counter[str]()
    for study in range(studies):
        points = scenario.simulate(np.random.default_rng([seed, study]))
        fitted = fit(points, EstimationOptions(resamplings=_RESAMPLINGS, seed=study))
        covered.update({name: int(_covers(name, scenario, fitted, seed=study)) for name in METHODS})
        without_usable_law += all(law.status is not Status.USABLE for law in fitted.laws.values())
        verdicts[fitted.verdict.choice.value] += 1
    return ScenarioCounts(scenario, studies, dict(covered), without_usable_law, verdicts)


def _covers(method: str, scenario: Scenario, fitted: Fit, *, seed: int) -> bool:
    law = fitted.laws["floor"]
    if method == "naive exponent":
        interval, truth = _least_squares(fitted.points), EXPONENT
    elif method == "plain exponent":
        interval, truth = _plain_bootstrap(fitted.points, law, seed=seed), EXPONENT
    elif method == "prediction":
        size = _EXTRAPOLATION * scenario.sizes[-1]
        predictions = {prediction.form: prediction.mean for prediction in predict(fitted, [size])}
        interval, truth = predictions["floor"], scenario.mean(size)
    else:
        interval = law.parameters[method]
        truth = dict(zip(law.form.parameters, scenario.law, strict=True))[method]
    return interval.low <= truth <= interval.high


def _least_squares(points: Points) -> Interval:
    """Return the interval of the exponent from a straight line through the logarithms of the means."""
    line = linregress(np.log(points.widths), np.log(np.maximum(points.means, 1e-6)))
    half_width = t.ppf(0.975, len(points.widths) - 2) * line.stderr
    return Interval(estimate=-line.slope, low=-line.slope - half_width, high=-line.slope + half_width)


def _plain_bootstrap(points: Points, law: Law, *, seed: int) -> Interval:
    """Return the interval of the exponent from the quantiles over resampled runs of each width.

    If the test images are a sample, they are resampled too.
    """
    rng, runs = np.random.default_rng([seed, 7]), len(points.y)
    weights = np.zeros((_RESAMPLINGS, runs))
    for width, count in enumerate(points.counts):
        members = np.flatnonzero(points.width_index == width)
        weights[:, members] = rng.multinomial(count, np.full(count, 1 / count), _RESAMPLINGS) / count
    errors: np.ndarray
    if points.misclassified is None:
        errors = np.broadcast_to(points.y, weights.shape)
    else:
        images = points.misclassified.shape[1]
        image_weights = image_resampling_weights(images, _RESAMPLINGS, seed) + np.float32(1 / images)
        errors = image_weights @ points.misclassified.T.astype(np.float32)
    means = np.stack(
        [
            (weights * errors)[:, points.width_index == width].sum(axis=1)
            for width in range(len(points.widths))
        ],
        axis=1,
    )
    exponents = fit_by_variable_projection(
        FLOOR,
        points.widths,
        np.maximum(means, 1e-9),
        np.broadcast_to(points.weights, means.shape),
        points.variance_model,
        near=law.predict(points.widths),
    )[:, 1]
    low, high = np.quantile(exponents, [0.025, 0.975])
    return Interval(estimate=law.parameters["exponent"].estimate, low=float(low), high=float(high))

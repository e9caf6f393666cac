"""The law that the verdict names: coverage of its intervals, and verdicts on curves without replicates.

A verdict is right if its law may be used. So the simulated studies count, over all verdicts, how often the
interval of the named law contains the truth, and how often this law is ``usable``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from scaling.fit import EstimationOptions, Fit, FormChoice, Points, Status, fit, predict, preferred_law
from simulations.scenarios import EXPONENT, Scenario

QUANTITIES = ("exponent", "prediction@2x", "prediction@10x")
"""Quantities whose intervals are checked."""
_FACTORS = {"prediction@2x": 2, "prediction@10x": 10}
_RESAMPLINGS = 400
_SIZES = (1.0, 64.0)
"""Smallest and largest size of a curve without replicates."""
_LARGEST_HOLDOUT_BIAS = 0.1


@dataclass(frozen=True)
class SelectionCounts:
    """Counts over the simulated studies of one scenario."""

    scenario: Scenario
    studies: int
    covered: Counter[str]
    """Number of studies in which the interval of the named law contains the truth, by quantity."""
    usable: int
    """Number of studies in which the named law is usable."""
    covered_if_usable: Counter[str]
    """The same as ``covered``, among the usable laws."""


def selection_scenarios() -> Iterator[Scenario]:
    """Yield the scenarios: floors from none to a fifth of the widest error, and 4 to 16 seeds."""
    for floor, seeds in product((0.0, 0.01, 0.03, 0.05, 0.1, 0.15, 0.2), (4, 8, 16)):
        yield Scenario(noise="under", widths=8, seeds=seeds, floor=floor)


def count_selection(scenario: Scenario, studies: int, *, seed: int = 1) -> SelectionCounts:
    """Simulate studies, fit them, and count.

    Args:
        scenario: the kind of study.
        studies: number of studies.
        seed: seed of the simulations.
    """
    covered, covered_if_usable, usable = Counter[str](), Counter[str](), 0
    for study in range(studies):
        points = scenario.simulate(np.random.default_rng([seed, study]))
        fitted = fit(points, EstimationOptions(resamplings=_RESAMPLINGS, seed=study))
        law = preferred_law(fitted)
        is_usable = law is not None and law.status is Status.USABLE
        usable += is_usable
        for name in QUANTITIES:
            is_covered = _is_covered(scenario, fitted, name)
            covered[name] += is_covered
            covered_if_usable[name] += is_covered and is_usable
    return SelectionCounts(scenario, studies, covered, usable, covered_if_usable)


def _is_covered(scenario: Scenario, fitted: Fit, name: str) -> bool:
    law = preferred_law(fitted)
    if law is None:
        return False
    if name == "exponent":
        interval, truth = law.parameters[name], EXPONENT
    else:
        size = _FACTORS[name] * scenario.sizes[-1]
        interval = {p.form: p.mean for p in predict(fitted, [size])}[law.form.name]
        truth = scenario.mean(size)
    return interval.low <= truth <= interval.high


def _steepening(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.6 * x**-0.2 * (1 + (x / 12) ** 4) ** -0.1)


def _flattening(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.6 * x**-0.7 * (1 + (x / 8) ** 4) ** 0.125)


CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "power law": lambda x: 0.4 * x**-0.5,
    "floor, half of the widest": lambda x: 0.4 * x**-0.5 + 0.4 * _SIZES[1] ** -0.5,
    "steepening break": _steepening,
    "flattening break": _flattening,
    "plateau, then a floor": lambda x: 0.05 + 0.9 / (1 + (x / 8) ** 0.6),
    "plateau, then a power law": lambda x: 0.9 / (1 + (x / 4) ** 0.8),
    "exponential to a floor": lambda x: 0.1 + 0.5 * np.exp(-x / 10),
    "stretched exponential": lambda x: 0.9 * np.exp(-0.3 * x**0.4),
    "logarithm": lambda x: 0.8 - 0.13 * np.log(x),
    "parabola in logarithms": lambda x: np.exp(-0.5 - 0.1 * np.log(x) - 0.12 * np.log(x) ** 2),
}
"""Curves by their name; all but the first are not power laws."""


@dataclass(frozen=True)
class CurveCounts:
    """Counts over the simulated studies of one curve, with one value at each size."""

    curve: str
    widths: int
    noise: float
    """Relative standard deviation of a value."""
    studies: int
    verdicts: Counter[str]
    """Number of studies by their verdict."""
    contradictions: int
    """Number of studies in which narrow sizes are said to predict the widest with a bias above 10 %."""


def curve_cases() -> Iterator[tuple[str, int, float]]:
    """Yield the names of the curves with the number of widths and the noise."""
    yield from product(CURVES, (8, 12, 28), (0.002, 0.02))


def count_curve(case: tuple[str, int, float], studies: int, *, seed: int = 2) -> CurveCounts:
    """Simulate studies without replicates, fit them, and count.

    Args:
        case: name of the curve, number of widths and noise.
        studies: number of studies.
        seed: seed of the simulations.
    """
    name, widths, noise = case
    x = np.geomspace(*_SIZES, widths)
    verdicts, contradictions = Counter[str](), 0
    for study in range(studies):
        scatter = np.exp(noise * np.random.default_rng([seed, study]).standard_normal(widths))
        points = Points(x_name="x", y_name="loss", x=x, y=CURVES[name](x) * scatter, test_images=None)
        fitted = fit(points, EstimationOptions(resamplings=_RESAMPLINGS // 2, seed=study))
        verdicts[fitted.verdict.choice.value] += 1
        held_out = fitted.laws["power"].held_out
        bias = abs(held_out[-1].bias) if held_out else 0.0
        contradictions += bool(fitted.verdict.holdout_ok) and bias > _LARGEST_HOLDOUT_BIAS
    return CurveCounts(name, widths, noise, studies, verdicts, contradictions)


def is_false_power_law(counts: CurveCounts) -> bool:
    """Return whether a curve that is none is called a power law in more than a twentieth of the studies."""
    share = counts.verdicts[FormChoice.POWER.value] / counts.studies
    return counts.curve != "power law" and share > 0.05

"""Scenarios of simulated studies: a known law, a kind of noise, and the number of widths and seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from scaling.fit import Points
from scaling.fit.forms import FLOOR

AMPLITUDE, EXPONENT = 0.4, 0.5
IMAGES = 10_000
"""Number of test images."""
_SAMPLED_IMAGES = 1000
"""Number of test images where each image is simulated."""
_SIZES = {6: (1, 2, 3, 5, 8, 12), 8: (1, 2, 3, 4, 6, 8, 12, 16)}
"""Sizes by their number; they span a factor of ten and more."""
_SEEDS_PER_ORDER = 8
"""Number of seeds that share an order of minibatches."""
_HARD_SHARE, _HARD, _EASY = 0.2, 2.0, 0.75
"""Share of hard images, and difficulty of hard and easy images relative to the mean; no error rate reaches
1."""
_SEED_STD, _ORDER_STD = 0.03, 0.03
"""Relative standard deviations of error rates over seeds and over orders."""
_COUNT_NOISE = {
    "under": 0.6,
    "over": 3.0,
    "orders": 0.6,
    "seeds": 0.6,
    "missing": 0.6,
    "uneven": 0.6,
    "heavy": 0.6,
    "growing": 0.6,
}
"""Dispersion of counts by the kind of noise."""
_SLOPE_STD = 0.01
"""Standard deviation over seeds of a relative slope in log x that a seed has at all sizes."""
_HEAVY_DOF = 4
"""Degrees of freedom of Student's distribution of heavy-tailed counts."""
_GROWTH = 4.0
"""Ratio of the dispersion at the widest size to that at the narrowest."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A kind of study."""

    noise: str
    """Kind of noise.

    - ``under`` and ``over``: error counts with 0.6 and 3 times the variance of a binomial;
    - ``orders``: blocks of seeds share an effect;
    - ``seeds``: the runs of one seed deviate along one slope at all sizes;
    - ``missing``: the same, and one size lacks the run of one seed;
    - ``uneven``: every other size has half of the seeds;
    - ``heavy``: counts have heavy tails (Student's distribution with 4 degrees of freedom);
    - ``growing``: the dispersion grows with the size, by a factor of 4;
    - ``images``: images of unequal difficulty, drawn anew in each study; the law of all images is wanted.
    """
    widths: int
    """Number of widths."""
    seeds: int
    """Number of seeds at each width."""
    floor: float
    """Floor, divided by the mean error of the widest networks."""
    steeper: float = 0.0
    """Difference of the exponent from the usual one; the middle of the sizes keeps its error."""
    factor: float = 1.0
    """Factor of all errors."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of the networks."""
        return _SIZES[self.widths]

    @property
    def law(self) -> tuple[float, float, float]:
        """True amplitude, exponent and floor.

        The mean error of the widest networks is the same for every floor.
        """
        widest_error = AMPLITUDE * self.sizes[-1] ** -EXPONENT
        middle = float(np.exp(np.log(self.sizes).mean()))
        amplitude = AMPLITUDE * (1 - self.floor) * middle**self.steeper
        return self.factor * amplitude, EXPONENT + self.steeper, self.factor * self.floor * widest_error

    def mean(self, x: float) -> float:
        """Return the true mean error at a size."""
        return float(FLOOR.evaluate(np.array(self.law), np.array([float(x)]))[0])

    def simulate(self, rng: np.random.Generator) -> Points:
        """Return the points of a simulated study."""
        x = np.repeat(np.array(self.sizes, dtype=float), self.seeds)
        mean = FLOOR.evaluate(np.array(self.law), x)
        if self.noise == "images":
            return self._simulate_images(rng, x, mean)
        order_std = _ORDER_STD if self.noise == "orders" else 0.0
        seed = np.tile(np.arange(self.seeds), len(self.sizes))
        block = self._orders + np.repeat(np.arange(len(self.sizes)), self.seeds) * self.seeds
        mean = mean * (1 + order_std * rng.standard_normal(int(block.max()) + 1)[block])
        log_x = np.log(x) - np.log(x).mean()
        if self.noise in ("seeds", "missing"):
            mean = mean * (1 + _SLOPE_STD * rng.standard_normal(self.seeds)[seed] * log_x)
        dispersion = _COUNT_NOISE[self.noise] * np.ones_like(x)
        if self.noise == "growing":
            dispersion *= _GROWTH ** (log_x / np.ptp(log_x))
        std = np.sqrt(dispersion * IMAGES * mean * (1 - mean))
        errors = (IMAGES * mean + std * self._deviates(rng, len(x))).round().clip(0, IMAGES)
        used = np.ones(len(x), dtype=bool)
        if self.noise == "uneven":
            used = seed < np.resize([self.seeds, (self.seeds + 1) // 2], len(self.sizes)).repeat(self.seeds)
        if self.noise == "missing":
            used[len(x) // 2] = False
        return Points(
            x_name="filters",
            y_name="test_error",
            x=x[used],
            y=errors[used] / IMAGES,
            test_images=IMAGES,
            order=self._orders[used],
            seed=seed[used],
        )

    def _deviates(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return random numbers of variance 1."""
        if self.noise == "heavy":
            return np.asarray(rng.standard_t(_HEAVY_DOF, count) * np.sqrt((_HEAVY_DOF - 2) / _HEAVY_DOF))
        return rng.standard_normal(count)

    def _simulate_images(self, rng: np.random.Generator, x: np.ndarray, mean: np.ndarray) -> Points:
        difficulty = np.where(rng.random(_SAMPLED_IMAGES) < _HARD_SHARE, _HARD, _EASY)
        rate = mean * (1 + _SEED_STD * rng.standard_normal(len(x)))
        misclassified = rng.random((len(x), _SAMPLED_IMAGES)) < np.outer(rate, difficulty).clip(0, 1)
        return Points(
            x_name="filters",
            y_name="test_error",
            x=x,
            y=misclassified.mean(axis=1),
            test_images=_SAMPLED_IMAGES,
            misclassified=misclassified,
            order=self._orders,
        )

    @property
    def _orders(self) -> np.ndarray:
        return np.tile(np.arange(self.seeds) // _SEEDS_PER_ORDER, len(self.sizes))


def coverage_scenarios() -> Iterator[Scenario]:
    """Yield the scenarios in which the coverage of intervals is measured."""
    noises = ("under", "over", "orders", "images", "seeds", "missing", "uneven", "heavy", "growing")
    sizes, floors = ((6, 4), (8, 8), (8, 16)), (0.0, 0.4)
    for noise, (widths, seeds), floor in product(noises, sizes, floors):
        yield Scenario(noise=noise, widths=widths, seeds=seeds, floor=floor)


def verdict_scenarios() -> Iterator[Scenario]:
    """Yield the scenarios in which verdicts are counted: floors from none to half of the widest error."""
    kinds = (("under", 8), ("under", 16), ("over", 8), ("orders", 8), ("images", 8))
    for (noise, seeds), floor in product(kinds, (0.0, 0.1, 0.25, 0.35, 0.5)):
        yield Scenario(noise=noise, widths=8, seeds=seeds, floor=floor)

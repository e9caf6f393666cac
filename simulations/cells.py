"""Simulated studies: a planted law, a kind of noise, and how much was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from scaling.fit import Points
from scaling.fit.forms import FLOOR

AMPLITUDE, EXPONENT = 0.4, 0.5
IMAGES = 10_000
FEWER_IMAGES = 1000
"""Where each image is planted."""
WIDTHS = {6: (1, 2, 3, 5, 8, 12), 8: (1, 2, 3, 4, 6, 8, 12, 16)}
"""Over a decade and more."""
ORDER = 8
"""Seeds that share an order of minibatches."""
HARD, HARDER, EASIER = 0.2, 2.0, 0.75
"""A fifth of all images is twice as hard as the mean, the others three quarters as hard; no image is ever surely erred on."""
SEED_SPREAD, ORDER_SPREAD = 0.03, 0.03
"""Of error rates, relative."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One kind of study."""

    noise: str
    """``under`` and ``over``: counts with 0.6 and 3 times a binomial's variance; ``orders``: blocks of seeds share an effect; ``images``:
    images of unequal difficulty, drawn anew in each study, and the law of all of them is wanted."""
    widths: int
    seeds: int
    floor: float
    """Over the widest networks' mean error."""

    @property
    def sizes(self) -> tuple[int, ...]:
        return WIDTHS[self.widths]

    @property
    def law(self) -> tuple[float, float, float]:
        """Amplitude, exponent and floor; whatever the floor, the widest networks' mean error is that of the law without one."""
        widest = AMPLITUDE * self.sizes[-1] ** -EXPONENT
        return AMPLITUDE * (1 - self.floor), EXPONENT, self.floor * widest

    def mean(self, x: float) -> float:
        return float(FLOOR.evaluate(np.array(self.law), np.array([float(x)]))[0])

    def study(self, rng: np.random.Generator) -> Points:
        """One that might have been."""
        x = np.repeat(np.array(self.sizes, dtype=float), self.seeds)
        mean = FLOOR.evaluate(np.array(self.law), x)
        if self.noise == "images":
            return self._of_images(rng, x, mean)
        variance, effect = {"under": (0.6, 0.0), "over": (3.0, 0.0), "orders": (0.6, ORDER_SPREAD)}[
            self.noise
        ]
        block = self._orders + np.repeat(np.arange(len(self.sizes)), self.seeds) * self.seeds
        mean = mean * (1 + effect * rng.standard_normal(int(block.max()) + 1)[block])
        errors = (
            rng.normal(IMAGES * mean, np.sqrt(variance * IMAGES * mean * (1 - mean))).round().clip(0, IMAGES)
        )
        return Points(
            x_name="filters",
            y_name="test_error",
            x=x,
            y=errors / IMAGES,
            test_images=IMAGES,
            order=self._orders,
        )

    def _of_images(self, rng: np.random.Generator, x: np.ndarray, mean: np.ndarray) -> Points:
        difficulty = np.where(rng.random(FEWER_IMAGES) < HARD, HARDER, EASIER)
        rate = mean * (1 + SEED_SPREAD * rng.standard_normal(len(x)))
        misclassified = rng.random((len(x), FEWER_IMAGES)) < np.outer(rate, difficulty).clip(0, 1)
        return Points(
            x_name="filters",
            y_name="test_error",
            x=x,
            y=misclassified.mean(axis=1),
            test_images=FEWER_IMAGES,
            misclassified=misclassified,
            order=self._orders,
        )

    @property
    def _orders(self) -> np.ndarray:
        return np.tile(np.arange(self.seeds) // ORDER, len(self.sizes))


def cells() -> Iterator[Cell]:
    """The grid of coverage."""
    for noise, (widths, seeds), floor in product(
        ("under", "over", "orders", "images"), ((6, 4), (8, 8), (8, 16)), (0.0, 0.4)
    ):
        yield Cell(noise=noise, widths=widths, seeds=seeds, floor=floor)


def verdict_cells() -> Iterator[Cell]:
    """Floors from none to half of the widest error."""
    measured = (("under", 8), ("under", 16), ("over", 8), ("orders", 8), ("images", 8))
    for (noise, seeds), floor in product(measured, (0.0, 0.1, 0.25, 0.35, 0.5)):
        yield Cell(noise=noise, widths=8, seeds=seeds, floor=floor)

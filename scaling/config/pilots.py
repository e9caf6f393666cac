"""A learning rate that is ``auto``: which pilots are trained for it, and what their validation errors choose."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, inf
from typing import Annotated

from pydantic import Field, field_validator

from scaling.config.recipe import Positive
from scaling.settings import ConfigModel, PositiveInt

AUTO = "auto"
"""In the place of a recipe's learning rate."""

DEFAULT_LEARNING_RATES = tuple(0.0125 * 2**n for n in range(8))
"""As many as networks of one pack."""

ALL_DIVERGED = "every rate diverged"


class Pilots(ConfigModel):
    """Runs that choose the learning rates that are ``auto``."""

    learning_rates: Annotated[tuple[Positive, ...], Field(strict=False)] = DEFAULT_LEARNING_RATES
    seeds: PositiveInt = 1
    """Of each rate: 0 to n-1."""
    validation: PositiveInt = 5000
    """Training images that are held out for the choice, where the data set holds out none by itself."""

    @field_validator("learning_rates")
    @classmethod
    def _several(cls, rates: tuple[float, ...]) -> tuple[float, ...]:
        if len(rates) < 2:
            raise ValueError(f"must hold at least 2 to choose from, not {list(rates)}")
        return rates


@dataclass(frozen=True)
class RateChoice:
    """A learning rate, with what it was chosen by."""

    rates: tuple[float, ...]
    """That were tried, rising."""
    errors: tuple[tuple[float, ...], ...]
    """Of each rate, its pilots' validation errors; infinite for one that diverged."""

    @property
    def means(self) -> tuple[float, ...]:
        """Of each rate, over its pilots."""
        return tuple(inf if inf in errors else fsum(errors) / len(errors) for errors in self.errors)

    @property
    def rate(self) -> float:
        """The one of the least mean; of equals the smallest."""
        return min(zip(self.means, self.rates, strict=True))[1]

    @property
    def warning(self) -> str:
        """Why to look at it; empty where there is nothing."""
        if min(self.means) == inf:
            return ALL_DIVERGED
        return {
            self.rates[0]: "the smallest that was tried",
            self.rates[-1]: "the largest that was tried",
        }.get(self.rate, "")

"""Pilot runs: short tuning runs whose validation errors choose a learning rate that is ``auto``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum, inf
from typing import Annotated, Any

from pydantic import Field, field_validator

from scaling.config.recipe import LearningRate
from scaling.settings import ConfigModel, PositiveInt

AUTO = "auto"
"""Value of ``recipe.learning_rate`` that lets pilot runs choose the learning rate."""

DEFAULT_LEARNING_RATES = tuple(0.0125 * 2**n for n in range(8))
"""Default candidates. One pack trains eight networks of the usual size, so there are eight."""

ALL_DIVERGED = "every rate diverged"


class Pilots(ConfigModel):
    """Pilot runs of all networks whose learning rate is ``auto``."""

    learning_rates: Annotated[
        tuple[LearningRate, ...],
        Field(strict=False, json_schema_extra={"minItems": 2, "uniqueItems": True}),
    ] = DEFAULT_LEARNING_RATES
    """Candidate learning rates."""
    seeds: PositiveInt = 1
    """Number of seeds of each candidate: seeds 0 to n-1."""
    validation: PositiveInt = 5000
    """Number of training images held out for the choice, if the data set itself holds out none."""

    @field_validator("learning_rates")
    @classmethod
    def _check_candidates(cls, rates: tuple[float, ...]) -> tuple[float, ...]:
        if len(rates) < 2:
            raise ValueError(f"expected at least 2 learning rates to choose from, got {list(rates)}")
        return rates


@dataclass(frozen=True, kw_only=True)
class RateChoice:
    """A learning rate that pilot runs chose."""

    rates: tuple[float, ...]
    """Candidate learning rates, rising."""
    errors: tuple[tuple[float, ...], ...]
    """Validation errors of each candidate's pilot runs; infinite for a run that diverged."""

    @property
    def means(self) -> tuple[float, ...]:
        """Mean validation error of each candidate."""
        return tuple(inf if inf in errors else fsum(errors) / len(errors) for errors in self.errors)

    @property
    def rate(self) -> float:
        """Candidate with the lowest mean error; if several have it, the smallest."""
        return min(zip(self.means, self.rates, strict=True))[1]

    @property
    def warning(self) -> str:
        """Reason to distrust the choice; empty if there is none."""
        if min(self.means) == inf:
            return ALL_DIVERGED
        if self.rate == self.rates[-1]:
            return "the largest that was tried"
        return "the smallest that was tried" if self.rate == self.rates[0] else ""


def is_auto(recipe: Mapping[str, Any]) -> bool:
    """Return whether pilot runs choose the learning rate of a recipe, as a file gives the recipe."""
    return bool(recipe.get("learning_rate") == AUTO)

"""How fast a machine trains: a ladder of measured networks for each architecture, kind of image and precision.

Between two rungs, time is interpolated in multiply-adds, both as logarithms. Beyond the ends it is in proportion to them.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from math import exp, log
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import AwareDatetime, Field, model_validator

from scaling.leaves import Count, Leaves

Seconds = Annotated[float, Field(gt=0)]
Precision = Annotated[str, Field(pattern="^(fp32|bf16)$")]


class ImageTime(NamedTuple):
    """One image through one replica of a pack that trains at its canonical size, on one core while the others do the same."""

    train_s: float
    """A training step: gathering, forward, backward and update, over its batch."""
    evaluate_s: float


class Rung(Leaves):
    """One network that was measured."""

    filters: Count
    side: Count
    """Pixels of the images."""
    macs: Count
    """Of a forward pass of one image."""
    train_s: Seconds
    evaluate_s: Seconds


class Ladder(Leaves):
    """Networks of one architecture on one kind of image in one precision, by rising multiply-adds."""

    architecture: str
    channels: Count
    precision: Precision
    rungs: Annotated[tuple[Rung, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Ladder:
        if any(low.macs >= high.macs for low, high in pairwise(self.rungs)):
            raise ValueError("rungs must rise in macs")
        return self

    @cached_property
    def _logs(self) -> np.ndarray:
        """[macs, train_s or evaluate_s; rungs], as logarithms."""
        return np.log([[rung.macs, rung.train_s, rung.evaluate_s] for rung in self.rungs]).T

    def time(self, macs: int) -> ImageTime:
        """Of a network with so many multiply-adds."""
        at, times = self._logs[0], self._logs[1:]
        inside = min(max(log(macs), at[0]), at[-1])
        return ImageTime(*(exp(np.interp(inside, at, each) + log(macs) - inside) for each in times))


class Machine(Leaves):
    """What was measured."""

    processor: str
    cores: Count
    workers: Count
    """Processes that trained at once: they share caches and memory bandwidth."""
    versions: dict[str, str | None]
    measured_at: Annotated[AwareDatetime, Field(strict=False)]


class Speed(Leaves):
    """What training costs on a machine, on one of its cores while the others train too."""

    machine: Machine
    ladders: Annotated[tuple[Ladder, ...], Field(strict=False, min_length=1)]
    augment_s: Annotated[dict[Annotated[int, Field(ge=1, strict=False)], Annotated[float, Field(ge=0)]], Field(min_length=1)]
    """Crop and flip of one image of so many channels, once for all replicas of a pack."""
    epoch_s: Annotated[float, Field(ge=0)]
    """An epoch, whatever it holds."""
    pack_start_s: Annotated[float, Field(ge=0)]
    """Building a pack and publishing it."""
    sweep_start_s: Annotated[float, Field(ge=0)]
    """Until the workers of a sweep are at work, and until they have left."""

    @model_validator(mode="after")
    def _check(self) -> Speed:
        keys = [(ladder.architecture, ladder.channels, ladder.precision) for ladder in self.ladders]
        if len(set(keys)) < len(keys):
            raise ValueError("two ladders of one architecture, number of channels and precision")
        return self

    def time(self, architecture: str, channels: int, precision: str, macs: int) -> ImageTime:
        """Of an image; what was not measured is taken for the most similar that was."""
        return self._ladder(architecture, channels, precision).time(macs)

    def augment(self, channels: int) -> float:
        """Seconds to augment an image."""
        return self.augment_s[min(self.augment_s, key=lambda known: (abs(log(known / channels)), known))]

    def _ladder(self, architecture: str, channels: int, precision: str) -> Ladder:
        """The nearest one: by architecture first, then precision, then channels."""
        return min(
            self.ladders,
            key=lambda ladder: (ladder.architecture != architecture, ladder.precision != precision, abs(log(ladder.channels / channels))),
        )

"""How fast a machine trains: a ladder of measured networks for each architecture, kind of image and precision, and for two depths of VGG.

Between two rungs, time is interpolated in multiply-adds, both as logarithms. Beyond the ends it is in proportion to them. Between ladders of
two depths it is interpolated in depth, both as logarithms: of networks with equal multiply-adds, the deeper ones are narrower, and slower.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from math import exp, log
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import AwareDatetime, Field, model_validator

from scaling.architectures import LayerTable
from scaling.settings import ConfigModel, PositiveInt

Seconds = Annotated[float, Field(gt=0)]
Precision = Annotated[str, Field(pattern="^(fp32|bf16)$")]


class ImageTime(NamedTuple):
    """One image through one replica of a pack that trains at its canonical size, on one core while the others do the same."""

    train_s: float
    """A training step: gathering, forward, backward and update, over its batch."""
    evaluate_s: float


class TimingPoint(ConfigModel):
    """One network that was measured."""

    filters: PositiveInt
    side: PositiveInt
    """Pixels of the images."""
    macs: PositiveInt
    """Of a forward pass of one image."""
    train_s: Seconds
    evaluate_s: Seconds


class TimingCurve(ConfigModel):
    """Networks of one architecture on one kind of image in one precision, by rising multiply-adds."""

    architecture: str
    channels: PositiveInt
    precision: Precision
    depth: PositiveInt | None = None
    """Layers that multiply in each of its networks, where the architecture has ladders of several depths."""
    points: Annotated[tuple[TimingPoint, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> TimingCurve:
        if any(low.macs >= high.macs for low, high in pairwise(self.points)):
            raise ValueError("points must rise in macs")
        return self

    @cached_property
    def _logs(self) -> np.ndarray:
        """[macs, train_s or evaluate_s; rungs], as logarithms."""
        return np.log([[point.macs, point.train_s, point.evaluate_s] for point in self.points]).T

    def image_time(self, macs: int) -> ImageTime:
        """Of a network with so many multiply-adds."""
        at, times = self._logs[0], self._logs[1:]
        inside = min(max(log(macs), at[0]), at[-1])
        return ImageTime(*(exp(np.interp(inside, at, each) + log(macs) - inside) for each in times))


class Machine(ConfigModel):
    """What was measured."""

    processor: str
    cores: PositiveInt
    workers: PositiveInt
    """Processes that trained at once: they share caches and memory bandwidth."""
    versions: dict[str, str | None]
    measured_at: Annotated[AwareDatetime, Field(strict=False)]


class Speed(ConfigModel):
    """What training costs on a machine, on one of its cores while the others train too."""

    machine: Machine
    curves: Annotated[tuple[TimingCurve, ...], Field(strict=False, min_length=1)]
    augment_s: Annotated[
        dict[Annotated[int, Field(ge=1, strict=False)], Annotated[float, Field(ge=0)]], Field(min_length=1)
    ]
    """Crop and flip of one image of so many channels, once for all replicas of a pack."""
    epoch_s: Annotated[float, Field(ge=0)]
    """An epoch, whatever it holds."""
    pack_start_s: Annotated[float, Field(ge=0)]
    """Building a pack and publishing it."""
    sweep_start_s: Annotated[float, Field(ge=0)]
    """Until the workers of a sweep are at work, and until they have left."""

    @model_validator(mode="after")
    def _check(self) -> Speed:
        keys = [(curve.architecture, curve.channels, curve.precision, curve.depth) for curve in self.curves]
        if len(set(keys)) < len(keys):
            raise ValueError("two curves of one architecture, number of channels, precision and depth")
        return self

    def image_time(self, architecture: str, channels: int, precision: str, layers: LayerTable) -> ImageTime:
        """Of an image through a network; what was not measured is taken for the most similar that was."""
        curves = self._curves(architecture, channels, precision)
        times = np.log([curve.image_time(layers.macs) for curve in curves]).T
        depths = [log(curve.depth or 1) for curve in curves]
        return ImageTime(*(exp(np.interp(log(layers.depth), depths, each)) for each in times))

    def augment_seconds(self, channels: int) -> float:
        """Seconds to augment an image."""
        return self.augment_s[min(self.augment_s, key=lambda known: (abs(log(known / channels)), known))]

    def _curves(self, architecture: str, channels: int, precision: str) -> list[TimingCurve]:
        """The nearest ones, by rising depth: by architecture first, then precision, then channels."""

        def far(curve: TimingCurve) -> tuple[bool, bool, float]:
            return (
                curve.architecture != architecture,
                curve.precision != precision,
                abs(log(curve.channels / channels)),
            )

        nearest = min(self.curves, key=far)
        kind = (nearest.architecture, nearest.channels, nearest.precision)
        alike = [
            curve for curve in self.curves if (curve.architecture, curve.channels, curve.precision) == kind
        ]
        return sorted(alike, key=lambda curve: curve.depth or 1)

"""Training speed of a machine: timing curves of measured networks, and the interpolation between them.

A training step takes a constant time, mostly to start its operations and to update the weights, and a time
for each of its images. With one image, nearly all of it is the constant time in torch, and little of it in
compiled steps.

A timing curve holds networks of rising multiply-adds. Between two of its points, each time is interpolated in
multiply-adds, both as logarithms; beyond its ends, each time is proportional to multiply-adds, but the
constant time of a step does not fall below that of the smallest network. Between curves of two depths, each
time is interpolated in depth, both as logarithms: of networks with equal multiply-adds, deeper ones are
narrower and slower.

Variants of an architecture, and compiled steps, have timing curves of their own. The times are those of
gradient descent; Adam adds a time for each step.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from itertools import pairwise
from math import exp, log
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import AwareDatetime, Field, model_validator

from scaling.architectures import AnyArchitecture, LayerTable
from scaling.config.recipe import Affine, Augmentation
from scaling.settings import ConfigModel, ImageShape, PositiveInt

_Seconds = Annotated[float, Field(gt=0)]
_Precision = Annotated[str, Field(pattern="^(fp32|bf16)$")]


class NetworkTime(NamedTuple):
    """Seconds of one core for a network, in a pack of canonical size, on a busy machine."""

    step_s: float
    """Seconds of a training step of the whole pack, besides the seconds of its images."""
    train_s: float
    """Seconds that one image adds to a training step for each replica."""
    evaluate_s: float
    """Seconds of an evaluation step for each of its images and each replica."""


class NetworkKind(NamedTuple):
    """Networks that share a timing curve, or one timing curve for each depth."""

    architecture: str
    channels: int
    """Channels of the images."""
    precision: str
    """``fp32`` or ``bf16``."""
    variant: str = ""
    """Variant of the architecture with times of its own."""
    compiled: bool = False
    """True for compiled steps, False for steps in torch."""

    @classmethod
    def of(
        cls, network: AnyArchitecture, *, channels: int, precision: str, compiled: bool = False
    ) -> NetworkKind:
        """Return the kind of a network."""
        return cls(network.type, channels, precision, network.timing_variant, compiled)


class TimingPoint(ConfigModel):
    """One measured network."""

    filters: PositiveInt
    side: PositiveInt
    """Side of the images, in pixels."""
    macs: PositiveInt
    """Multiply-adds of a forward pass of one image."""
    step_s: _Seconds
    """Seconds of a training step of a pack, besides the seconds of its images."""
    train_s: _Seconds
    """Seconds that one image adds to a training step for each replica."""
    evaluate_s: _Seconds
    """Seconds for one image and replica in an evaluation step."""


class TimingCurve(ConfigModel):
    """Measured networks of one kind and depth, by rising multiply-adds."""

    architecture: str
    channels: PositiveInt
    precision: _Precision
    variant: str = ""
    """Variant of the architecture with times of its own; empty for most networks."""
    compiled: bool = False
    """True for compiled steps, False for steps in torch."""
    depth: PositiveInt | None = None
    """Layers with weights of each network, for an architecture that is timed at several depths; else None."""
    points: Annotated[tuple[TimingPoint, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _check_order(self) -> TimingCurve:
        if any(low.macs >= high.macs for low, high in pairwise(self.points)):
            raise ValueError("expected points with rising macs")
        return self

    @property
    def kind(self) -> NetworkKind:
        return NetworkKind(self.architecture, self.channels, self.precision, self.variant, self.compiled)

    @cached_property
    def _logarithms(self) -> np.ndarray:
        """Logarithms of macs, step_s, train_s and evaluate_s: [4, points]."""
        return np.log(
            [[point.macs, point.step_s, point.train_s, point.evaluate_s] for point in self.points]
        ).T

    def network_time(self, macs: int) -> NetworkTime:
        """Return the interpolated time of a network with ``macs`` multiply-adds."""
        log_macs, log_times = self._logarithms[0], self._logarithms[1:]
        inside = min(max(log(macs), log_macs[0]), log_macs[-1])
        beyond = log(macs) - inside
        step, train, evaluate = (np.interp(inside, log_macs, times) for times in log_times)
        return NetworkTime(exp(step + max(beyond, 0.0)), exp(train + beyond), exp(evaluate + beyond))


class UpdateTime(ConfigModel):
    """Seconds that the update of one optimiser takes longer than that of another."""

    tensor_s: float
    """Seconds for each weight tensor, of all replicas."""
    number_s: float
    """Seconds for each number in a weight tensor."""


class Machine(ConfigModel):
    """Machine that was measured."""

    processor: str
    cores: PositiveInt
    workers: PositiveInt
    """Processes that trained at once: they share caches and memory bandwidth."""
    versions: dict[str, str | None]
    measured_at: Annotated[AwareDatetime, Field(strict=False)]


class Speed(ConfigModel):
    """Time that training takes on one core of a machine while the other cores train too."""

    machine: Machine
    curves: Annotated[tuple[TimingCurve, ...], Field(strict=False, min_length=1)]
    augment_s: Annotated[
        dict[Annotated[int, Field(ge=1, strict=False)], Annotated[float, Field(ge=0)]], Field(min_length=1)
    ]
    """Seconds to crop and flip one image, once for all replicas of a pack, by its number of channels."""
    affine_pixel_s: dict[Annotated[int, Field(ge=1, strict=False)], Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict
    )
    """Seconds of affine distortions for one pixel, once for all replicas, by the number of channels."""
    adam: UpdateTime = UpdateTime(tensor_s=0.0, number_s=0.0)
    """Time of Adam beyond gradient descent with Nesterov momentum."""
    epoch_s: Annotated[float, Field(ge=0)]
    """Seconds of an epoch without its images."""
    pack_start_s: Annotated[float, Field(ge=0)]
    """Seconds to build a pack and to publish its results."""
    sweep_start_s: Annotated[float, Field(ge=0)]
    """Seconds to start and to stop the workers of a sweep."""

    @model_validator(mode="after")
    def _check_uniqueness(self) -> Speed:
        keys = [(curve.kind, curve.depth) for curve in self.curves]
        if len(set(keys)) < len(keys):
            raise ValueError("two curves of one kind of networks and one depth")
        return self

    def network_time(self, kind: NetworkKind, layers: LayerTable) -> NetworkTime:
        """Return the time of a network, from the most similar networks that were measured.

        Args:
            kind: kind of the network.
            layers: layer table of the network.
        """
        curves = self._most_similar(kind)
        log_times = np.log([curve.network_time(layers.macs) for curve in curves]).T
        log_depths = [log(curve.depth or 1) for curve in curves]
        return NetworkTime(*(exp(np.interp(log(layers.depth), log_depths, times)) for times in log_times))

    def augment_seconds(self, augmentation: Augmentation, image: ImageShape) -> float:
        """Return the seconds to augment one image, once for all replicas of a pack."""
        seconds = 0.0
        if augmentation.affine != Affine():
            if not self.affine_pixel_s:
                seconds += _nearest(self.augment_s, image.channels)
            else:
                seconds += image.side**2 * _nearest(self.affine_pixel_s, image.channels)
        if augmentation.model_copy(update={"affine": Affine()}) != Augmentation():
            seconds += _nearest(self.augment_s, image.channels)
        return seconds

    def _most_similar(self, wanted: NetworkKind) -> list[TimingCurve]:
        """Return the curves that agree best: in architecture, then variant, steps, precision and channels."""

        def distance(kind: NetworkKind) -> tuple[bool, bool, bool, bool, float]:
            return (
                kind.architecture != wanted.architecture,
                kind.variant != wanted.variant,
                kind.compiled != wanted.compiled,
                kind.precision != wanted.precision,
                abs(log(kind.channels / wanted.channels)),
            )

        return self._curves_by_kind[min(self._curves_by_kind, key=distance)]

    @cached_property
    def _curves_by_kind(self) -> dict[NetworkKind, list[TimingCurve]]:
        """Curves of each kind of networks, sorted by depth."""
        by_kind: defaultdict[NetworkKind, list[TimingCurve]] = defaultdict(list)
        for curve in sorted(self.curves, key=lambda curve: curve.depth or 1):
            by_kind[curve.kind].append(curve)
        return dict(by_kind)


def _nearest(seconds_by_channels: dict[int, float], channels: int) -> float:
    """Return the time for the nearest number of channels."""
    nearest = min(seconds_by_channels, key=lambda measured: (abs(log(measured / channels)), measured))
    return seconds_by_channels[nearest]

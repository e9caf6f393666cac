"""Speed of an imaginary machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from scaling.architectures import Layer, LayerKind, LayerTable
from scaling.plan.speed import Machine, Speed, TimingCurve, TimingPoint
from scaling.settings import ImageShape

MACHINE = Machine(
    processor="imaginary",
    cores=4,
    workers=4,
    versions={"torch": "2"},
    measured_at=datetime(2026, 1, 2, tzinfo=UTC),
)
POINTS = ((50_000, 2e-3, 1e-5, 3e-6), (400_000, 3e-3, 3e-5, 8e-6), (5_000_000, 5e-3, 2e-4, 7e-5))
"""MACs, and seconds of a step, of a trained and of an evaluated image, at three points."""


def layers(macs: int, depth: int = 1) -> LayerTable:
    """Return the layers of a network with a number of MACs and a depth."""
    first = Layer(name="first", kind=LayerKind.LINEAR, shape=(1,), macs=macs - depth + 1)
    return LayerTable(
        ImageShape(1, 28, 10),
        (first, *[Layer(name="next", kind=LayerKind.LINEAR, shape=(1,), macs=1)] * (depth - 1)),
    )


def curve(
    *points: tuple[int, float, float, float],
    architecture: str = "lenet5",
    channels: int = 1,
    precision: str = "bf16",
    depth: int | None = None,
    variant: str = "",
    compiled: bool = False,
) -> TimingCurve:
    timing_points = tuple(
        TimingPoint(
            filters=filters, side=28, macs=macs, step_s=step_s, train_s=train_s, evaluate_s=evaluate_s
        )
        for filters, (macs, step_s, train_s, evaluate_s) in enumerate(points, start=1)
    )
    return TimingCurve(
        architecture=architecture,
        channels=channels,
        precision=precision,
        variant=variant,
        compiled=compiled,
        depth=depth,
        points=timing_points,
    )


def speed(*curves: TimingCurve, **overheads: Any) -> Speed:
    """Return a speed; by default with one timing curve."""
    defaults = {"augment_s": {1: 1e-6, 3: 3e-6}, "epoch_s": 0.01, "pack_start_s": 0.3, "sweep_start_s": 5.0}
    return Speed(machine=MACHINE, curves=curves or (curve(*POINTS),), **defaults | overheads)

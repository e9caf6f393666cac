"""How long this machine takes for an image: by training small sets of made images, as any pack is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Literal

import torch

from scaling.architectures import AnyArchitecture, LayerTable, Lenet5, Tree3, Vgg
from scaling.config import Cell, Recipe
from scaling.config.recipe import Augmentation
from scaling.data import LoadedDataset, load
from scaling.datasets import Split, Synthetic
from scaling.plan.packs import Pack, make_packs, pack_size
from scaling.plan.speed import ImageTime
from scaling.plan.time_estimate import EVALUATION_BATCH
from scaling.settings import ImageShape
from scaling.store import collect_provenance, open_store
from scaling.train.device_data import load_on_device
from scaling.train.pack import train
from scaling.train.result_tables import build_tables
from scaling.train.runtime import training_runtime

IMAGES = 4_000
"""Of a made set's training split, and of its test split."""
CLASSES = 10
BATCH = 100
"""Images of a step, as in most studies."""
EPOCH_S = 0.15
"""Of an epoch that is measured, about; the network's own speed decides how many images that is."""
EPOCHS = 4
"""Of a training that is measured; the first one warms up."""
STARTS = 3
"""Packs whose start is measured."""
LEAST = 0.1
"""Of a measurement, or of a training step, that is left after something was taken off, even on a machine that is busy with other things."""
AUGMENTATION = Augmentation(crop=4, flip=True)
SIDES = {1: 28, 3: 32}
"""Pixels of images of so many channels: MNIST's and CIFAR-10's."""
Precision = Literal["fp32", "bf16"]
WIDTHS: dict[Precision, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "bf16": ((1, 3, 6, 12, 24, 48), (1, 3, 6, 15, 48)),
    "fp32": ((1, 6, 24), (1, 6, 15)),
}
"""Filters of LeNets and of trees."""
DEEP: dict[Precision, dict[Literal[6, 16], tuple[int, ...]]] = {
    "bf16": {6: (1, 4, 16), 16: (1, 4, 12)},
    "fp32": {6: (1, 8), 16: (1, 8)},
}
"""Filters of VGGs, by depth."""


@dataclass(frozen=True)
class TimingCase:
    """One network that is measured, on one kind of image."""

    architecture: AnyArchitecture
    channels: int
    side: int
    precision: Precision

    @property
    def layer_table(self) -> LayerTable:
        return self.architecture.layer_table(ImageShape(self.channels, self.side, CLASSES))

    @property
    def depth(self) -> int | None:
        """Layers of a network that has ladders of several depths."""
        return self.layer_table.depth if isinstance(self.architecture, Vgg) else None

    @property
    def size(self) -> int:
        """Of a pack of it."""
        return pack_size(self.layer_table)

    def prepare(self, trained: int, tested: int, epochs: int) -> tuple[Pack, LoadedDataset]:
        """A pack of it, and the images that it trains on and is tested with."""
        made = _made(self.channels, self.side)
        info = replace(made.info, train_images=trained, test_images=tested)
        test = Split(made.test.images[:tested], made.test.labels[:tested])
        dataset = replace(made, info=info, test=test, train_index=made.train_index[:trained])
        recipe = Recipe(epochs=epochs, batch_size=BATCH, precision=self.precision)
        cell = Cell(Synthetic(), info, self.architecture, recipe, {})
        (whole,) = make_packs([(cell, cell.run(0))])
        return whole, dataset


def benchmark_cases() -> Iterator[TimingCase]:
    """What a calibration measures: the rungs of every ladder."""
    for channels, side in SIDES.items():
        for precision, (lenets, trees) in WIDTHS.items():
            yield TimingCase(Lenet5(filters=1), channels, 16, precision)
            yield from (TimingCase(Lenet5(filters=filters), channels, side, precision) for filters in lenets)
            yield TimingCase(Tree3(filters=1, rows=1), channels, 8, precision)
            yield from (
                TimingCase(Tree3(filters=filters, rows=4 if side == 28 else 2), channels, side, precision)
                for filters in trees
            )
            for depth, vggs in DEEP[precision].items():
                yield from (
                    TimingCase(Vgg(filters=filters, depth=depth), channels, side, precision)
                    for filters in vggs
                )


def measure_epoch_seconds() -> float:
    """What an epoch costs, whatever it holds."""
    case = TimingCase(Tree3(filters=1, rows=1), 1, 8, "bf16")
    few, many = (_epoch_seconds(case, trained, 1) for trained in (BATCH, IMAGES))
    return max(0.0, few - (many - few) * BATCH / (IMAGES - BATCH))


def measure_case(case: TimingCase, empty_s: float) -> ImageTime:
    """One network: by training with next to no test images, and by testing after next to no training.

    Args:
        empty_s: of an epoch, whatever it holds.
    """
    size = case.size

    def enough(step: int, step_s: float) -> int:
        return step * min(max(1, round(EPOCH_S / step_s)), IMAGES // step)

    # A second measurement only where the first one was short.
    trained, taken = BATCH, _epoch_seconds(case, BATCH, 1)
    if (more := enough(BATCH, taken)) > BATCH:
        trained, taken = more, _epoch_seconds(case, more, 1)
    train_s = max(taken - empty_s, taken * LEAST) / trained / size
    tested = enough(EVALUATION_BATCH, EVALUATION_BATCH * size * train_s / 3)
    evaluate_s = ((_epoch_seconds(case, BATCH, tested) - empty_s) / size - BATCH * train_s) / tested
    return ImageTime(train_s, max(evaluate_s, train_s * LEAST))


def measure_augment_seconds(channels: int) -> float:
    """What an image's augmentation costs, once for all replicas: by making batches with and without."""
    made, dataset = TimingCase(Lenet5(filters=1), channels, SIDES[channels], "bf16").prepare(
        IMAGES, 1, EPOCHS
    )
    plain = made.cell.recipe
    taken = []
    with training_runtime():
        for recipe in (plain, plain.model_copy(update={"augmentation": AUGMENTATION})):
            batches = load_on_device(dataset, torch.device("cpu")).batches(recipe, 0)
            ends = [_exhausted(batches.epoch(epoch)) for epoch in range(EPOCHS)]
            taken.append(median(end - begin for begin, end in pairwise(ends)))
    return max(0.0, taken[1] - taken[0]) / IMAGES


def measure_pack_start_seconds() -> float:
    """What a pack costs besides its epochs: it is built, and its results are published."""
    case = TimingCase(Lenet5(filters=6), 1, 28, "bf16")
    starts = []
    for _ in range(STARTS):
        ends: list[float] = []
        began = monotonic()
        made, dataset = case.prepare(BATCH, IMAGES, epochs=2)
        with TemporaryDirectory(prefix="scaling-bench-") as folder:
            trained = train(made, dataset, device="cpu", on_epoch_end=lambda epoch: ends.append(monotonic()))  # noqa: B023
            open_store(folder).publish(build_tables(trained, dataset, collect_provenance()))
        starts.append(monotonic() - began - 2 * (ends[1] - ends[0]))
    return max(0.0, median(starts))


def _epoch_seconds(case: TimingCase, trained: int, tested: int) -> float:
    """Of one epoch, after a first one."""
    ends: list[float] = []
    made, dataset = case.prepare(trained, tested, EPOCHS)
    train(made, dataset, device="cpu", on_epoch_end=lambda epoch: ends.append(monotonic()))
    return median(end - begin for begin, end in pairwise(ends))


def _exhausted(batches: Iterator[object]) -> float:
    """The time at which the last one has been made."""
    for _ in batches:
        pass
    return monotonic()


@cache
def _made(channels: int, side: int) -> LoadedDataset:
    return load(
        Synthetic(size=IMAGES, test_size=IMAGES, side=side, channels=channels, classes=CLASSES), folder=Path()
    )

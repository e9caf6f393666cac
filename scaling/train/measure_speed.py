"""Measurement of a machine's training speed: small synthetic data sets, trained as any pack is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import monotonic
from typing import get_args

import torch

from scaling.architectures import AnyArchitecture, LayerTable, Lenet5, Precision, Tree3, registered
from scaling.config import Cell, CellRun, Recipe
from scaling.config.recipe import Augmentation
from scaling.data import LoadedDataset, load
from scaling.datasets import Split, Synthetic
from scaling.plan.packs import Pack, make_packs, pack_size
from scaling.plan.speed import NetworkTime
from scaling.plan.time_estimate import EVALUATION_BATCH
from scaling.settings import ImageShape
from scaling.store import collect_provenance, open_store
from scaling.temporary_folder import temporary_folder
from scaling.train.device_data import load_on_device
from scaling.train.pack import train
from scaling.train.result_tables import build_tables
from scaling.train.runtime import training_runtime

IMAGE_SIDES = {1: 28, 3: 32}
"""Side of the images by their number of channels: those of MNIST and CIFAR-10."""
_CLASSES = 10
_IMAGES = 4_000
"""Images of a synthetic training split, and of a test split."""
_BATCH = 100
"""Images of a training step, as in most studies."""
_SMALL_BATCH = 1
"""Images of a training step whose time is mostly that of the step itself."""
_EPOCH_S = 0.15
"""Approximate seconds of a measured epoch; the number of images follows from the network's speed."""
_EPOCHS = 4
"""Epochs of a measured training; the first one warms up."""
_STARTS = 3
"""Number of packs whose start is measured."""
_MIN_REMAINDER = 0.1
"""Lower limit of a time after the overhead is subtracted, as a fraction of the measured time."""
_AUGMENTATION = Augmentation(crop=4, flip=True)


@dataclass(frozen=True)
class TimingCase:
    """One network to measure, on one kind of image."""

    architecture: AnyArchitecture
    channels: int
    side: int
    """Side of the images, in pixels."""
    precision: Precision

    @property
    def layer_table(self) -> LayerTable:
        return self.architecture.layer_table(ImageShape(self.channels, self.side, _CLASSES))

    @property
    def depth(self) -> int | None:
        """Depth of a network whose architecture is timed at several depths; else None."""
        return self.layer_table.depth if self.architecture.timed_by_depth else None

    @property
    def pack_size(self) -> int:
        return pack_size(self.layer_table)

    def prepare(
        self, *, train_images: int, test_images: int, epochs: int, batch_size: int = _BATCH
    ) -> tuple[Pack, LoadedDataset]:
        """Return a pack of the network, and a data set of that many images."""
        dataset = _synthetic_dataset(self.channels, self.side)
        info = replace(dataset.info, train_images=train_images, test_images=test_images)
        test = Split(dataset.test.images[:test_images], dataset.test.labels[:test_images])
        index = dataset.train_index[:train_images]
        recipe = Recipe(epochs=epochs, batch_size=batch_size, precision=self.precision)
        cell = Cell(dataset=Synthetic(), info=info, architecture=self.architecture, recipe=recipe)
        (pack,) = make_packs([CellRun(cell, cell.run(0))])
        return pack, replace(dataset, info=info, test=test, train_index=index)


def benchmark_cases() -> Iterator[TimingCase]:
    """Return the networks to measure: those that each registered architecture names."""
    for channels, side in IMAGE_SIDES.items():
        for precision in get_args(Precision):
            for spec in registered():
                for entry in spec.benchmark_networks(side, precision):
                    yield TimingCase(entry.network, channels, entry.side, precision)


def measure_epoch_seconds() -> float:
    """Measure the seconds of an epoch without its images."""
    case = TimingCase(Tree3(filters=1, rows=1), 1, 8, "bf16")
    few, many = (
        _epoch_seconds(case, train_images=images, test_images=1, batch_size=_BATCH)
        for images in (_BATCH, _IMAGES)
    )
    return max(0.0, few - (many - few) * _BATCH / (_IMAGES - _BATCH))


def measure_case(case: TimingCase, empty_epoch_s: float) -> NetworkTime:
    """Measure one network: training with batches of two sizes, then evaluation.

    The time of a step is taken as linear in the size of its batch.

    Args:
        case: network to measure.
        empty_epoch_s: seconds of an epoch without its images.
    """
    small_s, large_s = (
        _step_seconds(case, batch_size, empty_epoch_s) for batch_size in (_SMALL_BATCH, _BATCH)
    )
    image_s = max((large_s - small_s) / (_BATCH - _SMALL_BATCH), _MIN_REMAINDER * large_s / _BATCH)
    step_s = max(small_s - _SMALL_BATCH * image_s, _MIN_REMAINDER * small_s)
    train_s = image_s / case.pack_size
    tested = _enough_images(EVALUATION_BATCH, EVALUATION_BATCH * image_s / 3)
    epoch_s = _epoch_seconds(case, train_images=_BATCH, test_images=tested, batch_size=_BATCH)
    evaluate_s = (epoch_s - empty_epoch_s - large_s) / case.pack_size / tested
    return NetworkTime(step_s, train_s, max(evaluate_s, train_s * _MIN_REMAINDER))


def _step_seconds(case: TimingCase, batch_size: int, empty_epoch_s: float) -> float:
    """Measure the seconds of a training step, in epochs with one test image."""
    images = batch_size
    epoch_s = _epoch_seconds(case, train_images=images, test_images=1, batch_size=batch_size)
    # Only a short first measurement needs a second one.
    if (more := _enough_images(batch_size, epoch_s)) > batch_size:
        images = more
        epoch_s = _epoch_seconds(case, train_images=more, test_images=1, batch_size=batch_size)
    return max(epoch_s - empty_epoch_s, epoch_s * _MIN_REMAINDER) / (images // batch_size)


def _enough_images(batch_size: int, step_s: float) -> int:
    """Return how many images, in whole batches, take about as long as an epoch should."""
    return batch_size * min(max(1, round(_EPOCH_S / step_s)), _IMAGES // batch_size)


def measure_augment_seconds(channels: int) -> float:
    """Measure the seconds to augment one image, once for all replicas."""
    case = TimingCase(Lenet5(filters=1), channels, IMAGE_SIDES[channels], "bf16")
    pack, dataset = case.prepare(train_images=_IMAGES, test_images=1, epochs=_EPOCHS)
    plain = pack.cell.recipe
    epoch_s = []
    with training_runtime():
        for recipe in (plain, plain.model_copy(update={"augmentation": _AUGMENTATION})):
            batches = load_on_device(dataset, torch.device("cpu")).batches(recipe, 0)
            ends = [_time_after(batches.epoch(epoch)) for epoch in range(_EPOCHS)]
            epoch_s.append(median(end - start for start, end in pairwise(ends)))
    return max(0.0, epoch_s[1] - epoch_s[0]) / _IMAGES


def measure_pack_start_seconds() -> float:
    """Measure the seconds of a pack besides its epochs: to build it and to publish its results."""
    case = TimingCase(Lenet5(filters=6), 1, 28, "bf16")
    return max(0.0, median(_pack_start_seconds(case) for _ in range(_STARTS)))


def _pack_start_seconds(case: TimingCase) -> float:
    ends: list[float] = []
    start = monotonic()
    pack, dataset = case.prepare(train_images=_BATCH, test_images=_IMAGES, epochs=2)
    with temporary_folder() as folder:
        result = train(pack, dataset, device="cpu", on_epoch_end=lambda epoch: ends.append(monotonic()))
        open_store(folder).publish(build_tables(result, dataset, collect_provenance()))
    return monotonic() - start - 2 * (ends[1] - ends[0])


def _epoch_seconds(case: TimingCase, *, train_images: int, test_images: int, batch_size: int) -> float:
    """Measure the seconds of one epoch, after a first one."""
    ends: list[float] = []
    pack, dataset = case.prepare(
        train_images=train_images, test_images=test_images, epochs=_EPOCHS, batch_size=batch_size
    )
    train(pack, dataset, device="cpu", on_epoch_end=lambda epoch: ends.append(monotonic()))
    return median(end - start for start, end in pairwise(ends))


def _time_after(batches: Iterator[object]) -> float:
    """Make all batches, and return the time afterwards."""
    for _ in batches:
        pass
    return monotonic()


@cache
def _synthetic_dataset(channels: int, side: int) -> LoadedDataset:
    source = Synthetic(size=_IMAGES, test_size=_IMAGES, side=side, channels=channels, classes=_CLASSES)
    return load(source, folder=Path())

"""Measurement of a machine's training speed: small synthetic data sets, trained as any pack is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import monotonic
from typing import NamedTuple, get_args

import torch
from torch import nn

from scaling.architectures import AnyArchitecture, LayerTable, Lenet5, Precision, Tree3, registered
from scaling.config import Cell, CellRun, Recipe
from scaling.config.recipe import Adam, Affine, Augmentation, Sgd
from scaling.data import LoadedDataset, load
from scaling.datasets import DatasetInfo, Split, Synthetic
from scaling.plan.packs import PACK_SIZES, Pack, make_packs, pack_size
from scaling.plan.speed import NetworkKind, NetworkTime, UpdateTime
from scaling.plan.speed_file import default_speed
from scaling.plan.step_choice import has_image_lanes, images_in_lanes, trains_in_compiled_steps
from scaling.plan.time_estimate import EVALUATION_BATCH
from scaling.settings import ImageShape
from scaling.store import collect_provenance, open_store
from scaling.temporary_folder import temporary_folder
from scaling.train.compiled_steps import images_per_call, steps_in_torch
from scaling.train.device_data import load_on_device
from scaling.train.epoch_metrics import EpochMetrics
from scaling.train.optimisers import PackOptimiser
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
_EPOCH_S = 0.02
"""Approximate seconds of a part of a measured epoch, training or evaluation; the number of images follows."""
_EPOCHS = 3
"""Epochs of a training whose length is unknown; the first one warms up."""
_MEASURED_S, _MAX_MEASURED = 0.03, 2
"""Approximate seconds of all measured epochs of a network, and their largest number.

The fastest one counts, because other work on the machine can only make an epoch slower.
"""
_STARTS = 3
"""Number of packs whose start is measured."""
_CALL_PARTS = 4
"""Calls of compiled steps in a measurement are at least this part of those in a training."""
_MIN_REMAINDER = 0.1
"""Lower limit of a time after the overhead is subtracted, as a fraction of the measured time."""
CROP_AND_FLIP = Augmentation(crop=4, flip=True)
AFFINE = Augmentation(affine=Affine(translation=2, scale=0.1, squeeze=0.1, shear=0.2))
_UPDATES = 30
"""Number of measured updates of an optimiser."""
_SMALL_TENSORS, _LARGE_TENSORS = (20, 80), (2, 200_000)
"""Number and size of the weight tensors of two measured updates: mostly calls, and mostly arithmetic."""


@dataclass(frozen=True)
class TimingCase:
    """One network to measure, on one kind of image."""

    architecture: AnyArchitecture
    channels: int
    side: int
    """Side of the images, in pixels."""
    precision: Precision
    compiled: bool = False
    """True for compiled steps, False for steps in torch."""

    @property
    def kind(self) -> NetworkKind:
        return NetworkKind.of(
            self.architecture, channels=self.channels, precision=self.precision, compiled=self.compiled
        )

    @property
    def image(self) -> ImageShape:
        return ImageShape(self.channels, self.side, _CLASSES)

    @property
    def layer_table(self) -> LayerTable:
        return self.architecture.layer_table(self.image)

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
        cell = self.cell(info, epochs=epochs, batch_size=batch_size)
        (pack,) = make_packs([CellRun(cell, cell.run(0))])
        return pack, replace(dataset, info=info, test=test, train_index=index)

    def cell(self, info: DatasetInfo, *, epochs: int = 1, batch_size: int = _BATCH) -> Cell:
        """Return the cell of a training on a data set."""
        # Recipes with one image a step have no momentum; with 100 images, the update takes little of a step.
        optimizer = Sgd(momentum=0.0, nesterov=False) if self.compiled else Sgd()
        recipe = Recipe(epochs=epochs, batch_size=batch_size, precision=self.precision, optimizer=optimizer)
        return Cell(dataset=Synthetic(), info=info, architecture=self.architecture, recipe=recipe)

    @property
    def can_be_compiled(self) -> bool:
        """True if sweeps train the network in compiled steps."""
        return trains_in_compiled_steps(self._empty_cell, self.pack_size)

    def images_in_step(self, images: int) -> int:
        """Return the number of images that a step with a batch of ``images`` computes."""
        has_lanes = has_image_lanes(self._empty_cell) and not self.compiled
        return images_in_lanes(images) if has_lanes else images

    @property
    def _empty_cell(self) -> Cell:
        info = DatasetInfo(title="", image=self.image, train_images=_BATCH, test_images=1, fingerprint="")
        return self.cell(info)


def benchmark_cases() -> Iterator[TimingCase]:
    """Return the networks to measure: those that each registered architecture names.

    A network that compiled steps can train is measured with steps in torch as well.
    """
    for channels, side in IMAGE_SIDES.items():
        for precision in get_args(Precision):
            for spec in registered():
                for entry in spec.benchmark_networks(side, precision):
                    case = TimingCase(entry.network, channels, entry.side, precision)
                    yield case
                    if case.can_be_compiled:
                        yield replace(case, compiled=True)


class EpochTime(NamedTuple):
    """Seconds of an epoch."""

    train_s: float
    """Seconds from its begin to the end of its last step."""
    evaluate_s: float
    """Seconds from the end of its last step to its end."""


def measure_empty_epoch() -> EpochTime:
    """Measure an epoch without its images."""
    case = TimingCase(Tree3(filters=1, rows=1), 1, 8, "bf16")
    few, many = (
        _measure_epoch(case, train_images=images, test_images=images, batch_size=_BATCH)
        for images in (_BATCH, _IMAGES)
    )
    return EpochTime(
        *(max(0.0, f - (m - f) * _BATCH / (_IMAGES - _BATCH)) for f, m in zip(few, many, strict=True))
    )


class StepTimes(NamedTuple):
    """Seconds of a whole pack, for each of two batch sizes, and for an image of an evaluation."""

    small_s: float
    """Seconds of a training step with a batch of one image."""
    large_s: float
    """Seconds of a training step with a batch of 100 images."""
    evaluate_s: float
    """Seconds of an image in an evaluation."""


def measure_steps(case: TimingCase, empty: EpochTime) -> StepTimes:
    """Measure one network: training with batches of two sizes, and evaluation.

    Args:
        case: network to measure.
        empty: time of an epoch without its images.
    """
    small_s, _ = _measure_batches(case, _SMALL_BATCH, empty)
    return StepTimes(small_s, *_measure_batches(case, _BATCH, empty))


def network_time(case: TimingCase, times: StepTimes) -> NetworkTime:
    """Return the time of a network; that of a step is linear in the number of images that it computes."""
    small, large = map(case.images_in_step, (_SMALL_BATCH, _BATCH))
    image_s = max((times.large_s - times.small_s) / (large - small), _MIN_REMAINDER * times.large_s / large)
    step_s = max(times.small_s - small * image_s, _MIN_REMAINDER * times.small_s)
    return NetworkTime(step_s, image_s / case.pack_size, times.evaluate_s / case.pack_size)


def _measure_batches(case: TimingCase, batch_size: int, empty: EpochTime) -> tuple[float, float]:
    """Measure the seconds of a training step, and of an image in an evaluation of all replicas."""
    images = batch_size
    if case.compiled:  # a fraction of the images of a call, in which the start of the call is a small part
        images = min(images_per_call(case.layer_table.macs) // _CALL_PARTS, _IMAGES)
    steps = max(1, images // batch_size)
    expected = default_speed().network_time(case.kind, case.layer_table)
    step_s = expected.step_s + case.pack_size * case.images_in_step(batch_size) * expected.train_s
    steps *= _repetitions(steps * step_s, _IMAGES // (steps * batch_size))
    tested, tested_s = 1, 0.0
    if batch_size == _BATCH:
        tested_s = EVALUATION_BATCH * case.pack_size * expected.evaluate_s
        tested = EVALUATION_BATCH * _repetitions(tested_s, _IMAGES // EVALUATION_BATCH)
    measured = min(max(1, round(_MEASURED_S / (steps * step_s + tested_s))), _MAX_MEASURED)
    epoch = _measure_epoch(
        case,
        train_images=steps * batch_size,
        test_images=tested,
        batch_size=batch_size,
        epochs=1 + measured,
    )
    train_s, evaluate_s = (
        max(whole_s - empty_s, _MIN_REMAINDER * whole_s)
        for whole_s, empty_s in zip(epoch, empty, strict=True)
    )
    return train_s / steps, evaluate_s / tested


def _repetitions(seconds: float, most: int) -> int:
    """Return how often something that takes ``seconds`` fits into a part of an epoch: at least once."""
    return min(max(1, round(_EPOCH_S / seconds)), most)


def measure_augment_seconds(channels: int, augmentation: Augmentation) -> float:
    """Measure the seconds to augment one image, once for all replicas."""
    case = TimingCase(Lenet5(filters=1), channels, IMAGE_SIDES[channels], "bf16")
    pack, dataset = case.prepare(train_images=_IMAGES, test_images=1, epochs=_EPOCHS)
    plain = pack.cell.recipe
    epoch_s = []
    with training_runtime():
        for recipe in (plain, plain.model_copy(update={"augmentation": augmentation})):
            batches = load_on_device(dataset, torch.device("cpu")).batches(recipe, 0)
            ends = [_time_after(batches.epoch(epoch)) for epoch in range(_EPOCHS)]
            epoch_s.append(median(end - start for start, end in pairwise(ends)))
    return max(0.0, epoch_s[1] - epoch_s[0]) / _IMAGES


def measure_adam() -> UpdateTime:
    """Measure how much longer an update of Adam takes than one of gradient descent."""
    small, large = _SMALL_TENSORS[1], _LARGE_TENSORS[1]
    with training_runtime():
        small_s, large_s = (
            _update_seconds(Adam(), *sizes) - _update_seconds(Sgd(), *sizes)
            for sizes in (_SMALL_TENSORS, _LARGE_TENSORS)
        )
    number_s = max(0.0, (large_s - small_s) / (large - small))
    return UpdateTime(tensor_s=max(0.0, small_s - small * number_s), number_s=number_s)


def _update_seconds(rule: Sgd | Adam, count: int, size: int) -> float:
    """Measure the seconds to update one of ``count`` weight tensors of ``size`` numbers."""
    replicas = max(PACK_SIZES)
    tensors = [nn.Parameter(torch.full((replicas, size // replicas), 0.01)) for _ in range(count)]
    for tensor in tensors:
        tensor.grad = torch.full_like(tensor, 1e-3)
    optimiser = PackOptimiser(tensors, rule, learning_rates=[1e-3] * replicas, weight_decays=[0.0] * replicas)
    step, ends = torch.zeros(1, dtype=torch.int64), []
    for _ in range(_UPDATES):
        optimiser.select(step)
        optimiser.step()
        ends.append(monotonic())
    return median(end - start for start, end in pairwise(ends)) / count


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


def _measure_epoch(
    case: TimingCase, *, train_images: int, test_images: int, batch_size: int, epochs: int = _EPOCHS
) -> EpochTime:
    """Measure the fastest epoch after the first one."""
    times: list[EpochTime] = []
    begin = last_step = monotonic()

    def end_step() -> None:
        nonlocal last_step
        last_step = monotonic()

    def end_epoch(epoch: EpochMetrics) -> None:
        nonlocal begin
        end = monotonic()
        times.append(EpochTime(last_step - begin, end - last_step))
        begin = end

    pack, dataset = case.prepare(
        train_images=train_images, test_images=test_images, epochs=epochs, batch_size=batch_size
    )
    with nullcontext() if case.compiled else steps_in_torch():
        train(pack, dataset, device="cpu", on_step_end=end_step, on_epoch_end=end_epoch)
    return EpochTime(*map(min, zip(*times[1:], strict=True)))


def _time_after(batches: Iterator[object]) -> float:
    """Make all batches, and return the time afterwards."""
    for _ in batches:
        pass
    return monotonic()


@cache
def _synthetic_dataset(channels: int, side: int) -> LoadedDataset:
    source = Synthetic(size=_IMAGES, test_size=_IMAGES, side=side, channels=channels, classes=_CLASSES)
    return load(source, folder=Path())

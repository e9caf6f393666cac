"""Training on one image, or on few images, at a time: compiled steps relative to steps in torch.

The networks and the recipe are those of two historic configs, whose batches have one image; the images are
synthetic, because their content does not change the time. A step is a whole one, with its images and the
optimiser. The epochs have ten test images, so that evaluation takes next to no time.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.commands import ROOT
from benchmarks.measurement import Measurement, paired_ratios, summarise_rounds
from scaling.config import Cell, CellRun, load_study
from scaling.data import LoadedDataset, load
from scaling.datasets import Synthetic
from scaling.plan.packs import Pack, make_packs
from scaling.train import train
from scaling.train.compiled_steps import steps_in_torch

NAME = "single_images"
STUDIES = {"zipcode1989": 16, "lenet1": 28}
"""Configs in configs/history/ whose batches have one image, with the side of their images."""
SIZES = {1: (8, 1), 10: (8, 1), 100: (8,)}
"""Numbers of networks by the number of images in a step: those for which compiled steps are chosen."""
_REPLICAS = 8
_IMAGES, _TEST_IMAGES, _EPOCHS = 2000, 10, 3


def measure(rounds: int) -> list[Measurement]:
    return [
        measurement
        for study in STUDIES
        for batch_size, sizes in SIZES.items()
        for measurement in _measure_study(study, batch_size, sizes, rounds)
    ]


def _measure_study(study: str, batch_size: int, sizes: tuple[int, ...], rounds: int) -> list[Measurement]:
    """Measure the steps of packs of some sizes, compiled and in torch, in alternation."""
    pack, dataset = make_pack(study, batch_size=batch_size)
    compiled: dict[int, list[float]] = {size: [] for size in sizes}
    in_torch: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            part = pack.split(size)[0]
            compiled[size].append(_steps_per_s(part, dataset))
            with steps_in_torch():
                in_torch[size].append(_steps_per_s(part, dataset))
    images = "one image" if batch_size == 1 else f"{batch_size} images"
    case = f"configs/history/{study}.yaml, {images} at a time"
    quantities = [
        (quantity, unit, rates, f"R={size}")
        for size in sizes
        for quantity, unit, rates in (
            ("steps per second", "1/s", compiled[size]),
            ("steps per second in torch", "1/s", in_torch[size]),
            (
                "time of a step in torch relative to compiled",
                "",
                paired_ratios(compiled[size], in_torch[size]),
            ),
        )
    ]
    if 1 in sizes:
        ratios = paired_ratios(compiled[1], compiled[_REPLICAS])
        quantities.append((f"time of a step, {_REPLICAS} networks relative to one", "", ratios, ""))
    return [
        summarise_rounds(NAME, case, quantity, unit=unit, values=values, note=note)
        for quantity, unit, values, note in quantities
    ]


def make_pack(study: str, *, images: int = _IMAGES, batch_size: int = 1) -> tuple[Pack, LoadedDataset]:
    """Return a pack of eight networks of a historic study, and synthetic images of the same size."""
    source = Synthetic(size=images, test_size=_TEST_IMAGES, side=STUDIES[study])
    dataset = load(source, folder=Path())
    config = ROOT / "configs" / "history" / f"{study}.yaml"
    cell = load_study(config, data=ROOT).cells[0]
    # The study leaves the rate to pilot runs. The time of a step does not depend on it.
    recipe = cell.recipe.model_copy(
        update={"epochs": _EPOCHS, "learning_rate": 0.001, "batch_size": batch_size}
    )
    timed = Cell(dataset=source, info=dataset.info, architecture=cell.architecture, recipe=recipe)
    (pack,) = make_packs([CellRun(timed, timed.run(seed)) for seed in range(_REPLICAS)])
    return pack, dataset


def _steps_per_s(pack: Pack, dataset: LoadedDataset) -> float:
    """Return the steps in one second of the median epoch after the first one."""
    ends: list[float] = []
    train(pack, dataset, device="cpu", on_epoch_end=lambda epoch: ends.append(perf_counter()))
    epoch_s = median(end - start for start, end in pairwise(ends))
    return len(dataset.train_index) / pack.cell.recipe.batch_size / epoch_s

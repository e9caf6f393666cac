"""Training on one image at a time: the steps of a pack of eight networks relative to those of one network.

The networks and the recipe are those of two historic configs; the images are synthetic, because their content
does not change the time. A step is a whole one, with its image and the optimiser. The epochs have ten test
images, so that evaluation takes next to no time.
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

NAME = "single_images"
STUDIES = {"zipcode1989": 16, "lenet1": 28}
"""Configs in configs/history/ whose batches have one image, with the side of their images."""
_REPLICAS = 8
_IMAGES, _TEST_IMAGES, _EPOCHS = 1000, 10, 3


def measure(rounds: int) -> list[Measurement]:
    return [measurement for study in STUDIES for measurement in _measure_study(study, rounds)]


def _measure_study(study: str, rounds: int) -> list[Measurement]:
    """Measure the steps of a pack and of one of its networks in alternation."""
    pack, dataset = make_pack(study)
    (alone, *_) = pack.split(1)
    step_rates: dict[int, list[float]] = {_REPLICAS: [], 1: []}
    for _ in range(rounds):
        for part in (pack, alone):
            step_rates[part.size].append(_steps_per_s(part, dataset))
    case = f"configs/history/{study}.yaml, one image at a time"
    return [
        *(
            summarise_rounds(NAME, case, "steps per second", unit="1/s", values=rates, note=f"R={R}")
            for R, rates in step_rates.items()
        ),
        summarise_rounds(
            NAME,
            case,
            f"time of a step, {_REPLICAS} networks relative to one",
            unit="",
            values=paired_ratios(step_rates[1], step_rates[_REPLICAS]),
        ),
    ]


def make_pack(study: str, images: int = _IMAGES) -> tuple[Pack, LoadedDataset]:
    """Return a pack of eight networks of a historic study, and synthetic images of the same size."""
    source = Synthetic(size=images, test_size=_TEST_IMAGES, side=STUDIES[study])
    dataset = load(source, folder=Path())
    config = ROOT / "configs" / "history" / f"{study}.yaml"
    cell = load_study(config, data=ROOT).cells[0]
    # The study leaves the rate to pilot runs. The time of a step does not depend on it.
    recipe = cell.recipe.model_copy(update={"epochs": _EPOCHS, "learning_rate": 0.001})
    timed = Cell(dataset=source, info=dataset.info, architecture=cell.architecture, recipe=recipe)
    (pack,) = make_packs([CellRun(timed, timed.run(seed)) for seed in range(_REPLICAS)])
    return pack, dataset


def _steps_per_s(pack: Pack, dataset: LoadedDataset) -> float:
    """Return the steps in one second of the median epoch after the first one."""
    ends: list[float] = []
    train(pack, dataset, device="cpu", on_epoch_end=lambda epoch: ends.append(perf_counter()))
    epoch_s = median(end - start for start, end in pairwise(ends))
    return len(dataset.train_index) / pack.cell.recipe.batch_size / epoch_s

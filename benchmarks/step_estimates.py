"""Time of an epoch of one pack, relative to the estimate of ``scaling plan``.

The cases differ in what the estimates of two whole studies (the benchmark ``estimates``) do not cover: batch
sizes, optimisers, pooling, depths, trees, and the historic recipes. The images are synthetic, because their
content does not change the time. As many processes train the same pack at once as ``scaling bench`` used.
The estimates use this machine's own speed if ``scaling bench`` has measured it, and otherwise the built-in
speed.

A machine whose neighbours are busy changes its speed within seconds, by more than the margin. So each case
stands between two trainings of a reference network. The reference's time relative to its median over all
cases is the change of the machine, by which the case's ratio is divided.

``python -m benchmarks.step_estimates --cpu-time WORD ...`` measures the cases whose name contains all words,
in this process, in CPU time, and stores nothing. On a busy machine it shows where the estimates are wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from benchmarks.commands import ROOT
from benchmarks.measurement import Measurement, summarise_rounds
from scaling.architectures import AnyArchitecture, architecture_union
from scaling.config import Cell, CellRun, Recipe, load_study
from scaling.datasets import Synthetic
from scaling.plan.packs import make_packs
from scaling.plan.speed import Speed
from scaling.plan.speed_file import default_speed, load_speed
from scaling.plan.time_estimate import training_seconds

NAME = "step_estimates"
MNIST, CIFAR10, USPS = (28, 1), (32, 3), (16, 1)
"""Side and channels of the images."""
MARGIN = 1.25
"""Largest factor between a time and an estimate that counts as right."""
_IMAGES, _TEST_IMAGES = 6000, 500
"""Most training images, and test images."""
_EPOCHS = 3
"""Epochs of a training; the first one warms up."""
_EPOCH_S = 0.3
"""Estimated seconds of an epoch."""

_SAME_TIMES = "nets1989_positions.yaml"
"""Config whose networks differ from those of another one in their initial weights alone."""
_PLAIN = {"type": "sgd", "momentum": 0.0, "nesterov": False}
_ADAM = {"type": "adam"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One network and recipe."""

    name: str
    image: tuple[int, int]
    """Side and channels of the images."""
    architecture: AnyArchitecture
    recipe: Recipe = field(default_factory=Recipe)

    def cell(self, train_images: int, *, epochs: int) -> Cell:
        """Return the cell of a training on synthetic images."""
        side, channels = self.image
        source = Synthetic(
            size=_IMAGES, train_images=train_images, test_size=_TEST_IMAGES, side=side, channels=channels
        )
        # A study may leave the rate to pilot runs. The time of a step does not depend on it.
        recipe = self.recipe.model_copy(update={"epochs": epochs, "learning_rate": 1e-3})
        return Cell(dataset=source, info=source.info(Path()), architecture=self.architecture, recipe=recipe)


def modern_cases() -> Iterator[Case]:
    """Yield cases of LeNet-5, of trees and of VGG."""
    for filters, precision, sizes in (
        (1, "bf16", (1, 10, 1000)),
        (6, "bf16", (1, 10, 32, 1000)),
        (24, "bf16", (10, 1000)),
        (6, "fp32", (1, 16, 1000)),
        (24, "fp32", (10, 1000)),
    ):
        for size in sizes:
            yield _case(MNIST, {"type": "lenet5", "filters": filters}, batch_size=size, precision=precision)
    for filters, size in ((1, 10), (6, 1), (6, 100), (48, 10), (48, 100)):
        yield _case(MNIST, {"type": "lenet5", "filters": filters}, batch_size=size, optimizer=_ADAM)
    yield _case(CIFAR10, {"type": "lenet5", "filters": 6}, optimizer={"type": "adamw"}, weight_decay=0.01)
    yield _case(CIFAR10, {"type": "lenet5", "filters": 6}, batch_size=1, optimizer=_PLAIN)
    yield _case(CIFAR10, {"type": "lenet5", "filters": 3}, augmentation={"crop": 4, "flip": True})
    yield _case(MNIST, {"type": "lenet5", "filters": 3}, augmentation={"affine": {"scale": 0.1}})
    for image, filters, precision in ((MNIST, 3, "bf16"), (CIFAR10, 12, "bf16"), (MNIST, 6, "fp32")):
        architecture = {"type": "lenet5", "filters": filters, "pooling": "average"}
        yield _case(image, architecture, precision=precision)
    yield _case(MNIST, {"type": "lenet5", "filters": 6, "pooling": "average"}, batch_size=10)
    yield _case(MNIST, {"type": "lenet5", "filters": 6, "kernel": 3})
    yield _case(MNIST, {"type": "lenet5", "filters": 6, "activation": "tanh"})
    yield _case(MNIST, {"type": "lenet5", "filters": 6, "convolutions": 1})
    for image, filters, size in ((MNIST, 3, 10), (CIFAR10, 6, 1), (CIFAR10, 15, 100), (CIFAR10, 6, 1000)):
        yield _case(image, {"type": "tree3", "filters": filters, "rows": 2}, batch_size=size)
    yield _case(CIFAR10, {"type": "tree3", "filters": 6, "branches": 80, "activation": "relu"})
    for depth, filters, size in ((6, 8, 100), (8, 4, 100), (11, 8, 100), (13, 4, 10), (16, 2, 100)):
        yield _case(CIFAR10, {"type": "vgg", "filters": filters, "depth": depth}, batch_size=size)
    yield _case(CIFAR10, {"type": "vgg", "filters": 4, "depth": 11, "pooling": "output"})
    yield _case(CIFAR10, {"type": "vgg", "filters": 4, "depth": 8}, precision="fp32")
    yield _case(CIFAR10, {"type": "vgg", "filters": 4, "depth": 11}, batch_size=10, optimizer=_ADAM)


def historic_cases() -> Iterator[Case]:
    """Yield the networks and recipes of configs/history, and some of these networks with other recipes."""
    seen = set()
    for path in sorted((ROOT / "configs" / "history").glob("*.yaml")):
        if path.name == _SAME_TIMES:
            continue
        for cell in load_study(path, data=ROOT).cells:
            image, network = cell.info.image, cell.architecture
            recipe = cell.recipe.model_copy(update={"learning_rate": 1e-3})
            is_trained = network.fit_profile is None and image.side >= USPS[0]
            if is_trained and (key := (network, recipe, image)) not in seen:
                seen.add(key)
                name = f"configs/history/{path.name}, {network.type}, {network.filters} filters"
                yield Case(name=name, image=(image.side, image.channels), architecture=network, recipe=recipe)
    lenet1, zipcode = {"type": "lenet1", "filters": 4}, {"type": "zipcode1989", "filters": 12}
    yield _case(MNIST, lenet1, precision="fp32", optimizer=_ADAM)
    yield _case(MNIST, lenet1, precision="fp32", batch_size=1000)
    yield _case(USPS, zipcode, precision="fp32", batch_size=1, optimizer=_ADAM)
    yield _case(USPS, zipcode, precision="fp32", batch_size=10)
    yield _case(MNIST, {"type": "lenet4", "filters": 8}, precision="fp32", batch_size=1, optimizer=_PLAIN)


def _case(image: tuple[int, int], architecture: dict[str, Any], **recipe: Any) -> Case:
    network: AnyArchitecture = TypeAdapter(architecture_union()).validate_python(architecture)
    settings = [f"{name}={value}" for name, value in architecture.items() if name != "type"]
    settings += [
        f"{name}={value['type'] if isinstance(value, dict) and 'type' in value else value}"
        for name, value in recipe.items()
    ]
    name = ", ".join([f"{image[0]}x{image[0]}x{image[1]}", network.type, *settings])
    return Case(name=name, image=image, architecture=network, recipe=Recipe(**recipe))


class Ratio(NamedTuple):
    """Time of an epoch relative to its estimate."""

    of_case: float
    of_reference: float


def measure(rounds: int) -> list[Measurement]:
    speed = load_speed()
    note = "another machine's speed" if speed is default_speed() else "this machine's speed"
    cases = [*modern_cases(), *historic_cases()]
    workers = speed.machine.workers
    ratios: dict[Case, list[Ratio]] = {}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for _ in range(rounds):
            for case in cases:
                futures = [pool.submit(ratio_beside_reference, case, speed) for _ in range(workers)]
                results = zip(*(future.result() for future in futures), strict=True)
                ratios.setdefault(case, []).append(Ratio(*map(median, results)))

    of_references = [ratio.of_reference for of in ratios.values() for ratio in of]
    usual = median(of_references)

    def without_change(ratio: Ratio) -> float:
        return ratio.of_case / (ratio.of_reference / usual)

    def count(value: Callable[[Ratio], float]) -> list[int]:
        """Return the number of right estimates in each round."""
        by_round = zip(*ratios.values(), strict=True)
        return [sum(1 / MARGIN <= value(ratio) <= MARGIN for ratio in of_round) for of_round in by_round]

    all_cases = f"{len(cases)} networks and recipes"
    quantity = "time of an epoch of a pack relative to the estimate"
    summaries: list[tuple[str, str, Sequence[float]]] = [
        *((case.name, quantity, list(map(without_change, of))) for case, of in ratios.items()),
        (
            all_cases,
            "time of an epoch of the reference relative to the estimate",
            of_references,
        ),
        (
            all_cases,
            "estimates within a factor of 1.25, change of the machine included",
            count(lambda ratio: ratio.of_case),
        ),
        (
            all_cases,
            "estimates within a factor of 1.25 of the time of an epoch",
            count(without_change),
        ),
    ]
    return [
        summarise_rounds(NAME, name, quantity, unit="", values=values, note=note)
        for name, quantity, values in summaries
    ]


def ratio_beside_reference(case: Case, speed: Speed) -> Ratio:
    """Return the ratio of a case, and the mean ratio of the reference before and after it."""
    reference = _case(MNIST, {"type": "lenet5", "filters": 6})
    before, of_case, after = (
        actual_relative_to_estimate(trained, speed) for trained in (reference, case, reference)
    )
    return Ratio(of_case, (before + after) / 2)


def actual_relative_to_estimate(case: Case, speed: Speed, clock: Callable[[], float] = perf_counter) -> float:
    """Train a pack, and return the time of the median epoch after the first one relative to its estimate."""
    # Only now, because the process that collects the ratios needs no torch.
    from scaling.data import load
    from scaling.train import train

    batch_size = case.recipe.batch_size
    whole = case.cell(_IMAGES, epochs=1)
    (pack,) = make_packs([CellRun(whole, whole.run(0))])
    epoch_s = training_seconds(whole, pack.size, speed)
    images = min(_IMAGES, max(1, round(_EPOCH_S / epoch_s * _IMAGES / batch_size)) * batch_size)
    cell = case.cell(images, epochs=_EPOCHS)
    (pack,) = make_packs([CellRun(cell, cell.run(0))])
    ends: list[float] = []
    train(
        pack, load(cell.dataset, folder=Path()), device="cpu", on_epoch_end=lambda epoch: ends.append(clock())
    )
    actual_s = median(end - start for start, end in pairwise(ends))
    return actual_s / (training_seconds(cell, pack.size, speed) / _EPOCHS)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step_estimates")
    parser.add_argument("--cpu-time", nargs="*", metavar="WORD", required=True)
    words = parser.parse_args(arguments).cpu_time
    for case in [*modern_cases(), *historic_cases()]:
        if all(word in case.name for word in words):
            ratio = actual_relative_to_estimate(case, load_speed(), thread_time)
            print(f"{ratio:5.2f}  {case.name}", flush=True)


if __name__ == "__main__":
    main()

"""The training step of one pack, compared on one thread with what a strong engineer would build instead.

Rivals are ``torch.func.vmap`` over stacked modules, ``torch.compile`` of a whole step with it, JAX, and the
loop of a tutorial, which trains one network after the other. All sides train the same networks on the same
minibatches of real images. A side is timed only if its losses agree with those of this software's reference
operations in fp32. In each round all sides do the same number of steps in turn.

    pip install jax    # JAX is in no extra; without it, this rival is left out
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from math import sqrt
from statistics import median
from unittest import mock

import torch
from torch import Tensor

from benchmarks.commands import data_folder
from benchmarks.measurement import Measurement, paired_ratios, summarise_rounds
from benchmarks.rival_process import JaxSide
from benchmarks.rival_steps import (
    CompiledSide,
    PlainSide,
    RivalUnavailableError,
    ScalingSide,
    Side,
    StepTask,
    VmapSide,
    make_task,
    reference_losses,
)
from benchmarks.steps import MATRIX_SIDES, StepCase, fastest_rate, matrix_product
from scaling.architectures import AnyArchitecture, Lenet5, Precision, Tree3
from scaling.config import Recipe
from scaling.datasets import AnyDataset, Cifar10, Mnist
from scaling.train.runtime import training_runtime

NAME = "rivals"
CHECKED_STEPS = 50
"""Steps over which losses are compared; they warm each side up, too."""
TIMED_STEPS = 20
"""Steps of each side in a round."""
ROUNDING_NOISE: dict[Precision, float] = {
    "fp32": 2.0**-24 * sqrt(2**16) * sqrt(CHECKED_STEPS),
    "bf16": 2.0**-9 * sqrt(3) * sqrt(CHECKED_STEPS),
}
"""Relative change of the initial weights that stands for the rounding of all checked steps.

In fp32, the sum of n rounded terms has an error of about sqrt(n) times the unit roundoff, 2^-24; the gradient
of the first convolution sums 2^16 terms, an image and a pixel each. In bf16, sums are in fp32, and the unit
roundoff of stored numbers is 2^-9. Three kinds of them are rounded: weights, maps and gradients. Each step
rounds anew, and the squares of independent errors add up.
"""


@dataclass(frozen=True)
class RivalCase:
    """A pack that all sides train."""

    dataset: AnyDataset
    network: AnyArchitecture
    learning_rate: float


CASES = (
    RivalCase(Mnist(), Lenet5(filters=1), 0.08),
    RivalCase(Mnist(), Lenet5(filters=3), 0.08),
    RivalCase(Mnist(), Lenet5(filters=6), 0.08),
    RivalCase(Cifar10(), Lenet5(filters=6), 0.06),
    RivalCase(Cifar10(), Lenet5(filters=24), 0.06),
    RivalCase(Cifar10(), Tree3(filters=6), 0.4),
)


@dataclass(frozen=True)
class Competitor:
    """An implementation of the step in one precision."""

    name: str
    precision: Precision
    start: Callable[[StepTask, Precision], Side]

    @property
    def label(self) -> str:
        return f"{self.name}, {self.precision}"


OWN = Competitor("scaling", "bf16", ScalingSide)
PLAIN = Competitor("one network at a time", "fp32", PlainSide)
RIVALS = (
    PLAIN,
    Competitor("torch.func.vmap", "fp32", VmapSide),
    Competitor("torch.func.vmap", "bf16", VmapSide),
    Competitor("torch.compile", "fp32", CompiledSide),
    Competitor("torch.compile", "bf16", CompiledSide),
    Competitor("JAX", "fp32", JaxSide),
)


@dataclass(frozen=True, eq=False)
class CheckedSide:
    """A side whose losses agree with the reference."""

    competitor: Competitor
    side: Side
    first_step_s: float
    difference: float
    """Largest difference of a loss from the reference in fp32."""
    limit: float
    """Largest permitted difference."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Losses of this software's reference operations in fp32, and how far rounding can move them."""

    losses: Tensor
    """Loss of each step and replica: [steps, R]."""
    limits: dict[Precision, float]
    """Largest difference of a loss that rounding explains."""

    @classmethod
    def of(cls, task: StepTask, steps: int) -> Reference:
        """Train with the initial weights, and with weights that are changed as much as rounding would.

        These trainings show how much such a change grows, and what happens when another pixel of a window
        becomes its maximum.
        """
        losses = reference_losses(task, steps)
        limits = {
            precision: float((reference_losses(task, steps, noise=noise) - losses).abs().max())
            for precision, noise in ROUNDING_NOISE.items()
        }
        return cls(losses, limits)


def measure(rounds: int, cases: Sequence[RivalCase] = CASES) -> list[Measurement]:
    with training_runtime(), _one_core(), _fresh_compiler_cache():
        return [measurement for case in cases for measurement in _measure_case(case, rounds)]


@contextmanager
def _one_core() -> Iterator[None]:
    """Bind this process to one core, and those that it starts: JAX has as many threads as it has cores."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextmanager
def _fresh_compiler_cache() -> Iterator[None]:
    """Give torch.compile an empty cache, so that each case compiles."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        mock.patch.dict(os.environ, TORCHINDUCTOR_CACHE_DIR=folder),
    ):
        yield


def _measure_case(case: RivalCase, rounds: int) -> list[Measurement]:
    recipe = Recipe(learning_rate=case.learning_rate)
    task = make_task(case.dataset, case.network, recipe, folder=data_folder(), minibatches=CHECKED_STEPS)
    step_case = StepCase(case.dataset.type, task.pack.cell.info.image, case.network)
    torch.compiler.reset()  # torch.compile gives up after a few shapes of one function
    with ExitStack() as stack:
        sides, reasons = start_sides(task, (OWN, *RIVALS), stack)
        if OWN.label in reasons:
            raise RuntimeError(f"{step_case.label}: this software is not timed: {reasons[OWN.label]}")
        for label, reason in reasons.items():
            print(f"{step_case.label}: {label} is left out: {reason}")
        return _time_sides(step_case, task, sides, rounds=rounds, reasons=reasons)


def start_sides(
    task: StepTask, competitors: Sequence[Competitor], stack: ExitStack, *, steps: int = CHECKED_STEPS
) -> tuple[list[CheckedSide], dict[str, str]]:
    """Start all sides and compare their losses with the reference.

    Args:
        task: training that all sides do.
        competitors: the sides.
        stack: closes the sides.
        steps: number of steps.

    Returns:
        The sides whose losses agree, and the reason for each label that is left out.
    """
    reference = Reference.of(task, steps)
    sides, reasons = [], {}
    for competitor in competitors:
        try:
            side = competitor.start(task, competitor.precision)
        except RivalUnavailableError as unavailable:
            reasons[competitor.label] = str(unavailable)
            continue
        stack.callback(side.close)
        first, others = side.train(0, 1), side.train(1, steps - 1)
        losses = torch.cat([first.losses, others.losses])
        difference = float((losses - reference.losses).abs().max())
        limit = reference.limits[competitor.precision]
        if difference <= limit:
            sides.append(CheckedSide(competitor, side, first.seconds, difference, limit))
        else:
            reasons[competitor.label] = (
                f"its losses differ by {difference:.2g} from the reference; expected at most {limit:.2g}"
            )
    return sides, reasons


def _time_sides(
    case: StepCase, task: StepTask, sides: Sequence[CheckedSide], *, rounds: int, reasons: dict[str, str]
) -> list[Measurement]:
    """Time all sides in turn, and the matrix products before each turn."""
    products = [matrix_product(side) for side in MATRIX_SIDES]
    images = task.pack.size * task.recipe.batch_size * TIMED_STEPS
    product_rates: list[float] = []
    image_rates: dict[str, list[float]] = {side.competitor.label: [] for side in sides}
    for index in range(rounds):
        product_rates.append(fastest_rate(products))
        for side in sides:
            result = side.side.train(CHECKED_STEPS + index * TIMED_STEPS, TIMED_STEPS)
            image_rates[side.competitor.label].append(images / result.seconds)
    measurements = [
        measurement
        for side in sides
        for measurement in _describe_side(case, side, image_rates, product_rates, R=task.pack.size)
    ]
    return [*measurements, *compare_rates(case.label, image_rates, reasons)]


def _describe_side(
    case: StepCase,
    side: CheckedSide,
    image_rates: dict[str, list[float]],
    product_rates: list[float],
    *,
    R: int,
) -> list[Measurement]:
    """Return the speed of one side, the time of its first step, and the evidence that its losses agree."""
    label = side.competitor.label
    work = [rate * case.layers.training_flops for rate in image_rates[label]]
    shares = [100 * share for share in paired_ratios(work, product_rates)]
    note = f"R={R}, {side.side.form}" if side.side.form else f"R={R}"
    summarise = partial(summarise_rounds, NAME, case.label)
    return [
        summarise(f"images per second: {label}", unit="1/s", values=image_rates[label], note=note),
        summarise(f"share of the bf16 matrix-product rate: {label}", unit="%", values=shares),
        summarise(f"time of the first step: {label}", unit="s", values=[side.first_step_s]),
        summarise(
            f"largest difference of a loss from the reference: {label}",
            unit="",
            values=[side.difference],
            note=f"at most {side.limit:.2g}; {CHECKED_STEPS} steps",
        ),
    ]


def compare_rates(
    case: str, image_rates: dict[str, list[float]], reasons: dict[str, str]
) -> list[Measurement]:
    """Return this software's speed relative to the fastest rival of each round, and to one network at a time.

    Args:
        case: name of the case.
        image_rates: images per second of each round, by label.
        reasons: reason for each rival that is left out, by label.
    """
    own = image_rates[OWN.label]
    rivals = {label: rates for label, rates in image_rates.items() if label != OWN.label}
    fastest = max(rivals, key=lambda label: median(rivals[label]))
    left_out = [f"{label} left out: {reason}" for label, reason in reasons.items()]
    relative = {
        "images per second relative to the fastest rival": (
            [max(rates) for rates in zip(*rivals.values(), strict=True)],
            "; ".join([f"fastest: {fastest}", *left_out]),
        )
    }
    if PLAIN.label in rivals:
        relative["images per second relative to one network at a time"] = (rivals[PLAIN.label], "")
    return [
        summarise_rounds(NAME, case, quantity, unit="", values=paired_ratios(own, rates), note=note)
        for quantity, (rates, note) in relative.items()
    ]

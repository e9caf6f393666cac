"""The training step on one thread: images per second, GFLOP/s, and share of the matrix-product rate.

The share is the rate of useful FLOPs over the matrix-product rate. Useful FLOPs are a layer table's
``training_flops``; other operations of a step, such as padding, do not count. The matrix-product rate is that
of the fastest of three square matrix products in the same precision, measured in alternation with the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter

import torch

from benchmarks.measurement import Measurement, paired_ratios, summarise_rounds
from scaling.architectures import AnyArchitecture, LayerTable, Lenet5, Tree3
from scaling.config import Recipe
from scaling.datasets import cifar10, mnist
from scaling.models import build
from scaling.plan.packs import pack_size
from scaling.settings import ImageShape
from scaling.train.module import losses
from scaling.train.optimisers import PackOptimiser
from scaling.train.runtime import training_runtime

NAME = "steps"
MATRIX_SIDES = (512, 1024, 2048)
DTYPE = torch.bfloat16
GIGA = 1e9
RECIPE = Recipe(precision="bf16")
MIN_SECONDS, MIN_CALLS = 0.5, 5
"""A measurement repeats its call for this time and this number of times, and takes the median."""
WARM_UP_CALLS = 3
LENET5_FILTERS, TREE3_FILTERS = (1, 3, 6, 12, 24, 48), (3, 6, 15)


@dataclass(frozen=True)
class StepCase:
    """One network on one shape of images."""

    dataset: str
    image: ImageShape
    network: AnyArchitecture

    @property
    def label(self) -> str:
        """Return the case in a table; d1 and K are the papers' names of the width."""
        letter = "d1" if isinstance(self.network, Lenet5) else "K"
        return f"{self.dataset}, {self.network.type}, {letter}={self.network.filters}"

    @property
    def layers(self) -> LayerTable:
        return self.network.layer_table(self.image)


def step_cases() -> list[StepCase]:
    """Return both architectures in all of their widths, on both shapes of images."""
    cases = []
    for dataset, image, rows in (
        ("mnist", mnist.MNIST_INFO.image, 4),
        ("cifar10", cifar10.CIFAR10_INFO.image, 2),
    ):
        cases += [StepCase(dataset, image, Lenet5(filters=filters)) for filters in LENET5_FILTERS]
        cases += [StepCase(dataset, image, Tree3(filters=filters, rows=rows)) for filters in TREE3_FILTERS]
    return cases


def measure(rounds: int) -> list[Measurement]:
    with training_runtime():
        steps = [measurement for case in step_cases() for measurement in _measure_case(case, rounds)]
        return [_compare_precisions(rounds), *steps]


def _compare_precisions(rounds: int) -> Measurement:
    """Measure matrix products in bf16 and fp32: the precision alone cannot speed training up further."""
    rates: dict[torch.dtype, list[float]] = {torch.bfloat16: [], torch.float32: []}
    for _ in range(rounds):
        for dtype, values in rates.items():
            values.append(fastest_rate([matrix_product(side, dtype) for side in MATRIX_SIDES]))
    relative = paired_ratios(*rates.values())
    return summarise_rounds(
        NAME, "matrix products", "rate in bf16 relative to fp32", unit="", values=relative
    )


def fastest_rate(products: Sequence[Callable[[], object]]) -> float:
    """Return the FLOP/s of the fastest matrix product."""
    return max(
        2 * side**3 / median_seconds(product) for side, product in zip(MATRIX_SIDES, products, strict=True)
    )


def _measure_case(case: StepCase, rounds: int) -> list[Measurement]:
    """Measure matrix products and steps in alternation, for one network and for a pack of networks."""
    sizes = sorted({1, pack_size(case.layers)})
    products, steps = [matrix_product(side) for side in MATRIX_SIDES], [training_step(case, R) for R in sizes]
    product_rates: list[float] = []
    image_rates: list[list[float]] = [[] for _ in sizes]
    for _ in range(rounds):
        product_rates.append(fastest_rate(products))
        for R, step, rates in zip(sizes, steps, image_rates, strict=True):
            rates.append(R * RECIPE.batch_size / median_seconds(step))
    summarise = partial(summarise_rounds, NAME, case.label)
    giga_rates = [rate / GIGA for rate in product_rates]
    measurements = [summarise("matrix-product rate, bf16", unit="GFLOP/s", values=giga_rates)]
    for R, rates in zip(sizes, image_rates, strict=True):
        how, note = "alone" if R == 1 else "fused", f"R={R}"
        work = [images_per_s * case.layers.training_flops for images_per_s in rates]
        giga_work = [flops_per_s / GIGA for flops_per_s in work]
        shares = [100 * share for share in paired_ratios(work, product_rates)]
        share = f"share of the matrix-product rate, {how}"
        measurements += [
            summarise(f"images per second, {how}", unit="1/s", values=rates, note=note),
            summarise(f"useful work, {how}", unit="GFLOP/s", values=giga_work, note=note),
            summarise(share, unit="%", values=shares, note=note),
        ]
    if len(sizes) > 1:
        alone, fused = image_rates
        relative = paired_ratios(fused, alone)
        quantity = "speed, fused relative to alone"
        measurements.append(summarise(quantity, unit="", values=relative, note=f"R={sizes[1]}"))
    return measurements


def training_step(case: StepCase, R: int) -> Callable[[], object]:
    """Return a training step on images as minibatches return them: channels_last, in bf16."""
    side, B = case.image.side, RECIPE.batch_size
    networks = build(case.network, case.image, range(R))
    optimiser = PackOptimiser(
        networks.parameters(),
        RECIPE.optimizer,
        learning_rates=[RECIPE.learning_rate] * R,
        weight_decays=[0.0] * R,
    )
    images = torch.randn(B, side, side, case.image.channels).to(DTYPE).permute(0, 3, 1, 2)
    labels = torch.randint(0, case.image.classes, (B,))

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        losses(networks(images).float(), labels, RECIPE.loss).sum().backward()
        optimiser.step()

    return step


def matrix_product(side: int, dtype: torch.dtype = DTYPE) -> Callable[[], object]:
    """Return a square matrix product into a preallocated result."""
    first, second = torch.randn(2, side, side).to(dtype)
    out = torch.empty_like(first)
    return lambda: torch.mm(first, second, out=out)


def median_seconds(call: Callable[[], object]) -> float:
    """Return the median time of a call, after some calls to warm up."""
    for _ in range(WARM_UP_CALLS):
        call()
    times: list[float] = []
    while len(times) < MIN_CALLS or sum(times) < MIN_SECONDS:
        started = perf_counter()
        call()
        times.append(perf_counter() - started)
    return median(times)

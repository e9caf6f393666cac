"""The training step of one thread: images a second, GFLOP a second, and their share of this machine's own matrix-product rate.

share = useful FLOPs / rate. Useful are a layer table's ``training_flops``: whatever else a step computes, padding say, earns nothing. The
rate is that of the fastest of three square matrix products in the same precision, measured in turns with the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch

from benchmarks.rows import Row, over_rounds, ratios
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
SQUARES = (512, 1024, 2048)
DTYPE = torch.bfloat16
GIGA = 1e9
RECIPE = Recipe(precision="bf16")
BLOCK_S = 0.5
"""A measurement repeats its subject for so long, and takes the median."""
FEWEST = 5
WARM = 3
LENETS, TREES = (1, 3, 6, 12, 24, 48), (3, 6, 15)


@dataclass(frozen=True)
class Case:
    """One network on one shape of images."""

    images: str
    image: ImageShape
    network: AnyArchitecture

    @property
    def label(self) -> str:
        letter = "d1" if isinstance(self.network, Lenet5) else "K"
        return f"{self.images}, {self.network.type}, {letter}={self.network.filters}"

    @property
    def layer_table(self) -> LayerTable:
        return self.network.layer_table(self.image)


def cases() -> list[Case]:
    """The grid: both architectures over their widths, on both shapes of images."""
    made = []
    for images, image, rows in (
        ("mnist", mnist.MNIST_INFO.image, 4),
        ("cifar10", cifar10.CIFAR10_INFO.image, 2),
    ):
        made += [Case(images, image, Lenet5(filters=filters)) for filters in LENETS]
        made += [Case(images, image, Tree3(filters=filters, rows=rows)) for filters in TREES]
    return made


def measure(rounds: int) -> list[Row]:
    with training_runtime():
        return [_precisions(rounds), *(row for case in cases() for row in _case(case, rounds))]


def _precisions(rounds: int) -> Row:
    """How much faster this machine multiplies in bf16 than in fp32: the most that the precision by itself can give."""
    rates: dict[torch.dtype, list[float]] = {torch.bfloat16: [], torch.float32: []}
    for _ in range(rounds):
        for dtype, rate in rates.items():
            rate.append(_rate([matrix_product(side, dtype) for side in SQUARES]))
    return over_rounds(NAME, "matrix products", "rate in bf16 over fp32", "", ratios(*rates.values()))


def _rate(products: Sequence[Callable[[], object]]) -> float:
    """FLOP a second of the fastest."""
    return max(2 * side**3 / seconds(product) for side, product in zip(SQUARES, products, strict=True))


def _case(case: Case, rounds: int) -> list[Row]:
    """Matrix products and steps in turns, for a network alone and for a pack of it."""
    sizes = sorted({1, pack_size(case.layer_table)})
    products, steps = [matrix_product(side) for side in SQUARES], [training_step(case, R) for R in sizes]
    rates: list[float] = []
    speeds: list[list[float]] = [[] for _ in sizes]
    for _ in range(rounds):
        rates.append(_rate(products))
        for R, step, speed in zip(sizes, steps, speeds, strict=True):
            speed.append(R * RECIPE.batch_size / seconds(step))
    rows = [
        over_rounds(NAME, case.label, "matrix-product rate, bf16", "GFLOP/s", [rate / GIGA for rate in rates])
    ]
    for R, speed in zip(sizes, speeds, strict=True):
        how, note = "alone" if R == 1 else "fused", f"R={R}"
        work = [images_per_s * case.layer_table.training_flops for images_per_s in speed]
        rows += [
            over_rounds(NAME, case.label, f"images a second, {how}", "1/s", speed, note=note),
            over_rounds(
                NAME,
                case.label,
                f"useful work, {how}",
                "GFLOP/s",
                [flops_per_s / GIGA for flops_per_s in work],
                note=note,
            ),
            over_rounds(
                NAME,
                case.label,
                f"share, {how}",
                "%",
                [100 * share for share in ratios(work, rates)],
                note=note,
            ),
        ]
    if len(sizes) > 1:
        rows.append(
            over_rounds(
                NAME,
                case.label,
                "speed of fused over alone",
                "",
                ratios(speeds[1], speeds[0]),
                note=f"R={sizes[1]}",
            )
        )
    return rows


def training_step(case: Case, R: int) -> Callable[[], object]:
    """A step as training takes it, on the images that its batches give: channels last, in bf16."""
    side, B = case.image.side, RECIPE.batch_size
    networks = build(case.network, case.image, range(R))
    optimiser = PackOptimiser(networks.parameters(), RECIPE.optimizer, [RECIPE.learning_rate] * R, [0.0] * R)
    images = torch.randn(B, side, side, case.image.channels).to(DTYPE).permute(0, 3, 1, 2)
    labels = torch.randint(0, case.image.classes, (B,))

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        losses(networks(images).float(), labels, RECIPE.loss).sum().backward()
        optimiser.step()

    return step


def matrix_product(side: int, dtype: torch.dtype = DTYPE) -> Callable[[], object]:
    """A square matrix product, into a place that is kept."""
    first, second = torch.randn(2, side, side).to(dtype)
    out = torch.empty_like(first)
    return lambda: torch.mm(first, second, out=out)


def seconds(subject: Callable[[], object]) -> float:
    """The median time of one call, after some to warm up."""
    for _ in range(WARM):
        subject()
    took: list[float] = []
    while len(took) < FEWEST or sum(took) < BLOCK_S:
        began = perf_counter()
        subject()
        took.append(perf_counter() - began)
    return median(took)

"""Variants of parts of the fused training step: time relative to an alternative, forward and backward.

Each variant is a part of the step, on tensors of the step's shapes, in bf16 on one thread.
docs/performance.md says which variants were kept, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from math import inf
from types import ModuleType
from unittest.mock import patch

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from benchmarks.commands import run_module
from benchmarks.measurement import Measurement, paired_ratios, summarise_rounds
from benchmarks.steps import StepCase, median_seconds, training_step
from scaling.architectures import Lenet5
from scaling.config.recipe import Sgd
from scaling.data.normalise import PixelNormaliser
from scaling.datasets import cifar10, mnist
from scaling.models import build, ops_bf16_cpu, ops_vector_cpu
from scaling.models.vector_instructions import HAS_BF16_PAIRS
from scaling.plan.lane_limit import lanes_are_faster
from scaling.plan.time_estimate import EVALUATION_BATCH
from scaling.train import optimisers
from scaling.train.optimisers import PackOptimiser
from scaling.train.runtime import training_runtime

NAME = "step_variants"
B, R = 100, 8
Call = Callable[[], object]


@dataclass(frozen=True)
class Variant:
    """Two implementations of one part of the step, to be timed against each other."""

    case: str
    variant: Call
    alternative: Call
    is_kept: bool


@dataclass(frozen=True)
class ProcessSettings:
    """Settings of a process that runs ``benchmarks.isolated_step``."""

    memory: str
    """``kept`` or ``returned``."""
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProcessVariant:
    """A variant of a whole process, and its alternative."""

    case: str
    variant: ProcessSettings
    alternative: ProcessSettings
    is_kept: bool


PROCESS_VARIANTS = (
    ProcessVariant(
        "d1=6: memory kept between steps vs glibc's default",
        ProcessSettings("kept"),
        ProcessSettings("returned"),
        True,
    ),
    ProcessVariant(
        "d1=6: huge pages vs normal pages",
        ProcessSettings("kept", {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
        ProcessSettings("kept"),
        False,
    ),
)


def measure(rounds: int) -> list[Measurement]:
    with training_runtime():
        measurements = [_measure_variant(variant, rounds) for variant in all_variants()]
    return measurements + [_measure_processes(variant, rounds) for variant in PROCESS_VARIANTS]


def _measure_variant(variant: Variant, rounds: int) -> Measurement:
    pairs = [(median_seconds(variant.variant), median_seconds(variant.alternative)) for _ in range(rounds)]
    ratios = [seconds / alternative_seconds for seconds, alternative_seconds in pairs]
    return _summarise(variant.case, ratios, is_kept=variant.is_kept)


def _measure_processes(variant: ProcessVariant, rounds: int) -> Measurement:
    """Measure a step with d1=6 in fresh processes, in alternation."""
    sides = (variant.variant, variant.alternative)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for settings, seconds in zip(sides, times, strict=True):
            result = run_module("isolated_step", settings.memory, **settings.environment)
            seconds.append(float(result.stdout))
    return _summarise(variant.case, paired_ratios(*times), is_kept=variant.is_kept)


def _summarise(case: str, ratios: list[float], *, is_kept: bool) -> Measurement:
    note = "kept" if is_kept else "not kept"
    return summarise_rounds(NAME, case, "relative time", unit="", values=ratios, note=note)


def all_variants() -> Iterator[Variant]:
    yield from _lane_variants()
    yield from _sparse_gradient_variants()
    yield from _pair_variants()
    yield from _pooling_variants()
    yield from _convolution_variants()
    yield from _gradient_variants()
    for d1 in (1, 6, 24):
        case = f"d1={d1}: gradient descent in one pass over the weights vs torch's operations"
        yield Variant(case, *updates(d1), True)
    yield Variant("d1=12: a step of two packs of 4 vs one pack of 8", *half_packs(12), True)
    for size in (100, 2000):
        case = f"evaluation in batches of {size} vs {EVALUATION_BATCH}"
        yield Variant(case, evaluation(size), evaluation(EVALUATION_BATCH), False)


def _lane_variants() -> Iterator[Variant]:
    """Compare the two ways to compute; the last one that is kept is the limit in ``select_operations``."""
    for d1, d2 in ((1, 3), (3, 8), (6, 16), (8, 21), (12, 32), (24, 64), (48, 128)):
        is_kept = lanes_are_faster(d2)
        case = f"d1={d1}: both convolutions with images as lanes vs in bf16 by oneDNN"
        yield Variant(case, convolutions(ops_vector_cpu, d1, d2), convolutions(ops_bf16_cpu, d1, d2), is_kept)


def _sparse_gradient_variants() -> Iterator[Variant]:
    """Compare the gradients of the second convolution; the first one that is kept is ``_SPARSE_CHANNELS``."""
    for d1, d2 in ((2, 5), (3, 8), (6, 16), (12, 32), (24, 64)):
        case = f"d1={d1}: gradients from the pixels that won a window vs from all pixels"
        is_kept = d1 >= ops_vector_cpu._SPARSE_CHANNELS
        yield Variant(case, lane_convolutions(d1, d2, 2), lane_convolutions(d1, d2, inf), is_kept)


def _pair_variants() -> Iterator[Variant]:
    """Compare pairs of bf16 numbers with fp32, where the processor has the instruction for pairs."""
    if not HAS_BF16_PAIRS:
        return
    for d1, d2 in ((1, 3), (3, 8), (6, 16), (12, 32), (24, 64)):
        case = f"d1={d1}: both convolutions with pairs of bf16 numbers vs in fp32 only"
        images_as_lanes = partial(lane_convolutions, d1, d2, ops_vector_cpu._SPARSE_CHANNELS)
        pairs, fp32 = images_as_lanes(multiplies_pairs=True), images_as_lanes(multiplies_pairs=False)
        yield Variant(case, pairs, fp32, ops_vector_cpu._MULTIPLIES_PAIRS)


def _pooling_variants() -> Iterator[Variant]:
    for d1 in (1, 3, 6, 12):
        maps = feature_maps(R * d1 + -R * d1 % 16, 28)
        case = f"d1={d1}: pooling and ReLU in one compiled pass vs torch's operations"
        yield Variant(case, pooling(maps, d1), torch_pooling(maps), True)
    maps = feature_maps(R * 6, 28)
    compiled = forward_and_backward(compiled_pooling(), maps)
    case = "d1=6: pooling and ReLU by torch.compile vs one compiled pass"
    yield Variant(case, compiled, pooling(maps, 6), False)


def _convolution_variants() -> Iterator[Variant]:
    for d1, d2 in ((1, 3), (3, 8), (6, 16)):
        case = f"{d1} to {d2} channels: padded to a multiple of 4 vs unpadded"
        padded = grouped_convolution(d1 + -d1 % 4, d2 + -d2 % 4)
        yield Variant(case, padded, grouped_convolution(d1, d2), True)
    case = "12 to 32 channels: padded to a multiple of 16 vs unpadded"
    yield Variant(case, grouped_convolution(16, 32), grouped_convolution(12, 32), False)
    for d1, d2 in ((8, 16), (24, 64)):
        case = (
            f"{d1} to {d2} channels: convolution and pooling as products of 6x6 patches (products only)"
            " vs the convolution"
        )
        yield Variant(case, patch_products(d1, d2), grouped_convolution(d1, d2), False)


def _gradient_variants() -> Iterator[Variant]:
    case = "8 to 16 channels: input gradient as a forward convolution vs oneDNN's input gradient"
    yield Variant(case, forward_input_gradient(8, 16), onednn_input_gradient(8, 16), False)
    for d1, d2 in ((8, 16), (12, 32)):
        case = (
            f"{d1} to {d2} channels: input gradient with separate columns (without their sum)"
            " vs oneDNN's input gradient"
        )
        yield Variant(case, column_input_gradient(d1, d2), onednn_input_gradient(d1, d2), False)


def feature_maps(channels: int, side: int) -> Tensor:
    """Return random maps in channels_last and bf16: [B, channels, side, side]."""
    return torch.randn(B, side, side, channels).bfloat16().permute(0, 3, 1, 2)


def forward_and_backward(function: Callable[..., Tensor | list[Tensor]], *tensors: Tensor) -> Call:
    """Return a call of a function and of its gradient."""
    inputs = [tensor.detach().requires_grad_() for tensor in tensors]
    outputs = _as_list(function(*inputs))
    gradients = [torch.randn_like(output) for output in outputs]

    def call() -> None:
        torch.autograd.grad(_as_list(function(*inputs)), inputs, gradients)

    return call


def _as_list(outputs: Tensor | list[Tensor]) -> list[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else outputs


def pooling(maps: Tensor, d1: int) -> Call:
    """Return this software's pooling and ReLU."""
    shape = (B, maps.shape[2] // 2, maps.shape[3] // 2, R, d1 + -d1 % 4)
    return forward_and_backward(
        lambda maps: ops_bf16_cpu._MaxPool.apply(shape, "B row col G o", d1, True, maps), maps
    )


def torch_pooling(maps: Tensor) -> Call:
    """Return torch's pooling and ReLU."""
    return forward_and_backward(lambda maps: torch.relu(F.max_pool2d(maps, 2)), maps)


def compiled_pooling() -> Callable[[Tensor], Tensor]:
    """Return a pooling for torch.compile; equal values share the gradient, which is a valid subgradient."""

    @torch.compile
    def pool(maps: Tensor) -> Tensor:
        windows = rearrange(maps, "B C (row y) (col x) -> y x B row col C", y=2, x=2)
        upper = torch.maximum(windows[0, 0], windows[0, 1])
        return torch.relu(torch.maximum(upper, torch.maximum(windows[1, 0], windows[1, 1])))

    return pool


def grouped_convolution(d1: int, d2: int) -> Call:
    """Return the second convolution of a pack of lenet5."""
    maps, filters = feature_maps(R * d1, 14), torch.randn(R * d2, d1, 5, 5).bfloat16()
    return forward_and_backward(lambda maps, weight: F.conv2d(maps, weight, groups=R), maps, filters)


def patch_products(d1: int, d2: int) -> Call:
    """Return the three products of a convolution by patches, without the conversion of maps to patches."""
    patches, filters = torch.randn(R, B * 25, 36 * d1).bfloat16(), torch.randn(R, 36 * d1, 4 * d2).bfloat16()
    return forward_and_backward(torch.bmm, patches, filters)


def convolutions(ops: ModuleType, d1: int, d2: int) -> Call:
    """Return the convolutions of a pack of lenet5, with pooling; images need no gradient."""
    images = feature_maps(1, 28)

    def convolve(first: Tensor, second: Tensor) -> Tensor:
        maps = ops.conv_pool(images, first, None, groups=1, padding=2, activation="relu")
        features = ops.conv_pool_flatten(maps, second, None, groups=R, activation="relu")
        return features.values if isinstance(features, ops_vector_cpu.Lanes) else features

    return forward_and_backward(convolve, torch.randn(R, d1, 1, 5, 5), torch.randn(R, d2, d1, 5, 5))


def lane_convolutions(
    d1: int, d2: int, sparse_channels: float, *, multiplies_pairs: bool = ops_vector_cpu._MULTIPLIES_PAIRS
) -> Call:
    """Return the convolutions with images as lanes, with sparse gradients from a number of channels on.

    Args:
        d1, d2: filters of both convolutions.
        sparse_channels: smallest number of channels with sparse gradients.
        multiplies_pairs: True to multiply pairs of bf16 numbers.
    """
    call = convolutions(ops_vector_cpu, d1, d2)

    def patched() -> None:
        settings = {"_SPARSE_CHANNELS": sparse_channels, "_MULTIPLIES_PAIRS": multiplies_pairs}
        with patch.multiple(ops_vector_cpu, **settings):
            call()

    return patched


def forward_input_gradient(d1: int, d2: int) -> Call:
    """Return the gradient of the second convolution's input, as a forward convolution."""
    filters, gradient = torch.randn(R * d2, d1, 5, 5).bfloat16(), feature_maps(R * d2, 10)

    def call() -> Tensor:
        flipped = filters.view(R, d2, d1, 5, 5).transpose(1, 2).flip(3, 4).reshape(R * d1, d2, 5, 5)
        return F.conv2d(gradient, flipped, padding=4, groups=R)

    return call


def onednn_input_gradient(d1: int, d2: int) -> Call:
    """Return the gradient of the second convolution's input, as torch computes it."""
    maps, filters = feature_maps(R * d1, 14), torch.randn(R * d2, d1, 5, 5).bfloat16()
    gradient, input_only = feature_maps(R * d2, 10), [True, False, False]

    def call() -> Tensor:
        return torch.ops.aten.convolution_backward(
            gradient, maps, filters, None, [1, 1], [0, 0], [1, 1], False, [0, 0], R, input_only
        )[0]

    return call


def column_input_gradient(d1: int, d2: int) -> Call:
    """Return a convolution over rows only: no padding at the sides, but five columns remain to be added."""
    filters, gradient = torch.randn(R * 5 * d1, d2, 5, 1).bfloat16(), feature_maps(R * d2, 10)
    return lambda: F.conv2d(gradient, filters, padding=(4, 0), groups=R)


def updates(d1: int) -> tuple[Call, Call]:
    """Return the update of a pack of lenet5 in one pass, and by torch's operations."""
    parameters = list(build(Lenet5(filters=d1), cifar10.CIFAR10_INFO.image, range(R)).parameters())
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    optimiser = PackOptimiser(parameters, Sgd(), learning_rates=[1e-6] * R, weight_decays=[0.0] * R)

    def update_by_torch() -> None:
        with patch.object(optimisers, "supports", return_value=False):
            optimiser.step()

    return optimiser.step, update_by_torch


def half_packs(d1: int) -> tuple[Call, Call]:
    """Return steps of two packs of four networks and of one pack of eight, on MNIST's shape."""
    case = StepCase("mnist", mnist.MNIST_INFO.image, Lenet5(filters=d1))
    half_step, whole_step = training_step(case, R // 2), training_step(case, R)
    return lambda: (half_step(), half_step()), whole_step


def evaluation(size: int) -> Call:
    """Return an evaluation of lenet5 with d1=6 on 2,000 images of CIFAR-10's shape."""
    image = cifar10.CIFAR10_INFO.image
    network = build(Lenet5(filters=6), image, range(R))
    pixels = torch.randint(0, 256, (2000, image.side, image.side, image.channels), dtype=torch.uint8)
    half = torch.tensor([0.5] * image.channels).double().numpy()
    normalise = PixelNormaliser(pixels, mean=half, std=half, dtype=torch.bfloat16)

    @torch.inference_mode()
    def call() -> None:
        for part in pixels.split(size):
            network(normalise(part))

    return call

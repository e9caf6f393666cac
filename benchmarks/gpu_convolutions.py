"""The second convolution of LeNet-5 for all replicas at once, in three ways that give the same result.

Forward and backward pass in bf16. On a GPU each way is captured, so that only the kernels count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from benchmarks.gpu_setup import BATCH, NAME, WARM_UP_STEPS, Setup, Skipped
from benchmarks.measurement import Measurement, summarise_rounds
from scaling.architectures import Lenet5
from scaling.train.step_capture import CapturedStep, make_capture

KERNEL, SIDE = 5, 14
"""Sides of a filter, and of a map that the convolution reads."""
_CALLS = 20

Convolution = Callable[[Tensor, Tensor], Tensor]


def grouped(x: Tensor, filters: Tensor) -> Tensor:
    """Convolve maps [B, (R c), row, col] with filters [R, o, c, i, j], one group for each replica."""
    return F.conv2d(x, filters.flatten(0, 1), groups=len(filters))


def grouped_contiguous(x: Tensor, filters: Tensor) -> Tensor:
    """Convolve as ``grouped`` does, in torch's default layout."""
    return grouped(x.contiguous(), filters.contiguous())


def products_of_patches(x: Tensor, filters: Tensor) -> Tensor:
    """Convolve by one product for each replica: its patches times its filters."""
    R, side = len(filters), x.shape[-1] - KERNEL + 1
    windows = x.unfold(2, KERNEL, 1).unfold(3, KERNEL, 1)
    patches = rearrange(windows, "B (R c) row col i j -> R (B row col) (c i j)", R=R)
    maps = torch.bmm(patches, rearrange(filters, "R o c i j -> R (c i j) o"))
    return rearrange(maps, "R (B row col) o -> B (R o) row col", row=side, col=side)


WAYS: dict[str, Convolution] = {
    "grouped, channels_last": grouped,
    "grouped, contiguous": grouped_contiguous,
    "products of patches": products_of_patches,
}


def measure_convolutions(setup: Setup) -> Iterator[Measurement | Skipped]:
    """Measure all ways, for each width and number of replicas."""
    for filters in setup.sizes.filters:
        for R in setup.sizes.rival_replicas:
            network = Lenet5(filters=filters)
            case = f"second convolution, lenet5, d1={filters}, R={R}, forward and backward"
            if setup.deadline.is_over:
                yield Skipped(case, "no time left")
                continue
            for name, way in WAYS.items():
                try:
                    times = [_seconds(setup, way, network, R) for _ in range(setup.sizes.rounds)]
                except torch.OutOfMemoryError:
                    yield Skipped(f"{case}: {name}", "out of memory")
                    continue
                milliseconds = [1000 * seconds for seconds in times]
                yield summarise_rounds(NAME, case, f"time, {name}", unit="ms", values=milliseconds)


def operands(device: torch.device, network: Lenet5, R: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return maps in channels_last and filters, which want gradients."""
    c, o = network.filters, network.second_filters
    x = torch.randn(BATCH, SIDE, SIDE, R * c, device=device).to(dtype).permute(0, 3, 1, 2)
    filters = torch.randn(R, o, c, KERNEL, KERNEL, device=device).to(dtype)
    return x.requires_grad_(), filters.requires_grad_()


def _seconds(setup: Setup, way: Convolution, network: Lenet5, R: int) -> float:
    x, filters = operands(setup.device, network, R, torch.bfloat16)
    gradient = torch.ones_like(way(x, filters))

    def call() -> None:
        torch.autograd.grad(way(x, filters), (x, filters), gradient)

    capture = make_capture(setup.device)
    run = CapturedStep(call, capture) if capture else call
    for _ in range(WARM_UP_STEPS if capture else 1):
        run()
    calls = _CALLS if capture else 1
    setup.synchronise()
    started = perf_counter()
    for _ in range(calls):
        run()
    setup.synchronise()
    return (perf_counter() - started) / calls

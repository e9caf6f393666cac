"""What was tried on the fused step, each against what it would replace: seconds of the one over seconds of the other, forward and backward.

Each trial is the part of the step that it concerns, on tensors of the step's shapes, in bf16 on one thread. docs/performance.md says which were
kept, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from benchmarks import processes
from benchmarks.rows import Row, over_rounds, ratios
from benchmarks.steps import Case, seconds, training_step
from scaling.architectures import Lenet5
from scaling.data.normalise import PixelNormaliser
from scaling.datasets import cifar10, mnist
from scaling.models import build, ops_bf16_cpu
from scaling.plan.time_estimate import EVALUATION_BATCH
from scaling.train.runtime import training_runtime

NAME = "trials"
B, R = 100, 8
Work = Callable[[], object]
Side = tuple[str, dict[str, str]]
"""Of a comparison of processes: a word for ``benchmarks.stepping``, and environment variables."""
WHOLE: tuple[tuple[str, tuple[Side, Side], bool], ...] = (
    ("d1=6: memory is kept between steps, over glibc's own way", (("kept", {}), ("returned", {})), True),
    (
        "d1=6: huge pages, over usual ones",
        (("kept", {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}), ("kept", {})),
        False,
    ),
)


@dataclass(frozen=True)
class Trial:
    """Something that was tried on a part of the step."""

    what: str
    tried: Work
    instead: Work
    """What it would replace, or has replaced."""
    kept: bool


def measure(rounds: int) -> list[Row]:
    with training_runtime():
        rows = [_row(trial, rounds) for trial in trials()]
    return rows + [_in_processes(what, rounds, *sides, kept=kept) for what, sides, kept in WHOLE]


def _row(trial: Trial, rounds: int) -> Row:
    pairs = [(seconds(trial.tried), seconds(trial.instead)) for _ in range(rounds)]
    note = "kept" if trial.kept else "not kept"
    return over_rounds(
        NAME, trial.what, "time", "", ratios([a for a, _ in pairs], [b for _, b in pairs]), note=note
    )


def _in_processes(what: str, rounds: int, tried: Side, instead: Side, *, kept: bool) -> Row:
    """A step of d1=6 in fresh processes, in turns."""
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        for (word, environment), took in zip((tried, instead), times, strict=True):
            took.append(float(processes.module("stepping", word, **environment).out))
    return over_rounds(NAME, what, "time", "", ratios(*times), note="kept" if kept else "not kept")


def trials() -> Iterator[Trial]:
    """All of them."""
    for d in (1, 3, 6, 12):
        y = maps(R * d + -R * d % 16, 28)
        yield Trial(
            f"d1={d}: pooling and ReLU in one compiled pass, over torch's",
            pooled(y, d),
            torch_pooled(y),
            True,
        )
    y = maps(R * 6, 28)
    yield Trial(
        "d1=6: pooling and ReLU by torch.compile, over one compiled pass",
        forth_and_back(torch_compiled(), y),
        pooled(y, 6),
        False,
    )
    for d1, d2 in ((1, 3), (3, 8), (6, 16)):
        tried = grouped(d1 + -d1 % 4, d2 + -d2 % 4)
        yield Trial(
            f"{d1} to {d2} channels: filled up to a multiple of 4, over as they are",
            tried,
            grouped(d1, d2),
            True,
        )
    yield Trial(
        "12 to 32 channels: filled up to a multiple of 16, over as they are",
        grouped(16, 32),
        grouped(12, 32),
        False,
    )
    apart, together = colours(6, apart=True), colours(6, apart=False)
    yield Trial("tree, K=6: a dense convolution a colour, over one grouped by colours", apart, together, True)
    for d1, d2 in ((8, 16), (24, 64)):
        what = f"{d1} to {d2} channels: convolution and pooling as products of 6x6 patches (the products alone), over the convolution"
        yield Trial(what, phases(d1, d2), grouped(d1, d2), False)
    yield Trial(
        "8 to 16 channels: the input's gradient as a forward convolution, over oneDNN's own",
        *input_gradients(8, 16),
        False,
    )
    for d1, d2 in ((8, 16), (12, 32)):
        what = f"{d1} to {d2} channels: the input's gradient, columns apart (without their sum), over oneDNN's own"
        yield Trial(what, columns_apart(d1, d2), input_gradients(d1, d2)[1], False)
    yield Trial("d1=12: a step of two packs of 4, over one of 8", *halves(12), True)
    for size in (100, 2000):
        yield Trial(
            f"evaluation in batches of {size}, over {EVALUATION_BATCH}",
            evaluation(size),
            evaluation(EVALUATION_BATCH),
            False,
        )


def maps(channels: int, side: int) -> Tensor:
    return torch.randn(B, side, side, channels).bfloat16().permute(0, 3, 1, 2)


def forth_and_back(f: Callable[..., Tensor | list[Tensor]], *tensors: Tensor) -> Work:
    """f and its gradient."""
    leaves = [tensor.detach().requires_grad_() for tensor in tensors]
    first = f(*leaves)
    outputs = [first] if isinstance(first, Tensor) else first
    gradients = [torch.randn_like(output) for output in outputs]

    def work() -> None:
        made = f(*leaves)
        torch.autograd.grad([made] if isinstance(made, Tensor) else made, leaves, gradients)

    return work


ORDER = "B (S row) col (P G) o -> P B S row col G o"


def pooled(y: Tensor, d: int) -> Work:
    shape = (B, y.shape[2] // 2, y.shape[3] // 2, R, d + -d % 4)
    return forth_and_back(lambda maps: ops_bf16_cpu._Pooled.apply(shape, ORDER, 1, d, True, maps), y)


def torch_pooled(y: Tensor) -> Work:
    return forth_and_back(lambda maps: torch.relu(F.max_pool2d(maps, 2)), y)


def torch_compiled() -> Callable[[Tensor], Tensor]:
    """Of equals, its gradient goes to all: another function, though as honest a gradient."""

    @torch.compile
    def pool(maps: Tensor) -> Tensor:
        windows = rearrange(maps, "B C (row y) (col x) -> y x B row col C", y=2, x=2)
        return torch.relu(
            torch.maximum(
                torch.maximum(windows[0, 0], windows[0, 1]), torch.maximum(windows[1, 0], windows[1, 1])
            )
        )

    return pool


def grouped(d1: int, d2: int) -> Work:
    """The second convolution of a pack of lenet5."""
    x, filters = maps(R * d1, 14), torch.randn(R * d2, d1, 5, 5).bfloat16()
    return forth_and_back(lambda image, weight: F.conv2d(image, weight, groups=R), x, filters)


def phases(d1: int, d2: int) -> Work:
    """Its three products where it is done by patches; what makes patches of maps, and maps of patches, comes on top."""
    patches, filters = torch.randn(R, B * 25, 36 * d1).bfloat16(), torch.randn(R, 36 * d1, 4 * d2).bfloat16()
    return forth_and_back(torch.bmm, patches, filters)


def colours(filters: int, *, apart: bool) -> Work:
    """The tree's convolution. Images need no gradient."""
    image, weight = maps(3, 32), torch.randn(3 * R * filters, 1, 5, 5).bfloat16()
    if not apart:
        return forth_and_back(lambda weight: F.conv2d(image, weight, groups=3), weight)
    return forth_and_back(
        lambda weight: list(
            ops_bf16_cpu._convolved(image, weight.unflatten(0, (3 * R, filters)), None, groups=3, padding=0)[
                0
            ]
        ),
        weight,
    )


def input_gradients(d1: int, d2: int) -> tuple[Work, Work]:
    x, filters, gradient = maps(R * d1, 14), torch.randn(R * d2, d1, 5, 5).bfloat16(), maps(R * d2, 10)

    def forward() -> Tensor:
        turned = filters.view(R, d2, d1, 5, 5).transpose(1, 2).flip(3, 4).reshape(R * d1, d2, 5, 5)
        return F.conv2d(gradient, turned, padding=4, groups=R)

    def own() -> Tensor:
        which = [True, False, False]
        return torch.ops.aten.convolution_backward(
            gradient, x, filters, None, [1, 1], [0, 0], [1, 1], False, [0, 0], R, which
        )[0]

    return forward, own


def columns_apart(d1: int, d2: int) -> Work:
    """A convolution over rows alone: no product with padding at the sides, but five columns are left to be added."""
    filters, gradient = torch.randn(R * 5 * d1, d2, 5, 1).bfloat16(), maps(R * d2, 10)
    return lambda: F.conv2d(gradient, filters, padding=(4, 0), groups=R)


def halves(d1: int) -> tuple[Work, Work]:
    """Steps of eight networks on MNIST's shape."""
    case = Case("mnist", mnist.MNIST_INFO.image, Lenet5(filters=d1))
    half, whole = training_step(case, R // 2), training_step(case, R)
    return lambda: (half(), half()), whole


def evaluation(size: int) -> Work:
    """lenet5 with d1=6 on 2,000 images of CIFAR-10's shape, without gradients."""
    image = cifar10.CIFAR10_INFO.image
    network = build(Lenet5(filters=6), image, range(R))
    pixels = torch.randint(0, 256, (2000, image.side, image.side, image.channels), dtype=torch.uint8)
    known = torch.tensor([0.5] * image.channels).double().numpy()
    normalised = PixelNormaliser(pixels, known, known, torch.bfloat16)

    @torch.inference_mode()
    def work() -> None:
        for part in pixels.split(size):
            network(normalised(part))

    return work

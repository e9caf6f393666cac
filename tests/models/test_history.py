"""The historic networks against plain networks: loops over single maps in float64."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from scaling.architectures import (
    AnyArchitecture,
    Hybrid1988,
    Lenet1,
    Lenet1Teaching,
    Lenet4,
    Lenet5Of1998,
    Zipcode1989,
)
from scaling.architectures.history.digit_codes import DIGIT_CODES
from scaling.models import build
from scaling.settings import ImageShape
from tests.models.networks import HISTORIC, images

R, B, BOUND = 3, 4, 1e-10
every_network = pytest.mark.parametrize(("spec", "image"), HISTORIC.values(), ids=HISTORIC)
Weights = dict[str, Tensor]


def squash(x: Tensor) -> Tensor:
    return 1.7159 * torch.tanh(2 * x / 3)


def convolve(x: Tensor, kernels: Tensor, reads, *, stride: int = 1) -> Tensor:
    """Convolve the input maps of each output map with its kernels; return maps without biases."""
    weights = torch.split(kernels, [len(sources) for sources in reads])
    maps = [
        F.conv2d(x[:, sources], weight[None], stride=stride)
        for sources, weight in zip(reads, weights, strict=True)
    ]
    return torch.cat(maps, dim=1)


def subsample(x: Tensor, coefficients: Tensor, biases: Tensor) -> Tensor:
    total = x[:, :, ::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, ::2] + x[:, :, 1::2, 1::2]
    return total * coefficients[:, None, None] + biases[:, None, None]


def plain_lenet1(spec: Lenet1, w: Weights, x: Tensor) -> Tensor:
    reads = widen(Lenet1.H3_READS, spec.filters // 4)
    x = squash(F.conv2d(x, w["h1_weight"], w["h1_bias"]))
    x = squash(subsample(x, w["h2_weight"], w["h2_bias"]))
    x = squash(convolve(x, w["h3_weight"], reads) + w["h3_bias"][:, None, None])
    x = squash(subsample(x, w["h4_weight"], w["h4_bias"]))
    return x.flatten(1) @ w["readout_weight"].T + w["readout_bias"]


def widen(table, copies: int) -> list[list[int]]:
    """Return a table in which the maps ``copies * s ... copies * s + copies - 1`` replace the map ``s``."""
    return [
        [copies * source + i for source in sources for i in range(copies)]
        for sources in table
        for _ in range(copies)
    ]


def frame(x: Tensor) -> Tensor:
    """Put images of 28x28 pixels in the middle of a background of 32x32."""
    plane = torch.full((*x.shape[:2], 32, 32), -0.1, dtype=x.dtype)
    plane[:, :, 2:-2, 2:-2] = x
    return plane


def plain_lenet1_teaching(spec: Lenet1Teaching, w: Weights, x: Tensor) -> Tensor:
    reads = [[pooled] for pooled in range(spec.filters) for _ in range(3)]
    x = torch.sigmoid(F.conv2d(x, w["conv1_weight"], w["conv1_bias"]))
    x = subsample(x, torch.full((spec.filters,), 0.25).to(x), torch.zeros(spec.filters).to(x))
    x = torch.sigmoid(convolve(x, w["conv2_weight"][:, 0], reads) + w["conv2_bias"][:, None, None])
    quarter, zero = (torch.full((3 * spec.filters,), value).to(x) for value in (0.25, 0.0))
    return subsample(x, quarter, zero).flatten(1) @ w["readout_weight"].T + w["readout_bias"]


def surround(x: Tensor, pixels: int) -> Tensor:
    """Place each map into a plane of the background, -1."""
    plane = x.new_full((*x.shape[:2], *(side + 2 * pixels for side in x.shape[2:])), -1)
    plane[:, :, pixels:-pixels, pixels:-pixels] = x
    return plane


def plain_zipcode1989(spec: Zipcode1989, w: Weights, x: Tensor) -> Tensor:
    blocks = ([0, 1, 2, 3, 4, 5, 6, 7], [4, 5, 6, 7, 8, 9, 10, 11], [0, 1, 2, 3, 8, 9, 10, 11])
    reads = widen([block for block in blocks for _ in range(4)], spec.filters // 12)
    x = torch.tanh(F.conv2d(surround(x, 2), w["h1_weight"], stride=2) + w["h1_bias"])
    x = torch.tanh(convolve(surround(x, 2), w["h2_weight"], reads, stride=2) + w["h2_bias"])
    x = torch.tanh(x.flatten(1) @ w["h3_weight"].T + w["h3_bias"])
    return x @ w["readout_weight"].T + w["readout_bias"]


def connect_locally(x: Tensor, weights: Tensor) -> Tensor:
    """Multiply the window of each position by the weights of its own, with stride 2."""
    _, rows, cols, _, kernel, _ = weights.shape
    units = [
        x[:, :, 2 * row : 2 * row + kernel, 2 * col : 2 * col + kernel].flatten(1)
        @ weights[:, row, col].flatten(1).T
        for row in range(rows)
        for col in range(cols)
    ]
    return torch.stack(units, dim=2).unflatten(2, (rows, cols))


def plain_net1989(spec: AnyArchitecture, w: Weights, x: Tensor) -> Tensor:
    if spec.type == "net2_1989":
        x = torch.tanh(x.flatten(1) @ w["h1_weight"].flatten(1).T + w["h1_bias"])
    elif spec.type != "net1_1989":
        for layer, pixels in (("h1", 1), ("h2", 2)):
            weight = w[f"{layer}_weight"]
            x = surround(x, pixels)
            x = F.conv2d(x, weight, stride=2) if weight.ndim == 4 else connect_locally(x, weight)
            x = torch.tanh(x + w[f"{layer}_bias"])
    return x.flatten(1) @ w["readout_weight"].flatten(1).T + w["readout_bias"]


def plain_hybrid1988(spec: Hybrid1988, w: Weights, x: Tensor) -> Tensor:
    x = torch.tanh(x.flatten(1) @ w["hidden_weight"].flatten(1).T + w["hidden_bias"])
    return x @ w["readout_weight"].T + w["readout_bias"]


def plain_lenet4(spec: Lenet4, w: Weights, x: Tensor) -> Tensor:
    copies = spec.filters // 4
    x = squash(F.conv2d(frame(x) if x.shape[-1] == 28 else x, w["c1_weight"], w["c1_bias"]))
    pairs = [copies * published + copy for published in range(4) for _ in "ab" for copy in range(copies)]
    x = squash(subsample(x[:, pairs], w["s2_weight"], w["s2_bias"]))
    x = squash(convolve(x, w["c3_weight"], widen(Lenet4.C3_READS, copies)) + w["c3_bias"][:, None, None])
    x = squash(subsample(x, w["s4_weight"], w["s4_bias"]))
    x = convolve(x, w["c5_weight"], widen(Lenet4.C5_READS, copies)).flatten(1) + w["c5_bias"]
    return squash(x) @ w["readout_weight"].T + w["readout_bias"]


def plain_lenet5_1998(spec: Lenet5Of1998, w: Weights, x: Tensor) -> Tensor:
    reads = widen(Lenet5Of1998.C3_READS, spec.filters // 6)
    x = squash(F.conv2d(frame(x), w["c1_weight"], w["c1_bias"]))
    x = squash(subsample(x, w["s2_weight"], w["s2_bias"]))
    x = squash(convolve(x, w["c3_weight"], reads) + w["c3_bias"][:, None, None])
    x = squash(subsample(x, w["s4_weight"], w["s4_bias"]))
    x = squash(x.flatten(1) @ w["c5_weight"].T + w["c5_bias"])
    x = squash(x @ w["f6_weight"].T + w["f6_bias"])
    differences = x.unsqueeze(1) - torch.tensor(DIGIT_CODES, dtype=x.dtype)
    return -torch.einsum("bcu,bcu->bc", differences, differences)


PLAIN: dict[str, Callable[..., Tensor]] = {
    "lenet1": plain_lenet1,
    "lenet1_teaching": plain_lenet1_teaching,
    "zipcode1989": plain_zipcode1989,
    **{f"net{number}_1989": plain_net1989 for number in range(1, 6)},
    "hybrid1988": plain_hybrid1988,
    "lenet4": plain_lenet4,
    "lenet5_1998": plain_lenet5_1998,
}
"""For each type, a function of the specification, one replica's weights, and the images."""


def plain_outputs(spec: AnyArchitecture, weights: Weights, pixels: Tensor) -> Tensor:
    outputs = PLAIN[spec.type](spec, weights, pixels)
    squash_output = torch.tanh if spec.type.endswith(("1988", "1989")) else squash
    return squash_output(outputs) if getattr(spec, "output", "linear") == "tanh" else outputs


def packed(spec: AnyArchitecture, image: ImageShape, seeds=(4, 0, 9)) -> torch.nn.Module:
    """Build replicas in float64, with random biases, so that each bias matters."""
    module = build(spec, image, list(seeds)).double()
    generator = torch.Generator().manual_seed(1)
    for name, weight in module.weights.items():
        if name.endswith("_bias"):
            weight.data += torch.randn(weight.shape, generator=generator, dtype=torch.float64) / 10
    return module


@every_network
def test_five_steps_equal_those_of_plain_networks(spec, image):
    module, rates = packed(spec, image), [0.01, 0.003, 0.03]
    pixels, labels = images(image, B, torch.float64)
    alone = [
        {name: weight[r].detach().clone().requires_grad_() for name, weight in module.weights.items()}
        for r in range(R)
    ]
    for _ in range(5):
        outputs = module(pixels)
        plain = [plain_outputs(spec, weights, pixels) for weights in alone]
        torch.testing.assert_close(outputs, torch.stack(plain), rtol=BOUND, atol=BOUND)
        module.zero_grad()
        (R * F.cross_entropy(outputs.flatten(0, 1), labels.repeat(R))).backward()
        for r, (weights, rate) in enumerate(zip(alone, rates, strict=True)):
            loss = F.cross_entropy(plain[r], labels)
            for weight, gradient in zip(
                weights.values(), torch.autograd.grad(loss, list(weights.values())), strict=True
            ):
                weight.data -= rate * gradient
        for weight in module.weights.values():
            weight.data -= (
                torch.tensor(rates, dtype=torch.float64).view(-1, *[1] * (weight.ndim - 1)) * weight.grad
            )
    for r, weights in enumerate(alone):
        for name, weight in weights.items():
            torch.testing.assert_close(module.weights[name][r], weight, rtol=BOUND, atol=BOUND)


@every_network
def test_each_replica_has_the_parameters_of_the_layer_table(spec, image):
    module = build(spec, image, range(R))
    assert all(len(parameter) == R for parameter in module.parameters())
    assert sum(parameter.numel() for parameter in module.parameters()) == (
        R * spec.layer_table(image).parameters
    )


@every_network
def test_a_replica_depends_on_its_own_seed_alone(spec, image):
    together, alone = build(spec, image, [3, 7]), build(spec, image, [7])
    for name, weight in alone.weights.items():
        assert torch.equal(weight[0], together.weights[name][1])


@every_network
def test_every_weight_matters(spec, image):
    module = packed(spec, image)
    pixels, labels = images(image, 40, torch.float64)
    F.cross_entropy(module(pixels).flatten(0, 1), labels.repeat(R)).backward()
    assert all((weight.grad != 0).all() for weight in module.weights.values())


@every_network
def test_a_forward_pass_computes_the_macs_of_the_layer_table(spec, image):
    """torch counts a multiplication and an addition for each product."""
    module = build(spec, image, [0])
    weights = {name: weight[0] for name, weight in module.weights.items()}
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        outputs = plain_outputs(spec, weights, images(image, B, torch.float32)[0])
    assert counter.get_total_flops() == 2 * spec.layer_table(image).macs * B
    assert outputs.shape == (B, image.classes)

"""The historic networks against plain networks: loops over single kernels in float64."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from scaling.architectures import (
    AnyArchitecture,
    Lenet1,
    Lenet1Teaching,
    Net1,
    Net2,
    Net3,
    Net4,
    Net5,
    Zipcode1989,
)
from scaling.models import build
from scaling.settings import ImageShape
from tests.models.networks import MNIST, USPS, images

COLOUR, SMALL_COLOUR = ImageShape(3, 28, 10), ImageShape(2, 16, 10)
HISTORIC: dict[str, tuple[AnyArchitecture, ImageShape]] = {
    "lenet1": (Lenet1(filters=4), MNIST),
    "lenet1, squashed, in colour": (Lenet1(filters=8, output="tanh", initial_range="fan_in"), COLOUR),
    "lenet1_teaching": (Lenet1Teaching(filters=4), MNIST),
    "lenet1_teaching, squashed, in colour": (Lenet1Teaching(filters=8, output="tanh"), COLOUR),
    "zipcode1989": (Zipcode1989(filters=12), USPS),
    "zipcode1989, squashed, in colour": (Zipcode1989(filters=24, output="tanh"), SMALL_COLOUR),
    "net1": (Net1(filters=1), USPS),
    "net1, squashed, in colour": (Net1(filters=1, output="tanh"), SMALL_COLOUR),
    "net2": (Net2(filters=12, output="tanh"), USPS),
    "net2, wider, in colour": (Net2(filters=24), SMALL_COLOUR),
    "net3": (Net3(filters=1, output="tanh"), USPS),
    "net3, wider, in colour": (Net3(filters=2), SMALL_COLOUR),
    "net4": (Net4(filters=2, output="tanh"), USPS),
    "net4, wider, in colour": (Net4(filters=4), SMALL_COLOUR),
    "net5": (Net5(filters=2, output="tanh"), USPS),
    "net5, wider, in colour": (Net5(filters=4), SMALL_COLOUR),
}
R, B, BOUND = 3, 4, 1e-10
every_network = pytest.mark.parametrize(("spec", "image"), HISTORIC.values(), ids=HISTORIC)
Weights = dict[str, Tensor]


def squash(x: Tensor) -> Tensor:
    return 1.7159 * torch.tanh(2 * x / 3)


def convolve(x: Tensor, kernels: Tensor, reads) -> Tensor:
    """Add up the convolutions of single kernels; return maps without biases."""
    remaining = iter(kernels)
    maps = []
    for sources in reads:
        maps.append(sum(F.conv2d(x[:, [source]], next(remaining)[None, None]) for source in sources))
    return torch.cat(maps, dim=1)


def subsample(x: Tensor, coefficients: Tensor, biases: Tensor) -> Tensor:
    total = x[:, :, ::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, ::2] + x[:, :, 1::2, 1::2]
    return total * coefficients[:, None, None] + biases[:, None, None]


def plain_lenet1(spec: Lenet1, w: Weights, x: Tensor) -> Tensor:
    copies = spec.filters // 4
    reads = [
        [copies * source + i for source in sources for i in range(copies)]
        for sources in Lenet1.H3_READS
        for _ in range(copies)
    ]
    x = squash(F.conv2d(x, w["h1_weight"], w["h1_bias"]))
    x = squash(subsample(x, w["h2_weight"], w["h2_bias"]))
    x = squash(convolve(x, w["h3_weight"], reads) + w["h3_bias"][:, None, None])
    x = squash(subsample(x, w["h4_weight"], w["h4_bias"]))
    return x.flatten(1) @ w["readout_weight"].T + w["readout_bias"]


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
    copies = spec.filters // 12
    x = torch.tanh(F.conv2d(surround(x, 2), w["h1_weight"], stride=2) + w["h1_bias"])
    maps = surround(x, 2).unflatten(1, (12, copies))
    kernels = w["h2_weight"].view(3, 4 * copies, 8 * copies, 5, 5)
    blocks = ([0, 1, 2, 3, 4, 5, 6, 7], [4, 5, 6, 7, 8, 9, 10, 11], [0, 1, 2, 3, 8, 9, 10, 11])
    sums = [F.conv2d(maps[:, block].flatten(1, 2), kernels[i], stride=2) for i, block in enumerate(blocks)]
    x = torch.tanh(torch.cat(sums, dim=1) + w["h2_bias"])
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


PLAIN: dict[str, Callable[..., Tensor]] = {
    "lenet1": plain_lenet1,
    "lenet1_teaching": plain_lenet1_teaching,
    "zipcode1989": plain_zipcode1989,
    **{f"net{number}_1989": plain_net1989 for number in range(1, 6)},
}
"""For each type, a function of the specification, one replica's weights, and the images."""


def plain_outputs(spec: AnyArchitecture, weights: Weights, pixels: Tensor) -> Tensor:
    outputs = PLAIN[spec.type](spec, weights, pixels)
    squash_output = torch.tanh if spec.type.endswith("1989") else squash
    return squash_output(outputs) if spec.output == "tanh" else outputs


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
        (outputs - F.one_hot(labels, image.classes)).square().mean(dim=(1, 2)).sum().backward()
        for r, (weights, rate) in enumerate(zip(alone, rates, strict=True)):
            loss = (plain[r] - F.one_hot(labels, image.classes)).square().mean()
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

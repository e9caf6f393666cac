"""The kernels that train, bf16 in channels_last, against plain networks in float64.

The bounds are of first order. u = 2^-8 is bf16's unit roundoff: a stored value has a relative error of at
most u, which is taken as uniform and independent, so its variance is u^2 / 3. At most two roundings occur in
a value: of a product, then of its bias. Sums inside an operation are in fp32, so their rounding is neglected.
Weights and images are bf16 numbers in these tests.
"""

from __future__ import annotations

from math import sqrt

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scaling.models import build
from tests.models.networks import NETWORKS, VGGS, images
from tests.models.plain_networks import Plain, PlainTree3, plain

U = 2.0**-8
R, B = 3, 20
FEW = 8
"""Images whose logits are all compared: 240 numbers of a network. A wrong kernel is wrong for each image."""
RATES = [0.1, 0.003, 0.3]
SMOOTH = ("lenet5, average pooling of tanh", "tree3", "tree3, sigmoid and biases")
every_network = pytest.mark.parametrize(
    ("spec", "image"), (NETWORKS | VGGS).values(), ids=(NETWORKS | VGGS).keys()
)


def packed(spec, image) -> nn.Module:
    """With weights that are bf16 numbers, and biases that are not zero."""
    module = build(spec, image, [4, 0, 9])
    generator = torch.Generator().manual_seed(1)
    for name, weight in module.weights.items():
        drawn = torch.randn(weight.shape, generator=generator) / 10 if name.endswith("_bias") else weight.data
        weight.data = drawn.bfloat16().float()
    return module


def alone(module: nn.Module, spec, image) -> list[Plain]:
    return [
        plain(spec, image, {name: weight[r].double() for name, weight in module.weights.items()})
        for r in range(R)
    ]


def layers(network: nn.Module) -> list[nn.Module]:
    """Whose outputs are stored, and rounded."""
    return [
        module
        for module in network.modules()
        if not list(module.children()) and not isinstance(module, nn.Flatten | nn.ZeroPad2d)
    ]


def backward(module: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
    logits = module(pixels)
    F.cross_entropy(logits.float().flatten(0, 1), labels.repeat(R), reduction="none").div(
        len(labels)
    ).sum().backward()
    return logits.detach()


def gradient_bound(network: nn.Module) -> float:
    """Return a bound of the relative error of a whole gradient in norm.

    Each value is rounded on the way to the logits, and its gradient on the way back: the variances of as many
    factors add up. A ReLU or a maximum may choose differently between values that differ by no more than a
    rounding: this happens for a fraction of about 2u of its units, whose gradients go to other pixels. A
    normalised value is as large as its standard deviation, which carries all earlier errors: there u becomes
    u sqrt(2/3) for one value, and variances add up.
    """
    kinds = [type(layer) for layer in layers(network)]
    # The tree's small layers are one after the activation and pooling, not one after the other.
    stored = 6 if isinstance(network, PlainTree3) else len(kinds)
    decides = [place for place, kind in enumerate(kinds) if kind in (nn.ReLU, nn.MaxPool2d)]
    carried = [sqrt(2 * (place + 1) / 3) if nn.BatchNorm2d in kinds else 1 for place in decides]
    return sqrt(2 * 2 * stored / 3) * U + sqrt(2 * U * sum(carried))


@pytest.mark.parametrize(("spec", "image"), NETWORKS.values(), ids=NETWORKS.keys())
def test_logits(spec, image):
    """To first order, the error of a logit is the sum of derivative x value x relative error over values."""
    module = packed(spec, image)
    pixels, _ = images(image, FEW, torch.bfloat16)
    with torch.inference_mode():
        logits = module(pixels).double()
    assert torch.isfinite(logits).all()
    for r, network in enumerate(alone(module, spec, image)):
        stored: list[Tensor] = []
        for layer in layers(network):
            layer.register_forward_hook(lambda _, given, out, stored=stored: stored.append(out))
        exact = network(pixels.double())
        for label in range(image.classes):
            derivatives = torch.autograd.grad(exact[:, label].sum(), stored, retain_graph=True)
            variance = (
                sum(
                    (d * value).square().flatten(1).sum(1)
                    for d, value in zip(derivatives, stored, strict=True)
                )
                * 2
                * U**2
                / 3
            )
            # Six sigma; and it says something: the bound is a small part of what logits are.
            assert ((logits[r, :, label] - exact[:, label]).abs() < 6 * variance.sqrt()).all()
            assert 6 * variance.sqrt().mean() < exact.std() / 4


@pytest.mark.parametrize("training", [True, False], ids=["by their batch", "by what is kept"])
@pytest.mark.parametrize(("spec", "image"), VGGS.values(), ids=VGGS.keys())
def test_logits_of_images_that_are_normalised(spec, image, training):
    """As above, for some logits of some images: in training, the values of all images affect each logit."""
    module = packed(spec, image).train(training)
    pixels, _ = images(image, B, torch.bfloat16)
    with torch.inference_mode():
        logits = module(pixels).double()
    for r, network in enumerate(alone(module, spec, image)):
        stored: list[Tensor] = []
        for layer in layers(network.train(training)):
            layer.register_forward_hook(lambda _, given, out, stored=stored: stored.append(out))
        exact = network(pixels.double())
        for nth, label in ((0, 0), (7, 3), (B - 1, 9)):
            derivatives = torch.autograd.grad(exact[nth, label], stored, retain_graph=True)
            variance = (
                sum((d * value).square().sum() for d, value in zip(derivatives, stored, strict=True))
                * 2
                * U**2
                / 3
            )
            assert (logits[r, nth, label] - exact[nth, label]).abs() < 6 * variance.sqrt() < exact.std()


@every_network
def test_logits_are_not_rounded(spec, image):
    module = packed(spec, image)
    pixels, _ = images(image, B, torch.bfloat16)
    with torch.inference_mode():
        logits = module(pixels)
    assert logits.dtype == torch.float32
    # Of numbers with 24 bits, one in 2^16 is one with 8 bits.
    assert (logits != logits.bfloat16().float()).double().mean() > 0.99


@every_network
def test_gradients(spec, image):
    module = packed(spec, image)
    pixels, labels = images(image, B, torch.bfloat16)
    backward(module, pixels, labels)
    for r, network in enumerate(alone(module, spec, image)):
        F.cross_entropy(network(pixels.double()), labels).backward()
        parts = network.parts(lambda parameter: parameter.grad)
        error = sum(
            (module.weights[name].grad[r].double() - gradient).square().sum()
            for name, gradient in parts.items()
        )
        assert (error / sum(gradient.square().sum() for gradient in parts.values())).sqrt() < gradient_bound(
            network
        )


@pytest.mark.parametrize("name", SMOOTH)
def test_five_steps_at_unequal_learning_rates(name):
    """For smooth networks; the bound is doubled because later gradients are taken at other weights."""
    spec, image = NETWORKS[name]
    module = packed(spec, image)
    networks, start = (
        alone(module, spec, image),
        {part: weight.detach().clone() for part, weight in module.weights.items()},
    )
    pixels, labels = images(image, 5 * B, torch.bfloat16)
    for pixel, label in zip(pixels.split(B), labels.split(B), strict=True):
        module.zero_grad()
        backward(module, pixel, label)
        for weight in module.weights.values():
            weight.data -= weight.grad * torch.tensor(RATES).view(R, *[1] * (weight.ndim - 1))
        for rate, network in zip(RATES, networks, strict=True):
            network.zero_grad()
            F.cross_entropy(network(pixel.double()), label).backward()
            for parameter in network.parameters():
                parameter.data -= rate * parameter.grad
    for r, network in enumerate(networks):
        parts = network.parts()
        moves = torch.cat([(weight.detach() - start[part][r]).flatten() for part, weight in parts.items()])
        errors = torch.cat(
            [(module.weights[part][r].detach() - weight.detach()).flatten() for part, weight in parts.items()]
        )
        assert errors.norm() < 2 * gradient_bound(network) * moves.norm()

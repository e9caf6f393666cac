"""R fused replicas equal R plain networks in float64 to 1e-10: logits, and weights after five steps."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scaling.config.recipe import Adam, AdamW, Sgd
from scaling.models import build, named_weights
from scaling.train.module import losses
from scaling.train.optimisers import PackOptimiser
from tests.models.networks import NETWORKS, VGGS, images
from tests.models.plain_networks import plain

RATES, DECAYS = [0.1, 0.003, 0.3], [1e-3, 0.0, 1e-2]
GENTLE, MANY = [0.02, 0.003, 0.05], 32
"""Learning rates, and images per step, for networks with batch norm.

Batch norm divides by a standard deviation and so amplifies rounding errors. If a channel is almost constant
over a few images, the factor is up to epsilon ** -1/2 = 316 per layer. Over many images at gentle rates it is
about 1, so that 2^-53 per sum ends some orders of magnitude below the bound.
"""
R, B, STEPS, BOUND = 3, 6, 5, 1e-10
every_network = pytest.mark.parametrize(
    ("spec", "image"), (NETWORKS | VGGS).values(), ids=(NETWORKS | VGGS).keys()
)


def packed(spec, image) -> nn.Module:
    """Build the replicas, with biases that are not zero, so that each bias matters."""
    module = build(spec, image, [4, 0, 9]).double()
    generator = torch.Generator().manual_seed(1)
    for name, weight in module.weights.items():
        if name.endswith("_bias"):
            weight.data = torch.randn(weight.shape, generator=generator, dtype=torch.float64) / 10
    return module


def replica(module: nn.Module, r: int) -> dict[str, Tensor]:
    return {name: weight[r] for name, weight in module.weights.items()}


@every_network
def test_logits_and_gradients(spec, image):
    module = packed(spec, image)
    pixels, labels = images(image, B, torch.float64)
    logits = module(pixels)
    losses(logits, labels, "cross_entropy").sum().backward()
    for r in range(R):
        network = plain(spec, image, replica(module, r))
        alone = network(pixels)
        torch.testing.assert_close(logits[r], alone, rtol=BOUND, atol=BOUND)
        F.cross_entropy(alone, labels).backward()
        for name, gradient in network.parts(lambda parameter: parameter.grad).items():
            torch.testing.assert_close(module.weights[name].grad[r], gradient, rtol=BOUND, atol=BOUND)


@pytest.mark.parametrize(
    ("rule", "loss"),
    [(Sgd(), "cross_entropy"), (Sgd(), "mse"), (Adam(), "mse"), (AdamW(), "cross_entropy")],
    ids=lambda value: str(getattr(value, "type", value)),
)
@pytest.mark.parametrize(
    "name", ["lenet5 in colour", "lenet5, average pooling of tanh", "tree3", "tree3, relu and biases"]
)
def test_five_steps_at_unequal_learning_rates(name, rule, loss):
    rates = RATES if isinstance(rule, Sgd) else [rate / 30 for rate in RATES]
    for tensor in train_together_and_alone(*NETWORKS[name], rule, loss, rates, B):
        torch.testing.assert_close(tensor.together, tensor.alone, rtol=BOUND, atol=BOUND)
        assert (tensor.alone != tensor.initial).any()


@pytest.mark.parametrize(
    ("name", "rule", "loss"),
    # Each network with one optimiser, and each optimiser with one network: an optimiser computes each element
    # alone, and depth 6 has parameters of every kind. A bias before batch norm has gradient 0. From its
    # rounding error, 2^-53 per sum, Adam makes steps of rate x error / epsilon.
    [
        *((name, Sgd(), "cross_entropy") for name in VGGS),
        ("vgg, depth 6", Sgd(), "mse"),
        ("vgg, depth 6", Adam(epsilon=1e-5), "mse"),
        ("vgg, depth 6", AdamW(epsilon=1e-5), "cross_entropy"),
    ],
    ids=lambda value: str(getattr(value, "type", value)),
)
def test_five_steps_with_batch_norm(name, rule, loss):
    """Running statistics are compared, too."""
    rates = GENTLE if isinstance(rule, Sgd) else [rate / 30 for rate in GENTLE]
    for tensor in train_together_and_alone(*VGGS[name], rule, loss, rates, MANY):
        torch.testing.assert_close(tensor.together, tensor.alone, rtol=BOUND, atol=BOUND)
        has_no_gradient = tensor.name.startswith("conv") and tensor.name.endswith("bias")
        assert has_no_gradient or (tensor.alone != tensor.initial).any()


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedTensor:
    """A parameter, or a statistic of batch norm, of one replica after five steps."""

    name: str
    initial: Tensor
    together: Tensor
    """Value in the pack."""
    alone: Tensor
    """Value in a network of torch's own layers that was trained alone."""


def train_together_and_alone(spec, image, rule, loss, rates, images_a_step) -> list[TrainedTensor]:
    """Train a pack for five steps, and each of its replicas alone."""
    module = packed(spec, image)
    networks = [plain(spec, image, replica(module, r)) for r in range(R)]
    optimiser = PackOptimiser(module.parameters(), rule, learning_rates=rates, weight_decays=DECAYS)
    optimisers_alone = [
        torch_optimiser(rule, network, rate, decay)
        for network, rate, decay in zip(networks, rates, DECAYS, strict=True)
    ]
    pixels, labels = images(image, images_a_step * STEPS, torch.float64)
    optimiser.load_schedule([1.0] * STEPS)
    batches = zip(pixels.split(images_a_step), labels.split(images_a_step), strict=True)
    for step, (pixel, label) in enumerate(batches):
        optimiser.zero_grad()
        losses(module(pixel), label, loss).sum().backward()
        optimiser.select(torch.tensor([step]))
        optimiser.step()
        for network, optimiser_alone in zip(networks, optimisers_alone, strict=True):
            optimiser_alone.zero_grad()
            logits = network(pixel)
            (
                F.cross_entropy(logits, label)
                if loss == "cross_entropy"
                else F.mse_loss(logits, F.one_hot(label, 10).double())
            ).backward()
            optimiser_alone.step()
    first, last = named_weights(packed(spec, image)), named_weights(module)
    alone = [network.parts() | network.statistics() for network in networks]
    assert all(set(tensors) == set(last) for tensors in alone)
    return [
        TrainedTensor(name=name, initial=first[name][r], together=last[name][r], alone=value)
        for r, tensors in enumerate(alone)
        for name, value in tensors.items()
    ]


def torch_optimiser(
    rule: Sgd | Adam | AdamW, network: nn.Module, rate: float, decay: float
) -> torch.optim.Optimizer:
    if isinstance(rule, Sgd):
        return torch.optim.SGD(
            network.parameters(), lr=rate, momentum=rule.momentum, nesterov=rule.nesterov, weight_decay=decay
        )
    kind = torch.optim.AdamW if isinstance(rule, AdamW) else torch.optim.Adam
    return kind(
        network.parameters(), lr=rate, betas=(rule.beta1, rule.beta2), eps=rule.epsilon, weight_decay=decay
    )


@pytest.mark.parametrize(("spec", "image"), VGGS.values(), ids=VGGS.keys())
def test_running_statistics_equal_those_of_plain_networks(spec, image):
    """After three steps in training mode, evaluation normalises as torch's layers do."""
    module = packed(spec, image)
    networks = [plain(spec, image, replica(module, r)) for r in range(R)]
    pixels, _ = images(image, 4 * B, torch.float64)
    for part in pixels[: 3 * B].split(B):
        module(part)
        for network in networks:
            network(part)
    module.eval()
    logits = module(pixels[3 * B :])
    for r, network in enumerate(networks):
        torch.testing.assert_close(logits[r], network.eval()(pixels[3 * B :]), rtol=BOUND, atol=BOUND)

"""The diagonal of the Hessian against exact second derivatives, and against the recursion written out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, jacrev

from scaling.architectures import (
    Lenet1,
    Lenet4,
    Lenet5,
    Lenet5Of1998,
    Net2,
    Net3,
    Net5,
    Tree3,
    Zipcode1989,
)
from scaling.errors import UsageError
from scaling.models import build, named_weights
from scaling.models.operations import reference_operations
from scaling.train.module import losses
from scaling.train.pruning import hessian_diagonal
from tests.models.networks import MNIST, USPS, images

TARGETS = (-1.0, 1.0)
ENTRIES = 5
"""Weights of each parameter whose exact second derivative is computed."""
READOUT = ["readout_weight", "readout_bias"]
LAST_TWO = ["h2_weight", "h2_bias", *READOUT]
ONE_PATH = {
    "net2, squashed": (Net2(filters=12, output="tanh"), USPS, ["h1_weight", "h1_bias", *READOUT]),
    "net3": (Net3(filters=1), USPS, LAST_TWO),
    "net5": (Net5(filters=2, output="tanh"), USPS, ["h2_bias", *READOUT]),
    "zipcode1989": (Zipcode1989(filters=12, output="tanh"), USPS, ["h3_weight", "h3_bias", *READOUT]),
    "lenet4": (Lenet4(filters=4, output="tanh"), MNIST, ["c5_weight", "c5_bias", *READOUT]),
    "lenet5": (Lenet5(filters=2, hidden=(7,)), USPS, ["hidden1_weight", "hidden1_bias", *READOUT]),
    "tree3": (
        Tree3(filters=2, branches=3, rows=3, biases=True),
        USPS,
        ["tree_weight", "tree_bias", *READOUT],
    ),
}
"""Parameters from each of whose weights one path leads to each output."""
both_forms = pytest.mark.parametrize("with_second_derivatives", [True, False], ids=["published", "positive"])


def packed(spec, image, seeds=(4,)) -> nn.Module:
    """Build replicas in float64, with random biases."""
    module = build(spec, image, list(seeds)).double()
    for number, weight in enumerate(module.weights.values()):
        noise = torch.randn(weight.shape[1:], generator=torch.Generator().manual_seed(number))
        weight.data += noise / 10
    return module


def exact_diagonal(
    module: nn.Module,
    name: str,
    entries: Tensor,
    batch: tuple[Tensor, Tensor],
    *,
    with_second_derivatives: bool,
) -> Tensor:
    """Return second derivatives of the error of one replica, or the diagonal of its Gauss-Newton matrix."""
    weights = dict(module.named_parameters())
    pixels, labels = batch

    def outputs(values: Tensor) -> Tensor:
        flat = weights[f"weights.{name}"].detach().flatten().index_put((entries,), values)
        changed = {f"weights.{name}": flat.view_as(weights[f"weights.{name}"])}
        with reference_operations():  # the others have no derivative of a derivative
            return functional_call(module, changed, (pixels,))

    def error(values: Tensor) -> Tensor:
        return losses(outputs(values), labels, "mse", targets=TARGETS)[0]

    values = weights[f"weights.{name}"].detach().flatten()[entries]
    if with_second_derivatives:
        return jacrev(jacrev(error))(values).diagonal()
    # torch.func has no batched backward pass of windows that overlap.
    jacobian = torch.autograd.functional.jacobian(outputs, values).flatten(0, 2)
    return 2 / len(jacobian) * jacobian.square().sum(0)


def some_entries(weight: Tensor) -> Tensor:
    return torch.randperm(weight[0].numel(), generator=torch.Generator().manual_seed(3))[:ENTRIES]


@both_forms
@pytest.mark.parametrize(("spec", "image", "exact"), ONE_PATH.values(), ids=ONE_PATH)
def test_exact_where_one_path_leads_to_each_output(spec, image, exact, with_second_derivatives):
    module, batch = packed(spec, image), images(image, 3, torch.float64)
    form = {"with_second_derivatives": with_second_derivatives}
    diagonal = hessian_diagonal(module, [batch], targets=TARGETS, **form)
    for name in exact:
        entries = some_entries(diagonal[name])
        expected = exact_diagonal(module, name, entries, batch, **form)
        torch.testing.assert_close(diagonal[name].flatten()[entries], expected, rtol=1e-10, atol=1e-14)


def test_within_the_bound_of_cauchy_and_schwarz_elsewhere():
    """At most 3x3 windows of 5x5 units with stride 2 contain one unit of the first layer of Net-3.

    So at most 9 paths lead from a weight to an output, and the square of their sum is at most 9 times the
    sum of their squares.
    """
    module, batch = packed(Net3(filters=1), USPS), images(USPS, 3, torch.float64)
    diagonal = hessian_diagonal(module, [batch], targets=TARGETS)["h1_weight"].flatten()
    entries = torch.arange(len(diagonal))
    expected = exact_diagonal(module, "h1_weight", entries, batch, with_second_derivatives=False)
    assert (expected <= 9 * diagonal * (1 + 1e-10)).all()
    assert (expected > 1.5 * diagonal).any()
    assert (expected < diagonal / 1.5).any()


def lenet1_layers():
    """Return the input sums of each layer of LeNet-1 for one image: functions of its inputs and weights."""

    def convolve(x: Tensor, kernels: Tensor, bias: Tensor) -> Tensor:
        parts = kernels.split([len(sources) for sources in Lenet1.H3_READS])
        maps = [
            F.conv2d(x[:, list(sources)], part[None])
            for sources, part in zip(Lenet1.H3_READS, parts, strict=True)
        ]
        return torch.cat(maps, dim=1) + bias.view(-1, 1, 1)

    def subsample(x: Tensor, coefficient: Tensor, bias: Tensor) -> Tensor:
        total = x[:, :, ::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, ::2] + x[:, :, 1::2, 1::2]
        return total * coefficient.view(-1, 1, 1) + bias.view(-1, 1, 1)

    return {
        "h1": F.conv2d,
        "h2": subsample,
        "h3": convolve,
        "h4": subsample,
        "readout": lambda x, weight, bias: x.flatten(1) @ weight.T + bias,
    }


def rows(linear: Callable[[Tensor], Tensor], argument: Tensor) -> Tensor:
    """Return the transposed matrix of a linear function: its values at the unit vectors."""
    units = torch.eye(argument.numel(), dtype=torch.float64).view(-1, *argument.shape)
    return torch.vmap(linear)(units).flatten(1)


@both_forms
def test_the_recursion_equals_that_of_the_paper_layer_by_layer(with_second_derivatives):
    """For LeNet-1 and one image, with the whole Jacobian matrix of each layer."""
    module, (pixels, labels) = packed(Lenet1(filters=4), MNIST), images(MNIST, 1, torch.float64)
    w = {name: weight[0] for name, weight in named_weights(module).items()}
    x, inputs, sums = pixels, {}, {}
    for name, layer in lenet1_layers().items():
        inputs[name] = x
        sums[name] = layer(x, w[f"{name}_weight"], w[f"{name}_bias"])
        x = 1.7159 * torch.tanh(2 / 3 * sums[name])
    target = torch.where(torch.arange(10) == labels, 1.0, -1.0)
    first = 2 / 10 * (sums["readout"] - target).flatten()
    second = torch.full_like(first, 2 / 10)
    expected = {}
    for name, layer in reversed(lenet1_layers().items()):
        if name != "readout":
            t = torch.tanh(2 / 3 * sums[name]).flatten()
            slope, bend = 1.7159 * 2 / 3 * (1 - t**2), -2 * 1.7159 * (2 / 3) ** 2 * t * (1 - t**2)
            second = slope**2 * second + (bend * first if with_second_derivatives else 0)
            first = slope * first
        x, weight, bias = inputs[name], w[f"{name}_weight"], w[f"{name}_bias"]
        by_weight = rows(lambda e, layer=layer, x=x, bias=bias: layer(x, e, 0 * bias), weight)
        by_bias = rows(lambda e, layer=layer, x=x, weight=weight: layer(0 * x, weight, e), bias)
        expected[f"{name}_weight"] = (by_weight**2 @ second).view_as(weight)
        expected[f"{name}_bias"] = (by_bias**2 @ second).view_as(bias)
        if name != "h1":
            by_input = rows(lambda e, layer=layer, weight=weight, bias=bias: layer(e, weight, 0 * bias), x)
            first, second = by_input @ first, by_input**2 @ second
    diagonal = hessian_diagonal(
        module, [(pixels, labels)], targets=TARGETS, with_second_derivatives=with_second_derivatives
    )
    assert diagonal.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(diagonal[name][0], value, rtol=1e-10, atol=1e-14)


def test_batches_and_replicas_are_independent():
    """Each replica has the values that it has alone, and batches of any sizes give those of all images."""
    form = {"targets": TARGETS, "with_second_derivatives": True}
    pixels, labels = images(USPS, 7, torch.float64)
    batches = list(zip(pixels.split([4, 3]), labels.split([4, 3]), strict=True))
    together = hessian_diagonal(packed(Net5(filters=2), USPS, (4, 9)), batches, **form)
    for r, seed in enumerate((4, 9)):
        alone = hessian_diagonal(packed(Net5(filters=2), USPS, (seed,)), [(pixels, labels)], **form)
        for name, value in alone.items():
            torch.testing.assert_close(together[name][r], value[0], rtol=1e-10, atol=1e-14)


def test_without_second_derivatives_no_curvature_is_negative():
    batch = images(USPS, 3, torch.float64)
    module = packed(Net5(filters=2, output="tanh"), USPS)
    positive = hessian_diagonal(module, [batch], targets=TARGETS)
    published = hessian_diagonal(module, [batch], targets=TARGETS, with_second_derivatives=True)
    assert all((value >= 0).all() for value in positive.values())
    assert any((value < 0).any() for value in published.values())


def test_an_operation_without_a_rule_is_refused():
    """The output of LeNet-5 of 1998 expands a square, in which two paths lead from a unit to an output."""
    batch = images(MNIST, 1, torch.float64)
    with pytest.raises(UsageError, match=r"no rule for the operation aten\.\w+.*; prune a network of"):
        hessian_diagonal(packed(Lenet5Of1998(filters=6), MNIST), [batch], targets=TARGETS)

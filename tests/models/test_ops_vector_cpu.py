"""The vector operations against the reference, and their activations against NumPy."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import Tensor

from scaling.architectures import Lenet5, Tree3
from scaling.models import build, operations, ops_bf16_cpu, ops_reference, ops_vector_cpu
from scaling.models.operations import reference_operations, select_operations
from scaling.models.ops_vector_cpu import Lanes
from scaling.models.vector_instructions import HAS_BF16_PAIRS, LANES
from scaling.models.vector_pairs import pair_columns
from scaling.plan import lane_limit
from scaling.settings import ImageShape
from tests.models.test_ops_bf16_cpu import few_values

ACTIVATIONS = ("relu", "tanh", "sigmoid")
CLOSE = 1e-12
"""Relative tolerance in float64; sums have up to some thousand terms."""


def noise(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(shape, generator=generator, dtype=torch.float64)).requires_grad_()


def features(x: Lanes) -> Tensor:
    """Return features of the images as the reference orders them."""
    return x.values[..., : x.images].mT


@pytest.fixture(params=[1, np.inf], ids=["sparse", "dense"])
def both_gradients(request, monkeypatch) -> None:
    """Compute the gradients of all convolutions from the winners alone, and then from all pixels."""
    monkeypatch.setattr(ops_vector_cpu, "_SPARSE_CHANNELS", request.param)


def assert_equal(results: list[Tensor], expected: list[Tensor], inputs: list[Tensor]) -> None:
    """Compare results, and gradients of a sum with unequal weights."""
    for result, reference in zip(results, expected, strict=True):
        assert result.shape == reference.shape
        torch.testing.assert_close(result, reference, rtol=CLOSE, atol=CLOSE)
        weights = noise(*reference.shape, seed=9).detach()
        gradients = [torch.autograd.grad((y * weights).sum(), inputs) for y in (result, reference)]
        for gradient, other in zip(*gradients, strict=True):
            torch.testing.assert_close(gradient, other, rtol=CLOSE, atol=CLOSE * float(other.abs().max()))


@pytest.mark.usefixtures("both_gradients")
@pytest.mark.parametrize(
    ("B", "channels", "groups", "G", "o", "side", "padding"),
    [(1, 1, 1, 2, 1, 12, 0), (16, 3, 1, 1, 4, 14, 2), (20, 2, 2, 4, 3, 15, 1), (33, 3, 3, 3, 2, 20, 0)],
)
@pytest.mark.parametrize("has_bias", [False, True])
def test_one_convolution_equals_the_reference(B, channels, groups, G, o, side, padding, has_bias):
    """Batches with and without a full last block; one, some and all filters for a group of channels."""
    x = noise(B, channels, side, side).detach()
    filters = noise(G, o, channels // groups, 5, 5, seed=1, scale=0.3)
    bias = noise(G, o, seed=2) if has_bias else None
    for activation in ACTIVATIONS:
        options = {"groups": groups, "padding": padding, "activation": activation}
        result = features(ops_vector_cpu.conv_pool_flatten(x, filters, bias, **options))
        expected = ops_reference.conv_pool_flatten(x, filters, bias, **options)
        assert_equal([result], [expected], [filters] if bias is None else [filters, bias])


@pytest.mark.usefixtures("both_gradients")
@pytest.mark.parametrize(
    ("R", "first", "second", "side"), [(1, 1, 3, 28), (3, 2, 5, 20), (2, 6, 4, 17), (1, 11, 2, 14)]
)
def test_two_convolutions_equal_the_reference(R, first, second, side):
    """The first one computes no gradient of the image; the second one computes that of its maps."""
    x = noise(18, 1, side, side).detach()
    inputs = [
        noise(R, first, 1, 5, 5, seed=1, scale=0.3),
        noise(R, first, seed=2),
        noise(R, second, first, 5, 5, seed=3, scale=0.3),
        noise(R, second, seed=4),
    ]
    for activation in ACTIVATIONS:
        results = []
        for ops in (ops_vector_cpu, ops_reference):
            maps = ops.conv_pool(x, *inputs[:2], groups=1, padding=2, activation=activation)
            results.append(ops.conv_pool_flatten(maps, *inputs[2:], groups=R, activation=activation))
        assert_equal([features(results[0])], results[1:], inputs)


@pytest.mark.parametrize(
    ("B", "groups", "G", "o", "side", "strips", "units"),
    [(1, 1, 2, 1, 12, 1, 3), (16, 3, 3, 4, 14, 5, 16), (20, 2, 6, 3, 15, 1, 20), (33, 3, 6, 2, 20, 4, 5)],
)
@pytest.mark.parametrize("has_bias", [False, True])
def test_connected_strips_equal_the_reference(B, groups, G, o, side, strips, units, has_bias):
    x = noise(B, groups, side, side).detach()
    filters, pooled = noise(G, o, 1, 5, 5, seed=1, scale=0.3), (side - 4) // 2
    weight = noise(G * strips, o * pooled * pooled // strips, units, seed=2, scale=0.3)
    biases = (noise(G, o, seed=3), noise(G * strips, units, seed=4)) if has_bias else (None, None)
    inputs = [filters, weight, *(bias for bias in biases if bias is not None)]
    for activation in ACTIVATIONS:
        arguments = x, filters, biases[0], weight, biases[1]
        options = {"groups": groups, "activation": activation}
        result = features(ops_vector_cpu.conv_pool_connect(*arguments, **options))
        assert_equal([result], [ops_reference.conv_pool_connect(*arguments, **options)], inputs)
        with torch.no_grad():  # the features of a group then replace those of the group before
            alone = features(ops_vector_cpu.conv_pool_connect(*arguments, **options))
        assert torch.equal(alone, result)


def test_groups_of_filters_see_the_channels_in_turn():
    """Each filter selects one pixel of its channel: group 0 of channel 0, group 1 of channel 1, and so on."""
    x = noise(4, 2, 6, 6).detach()
    filters = torch.zeros(4, 1, 1, 5, 5, dtype=torch.float64)
    filters[..., 0, 0] = 1
    maps = ops_reference.conv_pool(x, filters, None, groups=2, activation="tanh")
    expected = torch.tanh(torch.nn.functional.max_pool2d(x[:, :, :2, :2], 2))
    assert torch.equal(maps, expected[:, [0, 1, 0, 1]])


@pytest.fixture
def bf16_pairs(monkeypatch):
    """Multiply pairs of bf16 numbers wherever the processor can, fast or not."""
    if not HAS_BF16_PAIRS:
        pytest.skip("the processor has no instruction for pairs of bf16 numbers")
    monkeypatch.setattr(ops_vector_cpu, "_MULTIPLIES_PAIRS", True)


@pytest.mark.usefixtures("both_gradients", "bf16_pairs")
@pytest.mark.parametrize(
    ("channels", "groups", "side", "padding"), [(1, 1, 28, 2), (3, 1, 15, 0), (6, 3, 14, 0), (24, 2, 18, 1)]
)
def test_convolutions_of_bf16_numbers_round_little(channels, groups, side, padding):
    """Images and filters that are bf16 numbers lose nothing, and sums are in fp32.

    Without sparse gradients, the gradients of pixels are rounded, each by at most 1/512 of itself.
    """
    x = noise(18, channels, side, side).detach().bfloat16()
    filters = (
        noise(2 * groups, 3, channels // groups, 5, 5, seed=1).detach().bfloat16().double().requires_grad_()
    )
    bias = noise(2 * groups, 3, seed=2)
    options = {"groups": groups, "padding": padding, "activation": "tanh"}
    result = features(ops_vector_cpu.conv_pool_flatten(x, filters.float(), bias.float(), **options)).double()
    expected = ops_reference.conv_pool_flatten(x.double(), filters, bias, **options)
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)
    weights = noise(*expected.shape, seed=9).detach()
    limit = 1e-4 if ops_vector_cpu._SPARSE_CHANNELS == 1 else 1 / 512
    for y in zip(
        *(torch.autograd.grad((y * weights).sum(), [filters, bias]) for y in (result, expected)), strict=True
    ):
        torch.testing.assert_close(*y, rtol=limit, atol=limit * float(y[1].abs().max()))


@pytest.mark.usefixtures("bf16_pairs")
def test_maps_and_filters_of_a_bf16_network_are_rounded_before_the_second_convolution():
    first, second = (
        noise(2, 6, 1, 5, 5, seed=1, scale=0.3).detach(),
        noise(2, 4, 6, 5, 5, seed=3, scale=0.3).detach(),
    )
    images = noise(5, 1, 28, 28).detach().bfloat16()
    maps = ops_vector_cpu.conv_pool(images, first.float(), None, groups=1, padding=2, activation="relu")
    result = features(
        ops_vector_cpu.conv_pool_flatten(maps, second.float(), None, groups=2, activation="relu")
    )
    options = {"padding": 2, "activation": "relu", "groups": 1}
    rounded = ops_reference.conv_pool(images.double(), first.bfloat16().double(), None, **options)
    rounded = rounded.bfloat16().double()
    expected = ops_reference.conv_pool_flatten(
        rounded, second.bfloat16().double(), None, groups=2, activation="relu"
    )
    # A pixel of the first map that lies in the middle of two bf16 numbers may be rounded to the other one.
    torch.testing.assert_close(result.double(), expected, rtol=2e-3, atol=2e-3)
    plain = ops_reference.conv_pool_flatten(
        ops_reference.conv_pool(images.double(), first, None, **options),
        second,
        None,
        groups=2,
        activation="relu",
    )
    assert (result - expected).abs().max() < 0.2 * (result - plain).abs().max()


def test_pairs_are_rounded_to_the_nearest_number_and_halfway_to_even():
    bits = torch.arange(-(2**31), 2**31, 104_729, dtype=torch.int64).to(torch.int32)
    halfway = (torch.arange(0, 2**15 - 1, 7) << 16 | 0x8000).to(torch.int32)
    values = torch.cat([bits, halfway]).view(torch.float32)
    values = values[: len(values) // (3 * LANES) * 3 * LANES].view(-1, 3, LANES)
    pairs = pair_columns(values)
    low, high = (pairs.view(torch.bfloat16).view(*values.shape, 2)[..., half] for half in (0, 1))
    exactly: dict[str, Any] = {"rtol": 0, "atol": 0, "equal_nan": True}
    torch.testing.assert_close(low[:, :-1], values[:, :-1].bfloat16(), **exactly)
    torch.testing.assert_close(high[:, :-1], values[:, 1:].bfloat16(), **exactly)


@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (7, 10), (75, 16), (20, 37)])
@pytest.mark.parametrize("has_bias", [False, True])
def test_fully_connected_layers_equal_the_reference(inputs, units, has_bias):
    G, B = 3, 21
    x = noise(G, B, inputs)
    lanes = Lanes(torch.nn.functional.pad(x.mT, (0, -B % LANES)).contiguous(), B)
    weight = noise(G, units, inputs, seed=1, scale=0.3)
    bias = noise(G, units, seed=2) if has_bias else None
    for activation in ACTIVATIONS:
        result = features(ops_vector_cpu.connect(lanes, weight.mT, bias, activation=activation))
        expected = ops_reference.connect(x, weight.mT, bias, activation=activation)
        assert_equal([result], [expected], [x, weight] if bias is None else [x, weight, bias])


def test_units_are_regrouped_as_in_the_reference():
    x = noise(12, 5, 3)
    lanes = Lanes(torch.nn.functional.pad(x.mT, (0, -5 % LANES)), 5)
    expected = ops_reference.regroup(x, inner=3)
    assert torch.equal(features(ops_vector_cpu.regroup(lanes, inner=3)), expected)


@pytest.mark.usefixtures("both_gradients")
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_of_equal_pixels_the_first_one_gets_the_gradient_as_in_torch(activation):
    """Filters that select one pixel copy images with many equal pixels."""
    x = few_values(17, 1, 16, 16).double().clamp(-3, 3)
    filters = torch.zeros(1, 2, 1, 5, 5, dtype=torch.float64)
    filters[0, 0, 0, 1, 2], filters[0, 1, 0, 4, 4] = 1, -1
    filters.requires_grad_()
    options = {"groups": 1, "activation": activation}
    result = features(ops_vector_cpu.conv_pool_flatten(x, filters, None, **options))
    assert_equal([result], [ops_reference.conv_pool_flatten(x, filters, None, **options)], [filters])


@pytest.mark.usefixtures("both_gradients")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_replica_with_nan_spoils_no_other_one(dtype):
    x = noise(18, 1, 16, 16).detach().to(dtype)
    gradients = []
    for value in (torch.nan, 0.1):
        inputs = [noise(3, 2, 1, 5, 5, seed=1), noise(3, 4, 2, 5, 5, seed=2), noise(3, 16, 10, seed=3)]
        inputs = [parameter.detach().to(dtype) for parameter in inputs]
        inputs[0][1] = value
        for parameter in inputs:
            parameter.requires_grad_()
        maps = ops_vector_cpu.conv_pool(x, inputs[0], None, groups=1, padding=2, activation="relu")
        last = ops_vector_cpu.conv_pool_flatten(maps, inputs[1], None, groups=3, activation="tanh")
        logits = ops_vector_cpu.readout(last, inputs[2][:, : last.values.shape[1]], None)
        assert bool(logits[1].isnan().all()) == (value != value)
        logits.sum().backward()
        gradients.append([parameter.grad for parameter in inputs])
    for spoilt, sound in zip(*gradients, strict=True):
        assert spoilt[1].isnan().any()
        assert torch.equal(spoilt[[0, 2]], sound[[0, 2]])


@pytest.mark.usefixtures("both_gradients")
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_gradient_of_nan_reaches_the_pixels_that_its_filter_saw(channels):
    """Pixels next to them get none, although rows of a map are processed as whole vectors."""
    filters, gradients = noise(1, 2, channels, 5, 5, seed=1), []
    for ops in (ops_vector_cpu, ops_reference):
        first = torch.eye(channels, dtype=torch.float64)[None, :, :, None, None] * torch.ones(5, 5)
        first.requires_grad_()
        maps = ops.conv_pool(
            noise(3, channels, 28, 28, seed=2).detach(), first, None, groups=1, activation="tanh"
        )
        result = ops.conv_pool_flatten(maps, filters, None, groups=1, activation="tanh")
        result = features(result) if ops is ops_vector_cpu else result
        weights = torch.ones_like(result)
        weights[0, 1, 5] = torch.nan
        source = maps.values if ops is ops_vector_cpu else maps
        (gradient,) = torch.autograd.grad((result * weights).sum(), source)
        if ops is ops_vector_cpu:
            gradient = gradient.permute(0, 4, 1, 2, 3).flatten(0, 1)[:3]
        gradients.append(gradient)
    assert gradients[1].isnan().sum() == 25 * channels
    assert torch.equal(gradients[0].isnan(), gradients[1].isnan())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("width", [9, 10, 13])
@pytest.mark.parametrize("value", [torch.inf, torch.nan])
def test_a_pixel_reaches_only_the_windows_that_see_it(dtype, width, value):
    """In each column of a map; infinity stays infinity."""
    filters, options = torch.ones(1, 1, 1, 5, 5), {"groups": 1, "activation": "relu"}
    for column in range(width):
        x = torch.ones(18, 1, 6, width)
        x[17, 0, 3, column] = value
        result = features(ops_vector_cpu.conv_pool_flatten(x.to(dtype), filters, None, **options))
        expected = ops_reference.conv_pool_flatten(x, filters, None, **options)
        torch.testing.assert_close(result, expected, equal_nan=True)


@pytest.mark.usefixtures("both_gradients")
@pytest.mark.parametrize("value", [torch.inf, torch.nan, 1e30])
def test_a_replica_that_diverges_in_bf16_changes_no_bit_of_another_one(value):
    x = noise(18, 1, 17, 16).detach().bfloat16()
    gradients = []
    for weight in (value, 0.1):
        inputs = [noise(3, 3, 1, 5, 5, seed=1), noise(3, 4, 3, 5, 5, seed=2), noise(3, 12, 10, seed=3)]
        inputs = [parameter.detach().float() for parameter in inputs]
        inputs[0][1] = weight
        for parameter in inputs:
            parameter.requires_grad_()
        maps = ops_vector_cpu.conv_pool(x, inputs[0], None, groups=1, padding=2, activation="relu")
        last = ops_vector_cpu.conv_pool_flatten(maps, inputs[1], None, groups=3, activation="relu")
        logits = ops_vector_cpu.readout(last, inputs[2][:, :1].expand(-1, last.values.shape[1], -1), None)
        logits.square().sum().backward()
        gradients.append([logits.detach(), *(parameter.grad for parameter in inputs)])
    for spoilt, sound in zip(*gradients, strict=True):
        assert not torch.equal(spoilt[1], sound[1])
        assert torch.equal(spoilt[[0, 2]], sound[[0, 2]])


def test_nan_stays_in_its_image():
    x = torch.zeros(20, 1, 8, 8)
    x[18, 0, 7, 7] = torch.nan
    pooled = ops_vector_cpu.conv_pool_flatten(x, torch.ones(1, 1, 1, 5, 5), None, groups=1, activation="relu")
    assert features(pooled).isnan().nonzero().tolist() == [[0, 18, 3]]


@pytest.mark.parametrize(("activation", "exact"), [("sigmoid", expit), ("tanh", np.tanh)])
def test_activations_in_fp32_are_accurate(activation, exact):
    """A sigmoid's relative error is bounded down to the smallest numbers; a tanh loses digits near 0."""
    values = np.concatenate([np.linspace(-87, 87, 4096), np.linspace(-1, 1, 4096)]).astype(np.float32)
    expected = exact(values.astype(np.float64))
    scale = expected if activation == "sigmoid" else np.ones(len(values))
    assert (np.abs(activated(values, activation) - expected) < 4e-7 * scale).all()


def test_activations_of_infinities_and_nan():
    values = np.array([np.inf, -np.inf, np.nan] + 13 * [0.0], np.float32)
    for activation, expected in (("sigmoid", [1, 0, np.nan, 0.5]), ("tanh", [1, -1, np.nan, 0])):
        np.testing.assert_allclose(activated(values, activation)[:4], expected, atol=1e-37)


def activated(values: np.ndarray, activation: str) -> np.ndarray:
    """Return activations of numbers, whose count is a multiple of the lanes, as the layers compute them."""
    lanes = Lanes(torch.from_numpy(values).view(1, 1, -1), len(values))
    one = torch.ones(1, 1, 1)
    return ops_vector_cpu.connect(lanes, one, None, activation=activation).values.flatten().numpy()


def test_networks_on_a_cpu_use_vectors(monkeypatch):
    """In wide networks, bf16 is faster if the processor has instructions for products of matrices in it."""
    monkeypatch.setattr(operations, "HAS_BF16_KERNELS", True)
    monkeypatch.setattr(lane_limit, "has_bf16_tiles", lambda: True)
    options = {"kernel": 5, "pooling": "max"}
    for dtype, filters in product((torch.float32, torch.float64, torch.bfloat16), (1, 21)):
        image = torch.zeros(1, dtype=dtype)
        assert select_operations(image, filters=filters, **options) is ops_vector_cpu
        with reference_operations():
            assert select_operations(image, filters=filters, **options) is ops_reference
    wide = torch.zeros(1, dtype=torch.bfloat16)
    assert select_operations(wide, filters=22, **options) is ops_bf16_cpu
    monkeypatch.setattr(operations, "HAS_BF16_KERNELS", False)
    assert select_operations(wide, filters=22, **options) is ops_vector_cpu
    assert select_operations(wide, filters=1, kernel=3, pooling="max") is ops_bf16_cpu
    assert select_operations(torch.zeros(1), filters=1, kernel=5, pooling="average") is ops_reference
    assert select_operations(torch.zeros(1, device="meta"), filters=1, **options) is ops_reference


@pytest.mark.parametrize(
    "network",
    [
        Lenet5(filters=2),
        Lenet5(filters=2, convolutions=1),
        Lenet5(filters=2, kernel=3),
        Lenet5(filters=2, pooling="average"),
        Tree3(filters=2, rows=4),
    ],
)
def test_a_specification_has_the_filters_by_which_operations_are_selected(monkeypatch, network):
    selected = []

    def spy(image, *, filters, **options):
        selected.append((select_operations(image, filters=filters, **options), filters))
        return selected[-1][0]

    monkeypatch.setattr(f"scaling.models.{network.type}.select_operations", spy)
    build(network, ImageShape(1, 28, 10), [0])(torch.zeros(1, 1, 28, 28))
    (operations_module, filters) = selected[0]
    assert network.lane_filters == (filters if operations_module is ops_vector_cpu else None)

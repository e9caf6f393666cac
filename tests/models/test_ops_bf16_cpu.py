"""The compiled pooling against torch's, bit by bit, and ``ops_bf16_cpu`` against ``ops_reference``."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from einops import rearrange

from scaling.models import ops_bf16_cpu, ops_reference

U = 2.0**-8
"""bf16's unit roundoff."""
BITS = np.arange(2**16, dtype=np.uint16).view(np.int16)
SHAPES = [(1, 3, 10, 10), (4, 4, 9, 8), (3, 5, 8, 9), (2, 1, 2, 2), (2, 40, 6, 6)]
"""Groups, filters of each, height and width of the maps."""
every_shape = pytest.mark.parametrize(("G", "o", "height", "width"), SHAPES)


def few_values(*shape: int, seed: int = 0) -> torch.Tensor:
    """Draw from few values, so that many are equal: zeros of both signs and infinities among them."""
    values = torch.tensor([-torch.inf, -1.5, -0.25, -0.0, 0.0, 0.5, 3.0, torch.inf])
    return values[torch.randint(len(values), shape, generator=torch.Generator().manual_seed(seed))].bfloat16()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).bfloat16()


def test_ranks_sort_as_the_bf16_numbers_do():
    values = torch.from_numpy(BITS.copy()).view(torch.bfloat16).float().numpy()
    ordered = np.array([ops_bf16_cpu._to_rank.py_func(bits) for bits in BITS], np.int64)
    finite = ~np.isnan(values)
    by_value = np.argsort(values[finite])
    assert (np.sign(np.diff(ordered[finite][by_value])) == np.sign(np.diff(values[finite][by_value]))).all()
    assert (ordered[~finite] > ordered[finite].max()).all()
    back = np.array([ops_bf16_cpu._from_rank.py_func(np.int16(place)) for place in ordered], np.int16)
    assert np.array_equal(torch.from_numpy(back).view(torch.bfloat16).float().numpy(), values, equal_nan=True)


@every_shape
@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("draw", [few_values, noise])
def test_pooling_equals_torchs_bit_by_bit(G, o, height, width, rectified, draw):
    y = draw(5, G * o, height, width).to(memory_format=torch.channels_last)
    compiled, reference = y.clone().requires_grad_(), y.clone().requires_grad_()
    shape = (5, height // 2, width // 2, G, o)
    pooled = ops_bf16_cpu._MaxPool.apply(shape, "B row col G o", o, rectified, compiled)
    expected = F.max_pool2d(reference, 2)
    if rectified:
        expected = torch.relu(expected)
    assert torch.equal(pooled.flatten(3).permute(0, 3, 1, 2), expected)
    gradient = noise(*shape, seed=1)
    pooled.backward(gradient)
    expected.backward(gradient.flatten(3).permute(0, 3, 1, 2))
    assert torch.equal(compiled.grad, reference.grad)


def test_nan_stays_nan_at_its_position():
    for sign in (1, -1):
        y = torch.zeros(1, 2, 4, 4, dtype=torch.bfloat16).to(memory_format=torch.channels_last)
        y[0, 1, 3, 2] = sign * torch.nan
        for rectified in (False, True):
            pooled = ops_bf16_cpu._MaxPool.apply((1, 2, 2, 1, 2), "B row col G o", 2, rectified, y)
            assert pooled.isnan().nonzero().tolist() == [[0, 1, 1, 0, 1]]


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize(("o", "c"), [(3, 2), (4, 4), (6, 1), (5, 1)])
def test_each_stage_equals_the_reference(activation, pooling, groups, o, c):
    """Values are sums of c x 9 products, rounded once, and once more by the activation."""
    x = noise(4, groups * c, 12, 12).to(memory_format=torch.channels_last)
    filters, bias = noise(3, o, c, 3, 3, seed=1) / 4, noise(3, o, seed=2)
    options = {"groups": groups, "activation": activation, "pooling": pooling}
    compiled = ops_bf16_cpu.conv_pool(x, filters, bias, **options).unflatten(1, (3, -1))[:, :, :o]
    reference = ops_reference.conv_pool(x.double(), filters.double(), bias.double(), **options).unflatten(
        1, (3, -1)
    )
    assert ((compiled - reference).abs() < 4 * U * (1 + reference.abs())).all()
    features = ops_bf16_cpu.conv_pool_flatten(x, filters, bias, **options)
    expected = rearrange(reference, f"B G o row col -> G B ({ops_bf16_cpu.FEATURE_ORDER})")
    assert features.shape == expected.shape
    assert ((features - expected).abs() < 4 * U * (1 + expected.abs())).all()


@pytest.mark.parametrize("R", [1, 2])
def test_two_stages_in_a_row_equal_the_reference(R):
    """Three maps per replica are padded to four, also for one replica."""
    x = noise(4, 1, 12, 12).to(memory_format=torch.channels_last)
    first, second = noise(R, 3, 1, 3, 3, seed=1) / 3, noise(R, 5, 3, 2, 2, seed=2) / 4
    compiled = ops_bf16_cpu.conv_pool_flatten(
        ops_bf16_cpu.conv_pool(x, first, None, groups=1, activation="tanh"),
        second,
        None,
        groups=R,
        activation="tanh",
    )
    exact = ops_reference.conv_pool(x.double(), first.double(), None, groups=1, activation="tanh")
    exact = ops_reference.conv_pool_flatten(exact, second.double(), None, groups=R, activation="tanh")
    exact = rearrange(exact, f"R B (o row col) -> R B ({ops_bf16_cpu.FEATURE_ORDER})", o=5, row=2)
    # Each of the 12 products inherits two roundings of the first stage.
    assert ((compiled - exact).abs() < 12 * 4 * U).all()


def test_only_bf16_on_a_cpu_is_supported():
    assert ops_bf16_cpu.supports(torch.zeros(1, dtype=torch.bfloat16))
    assert not ops_bf16_cpu.supports(torch.zeros(1))
    assert not ops_bf16_cpu.supports(torch.zeros(1, dtype=torch.bfloat16, device="meta"))

"""Products of bf16 numbers that are computed in fp32 equal the exact products up to one rounding."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from scaling.models import products

U = 2.0**-8
"""bf16's unit roundoff."""


def noise(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).bfloat16()


CASES = {
    "conv2d": (
        lambda *tensors: products.conv2d(*tensors, padding=1, groups=2),
        lambda *tensors: F.conv2d(*tensors, padding=1, groups=2),
        [(3, 4, 6, 6), (6, 2, 3, 3), (6,)],
    ),
    "bmm": (products.bmm, torch.bmm, [(2, 3, 5), (2, 5, 4)]),
    "baddbmm": (products.baddbmm, torch.baddbmm, [(2, 1, 4), (2, 3, 5), (2, 5, 4)]),
}


@pytest.mark.parametrize("name", CASES)
def test_without_bf16_kernels_a_product_is_rounded_once(monkeypatch, name):
    """The bound for fp32's own sums of at most 18 products is far below the rounding to bf16."""
    monkeypatch.setattr(products, "HAS_BF16_KERNELS", False)
    multiply, exact_multiply, shapes = CASES[name]
    tensors = [noise(*shape, seed=i).requires_grad_() for i, shape in enumerate(shapes)]
    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    result, expected = multiply(*tensors), exact_multiply(*exact)
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.double(), expected, rtol=U, atol=1e-5)
    gradient = noise(*result.shape, seed=9)
    result.backward(gradient)
    expected.backward(gradient.double())
    for tensor, exact_tensor in zip(tensors, exact, strict=True):
        torch.testing.assert_close(tensor.grad.double(), exact_tensor.grad, rtol=U, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_other_precisions_are_left_to_torch(monkeypatch, dtype):
    monkeypatch.setattr(products, "HAS_BF16_KERNELS", False)
    for multiply, exact_multiply, shapes in CASES.values():
        tensors = [noise(*shape, seed=i).to(dtype) for i, shape in enumerate(shapes)]
        assert torch.equal(multiply(*tensors), exact_multiply(*tensors))

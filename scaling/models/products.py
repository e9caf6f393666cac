"""Convolutions and matrix products, also in bf16 on processors without kernels for it.

On a processor on which oneDNN has no bf16 kernels, torch falls back on plain loops, which take five to ten
times as long as fp32. There the products are computed in fp32 from the same bf16 numbers, and the result is
rounded to bf16: as bf16 kernels do, which sum in fp32 too.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

HAS_BF16_KERNELS = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
"""True if oneDNN has kernels for bf16 on this processor."""


def conv2d(
    x: Tensor, filters: Tensor, bias: Tensor | None, *, padding: int, groups: int = 1, stride: int = 1
) -> Tensor:
    """Convolve as ``torch.nn.functional.conv2d`` does."""
    if not _needs_fp32(x):
        return F.conv2d(x, filters, bias, padding=padding, groups=groups, stride=stride)
    bias = None if bias is None else bias.float()
    return F.conv2d(x.float(), filters.float(), bias, padding=padding, groups=groups, stride=stride).to(
        x.dtype
    )


def bmm(x: Tensor, y: Tensor) -> Tensor:
    """Multiply batches of matrices as ``torch.bmm`` does."""
    return torch.bmm(x.float(), y.float()).to(x.dtype) if _needs_fp32(x) else torch.bmm(x, y)


def baddbmm(bias: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Multiply batches of matrices and add a bias as ``torch.baddbmm`` does."""
    if not _needs_fp32(x):
        return torch.baddbmm(bias, x, y)
    return torch.baddbmm(bias.float(), x.float(), y.float()).to(x.dtype)


def _needs_fp32(x: Tensor) -> bool:
    return x.dtype == torch.bfloat16 and x.device.type == "cpu" and not HAS_BF16_KERNELS

"""A replica that diverges harms no other: not one bit of their outputs and gradients changes."""

from __future__ import annotations

import pytest
import torch
from networks import NETWORKS, images
from torch import Tensor, nn

from scaling.models import build
from scaling.train.module import losses

R, B = 5, 8
POISONED = 2
OTHERS = [r for r in range(R) if r != POISONED]


def outcome(module: nn.Module, pixels: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    module.zero_grad()
    logits = module(pixels)
    losses(logits.float(), labels, "cross_entropy").sum().backward()
    return logits.detach(), {name: weight.grad.clone() for name, weight in module.weights.items()}


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), 1e38])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize(("spec", "image"), NETWORKS.values(), ids=NETWORKS.keys())
def test_a_poisoned_replica_leaves_the_others_bits(spec, image, dtype, poison):
    pixels, labels = images(image, B, dtype)
    module = build(spec, image, range(R))
    clean, clean_gradients = outcome(module, pixels, labels)
    for weight in module.weights.values():
        weight.data[POISONED] = poison
    logits, gradients = outcome(module, pixels, labels)
    assert not logits[POISONED].isfinite().all()
    assert torch.equal(logits[OTHERS], clean[OTHERS])
    for name, gradient in gradients.items():
        assert torch.equal(gradient[OTHERS], clean_gradients[name][OTHERS]), name
        assert gradient[OTHERS].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize(("spec", "image"), NETWORKS.values(), ids=NETWORKS.keys())
def test_a_replicas_bits_do_not_depend_on_its_companions(spec, image, dtype):
    """In packs of one size and in the same slot."""
    pixels, labels = images(image, B, dtype)
    one, other = ([0, 1, 2, 3, seed] for seed in (4, 99))
    logits, gradients = outcome(build(spec, image, one), pixels, labels)
    others, others_gradients = outcome(build(spec, image, other), pixels, labels)
    assert torch.equal(logits[:4], others[:4])
    assert not torch.equal(logits[4], others[4])
    assert all(torch.equal(gradient[:4], others_gradients[name][:4]) for name, gradient in gradients.items())

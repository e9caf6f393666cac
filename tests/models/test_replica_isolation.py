"""A diverging replica changes no bit of the outputs and gradients of the others."""

from __future__ import annotations

from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scaling.architectures import AnyArchitecture, Lenet5
from scaling.models import build
from scaling.settings import ImageShape
from tests.models.networks import NETWORKS, USPS, VGGS, images

R, B = 5, 8
POISONED = 2
OTHERS = [r for r in range(R) if r != POISONED]


def outcome(module: nn.Module, pixels: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    module.zero_grad()
    logits = module(pixels)
    F.cross_entropy(logits.float().flatten(0, 1), labels.repeat(R), reduction="none").sum().backward()
    return logits.detach(), {name: weight.grad.clone() for name, weight in module.weights.items()}


@cache
def clean_outcome(
    spec: AnyArchitecture, image: ImageShape, dtype: torch.dtype
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the outcome of replicas with the seeds 0, 1, 2, 3 and 4."""
    return outcome(build(spec, image, range(R)), *images(image, B, dtype))


# A kernel may pad a group of an odd number of channels, in or out, with channels of the next group.
ODD = {
    f"{d1} to {d2} filters": (Lenet5(filters=d1, second_filters=d2, hidden=(7,)), USPS)
    for d1, d2 in [(1, 1), (1, 4), (2, 1), (3, 8), (4, 11), (5, 13)]
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize(
    ("spec", "image"), (NETWORKS | VGGS | ODD).values(), ids=(NETWORKS | VGGS | ODD).keys()
)
def test_nan_in_one_replica_changes_no_bit_of_the_others(spec, image, dtype):
    clean, clean_gradients = clean_outcome(spec, image, dtype)
    module = build(spec, image, range(R))
    for poison in (float("nan"), 1e38):
        for weight in module.weights.values():
            weight.data[POISONED] = poison
        logits, gradients = outcome(module, *images(image, B, dtype))
        assert not logits[POISONED].isfinite().all()
        assert torch.equal(logits[OTHERS], clean[OTHERS])
        for name, gradient in gradients.items():
            assert torch.equal(gradient[OTHERS], clean_gradients[name][OTHERS]), name
            assert gradient[OTHERS].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize(("spec", "image"), (NETWORKS | VGGS).values(), ids=(NETWORKS | VGGS).keys())
def test_the_bits_of_a_replica_do_not_depend_on_the_other_replicas(spec, image, dtype):
    """In packs of equal size and in the same slot."""
    logits, gradients = clean_outcome(spec, image, dtype)
    others, others_gradients = outcome(build(spec, image, [0, 1, 2, 3, 99]), *images(image, B, dtype))
    assert torch.equal(logits[:4], others[:4])
    assert not torch.equal(logits[4], others[4])
    assert all(torch.equal(gradient[:4], others_gradients[name][:4]) for name, gradient in gradients.items())

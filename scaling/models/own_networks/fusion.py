"""Choice between one call for all replicas and one call for each, by trying both against the plain module."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from scaling.architectures.own_networks.records import OwnNetworkError, ReplicaTraining
from scaling.architectures.own_networks.spec import OwnNetwork
from scaling.errors import shorten
from scaling.models.own_networks.load import blamed_on, make_network, seeded
from scaling.models.own_networks.replicas import PackedOwnModule
from scaling.settings import ImageShape

_SEEDS = (0, 1)
_BATCH = 4
_BOUND = 1e-10
"""Largest difference from the plain module in float64, relative to the largest number of a tensor."""
_FP32_BOUND = 1e-3
"""The same in fp32, for code that cannot compute in float64."""
_MAX_REASON = 120
_MOST_NUMBERS = 10**8
"""Most weights and layer outputs of a network that is tried. The trial keeps eight copies in float64."""


def choose_training(spec: OwnNetwork, image: ImageShape) -> ReplicaTraining:
    """Return how the replicas of a network are trained.

    Two networks make one step on a few images: as plain modules, fused, and one at a time. The logits, the
    gradients and the buffers of the packed networks must be those of the plain modules.

    Raises:
        OwnNetworkError: the initial weights do not follow from the seed, or the module cannot be packed.
    """
    counts = spec.counts(image)
    if sum(layer.parameters for layer in counts.layers) + _BATCH * counts.saved_numbers > _MOST_NUMBERS:
        return ReplicaTraining(is_fused=False, reason="it is too large to be tried", is_random=True)
    networks = _same_weights(spec, image)
    pixels = torch.randn(
        _BATCH, image.channels, image.side, image.side, generator=torch.Generator().manual_seed(0)
    )
    labels = torch.arange(_BATCH) % image.classes
    with warnings.catch_warnings(), blamed_on(spec, "a training step"):
        warnings.simplefilter("ignore")
        is_random = _draws(networks[0], pixels)
        if _draws(networks[0].eval(), pixels):
            raise OwnNetworkError(f"{spec.module}: the network draws random numbers in evaluation")
        networks[0].train()
        try:
            expected, bound = _plain(networks, pixels, labels, torch.float64, is_random=is_random), _BOUND
        except RuntimeError:  # code that makes fp32 tensors
            expected, bound = (
                _plain(networks, pixels, labels, torch.float32, is_random=is_random),
                _FP32_BOUND,
            )
    dtype = torch.float64 if bound == _BOUND else torch.float32
    reason = "it draws random numbers, each network its own"
    for is_fused in (False,) if is_random else (True, False):
        training = ReplicaTraining(is_fused=is_fused, reason="" if is_fused else reason, is_random=is_random)
        compute = partial(_packed, networks, training, pixels, labels, dtype)
        problem = _difference(compute, expected, bound)
        if not problem:
            return training
        reason = problem
    raise OwnNetworkError(f"{spec.module}: the network cannot be trained by torch.func: {reason}")


def _same_weights(spec: OwnNetwork, image: ImageShape) -> list[nn.Module]:
    """Return two networks, and check that each seed gives the same weights again."""
    networks, again = ([make_network(spec, image, seed) for seed in _SEEDS] for _ in range(2))
    for network in networks:
        lazy = [name for name, value in network.state_dict().items() if is_lazy(value)]
        if lazy:
            raise OwnNetworkError(
                f"{spec.module}: {lazy[0]} has no size yet; give the sizes of lazy modules, or call the"
                " network once on zeros in the factory"
            )
    for first, second in zip(networks, again, strict=True):
        ours, others = first.state_dict(), second.state_dict()
        differing = [name for name in ours if name not in others or not torch.equal(ours[name], others[name])]
        if differing:
            raise OwnNetworkError(
                f"{spec.module}: {differing[0]} differs between two networks of one seed; draw initial"
                " weights from torch's, NumPy's or Python's default generator"
            )
    return networks


def _draws(network: nn.Module, pixels: Tensor) -> bool:
    """Return whether a forward pass draws random numbers."""

    def states() -> tuple:
        _, keys, position, *_ = np.random.get_state(legacy=True)  # noqa: NPY002
        return torch.get_rng_state().tolist(), random.getstate(), np.asarray(keys).tolist(), position

    network = deepcopy(network)
    with seeded(0), torch.no_grad():
        before = states()
        network(pixels)
        return states() != before


def _plain(
    networks: Sequence[nn.Module], pixels: Tensor, labels: Tensor, dtype: torch.dtype, *, is_random: bool
) -> dict[str, Tensor]:
    """Return logits, gradients and buffers of plain modules, each alone."""
    results: list[dict[str, Tensor]] = []
    for seed, original in zip(_SEEDS, networks, strict=True):
        network = deepcopy(original).to(dtype)
        with seeded(f"seed {seed} step 0"):
            logits = network(pixels.to(dtype))
        torch.autograd.backward(F.cross_entropy(logits, labels))
        gradients = {
            f"gradient of {name}": parameter.grad
            for name, parameter in network.named_parameters()
            if parameter.grad is not None
        }
        with torch.inference_mode():
            evaluated = network.eval()(pixels.to(dtype))
        results.append(
            {"logits": logits.detach(), "logits in evaluation": evaluated}
            | gradients
            | {f"buffer {name}": buffer for name, buffer in network.named_buffers()}
        )
    return {name: torch.stack([result[name] for result in results]) for name in results[0]}


def _packed(
    networks: Sequence[nn.Module],
    training: ReplicaTraining,
    pixels: Tensor,
    labels: Tensor,
    dtype: torch.dtype,
) -> dict[str, Tensor]:
    """Return what ``_plain`` returns, of the packed networks."""
    packed = PackedOwnModule.of_networks([deepcopy(network) for network in networks], _SEEDS, training).to(
        dtype
    )
    logits = packed(pixels.to(dtype))
    torch.autograd.backward([F.cross_entropy(own, labels) for own in logits])
    with torch.inference_mode():
        evaluated = packed.eval()(pixels.to(dtype))
    return (
        {"logits": logits.detach(), "logits in evaluation": evaluated}
        | {
            f"gradient of {name}": parameter.grad
            for name, parameter in packed.weights.named_parameters()
            if parameter.grad is not None
        }
        | {f"buffer {name}": buffer for name, buffer in packed.weights.named_buffers()}
    )


def _difference(compute: Callable[[], dict[str, Tensor]], expected: dict[str, Tensor], bound: float) -> str:
    """Return in what packed networks differ from plain ones, or why they fail; empty if they are equal."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = compute()
    except Exception as error:  # anything that the user's code or vmap may raise
        return shorten(str(error).partition("\n")[0].strip() or type(error).__name__, _MAX_REASON)
    for name, value in expected.items():
        size = max(1.0, float(value.abs().max())) if value.numel() else 1.0
        if name not in results or results[name].shape != value.shape:
            return f"its {name} differ from those of the plain module"
        if float((results[name] - value).abs().max() if value.numel() else 0.0) > bound * size:
            return f"its {name} differ from those of the plain module"
    return ""

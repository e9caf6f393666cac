"""One network as users of torch write it, with the weights of this software, for the rivals of a pack.

Axes as in ``scaling.models.lenet5`` and ``scaling.models.tree3``.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from benchmarks.peer import LeNet5
from scaling.architectures import Lenet5, Tree3
from scaling.models import build, named_weights
from scaling.plan.packs import Pack

Pool = Callable[[Tensor], Tensor]

_LENET5_LAYERS = {"conv1": "conv1", "conv2": "conv2", "fc1": "hidden1", "fc2": "hidden2", "fc3": "readout"}
"""Names of this software's layers by those of the peer."""


def max_pool(maps: Tensor) -> Tensor:
    """Pool windows of 2x2 pixels."""
    return F.max_pool2d(maps, 2)


def compiled_max_pool(maps: Tensor) -> Tensor:
    """Pool as ``max_pool`` does, in operations that torch.compile fuses with their neighbours.

    The gradient of equal pixels is divided between them. ``amax`` would do the same in fewer operations, but
    compiled in bf16, it made the losses NaN.
    """
    top = torch.maximum(maps[..., ::2, ::2], maps[..., ::2, 1::2])
    return torch.maximum(top, torch.maximum(maps[..., 1::2, ::2], maps[..., 1::2, 1::2]))


class Lenet5Network(LeNet5):
    """The peer's LeNet-5, with the ReLU after the pooling and the readout in the precision of its weights."""

    def __init__(self, spec: Lenet5, channels: int, *, padding: int, pool: Pool) -> None:
        super().__init__(channels, spec.filters, spec.second_filters, seed=0, padding=padding)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.pool(self.conv1(x)))
        x = F.relu(self.pool(self.conv2(x)))
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        x = F.relu(self.fc2(x))
        return self.fc3(x.to(self.fc3.weight.dtype))


class Tree3Network(nn.Module):
    """Tree-3 with sigmoids and without biases, and with the readout in the precision of its weights."""

    def __init__(self, spec: Tree3, weights: dict[str, Tensor], *, pool: Pool) -> None:
        super().__init__()
        self.rows, self.pool = spec.rows, pool
        tree = rearrange(weights["tree_weight"], "C S K r c M -> M C K S r c")
        for name, weight in (weights | {"tree_weight": tree}).items():
            self.register_parameter(name, nn.Parameter(weight.clone(memory_format=torch.contiguous_format)))

    def forward(self, x: Tensor) -> Tensor:
        C = x.shape[1]
        x = F.conv2d(x, self.conv_weight.flatten(0, 1).unsqueeze(1), groups=C)
        x = rearrange(
            torch.sigmoid(self.pool(x)), "B (C K) (S row) col -> B C K S row col", C=C, row=self.rows
        )
        x = torch.sigmoid(torch.einsum("BCKSrc,MCKSrc->BMCS", x, self.tree_weight))
        return x.flatten(1).to(self.readout_weight.dtype) @ self.readout_weight


def initial_weights(pack: Pack) -> dict[str, Tensor]:
    """Return the initial weights of a pack by this software's names, with the replicas as the first axis."""
    cell = pack.cell
    networks = build(cell.architecture, cell.info.image, [run.seed for run in pack.replicas])
    return named_weights(networks)


def make_networks(pack: Pack, pool: Pool) -> list[nn.Module]:
    """Return each replica of a pack as a network of its own, with the same initial weights."""
    spec, image = pack.cell.architecture, pack.cell.info.image
    weights = initial_weights(pack)
    if isinstance(spec, Tree3):
        return [
            Tree3Network(spec, {name: weight[r] for name, weight in weights.items()}, pool=pool)
            for r in range(pack.size)
        ]
    networks = [
        Lenet5Network(spec, image.channels, padding=spec.padding(image), pool=pool) for _ in range(pack.size)
    ]
    copy_lenet5_weights(networks, weights)
    return networks


def make_plain_networks(pack: Pack) -> list[nn.Module]:
    """Return each replica of a pack as the tutorials' network: for LeNet-5, that of the peer."""
    spec, image = pack.cell.architecture, pack.cell.info.image
    if isinstance(spec, Tree3):
        return make_networks(pack, max_pool)
    networks = [
        LeNet5(image.channels, spec.filters, spec.second_filters, seed=0, padding=spec.padding(image))
        for _ in range(pack.size)
    ]
    copy_lenet5_weights(networks, initial_weights(pack))
    return networks


@torch.no_grad()
def copy_lenet5_weights(networks: list[LeNet5], weights: dict[str, Tensor]) -> None:
    """Copy the weights of all replicas, named as by this software, into the peer's networks."""
    for r, network in enumerate(networks):
        for name, parameter in network.named_parameters():
            layer, kind = name.split(".")
            parameter.copy_(weights[f"{_LENET5_LAYERS[layer]}_{kind}"][r])

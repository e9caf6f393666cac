"""Replicas of a user's own module: stacked parameters, and one call for all replicas or one for each.

Axes:
    R   replicas                     B   images in a batch
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, vmap

from scaling.architectures.own_networks.records import ReplicaTraining
from scaling.architectures.own_networks.spec import OwnNetwork
from scaling.models.own_networks.load import make_network, seeded
from scaling.settings import ImageShape

ROOT_LAYER = "self"
"""Name of the layer of the parameters that the module owns itself."""
_STEP = "random_step"
"""Buffer with the number of training steps of each replica."""


class PackedOwnModule(nn.Module):
    """R networks of a user's own from images to logits.

    ``weights`` is the user's module with the parameters and the buffers of all replicas, so that their names
    are those of the module itself. A network that draws random numbers in training draws them from
    generators that its seed and the number of the step determine, so that a training can be resumed.
    """

    def __init__(self, spec: OwnNetwork, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        networks = [make_network(spec, image, seed) for seed in seeds]
        self._set_up(networks, seeds, spec.replica_training(image))

    @classmethod
    def of_networks(
        cls, networks: Sequence[nn.Module], seeds: Sequence[int], training: ReplicaTraining
    ) -> PackedOwnModule:
        """Pack networks; the first one holds all weights afterwards.

        Args:
            networks: one network for each replica, from one factory.
            seeds: seed of each replica.
            training: how the replicas are trained.
        """
        packed = cls.__new__(cls)
        nn.Module.__init__(packed)
        packed._set_up(networks, seeds, training)
        return packed

    def _set_up(self, networks: Sequence[nn.Module], seeds: Sequence[int], training: ReplicaTraining) -> None:
        self.is_fused = training.is_fused and len(networks) > 1
        self.seeds = tuple(seeds)
        self.weights = _stack(networks)
        if training.is_random:
            self.register_buffer(_STEP, torch.zeros(len(networks), dtype=torch.int64))

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        image = rows_first(image)
        parameters, buffers = dict(self.weights.named_parameters()), dict(self.weights.named_buffers())
        if self.is_fused:
            return self._call_all(parameters, buffers, image)
        return self._call_each(parameters, buffers, image)

    def layer_weight(self, layer: str) -> nn.Parameter:
        """Return the parameter whose gradients are counted for a layer: its largest."""
        owner = self.weights if layer == ROOT_LAYER else self.weights.get_submodule(layer)
        return max(owner.parameters(recurse=False), key=Tensor.numel)

    def _call_all(
        self, parameters: dict[str, nn.Parameter], buffers: dict[str, Tensor], image: Tensor
    ) -> Tensor:
        def call(replica_parameters: Mapping[str, Tensor], replica_buffers: Mapping[str, Tensor]) -> tuple:
            tensors = {**replica_parameters, **replica_buffers}
            logits = functional_call(self.weights, tensors, (image,))
            return logits, {
                name: tensors[name] for name in buffers if tensors[name] is not replica_buffers[name]
            }

        logits: Tensor
        logits, replaced = vmap(call, in_dims=(0, 0), randomness="error")(parameters, buffers)
        self._keep(buffers, replaced)
        return logits

    def _call_each(
        self, parameters: dict[str, nn.Parameter], buffers: dict[str, Tensor], image: Tensor
    ) -> Tensor:
        # Of all replicas at once: the gradient of an index alone would be as large as that of all replicas.
        slices = {name: value.unbind() for name, value in parameters.items()}
        logits = []
        for r in range(len(self.seeds)):
            own_buffers = {name: value[r] for name, value in buffers.items()}
            tensors = {**{name: values[r] for name, values in slices.items()}, **own_buffers}
            with self._random_numbers(r):
                logits.append(functional_call(self.weights, tensors, (image,)))
            for name, value in own_buffers.items():
                if tensors[name] is not value:
                    self._keep({name: value}, {name: tensors[name]})
        if self.training and hasattr(self, _STEP):
            self.get_buffer(_STEP).add_(1)
        return torch.stack(logits)

    def _random_numbers(self, replica: int) -> AbstractContextManager[None]:
        """Seed the generators for the next step of a replica that draws random numbers."""
        if not (self.training and hasattr(self, _STEP)):
            return nullcontext()
        step = int(self.get_buffer(_STEP)[replica])
        return seeded(f"seed {self.seeds[replica]} step {step}")

    @torch.no_grad()
    def _keep(self, buffers: Mapping[str, Tensor], replaced: Mapping[str, Tensor]) -> None:
        """Store the values of buffers that a module has replaced rather than changed in place."""
        for name, value in replaced.items():
            buffers[name].copy_(value)


def rows_first(images: Float[Tensor, "B C side side"]) -> Float[Tensor, "B C side side"]:
    """Return images in torch's default order in memory, which a user's code expects, as ``view`` does.

    This package's batches are in channels_last, with which vmap is slower: a network of one convolution took
    2.4 times the time.
    """
    # A copy: images of one channel count as contiguous in both orders, and their strides decide.
    return images.clone(memory_format=torch.contiguous_format)


def _stack(networks: Sequence[nn.Module]) -> nn.Module:
    """Return the first network with the parameters and buffers of all networks along a new first axis."""
    stacked: dict[int, nn.Parameter | Tensor] = {}  # parameters that several modules share stay shared
    for members in zip(*(network.modules() for network in networks), strict=True):
        module = members[0]
        for name, parameter in module._parameters.items():
            if parameter is not None:
                values = torch.stack([member.get_parameter(name).detach() for member in members])
                new = nn.Parameter(values, requires_grad=parameter.requires_grad)
                module._parameters[name] = stacked.setdefault(id(parameter), new)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                values = torch.stack([member.get_buffer(name) for member in members])
                module._buffers[name] = stacked.setdefault(id(buffer), values)
    return networks[0]

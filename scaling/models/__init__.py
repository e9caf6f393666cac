"""Networks with a replica axis, in torch, and classifiers that are fitted in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Integer
from torch import Tensor, nn

from scaling.architectures import Architecture, LayerTable, network_path
from scaling.settings import ImageShape


@runtime_checkable
class FittedClassifier(Protocol):
    """A classifier that is fitted to all training images at once."""

    def fit(self, inputs: Float[np.ndarray, "images pixels"], labels: Integer[np.ndarray, " images"]) -> None:
        """Fit the classifier, on one thread."""

    def scores(self, inputs: Float[np.ndarray, "images pixels"]) -> Float[np.ndarray, "images classes"]:
        """Return a score for each class; the class with the highest is predicted."""

    def layer_table(self) -> LayerTable:
        """Return the layers, with the counts that only the fit determines."""


def build(spec: Architecture, image: ImageShape, seeds: Sequence[int]) -> nn.Module:
    """Build R = ``len(seeds)`` networks as one module: images [B, C, side, side] to logits [R, B, classes].

    The class that ``spec`` is registered with is called with the same arguments. Replica r must depend on
    ``seeds[r]`` alone; every parameter and buffer must have R as its first axis; nothing may reduce over it.
    The weights of a layer ``name`` of the layer table are in the parameter ``weights.{name}_weight``, or in
    the one that ``NamesLayerWeights`` tells.

    A module with ``described_layers`` (``scaling.models.described_layers``) can be trained in compiled steps.
    """
    network: nn.Module = _registered_class(spec)(spec, image, seeds)
    return network


@runtime_checkable
class NamesLayerWeights(Protocol):
    """A module whose layers' weights have other names than ``weights.{name}_weight``."""

    def layer_weight(self, layer: str) -> nn.Parameter:
        """Return the weights of a layer of the layer table: [R, ...]."""


def layer_weight(networks: nn.Module, layer: str) -> nn.Parameter:
    """Return the weights of a layer of the layer table, without its biases: [R, ...]."""
    if isinstance(networks, NamesLayerWeights):
        return networks.layer_weight(layer)
    return networks.get_parameter(f"weights.{layer}_weight")


def build_classifier(spec: Architecture, image: ImageShape) -> FittedClassifier:
    """Build the classifier of an architecture that has a ``fit_profile``.

    The class that ``spec`` is registered with is called with the same arguments. It must use no random
    numbers.

    Raises:
        UsageError: a package that the classifier needs is missing.
    """
    classifier: FittedClassifier = _registered_class(spec)(spec, image)
    return classifier


def named_weights(networks: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and the statistics of batch norm by name, with R as the first axis."""
    return {
        name.removeprefix("weights."): value.detach()
        for name, value in (*networks.named_parameters(), *networks.named_buffers())
    }


def _registered_class(spec: Architecture) -> Any:
    module, _, name = network_path(spec).partition(":")
    return getattr(import_module(module), name)


def trained_weights(networks: nn.Module) -> dict[str, Tensor]:
    """Return the parameters alone, with the names of ``named_weights``."""
    return {name.removeprefix("weights."): value.detach() for name, value in networks.named_parameters()}


def load_weights(networks: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy weights with the names and shapes of ``named_weights`` into networks."""
    for name, value in named_weights(networks).items():
        value.copy_(weights[name])

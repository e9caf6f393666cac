"""Records of the compiled steps: layers, and the arrays of a network.

All numbers are in arrays of vectors, [vectors, LANES].
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Kind(IntEnum):
    """Operation of a layer."""

    CONVOLUTION = 0
    """Windows with weights that all units of a map share."""
    LOCAL = 1
    """Windows with weights of their own; a fully connected layer has one window, which is the whole input."""
    SUBSAMPLING = 2
    """Sums of windows of 2x2 pixels."""
    DISTANCES = 3
    """Minus the squared distances of the whole input to constants."""


class Activation(IntEnum):
    """Activation of a layer."""

    LINEAR = 0
    TANH = 1
    SCALED_TANH = 2
    SIGMOID = 3


LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("kind", "activation", "reads_image"),
            # First vector of the input, and vectors from one map and one row to the next.
            *("input", "input_map", "input_row"),
            # The same for the output.
            *("output", "output_map", "output_row"),
            # Shape of the output.
            *("maps", "height", "width"),
            # Map m reads the input maps sources[starts[first + m] : starts[first + m + 1]].
            "first",
            # Window of a unit: height, width, and step between two windows.
            *("rows", "columns", "step"),
            # First vectors of the weights and the biases; -1 without any.
            *("weight", "bias", "bias_per_unit"),
        )
    ]
)
"""Layer as the compiled code reads it."""


class Network(NamedTuple):
    """Layers, and the input maps that each of their maps reads."""

    image: NDArray
    """Image as one layer, of which only the output matters."""
    layers: NDArray
    """Layers in order, as records of ``LAYER``."""
    sources: NDArray
    """Input maps of all output maps of all layers, one after the other."""
    starts: NDArray
    """First element of ``sources`` of each output map."""


class Vectors(NamedTuple):
    """Arrays of vectors: [vectors, LANES]."""

    weights: NDArray
    """Parameters, and then constants."""
    gradients: NDArray
    """Gradients of the parameters."""
    units: NDArray
    """Outputs of all layers, the image first. Maps whose reader has a border lie inside that border."""
    slopes: NDArray
    """Derivatives of the activations, in the places of ``units``."""
    deltas: NDArray
    """Derivatives of the loss with respect to the units, in their places."""

"""Training steps of up to eight replicas without a return to Python: forward, loss, backward, and update."""

from __future__ import annotations

from hashlib import sha256
from math import exp, log
from pathlib import Path
from typing import Any, NamedTuple, no_type_check

import numpy as np
from numba import njit
from numpy.typing import NDArray

from scaling.train.compiled_steps.kernels import backward, forward, inner_function
from scaling.train.compiled_steps.tile import (
    LANES,
    count,
    fill,
    load,
    multiply,
    multiply_add,
    store,
    subtract,
    zeros,
)


class Loss(NamedTuple):
    """Loss of a recipe."""

    is_mse: bool
    """True for the mean squared error, False for the cross entropy."""
    wrong: float
    """Target of the wrong classes."""
    correct: float
    """Target of the correct class."""


class Descent(NamedTuple):
    """Gradient descent, with or without momentum, weight decay and masks."""

    momentum: float
    """Momentum factor."""
    nesterov: bool
    """True for Nesterov momentum."""
    decays: NDArray
    """Weight decay of each lane, as one vector; without vectors, no weight decays."""
    momenta: NDArray
    """Momentum of each weight; without vectors, there is none."""
    masks: NDArray
    """Factor of each weight after a step; without vectors, there is none."""


class Batches(NamedTuple):
    """Images and labels of several steps."""

    images: NDArray
    """Pixels in the order of the first layer's input: [steps B, channels side, side]."""
    labels: NDArray
    """Class of each image."""
    rates: NDArray
    """Learning rate of each step and lane: [steps, LANES]."""


class Totals(NamedTuple):
    """Sums over the steps of an epoch: [LANES]."""

    loss: NDArray
    """Mean loss of each step."""
    correct: NDArray
    """Fraction of correct answers of each step."""


@no_type_check
@inner_function
def _show(network, vectors, image):
    """Write an image to the units that the first layer reads, in all lanes."""
    one, first = zeros(vectors.units, 1), network.image[0]
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            unit = first.output + row // first.height * first.output_map
            unit += row % first.height * first.output_row + column
            store(fill(one, image[row, column]), vectors.units, unit, 1)


@no_type_check
@inner_function
def _square_errors(network, vectors, loss, label, size, sums):
    """Add each lane's mean squared error over the classes, and write the deltas of the outputs."""
    layer = network.layers[-1]
    for m in range(layer.maps):
        target = loss.correct if m == label else loss.wrong
        for lane in range(LANES):
            error = vectors.units[layer.output + m, lane] - target
            sums[lane] += error * error / layer.maps
            vectors.deltas[layer.output + m, lane] = 2 * error / (layer.maps * size)


@no_type_check
@inner_function
def _cross_entropies(network, vectors, label, size, sums):
    """Add each lane's cross entropy, and write the deltas of the outputs."""
    layer = network.layers[-1]
    for lane in range(LANES):
        largest, total = -np.inf, 0.0
        for m in range(layer.maps):
            largest = max(largest, vectors.units[layer.output + m, lane])
        for m in range(layer.maps):
            total += exp(vectors.units[layer.output + m, lane] - largest)
        sums[lane] += log(total) - (vectors.units[layer.output + label, lane] - largest)
        for m in range(layer.maps):
            share = exp(vectors.units[layer.output + m, lane] - largest) / total
            vectors.deltas[layer.output + m, lane] = (share - (m == label)) / size


@no_type_check
@inner_function
def _count_correct(network, vectors, label, correct):
    """Count the lanes whose largest output is that of the correct class; NaN is the largest number."""
    layer = network.layers[-1]
    for lane in range(LANES):
        answer, largest = 0, vectors.units[layer.output, lane]
        for m in range(1, layer.maps):
            output = vectors.units[layer.output + m, lane]
            if output > largest or (np.isnan(output) and not np.isnan(largest)):
                answer, largest = m, output
        correct[lane] += answer == label


@no_type_check
@inner_function
def _update(tile, vectors, rates, step, descent, first, last):
    """Change the weights from ``first`` to ``last``, as ``scaling.train.optimisers`` does."""
    rate, momentum = load(zeros(rates, 1), rates, step, 1), fill(zeros(rates, 1), descent.momentum)
    for place in range(first, last, count(tile)):
        weights = load(tile, vectors.weights, place, 1)
        gradients = load(tile, vectors.gradients, place, 1)
        if len(descent.decays):
            decays = load(zeros(rates, 1), descent.decays, 0, 1)
            gradients = multiply_add(decays, weights, gradients)
        if len(descent.momenta):
            momenta = multiply_add(momentum, load(tile, descent.momenta, place, 1), gradients)
            store(momenta, descent.momenta, place, 1)
            gradients = multiply_add(momentum, momenta, gradients) if descent.nesterov else momenta
        weights = subtract(weights, multiply(rate, gradients))
        if len(descent.masks):
            weights = multiply(weights, load(tile, descent.masks, place, 1))
        store(weights, vectors.weights, place, 1)


def _define_run_steps(sources: int) -> Any:
    """Return the function that trains for the steps of some batches.

    Args:
        sources: hash of the source files. numba stores the compiled function, and compiles it again after a
            change of the file that defines it, but not after a change of the others. So the hash is part of
            what it is stored with.
    """

    @no_type_check
    @njit(cache=True, nogil=True, error_model="numpy")
    def run_steps(network, vectors, batches, loss, descent, totals):
        """Train for the steps of some batches. The gradients are those of the last step afterwards."""
        _ = sources
        size = len(batches.labels) // len(batches.rates)
        for step in range(len(batches.rates)):
            vectors.gradients[:] = 0
            sums, correct = np.zeros(LANES), np.zeros(LANES)
            for image in range(step * size, (step + 1) * size):
                _show(network, vectors, batches.images[image])
                forward(network, vectors)
                vectors.deltas[:] = 0
                label = batches.labels[image]
                if loss.is_mse:
                    _square_errors(network, vectors, loss, label, size, sums)
                else:
                    _cross_entropies(network, vectors, label, size, sums)
                _count_correct(network, vectors, label, correct)
                backward(network, vectors)
            for lane in range(LANES):
                totals.loss[lane] += sums[lane] / size
                totals.correct[lane] += correct[lane] / size
            trained = len(vectors.gradients)
            wide = trained // 4 * 4
            _update(zeros(vectors.units, 4), vectors, batches.rates, step, descent, 0, wide)
            _update(zeros(vectors.units, 1), vectors, batches.rates, step, descent, wide, trained)

    return run_steps


def _hash_sources() -> int:
    """Return a hash of the source files of this package."""
    content = b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
    return int.from_bytes(sha256(content).digest()[:7], "big")


run_steps = _define_run_steps(_hash_sources())
"""Train for the steps of some batches: ``(network, vectors, batches, loss, descent, totals)``."""

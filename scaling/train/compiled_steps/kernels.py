"""Layers of one image in all lanes, forward and backward, in loops that numba compiles."""

from __future__ import annotations

from typing import Any, no_type_check

from numba import njit

from scaling.train.compiled_steps.records import Activation, Kind
from scaling.train.compiled_steps.tile import (
    add,
    count,
    fill,
    load,
    multiply,
    multiply_add,
    sigmoid,
    store,
    subtract,
    tanh,
    total,
    zeros,
)

_OPTIONS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
inner_function: Any = njit(error_model="numpy", **_OPTIONS)
"""Decorator of functions that only compiled functions call; without wrappers, they compile faster."""

_SIGMOID_SIZE, _SIGMOID_SLOPE = 2 * 1.7159, 4 / 3
"""1.7159 tanh(2x/3) is a logistic function of 4x/3 in ``scaling.models.history.operations``, and here."""


@no_type_check
@inner_function
def forward(network, vectors):
    """Compute the units of all layers, and the slopes of their activations."""
    one, four = zeros(vectors.units, 1), zeros(vectors.units, 4)
    for number in range(len(network.layers)):
        layer = network.layers[number]
        if layer.kind == Kind.CONVOLUTION:
            wide = layer.width // 4 * 4
            _convolve(four, network, layer, vectors, 0, wide)
            _convolve(one, network, layer, vectors, wide, layer.width)
        elif layer.kind == Kind.LOCAL:
            _connect(network, layer, vectors)
        elif layer.kind == Kind.SUBSAMPLING:
            _subsample(network, layer, vectors)
        else:
            _measure_distances(layer, vectors)
        if layer.activation != Activation.LINEAR:
            _activate(layer, vectors)


@no_type_check
@inner_function
def backward(network, vectors):
    """Add the gradients of all weights; the deltas of the last layer are those of its outputs."""
    for number in range(len(network.layers) - 1, -1, -1):
        layer = network.layers[number]
        if layer.activation != Activation.LINEAR:
            _multiply_by_slopes(layer, vectors)
        if layer.bias >= 0:
            _add_bias_gradients(layer, vectors)
        if layer.kind == Kind.CONVOLUTION:
            if layer.columns == 5:
                _convolve_back(zeros(vectors.units, 5), network, layer, vectors)
            else:
                _convolve_back(zeros(vectors.units, 1), network, layer, vectors)
        elif layer.kind == Kind.LOCAL:
            _connect_back(network, layer, vectors)
        elif layer.kind == Kind.SUBSAMPLING:
            _subsample_back(network, layer, vectors)
        else:
            _measure_distances_back(layer, vectors)


@no_type_check
@inner_function
def _convolve(tile, network, layer, vectors, first, last):
    """Compute the columns from ``first`` to ``last`` of a convolution, as many at once as the tile has."""
    one = zeros(vectors.units, 1)
    for m in range(layer.maps):
        for y in range(layer.height):
            for x in range(first, last, count(tile)):
                sums = _load_biases(tile, layer, vectors, m, y, x)
                for n in range(network.starts[layer.first + m], network.starts[layer.first + m + 1]):
                    weight, unit = _kernel(network, layer, n), _window(network, layer, n, y, x)
                    for _ in range(layer.rows):
                        for j in range(layer.columns):
                            inputs = load(tile, vectors.units, unit + j, layer.step)
                            sums = multiply_add(load(one, vectors.weights, weight + j, 1), inputs, sums)
                        weight += layer.columns
                        unit += layer.input_row
                store(sums, vectors.units, _unit(layer, m, y, x), 1)


@no_type_check
@inner_function
def _convolve_back(tile, network, layer, vectors):
    """Add the gradients of a convolution, for as many columns of a kernel at once as the tile has."""
    one = zeros(vectors.units, 1)
    for m in range(layer.maps):
        for n in range(network.starts[layer.first + m], network.starts[layer.first + m + 1]):
            for i in range(layer.rows):
                for j in range(0, layer.columns, count(tile)):
                    weight = _kernel(network, layer, n) + i * layer.columns + j
                    unit = _window(network, layer, n, 0, 0) + i * layer.input_row + j
                    sums = load(tile, vectors.gradients, weight, 1)
                    for y in range(layer.height):
                        for x in range(layer.width):
                            delta = load(one, vectors.deltas, _unit(layer, m, y, x), 1)
                            place = unit + layer.step * (y * layer.input_row + x)
                            sums = multiply_add(delta, load(tile, vectors.units, place, 1), sums)
                    store(sums, vectors.gradients, weight, 1)
                    if not layer.reads_image:
                        # Down each column: windows of one column share no input in this row of the kernel,
                        # so that no addition waits for the one before.
                        weights = load(tile, vectors.weights, weight, 1)
                        for x in range(layer.width):
                            for y in range(layer.height):
                                delta = load(one, vectors.deltas, _unit(layer, m, y, x), 1)
                                place = unit + layer.step * (y * layer.input_row + x)
                                sums = load(tile, vectors.deltas, place, 1)
                                store(multiply_add(delta, weights, sums), vectors.deltas, place, 1)


@no_type_check
@inner_function
def _connect(network, layer, vectors):
    """Compute units with weights of their own."""
    one, four = zeros(vectors.units, 1), zeros(vectors.units, 4)
    wide, weight = layer.columns // 4 * 4, layer.weight
    for m in range(layer.maps):
        for y in range(layer.height):
            for x in range(layer.width):
                sums, wide_sums = _load_biases(one, layer, vectors, m, y, x), four
                for n in range(network.starts[layer.first + m], network.starts[layer.first + m + 1]):
                    unit = _window(network, layer, n, y, x)
                    for _ in range(layer.rows):
                        for j in range(0, wide, 4):
                            inputs = load(four, vectors.units, unit + j, 1)
                            weights = load(four, vectors.weights, weight + j, 1)
                            wide_sums = multiply_add(weights, inputs, wide_sums)
                        for j in range(wide, layer.columns):
                            inputs = load(one, vectors.units, unit + j, 1)
                            sums = multiply_add(load(one, vectors.weights, weight + j, 1), inputs, sums)
                        weight += layer.columns
                        unit += layer.input_row
                store(add(sums, total(wide_sums)), vectors.units, _unit(layer, m, y, x), 1)


@no_type_check
@inner_function
def _connect_back(network, layer, vectors):
    """Add the gradients of units with weights of their own."""
    one, four = zeros(vectors.units, 1), zeros(vectors.units, 4)
    wide, weight = layer.columns // 4 * 4, layer.weight
    for m in range(layer.maps):
        for y in range(layer.height):
            for x in range(layer.width):
                delta = load(one, vectors.deltas, _unit(layer, m, y, x), 1)
                for n in range(network.starts[layer.first + m], network.starts[layer.first + m + 1]):
                    unit = _window(network, layer, n, y, x)
                    for _ in range(layer.rows):
                        for j in range(0, wide, 4):
                            _connect_inputs_back(four, layer, vectors, delta, weight + j, unit + j)
                        for j in range(wide, layer.columns):
                            _connect_inputs_back(one, layer, vectors, delta, weight + j, unit + j)
                        weight += layer.columns
                        unit += layer.input_row


@no_type_check
@inner_function
def _connect_inputs_back(tile, layer, vectors, delta, weight, unit):
    """Add the gradients of adjacent inputs of one unit and of their weights."""
    gradients = load(tile, vectors.gradients, weight, 1)
    store(multiply_add(delta, load(tile, vectors.units, unit, 1), gradients), vectors.gradients, weight, 1)
    if not layer.reads_image:
        deltas = load(tile, vectors.deltas, unit, 1)
        store(multiply_add(delta, load(tile, vectors.weights, weight, 1), deltas), vectors.deltas, unit, 1)


@no_type_check
@inner_function
def _subsample(network, layer, vectors):
    """Compute sums of 2x2 pixels, times one coefficient per map, plus one bias; or averages without them."""
    one = zeros(vectors.units, 1)
    pair = zeros(vectors.units, 2)
    for m in range(layer.maps):
        coefficient = _load_coefficient(layer, vectors, m)
        for y in range(layer.height):
            for x in range(layer.width):
                unit = _window(network, layer, network.starts[layer.first + m], y, x)
                upper = load(pair, vectors.units, unit, 1)
                lower = load(pair, vectors.units, unit + layer.input_row, 1)
                bias = _load_biases(one, layer, vectors, m, y, x)
                sums = multiply_add(coefficient, total(add(upper, lower)), bias)
                store(sums, vectors.units, _unit(layer, m, y, x), 1)


@no_type_check
@inner_function
def _subsample_back(network, layer, vectors):
    """Add the gradients of sums of 2x2 pixels."""
    one, pair = zeros(vectors.units, 1), zeros(vectors.units, 2)
    for m in range(layer.maps):
        coefficient, gradient = _load_coefficient(layer, vectors, m), one
        for y in range(layer.height):
            for x in range(layer.width):
                delta = load(one, vectors.deltas, _unit(layer, m, y, x), 1)
                unit = _window(network, layer, network.starts[layer.first + m], y, x)
                upper = load(pair, vectors.units, unit, 1)
                lower = load(pair, vectors.units, unit + layer.input_row, 1)
                gradient = multiply_add(delta, total(add(upper, lower)), gradient)
                for row in (unit, unit + layer.input_row):
                    deltas = load(pair, vectors.deltas, row, 1)
                    store(add(multiply(delta, coefficient), deltas), vectors.deltas, row, 1)
        if layer.weight >= 0:
            gradient = add(gradient, load(one, vectors.gradients, layer.weight + m, 1))
            store(gradient, vectors.gradients, layer.weight + m, 1)


@no_type_check
@inner_function
def _load_coefficient(layer, vectors, m):
    one = zeros(vectors.units, 1)
    if layer.weight >= 0:
        return load(one, vectors.weights, layer.weight + m, 1)
    return fill(one, 0.25)


@no_type_check
@inner_function
def _measure_distances(layer, vectors):
    """Compute minus the squared distance of the inputs to each row of the weights."""
    one = zeros(vectors.units, 1)
    for m in range(layer.maps):
        distance = one
        for j in range(layer.columns):
            code = load(one, vectors.weights, layer.weight + m * layer.columns + j, 1)
            difference = subtract(load(one, vectors.units, layer.input + j, 1), code)
            distance = multiply_add(difference, difference, distance)
        store(subtract(one, distance), vectors.units, layer.output + m, 1)


@no_type_check
@inner_function
def _measure_distances_back(layer, vectors):
    """Add the gradients of the inputs; the rows of the weights are constants."""
    one = zeros(vectors.units, 1)
    for m in range(layer.maps):
        delta = load(one, vectors.deltas, layer.output + m, 1)
        for j in range(layer.columns):
            code = load(one, vectors.weights, layer.weight + m * layer.columns + j, 1)
            difference = subtract(code, load(one, vectors.units, layer.input + j, 1))
            gradient = load(one, vectors.deltas, layer.input + j, 1)
            gradient = multiply_add(add(delta, delta), difference, gradient)
            store(gradient, vectors.deltas, layer.input + j, 1)


@no_type_check
@inner_function
def _activate(layer, vectors):
    """Apply the activation to the sums of a layer."""
    one = zeros(vectors.units, 1)
    unity, size = fill(one, 1.0), fill(one, _SIGMOID_SIZE)
    for m in range(layer.maps):
        for y in range(layer.height):
            for unit in range(_unit(layer, m, y, 0), _unit(layer, m, y, layer.width)):
                sums = load(one, vectors.units, unit, 1)
                if layer.activation == Activation.TANH:
                    value = tanh(sums)
                    slope = subtract(unity, multiply(value, value))
                elif layer.activation == Activation.SIGMOID:
                    value = sigmoid(sums)
                    slope = multiply(value, subtract(unity, value))
                else:
                    value = sigmoid(multiply(sums, fill(one, _SIGMOID_SLOPE)))
                    slope = multiply(value, subtract(unity, value))
                    slope = multiply(slope, fill(one, _SIGMOID_SIZE * _SIGMOID_SLOPE))
                    value = multiply_add(value, size, fill(one, -_SIGMOID_SIZE / 2))
                store(value, vectors.units, unit, 1)
                store(slope, vectors.slopes, unit, 1)


@no_type_check
@inner_function
def _multiply_by_slopes(layer, vectors):
    """Turn the deltas of the outputs into those of the sums."""
    one = zeros(vectors.units, 1)
    for m in range(layer.maps):
        for y in range(layer.height):
            for unit in range(_unit(layer, m, y, 0), _unit(layer, m, y, layer.width)):
                slope = load(one, vectors.slopes, unit, 1)
                store(multiply(load(one, vectors.deltas, unit, 1), slope), vectors.deltas, unit, 1)


@no_type_check
@inner_function
def _add_bias_gradients(layer, vectors):
    """Add the gradients of the biases."""
    one = zeros(vectors.units, 1)
    for m in range(layer.maps):
        for y in range(layer.height):
            for x in range(layer.width):
                bias = _bias(layer, m, y, x)
                delta = load(one, vectors.deltas, _unit(layer, m, y, x), 1)
                store(add(load(one, vectors.gradients, bias, 1), delta), vectors.gradients, bias, 1)


@no_type_check
@inner_function
def _load_biases(tile, layer, vectors, m, y, x):
    """Return the biases of adjacent units of one row, or zeros."""
    if layer.bias < 0:
        return fill(tile, 0.0)
    if layer.bias_per_unit:
        return load(tile, vectors.weights, _bias(layer, m, y, x), 1)
    return add(fill(tile, 0.0), load(zeros(vectors.units, 1), vectors.weights, _bias(layer, m, y, x), 1))


@no_type_check
@inner_function
def _bias(layer, m, y, x):
    """Return the vector of a unit's bias."""
    return layer.bias + ((m * layer.height + y) * layer.width + x if layer.bias_per_unit else m)


@no_type_check
@inner_function
def _unit(layer, m, y, x):
    """Return the vector of an output."""
    return layer.output + m * layer.output_map + y * layer.output_row + x


@no_type_check
@inner_function
def _window(network, layer, n, y, x):
    """Return the vector of the first input of a window in the ``n``-th input map."""
    row = layer.input + network.sources[n] * layer.input_map + y * layer.step * layer.input_row
    return row + x * layer.step


@no_type_check
@inner_function
def _kernel(network, layer, n):
    """Return the vector of the first weight of the ``n``-th kernel."""
    return layer.weight + (n - network.starts[layer.first]) * layer.rows * layer.columns

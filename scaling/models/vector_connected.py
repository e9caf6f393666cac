"""Convolutions with maximum pooling whose strips are connected with units of their own, group by group.

The features of all groups fill more than the cache; those of one group are multiplied while they are in it.
"""

from __future__ import annotations

from typing import no_type_check

from scaling.models.vector_convolution import convolve_and_pool
from scaling.models.vector_dense_gradients import add_gradients
from scaling.models.vector_kernels import kernel
from scaling.models.vector_products import connect, connect_gradients


@no_type_check
@kernel
def convolve_and_connect(
    x, filters, taps_of_row, biases, groups, activation, pooled, strides, rows, winners,
    features, weights, unit_biases, out,
):  # fmt: skip
    """Convolve and pool, and connect each strip.

    Args:
        x, filters, taps_of_row, biases, groups, strides, rows, winners: as of
            ``vector_convolution.convolve_and_pool``.
        activation: number of the activation of the maps and of the units.
        pooled: pooled pixels, with the groups as the first axis, as an array of one axis; or those of one
            group, which the next group replaces.
        features: the same numbers: [G x strips, features, image], or [strips, features, image].
        weights: [G x strips, features, units].
        unit_biases: [G x strips, units].
        out: results: [G x strips, units, image].
    """
    G = len(filters)
    strips, unit_strides = len(weights) // G, (weights.shape[2], 1)
    kept = len(features) // strips
    size = len(pooled) // kept
    for g in range(G):
        first, end, n = g * strips, (g + 1) * strips, g % kept
        convolve_and_pool(
            x, filters, taps_of_row, biases, groups, activation, pooled[n * size : (n + 1) * size], strides,
            rows, winners, g, g + 1,
        )  # fmt: skip
        connect(
            features[n * strips : (n + 1) * strips], weights[first:end], unit_strides,
            unit_biases[first:end], activation, out[first:end],
        )  # fmt: skip


@no_type_check
@kernel
def add_connected_gradients(
    x, filters, groups, activation, pooled, d_pooled, strides, rows, winners, has_input, d, dx,
    d_filters, d_biases, features, weights, out, d_out, images, transposed, d_features, d_weights,
    d_unit_biases,
):  # fmt: skip
    """Compute the gradients of ``convolve_and_connect``; those of filters and biases are added.

    Args:
        x, filters, groups, strides, rows, winners, d, dx, d_filters, d_biases: as of
            ``vector_dense_gradients.add_gradients``.
        activation, pooled, features, weights, out: as above.
        d_pooled: work array: gradient of one group's pooled pixels.
        has_input: False; images have no gradient.
        d_out: gradient of ``out``; it is replaced by the gradient before the activation.
        images: number of images; the other lanes do not count.
        transposed: work array: [strips, images, units, or lanes if there are fewer].
        d_features: ``d_pooled`` as [strips, features, image].
        d_weights: gradient of the weights: [G x strips, features, units, or lanes if there are fewer].
        d_unit_biases: gradient of the units' biases: [G x strips, units].
    """
    G = winners.shape[1]
    strips, size, unit_strides = len(weights) // G, len(pooled) // G, (weights.shape[2], 1)
    for g in range(G):
        first, end = g * strips, (g + 1) * strips
        connect_gradients(
            features[first:end], weights[first:end], unit_strides, activation, out[first:end],
            d_out[first:end], images, transposed, True, d_features, d_weights[first:end],
            d_unit_biases[first:end],
        )  # fmt: skip
        add_gradients(
            x, filters, groups, activation, pooled[g * size : (g + 1) * size], d_pooled, strides,
            rows, winners, has_input, d, dx, d_filters, d_biases, g, g + 1,
        )  # fmt: skip

"""Memory that packs need, and the widths and the number of workers that fit into memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from heapq import nlargest
from itertools import accumulate, pairwise
from math import ceil

from scaling.architectures import Layer, LayerKind
from scaling.config import Cell
from scaling.config.recipe import Adam, AdamW
from scaling.plan.packs import PACK_SIZES, Pack, cell_pack_size
from scaling.plan.time_estimate import EVALUATION_BATCH, image_counts

MIB, GIB = 2**20, 2**30
WORKER_BYTES = 600 * MIB
"""Bytes of a worker before its first pack: the interpreter and the libraries' own data.

Their code is shared.
"""
FIRST_TRAINING_BYTES = {"bf16": 96 * MIB, "fp32": 48 * MIB}
"""Bytes that stay allocated after the first training of a process: compiled code and library buffers."""
ALLOCATOR_OVERHEAD = 1.45
"""Bytes that the allocator holds over bytes requested: gaps between tensors are not returned."""
CURVATURE_BATCH = 250
"""Images of a batch of the backward pass for the curvature, which keeps the results of all operations."""
_CURVATURE_NUMBERS = 14
"""Numbers in memory for each unit and image of a batch of the curvature.

Set here: a rounded measurement. The process grew by 4.4 numbers for lenet5, and by 10.1 to 12.9 for
zipcode1989, net5_1989 and lenet1.
"""


def memory_bytes(cell: Cell) -> int:
    """Return an upper bound of the bytes by which a worker grows when it trains a pack of the cell.

    The data set is not included: workers share it.
    """
    if profile := cell.architecture.fit_profile:
        trained, scored = image_counts(cell)
        return profile.memory_bytes(cell.info.image, trained=trained, scored=scored)
    return pack_bytes(cell, cell_pack_size(cell))


def max_filters(cell: Cell, limit: float) -> int:
    """Return the largest width below the cell's own whose pack needs at most ``limit`` bytes.

    The result is 0 if there is no such width.

    A wider network can need less memory, because fewer replicas train together. Among packs of one size it
    never does, so each pack size is searched.
    """

    step = cell.architecture.filter_step
    widths = range(step, cell.architecture.filters, step)

    def widest(size: int) -> int:
        return step * bisect_right(
            widths, limit, key=lambda filters: pack_bytes(cell.with_filters(filters), size)
        )

    for size in PACK_SIZES:
        filters = widest(size)
        if filters and cell_pack_size(cell.with_filters(filters)) <= size:
            return filters
    return 0


def peak_bytes(packs: Iterable[Pack], workers: int) -> int:
    """Return the most bytes that workers can hold at once.

    A worker keeps the memory that its largest pack needed.

    Args:
        packs: packs to train.
        workers: number of workers.
    """
    return sum(nlargest(workers, map(worker_bytes, packs)))


def max_workers(packs: Iterable[Pack], limit: float, cpus: int) -> int:
    """Return the number of workers, at most ``cpus``, that never need more than ``limit`` bytes together.

    The result is at least 1.
    """
    peaks = accumulate(nlargest(cpus, map(worker_bytes, packs)))
    return max(1, sum(peak <= limit for peak in peaks))


def worker_bytes(pack: Pack) -> int:
    """Return the bytes of a worker with a pack; a round of a pruning also computes the curvature, in fp32."""
    curvature = 0
    if pack.runs[0].pruning:
        units = sum(layer.units for layer in pack.cell.layer_table().layers)
        curvature = pack.size * CURVATURE_BATCH * units * _CURVATURE_NUMBERS * 4
    return WORKER_BYTES + memory_bytes(pack.cell) + curvature


def pack_bytes(cell: Cell, size: int) -> int:
    """Return an upper bound of the bytes for a pack of ``size`` replicas.

    Training and evaluation request tensors of different sizes, so neither can reuse all of the other's
    memory: both add up.
    """
    recipe, image = cell.recipe, cell.info.image
    item = 4 if recipe.precision == "fp32" else 2
    images = EVALUATION_BATCH * image.channels * image.side**2 * (4 + item)
    replica = _weight_bytes(cell, item) + _training_step_bytes(cell, item) + _evaluation_bytes(cell, item)
    compiler = cell.architecture.memory_profile.fp32_compiler_bytes if item == 4 else 0
    first = FIRST_TRAINING_BYTES[recipe.precision] + compiler
    return first + ceil(ALLOCATOR_OVERHEAD * (images + size * replica))


def _weight_bytes(cell: Cell, item: int) -> int:
    """Return the bytes of one replica's weights, gradients, moments and checkpoint.

    Weights are in fp32, with gradients, moments and an update, and a second time in the precision of the
    products. A checkpoint exists twice: as tensors and as a file.

    Args:
        cell: cell of the replica.
        item: bytes of a number in the recipe's precision.
    """
    moments = 2 if isinstance(cell.recipe.optimizer, Adam | AdamW) else 1
    return cell.layer_table().parameters * (4 * (3 + moments) + 2 * item + 2 * 4 * (1 + moments))


def _training_step_bytes(cell: Cell, item: int) -> int:
    """Return the bytes of one replica's layer outputs, gradients and pooling indices in a training step."""
    hidden = 2 * item * cell.architecture.hidden_numbers(cell.info.image)
    return cell.recipe.batch_size * sum(
        (
            (2 * item + _pooling_index_bytes(cell, layer, item)) * _output_units(cell, layer, item)
            for layer in cell.layer_table().layers
        ),
        start=hidden,
    )


def _evaluation_bytes(cell: Cell, item: int) -> int:
    """Return the bytes of one replica's largest layer with the next layer, and of all test logits."""
    copies = cell.architecture.memory_profile.fp32_evaluation_copies if item == 4 else 2
    layers = cell.layer_table().layers
    largest = max(
        (
            item * copies * _output_units(cell, layer, item)
            + (item + _pooling_index_bytes(cell, after, item)) * _output_units(cell, after, item)
            for layer, after in pairwise(layers)
        ),
        default=item * copies * _output_units(cell, layers[-1], item),
    )
    return EVALUATION_BATCH * largest + 4 * cell.info.image.classes * cell.info.test_images


def _output_units(cell: Cell, layer: Layer, item: int) -> int:
    """Return the numbers in a layer's output, with the feature maps that pad it."""
    multiple = cell.architecture.memory_profile.bf16_channel_multiple
    if item == 4 or not layer.is_feature_map:
        return layer.units
    channels = layer.shape[0]
    return layer.units // channels * (channels + -channels % multiple)


def _pooling_index_bytes(cell: Cell, layer: Layer, item: int) -> int:
    """Return the bytes per pooled pixel that name the largest pixel of its window."""
    if layer.kind is not LayerKind.POOLING:
        return 0
    return 8 if item == 4 else cell.architecture.memory_profile.bf16_pooling_index_bytes

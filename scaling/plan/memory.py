"""The memory that packs need, and the widths and the workers for which there is enough."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from heapq import nlargest
from itertools import accumulate, pairwise
from math import ceil

from scaling.architectures import Layer, Vgg
from scaling.config import Cell
from scaling.config.recipe import Adam, AdamW
from scaling.plan.packs import PACK_SIZES, Pack, pack_size
from scaling.plan.time_estimate import EVALUATION_BATCH

MIB, GIB = 2**20, 2**30
WORKER_BYTES = 600 * MIB
"""Of a worker before its first pack: the interpreter and the libraries' own data. Their code is shared."""
FIRST = {"bf16": 96 * MIB, "fp32": 48 * MIB}
"""What the first training of a process leaves behind, however small it is: compiled code and the libraries' buffers."""
SLACK = 1.45
"""Of what the allocator holds over what was asked for: holes between tensors, which it never gives back."""


def memory_bytes(cell: Cell) -> int:
    """By how much a worker grows that trains a pack, at most; the data, which workers share, are not in it."""
    return _pack(cell, pack_size(cell.layer_table()))


def max_filters(cell: Cell, limit: float) -> int:
    """The largest width below the cell's own, a pack of which needs at most ``limit`` bytes; 0 where none does."""

    def most(size: int) -> int:
        return bisect_right(
            range(1, cell.architecture.filters),
            limit,
            key=lambda filters: _pack(cell.with_filters(filters), size),
        )

    # A wider network may need less, because fewer of them train together. In packs of one size it never does, so each size is searched.
    found = ((size, most(size)) for size in PACK_SIZES)
    return next(
        (
            filters
            for size, filters in found
            if filters and pack_size(cell.with_filters(filters).layer_table()) <= size
        ),
        0,
    )


def peak_bytes(packs: Iterable[Pack], workers: int) -> int:
    """The most that so many workers hold at once, whoever gets which pack: a worker keeps what its largest pack needed."""
    return sum(nlargest(workers, map(_with_worker, packs)))


def workers(packs: Iterable[Pack], limit: float, cpus: int) -> int:
    """As many workers as there are cores, unless they could need more than ``limit`` bytes together; at least one."""
    peaks = accumulate(nlargest(cpus, map(_with_worker, packs)))
    fit = sum(peak <= limit for peak in peaks)
    return max(1, fit)


def _with_worker(pack: Pack) -> int:
    return WORKER_BYTES + memory_bytes(pack.cell)


def _pack(cell: Cell, size: int) -> int:
    """Training and evaluation want tensors of different sizes, so that neither can have all of the other's room: their sum is needed."""
    recipe, image = cell.recipe, cell.info.image
    number = 4 if recipe.precision == "fp32" else 2
    images = EVALUATION_BATCH * image.channels * image.side**2 * (4 + number)
    return FIRST[recipe.precision] + ceil(
        SLACK * (images + size * (_weights(cell, number) + _step(cell, number) + _evaluation(cell, number)))
    )


def _weights(cell: Cell, number: int) -> int:
    """Of one replica: in fp32 with gradients, moments and an update, and as they are multiplied with; and twice what a checkpoint holds, as
    tensors and as a file."""
    moments = 2 if isinstance(cell.recipe.optimizer, Adam | AdamW) else 1
    return cell.layer_table().parameters * (4 * (3 + moments) + 2 * number + 2 * 4 * (1 + moments))


def _step(cell: Cell, number: int) -> int:
    """Of one replica: each layer's output and its gradient, and who won each window of the pooling."""
    layers = cell.layer_table().layers
    return cell.recipe.batch_size * sum(
        (2 * number + _winner(cell, layer, number)) * _units(cell, layer, number) for layer in layers
    )


def _evaluation(cell: Cell, number: int) -> int:
    """Of one replica: the largest layer beside the one that follows it, and the logits that are kept of all images."""
    # bf16 maps are written anew in the order in which they are pooled; VGG has what a convolution saw until its maps are normalised.
    copies = 1 if number == 4 and not isinstance(cell.architecture, Vgg) else 2
    largest = max(
        number * copies * _units(cell, layer, number)
        + (number + _winner(cell, after, number)) * _units(cell, after, number)
        for layer, after in pairwise(cell.layer_table().layers)
    )
    return EVALUATION_BATCH * largest + 4 * cell.info.image.classes * cell.info.test_images


def _units(cell: Cell, layer: Layer, number: int) -> int:
    """Numbers of a layer's output: all of VGG's maps are filled up to a multiple of 4 a replica in bf16, of other networks few are."""
    filled = number == 2 and isinstance(cell.architecture, Vgg) and len(layer.shape) == 3
    return layer.units // layer.shape[0] * (layer.shape[0] + -layer.shape[0] % 4) if filled else layer.units


def _winner(cell: Cell, layer: Layer, number: int) -> int:
    """Bytes that name the largest pixel of a window: torch takes eight, and ``fast`` one."""
    return (
        0
        if not layer.name.startswith("pool")
        else 8
        if number == 4 or isinstance(cell.architecture, Vgg)
        else 1
    )

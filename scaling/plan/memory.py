"""Memory that packs need, and the widths and the number of workers that fit into memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from heapq import nlargest
from itertools import accumulate

from scaling.config import Cell
from scaling.plan.pack_memory import MIB, pack_bytes
from scaling.plan.packs import PACK_SIZES, Pack, cell_pack_size
from scaling.plan.time_estimate import image_counts

GIB = 2**30
WORKER_BYTES = 600 * MIB
"""Bytes of a worker before its first pack: the interpreter and the libraries' own data.

Their code is shared.
"""
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

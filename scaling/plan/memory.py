"""The memory that a pack needs, and the widths for which there is enough."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from scaling.config import Cell
from scaling.config.recipe import Adam, AdamW
from scaling.plan.cost import EVALUATION_BATCH
from scaling.plan.packs import SIZES, replicas

GIB = 2**30


def memory_bytes(cell: Cell) -> int:
    """The most that the tensors of a pack hold at once; data, which workers share, and the interpreter are not in it."""
    return replicas(cell.layers()) * _one(cell)


def most_filters(cell: Cell, limit: float) -> int:
    """The largest width below the cell's own, a pack of which needs at most ``limit`` bytes; 0 where none does."""

    def at(filters: int) -> Cell:
        return replace(cell, architecture=cell.architecture.at(filters))

    def most(size: int) -> int:
        return bisect_right(range(1, cell.architecture.filters), limit, key=lambda filters: size * _one(at(filters)))

    # A wider network may need less, because fewer of them train together. In packs of one size it never does, so each size is searched.
    found = ((size, most(size)) for size in SIZES)
    return next((filters for size, filters in found if filters and replicas(at(filters).layers()) <= size), 0)


def _one(cell: Cell) -> int:
    """One replica's share."""
    recipe, layers = cell.recipe, cell.layers()
    number = 4 if recipe.precision == "fp32" else 2
    moments = 2 if isinstance(recipe.optimizer, Adam | AdamW) else 1
    weights = layers.parameters * (4 * (2 + moments) + 2 * number)
    pixels = layers.image.channels * layers.image.side**2
    step = recipe.batch_size * (3 * number * layers.units + 8 * sum(layer.units for layer in layers.layers if layer.name.startswith("pool")))
    evaluation = EVALUATION_BATCH * number * 2 * max(pixels, *(layer.units for layer in layers.layers))
    return weights + max(step, evaluation) + 2 * 10 * cell.facts.test_images

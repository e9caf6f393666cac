"""Choice of the code that computes a training step; estimates of time and memory need it without torch."""

from __future__ import annotations

from scaling.config import Cell
from scaling.config.identity import SEEDS_PER_ORDER
from scaling.config.recipe import Sgd
from scaling.plan.lane_limit import lanes_are_faster

MAX_COMPILED_MACS = 1_000_000
"""Largest number of multiply-adds of a network that is trained in compiled steps.

Set here: wider networks fill torch's matrix products. ``python -m benchmarks single_images`` compares both
kinds of steps.
"""
COMPILED_REPLICAS = SEEDS_PER_ORDER
"""Number of replicas that compiled steps train at once: the lanes of a vector, and the largest pack."""
LANES = 16
"""Images of the longest vector."""
_MAX_BATCH = 100
"""Largest number of images of a step in a pack of 8; a smaller pack leaves lanes of the vectors empty."""


def trains_in_compiled_steps(cell: Cell, size: int) -> bool:
    """Return True if compiled steps train ``size`` replicas of a cell on a CPU, and False if torch does.

    The answer depends on the architecture, the recipe and the size of the pack alone.
    """
    recipe = cell.recipe
    return (
        cell.architecture.describes_layers
        and isinstance(recipe.optimizer, Sgd)
        and recipe.precision == "fp32"
        and not cell.architecture.parameter_scales(cell.info.image)
        and cell.layer_table().macs <= MAX_COMPILED_MACS
        and recipe.batch_size * COMPILED_REPLICAS <= _MAX_BATCH * size
    )


def has_image_lanes(cell: Cell) -> bool:
    """Return True if kernels with images as lanes compute the network on this machine."""
    filters = cell.architecture.lane_filters
    return filters is not None and (cell.recipe.precision == "fp32" or lanes_are_faster(filters))


def images_in_step(cell: Cell, size: int, images: int) -> int:
    """Return the number of images that a step computes for a batch of ``images``: it fills whole vectors.

    Args:
        cell: cell of the replicas.
        size: number of replicas.
        images: images of a batch, in training or in evaluation.
    """
    if has_image_lanes(cell) and not trains_in_compiled_steps(cell, size):
        return images_in_lanes(images)
    return images


def images_in_lanes(images: int) -> int:
    """Return the number of images in the vectors that hold ``images``."""
    return images + -images % LANES

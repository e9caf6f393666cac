"""What a pack costs: seconds on one core, and memory.

The seconds are a first guess until the machine has been measured: they were read off one core of a server processor with bf16 instructions.
"""

from __future__ import annotations

from scaling.config.recipe import Adam, AdamW
from scaling.plan.packs import Pack

PER_IMAGE_S = 8e-6
PER_UNIT_S = 6e-9
PER_MAC_S = 1.7e-11
FORWARD_SHARE = 0.3
"""Of a training step."""
START_S = 0.3
"""Of a pack: building, the first step, publishing."""

EVALUATION_BATCH = 500
"""Images."""


def seconds(pack: Pack) -> float:
    """One core's time for a pack."""
    cell, layers = pack.cell, pack.layers
    image_s = PER_IMAGE_S + PER_UNIT_S * layers.units + PER_MAC_S * layers.macs
    images = cell.dataset.used(cell.facts) + FORWARD_SHARE * (cell.facts.test_images + cell.dataset.validation)
    return START_S + cell.recipe.epochs * images * pack.size * image_s


def memory_bytes(pack: Pack) -> int:
    """The most that a pack's tensors hold at once; data, which workers share, and the interpreter are not in it."""
    recipe, layers = pack.cell.recipe, pack.layers
    number = 4 if recipe.precision == "fp32" else 2
    moments = 2 if isinstance(recipe.optimizer, Adam | AdamW) else 1
    weights = layers.parameters * (4 * (2 + moments) + 2 * number)
    pixels = layers.image.channels * layers.image.side**2
    step = recipe.batch_size * (3 * number * layers.units + 8 * sum(layer.units for layer in layers.layers if layer.name.startswith("pool")))
    evaluation = EVALUATION_BATCH * number * 2 * max(pixels, *(layer.units for layer in layers.layers))
    return pack.size * (weights + max(step, evaluation) + 2 * 10 * pack.cell.facts.test_images)

"""What a pack costs: seconds on one core.

A first guess until the machine has been measured: the numbers were read off one core of a server processor with bf16 instructions.
"""

from __future__ import annotations

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

"""Choice between compiled steps and steps in torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from scaling.config.recipe import Sgd
from scaling.models.described_layers import DescribesLayers
from scaling.plan import Pack
from scaling.train.optimisers import PackOptimiser

if TYPE_CHECKING:
    from scaling.train.compiled_steps.engine import CompiledSteps

_MAX_MACS = 1_000_000
"""Largest number of multiply-adds of a network that is trained in compiled steps.

Set here: a rounded measurement. Up to this number, compiled steps of one image took packs of 8 at most 0.35
times as long as steps in torch, and those of 100 images at most 1.15 times. Wider networks fill torch's
matrix products.
"""
_MAX_BATCH = 100
"""Largest number of images of a step in a pack of 8; a smaller pack leaves lanes of the vectors empty."""
_CALL_MACS = 10**8
"""Multiply-adds of the forward pass of one replica in one call: about a tenth of a second."""
_CALL_IMAGES = 1000
"""Largest number of images in one call of several steps."""


def compile_steps(pack: Pack, networks: nn.Module, optimiser: PackOptimiser) -> CompiledSteps | None:
    """Return the compiled steps of a pack; None if torch trains it.

    The answer depends on the architecture, the recipe, the size of the pack and the device alone.

    Args:
        pack: pack to train.
        networks: its networks.
        optimiser: their optimiser.
    """
    cell, recipe = pack.cell, pack.cell.recipe
    is_supported = (
        isinstance(networks, DescribesLayers)
        and isinstance(recipe.optimizer, Sgd)
        and recipe.precision == "fp32"
        and next(networks.parameters()).device.type == "cpu"
        and not cell.architecture.parameter_scales(cell.info.image)
    )
    if not is_supported or pack.layer_table.macs > _MAX_MACS:
        return None
    # Only now, because other trainings need no compiler.
    from scaling.train.compiled_steps.engine import CompiledSteps
    from scaling.train.compiled_steps.tile import LANES

    if pack.size > LANES or recipe.batch_size * LANES > _MAX_BATCH * pack.size:
        return None
    images = min(_CALL_IMAGES, _CALL_MACS // pack.layer_table.macs)
    return CompiledSteps(
        networks,
        cell.info.image,
        recipe,
        optimiser,
        steps_per_call=max(1, images // recipe.batch_size),
    )

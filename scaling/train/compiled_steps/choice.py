"""Choice between compiled steps and steps in torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from torch import nn

from scaling.plan import Pack
from scaling.plan.step_choice import trains_in_compiled_steps
from scaling.train.optimisers import PackOptimiser

if TYPE_CHECKING:
    from scaling.train.compiled_steps.engine import CompiledSteps

_CALL_MACS = 10**8
"""Multiply-adds of the forward pass of one replica in one call: about a tenth of a second."""
_CALL_IMAGES = 1000
"""Largest number of images in one call of several steps."""

_uses_torch_only = ContextVar("uses_torch_only", default=False)


@contextmanager
def steps_in_torch() -> Iterator[None]:
    """Train in torch inside the block, also where compiled steps would be chosen."""
    token = _uses_torch_only.set(True)
    try:
        yield
    finally:
        _uses_torch_only.reset(token)


def compile_steps(pack: Pack, networks: nn.Module, optimiser: PackOptimiser) -> CompiledSteps | None:
    """Return the compiled steps of a pack; None if torch trains it.

    Args:
        pack: pack to train.
        networks: its networks.
        optimiser: their optimiser.
    """
    cell, recipe = pack.cell, pack.cell.recipe
    on_cpu = next(networks.parameters()).device.type == "cpu"
    if not on_cpu or _uses_torch_only.get() or not trains_in_compiled_steps(cell, pack.size):
        return None
    # Only now, because other trainings need no compiler.
    from scaling.train.compiled_steps.engine import CompiledSteps

    return CompiledSteps(
        networks,
        cell.info.image,
        recipe,
        optimiser,
        steps_per_call=max(1, images_per_call(pack.layer_table.macs) // recipe.batch_size),
    )


def images_per_call(macs: int) -> int:
    """Return the number of images in a call of compiled steps, for networks with so many multiply-adds."""
    return min(_CALL_IMAGES, _CALL_MACS // macs)

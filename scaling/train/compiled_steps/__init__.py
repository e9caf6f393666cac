"""Training steps in one compiled loop, in which each replica of a pack is one lane of the vectors.

They train the networks that describe their layers (``scaling.models.described_layers``). The networks' own
operations in torch are the reference. A step on one image takes torch about a hundred small operations, whose
start costs ten times as long as the arithmetic.
"""

from __future__ import annotations

from scaling.train.compiled_steps.choice import compile_steps, images_per_call, steps_in_torch

__all__ = ["compile_steps", "images_per_call", "steps_in_torch"]

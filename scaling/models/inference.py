"""Outputs of one network for a batch of images, as an array."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn


@torch.inference_mode()
def infer(network: nn.Module, images: Float[Tensor, "B C side side"]) -> Float[np.ndarray, "B classes"]:
    """Return the logits of a module of one replica.

    Args:
        network: module in evaluation mode.
        images: normalised images.
    """
    logits: Tensor = network(images)
    return logits[0].float().numpy()

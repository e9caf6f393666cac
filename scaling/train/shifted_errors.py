"""Errors of stored networks on shifted test images.

Set here: pixels that a shift moves in have the value 0, the background of the digits, and pixels that it
moves out are lost. Networks classify in fp32, also those that were trained in bf16.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from scaling.data import LoadedDataset
from scaling.data.affine import transform
from scaling.data.minibatches import evaluation_batches, to_device
from scaling.data.normalise import PixelMoments
from scaling.datasets import Shift

_IMAGES_PER_BATCH = 250


@torch.inference_mode()
def measure_shifted_errors(
    networks: nn.Module,
    dataset: LoadedDataset,
    *,
    input_range: tuple[float, float] | None,
    shifts: tuple[Shift, ...],
) -> Float[np.ndarray, "shifts R"]:
    """Return the test error of each replica for each shift of the test images.

    Args:
        networks: module in evaluation mode.
        dataset: its data set.
        input_range: recipe's setting, which determines the normalisation.
        shifts: shifts.
    """
    moments = PixelMoments.of_input(dataset, input_range)
    images, labels = to_device(dataset.test, torch.device("cpu"))
    errors = []
    for shift in shifts:
        batches = evaluation_batches(
            _shift_images(images, shift),
            mean=moments.mean,
            std=moments.std,
            dtype=torch.float32,
            size=_IMAGES_PER_BATCH,
        )
        wrong = [
            (networks(batch).argmax(dim=2) != batch_labels).sum(dim=1)
            for batch, batch_labels in zip(batches, torch.split(labels, _IMAGES_PER_BATCH), strict=True)
        ]
        errors.append(torch.stack(wrong).sum(dim=0).numpy() / len(labels))
    return np.stack(errors)


def _shift_images(images: UInt8[Tensor, "n side side C"], shift: Shift) -> UInt8[Tensor, "n side side C"]:
    n = len(images)
    return transform(
        images,
        translation=torch.tensor([shift.right, shift.down], dtype=torch.float32).expand(n, 2),
        size=torch.ones(n, 2),
        shear=torch.zeros(n),
    )

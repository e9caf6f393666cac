"""The single layer Net-1 has a quadratic error, so the largest learning rate of gradient descent is known."""

from __future__ import annotations

from itertools import pairwise

import torch

from scaling.architectures import Net1
from scaling.config.recipe import Constant, Sgd
from scaling.train import train
from scaling.train.device_data import load_on_device
from tests.train.tiny_packs import cell, few_images, loaded_dataset, pack

NET = Net1(filters=1)
SET = few_images(NET)
GRADIENT_DESCENT = {
    "loss": "mse",
    "optimizer": Sgd(momentum=0.0, nesterov=False),
    "schedule": Constant(),
    "batch_size": SET.size,
    "epochs": 15,
}


def largest_eigenvalue() -> float:
    """Return the largest eigenvalue of the Hessian, which is 2/10 of the mean outer product of the inputs."""
    split = load_on_device(loaded_dataset(SET), torch.device("cpu")).train_split(
        cell(NET, SET, learning_rate=1.0).recipe
    )
    pixels = torch.cat([images for images, _ in split.batches(SET.size)]).flatten(1).double()
    inputs = torch.cat([pixels, torch.ones(len(pixels), 1)], dim=1)
    return 2 / 10 * torch.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[-1].item()


def test_gradient_descent_diverges_above_two_over_the_largest_eigenvalue():
    """At 0.9 of the bound the error falls at each step; at 2 of it, one part is multiplied by -3."""
    bound = 2 / largest_eigenvalue()
    below, above = (cell(NET, SET, learning_rate=f * bound, **GRADIENT_DESCENT) for f in (0.9, 2))
    result = train(pack(below, above), loaded_dataset(SET), device="cpu")
    for earlier, later in pairwise(epoch.train_loss for epoch in result.history):
        assert (later[::2] < earlier[::2]).all()
    assert not result.diverged[::2].any()
    assert result.diverged[1::2].all()

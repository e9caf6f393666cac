"""Measurement of the time of a user's own network on this machine, for the plan."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import process_time

import torch

from scaling.architectures import OwnNetwork, StepTimes
from scaling.config.recipe import Sgd
from scaling.models import build
from scaling.plan.packs import pack_size
from scaling.settings import ImageShape
from scaling.train.module import losses
from scaling.train.optimisers import PackOptimiser
from scaling.train.runtime import training_runtime

_BATCHES = (25, 100)
"""Images of the two steps between which the time of a step is taken as linear."""
_BUDGET_S = 0.1
"""Seconds after which a measurement is not repeated."""
_REPETITIONS = 5
_HOOKS_S = 1e-3
"""Seconds of a step of Lightning's loop besides the network's. Set here: a rounded measurement."""
_MIN_SHARE = 0.01
"""Least share of a step that its images, and that the step itself, take."""


def measure(spec: OwnNetwork, image: ImageShape) -> StepTimes:
    """Measure a network in a pack of canonical size, in seconds of one core of the CPU.

    Raises:
        OwnNetworkError: the code of the network cannot be used.
    """
    size = 1 if spec.trains_itself else pack_size(spec.layer_table(image))
    with training_runtime():
        networks = build(spec, image, range(size))
        optimiser = PackOptimiser(
            networks.parameters(), Sgd(), learning_rates=[1e-3] * size, weight_decays=[0.0] * size
        )

        def step(images: int) -> Callable[[], None]:
            pixels, labels = _images(images, image)

            def train() -> None:
                optimiser.zero_grad()
                torch.autograd.backward(losses(networks(pixels), labels, "cross_entropy").sum())
                optimiser.step()

            return train

        small, large = _BATCHES
        small_s, large_s = (_seconds(step(images)) for images in _BATCHES)
        networks.eval()
        pixels, _ = _images(large, image)
        with torch.inference_mode():
            evaluate_s = _seconds(lambda: networks(pixels)) / large
    image_s = max((large_s - small_s) / (large - small), _MIN_SHARE * large_s / large)
    step_s = max(small_s - small * image_s, _MIN_SHARE * small_s)
    if spec.trains_itself:  # through Lightning's hooks, and with an evaluation of the training images
        step_s, image_s = step_s + _HOOKS_S, image_s + evaluate_s
    return StepTimes(step_s=step_s, train_s=image_s / size, evaluate_s=evaluate_s / size)


def _images(count: int, image: ImageShape) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = torch.randn(
        count, image.channels, image.side, image.side, generator=torch.Generator().manual_seed(0)
    )
    return pixels, torch.arange(count) % image.classes


def _seconds(call: Callable[[], object]) -> float:
    """Return the seconds of a core of one call, after a first one."""
    call()
    seconds: list[float] = []
    while len(seconds) < _REPETITIONS and sum(seconds) < _BUDGET_S:
        start = process_time()
        call()
        seconds.append(process_time() - start)
    return median(seconds)

"""Measurement of the time of one classification, on one thread.

Set here: a picture of a digit has 60x40 pixels and is in memory already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scaling.architectures import Architecture
from scaling.data.derive import network_inputs
from scaling.data.normalise import PixelMoments, PixelNormaliser
from scaling.data.pictures import picture_to_image
from scaling.datasets import Dataset
from scaling.models import build
from scaling.models.feature_maps import load_network
from scaling.models.inference import infer
from scaling.settings import ImageShape
from scaling.train.runtime import training_runtime

BATCHES = (1, 100)
"""Numbers of digits that are classified at once."""
_MIN_S, _MIN_REPETITIONS = 0.3, 5
"""Least seconds and least repetitions of a measurement."""
_PICTURE_SIZE = (60, 40)
"""Height and width of a picture, in pixels."""


@dataclass(frozen=True, kw_only=True, eq=False)
class InferenceCase:
    """One network to measure."""

    architecture: Architecture
    image: ImageShape
    """Shape of the network's inputs."""
    dataset: Dataset
    """Data set of the inputs."""
    picture: ImageShape
    """Shape of the images of ``dataset.pictures``."""
    moments: PixelMoments
    """Constants of the normalisation of the pixels."""
    weights: bytes | None = None
    """Weights, as safetensors; None for initial weights."""


@dataclass(frozen=True, kw_only=True)
class InferenceTime:
    """Median times of one digit in a batch."""

    batch: int
    """Digits that are classified at once."""
    picture_s: float
    """Seconds from a picture to its class."""
    image_s: float
    """Seconds from an image with a size-normalised digit to its class."""


def measure_inference(case: InferenceCase) -> tuple[InferenceTime, ...]:
    """Measure a network for each number of ``BATCHES``.

    Raises:
        StoreError: the weights are damaged or belong to another network.
    """
    weights = case.weights
    network = (
        build(case.architecture, case.image, [0])
        if weights is None
        else load_network(case.architecture, case.image, weights)
    ).eval()
    picture, frame = _draw_zero(), case.dataset.pictures.digit_frame
    image = picture_to_image(picture, shape=case.picture, frame=frame)[np.newaxis]
    normalise = PixelNormaliser(
        torch.from_numpy(network_inputs(image, case.dataset)),
        mean=case.moments.mean,
        std=case.moments.std,
        dtype=torch.float32,
    )

    def classify_images(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        inputs = normalise(torch.from_numpy(network_inputs(images, case.dataset)))
        classes: NDArray[np.int64] = infer(network, inputs).argmax(axis=1)
        return classes

    def classify_pictures(pictures: list[Image.Image]) -> NDArray[np.int64]:
        images = [picture_to_image(picture, shape=case.picture, frame=frame) for picture in pictures]
        return classify_images(np.stack(images))

    def measure(batch: int) -> InferenceTime:
        pictures, images = [picture] * batch, image.repeat(batch, axis=0)
        return InferenceTime(
            batch=batch,
            picture_s=_median_seconds(lambda: classify_pictures(pictures)) / batch,
            image_s=_median_seconds(lambda: classify_images(images)) / batch,
        )

    with training_runtime():
        return tuple(measure(batch) for batch in BATCHES)


def _draw_zero() -> Image.Image:
    """Return a picture with the digit 0: an ellipse, dark on bright."""
    height, width = _PICTURE_SIZE
    row, column = np.mgrid[:height, :width]
    radius = np.hypot((row + 0.5) / height - 0.5, (column + 0.5) / width - 0.5)
    return Image.fromarray(np.where(np.abs(radius - 0.35) < 0.06, 0, 255).astype(np.uint8))


def _median_seconds(function: Callable[[], object]) -> float:
    """Return the median time of a call, after a first call that warms up."""
    function()
    seconds: list[float] = []
    while len(seconds) < _MIN_REPETITIONS or sum(seconds) < _MIN_S:
        start = perf_counter()
        function()
        seconds.append(perf_counter() - start)
    return median(seconds)

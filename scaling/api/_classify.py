"""Classification of picture files with a stored network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scaling.api._stored_network import StoredNetwork, load_stored_network
from scaling.api._workspace import Workspace
from scaling.config import Run
from scaling.datasets import DatasetInfo
from scaling.errors import PictureError, StoreError


@dataclass(frozen=True, kw_only=True)
class PictureClass:
    """Class of one picture."""

    file: Path
    label: int
    """Class with the largest output, as the data set's file labels it."""
    probability: float
    """Softmax of the outputs for ``label``."""
    second_label: int
    """Class with the second largest output, as the data set's file labels it."""
    second_probability: float
    """Softmax of the outputs for ``second_label``."""
    margin: float
    """Difference of the two largest outputs, before the softmax."""


@dataclass(frozen=True, kw_only=True)
class RefusedPicture:
    """A picture that was not classified."""

    file: Path
    reason: str


@dataclass(frozen=True, kw_only=True)
class Classification:
    """Classes of some pictures, and the pictures that were refused."""

    run: Run
    """Run whose network classified the pictures."""
    classes: tuple[PictureClass, ...]
    refused: tuple[RefusedPicture, ...]


def classify(
    files: Sequence[Path],
    run: str,
    workspace: Workspace | None = None,
    *,
    configs: Sequence[Path] = (),
) -> Classification:
    """Classify pictures of any size with a stored network.

    A picture for a network of digits shows one digit, dark on bright or bright on dark. ``docs/classify.md``
    describes how it becomes an image like those of the network's data set.

    Args:
        files: pictures in any format that Pillow reads.
        run: id of the run, or its beginning.
        workspace: stores and folders.
        configs: YAML files of studies that describe the run's data set, if the data set is not a published
            one.

    Raises:
        StoreError: there is no such run, or its weights were not stored.
        DataError: the data set is not on this machine.
        UsageError: the data set is unknown.
    """
    from scaling.data.pictures import read_image

    workspace = workspace or Workspace()
    network = load_stored_network(run, workspace, configs)
    pictures = network.dataset.pictures
    shape = pictures.info(workspace.data).image
    accepted: list[Path] = []
    images: list[NDArray[np.uint8]] = []
    refused: list[RefusedPicture] = []
    for file in files:
        try:
            images.append(read_image(file, shape=shape, frame=pictures.digit_frame))
        except PictureError as error:
            refused.append(RefusedPicture(file=file, reason=error.problem))
        else:
            accepted.append(file)
    logits = _logits(network, np.stack(images)) if images else ()
    return Classification(
        run=network.run,
        classes=tuple(
            _picture_class(file, outputs, network.loaded.info)
            for file, outputs in zip(accepted, logits, strict=True)
        ),
        refused=tuple(refused),
    )


def _logits(network: StoredNetwork, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    from scaling.data.derive import network_inputs
    from scaling.data.normalise import PixelMoments, normalise_images
    from scaling.models.feature_maps import load_network
    from scaling.models.inference import infer

    moments = PixelMoments.of_input(network.loaded, network.run.recipe.input_range)
    try:
        module = load_network(network.run.architecture, network.loaded.info.image, network.weights)
    except StoreError as error:
        raise StoreError(f"run {network.run.id}: {error}") from error
    return infer(module.eval(), normalise_images(network_inputs(images, network.dataset), moments))


def _picture_class(file: Path, logits: NDArray[np.float32], info: DatasetInfo) -> PictureClass:
    from scipy.special import softmax

    probabilities = softmax(logits.astype(np.float64))
    first, second = np.argsort(-logits, kind="stable")[:2].tolist()
    return PictureClass(
        file=file,
        label=info.label(first),
        probability=float(probabilities[first]),
        second_label=info.label(second),
        second_probability=float(probabilities[second]),
        margin=float(logits[first] - logits[second]),
    )

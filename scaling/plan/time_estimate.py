"""Estimated training time of a pack, in seconds on one core of a machine whose speed is known."""

from __future__ import annotations

from typing import NamedTuple

from scaling.config import Cell
from scaling.config.recipe import Sgd
from scaling.plan.packs import Pack
from scaling.plan.speed import NetworkKind, NetworkTime, Speed
from scaling.plan.speed_file import load_speed
from scaling.plan.step_choice import images_in_step, trains_in_compiled_steps

EVALUATION_BATCH = 500
"""Images in a batch of the evaluation."""
_CURVATURE_TIME = 2.0
"""Time of the curvature of an image over the time of a training step of an image.

Set here: a rounded measurement. The ratio was 1.6 to 2.3 for zipcode1989, net5_1989, lenet1, and lenet5 with
tanh and with relu.
"""
_EVALUATIONS_OF_A_ROUND = 3
"""Number of evaluations of a round of a pruning on all training images."""


class ImageCounts(NamedTuple):
    """Numbers of images."""

    trained: int
    evaluated: int
    """Test images and validation images."""


def pack_seconds(pack: Pack, speed: Speed | None = None) -> float:
    """Return the seconds of one core for a pack, from its claim to its publication.

    Args:
        pack: pack to train.
        speed: speed of the machine; by default of this machine.
    """
    speed = speed or load_speed()
    deletion_s = deletion_seconds(pack.cell, pack.size, speed) if pack.runs[0].pruning else 0.0
    return speed.pack_start_s + deletion_s + training_seconds(pack.cell, pack.size, speed)


def deletion_seconds(cell: Cell, size: int, speed: Speed) -> float:
    """Return the seconds of one core for a round of a pruning besides the retraining of ``size`` replicas.

    The round computes the curvature, and evaluates the networks on all training images: before the deletion,
    after the deletion, and after the retraining. All of this is computed in fp32.
    """
    images = size * cell.dataset.train_size(cell.info)
    image = cell.info.image
    kind = NetworkKind.of(cell.architecture, channels=image.channels, precision="fp32")
    time = speed.network_time(kind, cell.layer_table())
    return images * (_CURVATURE_TIME * time.train_s + _EVALUATIONS_OF_A_ROUND * time.evaluate_s)


def training_seconds(cell: Cell, size: int, speed: Speed) -> float:
    """Return the seconds of one core for training and evaluating ``size`` replicas of a cell."""
    recipe, image = cell.recipe, cell.info.image
    train_size, evaluated = image_counts(cell)
    if profile := cell.architecture.fit_profile:
        return profile.seconds(image, trained=train_size, scored=evaluated)
    time = _network_time(cell, size, speed)
    trained = recipe.images_per_epoch(train_size)
    steps = trained // recipe.batch_size
    computed = steps * images_in_step(cell, size, recipe.batch_size)
    return recipe.epochs * (
        speed.epoch_s
        + steps * (time.step_s + _update_seconds(cell, size, speed))
        + computed * size * time.train_s
        + trained * speed.augment_seconds(recipe.augmentation, image)
        + evaluated * size * time.evaluate_s
    )


def _network_time(cell: Cell, size: int, speed: Speed) -> NetworkTime:
    """Return the time of a network: its own where it was measured, or that of the most similar networks."""
    image = cell.info.image
    if measured := cell.architecture.step_times(image):
        return NetworkTime(measured.step_s, measured.train_s, measured.evaluate_s)
    kind = NetworkKind.of(
        cell.architecture,
        channels=image.channels,
        precision=cell.recipe.precision,
        compiled=trains_in_compiled_steps(cell, size),
    )
    return speed.network_time(kind, cell.layer_table())


def _update_seconds(cell: Cell, size: int, speed: Speed) -> float:
    """Return the seconds of a step that its optimiser adds to those of gradient descent."""
    if isinstance(cell.recipe.optimizer, Sgd):
        return 0.0
    table = cell.layer_table()
    tensors = 2 * sum(layer.parameters > 0 for layer in table.layers)  # weights and biases
    return tensors * speed.adam.tensor_s + size * table.parameters * speed.adam.number_s


def image_counts(cell: Cell) -> ImageCounts:
    """Return the numbers of images that a cell is trained on, and that it is evaluated on."""
    return ImageCounts(
        trained=cell.dataset.train_size(cell.info), evaluated=cell.info.test_images + cell.dataset.validation
    )

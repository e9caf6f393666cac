"""Rounds of deletion and retraining of the replicas of a pack.

Set here: each round deletes a fixed fraction of the weights that are left, biases included. Every retraining
starts with an optimiser without state, and repeats the minibatch order of the first epochs of its order.

The prediction neglects the gradient and all orders above the second. So it holds near a minimum and for small
deletions; the increase of a large deletion can be far larger than predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

import torch
from torch import Tensor, nn

from scaling.data import LoadedDataset
from scaling.errors import UsageError
from scaling.models import build, load_weights, named_weights, trained_weights
from scaling.plan import Pack
from scaling.train.device_data import load_on_device
from scaling.train.module import StartingPoint, evaluate
from scaling.train.pack import select_device, train
from scaling.train.pack_result import PackResult
from scaling.train.pruning.curvature import hessian_diagonal
from scaling.train.pruning.deletion import (
    Masks,
    apply_masks,
    delete,
    keep_all,
    random_scores,
    saliencies,
    sum_of_deleted,
)
from scaling.train.runtime import training_runtime

CURVATURE_BATCH = 250
"""Images of a batch of the backward pass for the curvature, which keeps the results of all operations."""

Method = Literal["saliency", "magnitude", "random"]
"""What decides which weights are deleted: Optimal Brain Damage, the absolute weight, or chance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PruningRound:
    """Results of one round, for all replicas of the pack."""

    parameters: int
    """Number of weights that each replica has left."""
    masks: Masks
    """True for the weights that are left."""
    predicted_increase: Tensor
    """Increase of the training error by the deletion, as the sum of the saliencies predicts: [R]."""
    increase: Tensor
    """Increase of the training error by the deletion, before the retraining: [R]."""
    train_mse: Tensor
    """Mean squared error on the training images after the retraining: [R]."""
    retrained: PackResult
    """Results of the retraining, with the test error and the mean squared error on the test images."""

    @property
    def test_mse(self) -> Tensor:
        """Mean squared error on the test images after the retraining: [R]."""
        return self.retrained.history[-1].test_loss

    @property
    def test_error(self) -> Tensor:
        """Fraction of the test images that are misclassified after the retraining: [R]."""
        return 1 - self.retrained.history[-1].test_accuracy


def round_sizes(parameters: int, *, final: int, factor: float) -> list[int]:
    """Return the number of weights left after each round.

    Args:
        parameters: number of weights before the first round.
        final: number of weights after the last round.
        factor: weights left after a round over those before it, above 0 and below 1.
    """
    sizes = (round(parameters * factor**number) for number in range(1, parameters))
    return [*takewhile(lambda size: size > final, sizes), final]


def prune(
    pack: Pack,
    dataset: LoadedDataset,
    weights: dict[str, Tensor],
    *,
    sizes: Sequence[int],
    method: Method = "saliency",
    with_second_derivatives: bool = False,
    device: str = "auto",
) -> Iterator[PruningRound]:
    """Yield rounds in which weights of all replicas are deleted and the others are retrained.

    Args:
        pack: pack whose recipe retrains the networks in each round.
        dataset: data set of ``pack.cell``.
        weights: weights of the trained replicas by name, with R as the first axis.
        sizes: number of weights that each replica has left after each round, falling.
        method: what decides which weights are deleted.
        with_second_derivatives: use the curvature as published; see ``hessian_diagonal``.
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU if there is one.

    Raises:
        UsageError: the networks are not trained with the mean squared error, or have an operation without a
            rule for the curvature.
    """
    recipe = pack.cell.recipe
    if recipe.loss != "mse":
        raise UsageError(f"recipe.loss: pruning needs mse, whose curvature it computes, got {recipe.loss}")
    on_device = select_device(device)
    seeds = [run.seed for run in pack.replicas]
    networks = build(pack.cell.architecture, pack.cell.info.image, seeds).to(on_device)
    # Rounding to bf16 would be larger than the increases of the error that are measured.
    training = replace(load_on_device(dataset, on_device).train_split(recipe), dtype=torch.float32)
    masks = keep_all(trained_weights(networks))
    for size in sizes:
        with training_runtime():
            load_weights(networks, weights)
            mse = evaluate(networks, training, recipe).loss
            curvatures = hessian_diagonal(
                networks,
                training.batches(CURVATURE_BATCH),
                targets=recipe.targets,
                with_second_derivatives=with_second_derivatives,
            )
            predictions = saliencies(trained_weights(networks), curvatures)
            left = delete(masks, _scores(method, networks, predictions, seeds), keep=size)
            predicted_increase = sum_of_deleted(predictions, masks, left).cpu()
            masks = left
            start = StartingPoint(weights=apply_masks(named_weights(networks), masks), masks=masks)
            load_weights(networks, start.weights)
            increase = evaluate(networks, training, recipe).loss - mse
        retrained = train(pack, dataset, device=device, start=start)
        weights = {
            name: torch.stack([replica[name] for replica in retrained.weights]) for name in start.weights
        }
        with training_runtime():
            load_weights(networks, weights)
            train_mse = evaluate(networks, training, recipe).loss
        yield PruningRound(
            parameters=size,
            masks={name: mask.cpu() for name, mask in masks.items()},
            predicted_increase=predicted_increase,
            increase=increase,
            train_mse=train_mse,
            retrained=retrained,
        )


def _scores(
    method: Method, networks: nn.Module, predictions: dict[str, Tensor], seeds: Sequence[int]
) -> dict[str, Tensor]:
    """Return the scores by which a method ranks the weights; it deletes those with the lowest."""
    match method:
        case "saliency":
            return predictions
        case "magnitude":
            return {name: weight.abs() for name, weight in trained_weights(networks).items()}
        case "random":
            return random_scores(predictions, seeds)

"""One round of a pruning: deletion from the stored networks of a pack, and retraining.

Set here: every retraining starts with an optimiser without state, and repeats the minibatch order of the
first epochs of its order.

The prediction neglects the gradient and all orders above the second. So it holds near a minimum and for small
deletions; the increase of a large deletion can be far larger than predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from scaling.config.pruning import Pruning, PruningMethod
from scaling.config.recipe import Recipe
from scaling.data import LoadedDataset
from scaling.errors import StoreError, UsageError
from scaling.models import build, load_weights, named_weights, trained_weights
from scaling.models.stored_weights import decode_weights
from scaling.plan import Pack
from scaling.plan.memory import CURVATURE_BATCH
from scaling.store import Checkpoints, Reader
from scaling.train.device_data import DeviceSplit, load_on_device
from scaling.train.module import StartingPoint, evaluate
from scaling.train.pack import OnEpochEnd, OnStepEnd, select_device, train
from scaling.train.pack_result import PackResult, PruningResult
from scaling.train.pruning.curvature import hessian_diagonal
from scaling.train.pruning.deletion import (
    apply_masks,
    delete,
    keep_all,
    random_scores,
    saliencies,
    sum_of_deleted,
)
from scaling.train.runtime import training_runtime


def load_parents(pack: Pack, reader: Reader) -> StartingPoint:
    """Return the stored weights from which a round starts, for all replicas of a pack.

    A replica without a run is discarded after the training; it has the weights of the first run.

    Args:
        pack: pack of pruned networks.
        reader: stores that have the weights of the round before, or of the trained networks.

    Raises:
        StoreError: a network is not stored with its weights, or its weights are damaged.
    """
    stored = []
    runs = dict(zip(pack.slots, pack.runs, strict=True))
    for run in (runs.get(slot, pack.runs[0]) for slot in range(pack.size)):
        if run.parent is None:
            raise ValueError(f"run {run.id} is not pruned")
        encoded = reader.weights(run.parent.id)
        try:
            stored.append(decode_weights(encoded))
        except StoreError as error:
            raise StoreError(f"run {run.parent.id}: {error}") from error
    weights, masks = (
        {name: torch.stack([replica[name] for replica in replicas]) for name in replicas[0]}
        for replicas in ([network.weights for network in stored], [network.masks for network in stored])
    )
    return StartingPoint(weights=weights, masks=masks)


def train_round(
    pack: Pack,
    dataset: LoadedDataset,
    parents: StartingPoint,
    *,
    device: str = "auto",
    on_epoch_end: OnEpochEnd = lambda epoch: None,
    on_step_end: OnStepEnd = lambda: None,
    checkpoints: Checkpoints | None = None,
) -> PackResult:
    """Delete weights of all replicas of a pack, and retrain the others.

    Args:
        pack: pack of pruned networks, whose recipe retrains them.
        dataset: data set of ``pack.cell``.
        parents: networks before the round; without masks, all of their weights are left.
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU if there is one.
        on_epoch_end: called with the metrics of each epoch of the retraining.
        on_step_end: called after each step of the retraining; an exception stops it.
        checkpoints: checkpoints to resume from and to write.

    Raises:
        UsageError: the networks are not trained with the mean squared error, or have an operation without a
            rule for the curvature.
    """
    recipe, pruning = pack.cell.recipe, pack.runs[0].pruning
    if pruning is None:
        raise ValueError(f"run {pack.runs[0].id} is not pruned")
    if recipe.loss != "mse":
        raise UsageError(f"recipe.loss: pruning needs mse, whose curvature it computes, got {recipe.loss}")
    on_device = select_device(device)
    seeds = [run.seed for run in pack.replicas]
    networks = build(pack.cell.architecture, pack.cell.info.image, seeds).to(on_device)
    # Rounding to bf16 would be larger than the increases of the error that are measured.
    training = replace(load_on_device(dataset, on_device).train_split(recipe), dtype=torch.float32)
    with training_runtime():
        deletion = _delete(networks, training, parents, pruning=pruning, recipe=recipe, seeds=seeds)
    result = train(
        pack,
        dataset,
        device=device,
        on_epoch_end=on_epoch_end,
        on_step_end=on_step_end,
        checkpoints=checkpoints,
        start=deletion.start,
    )
    with training_runtime():
        last = {name: torch.stack([replica[name] for replica in result.weights]) for name in parents.weights}
        load_weights(networks, last)
        train_mse = evaluate(networks, training, recipe).loss
    return replace(
        result,
        pruning=PruningResult(
            masks={name: mask.cpu() for name, mask in deletion.start.masks.items()},
            predicted_increase=deletion.predicted_increase,
            measured_increase=deletion.measured_increase,
            train_mse=train_mse,
        ),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Deletion:
    """Networks after a deletion, and the increase of their training error."""

    start: StartingPoint
    predicted_increase: Tensor
    """Sum of the saliencies of the deleted weights: [R]."""
    measured_increase: Tensor
    """Increase of the mean squared error on the training images: [R]."""


def _delete(
    networks: nn.Module,
    training: DeviceSplit,
    parents: StartingPoint,
    *,
    pruning: Pruning,
    recipe: Recipe,
    seeds: Sequence[int],
) -> _Deletion:
    """Delete the weights with the lowest scores. The networks have the weights of the result afterwards."""
    load_weights(networks, parents.weights)
    weights = trained_weights(networks)
    masks = {name: mask.to(weights[name].device) for name, mask in parents.masks.items()}
    masks = masks or keep_all(weights)
    mse = evaluate(networks, training, recipe).loss
    curvatures = hessian_diagonal(networks, training.batches(CURVATURE_BATCH), targets=recipe.targets)
    predictions = saliencies(weights, curvatures)
    left = delete(masks, _scores(pruning.method, weights, predictions, seeds), keep=pruning.parameters_left)
    start = StartingPoint(weights=apply_masks(named_weights(networks), left), masks=left)
    load_weights(networks, start.weights)
    return _Deletion(
        start=start,
        predicted_increase=sum_of_deleted(predictions, masks, left).cpu(),
        measured_increase=evaluate(networks, training, recipe).loss - mse,
    )


def _scores(
    method: PruningMethod, weights: dict[str, Tensor], predictions: dict[str, Tensor], seeds: Sequence[int]
) -> dict[str, Tensor]:
    """Return the scores by which a method ranks the weights; it deletes those with the lowest."""
    match method:
        case "saliency":
            return predictions
        case "magnitude":
            return {name: weight.abs() for name, weight in weights.items()}
        case "random":
            return random_scores(predictions, seeds)

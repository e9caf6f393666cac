"""Rounds of deletion and retraining on a small pack."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from scaling.architectures import Lenet5
from scaling.config.pruning import METHODS, Pruning, PruningMethod
from scaling.errors import UsageError
from scaling.models import build, named_weights
from scaling.plan import Pack
from scaling.train import train
from scaling.train.module import StartingPoint
from scaling.train.pack_result import PackResult
from scaling.train.pruning import count_left, keep_all, train_round
from tests.train.tiny_packs import cell, loaded_dataset, pack

pytestmark = pytest.mark.simulation

SMALL = Lenet5(filters=2, convolutions=1, hidden=(9,), activation="tanh", pooling="average")
CELL = cell(SMALL, loss="mse", targets=(-1.0, 1.0), epochs=4, learning_rate=0.1)
ONE_EPOCH = cell(SMALL, loss="mse", targets=(-1.0, 1.0), epochs=1, learning_rate=0.05)
DATASET = loaded_dataset(CELL.dataset)
ALL = CELL.layer_table().parameters
SIZES = (ALL * 2 // 3, ALL // 3)


@cache
def trained() -> PackResult:
    return train(pack(CELL), DATASET, device="cpu")


def stacked(result: PackResult) -> dict[str, Tensor]:
    return {name: torch.stack([w[name] for w in result.weights]) for name in result.weights[0]}


def round_pack(method: PruningMethod, *sizes: int) -> Pack:
    """Return the pack of a round: the runs of the trained pack, with the pruning."""
    whole = pack(CELL)
    pruning = Pruning(method=method, sizes=sizes, recipe=ONE_EPOCH.recipe)
    runs = tuple(run.model_copy(update={"pruning": pruning}) for run in whole.runs)
    return replace(whole, cell=ONE_EPOCH, runs=runs)


@cache
def pruned(method: PruningMethod, *sizes: int) -> PackResult:
    if len(sizes) == 1:
        parents = StartingPoint(weights=stacked(trained()), masks={})
    else:
        before = pruned(method, *sizes[:-1])
        parents = StartingPoint(weights=stacked(before), masks=before.pruning.masks)
    return train_round(round_pack(method, *sizes), DATASET, parents, device="cpu")


@pytest.mark.parametrize("method", METHODS)
def test_retraining_keeps_deleted_weights_at_zero(method):
    earlier = keep_all(pruned(method, SIZES[0]).pruning.masks)
    for number, size in enumerate(SIZES if method == "saliency" else SIZES[:1], 1):
        result = pruned(method, *SIZES[:number])
        assert count_left(result.pruning.masks).tolist() == [size] * 8
        weights = stacked(result)
        for name, mask in result.pruning.masks.items():
            assert (mask <= earlier[name]).all()
            assert (weights[name][~mask] == 0).all()
            assert (weights[name][mask] != 0).all()
        earlier = result.pruning.masks


def test_no_choice_of_as_many_weights_has_a_smaller_predicted_increase():
    """The measured increases have no such order: the prediction is exact for small deletions only."""
    predicted = {method: pruned(method, SIZES[0]).pruning.predicted_increase for method in METHODS}
    assert all((predicted["saliency"] <= other).all() for other in predicted.values())


def test_the_retraining_has_the_learning_rate_of_its_own_recipe():
    """With the trained network's larger rate, one epoch from the same start would end elsewhere."""
    result, whole = pruned("magnitude", SIZES[0]), round_pack("magnitude", SIZES[0])
    masks = result.pruning.masks
    start = {name: value * masks.get(name, 1) for name, value in stacked(trained()).items()}
    runs = tuple(ONE_EPOCH.run(run.seed) for run in whole.runs)
    point = StartingPoint(weights=start, masks=masks)
    alone = stacked(train(replace(whole, runs=runs), DATASET, device="cpu", start=point))
    assert all(torch.equal(value, alone[name]) for name, value in stacked(result).items())


def test_a_start_without_deleted_weights_is_a_usual_start():
    """From the initial weights, with nothing deleted, training gives the bits of a usual training."""
    networks = build(SMALL, CELL.info.image, [run.seed for run in pack(CELL).replicas])
    initial = {name: weight.clone() for name, weight in named_weights(networks).items()}
    start = StartingPoint(weights=initial, masks=keep_all(initial))
    usual, started = (stacked(train(pack(ONE_EPOCH), DATASET, device="cpu", start=s)) for s in (None, start))
    assert all(torch.equal(value, started[name]) for name, value in usual.items())


def test_networks_trained_with_another_loss_are_refused():
    parents = StartingPoint(weights=stacked(trained()), masks={})
    with pytest.raises(UsageError, match=r"recipe\.loss: pruning needs mse"):
        train_round(replace(round_pack("saliency", ALL // 2), cell=cell(SMALL)), DATASET, parents)

"""Rounds of deletion and retraining on a small pack."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from scaling.architectures import Lenet5
from scaling.errors import UsageError
from scaling.models import build, named_weights
from scaling.train import train
from scaling.train.module import StartingPoint
from scaling.train.pack_result import PackResult
from scaling.train.pruning import Method, PruningRound, count_left, keep_all, prune, round_sizes
from tests.train.tiny_packs import cell, loaded_dataset, pack

SMALL = Lenet5(filters=2, convolutions=1, hidden=(9,), activation="tanh", pooling="average")
CELL = cell(SMALL, loss="mse", targets=(-1.0, 1.0), epochs=12, learning_rate=0.1)
ONE_EPOCH = cell(SMALL, loss="mse", targets=(-1.0, 1.0), epochs=1, learning_rate=0.05)
DATASET = loaded_dataset(CELL.dataset)
ALL = CELL.layer_table().parameters
SIZES = [ALL * 2 // 3, ALL // 3]


@cache
def trained() -> PackResult:
    return train(pack(CELL), DATASET, device="cpu")


def stacked(result: PackResult) -> dict[str, Tensor]:
    return {name: torch.stack([w[name] for w in result.weights]) for name in result.weights[0]}


@cache
def pruned(method: Method) -> list[PruningRound]:
    """Prune in two rounds, or in one by the methods to compare with."""
    sizes = SIZES if method == "saliency" else SIZES[:1]
    return list(prune(pack(ONE_EPOCH), DATASET, stacked(trained()), sizes=sizes, method=method, device="cpu"))


@pytest.mark.parametrize("method", ["saliency", "magnitude", "random"])
def test_retraining_keeps_deleted_weights_at_zero(method):
    earlier = keep_all(pruned(method)[0].masks)
    for size, result in zip(SIZES, pruned(method), strict=False):
        assert result.parameters == size
        assert count_left(result.masks).tolist() == [size] * 8
        weights = stacked(result.retrained)
        for name, mask in result.masks.items():
            assert (mask <= earlier[name]).all()
            assert (weights[name][~mask] == 0).all()
            assert (weights[name][mask] != 0).all()
        earlier = result.masks


def test_no_choice_of_as_many_weights_has_a_smaller_predicted_increase():
    """The measured increases have no such order: the prediction is exact for small deletions only."""
    predicted = {
        method: pruned(method)[0].predicted_increase for method in ("saliency", "magnitude", "random")
    }
    assert all((predicted["saliency"] <= other).all() for other in predicted.values())


def test_the_errors_after_retraining_are_those_of_its_last_epoch():
    (first, _), last = pruned("saliency"), pruned("saliency")[0].retrained.history[-1]
    assert torch.equal(first.test_mse, last.test_loss)
    assert torch.equal(first.test_error, 1 - last.test_accuracy)
    assert (first.train_mse < trained().history[0].train_loss).all()


def test_a_start_without_deleted_weights_is_a_usual_start():
    """From the initial weights, with nothing deleted, training gives the bits of a usual training."""
    networks = build(SMALL, CELL.info.image, [run.seed for run in pack(CELL).replicas])
    initial = {name: weight.clone() for name, weight in named_weights(networks).items()}
    start = StartingPoint(weights=initial, masks=keep_all(initial))
    usual, started = (stacked(train(pack(ONE_EPOCH), DATASET, device="cpu", start=s)) for s in (None, start))
    assert all(torch.equal(value, started[name]) for name, value in usual.items())


def test_networks_trained_with_another_loss_are_refused():
    with pytest.raises(UsageError, match=r"recipe\.loss: pruning needs mse"):
        next(prune(pack(cell(SMALL)), DATASET, stacked(trained()), sizes=SIZES, device="cpu"))


def test_sizes_of_rounds_fall_by_a_factor_to_the_final_size():
    assert round_sizes(1000, final=300, factor=0.5) == [500, 300]
    assert round_sizes(9760, final=2600, factor=0.8) == [7808, 6246, 4997, 3998, 3198, 2600]
    assert round_sizes(100, final=90, factor=0.5) == [90]

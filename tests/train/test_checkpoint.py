"""Checkpoints: a pack that was interrupted ends with the bits of an uninterrupted pack."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scaling.config.recipe import Adam, Cosine, Sgd
from scaling.store import Checkpoints, open_store
from scaling.train import EpochMetrics, train
from scaling.train.checkpoint import METRICS
from tests.train.tiny_packs import ALL, LENET, cell, few_images, loaded_dataset, pack


class Interrupted(Exception):
    """Raised in the middle of a training."""


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    monkeypatch.setattr("scaling.train.pack.CHECKPOINT_S", 0.0)


def stop_after(epochs: int):
    def on_epoch_end(epoch: EpochMetrics) -> None:
        if epoch.number == epochs:
            raise Interrupted

    return on_epoch_end


def interrupted(pack, checkpoints, epochs):
    with pytest.raises(Interrupted):
        train(
            pack,
            loaded_dataset(pack.cell.dataset),
            device="cpu",
            on_epoch_end=stop_after(epochs),
            checkpoints=checkpoints,
        )


RECIPES = {
    "sgd in bf16": {"precision": "bf16", "schedule": Cosine(), "weight_decay": 1e-3},
    "adam": {"optimizer": Adam(), "learning_rate": 0.003},
    "plain sgd": {"optimizer": Sgd(momentum=0.0, nesterov=False)},
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("architecture", ALL.values(), ids=ALL)
def test_a_resumed_pack_has_the_bits_of_an_uninterrupted_one(tmp_path, architecture, recipe):
    one_pack = pack(cell(architecture, few_images(architecture), epochs=4, **recipe))
    checkpoints = Checkpoints(open_store(tmp_path), one_pack.key)
    interrupted(one_pack, checkpoints, 1)
    interrupted(one_pack, checkpoints, 3)
    epochs = []
    resumed = train(
        one_pack,
        loaded_dataset(one_pack.cell.dataset),
        device="cpu",
        on_epoch_end=lambda epoch: epochs.append(epoch.number),
        checkpoints=checkpoints,
    )
    whole = train(one_pack, loaded_dataset(one_pack.cell.dataset), device="cpu")
    assert epochs == [4]
    assert np.array_equal(resumed.logits, whole.logits)
    assert all(
        torch.equal(weight, other[name])
        for one, other in zip(resumed.weights, whole.weights, strict=True)
        for name, weight in one.items()
    )
    for one, other in zip(resumed.history, whole.history, strict=True):
        for measure in set(METRICS) - {"wall_s"}:
            a, b = getattr(one, measure), getattr(other, measure)
            assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
            assert type(a) is type(b)


def test_two_checkpoints_are_kept_and_a_damaged_one_is_skipped(tmp_path):
    one_pack = pack(cell(dataset=few_images(LENET), epochs=5))
    checkpoints = Checkpoints(open_store(tmp_path), one_pack.key)
    interrupted(one_pack, checkpoints, 4)
    assert checkpoints.epochs() == [4, 3]
    newest = tmp_path / "checkpoints" / one_pack.key / "4.safetensors"
    newest.write_bytes(newest.read_bytes()[:100])
    epochs = []
    train(
        one_pack,
        loaded_dataset(one_pack.cell.dataset),
        device="cpu",
        on_epoch_end=lambda epoch: epochs.append(epoch.number),
        checkpoints=checkpoints,
    )
    assert epochs == [4, 5]
    checkpoints.clear()
    assert checkpoints.epochs() == []

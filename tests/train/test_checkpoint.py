"""Checkpoints: a pack that was interrupted ends with the bits of an uninterrupted pack."""

from __future__ import annotations

import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from scaling import interruption
from scaling.config.recipe import Adam, Cosine, Sgd
from scaling.store import Checkpoints, open_store
from scaling.store.paths import checkpoint_name
from scaling.train import module, train
from scaling.train.checkpoint import METRICS
from tests.own_specs import own_spec
from tests.train.tiny_packs import ALL, LENET, cell, few_images, loaded_dataset, pack

pytestmark = pytest.mark.simulation


def trained(one_pack, checkpoints=None):
    return train(one_pack, loaded_dataset(one_pack.cell.dataset), device="cpu", checkpoints=checkpoints)


def count_steps(monkeypatch, *, sigterm_in: int | None = None) -> list[int]:
    """Count the steps from now on, and let SIGTERM arrive in the middle of one of them."""
    steps: list[int] = []
    compute_gradients = module.PackModule._compute_gradients

    def count_step(self, images, labels):
        steps.append(len(steps) + 1)
        if steps[-1] == sigterm_in:
            signal.raise_signal(signal.SIGTERM)
        compute_gradients(self, images, labels)

    monkeypatch.setattr(module.PackModule, "_compute_gradients", count_step)
    return steps


def sigterm_in_evaluation(monkeypatch) -> None:
    evaluate = module.evaluate

    def interrupted_evaluate(networks, split, recipe):
        signal.raise_signal(signal.SIGTERM)
        return evaluate(networks, split, recipe)

    monkeypatch.setattr(module, "evaluate", interrupted_evaluate)


def interrupt(monkeypatch, one_pack, checkpoints, plant, **when) -> None:
    """Train until the signal that ``plant`` plants."""
    with monkeypatch.context() as patch, interruption.handled_signals():
        plant(patch, **when)
        with pytest.raises(interruption.Interrupted) as stop:
            trained(one_pack, checkpoints)
    assert stop.value.exit_code == 143


def assert_same_bits(resumed, whole) -> None:
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


RECIPES = {
    "sgd in bf16": {"precision": "bf16", "schedule": Cosine(), "weight_decay": 1e-3},
    "adam": {"optimizer": Adam(), "learning_rate": 0.003},
    "plain sgd": {"optimizer": Sgd(momentum=0.0, nesterov=False)},
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("architecture", ALL.values(), ids=ALL)
def test_pack_resumed_in_an_epoch_has_the_bits_of_an_uninterrupted_one(
    tmp_path, monkeypatch, architecture, recipe
):
    """It is interrupted in a step, and after its resumption in an evaluation."""
    one_pack = pack(cell(architecture, few_images(architecture), epochs=3, **recipe))
    checkpoints = Checkpoints(open_store(tmp_path), one_pack.key)
    interrupt(monkeypatch, one_pack, checkpoints, count_steps, sigterm_in=3)
    interrupt(monkeypatch, one_pack, checkpoints, sigterm_in_evaluation)
    resumed, whole = trained(one_pack, checkpoints), trained(one_pack)
    assert_same_bits(resumed, whole)
    assert np.array_equal(resumed.diverged, whole.diverged)


@pytest.mark.parametrize(
    ("factory", "settings"), [("ConvNet", {"norm": True}), ("ConvNet", {"dropout": 0.3}), ("Tied", {})]
)
def test_pack_of_a_users_own_network_resumes(tmp_path, monkeypatch, factory, settings):
    """Running statistics, random numbers and replaced buffers continue as well."""
    network = own_spec(factory, **settings)
    one_pack = pack(cell(network, few_images(network), epochs=2, learning_rate=0.02))
    checkpoints = Checkpoints(open_store(tmp_path), one_pack.key)
    interrupt(monkeypatch, one_pack, checkpoints, count_steps, sigterm_in=3)
    assert_same_bits(trained(one_pack, checkpoints), trained(one_pack))


def test_checkpoints_are_saved_within_epochs_and_two_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("scaling.train.pack.CHECKPOINT_S", 0.0)
    one_pack = pack(cell(dataset=few_images(LENET), epochs=2))
    checkpoints = Checkpoints(open_store(tmp_path), one_pack.key)
    trained(one_pack, checkpoints)
    assert [name.partition(".")[0] for name in checkpoints.names()] == ["8", "7"]
    checkpoints.clear()
    assert checkpoints.names() == []


def test_unusable_checkpoints_are_named_and_an_older_one_is_used(tmp_path, monkeypatch):
    """A damaged checkpoint, and those of another network, pack, version and format, in one folder."""
    one_pack, other = (pack(cell(dataset=few_images(LENET), epochs=2, batch_size=size)) for size in (25, 50))
    reports: list[str] = []
    checkpoints = Checkpoints(open_store(tmp_path), one_pack.key, reports.append)
    interrupt(monkeypatch, one_pack, checkpoints, count_steps, sigterm_in=3)
    folder = tmp_path / "checkpoints" / one_pack.key
    (good,) = folder.iterdir()
    tensors = load(good.read_bytes())
    flipped = bytearray(good.read_bytes())
    flipped[len(flipped) // 2] ^= 4
    contents = [
        save(tensors | {"key": torch.tensor(list(other.key.encode()), dtype=torch.uint8)}),
        save(tensors | {"format": torch.tensor(99)}),
        save(tensors | {"loss": torch.zeros(1)}),
        save({name: value for name, value in tensors.items() if name != "step"}),
        save({"weights.c1": torch.zeros(3)}),
        b"no tensors",
    ]
    planted = {checkpoint_name(10 + i, data): data for i, data in enumerate(contents)}
    planted |= {"4" + good.name[1:]: bytes(flipped), "2.safetensors": good.read_bytes()}
    planted["².safetensors"] = good.read_bytes()
    for name, data in planted.items():
        (folder / name).write_bytes(data)
    with monkeypatch.context() as patch:
        steps = count_steps(patch)
        resumed = trained(one_pack, checkpoints)
    assert len(steps) == 8 - 3
    assert_same_bits(resumed, trained(one_pack))
    above = {name for name in planted if name[0] not in "2²"}
    assert {report.partition(": ")[0] for report in reports} == {str(folder / name) for name in above}
    assert {file.name for file in folder.iterdir()} == {good.name, *planted} - above

    good.unlink()
    with monkeypatch.context() as patch:
        steps = count_steps(patch)
        trained(one_pack, checkpoints)
    assert len(steps) == 8
    assert len(reports) == len(planted)
    assert list(folder.iterdir()) == []

"""Training of a pack: it learns, its metrics are right, and its bits depend on the runs only."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from scaling.architectures import Lenet5
from scaling.config.recipe import Augmentation, Cosine
from scaling.datasets import Split
from scaling.plan import Pack
from scaling.train import PackResult, train
from scaling.train.lr_schedules import lr_factor
from tests.train.tiny_packs import (
    ALL,
    LENET,
    NOWHERE,
    SEEDS,
    SET,
    SETS,
    TREE,
    VGG,
    cell,
    few_images,
    loaded_dataset,
    pack,
)

CHANCE = 0.9
"""Error of guessing among ten classes."""
EASY = {"size": 150, "test_size": 50, "noise": 0.1}
"""Settings of a set whose classes are learned in twenty steps.

A network that guesses is right for 70 % of 50 images with a probability below 1e-20.
"""
FEW = few_images(LENET)
both_precisions = pytest.mark.parametrize("precision", ["fp32", "bf16"])


DONE: dict[str, PackResult] = {}


def trained(pack: Pack) -> PackResult:
    """Train a pack once for all tests."""
    if pack.key not in DONE:
        DONE[pack.key] = train(pack, loaded_dataset(pack.cell.dataset), device="cpu")
    return DONE[pack.key]


def equal_bits(one: PackResult, other: PackResult, slots: tuple[int, ...] = SEEDS) -> bool:
    """Return True if two trainings have equal metrics and weights in some slots."""
    return all(
        np.array_equal(one.logits[r], other.logits[r])
        and all(torch.equal(weight, other.weights[r][name]) for name, weight in one.weights[r].items())
        and all(
            torch.equal(a.train_loss[r], b.train_loss[r])
            for a, b in zip(one.history, other.history, strict=True)
        )
        for r in slots
    )


@both_precisions
@pytest.mark.parametrize("architecture", ALL.values(), ids=ALL)
def test_a_pack_learns(architecture, precision):
    dataset = SETS.get(architecture.type, SET).model_copy(update=EASY)
    epochs = 2 if architecture is VGG else 5  # bf16 convolutions are slow where the processor lacks them
    result = trained(pack(cell(architecture, dataset, precision=precision, epochs=epochs, batch_size=15)))
    errors = 1 - result.history[-1].test_accuracy
    assert errors.median() < CHANCE / 3
    assert (result.history[-1].train_loss < result.history[0].train_loss).all()
    assert not result.diverged.any()


@both_precisions
def test_reported_accuracy_is_counted_from_the_stored_logits(precision):
    result = trained(pack(cell(dataset=FEW, precision=precision)))
    assert result.logits.shape == (8, 50, 10)
    assert result.logits.dtype == np.float16
    correct = (result.logits.argmax(2) == loaded_dataset(FEW).test.labels).sum(1)
    np.testing.assert_array_equal(result.history[-1].test_accuracy.numpy(), correct / 50)


def test_the_callback_receives_every_epoch_of_the_history():
    epochs = []
    result = train(
        pack(cell(dataset=FEW, epochs=4, schedule=Cosine())), loaded_dataset(FEW), on_epoch_end=epochs.append
    )
    assert epochs == result.history
    assert [epoch.number for epoch in epochs] == [1, 2, 3, 4]
    assert [epoch.lr_factor for epoch in epochs] == [
        lr_factor(Cosine(), step, steps=16, steps_per_epoch=4) for step in (3, 7, 11, 15)
    ]
    assert sorted(epoch.wall_s for epoch in epochs) == [epoch.wall_s for epoch in epochs]
    assert epochs[-1].wall_s <= result.wall_s
    assert result.images_per_s == pytest.approx(8 * 4 * 100 / result.wall_s)
    assert result.threads == 1
    assert result.device == "cpu"


@both_precisions
def test_the_same_pack_gives_the_same_bits(precision):
    one_pack = pack(cell(dataset=FEW, precision=precision))
    assert equal_bits(trained(one_pack), train(one_pack, loaded_dataset(FEW), device="cpu"))


@both_precisions
@pytest.mark.parametrize("architecture", ALL.values(), ids=ALL)
def test_a_partial_pack_has_the_bits_of_the_whole_pack(architecture, precision):
    reference = cell(architecture, few_images(architecture), precision=precision)
    whole = trained(pack(reference))
    part = pack(reference, seeds=(2, 5, 7))
    result = trained(part)
    assert part.slots == [2, 5, 7]
    assert equal_bits(whole, result, (2, 5, 7))


@both_precisions
@pytest.mark.parametrize(
    "architecture", [LENET, Lenet5(filters=3, second_filters=5, hidden=(9,)), VGG], ids=["even", "odd", "vgg"]
)
def test_a_diverging_replica_changes_no_other_replica(architecture, precision):
    """With odd numbers of filters, which a processor may take in pairs, and with running statistics."""
    tame, wild = (
        cell(architecture, few_images(architecture), precision=precision, loss="mse", learning_rate=rate)
        for rate in (0.01, 1e6)
    )
    result = trained(pack(tame, tame, tame, wild, tame, tame, tame, tame))
    assert [run.recipe.learning_rate for run in result.pack.runs] == [0.01] * 3 + [1e6] + [0.01] * 4
    np.testing.assert_array_equal(np.flatnonzero(result.diverged), [3])
    assert equal_bits(trained(pack(tame)), result, (0, 1, 2, 4, 5, 6, 7))


def test_seed_and_order_both_change_the_results():
    first, second = (trained(pack(cell(dataset=FEW), seeds=seeds)) for seeds in (SEEDS, range(8, 16)))
    losses = torch.cat([first.history[0].train_loss, second.history[0].train_loss])
    assert len(losses.unique()) == 16
    assert {run.order for run in first.pack.runs} == {0}
    assert {run.order for run in second.pack.runs} == {1}


def test_held_out_images_are_never_trained_on():
    """Other pixels and labels in held-out or unused places change only the accuracy on held-out images."""
    dataset = SET.model_copy(update={"validation": 80, "train_images": 200})
    reference, known = pack(cell(dataset=dataset, epochs=6)), loaded_dataset(dataset)
    images, labels = np.array(known.train.images), np.array(known.train.labels)
    away = np.setdiff1d(np.arange(len(labels)), known.train_index)
    assert len(away) == 200
    images[away] = 255 - images[away]
    labels[away] = (labels[away] + 5) % 10
    poisoned = train(reference, replace(known, train=Split(images, labels)), device="cpu")
    clean = trained(reference)
    assert equal_bits(clean, poisoned)
    assert clean.history[-1].val_accuracy is not None
    assert clean.history[-1].val_accuracy.median() > 0.5
    assert poisoned.history[-1].val_accuracy.median() < 0.25


def test_validation_accuracy_is_the_accuracy_on_held_out_images():
    """A test on the held-out images gives the same accuracies, epoch by epoch."""
    dataset = FEW.model_copy(update={"validation": 40})
    known = loaded_dataset(dataset)
    held_out = Split(known.train.images[known.validation_index], known.train.labels[known.validation_index])
    result = train(pack(cell(dataset=dataset)), replace(known, test=held_out), device="cpu")
    for epoch in result.history:
        torch.testing.assert_close(epoch.val_accuracy, epoch.test_accuracy, rtol=0, atol=0)


def test_without_validation_images_there_is_no_validation_accuracy():
    assert all(epoch.val_accuracy is None for epoch in trained(pack(cell(dataset=FEW))).history)


def test_mean_squared_error_learns():
    result = trained(pack(cell(TREE, loss="mse", epochs=6)))
    # Answering with the share of each class costs 0.09 a class and image.
    assert result.history[-1].train_loss.median() < 0.08
    assert (1 - result.history[-1].test_accuracy).median() < CHANCE * 2 / 3


def test_augmentation_changes_training_but_not_evaluation():
    result = trained(pack(cell(dataset=FEW, augmentation=Augmentation(crop=1, flip=True, shift=1))))
    plain = trained(pack(cell(dataset=FEW)))
    assert not equal_bits(plain, result, (0,))
    assert torch.isfinite(result.history[-1].test_loss).all()
    # At a rate that moves no weight both measure the initial networks.
    still = [
        trained(pack(cell(dataset=FEW, epochs=1, learning_rate=1e-12, augmentation=a)))
        for a in (Augmentation(), Augmentation(crop=3, flip=True))
    ]
    np.testing.assert_array_equal(*(one.logits for one in still))
    assert not torch.equal(*(one.history[0].train_loss for one in still))


def flushes() -> bool:
    """Return True if this thread treats denormals as zero."""
    return (torch.tensor([2.0**-126]) * 0.5).item() == 0


def test_training_runtime_sets_one_thread_without_denormals_and_restores_both():
    """Every Python thread that trains needs this: processors keep their mode for denormals per thread."""
    during, after = [], []
    before = torch.get_num_threads()
    torch.set_num_threads(3)

    def work() -> None:
        train(
            pack(cell(dataset=FEW, epochs=1)),
            loaded_dataset(FEW),
            on_epoch_end=lambda epoch: during.append((torch.get_num_threads(), flushes())),
        )
        after.append(flushes())

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    work()
    assert during == [(1, True)] * 3
    assert after == [False] * 3
    assert torch.get_num_threads() == 3
    torch.set_num_threads(before)


def test_ctrl_c_raises_keyboard_interrupt_and_lightning_sets_no_handlers():
    # A shell that starts its children in the background has them ignore the signal; here it must arrive.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    sigterm = signal.getsignal(signal.SIGTERM)

    def interrupt(epoch: object) -> None:
        assert signal.getsignal(signal.SIGTERM) is sigterm
        signal.raise_signal(signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt):
            train(pack(cell(dataset=FEW)), loaded_dataset(FEW), on_epoch_end=interrupt)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_error_of_the_callback_propagates():
    def refuse(epoch: object) -> None:
        raise ValueError("no ears")

    with pytest.raises(ValueError, match="no ears"):
        train(pack(cell(dataset=FEW)), loaded_dataset(FEW), on_epoch_end=refuse)


def test_training_prints_nothing_and_leaves_no_files(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    train(pack(cell(dataset=FEW, epochs=1)), loaded_dataset(FEW))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_no_data_folder_is_made():
    assert not NOWHERE.exists()


def test_exception_after_a_step_stops_the_training():
    steps: list[int] = []

    def stop_at_third() -> None:
        steps.append(len(steps))
        if len(steps) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train(pack(cell(TREE)), loaded_dataset(SET), device="cpu", on_step_end=stop_at_third)
    assert steps == [0, 1, 2]

"""Batches are pure functions of (order, epoch, step), and their values are the normalised images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from scaling.config.recipe import Augmentation
from scaling.data import load
from scaling.data.minibatches import Minibatches, PixelNormaliser, evaluation_batches, to_device
from scaling.datasets import Synthetic

CPU = torch.device("cpu")
DATASET = load(Synthetic(size=103, side=7, channels=3), folder=Path())  # reads no folder


def batches(**changed) -> Minibatches:
    """Labels are row numbers here, so that a batch tells which images it holds."""
    leaves = {"batch_size": 10, "order": 0, "augmentation": Augmentation(), "dtype": torch.float32, **changed}
    images, _ = to_device(DATASET.train, CPU)
    return Minibatches(images, torch.arange(len(images)), mean=DATASET.mean, std=DATASET.std, **leaves)


def rows(made: Minibatches, epoch: int) -> list[int]:
    return [row for _, labels in made.epoch(epoch) for row in labels.tolist()]


def test_an_epoch_holds_every_image_once_but_for_those_that_wait():
    made = batches()
    assert len(made) == 10
    seen = rows(made, 0)
    assert len(seen) == len(set(seen)) == 100
    assert {row for epoch in range(20) for row in rows(made, epoch)} == set(range(103))
    assert sorted(rows(batches(batch_size=103), 5)) == list(range(103))


@pytest.mark.parametrize("augmentation", [Augmentation(), Augmentation(crop=2, flip=True, shift=1)])
def test_a_batch_alone_is_the_one_in_its_epoch(augmentation):
    epoch = list(batches(augmentation=augmentation).epoch(3))
    for step in (7, 0, 9):
        images, labels = batches(augmentation=augmentation).batch(3, step)
        assert torch.equal(images, epoch[step][0])
        assert torch.equal(labels, epoch[step][1])


def test_going_back_to_an_epoch_gives_it_again():
    made = batches(augmentation=Augmentation(crop=2))
    before = made.batch(1, 2)
    made.batch(2, 2)
    assert all(torch.equal(one, other) for one, other in zip(before, made.batch(1, 2), strict=True))


def test_orders_and_epochs_differ_in_shuffle_and_in_augmentation():
    made = {(order, epoch): batches(order=order) for order in range(3) for epoch in range(3)}
    assert len({tuple(rows(one, epoch)) for (_, epoch), one in made.items()}) == 9

    def whole(order: int, epoch: int) -> torch.Tensor:
        images, labels = batches(order=order, batch_size=103, augmentation=Augmentation(crop=3)).batch(
            epoch, 0
        )
        return images[labels.argsort()]

    assert not torch.equal(whole(0, 0), whole(0, 1))
    assert not torch.equal(whole(0, 0), whole(1, 0))


def test_the_shuffle_is_frozen():
    """Another shuffle would be another training: TRAINING_VERSION must rise with it."""
    assert rows(batches(order=5), 2)[:10] == [18, 27, 40, 73, 19, 91, 45, 85, 59, 89]


def test_a_subset_is_all_that_is_seen():
    index = np.arange(0, 103, 2)
    made = batches(index=index, batch_size=26)
    assert len(made) == 2
    assert sorted(rows(made, 4)) == index.tolist()


def test_a_step_that_the_epoch_does_not_have_is_refused():
    with pytest.raises(IndexError, match="step 10 of 10"):
        batches().batch(0, 10)


def test_values_are_normalised_as_in_float64():
    images, labels = batches().batch(0, 0)
    pixels = DATASET.train.images[labels.numpy()].astype(np.float64) / 255
    expected = ((pixels - DATASET.mean) / DATASET.std).transpose(0, 3, 1, 2)
    scaled, offset = (
        pixels.transpose(0, 3, 1, 2) / DATASET.std[:, None, None],
        (DATASET.mean / DATASET.std)[:, None, None],
    )
    # fp32 rounds the scale, the product, the offset and the difference, each by 2**-24 of itself; second order is in the 1.01.
    bound = 1.01 * 2**-24 * (2 * scaled + offset + np.abs(expected))
    assert (np.abs(images.numpy() - expected) <= bound).all()


def test_bf16_is_the_rounded_fp32_and_both_are_channels_last():
    (wide, _), (narrow, _) = batches().batch(0, 0), batches(dtype=torch.bfloat16).batch(0, 0)
    assert torch.equal(narrow, wide.bfloat16())
    assert wide.shape == (10, 3, 7, 7)
    assert all(images.is_contiguous(memory_format=torch.channels_last) for images in (wide, narrow))


def test_normalising_leaves_the_data_as_it_is():
    images, _ = to_device(DATASET.train, CPU)
    before = images.clone()
    PixelNormaliser(images, DATASET.mean, DATASET.std, torch.float32)(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize("index", [None, np.array([5, 3, 99, 100, 4])])
def test_evaluation_goes_through_the_images_in_order(index):
    images, _ = to_device(DATASET.train, CPU)
    parts = list(evaluation_batches(images, DATASET.mean, DATASET.std, torch.float32, size=2, index=index))
    chosen = images if index is None else images[torch.from_numpy(index)]
    assert [len(part) for part in parts] == [2] * (len(chosen) // 2) + [1]
    assert torch.equal(
        torch.cat(parts), PixelNormaliser(images, DATASET.mean, DATASET.std, torch.float32)(chosen)
    )


def test_mapped_images_are_not_copied(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        f"{split}_images": rng.integers(0, 256, (9, 8, 8), dtype=np.uint8) for split in ("train", "test")
    }
    np.savez(tmp_path / "own.npz", **arrays, train_labels=np.arange(9), test_labels=np.arange(9))
    from scaling.datasets import NpzDataset

    loaded = load(NpzDataset(path="own.npz"), folder=tmp_path, cache=tmp_path / "cache")
    images, labels = to_device(loaded.train, CPU)
    assert images.data_ptr() == loaded.train.images.ctypes.data
    assert labels.tolist() == loaded.train.labels.tolist()

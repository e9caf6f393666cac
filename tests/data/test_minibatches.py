"""Minibatches are pure functions of (order, epoch, step), and their values are the normalised images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from scaling.config.recipe import Affine, Augmentation
from scaling.data import load
from scaling.data.minibatches import Minibatches, evaluation_batches, to_device
from scaling.data.normalise import PixelMoments, PixelNormaliser, normalise_images
from scaling.datasets import NpzDataset, Synthetic

CPU = torch.device("cpu")
DATASET = load(Synthetic(size=103, side=7, channels=3), folder=Path())  # a synthetic data set reads no file
MOMENTS = {"mean": DATASET.mean, "std": DATASET.std}


def batches(**changed) -> Minibatches:
    """Return minibatches whose labels are row numbers, so that a batch shows which images it contains."""
    settings = {
        "batch_size": 10,
        "order": 0,
        "augmentation": Augmentation(),
        "dtype": torch.float32,
        **changed,
    }
    images, _ = to_device(DATASET.train, CPU)
    return Minibatches(images, torch.arange(len(images)), **MOMENTS, **settings)


def rows(minibatches: Minibatches, epoch: int) -> list[int]:
    return [row for _, labels in minibatches.epoch(epoch) for row in labels.tolist()]


def test_epoch_contains_every_image_once_except_those_that_fill_no_batch():
    minibatches = batches()
    assert len(minibatches) == 10
    first_epoch = rows(minibatches, 0)
    assert len(first_epoch) == len(set(first_epoch)) == 100
    assert {row for epoch in range(20) for row in rows(minibatches, epoch)} == set(range(103))
    assert sorted(rows(batches(batch_size=103), 5)) == list(range(103))


every_augmentation = pytest.mark.parametrize(
    "augmentation",
    [
        Augmentation(),
        Augmentation(crop=2, flip=True, shift=1),
        Augmentation(flip=True, affine=Affine(translation=1.0, scale=0.2, squeeze=0.2, shear=0.2)),
    ],
)


@every_augmentation
def test_single_batch_equals_the_batch_of_its_epoch(augmentation):
    epoch = list(batches(augmentation=augmentation).epoch(3))
    for step in (7, 0, 9):
        images, labels = batches(augmentation=augmentation).batch(3, step)
        assert torch.equal(images, epoch[step][0])
        assert torch.equal(labels, epoch[step][1])


@every_augmentation
def test_batches_of_several_steps_have_the_bits_of_single_ones(augmentation):
    several = batches(augmentation=augmentation)
    several.load_epoch(3)
    alone = [several.batch(3, step) for step in (2, 3, 7)]
    images, labels = several.select(torch.tensor([2, 3, 7]))
    assert torch.equal(images, torch.cat([part for part, _ in alone]))
    assert torch.equal(labels, torch.cat([part for _, part in alone]))


def test_earlier_epoch_can_be_repeated():
    minibatches = batches(augmentation=Augmentation(crop=2))
    images, labels = minibatches.batch(1, 2)
    minibatches.batch(2, 2)
    images_again, labels_again = minibatches.batch(1, 2)
    assert torch.equal(images, images_again)
    assert torch.equal(labels, labels_again)


def test_orders_and_epochs_differ_in_shuffle_and_in_augmentation():
    shuffles = {tuple(rows(batches(order=order), epoch)) for order in range(3) for epoch in range(3)}
    assert len(shuffles) == 9

    def sorted_images(order: int, epoch: int, augmentation: Augmentation) -> torch.Tensor:
        images, labels = batches(order=order, batch_size=103, augmentation=augmentation).batch(epoch, 0)
        return images[labels.argsort()]

    for augmentation in (Augmentation(crop=3), Augmentation(affine=Affine(translation=3.0))):
        first = sorted_images(0, 0, augmentation)
        assert not torch.equal(first, sorted_images(0, 1, augmentation))
        assert not torch.equal(first, sorted_images(1, 0, augmentation))


def test_shuffle_is_frozen():
    """Another shuffle would change the training: raise TRAINING_VERSION with it."""
    assert rows(batches(order=5), 2)[:10] == [18, 27, 40, 73, 19, 91, 45, 85, 59, 89]


def test_only_the_images_of_a_subset_are_used():
    index = np.arange(0, 103, 2)
    minibatches = batches(index=index, batch_size=26)
    assert len(minibatches) == 2
    assert sorted(rows(minibatches, 4)) == index.tolist()


def test_step_that_the_epoch_lacks_is_refused():
    with pytest.raises(IndexError, match="step 10: an epoch has the steps 0 to 9"):
        batches().batch(0, 10)


def test_values_are_normalised_as_in_float64():
    images, labels = batches().batch(0, 0)
    pixels = DATASET.train.images[labels.numpy()].astype(np.float64) / 255
    expected = ((pixels - DATASET.mean) / DATASET.std).transpose(0, 3, 1, 2)
    scaled, offset = (
        pixels.transpose(0, 3, 1, 2) / DATASET.std[:, None, None],
        (DATASET.mean / DATASET.std)[:, None, None],
    )
    # fp32 rounds the scale, the product, the offset and the difference, each by 2**-24 of itself; second
    # order is in the 1.01.
    bound = 1.01 * 2**-24 * (2 * scaled + offset + np.abs(expected))
    assert (np.abs(images.numpy() - expected) <= bound).all()


def test_bf16_is_rounded_fp32_and_both_are_channels_last():
    (fp32, _), (bf16, _) = batches().batch(0, 0), batches(dtype=torch.bfloat16).batch(0, 0)
    assert torch.equal(bf16, fp32.bfloat16())
    assert fp32.shape == (10, 3, 7, 7)
    assert all(images.is_contiguous(memory_format=torch.channels_last) for images in (fp32, bf16))


@pytest.mark.parametrize("input_range", [(-0.1, 1.175), (-1.0, 1.0), (1.0, 0.0)])
def test_input_range_maps_0_to_background_and_255_to_ink(input_range):
    background, ink = input_range
    moments = PixelMoments.of_input(DATASET, input_range)
    pixels = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 7, 7, 3)
    normalise = PixelNormaliser(pixels, mean=moments.mean, std=moments.std, dtype=torch.float32)
    values = normalise(pixels).numpy()
    assert (values[0] == np.float32(background)).all()
    expected = background + (ink - background) * np.arange(256).reshape(-1, 1, 1, 1) / 255
    # The scale, the product, the background and the sum are rounded, each by 2**-24 of a number below 2.5.
    np.testing.assert_allclose(values, np.broadcast_to(expected, values.shape), rtol=0, atol=4 * 2.5 * 2**-24)


def test_images_have_the_range_of_the_recipe():
    images = DATASET.test.images[5:7]
    standardised, scaled = (
        normalise_images(images, PixelMoments.of_input(DATASET, input_range))
        for input_range in (None, (-1.0, 1.0))
    )
    moments = [torch.from_numpy(values).float().view(3, 1, 1) for values in (DATASET.mean, DATASET.std)]
    torch.testing.assert_close(2 * (standardised * moments[1] + moments[0]) - 1, scaled, rtol=0, atol=1e-5)


def test_normalising_does_not_change_the_stored_images():
    images, _ = to_device(DATASET.train, CPU)
    before = images.clone()
    PixelNormaliser(images, **MOMENTS, dtype=torch.float32)(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize("index", [None, np.array([5, 3, 99, 100, 4])])
def test_evaluation_batches_keep_the_order_of_the_images(index):
    images, _ = to_device(DATASET.train, CPU)
    parts = list(evaluation_batches(images, **MOMENTS, dtype=torch.float32, size=2, index=index))
    chosen = images if index is None else images[torch.from_numpy(index)]
    assert [len(part) for part in parts] == [2] * (len(chosen) // 2) + [1]
    assert torch.equal(torch.cat(parts), PixelNormaliser(images, **MOMENTS, dtype=torch.float32)(chosen))


def test_mapped_images_are_not_copied(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        f"{split}_images": rng.integers(0, 256, (9, 8, 8), dtype=np.uint8) for split in ("train", "test")
    }
    np.savez(tmp_path / "own.npz", **arrays, train_labels=np.arange(9), test_labels=np.arange(9))
    loaded = load(NpzDataset(path="own.npz"), folder=tmp_path, cache=tmp_path / "cache")
    images, labels = to_device(loaded.train, CPU)
    assert images.data_ptr() == loaded.train.images.ctypes.data
    assert labels.tolist() == loaded.train.labels.tolist()

"""Augmentation against a plain loop over images, and the distribution of its draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from scaling.config.recipe import Augmentation
from scaling.data.augment import augment
from scaling.data.minibatches import AUGMENT_STREAM, random_bits


def draws(count: int) -> torch.Tensor:
    bits = random_bits(0, 0, stream=AUGMENT_STREAM, count=count)
    return torch.from_numpy((bits >> np.uint64(1)).astype(np.int64))


def one_by_one(image: np.ndarray, draw: int, augmentation: Augmentation) -> np.ndarray:
    """Shift, crop and flip one image by padding and slicing."""

    def choice(field: int, choices: int) -> int:
        return (draw >> 15 * field) % 2**15 * choices // 2**15

    side, crop, shift = len(image), augmentation.crop, augmentation.shift
    row, column = choice(2, 2 * shift + 1), choice(3, 2 * shift + 1)
    image = np.pad(image, ((shift, shift), (shift, shift), (0, 0)), mode="edge")[
        row : row + side, column : column + side
    ]
    row, column = choice(0, 2 * crop + 1), choice(1, 2 * crop + 1)
    image = np.pad(image, ((crop, crop), (crop, crop), (0, 0)))[row : row + side, column : column + side]
    return image[:, ::-1] if augmentation.flip and draw >> 62 else image


@given(
    augmentation=st.builds(Augmentation, crop=st.integers(0, 4), flip=st.booleans(), shift=st.integers(0, 3)),
    side=st.integers(6, 9),
    channels=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
def test_batch_equals_a_loop_over_its_images(augmentation, side, channels, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(1, 256, (12, side, side, channels), dtype=np.uint8)
    random_draws = rng.integers(0, 2**63 - 1, 12, endpoint=True)
    expected = [
        one_by_one(image, int(draw), augmentation) for image, draw in zip(images, random_draws, strict=True)
    ]
    augmented = augment(torch.from_numpy(images), torch.from_numpy(random_draws), augmentation)
    np.testing.assert_array_equal(augmented.numpy(), expected)


def test_images_are_not_copied_without_augmentation():
    images = torch.zeros(3, 6, 6, 1, dtype=torch.uint8)
    assert augment(images, draws(3), Augmentation()) is images


@pytest.mark.parametrize(("field", "reach"), [("crop", 4), ("shift", 2)])
def test_every_displacement_is_equally_likely(field, reach):
    """The channels of each pixel are its row and its column, so the middle pixel shows its origin."""
    side, count = 17, 20_000
    image = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"), dim=-1).to(
        torch.uint8
    )
    moved = augment(image.expand(count, side, side, 2), draws(count), Augmentation(**{field: reach}))
    rows, columns = (moved[:, side // 2, side // 2].long() - side // 2 + reach).unbind(1)
    choices = 2 * reach + 1
    counts = torch.bincount(rows * choices + columns, minlength=choices**2)
    assert len(counts) == choices**2
    # The draws are frozen, so this passes always or never; by chance it would fail once in a million
    # drawings.
    assert chisquare(counts.numpy()).pvalue > 1e-6


def test_half_of_the_images_are_flipped():
    count = 20_000
    image = torch.arange(6, dtype=torch.uint8).view(1, 1, 6, 1).expand(count, 6, 6, 1)
    is_flipped = augment(image, draws(count), Augmentation(flip=True))[:, 0, 0, 0] == 5
    assert abs(is_flipped.double().mean().item() - 0.5) < 5 * 0.5 / np.sqrt(count)  # five sigma

"""Affine distortions against slices, exact pictures and the ranges of their settings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from scaling.config.recipe import Affine
from scaling.data.affine import distort, transform
from scaling.data.minibatches import AFFINE_STREAM, random_bits

SIDE, COUNT = 12, 6
EVERYTHING = Affine(translation=2.0, scale=0.1, squeeze=0.1, shear=0.2)


def draws(count: int = COUNT) -> torch.Tensor:
    bits = random_bits(0, 0, stream=AFFINE_STREAM, count=count)
    return torch.from_numpy((bits >> np.uint64(1)).astype(np.int64))


def pictures(channels: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (COUNT, SIDE, SIDE, channels)
    return torch.randint(1, 256, shape, generator=generator, dtype=torch.uint8)


def moved(images: torch.Tensor, *, translation=(0.0, 0.0), size=(1.0, 1.0), shear=0.0) -> torch.Tensor:
    """Apply one transformation to all images."""
    count = len(images)
    pairs = {"translation": translation, "size": size}
    repeated = {name: torch.tensor(pair).expand(count, 2) for name, pair in pairs.items()}
    return transform(images, **repeated, shear=torch.tensor(shear).expand(count))


def test_identity_leaves_all_pixels_unchanged():
    images = pictures()
    assert distort(images, draws(), Affine()) is images
    assert torch.equal(moved(images), images)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, 0), (0, -2), (-4, 5)])
def test_whole_pixels_equal_a_slice_of_the_padded_image(right, down):
    reach = 5
    padded = torch.nn.functional.pad(pictures(), (0, 0, *[reach] * 4))
    row, column = reach - down, reach - right
    expected = padded[:, row : row + SIDE, column : column + SIDE]
    assert torch.equal(moved(pictures(), translation=(float(right), float(down))), expected)


def test_shear_of_two_moves_each_row_by_whole_pixels():
    """Row r is 2 (r - 5.5) pixels to the right of its original position: an odd number."""
    images, sheared = pictures(), moved(pictures(), shear=2.0)
    for row in range(SIDE):
        expected = torch.zeros_like(images[:, row])
        offset = 2 * row - (SIDE - 1)
        for column in range(SIDE):
            if 0 <= column - offset < SIDE:
                expected[:, column] = images[:, row, column - offset]
        assert torch.equal(sheared[:, row], expected)


def test_squeeze_by_two_halves_a_bar_and_doubles_its_height():
    image = torch.zeros(1, SIDE, SIDE, 1, dtype=torch.uint8)
    image[:, 4:8, 2:10] = 200
    expected = torch.zeros_like(image)
    expected[:, 2:10, 4:8] = 200
    # Away from the edges of the bar, where neighbouring pixels are mixed.
    squeezed = moved(image, size=(0.5, 2.0))
    inner = (slice(None), slice(3, 9), slice(5, 7))
    assert torch.equal(squeezed[inner], expected[inner])
    mass = image.long().sum()
    assert abs(squeezed.long().sum() - mass) < 0.02 * mass  # the area is the same


def test_all_distortions_together_equal_those_of_scipy():
    """SciPy maps positions of the result to the original, here as (row, column) from the first pixel."""
    count, centre = 40, (SIDE - 1) / 2
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)
    right, down, shear = rng.uniform(-3, 3, count), rng.uniform(-3, 3, count), rng.uniform(-0.5, 0.5, count)
    width, height = rng.uniform(0.7, 1.4, (2, count))
    distorted = transform(
        torch.from_numpy(images).unsqueeze(-1),
        translation=torch.from_numpy(np.stack([right, down], axis=1)).float(),
        size=torch.from_numpy(np.stack([width, height], axis=1)).float(),
        shear=torch.from_numpy(shear).float(),
    ).numpy()[..., 0]
    for b in range(count):
        # Sized first, then sheared, then translated: row = height row', column = width column' + shear row.
        to_result = np.array([[height[b], 0], [shear[b] * height[b], width[b]]])
        to_original = np.linalg.inv(to_result)
        offset = centre - to_original @ (centre + np.array([down[b], right[b]]))
        expected = ndimage.affine_transform(
            images[b].astype(float), to_original, offset, order=1, mode="grid-constant", cval=0.0
        )
        # Half a grey level for the rounding. Positions in single precision are off by some 1e-6 pixels, over
        # each of which the value changes by at most two grey ranges.
        assert np.abs(distorted[b] - expected).max() <= 0.5 + 2 * 255 * 1e-5


def test_each_image_has_its_own_draw_and_draws_are_repeatable():
    images = pictures()[:1].expand(COUNT, -1, -1, -1)
    first = distort(images, draws(), EVERYTHING)
    assert torch.equal(first, distort(images, draws(), EVERYTHING))
    assert len({image.numpy().tobytes() for image in first}) == COUNT
    for b in range(COUNT):  # the other images of the batch do not matter
        assert torch.equal(distort(images[b : b + 1], draws()[b : b + 1], EVERYTHING), first[b : b + 1])


def test_draws_are_uniform_up_to_the_largest_translation():
    """The centre of mass of one bright pixel shows the translation."""
    count = 4000
    image = torch.zeros(1, 9, 9, 1, dtype=torch.uint8)
    image[:, 4, 4] = 255
    distorted = distort(image.expand(count, -1, -1, -1), draws(count), Affine(translation=3.0)).double()
    weight, position = distorted.sum(dim=(1, 2, 3)), torch.arange(9) - 4.0
    for axis in ("row", "column"):
        along = distorted.sum(dim=(2, 3) if axis == "row" else (1, 3)) @ position.double() / weight
        assert along.abs().max() <= 3 + 0.02  # bilinear weights are rounded to whole pixel values
        variance = 3**2 / 3
        # Five sigma of the mean and of the variance of a uniform distribution, whose kurtosis is 9/5.
        assert abs(along.mean()) < 5 * np.sqrt(variance / count)
        assert abs(along.var() - variance) < 5 * variance * np.sqrt(0.8 / count) + 0.02

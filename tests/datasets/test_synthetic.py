"""The synthetic data set: the same on every machine, with the requested difficulty."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scaling.datasets import Synthetic, sort_canonically

# Raw Philox bits, integer arithmetic and one product in float64 give the same result on every machine.
FROZEN = "09b659bc371e8348a6b68018a424ef008c9919e3fd29797c403f46ad6a900665"


def test_content_is_frozen():
    assert Synthetic().info(Path()).fingerprint == FROZEN


def test_splits_have_canonical_order_and_the_requested_shape():
    dataset = Synthetic(size=30, test_size=20, side=7, channels=2, classes=3)
    train, test = dataset.splits()
    assert (train.images.shape, test.images.shape) == ((30, 7, 7, 2), (20, 7, 7, 2))
    np.testing.assert_array_equal(train.images, sort_canonically(train).images)
    assert set(train.labels) == {0, 1, 2}


def test_image_without_noise_is_its_pattern_and_pure_noise_has_no_pattern():
    clean, _ = Synthetic(size=200, noise=0.0).splits()
    assert all(len(np.unique(clean.images[clean.labels == label], axis=0)) == 1 for label in range(10))
    noisy, _ = Synthetic(size=2000, noise=1.0).splits()
    means = np.array([noisy.images[noisy.labels == label].mean(axis=0) for label in range(10)])
    # 200 images a class: a uniform byte's std is 74, so a mean's is 5.2; six of them bound 2,560 means.
    assert np.abs(means - 127.5).max() < 6 * 74 / np.sqrt(200)


def test_fraction_of_flipped_labels():
    clean, flipped = (
        Synthetic(size=4000, noise=0.0).splits()[0],
        Synthetic(size=4000, noise=0.0, flipped=0.5).splits()[0],
    )
    truth = {image.tobytes(): label for image, label in zip(clean.images, clean.labels, strict=True)}
    wrong = np.mean(
        [truth[image.tobytes()] != label for image, label in zip(flipped.images, flipped.labels, strict=True)]
    )
    expected = 0.5 * (1 - 1 / 10)
    assert abs(wrong - expected) < 4 * np.sqrt(expected * (1 - expected) / 4000)  # four sigma


def test_draw_changes_the_data():
    assert Synthetic(draw=1).info(Path()).fingerprint != Synthetic().info(Path()).fingerprint

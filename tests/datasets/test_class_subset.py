"""Subsets of classes: nested, uniform over draws, and described without the images."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from scaling.datasets import (
    Mnist,
    Mnist5k,
    NpzDataset,
    ShiftedDigits,
    SkeletonFeatures,
    Split,
    Synthetic,
    Usps,
    draw_classes,
    restrict_split,
)

NOWHERE = Path("nowhere")
FROZEN_ORDER = [6, 4, 2, 1, 7, 5, 0, 8, 9, 3]
FROZEN_FINGERPRINT = "f6e36830ee6e9b584a8a913eea17302544ff92e8abbbba9dad62a9c373242fef"


@pytest.mark.parametrize("classes", [2, 10, 256])
@pytest.mark.parametrize("draw", [0, 1, 2**53 - 1])
def test_the_classes_for_k_are_among_those_for_the_next_k(classes, draw):
    drawn = [draw_classes(classes, k=k, draw=draw) for k in range(1, classes + 1)]
    for k, (fewer, more) in enumerate(pairwise(drawn), start=1):
        assert len(fewer) == len(set(fewer)) == k
        assert list(fewer) == sorted(fewer)
        assert set(fewer) < set(more) <= set(range(classes))
    assert drawn[-1] == tuple(range(classes))


def test_every_class_is_drawn_equally_often():
    """Counts over independent draws are binomial: within four standard deviations of 3/10 of the draws."""
    draws = 4000
    counts = np.bincount([index for draw in range(draws) for index in draw_classes(10, k=3, draw=draw)])
    assert np.abs(counts - 0.3 * draws).max() < 4 * np.sqrt(0.3 * 0.7 * draws)


def test_the_draws_are_frozen():
    """Run ids include the fingerprint of the drawn classes, so a draw may never change."""
    drawn_order = [
        (set(draw_classes(10, k=k, draw=0)) - set(draw_classes(10, k=k - 1, draw=0))).pop()
        for k in range(1, 11)
    ]
    assert drawn_order == FROZEN_ORDER
    assert Mnist(labels=5).info(NOWHERE).fingerprint == FROZEN_FINGERPRINT


def test_a_split_is_restricted_as_by_a_plain_loop():
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 256, (60, 3, 3, 1), np.uint8), rng.integers(0, 10, 60).astype(np.uint8))
    classes = (1, 4, 5, 9)
    images, labels = [], []
    for image, label in zip(split.images, split.labels.tolist(), strict=True):
        if label in classes:
            images.append(image)
            labels.append(classes.index(label))
    restricted = restrict_split(split, classes)
    np.testing.assert_array_equal(restricted.images, np.stack(images))
    np.testing.assert_array_equal(restricted.labels, labels)
    assert restricted.labels.dtype == np.uint8


@pytest.mark.parametrize(
    "dataset",
    [
        Synthetic(size=90, test_size=60, side=6, labels=4, labels_draw=3),
        Synthetic(size=90, test_size=60, side=6, classes=5, flipped=0.3, labels=2),
    ],
)
def test_the_description_counts_the_images_of_the_drawn_classes(dataset):
    info, whole = dataset.info(NOWHERE), dataset.whole_info(NOWHERE)
    classes = draw_classes(dataset.classes, k=dataset.labels, draw=dataset.labels_draw)
    train, test = dataset.splits()
    assert info.image.classes == dataset.labels
    assert info.classes_in_use == info.labels == classes
    assert info.train_per_class == tuple((train.labels == index).sum() for index in classes)
    assert info.test_per_class == tuple((test.labels == index).sum() for index in classes)
    assert (info.train_images, info.test_images) == (sum(info.train_per_class), sum(info.test_per_class))
    assert (info.title, info.image.side) == (whole.title, whole.image.side)
    assert info.fingerprint != whole.fingerprint


@pytest.mark.parametrize("kind", [Mnist, Mnist5k, Usps])
def test_published_counts_of_all_classes_add_up(kind):
    info = kind().info(NOWHERE)
    assert sum(info.train_per_class) == info.train_images
    assert sum(info.test_per_class) == info.test_images
    assert len(info.train_per_class) == len(info.test_per_class) == info.image.classes


def test_as_many_labels_as_classes_are_the_whole_data_set():
    assert Mnist(labels=10, labels_draw=4).info(NOWHERE) == Mnist().info(NOWHERE)
    assert Synthetic(classes=4, labels=4).info(NOWHERE) == Synthetic(classes=4).info(NOWHERE)


def test_the_fingerprint_depends_on_the_classes_alone():
    by_classes = {}
    for draw in range(30):
        info = Mnist(labels=9, labels_draw=draw).info(NOWHERE)
        assert by_classes.setdefault(info.classes_in_use, info.fingerprint) == info.fingerprint
    assert len(set(by_classes.values())) == len(by_classes) > 3


def test_labels_of_a_users_own_file_keep_their_names(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.array([7, 20, 31, 200])
    arrays = {
        f"{split}_{kind}": array
        for split, count in (("train", 24), ("test", 12))
        for kind, array in (
            ("images", rng.integers(0, 256, (count, 6, 6), dtype=np.uint8)),
            ("labels", labels[np.arange(count) % 4]),
        )
    }
    np.savez(tmp_path / "mine.npz", **arrays)
    info = NpzDataset(path="mine.npz", labels=2).info(tmp_path)
    assert info.labels == tuple(labels[list(info.classes_in_use)])
    assert (info.train_images, info.test_images) == (12, 6)


@pytest.mark.parametrize(
    "dataset", [SkeletonFeatures(of=Usps(), labels=3), ShiftedDigits(of=Usps(), labels=3)]
)
def test_computed_data_sets_have_labels_of_their_own(dataset):
    info = dataset.info(NOWHERE)
    assert info.image.classes == 3
    assert info.classes_in_use == Usps(labels=3).info(NOWHERE).classes_in_use
    assert sum(info.train_per_class) == info.train_images
    with pytest.raises(ValueError, match=r"give labels and not of\.labels"):
        type(dataset)(of=Usps(labels=3))


def test_labels_that_cannot_be_used_are_named():
    too_many = Mnist(labels=11)
    assert too_many.problem(too_many.info(NOWHERE)).text == "expected at most 10 classes, got 11"
    few = Synthetic(size=1, test_size=10, side=6, labels=2)
    problem = few.problem(few.info(NOWHERE))
    assert problem.field == "labels"
    assert "lack training or test images; choose another labels_draw" in problem.text

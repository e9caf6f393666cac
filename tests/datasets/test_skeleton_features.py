"""Specification of the features of skeletons: shape, fingerprint, and refused settings."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from scaling.architectures.description import FEATURES_IMAGE
from scaling.datasets import Mnist, NpzDataset, SkeletonFeatures, Synthetic, Usps
from scaling.errors import DataError

NOWHERE = Path("nowhere")


def fingerprint(**settings) -> str:
    return SkeletonFeatures(**{"of": Usps(), **settings}).info(NOWHERE).fingerprint


def test_a_digit_has_18_maps_of_3x5_blocks_and_keeps_its_place():
    info, images = SkeletonFeatures(of=Usps()).info(NOWHERE), Usps().info(NOWHERE)
    assert (info.image.channels, info.image.side, info.image.classes) == (18 * 3 * 5, 1, 10)
    assert info.image == FEATURES_IMAGE
    assert (info.train_images, info.test_images) == (images.train_images, images.test_images)


def test_the_fingerprint_tells_images_settings_and_versions_apart(monkeypatch):
    fingerprints = [
        fingerprint(),
        fingerprint(of=Mnist()),
        fingerprint(of=Synthetic(draw=1)),
        fingerprint(ink_level=0.4),
        fingerprint(deskew=False),
        Usps().info(NOWHERE).fingerprint,
    ]
    monkeypatch.setattr("scaling.datasets.skeleton_features.FEATURES_VERSION", 0)
    fingerprints.append(fingerprint())
    assert all(first != second for first, second in combinations(fingerprints, 2))
    assert all(len(text) == 64 for text in fingerprints)


def test_the_fingerprint_does_not_depend_on_how_many_images_are_used():
    assert fingerprint(train_images=100, validation=50) == fingerprint()


@pytest.mark.parametrize("setting", [{"train_images": 100}, {"validation": 50}])
def test_the_number_of_images_is_given_once(setting):
    (name,) = setting
    with pytest.raises(ValidationError, match=rf"give {name} and not of\.{name}"):
        SkeletonFeatures(of=Usps(**setting))


def test_colour_images_are_refused(tmp_path):
    images, labels = np.zeros((2, 8, 8, 3), np.uint8), np.arange(2)
    images[1] = 1
    file = tmp_path / "colour.npz"
    np.savez(file, train_images=images, train_labels=labels, test_images=images, test_labels=labels)
    with pytest.raises(DataError, match=r"dataset\.of: expected grey images, got 3 channels"):
        SkeletonFeatures(of=NpzDataset(path=str(file))).info(tmp_path)

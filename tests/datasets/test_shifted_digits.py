"""Specification of shifted digits: sizes, fingerprint, and refused settings."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from pydantic import ValidationError

from scaling.datasets import Mnist, ShiftedDigits, Synthetic, Usps
from scaling.errors import DataError

NOWHERE = Path("nowhere")


def fingerprint(**settings) -> str:
    return ShiftedDigits(**{"of": Usps(), **settings}).info(NOWHERE).fingerprint


@pytest.mark.parametrize("split_by", ["image", "digit"])
def test_the_numbers_of_images_are_products_of_the_settings(split_by):
    dataset = ShiftedDigits(of=Mnist(), digits_per_class=7, positions=5, test_per_class=10, split_by=split_by)
    info = dataset.info(NOWHERE)
    assert (info.image.channels, info.image.side, info.image.classes) == (1, 28, 10)
    assert (info.train_images, info.test_images) == (10 * (7 * 5 - 10), 10 * 10)
    assert ShiftedDigits(of=Usps()).info(NOWHERE).train_images == 10 * (12 * 4 - 16) == 320


def test_the_fingerprint_tells_images_settings_draws_and_versions_apart(monkeypatch):
    fingerprints = [
        fingerprint(),
        fingerprint(of=Mnist()),
        fingerprint(digits_per_class=13),
        fingerprint(positions=5),
        fingerprint(test_per_class=12),
        fingerprint(split_by="digit"),
        fingerprint(ink_level=0.4),
        fingerprint(draw=1),
        Usps().info(NOWHERE).fingerprint,
    ]
    monkeypatch.setattr("scaling.datasets.shifted_digits.SHIFTED_DIGITS_VERSION", 0)
    fingerprints.append(fingerprint())
    assert all(first != second for first, second in combinations(fingerprints, 2))
    assert all(len(text) == 64 for text in fingerprints)


def test_the_fingerprint_does_not_depend_on_how_many_images_are_used():
    assert fingerprint(train_images=100, validation=50) == fingerprint()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"test_per_class": 48},
            "expected at most 47, so that training images remain, got 48",
        ),
        (
            {"test_per_class": 15, "split_by": "digit"},
            "test_per_class: expected a multiple of the 4 positions",
        ),
        ({"of": Usps(validation=5)}, r"give validation and not of\.validation"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        ShiftedDigits(**{"of": Usps(), **settings})


def test_more_positions_than_the_image_has_are_refused():
    dataset = ShiftedDigits(of=Synthetic(side=8), positions=8)
    with pytest.raises(DataError, match=r"dataset\.positions: expected at most 7, .*, got 8"):
        dataset.info(NOWHERE)

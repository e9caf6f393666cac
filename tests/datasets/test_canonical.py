"""Canonical order and fingerprint do not depend on the source; subsets are stratified and nested."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.datasets import Split, compute_fingerprint, sort_canonically, stratified_order


def random_split(seed: int, count: int = 20) -> Split:
    """Return images with few pixel values, so that some are equal and their labels decide."""
    rng = np.random.default_rng(seed)
    return Split(
        rng.integers(0, 2, (count, 2, 2, 1), dtype=np.uint8), rng.integers(0, 3, count, dtype=np.uint8)
    )


@given(seed=st.integers(0, 2**32), shuffle=st.permutations(range(20)))
def test_canonical_order_does_not_depend_on_the_order_of_the_source(seed, shuffle):
    split = random_split(seed)
    one, other = (
        sort_canonically(split),
        sort_canonically(Split(split.images[shuffle], split.labels[shuffle])),
    )
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert compute_fingerprint(one, one) == compute_fingerprint(other, other)


def test_canonical_order_keeps_each_image_with_its_label():
    split = random_split(0)
    pairs = [(image.tobytes(), label) for image, label in zip(split.images, split.labels, strict=True)]
    after = sort_canonically(split)
    assert sorted(pairs) == sorted(
        (image.tobytes(), label) for image, label in zip(after.images, after.labels, strict=True)
    )


def test_fingerprint_depends_on_pixels_labels_shape_and_split():
    train, test = sort_canonically(random_split(1)), sort_canonically(random_split(2))
    pixel, label = train.images.copy(), train.labels.copy()
    pixel[3, 1, 0, 0] ^= 1
    label[5] += 1
    flat = Split(train.images.reshape(20, 1, 4, 1), train.labels)
    others = [
        (Split(pixel, train.labels), test),
        (Split(train.images, label), test),
        (flat, test),
        (test, train),
    ]
    assert len({compute_fingerprint(*splits) for splits in [(train, test), *others]}) == 5


@given(st.lists(st.integers(0, 5), min_size=1, max_size=80))
def test_first_n_images_have_the_classes_in_proportion(classes):
    """Check the bound of the counts.

    The first images contain the members of class c with (2k + 1) / 2n_c up to some t: at least n_c t - 1/2
    and at most n_c t + 1/2. Summed over C classes, their number is n t within C/2. So the count of a class
    differs from its share by at most 1/2 + C n_c / 2n.
    """
    labels = np.array(classes, np.uint8)
    order = stratified_order(labels)
    assert sorted(order) == list(range(len(labels)))
    present, n = np.unique(labels), len(labels)
    for length in range(n + 1):
        for label in present:
            members, here = int((labels == label).sum()), int((labels[order[:length]] == label).sum())
            assert abs(2 * n * here - 2 * length * members) <= n + len(present) * members


@pytest.mark.parametrize("label", [0, 1, 2])
def test_order_within_a_class_is_canonical(label):
    labels = random_split(3, 50).labels
    order = stratified_order(labels)
    members = order[labels[order] == label]
    assert (np.diff(members) > 0).all()

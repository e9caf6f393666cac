"""One order and one fingerprint, whatever the source's order; heads that are stratified and nested."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.datasets import Split, compute_fingerprint, sort_canonically, stratified_order


def drawn(seed: int, count: int = 20) -> Split:
    """Few pixel values, so that some images are equal and labels must break the tie."""
    rng = np.random.default_rng(seed)
    return Split(
        rng.integers(0, 2, (count, 2, 2, 1), dtype=np.uint8), rng.integers(0, 3, count, dtype=np.uint8)
    )


@given(seed=st.integers(0, 2**32), shuffle=st.permutations(range(20)))
def test_canonical_order_does_not_depend_on_the_order_of_the_source(seed, shuffle):
    split = drawn(seed)
    one, other = (
        sort_canonically(split),
        sort_canonically(Split(split.images[shuffle], split.labels[shuffle])),
    )
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert compute_fingerprint(one, one) == compute_fingerprint(other, other)


def test_canonical_order_keeps_each_image_with_its_label():
    split = drawn(0)
    pairs = [(image.tobytes(), label) for image, label in zip(split.images, split.labels, strict=True)]
    after = sort_canonically(split)
    assert sorted(pairs) == sorted(
        (image.tobytes(), label) for image, label in zip(after.images, after.labels, strict=True)
    )


def test_a_fingerprint_sees_every_pixel_every_label_the_shape_and_the_split():
    train, test = sort_canonically(drawn(1)), sort_canonically(drawn(2))
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
def test_every_head_has_the_classes_in_proportion(classes):
    """A head holds the members of class c with (2k + 1) / 2n_c up to some t, so n_c t + 1/2 of them at most and n_c t - 1/2 at least.

    Summed over C classes its length is n t within C/2, so a class's count differs from its share by at most 1/2 + C n_c / 2n.
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
def test_within_a_class_the_canonical_order_stays(label):
    labels = drawn(3, 50).labels
    order = stratified_order(labels)
    members = order[labels[order] == label]
    assert (np.diff(members) > 0).all()

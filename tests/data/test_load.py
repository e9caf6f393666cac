"""A loaded data set: training and validation images, and the moments of the pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.data import load
from scaling.data.load import LoadedDataset
from scaling.datasets import Synthetic, draw_classes
from scaling.errors import DataError


def load_synthetic(tmp_path, **settings) -> LoadedDataset:
    return load(Synthetic(size=200, side=6, **settings), folder=tmp_path)


def test_all_images_are_trained_on_by_default(tmp_path):
    loaded = load_synthetic(tmp_path)
    np.testing.assert_array_equal(loaded.train_index, np.arange(200))
    assert len(loaded.validation_index) == 0


@given(validation=st.integers(0, 60), sizes=st.lists(st.integers(1, 140), min_size=2, max_size=2))
def test_subsets_are_nested_stratified_and_disjoint_from_validation(tmp_path_factory, validation, sizes):
    small, large = (
        load_synthetic(tmp_path_factory.getbasetemp(), validation=validation, train_images=size)
        for size in sorted(sizes)
    )
    assert (len(small.train_index), len(small.validation_index)) == (min(sizes), validation)
    assert set(small.train_index) <= set(large.train_index)
    np.testing.assert_array_equal(small.validation_index, large.validation_index)
    assert not set(large.train_index) & set(large.validation_index)
    # Ten classes of about a tenth each: the difference of two stratified heads is within twice 1/2 + 10/20 of
    # its share.
    shares = np.bincount(large.train.labels, minlength=10) / 200
    counts = np.bincount(large.train.labels[large.train_index], minlength=10)
    assert np.abs(counts - max(sizes) * shares).max() <= 2 * (1 / 2 + 10 * shares.max() / 2)


def test_validation_and_training_divide_the_whole_split(tmp_path):
    loaded = load_synthetic(tmp_path, validation=30)
    np.testing.assert_array_equal(
        np.sort(np.concatenate([loaded.train_index, loaded.validation_index])), np.arange(200)
    )


def test_more_images_than_there_are_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"dataset\.train_images: expected at most 170, got 171"):
        load_synthetic(tmp_path, validation=30, train_images=171)


def test_moments_are_those_of_the_whole_training_split(tmp_path):
    loaded = load_synthetic(tmp_path, channels=3, train_images=50)
    pixels = loaded.train.images.astype(np.float64).reshape(-1, 3) / 255
    # Sums of integers are exact; NumPy's own sums have errors of about 1e-15 for numbers near 1.
    np.testing.assert_allclose(loaded.mean, pixels.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(loaded.std, pixels.std(axis=0), rtol=1e-13)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_labels_restrict_all_images_as_a_plain_loop_does(tmp_path, k):
    whole, part = load_synthetic(tmp_path), load_synthetic(tmp_path, labels=k, labels_draw=5)
    classes = draw_classes(10, k=k, draw=5)
    for before, after in ((whole.train, part.train), (whole.test, part.test)):
        members = [row for row, label in enumerate(before.labels.tolist()) if label in classes]
        np.testing.assert_array_equal(after.images, before.images[members])
        assert after.labels.tolist() == [classes.index(before.labels[row]) for row in members]
    np.testing.assert_array_equal(part.train_index, np.arange(part.info.train_images))
    np.testing.assert_array_equal(part.mean, whole.mean)
    np.testing.assert_array_equal(part.std, whole.std)


@given(k=st.integers(2, 9), sizes=st.lists(st.integers(1, 30), min_size=2, max_size=2))
def test_training_images_are_nested_within_the_labels(tmp_path_factory, k, sizes):
    """The classes are drawn first: ``train_images`` counts images of these classes."""
    small, large = (
        load_synthetic(tmp_path_factory.getbasetemp(), labels=k, validation=8, train_images=size)
        for size in sorted(sizes)
    )
    assert len(large.train_index) == max(sizes)
    assert set(small.train_index) <= set(large.train_index)
    assert not set(large.train_index) & set(large.validation_index)
    counts = np.bincount(large.train.labels[large.train_index], minlength=k)
    # A stratified head has each of k equal classes within one of its share; this is a difference of two.
    assert np.abs(counts - max(sizes) / k).max() <= 2

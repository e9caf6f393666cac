"""What a study sees of a data set: its subsets, its moments, and a cache that is shared, checked and done without."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.data import cache as disk
from scaling.data import load
from scaling.data.cached_arrays import CachedArrays, content
from scaling.data.load import LoadedDataset
from scaling.datasets import Mnist, Split, Synthetic
from scaling.errors import DataError
from tests.data.tiny_sets import make, write_idx


@pytest.fixture
def mnist(monkeypatch, tmp_path):
    """The data folder of a tiny MNIST."""
    _, train, test = make(monkeypatch, "mnist")
    write_idx(tmp_path / "data", train, test)
    return tmp_path / "data"


def made(tmp_path, **leaves) -> LoadedDataset:
    return load(Synthetic(size=200, side=6, **leaves), folder=tmp_path)


def test_by_default_all_images_are_trained_on(tmp_path):
    loaded = made(tmp_path)
    np.testing.assert_array_equal(loaded.train_index, np.arange(200))
    assert len(loaded.validation_index) == 0


@given(validation=st.integers(0, 60), sizes=st.lists(st.integers(1, 140), min_size=2, max_size=2))
def test_subsets_are_nested_stratified_and_apart_from_validation(tmp_path_factory, validation, sizes):
    small, large = (
        made(tmp_path_factory.getbasetemp(), validation=validation, train_images=size)
        for size in sorted(sizes)
    )
    assert (len(small.train_index), len(small.validation_index)) == (min(sizes), validation)
    assert set(small.train_index) <= set(large.train_index)
    np.testing.assert_array_equal(small.validation_index, large.validation_index)
    assert not set(large.train_index) & set(large.validation_index)
    # Ten classes of about a tenth each: two stratified heads' difference is within twice 1/2 + 10/20 of its share.
    shares = np.bincount(large.train.labels, minlength=10) / 200
    counts = np.bincount(large.train.labels[large.train_index], minlength=10)
    assert np.abs(counts - max(sizes) * shares).max() <= 2 * (1 / 2 + 10 * shares.max() / 2)


def test_validation_and_training_share_out_the_whole_split(tmp_path):
    loaded = made(tmp_path, validation=30)
    np.testing.assert_array_equal(
        np.sort(np.concatenate([loaded.train_index, loaded.validation_index])), np.arange(200)
    )


def test_more_than_there_is_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"dataset\.train_images: must be at most 170, not 171"):
        made(tmp_path, validation=30, train_images=171)


def test_moments_are_those_of_the_whole_training_split(tmp_path):
    loaded = made(tmp_path, channels=3, train_images=50)
    pixels = loaded.train.images.astype(np.float64).reshape(-1, 3) / 255
    # Summed in whole numbers, so better than NumPy's own sums, which are good to about 1e-15 for numbers near 1.
    np.testing.assert_allclose(loaded.mean, pixels.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(loaded.std, pixels.std(axis=0), rtol=1e-13)


def test_a_channel_that_never_changes_does_not_divide_by_zero():
    images = np.full((5, 6, 6, 2), 7, np.uint8)
    images[..., 1] = np.arange(6)
    split = Split(images, np.zeros(5, np.uint8))
    known = content(split, split)
    assert known.std[0] == 1
    assert known.mean[0] == 7 / 255


def test_a_cache_hit_needs_no_data_folder(mnist, cache, tmp_path):
    first = load(Mnist(), folder=mnist, cache=cache)
    again = load(Mnist(), folder=tmp_path / "nowhere", cache=cache, download=False)
    for one, other in ((first.train, again.train), (first.test, again.test)):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(first.mean, again.mean)
    np.testing.assert_array_equal(first.std, again.std)
    assert isinstance(again.train.images.base, np.memmap)


def test_pickling_hands_the_images_over_without_a_copy(mnist, cache):
    """So Ray's object store holds them once a node."""
    loaded, handed_over = load(Mnist(), folder=mnist, cache=cache), []
    rest = pickle.dumps(loaded, protocol=5, buffer_callback=handed_over.append)
    assert len(rest) < 5000
    np.testing.assert_array_equal(pickle.loads(rest, buffers=handed_over).train.images, loaded.train.images)


@pytest.mark.parametrize(
    "name", ["train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy", disk.RECORD]
)
@pytest.mark.parametrize("left", [0.0, 0.6, None])
def test_a_cached_file_that_is_cut_short_or_gone_is_found_and_made_again(mnist, cache, tmp_path, name, left):
    whole = load(Mnist(), folder=mnist, cache=cache)
    file = cache / whole.info.fingerprint / name
    before = file.read_bytes()
    file.unlink()  # the mapping above keeps the old one
    if left is not None:
        file.write_bytes(before[: int(left * len(before))])
    with pytest.raises(DataError):
        load(Mnist(), folder=tmp_path / "nowhere", cache=cache, download=False)
    load(Mnist(), folder=mnist, cache=cache)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy"]
)
def test_a_cached_file_with_another_content_is_found_by_who_verifies_and_made_again(
    mnist, cache, tmp_path, name
):
    file = cache / load(Mnist(), folder=mnist, cache=cache).info.fingerprint / name
    before = file.read_bytes()
    file.unlink()
    file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    with pytest.raises(DataError):
        load(Mnist(), folder=tmp_path / "nowhere", cache=cache, download=False, verify=True)
    load(Mnist(), folder=mnist, cache=cache, verify=True)
    assert file.read_bytes() == before


def test_moments_that_were_changed_in_the_cache_are_computed_again(mnist, cache):
    whole = load(Mnist(), folder=mnist, cache=cache)
    record = cache / whole.info.fingerprint / disk.RECORD
    digit = str(whole.mean[0])[-2]
    record.write_text(
        record.read_text().replace(
            str(whole.mean[0]), str(whole.mean[0]).replace(digit, str((int(digit) + 1) % 10))
        )
    )
    np.testing.assert_array_equal(load(Mnist(), folder=mnist, cache=cache).mean, whole.mean)


def test_what_is_cached_is_on_the_disk_before_it_has_its_name(mnist, cache, monkeypatch):
    """Else a power failure could leave a record beside files without content."""
    synced: list[tuple[str, int]] = []
    monkeypatch.setattr(
        disk, "_sync", lambda path: synced.append((path.name, len(list(cache.glob("*/*.npy")))))
    )
    place = cache / load(Mnist(), folder=mnist, cache=cache).info.fingerprint
    assert {name for name, there in synced if there == 0} == {file.name for file in place.iterdir()}
    assert synced[-1] == (place.name, 4)


def test_a_cache_that_cannot_be_written_is_done_without(mnist, tmp_path):
    (tmp_path / "file").touch()
    loaded = load(Mnist(), folder=mnist, cache=tmp_path / "file" / "cache")
    assert not isinstance(loaded.train.images.base, np.memmap)
    cached = load(Mnist(), folder=mnist, cache=tmp_path / "cache")
    np.testing.assert_array_equal(loaded.train.images, cached.train.images)


def test_writers_at_once_do_not_harm_each_other_or_a_reader(tmp_path):
    """Whatever a reader sees in between is whole: nothing, or everything."""
    train, test = Synthetic(size=500, side=8).splits()
    known, folder = content(train, test), tmp_path / "one"

    def write_and_read(_: int) -> CachedArrays:
        between = disk.read(folder)
        assert between is None or np.array_equal(between.train.images, train.images)
        return disk.write(folder, known)

    with ThreadPoolExecutor(8) as pool:
        for written in pool.map(write_and_read, range(64)):
            np.testing.assert_array_equal(written.train.images, train.images)
            np.testing.assert_array_equal(written.test.labels, test.labels)
    assert len(list(folder.iterdir())) == 5

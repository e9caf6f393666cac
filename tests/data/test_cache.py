"""Cache of decoded data sets: shared, checked, and not required."""

from __future__ import annotations

import ast
import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import time

import numpy as np
import pytest

from scaling.data import load
from scaling.data.cache import RECORD_FILE, _digest, read_cache, write_cache
from scaling.data.cached_arrays import CachedArrays
from scaling.datasets import Mnist, Synthetic
from scaling.errors import DataError
from tests.data.tiny_sets import make, write_idx

ARRAY_FILES = ["train_images.bin", "train_labels.bin", "test_images.bin", "test_labels.bin"]


@pytest.fixture
def mnist(monkeypatch, tmp_path):
    """Return the data folder of a tiny MNIST."""
    _, train, test = make(monkeypatch, "mnist")
    write_idx(tmp_path / "data", train, test)
    return tmp_path / "data"


def test_cached_dataset_needs_no_data_folder(mnist, cache, tmp_path):
    first = load(Mnist(), folder=mnist, cache=cache)
    again = load(Mnist(), folder=tmp_path / "nowhere", cache=cache, download=False)
    for decoded, cached in ((first.train, again.train), (first.test, again.test)):
        np.testing.assert_array_equal(decoded.images, cached.images)
        np.testing.assert_array_equal(decoded.labels, cached.labels)
    np.testing.assert_array_equal(first.mean, again.mean)
    np.testing.assert_array_equal(first.std, again.std)
    assert isinstance(again.train.images.base, np.memmap)


def test_pickle_passes_the_images_on_without_a_copy(mnist, cache):
    """Ray's object store then holds the images once per node."""
    loaded, buffers = load(Mnist(), folder=mnist, cache=cache), []
    rest = pickle.dumps(loaded, protocol=5, buffer_callback=buffers.append)
    assert len(rest) < 5000
    np.testing.assert_array_equal(pickle.loads(rest, buffers=buffers).train.images, loaded.train.images)


@pytest.mark.parametrize("name", [*ARRAY_FILES, RECORD_FILE])
@pytest.mark.parametrize("share", [0.0, 0.6, None])
def test_cached_file_that_is_cut_short_or_missing_is_written_again(mnist, cache, tmp_path, name, share):
    whole = load(Mnist(), folder=mnist, cache=cache)
    file = cache / whole.info.fingerprint / name
    before = file.read_bytes()
    file.unlink()  # the mapping above keeps the old file
    if share is not None:
        file.write_bytes(before[: int(share * len(before))])
    with pytest.raises(DataError):
        load(Mnist(), folder=tmp_path / "nowhere", cache=cache, download=False)
    load(Mnist(), folder=mnist, cache=cache)
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ARRAY_FILES)
def test_verification_finds_changed_content_and_writes_it_again(mnist, cache, tmp_path, name):
    file = cache / load(Mnist(), folder=mnist, cache=cache).info.fingerprint / name
    before = file.read_bytes()
    file.unlink()
    file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    with pytest.raises(DataError):
        load(Mnist(), folder=tmp_path / "nowhere", cache=cache, download=False, verify=True)
    load(Mnist(), folder=mnist, cache=cache, verify=True)
    assert file.read_bytes() == before


def test_changed_moments_in_the_cache_are_computed_again(mnist, cache):
    whole = load(Mnist(), folder=mnist, cache=cache)
    record = cache / whole.info.fingerprint / RECORD_FILE
    digit = str(whole.mean[0])[-2]
    record.write_text(
        record.read_text().replace(
            str(whole.mean[0]), str(whole.mean[0]).replace(digit, str((int(digit) + 1) % 10))
        )
    )
    np.testing.assert_array_equal(load(Mnist(), folder=mnist, cache=cache).mean, whole.mean)


RECORDS = {
    "null": b"null",
    "number": b"1",
    "text": b'"sha256"',
    "list": b"[]",
    "empty": b"{}",
    "deep": b"[" * 10**5,
    "deep objects": b'{"a":' * 10**5,
    "long number": b'{"sha256": ' + b"9" * 10**4 + b"}",
    "not UTF-8": b"\xff",
}


@pytest.mark.parametrize("content", RECORDS.values(), ids=RECORDS)
def test_record_that_cannot_be_read_is_written_again(mnist, cache, content):
    record = cache / load(Mnist(), folder=mnist, cache=cache).info.fingerprint / RECORD_FILE
    before = record.read_bytes()
    record.write_bytes(content)
    load(Mnist(), folder=mnist, cache=cache)
    assert record.read_bytes() == before


SHAPES = {
    "none": None,
    "no shapes": {},
    "text": {"train_images.bin": "ab"},
    "negative": {"train_images.bin": [-1, -10]},
    "fraction": {"train_images.bin": [0.5, 20]},
    "huge": {"train_images.bin": [2**70, 0]},
    "infinite": {"train_images.bin": [1e308, 10]},
}


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_record_with_impossible_shapes_counts_as_missing(tmp_path, shapes):
    (tmp_path / "train_images.bin").write_bytes(bytes(10))
    record = {"shapes": shapes, "mean": [0.5], "std": [0.5]}
    (tmp_path / RECORD_FILE).write_text(json.dumps(record | {"sha256": _digest(record)}))
    assert read_cache(tmp_path) is None


def test_cached_content_is_on_the_disk_before_it_has_its_name(mnist, cache, monkeypatch):
    """Otherwise a power failure could leave a record beside files without content."""
    events: list[int | str] = []
    replace = Path.replace

    def record_sync(descriptor: int) -> None:
        events.append(os.fstat(descriptor).st_ino)

    def record_name(source: Path, target: Path) -> Path:
        assert events[-1] == source.stat().st_ino
        events.append(target.name)
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(Path, "replace", record_name)
    folder = cache / load(Mnist(), folder=mnist, cache=cache).info.fingerprint
    named = [index for index, event in enumerate(events) if isinstance(event, str)]
    assert events[named[-1]] == RECORD_FILE
    assert sorted(events[index] for index in named) == sorted(file.name for file in folder.iterdir())
    assert {events[index + 1] for index in named} == {folder.stat().st_ino}


def test_what_killed_writers_left_is_deleted_when_it_is_a_day_old(mnist, cache):
    """Also in the folder of another data set, which may never be used again."""
    folder = cache / load(Mnist(), folder=mnist, cache=cache).info.fingerprint
    (cache / "other").mkdir()
    old, older, young = (
        place / f".{ARRAY_FILES[0]}-{digit * 32}"
        for place, digit in ((folder, "0"), (cache / "other", "1"), (folder, "2"))
    )
    for file, age_s in ((old, 86500), (older, 10**7), (young, 80000)):
        file.write_bytes(b"half")
        os.utime(file, (time() - age_s,) * 2)
    load(Mnist(), folder=mnist, cache=cache)
    assert {file.name for file in folder.iterdir()} == {young.name, *ARRAY_FILES, RECORD_FILE}
    assert list((cache / "other").iterdir()) == []


def test_unwritable_cache_is_not_needed(mnist, tmp_path):
    (tmp_path / "file").touch()
    loaded = load(Mnist(), folder=mnist, cache=tmp_path / "file" / "cache")
    assert not isinstance(loaded.train.images.base, np.memmap)
    cached = load(Mnist(), folder=mnist, cache=tmp_path / "cache")
    np.testing.assert_array_equal(loaded.train.images, cached.train.images)


def test_reading_does_not_use_pythons_parser(mnist, cache, monkeypatch):
    """Two threads that parse at once can raise a SystemError."""

    def refuse(source: str) -> object:
        raise SystemError("AST constructor recursion depth mismatch")

    monkeypatch.setattr(ast, "literal_eval", refuse)
    for _ in range(2):  # writes the cache, then reads it
        assert isinstance(load(Mnist(), folder=mnist, cache=cache).train.images.base, np.memmap)


def test_concurrent_writers_do_not_harm_each_other_or_a_reader(tmp_path):
    """A reader sees either nothing or the whole data set."""
    train, test = Synthetic(size=500, side=8).splits()
    arrays, folder = CachedArrays.from_splits(train, test), tmp_path / "cached"

    def write_and_read(_: int) -> CachedArrays:
        visible = read_cache(folder)
        assert visible is None or np.array_equal(visible.train.images, train.images)
        return write_cache(folder, arrays)

    with ThreadPoolExecutor(8) as pool:
        for written in pool.map(write_and_read, range(64)):
            np.testing.assert_array_equal(written.train.images, train.images)
            np.testing.assert_array_equal(written.test.labels, test.labels)
    assert len(list(folder.iterdir())) == 5


def test_images_of_some_labels_are_cached_by_their_classes(mnist, cache, monkeypatch):
    """The counts of each class are known before the images are read, so a tiny MNIST needs its own."""
    info = Mnist().info(mnist)
    per_class = {"train_per_class": (4,) * 10, "test_per_class": (2,) * 10}
    monkeypatch.setattr("scaling.datasets.mnist.MNIST_INFO", replace(info, **per_class))
    whole, part = (load(Mnist(labels=k), folder=mnist, cache=cache) for k in (10, 3))
    assert (len(part.train), len(part.test)) == (12, 6)
    assert isinstance(part.train.images.base, np.memmap)
    folder = cache / part.info.fingerprint
    again = load(Mnist(labels=3), folder=mnist.parent / "nowhere", cache=cache, download=False, verify=True)
    np.testing.assert_array_equal(again.train.images, part.train.images)
    np.testing.assert_array_equal(again.mean, whole.mean)
    damaged = bytearray((folder / "train_images.bin").read_bytes())
    damaged[0] ^= 1
    (folder / "train_images.bin").unlink()
    (folder / "train_images.bin").write_bytes(damaged)
    mended = load(Mnist(labels=3), folder=mnist, cache=cache, verify=True)
    np.testing.assert_array_equal(mended.train.images, again.train.images)

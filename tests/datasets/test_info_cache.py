"""Descriptions of a user's own files are cached until a file changes, and never trusted when damaged."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from scaling.datasets import ImageFolderDataset
from scaling.datasets.own import info_cache
from scaling.errors import DataError
from tests.datasets.own_files import draw_images, encode, write_imagefolder

SPLIT = (draw_images(6, (8, 8, 3)), np.arange(6) % 2)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr(info_cache, "user_cache_path", lambda name: tmp_path / "cache")
    monkeypatch.setattr(info_cache, "_known", {})
    monkeypatch.setattr(info_cache, "_SETTLED_NS", 0)
    return tmp_path / "cache/own-data"


@pytest.fixture
def root(tmp_path):
    return write_imagefolder(tmp_path / "a", {"train": SPLIT, "test": SPLIT}, ("ant", "bee"))


@pytest.fixture
def reads(monkeypatch):
    """Number of times that the files were read."""
    count, read = [], ImageFolderDataset.read

    def counted(self, folder):
        count.append(folder)
        return read(self, folder)

    monkeypatch.setattr(ImageFolderDataset, "read", counted)
    return count


def info(root, **settings):
    """Return the description as another process would get it."""
    info_cache._known.clear()
    return ImageFolderDataset(path=str(root), **settings).info(root)


def test_a_second_process_reads_no_image(cache, root, reads):
    first = info(root)
    assert (info(root), len(reads)) == (first, 1)
    assert len(list(cache.iterdir())) == 1


def test_settings_that_change_the_result_are_read_anew(cache, root, reads):
    assert info(root).fingerprint == info(root, train_images=3).fingerprint
    assert len(reads) == 1
    assert info(root, size=4).image.side == 4
    assert len(reads) == 2


def test_a_changed_file_of_the_same_size_and_time_is_read_anew(cache, root, reads):
    file = root / "train/ant/000.png"
    state, before = file.stat(), info(root)
    content = encode(255 - SPLIT[0][0])
    assert len(content) == state.st_size
    file.write_bytes(content)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert info(root).fingerprint != before.fingerprint
    assert len(reads) == 2


def test_files_that_changed_just_now_are_not_cached(monkeypatch, cache, root):
    monkeypatch.setattr(info_cache, "_SETTLED_NS", 10**12)
    info(root)
    assert not cache.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-9],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"train_images": 6', '"train_images": 7'),
        lambda text: json.dumps({"info": {}, "sha256": ""}),
    ],
)
def test_a_damaged_record_is_not_used(cache, root, reads, damage):
    first = info(root)
    (file,) = cache.iterdir()
    file.write_text(damage(file.read_text()))
    assert (info(root), len(reads)) == (first, 2)


def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch, root, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(info_cache, "user_cache_path", lambda name: tmp_path / "file")
    monkeypatch.setattr(info_cache, "_SETTLED_NS", 0)
    assert info(root).train_images == 6


@pytest.mark.usefixtures("cache")
def test_images_that_were_just_read_are_not_read_again(root, reads):
    dataset = ImageFolderDataset(path=str(root))
    dataset.info(root)
    first = dataset.splits(root)
    assert len(reads) == 1
    again = dataset.splits(root)
    assert len(reads) == 2
    np.testing.assert_array_equal(first.train.images, again.train.images)


@pytest.mark.usefixtures("cache")
def test_a_file_that_disappears_is_named(monkeypatch, root):
    monkeypatch.setattr(ImageFolderDataset, "files", lambda self, folder: [root / "gone.png"])
    with pytest.raises(DataError, match=r"gone\.png: cannot be read \(No such file"):
        info(root)

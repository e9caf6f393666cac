"""Download of data sets: complete, not repeated, and reported with what to do if it fails."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from scaling.data import download_dataset, load
from scaling.datasets import Cifar10, Mnist, Usps
from scaling.errors import DataError
from scaling.temporary_folder import _LOCK, _MARK, PREFIX
from tests.data.tiny_sets import IDX, make, write_idx


@pytest.mark.parametrize("kind", [Mnist, Usps, Cifar10])
def test_without_network_one_error_names_the_folder_and_both_remedies(tmp_path, cache, capfd, kind):
    folder = tmp_path / "data"
    for attempt in (
        lambda: load(kind(), folder=folder, cache=cache),
        lambda: download_dataset(kind().type, folder, cache=cache),
    ):
        with pytest.raises(DataError) as raised:
            attempt()
        first, second = str(raised.value).splitlines()
        assert str(folder) in first
        assert kind().type in first
        assert "no network in tests" in first
        assert f"scaling data {kind().type}" in second
        assert "SCALING_DATA" in second
    assert capfd.readouterr() == ("", "")
    assert not list(folder.iterdir())


def test_nothing_is_downloaded_unless_permitted(tmp_path, cache):
    with pytest.raises(DataError, match="was not to be downloaded"):
        load(Mnist(), folder=tmp_path / "data", cache=cache, download=False)
    assert not (tmp_path / "data").exists()


def replace_download(monkeypatch, train, test) -> list[Path]:
    """Replace torchvision's download of MNIST, and return the folders that it downloaded to."""
    folders = []

    def download(folder, *, download):
        folders.append(Path(folder))
        write_idx(Path(folder), train, test)
        (Path(folder) / "MNIST/raw/archive.gz").write_bytes(gzip.compress(b"as torchvision leaves it"))

    monkeypatch.setattr("torchvision.datasets.MNIST", download)
    return folders


def test_download_is_complete_and_not_repeated(monkeypatch, tmp_path, cache):
    _, train, test = make(monkeypatch, "mnist")
    folders = replace_download(monkeypatch, train, test)
    folder = tmp_path / "data"
    for _ in range(2):
        assert download_dataset("mnist", folder, cache=cache).location == str(folder)
    assert len(folders) == 1
    assert sorted(
        file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
    ) == sorted(IDX)


def test_download_goes_to_the_users_own_folder_if_the_data_folder_is_read_only(monkeypatch, tmp_path, cache):
    """Not even root can create a folder below a file."""
    _, train, test = make(monkeypatch, "mnist")
    replace_download(monkeypatch, train, test)
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    load(Mnist(), folder=folder, cache=cache)
    assert download_dataset("mnist", folder, cache=cache).location == str(tmp_path / "home" / "scaling")


def test_interrupted_download_leaves_nothing(monkeypatch, tmp_path, cache):
    def interrupt(folder, *, download):
        (Path(folder) / "MNIST/raw").mkdir(parents=True)
        (Path(folder) / IDX[0]).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("torchvision.datasets.MNIST", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load(Mnist(), folder=tmp_path / "data", cache=cache)
    assert not list((tmp_path / "data").iterdir())


def test_what_a_killed_download_left_is_deleted_by_the_next_one(monkeypatch, tmp_path, cache):
    _, train, test = make(monkeypatch, "mnist")
    replace_download(monkeypatch, train, test)
    abandoned = tmp_path / "data" / f"{PREFIX}12345678"
    abandoned.mkdir(parents=True)
    (abandoned / _LOCK).write_text(_MARK)
    (abandoned / "archive.gz").write_bytes(b"half")
    load(Mnist(), folder=tmp_path / "data", cache=cache)
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["MNIST"]

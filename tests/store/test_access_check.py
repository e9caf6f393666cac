"""Checks that a store is writable, and that another machine sees the same store."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling.errors import StoreError
from scaling.store import Store, check_writable, open_store, probe_is_visible, write_probe
from scaling.store.paths import RUN_FOLDERS


def test_probe_is_visible_in_the_same_store_only(store: Store, tmp_path: Path) -> None:
    name = write_probe(store)
    assert probe_is_visible(store, name)
    assert not probe_is_visible(open_store(tmp_path / "elsewhere"), name)


def test_store_that_replaces_files_is_refused(folder: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(folder.backend), "put_if_absent", lambda *_: True)
    with pytest.raises(StoreError, match="put-if-absent"):
        write_probe(folder)


def test_check_of_a_writable_store_leaves_nothing(any_store: Store) -> None:
    check_writable(any_store)
    assert not any(any_store.backend.list_files(folder) for folder in RUN_FOLDERS)


@pytest.mark.parametrize("name", RUN_FOLDERS)
def test_folder_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    """Permissions do not bind root, who may run the tests, but a file in the place of a folder does."""
    (tmp_path / name).write_text("not a folder")
    with pytest.raises(StoreError, match=f"/{name}: cannot be written"):
        check_writable(open_store(tmp_path))

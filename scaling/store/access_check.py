"""Checks that runs can be published in a store, and that another machine sees the same store.

A folder with the same path on two machines is not necessarily one folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from scaling.errors import StoreError
from scaling.store import paths
from scaling.store.store import Store


def write_probe(store: Store) -> str:
    """Write a small file and check that its name cannot be taken twice.

    Returns:
        The name of the probe, for ``probe_is_visible`` on another machine.

    Raises:
        StoreError: nothing can be written in the store, or the store replaces existing files.
    """
    name = uuid4().hex
    _write(store, paths.probe_file(name), name)
    return name


def check_writable(store: Store, folders: Sequence[str] = paths.RUN_FOLDERS) -> None:
    """Check that files can be written in folders of a store, and leave no file behind.

    Args:
        store: the store.
        folders: folders inside the store; by default those that a training writes to.

    Raises:
        StoreError: nothing can be written in a folder, or the store replaces existing files.
    """
    name = f".{uuid4().hex}"  # like a temporary file, which ``sweep`` removes if this process is killed here
    for folder in folders:
        file = paths.probe_file(name, folder=folder)
        _write(store, file, name)
        store.backend.delete(file)


def probe_is_visible(store: Store, name: str) -> bool:
    """Return whether this process can read a probe that ``write_probe`` left."""
    file = paths.probe_file(name)
    return store.backend.exists(file) and store.backend.get(file) == name.encode()


def _write(store: Store, file: str, name: str) -> None:
    store.backend.put_if_absent(file, name.encode())  # its answer may be lost
    if store.backend.put_if_absent(file, b""):
        raise StoreError(
            f"{store.backend.full_name(file)}: this object store does not support put-if-absent, which claims"
            " need; choose another",
            option="store",
        )

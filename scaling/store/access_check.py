"""Can runs be published in this store, and does another machine see it? A folder by the same name on each node is not one store."""

from __future__ import annotations

from uuid import uuid4

from scaling.errors import StoreError
from scaling.store import paths
from scaling.store.store import Store


def write_probe(store: Store) -> str:
    """Write a small file, and see that its name can't be taken twice.

    Returns:
        Its name, for ``probe_is_visible`` on another machine.

    Raises:
        StoreError: nothing can be written there, or a file can be replaced.
    """
    name = uuid4().hex
    file = paths.probe(name)
    if not store.backend.put_if_absent(file, name.encode()) or store.backend.put_if_absent(file, b""):
        raise StoreError(
            f"{store.backend.full_name(file)}: this store replaces a file that exists; choose one with conditional writes"
        )
    return name


def check_writable(store: Store) -> None:
    """See that runs can be published, and leave nothing behind.

    Raises:
        StoreError: nothing can be written there, or a file can be replaced.
    """
    store.backend.delete(paths.probe(write_probe(store)))


def probe_is_visible(store: Store, name: str) -> bool:
    """Whether the file of a probe can be read here."""
    file = paths.probe(name)
    return store.backend.exists(file) and store.backend.get(file) == name.encode()

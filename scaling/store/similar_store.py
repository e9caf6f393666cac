"""Search for the store that a mistyped name may mean."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from scaling.errors import StoreError
from scaling.store.folder import FolderBackend
from scaling.store.store import Store, open_store


def find_similar_store(store: Store) -> Path | None:
    """Return a folder with published runs whose path differs from a missing folder's in one similar name.

    Args:
        store: a store.

    Returns:
        None if there is no such folder, if the store's folder exists, or if the store is in a bucket.
    """
    if not isinstance(store.backend, FolderBackend):
        return None
    root = store.backend.root
    try:
        missing = next((folder for folder in (*reversed(root.parents), root) if not folder.exists()), None)
        if missing is None:
            return None
        names = sorted(folder.name for folder in missing.parent.iterdir() if folder.is_dir())
    except OSError:  # a folder may not be listed
        return None
    similar = (
        missing.with_name(name) / root.relative_to(missing) for name in get_close_matches(missing.name, names)
    )
    return next((folder for folder in similar if _has_runs(folder)), None)


def _has_runs(folder: Path) -> bool:
    try:
        return open_store(folder).has_runs
    except StoreError:  # it is no store, or another user's
        return False

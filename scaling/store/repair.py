"""Repair of a store: damaged files are moved aside, so that their runs are trained again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from scaling.store import paths
from scaling.store.backend import Backend
from scaling.store.claims import release_damaged, release_pending
from scaling.store.store import Store
from scaling.store.verify import Verification, verify


@dataclass(frozen=True, kw_only=True)
class Repair:
    """Result of a repair."""

    verification: Verification
    """State before the repair."""
    moved: tuple[str, ...]
    """Full names of the files after they were moved."""


def repair(store: Store) -> Repair:
    """Move every damaged part, with all of its files, and other damaged files to the folder ``damaged``.

    A part is moved as a whole, because a run is published completely or not at all: if only its predictions
    are damaged, its runs are trained again as well. A damaged test set, forecast or claim is moved alone; the
    pack of such a claim can then be claimed again.

    Raises:
        StoreError: the store cannot be read or written.
    """
    verification, backend = verify(store), store.backend
    moved = []
    damaged = dict.fromkeys(
        path for damage in verification.damage for path in _files_to_move(backend, damage.path)
    )
    release_pending(backend, damaged)
    for path in damaged:
        target = _free_path(backend, path)
        backend.move(path, target)
        moved.append(backend.full_name(target))
    for damage in verification.damage:
        if damage.kind == paths.CLAIMS_FOLDER:
            release_damaged(backend, damage.path)
    return Repair(verification=verification, moved=tuple(moved))


def _files_to_move(backend: Backend, damaged: str) -> Iterator[str]:
    """Yield the files that leave the store with a damaged file, the commit record of a part first."""
    part = paths.part_of(damaged)
    candidates = [damaged] if part is None else [paths.table_file(kind, part) for kind in paths.PART_TABLES]
    weights = [] if part is None else [paths.weights_folder(part)]
    for path in candidates:
        folder, _, name = path.rpartition("/")
        if name in backend.list_names(folder):
            yield path
    for folder in weights:
        yield from (f"{folder}/{name}" for name in backend.list_names(folder))


def _free_path(backend: Backend, path: str) -> str:
    """Return a path in the folder ``damaged`` that no file has."""
    candidates = (paths.damaged_file(path, number) for number in count())
    return next(candidate for candidate in candidates if not backend.exists(candidate))

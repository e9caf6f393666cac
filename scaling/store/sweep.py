"""Removal of files that killed processes left behind and that no process needs any more.

A file is removed only if it is a day old by the clock of the store, much older than any lease or publication,
and if it can be shown that nothing refers to it. What cannot be shown stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from scaling.store import paths
from scaling.store.backend import Backend, MissingFileError, StoredFile
from scaling.store.claims import CLAIM_NAME, pending_commits, read_claim, read_claim_state
from scaling.store.parts import Parts
from scaling.store.store import Store

MIN_AGE_S = 24 * 3600.0
"""Age in seconds from which a file may be removed."""
_TEMPORARY_NAME = re.compile(r"\.[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Files that a sweep removed: paths inside the store, by kind."""

    removed: Mapping[str, tuple[str, ...]]
    bytes: int
    """Size of the removed files."""


def sweep(store: Store) -> Sweep:
    """Remove what killed processes left behind.

    Raises:
        StoreError: the store cannot be read or written.
    """
    return _Sweeper(store.backend).sweep()


class _Sweeper:
    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.before_s = _store_time(backend) - MIN_AGE_S
        self.removed: dict[str, list[str]] = {}
        self.bytes = 0

    def sweep(self) -> Sweep:
        for path in paths.FOLDERS:
            temporary = (file for file in self._old_files(path) if _is_temporary(file.path))
            self._remove("temporary files", temporary)
        self._remove("files without a part", self._files_without_part())
        self._remove("probes", self._old_files(paths.PROBES_FOLDER))
        self._remove("records of compactions", self._old_files(paths.COMPACTIONS_FOLDER))
        self._remove("claims of earlier holders", self._outdated_claim_files())
        for key in self._finished_packs():
            checkpoints = self._old_files(paths.checkpoints_folder(key))
            self._remove("checkpoints of published packs", checkpoints)
            self._remove("claims of published packs", self._old_files(paths.claims_folder(key)))
        for path in paths.FOLDERS:
            folders = self.backend.remove_empty_folders(path, before_s=self.before_s)
            self.removed.setdefault("empty folders", []).extend(folders)
        removed = {kind: tuple(files) for kind, files in self.removed.items() if files}
        return Sweep(removed=removed, bytes=self.bytes)

    def _old_files(self, folder: str) -> list[StoredFile]:
        return [file for file in self.backend.list_files(folder) if file.modified_s < self.before_s]

    def _remove(self, kind: str, files: Collection[StoredFile] | Iterator[StoredFile]) -> None:
        for file in files:
            self.backend.delete(file.path)
            self.removed.setdefault(kind, []).append(file.path)
            self.bytes += file.size

    def _files_without_part(self) -> Iterator[StoredFile]:
        """Yield old tables and weights whose commit record does not exist and is in no claim."""
        pending = {paths.part_of(path) for path in pending_commits(self.backend)}
        for folder in (*paths.PART_TABLES[1:], paths.WEIGHTS_FOLDER):
            files = self._old_files(folder)
            # Listed after the files, because a publication writes the record last; damaged records count.
            parts = {*paths.part_names(self.backend.list_names("runs")), *pending}
            for file in files:
                part = paths.part_of(file.path)
                if not part or part in parts or _is_temporary(file.path):
                    continue
                if not self.backend.exists(paths.table_file("runs", part)):
                    yield file

    def _outdated_claim_files(self) -> Iterator[StoredFile]:
        """Yield old beats that a later beat of the same or a later generation replaces.

        The names of all generations stay until the pack is published, so that no generation is claimed twice.
        """
        by_key: dict[str, list[StoredFile]] = {}
        for file in self._old_files(paths.CLAIMS_FOLDER):
            by_key.setdefault(file.path.split("/")[1], []).append(file)
        for key, files in by_key.items():
            state = read_claim_state(self.backend, key)
            for file in files:
                match = CLAIM_NAME.fullmatch(file.path.rpartition("/")[2])
                if match and match[2] and (int(match[1]), int(match[2])) < (state.generation, state.beat):
                    yield file

    def _finished_packs(self) -> Iterator[str]:
        """Yield the keys of packs all of whose runs are published, whoever claimed them for whichever study.

        If such a pack is claimed again, its holder finds the runs in the store and trains nothing.
        """
        claims: dict[str, list[StoredFile]] = {}
        for file in self.backend.list_files(paths.CLAIMS_FOLDER):
            claims.setdefault(file.path.split("/")[1], []).append(file)
        old = {
            key: files
            for key, files in claims.items()
            if all(file.modified_s < self.before_s for file in files)
        }
        # Reading the ids of all runs takes longer than all the rest.
        ids = Parts(self.backend).ids() if old else set()
        for key, files in old.items():
            wanted = [self._claimed_runs(file.path) for file in files if self._is_claim(file.path)]
            if wanted and all(runs and set(runs) <= ids for runs in wanted):
                yield key

    def _is_claim(self, path: str) -> bool:
        match = CLAIM_NAME.fullmatch(path.rpartition("/")[2])
        return bool(match) and path.count(".") == 1

    def _claimed_runs(self, path: str) -> Sequence[str]:
        """Return the runs that a claim is for; none if the claim does not say."""
        try:
            return read_claim(self.backend, path)[0].runs
        except MissingFileError:
            return ()


def _store_time(backend: Backend) -> float:
    """Return the time by the clock of the store, from a file that is written for this purpose."""
    path = paths.probe_file(uuid4().hex)
    backend.put_if_absent(path, b"")
    try:
        return next(file.modified_s for file in backend.list_files(paths.PROBES_FOLDER) if file.path == path)
    finally:
        backend.delete(path)


def _is_temporary(path: str) -> bool:
    return bool(_TEMPORARY_NAME.fullmatch(path.rpartition("/")[2]))

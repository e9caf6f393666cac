"""Removal of files that killed processes left behind and that no process needs any more.

A file is removed only if it is a day old by the clock of the store, much older than any lease or publication,
if only this software gives its name, and if it can be shown that nothing refers to it. What cannot be shown
stays. In a store without runs nothing can be shown: a copy of it may be on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import uuid4

from scaling.errors import StoreError
from scaling.store import paths
from scaling.store.backend import Backend, DamagedFileError, StoredFile
from scaling.store.claims import damaged_claims, decode_claim, pending_commits, read_claim_state
from scaling.store.parts import Parts
from scaling.store.store import Store

MIN_AGE_S = 24 * 3600.0
"""Age in seconds from which a file may be removed."""


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
    return _Sweeper(store.backend).sweep() if store.has_runs else Sweep(removed={}, bytes=0)


class _Sweeper:
    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.before_s = _store_time(backend) - MIN_AGE_S
        self.removed: dict[str, list[str]] = {}
        self.bytes = 0

    def sweep(self) -> Sweep:
        for path in paths.FOLDERS:
            temporary = (file for file in self._old_files(path) if paths.is_temporary(file.path))
            self._remove("temporary files", temporary)
        self._remove("files without a part", self._files_without_part())
        self._remove("probes", self._old_files(paths.PROBES_FOLDER))
        self._remove("records of compactions", self._old_files(paths.COMPACTIONS_FOLDER))
        self._remove("claims of earlier holders", self._outdated_claim_files())
        finished = set(self._finished_packs())
        checkpoints = [file for file in self._old_files(paths.CHECKPOINTS_FOLDER) if _key(file) in finished]
        self._remove("checkpoints of published packs", checkpoints)
        claims = [file for file in self._old_files(paths.CLAIMS_FOLDER) if _key(file) in finished]
        # If the process is killed before the claims themselves are removed, the next sweep finds the rest by
        # them; and the newest claim of a pack shows until the end which generations there were.
        for removed_together in _split_by_order(claims):
            self._remove("claims of published packs", removed_together)
        for path in paths.FOLDERS:
            folders = self.backend.remove_empty_folders(path, before_s=self.before_s)
            self.removed.setdefault("empty folders", []).extend(folders)
        removed = {kind: tuple(files) for kind, files in self.removed.items() if files}
        return Sweep(removed=removed, bytes=self.bytes)

    def _old_files(self, folder: str) -> list[StoredFile]:
        files = self.backend.list_files(folder)
        return [file for file in files if file.modified_s < self.before_s and paths.is_removable(file.path)]

    def _remove(self, kind: str, files: Iterable[StoredFile]) -> None:
        found = list(files)
        self.backend.delete_all([file.path for file in found])
        self.removed.setdefault(kind, []).extend(file.path for file in found)
        self.bytes += sum(file.size for file in found)

    def _files_without_part(self) -> Iterator[StoredFile]:
        """Yield old tables and weights whose commit record does not exist and is in no claim."""
        if damaged_claims(self.backend):
            return  # they may contain commit records
        pending = {paths.part_of(path) for path in pending_commits(self.backend)}
        for folder in (*paths.PART_TABLES[1:], paths.WEIGHTS_FOLDER):
            files = self._old_files(folder)
            # Listed after the files, because a publication writes the record last; damaged records count.
            parts = {*paths.part_names(self.backend.list_names("runs")), *pending}
            for file in files:
                part = paths.part_of(file.path)
                if not part or part in parts or paths.is_temporary(file.path):
                    continue
                if not self.backend.exists(paths.table_file("runs", part)):
                    yield file

    def _outdated_claim_files(self) -> Iterator[StoredFile]:
        """Yield old beats that a later beat of the same or a later generation replaces.

        The names of all generations stay until the pack is published, so that no generation is claimed twice.
        """
        by_key: dict[str, list[StoredFile]] = {}
        for file in self._old_files(paths.CLAIMS_FOLDER):
            by_key.setdefault(_key(file), []).append(file)
        for key, files in by_key.items():
            state = read_claim_state(self.backend, key)
            for file in files:
                match = paths.CLAIM_NAME.fullmatch(file.path.rpartition("/")[2])
                if match and match[2] and (int(match[1]), int(match[2])) < (state.generation, state.beat):
                    yield file

    def _finished_packs(self) -> Iterator[str]:
        """Yield the keys of packs whose runs are all published, regardless of the worker and of the study.

        If such a pack is claimed again, its holder finds the runs in the store and trains nothing.
        """
        claims: dict[str, list[StoredFile]] = {}
        for file in self.backend.list_files(paths.CLAIMS_FOLDER):
            claims.setdefault(_key(file), []).append(file)
        old = {
            key: [file.path for file in files if _generation(file.path)]
            for key, files in claims.items()
            if all(file.modified_s < self.before_s for file in files)
        }
        # Reading the ids of all runs takes longer than all the rest.
        ids = Parts(self.backend).ids() if old else set()
        contents = self.backend.get_all([path for files in old.values() for path in files])
        for key, files in old.items():
            wanted = [_claimed_runs(path, next(contents)) for path in files]
            if wanted and all(runs and runs <= ids for runs in wanted):
                yield key


def _generation(path: str) -> int:
    """Return the generation of a claim; 0 for another file of its pack."""
    match = paths.CLAIM_NAME.fullmatch(path.rpartition("/")[2])
    return int(match[1]) if match and not (match[2] or match[3]) else 0


def _split_by_order(files: Iterable[StoredFile]) -> tuple[list[StoredFile], list[StoredFile]]:
    """Return the files of claims without the newest claim of each pack, and these newest claims."""
    ordered = sorted(files, key=lambda file: _generation(file.path))
    newest = {_key(file): file for file in ordered if _generation(file.path)}
    return [file for file in ordered if file is not newest.get(_key(file))], list(newest.values())


def _key(file: StoredFile) -> str:
    """Return the key of the pack that a claim or a checkpoint belongs to."""
    return file.path.split("/")[1]


def _claimed_runs(path: str, content: bytes | StoreError) -> set[str]:
    """Return the runs that a claim is for; none if the claim is missing or damaged."""
    if isinstance(content, StoreError):
        return set()
    try:
        return set(decode_claim(path, content)[0].runs)
    except DamagedFileError:
        return set()


def _store_time(backend: Backend) -> float:
    """Return the time by the clock of the store, from a file that is written for this purpose.

    Raises:
        StoreError: the file cannot be written, or is not listed yet.
    """
    path = paths.probe_file(uuid4().hex)
    backend.put_if_absent(path, b"")
    try:
        for file in backend.list_files(paths.PROBES_FOLDER):
            if file.path == path:
                return file.modified_s
        raise StoreError(f"{backend.full_name(path)}: a new file is not listed yet; try again in a minute")
    finally:
        backend.delete(path)

"""Claims: put-if-absent decides which worker trains a pack, and whose training of it is published.

    claim.<generation>               put by the worker that holds the pack; the highest counts and stays
    claim.<generation>.beat.<n>      the holder's counter: the holder puts n + 1, then removes n
    claim.<generation>.released      the holder is done; any worker may put the next generation

No clock is compared with another machine's clock. An observer considers a holder dead if its counter did not
increase for one lease, measured with the observer's own monotonic clock. Only then is a pack trained twice.

Leases save work; they do not decide what is published. A holder publishes by taking the next generation, in
a file that contains its commit record. If another worker took that generation first, the holder's results are
discarded. If the holder dies before the commit record is in its place, the next holder copies it there. So a
pack is published once, however long a worker sleeps and whatever the clocks show.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from scaling.store import paths
from scaling.store.backend import Backend, DamagedFileError, MissingFileError
from scaling.store.store import Store

RENEWALS_PER_LEASE = 4


class ClaimLost(Exception):
    """The pack was taken over: its holder, which did not renew its claim for a lease, must stop."""


@dataclass(frozen=True, kw_only=True)
class ClaimState:
    """State of a pack's claims as its files show it."""

    generation: int
    """Highest generation; 0 if no worker has ever claimed the pack."""
    beat: int
    """Counter of the highest generation's holder."""
    released: bool


def read_claim_state(backend: Backend, key: str) -> ClaimState:
    """Return the state of a pack's claims, from the names of its files."""
    return _claim_state(backend.list_names(paths.claims_folder(key)))


def _claim_state(names: Iterable[str]) -> ClaimState:
    matches = [match for name in names if (match := paths.CLAIM_NAME.fullmatch(name))]
    generation = max((int(match[1]) for match in matches), default=0)
    current = [match for match in matches if int(match[1]) == generation]
    return ClaimState(
        generation=generation,
        beat=max((int(match[2] or 0) for match in current), default=0),
        released=any(match[3] for match in current),
    )


@dataclass(frozen=True, kw_only=True)
class ClaimContent:
    """Content of a claim's file, without the commit record."""

    owner: str
    """Name of the worker."""
    runs: tuple[str, ...] = ()
    """Ids of the runs that the pack is trained for."""
    commits: tuple[str, ...] = ()
    """Paths of the commit records of the pack so far."""

    def encode(self, commit_record: bytes = b"") -> bytes:
        """Return the content of the file.

        Args:
            commit_record: content of the last of ``commits``, if this claim publishes it.
        """
        return json.dumps(vars(self)).encode() + b"\n" + commit_record


@dataclass
class Claim:
    """Right to train a pack, and to publish it, until another worker takes it over.

    One thread may renew the claim while another one publishes. Only one of them may release it.
    """

    backend: Backend
    key: str
    """Key of the pack."""
    content: ClaimContent
    generation: int
    beat: int = 0
    is_committing: bool = False

    def renew(self) -> bool:
        """Show that the holder is alive.

        Returns:
            False if another worker has taken the pack over; the holder must then stop.
        """
        is_newest = read_claim_state(self.backend, self.key).generation <= self.generation
        if not (is_newest or self.is_committing):  # in this order: the holder itself may commit meanwhile
            return False
        self.beat += 1
        self.backend.put_if_absent(self.file(f".beat.{self.beat}"), b"")
        self.backend.delete(self.file(f".beat.{self.beat - 1}"))
        return True

    def commit(self, path: str, data: bytes) -> None:
        """Put a commit record in its place, unless another worker has taken the pack over.

        It may be called again after a ``StoreError``.

        Raises:
            ClaimLost: another worker has taken the pack over.
        """
        self.is_committing = True
        content = replace(self.content, commits=(*self.content.commits, path))
        if not _put_own(self.backend, _claim_file(self.key, self.generation + 1), content.encode(data)):
            raise ClaimLost
        self.backend.put_if_absent(path, data)
        self.content, self.generation, self.is_committing = content, self.generation + 1, False

    def release(self) -> None:
        """Let other workers claim the pack at once; its published runs keep them from training it again."""
        self.backend.put_if_absent(self.file(".released"), b"")
        for name in self.backend.list_names(paths.claims_folder(self.key)):
            match = paths.CLAIM_NAME.fullmatch(name)
            if match and match[2] and int(match[1]) <= self.generation:
                self.backend.delete(f"{paths.claims_folder(self.key)}/{name}")

    def file(self, suffix: str = "") -> str:
        """Return the path of one of the claim's files."""
        return _claim_file(self.key, self.generation) + suffix


class Claims:
    """Claims of a store as one worker sees them.

    Args:
        store: the store that holds the claims.
        owner: name of the worker, which no other worker has.
        lease_s: time in seconds for which a counter may stand still. Renew ``RENEWALS_PER_LEASE`` times in a
            lease. On a network folder, a lease should be longer than the cache of listings (NFS: 60 s).
        clock: monotonic clock in seconds.
    """

    def __init__(
        self, store: Store, *, owner: str, lease_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store, self.backend = store, store.backend
        self.owner = owner
        self.lease_s = lease_s
        self.clock = clock
        self._observed: dict[str, _Observation] = {}

    def try_acquire(self, key: str, runs: Sequence[str] = ()) -> Claim | None:
        """Claim a pack without waiting.

        Args:
            key: key of the pack.
            runs: ids of the runs that the pack is trained for. When all of them are published, ``sweep`` may
                remove the claim and the pack's checkpoints.

        Returns:
            None while another worker holds the pack or is not yet known to be dead: ask again later.
        """
        start = self.clock()
        state = read_claim_state(self.backend, key)
        if state.generation and not state.released and not self._is_dead(key, state, start):
            return None
        commits: Sequence[str] = ()
        if state.generation:
            newest, data = self._read_newest(_claim_file(key, state.generation))
            commits = newest.commits
            if data and not state.released:  # the holder died between its decision to publish and the end
                self.backend.put_if_absent(commits[-1], data)
            self.store.parts.expect(commits)
        content = ClaimContent(owner=self.owner, runs=tuple(runs), commits=tuple(commits))
        claim = Claim(self.backend, key, content, state.generation + 1)
        # If the file is there already, it may be this worker's own, from a request whose answer was lost. It
        # has never been renewed, so other workers may regard its holder as dead: no claim to train under.
        return claim if self.backend.put_if_absent(claim.file(), content.encode()) else None

    def _read_newest(self, file: str) -> tuple[ClaimContent, bytes]:
        try:
            return read_claim(self.backend, file)
        except MissingFileError:  # other files show that there was one
            raise DamagedFileError(self.backend.full_name(file), "does not exist") from None

    def _is_dead(self, key: str, state: ClaimState, start: float) -> bool:
        """Return whether a holder's counter has not changed for a lease.

        A holder cannot renew its claim while the store does not answer. So the time that a look takes does
        not count, and the time between two looks counts at most as much as the time between two renewals.
        """
        previous = self._observed.get(key)
        silent_s = 0.0
        if previous is not None and previous.state == state:
            pause_s = start - previous.seen_at
            silent_s = previous.silent_s + min(pause_s, self.lease_s / RENEWALS_PER_LEASE)
        self._observed[key] = _Observation(state=state, seen_at=self.clock(), silent_s=silent_s)
        return silent_s >= self.lease_s


@dataclass(frozen=True, kw_only=True)
class _Observation:
    state: ClaimState
    seen_at: float
    """Time of the last look."""
    silent_s: float
    """Time for which the state did not change."""


def _claim_file(key: str, generation: int) -> str:
    return f"{paths.claims_folder(key)}/claim.{generation}"


def _put_own(backend: Backend, file: str, content: bytes) -> bool:
    """Put a commit record that no other worker writes with this content, and return whether it is there.

    An object store can write a file, lose the answer, and refuse the repeated request.
    """
    return backend.put_if_absent(file, content) or backend.get(file) == content


def read_claim(backend: Backend, file: str) -> tuple[ClaimContent, bytes]:
    """Return the content of a claim's file, and the commit record that it publishes; else no bytes.

    Raises:
        MissingFileError: the file does not exist.
        DamagedFileError: the file is not a claim of this software.
        StoreError: the file cannot be read.
    """
    return decode_claim(backend.full_name(file), backend.get(file))


def decode_claim(name: str, content: bytes) -> tuple[ClaimContent, bytes]:
    """Return the fields of a claim's file, and the commit record that it publishes; else no bytes.

    Args:
        name: name of the file, for the message.
        content: content of the file.

    Raises:
        DamagedFileError: the file is not a claim of this software.
    """
    header, _, data = content.partition(b"\n")
    try:
        claim = ClaimContent(**{name: _strings(value) for name, value in json.loads(header).items()})
        if not all(map(paths.is_commit_record, claim.commits)):
            raise ValueError
        if data and not paths.is_commit_record(claim.commits[-1], data):
            raise ValueError
    except (ValueError, AttributeError, TypeError, IndexError, RecursionError):
        raise DamagedFileError(name, "is not a claim of this software") from None
    return claim, data


def _strings(value: object) -> Any:
    """Return a string, or a list of strings as a tuple.

    Raises:
        ValueError: the value is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError


def damaged_claims(backend: Backend) -> dict[str, DamagedFileError]:
    """Return the newest claims of packs that cannot be read, by their paths."""
    damage = {}
    for key, state in _claim_states(backend).items():
        if state.generation:
            file = _claim_file(key, state.generation)
            try:
                read_claim(backend, file)
            except DamagedFileError as error:
                damage[file] = error
            except MissingFileError:  # a sweep may have removed it with all others of the pack
                if read_claim_state(backend, key).generation == state.generation:
                    damage[file] = DamagedFileError(backend.full_name(file), "does not exist")
    return damage


def release_damaged(backend: Backend, path: str) -> None:
    """Put a released claim in the place of a damaged one that was moved, so that the pack can be claimed.

    The generation stays, so that no generation is claimed twice.
    """
    backend.put_if_absent(path, ClaimContent(owner="repair").encode())
    backend.put_if_absent(f"{path}.released", b"")


def _claim_states(backend: Backend) -> dict[str, ClaimState]:
    """Return the states of all packs' claims by the packs' keys."""
    names: dict[str, list[str]] = {}
    for file in backend.list_files(paths.CLAIMS_FOLDER):
        key, _, name = file.path.removeprefix(f"{paths.CLAIMS_FOLDER}/").rpartition("/")
        if paths.is_file_name(key):  # synchronisation tools may leave hidden folders of their own
            names.setdefault(key, []).append(name)
    return {key: _claim_state(files) for key, files in names.items()}


def pending_commits(backend: Backend) -> dict[str, Claim]:
    """Return the claims whose commit record the next holder puts in its place, by the path of the record.

    Claims that are damaged are left out: the next holder cannot read them either.
    """
    pending = {}
    for key, state in _claim_states(backend).items():
        if state.generation and not state.released:
            with suppress(MissingFileError, DamagedFileError):
                content, data = read_claim(backend, _claim_file(key, state.generation))
                if data:
                    pending[content.commits[-1]] = Claim(backend, key, content, state.generation)
    return pending


def release_pending(backend: Backend, commits: Collection[str]) -> None:
    """Release claims of dead holders, so that no worker puts back a commit record that is removed."""
    for path, claim in pending_commits(backend).items():
        if path in commits:
            claim.release()

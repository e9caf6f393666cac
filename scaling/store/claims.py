"""Claims: put-if-absent decides which worker trains a pack.

    claim.<generation>               put by the worker that holds the pack; the highest counts and stays
    claim.<generation>.beat.<n>      the holder's counter: the holder puts n + 1, then removes n
    claim.<generation>.released      the holder is done; any worker may put the next generation

No clock is compared with another machine's clock. An observer considers a holder dead if its counter did not
increase for one lease, measured with the observer's own monotonic clock. A pack is therefore trained twice
only if a living holder could not renew its claim for a whole lease; then the first publication counts.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scaling.store import paths
from scaling.store.backend import Backend
from scaling.store.store import Store

CLAIM_NAME = re.compile(r"claim\.(\d+)(?:\.beat\.(\d+)|\.(released))?")
"""Name of a claim's file: generation, beat, released."""


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
    names = backend.list_names(paths.claims_folder(key))
    matches = [match for name in names if (match := CLAIM_NAME.fullmatch(name))]
    generation = max((int(match[1]) for match in matches), default=0)
    current = [match for match in matches if int(match[1]) == generation]
    return ClaimState(
        generation=generation,
        beat=max((int(match[2] or 0) for match in current), default=0),
        released=any(match[3] for match in current),
    )


@dataclass
class Claim:
    """Right to train a pack for as long as it is renewed. Only one thread may renew and release a claim."""

    backend: Backend
    key: str
    """Key of the pack."""
    generation: int
    beat: int = 0

    def renew(self) -> bool:
        """Show that the holder is alive.

        Returns:
            False if another worker has taken the pack over; the holder must then stop.
        """
        if read_claim_state(self.backend, self.key).generation != self.generation:
            return False
        self.beat += 1
        self.backend.put_if_absent(self.file(f".beat.{self.beat}"), b"")
        self.backend.delete(self.file(f".beat.{self.beat - 1}"))
        return True

    def release(self) -> None:
        """Let other workers claim the pack at once; its published runs keep them from training it again."""
        self.backend.put_if_absent(self.file(".released"), b"")
        self.backend.delete(self.file(f".beat.{self.beat}"))

    def file(self, suffix: str = "") -> str:
        """Return the path of one of the claim's files."""
        return f"{paths.claims_folder(self.key)}/claim.{self.generation}{suffix}"


class Claims:
    """Claims of a store as one worker sees them.

    Args:
        store: the store that holds the claims.
        owner: name of the worker, for people who look into the folder.
        lease_s: time in seconds for which a counter may stand still. Renew several times in a lease. On a
            network folder, a lease must be longer than the cache of folder listings (NFS: 60 s).
        clock: monotonic clock in seconds.
    """

    def __init__(
        self, store: Store, *, owner: str, lease_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.backend = store.backend
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
        now, state = self.clock(), read_claim_state(self.backend, key)
        if state.generation and not state.released:
            previous = self._observed.get(key)
            if previous is None or state != previous.state:
                self._observed[key] = _Observation(state=state, since=now)
                return None
            if now - previous.since < self.lease_s:
                return None
        content = json.dumps({"owner": self.owner, "runs": list(runs)}).encode()
        claim = Claim(self.backend, key, state.generation + 1)
        return claim if self.backend.put_if_absent(claim.file(), content) else None


@dataclass(frozen=True, kw_only=True)
class _Observation:
    state: ClaimState
    since: float
    """Time at which this worker first saw the state."""

"""Claims: which worker trains a pack, decided by put-if-absent alone.

    claim.<generation>               put by the one who holds it; the highest generation counts and is never removed
    claim.<generation>.beat.<n>      the holder's counter: it puts n + 1, then removes n
    claim.<generation>.released      the holder is done; anyone may put the next generation

No clock is compared with another machine's: an observer takes a holder for dead when the counter has not moved for a lease of the observer's
own clock. So the work is done twice only where a holder lives but could not renew for that long, and then the first publication counts.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from scaling.store import paths
from scaling.store.backend import Backend
from scaling.store.store import Store

NAME = re.compile(r"claim\.(\d+)(?:\.beat\.(\d+)|\.(released))?")


class ClaimState(NamedTuple):
    """What a pack's claims say now."""

    generation: int
    """0 where nobody ever claimed it."""
    beat: int
    released: bool


def read_claim_state(backend: Backend, key: str) -> ClaimState:
    """Read the names of a pack's claims."""
    found = [match for name in backend.list_names(paths.claims(key)) if (match := NAME.fullmatch(name))]
    generation = max((int(match[1]) for match in found), default=0)
    last = [match for match in found if int(match[1]) == generation]
    return ClaimState(
        generation, max((int(match[2] or 0) for match in last), default=0), any(match[3] for match in last)
    )


@dataclass
class Claim:
    """The right to train a pack, for as long as it is renewed. Only one thread may renew and release it."""

    backend: Backend
    key: str
    generation: int
    beat: int = 0

    def renew(self) -> bool:
        """Show that the holder lives. False once another has taken the pack over: then stop."""
        if read_claim_state(self.backend, self.key).generation != self.generation:
            return False
        self.beat += 1
        self.backend.put_if_absent(self.name(f".beat.{self.beat}"), b"")
        self.backend.delete(self.name(f".beat.{self.beat - 1}"))
        return True

    def release(self) -> None:
        """Let others have the pack at once; what is published keeps them from training it again."""
        self.backend.put_if_absent(self.name(".released"), b"")
        self.backend.delete(self.name(f".beat.{self.beat}"))

    def name(self, suffix: str = "") -> str:
        """The path of one of its files."""
        return f"{paths.claims(self.key)}/claim.{self.generation}{suffix}"


class Claims:
    """One worker's view of the claims in a store.

    Args:
        store: where they lie.
        owner: who claims, for people who look into the folder.
        lease_s: how long a counter may stand still; renew several times in it. On a network folder it must exceed the cache of
            listings (NFS: 60 s).
        clock: monotonic seconds.
    """

    def __init__(
        self, store: Store, *, owner: str, lease_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.backend = store.backend
        self.owner = owner
        self.lease_s = lease_s
        self.clock = clock
        self._seen: dict[str, tuple[ClaimState, float]] = {}

    def try_acquire(self, key: str) -> Claim | None:
        """Claim a pack, without waiting. None while another holds it, or is not yet known to be dead: ask again."""
        now, state = self.clock(), read_claim_state(self.backend, key)
        if state.generation and not state.released:
            last, since = self._seen.get(key, (None, now))
            if state != last:
                self._seen[key] = state, now
                return None
            if now - since < self.lease_s:
                return None
        content = json.dumps({"owner": self.owner}).encode()
        claim = Claim(self.backend, key, state.generation + 1)
        return claim if self.backend.put_if_absent(claim.name(), content) else None

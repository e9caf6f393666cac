"""One history: workers that train the same packs in a simulated store, and the promises that they must keep.

1. A run is published once, and a published run is never removed.
2. Whatever a worker calls published is in the store.
3. A claim has one holder. A holder that was taken over stops within one lease of the time at which it can run
   and reach the store, and it never publishes. A holder that was not taken over does not stop.
4. A pack is taken over only if its holder died or slept, if the store refused or delayed its requests but not
   those of the observer, if the observer slept or its clock jumped more than twice, or if listings are cached
   for longer than the time between two renewals.
5. When faults have ended, every pack gets published.
"""

from __future__ import annotations

from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any

from scaling.errors import StoreError
from scaling.store import RENEWALS_PER_LEASE, paths
from scaling.store.parts import Parts
from simulations.claims.stepwise import Bug, load_stepwise
from simulations.claims.world import LEASE_S, Faults, Fiber, MachineBackend, Process, Violation, World

_POLL_S = 0.24 * LEASE_S
_MINIBATCH_S = 0.2 * LEASE_S
_PUBLISH_PAUSES_S = (0.05, 0.2, 0.7)
_RENEWAL_S = LEASE_S / RENEWALS_PER_LEASE
_HARMLESS_INTERRUPTIONS = 2
"""Number of jumps and pauses after which an observer still does not consider a living holder dead."""


def load_protocol(*bugs: Bug) -> SimpleNamespace:
    """Return the real protocol as generators, with tables that are encoded quickly."""
    return load_stepwise(
        bugs, _check=lambda tables, weights: None, _select=_select, _encode_part=_encode_part
    )


@dataclass(frozen=True, slots=True)
class _Column:
    ids: tuple[str, ...]

    def to_pylist(self) -> list[str]:
        return list(self.ids)


def _select(tables: dict[str, Any], kinds: list[str], ids: set[str]) -> dict[str, str]:
    text = " ".join(sorted(ids)) + f"|{tables['draw']}"
    return dict.fromkeys(kinds, text)


def _encode_part(tables: dict[str, str], weights: object, metadata: object) -> dict[str, bytes]:
    return {kind: text.encode() for kind, text in tables.items()}


class _LightParts(Parts):
    """Parts whose tables are lists of ids."""

    def ids(self) -> set[str]:
        return {run for part in self.names("runs") for run in self._runs_of(part)}

    def ids_with_rows(self, kind: str, ids: set[str]) -> set[str]:
        """Return which of some runs have rows in a table, as a reader does."""
        with_table = set(self.names(kind))
        return ids & {run for part in self.names("runs") if part in with_table for run in self._runs_of(part)}

    def _runs_of(self, part: str) -> list[str]:
        backend: Any = self.backend
        data: bytes = backend.world.folders["runs"][f"{part}.parquet"]
        return data.decode().partition("|")[0].split()


@dataclass(slots=True, eq=False)
class _Held:
    """A claim in use."""

    worker: Worker
    claim: Any
    is_lost: bool = False
    is_over: bool = False
    is_renewing: bool = False
    """True while a renewal is in progress, in a thread of its own."""


class Worker(Process):
    """A worker process: the loop of ``scaling.sweep.worker`` around the real protocol."""

    def __init__(self, history: History, name: str, wanted: dict[str, tuple[str, ...]]) -> None:
        super().__init__(history.world, name, wanted)
        self.history, self.protocol = history, history.protocol
        self.backend = MachineBackend(self)
        self.parts = _LightParts(self.backend)
        store: Any = SimpleNamespace(backend=self.backend, parts=self.parts)
        self.claims = self.protocol.Claims(store, owner=name, lease_s=LEASE_S, clock=self.clock)

    def restarted(self) -> Fiber:
        self.history.start(self.wanted)
        return
        yield

    def work(self) -> Fiber:
        """Publish all packs, and try again whatever fails."""
        waiting = deque(self.wanted)
        while waiting:
            key = waiting.popleft()
            try:
                is_done = yield from self._finish(key)
            except StoreError:
                is_done = False
            if not is_done:
                waiting.append(key)
                yield _POLL_S

    def _finish(self, key: str) -> Any:
        if (yield from self._is_published(key)):
            return True
        claim = yield from self.claims.try_acquire(key)
        if claim is None:
            return False
        held = self.history.grant(self, key, claim)
        self.world.start(self, self._renew(held), _RENEWAL_S)
        error: Exception | None = None
        try:
            if not (yield from self._is_published(key)):
                yield from self._train(held)
                yield from self._publish(held)
        except (StoreError, self.protocol.ClaimLost) as caught:
            error = caught
        held.is_over = True
        while held.is_renewing:  # as a worker joins its thread
            yield _MINIBATCH_S
        with suppress(StoreError):
            yield from claim.release()
        if isinstance(error, self.protocol.ClaimLost):
            self.history.check_lost(held)
            return False
        if error is not None:
            raise error
        return True

    def _is_published(self, key: str) -> Any:
        yield
        is_published = self.parts.ids() >= set(self.wanted[key])
        if is_published:
            self.history.check_published(self, key)
        return is_published

    def _train(self, held: _Held) -> Any:
        self.world.note(self, f"trains {held.claim.key}", "trainings")
        for _ in range(self.world.random.choice((1, 4, 9))):
            yield _MINIBATCH_S
            if held.is_lost:
                raise self.protocol.ClaimLost
            self.history.check_may_train(held)

    def _publish(self, held: _Held) -> Any:
        key, wanted = held.claim.key, _Column(self.wanted[held.claim.key])
        tables = {"runs": {"id": wanted}, "epochs": {"id": wanted}, "draw": f"{self.name} {self.world.steps}"}
        for pause_s in (*_PUBLISH_PAUSES_S, None):
            try:
                yield from self.protocol.publish(
                    tables, {}, reader=self.parts, backend=self.backend, commit=held.claim.commit
                )
            except StoreError:
                if pause_s is None:
                    raise
                yield pause_s
            else:
                self.history.check_published(self, key)
                return

    def _renew(self, held: _Held) -> Fiber:
        while not held.is_over and not held.is_lost:
            held.is_renewing = True
            with suppress(StoreError):
                if not (yield from held.claim.renew()):
                    held.is_lost = True
                    self.history.check_lost(held)
            held.is_renewing = False
            yield _RENEWAL_S


class History:
    """One history of a seed.

    Args:
        seed: decides everything.
        protocol: the protocol, as ``load_protocol`` returns it.
        has_trace: True to record every step.
    """

    def __init__(self, seed: int, protocol: SimpleNamespace, *, has_trace: bool = False) -> None:
        random = Random(seed)
        self.protocol = protocol
        self.world = World(random, Faults.draw(random), trace=[] if has_trace else None)
        self._workers: list[Worker] = []
        self._holders: dict[str, _Held] = {}
        self._granted_at: dict[str, dict[int, float]] = {}
        """Time of each grant by the key of the pack and the generation."""
        for key in "pq"[: random.choice((1, 1, 1, 2))]:
            self._granted_at[key] = {}
        for _ in range(random.choice((2, 2, 3))):
            # As drivers of overlapping studies: some want fewer runs of the pack.
            self.start(
                {key: (f"{key}1", f"{key}2")[: random.choice((1, 2, 2, 2))] for key in self._granted_at}
            )

    def run(self) -> Counter[str]:
        """Run the history and return the numbers of its events.

        Raises:
            Violation: a promise is broken.
        """
        self.world.run()
        for worker in self._workers:
            for key in worker.wanted if not worker.is_dead else ():
                self.check_published(worker, key)
        self.world.counts["steps"] += self.world.steps
        return self.world.counts

    def start(self, wanted: dict[str, tuple[str, ...]]) -> None:
        """Start a worker."""
        worker = Worker(self, f"w{len(self._workers) + 1}", wanted)
        self._workers.append(worker)
        self.world.start(worker, worker.work(), self.world.random.random() * 0.1)

    def grant(self, worker: Worker, key: str, claim: Any) -> _Held:
        """Check and record that a worker got a claim."""
        granted_at, now = self._granted_at[key], self.world.now
        if claim.generation in granted_at:
            raise Violation(f"claim {claim.generation} of {key} has two holders")
        granted_at[claim.generation] = now
        previous = self._holders.get(key)
        if previous is not None and not previous.is_over:
            self.world.counts["takeovers"] += 1
            faults = self.world.faults
            outage_s = faults.outage_to_s - faults.outage_from_s
            holder, since = previous.worker, now - 3 * LEASE_S - outage_s
            is_excused = (
                holder.is_dead
                or holder.disturbed_at >= since
                or sum(at >= since for at in worker.interruptions) > _HARMLESS_INTERRUPTIONS
                or faults.stale_s >= _RENEWAL_S
            )
            if not is_excused:
                raise Violation(f"{worker.name} took {key} over from {holder.name}, which renews its claim")
        held = self._holders[key] = _Held(worker, claim)
        self.world.note(worker, f"holds {key} in generation {claim.generation}")
        return held

    def check_published(self, worker: Process, key: str) -> None:
        """Check that what a worker calls published is published."""
        missing = set(worker.wanted[key]) - self.world.published.keys()
        if missing:
            raise Violation(f"{worker.name} calls {sorted(missing)} published")

    def check_lost(self, held: _Held) -> None:
        """Check that a worker which stops was taken over."""
        self.world.note(held.worker, f"stops training {held.claim.key}", "discarded")
        files = self.world.folders[paths.claims_folder(held.claim.key)]
        successor = files.get(f"claim.{held.claim.generation + 1}")
        if successor is None or f'"{held.worker.name}"'.encode() in successor.partition(b"\n")[0]:
            raise Violation(f"{held.worker.name} stops although it holds {held.claim.key}")

    def check_may_train(self, held: _Held) -> None:
        """Check that a worker does not train long after it was taken over."""
        key, generation = held.claim.key, held.claim.generation
        lost_at = [at for later, at in self._granted_at[key].items() if later > generation]
        if not lost_at:
            return
        could_notice_at = max(min(lost_at), held.worker.disturbed_at, self.world.faults.outage_to_s)
        if self.world.now - could_notice_at > LEASE_S + self.world.faults.stale_s:
            raise Violation(f"{held.worker.name} trains {key} after it was taken over")

"""A simulated store, clock and scheduler, with faults from a seeded generator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import Any

from scaling.errors import StoreError
from scaling.store.backend import Backend, MissingFileError, StoredFile

LEASE_S = 1.0
FAULTY_STEPS = 120
"""Number of steps in which faults occur; afterwards, every pack must be published."""
_MAX_STEPS = 5000
_ANSWER_S = 0.02
"""Longest time of an access to the store; slow ones take ``_SLOW_S``."""
_SLOW_S = 0.4
_ENDED = -1.0
_REPEAT_S = 0.1
_PAUSES_S = (0.3, 1.3, 3.0, 6.0)

Fiber = Generator[float | None, None, None]
"""A thread of a worker: it yields None before an access to the store, or the seconds for which it sleeps."""


class Violation(AssertionError):
    """The protocol broke a promise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """Probabilities of faults at each access to the store."""

    error: float
    """The access fails, before or after it took effect, or takes effect later."""
    slow: float
    pause: float
    """The process stops for a while, with or without its monotonic clock."""
    crash: float
    jump: float
    """The machine's clock jumps ahead."""
    stale_s: float
    """Time for which a machine caches the listing of a folder, as on NFS."""
    outage_from_s: float
    """Time at which the store stops to answer anybody."""
    outage_to_s: float
    """Time at which the store answers again; clients repeat their requests within ``_REPEAT_S``."""
    loses_answers: bool
    """A repeated put is refused because of its own first request, as in an object store."""

    @staticmethod
    def draw(random: Random) -> Faults:
        """Return the faults of one history: some kinds only, so that each kind also occurs alone."""
        pick = random.choice
        outage_from_s = pick((0.0, 0.0, 0.0, 2.0)) * random.random() * LEASE_S
        return Faults(
            error=pick((0.0, 0.0, 0.03, 0.15)),
            slow=pick((0.0, 0.0, 0.03)),
            pause=pick((0.0, 0.03, 0.08)),
            crash=pick((0.0, 0.0, 0.02, 0.05)),
            jump=pick((0.0, 0.0, 0.03)),
            stale_s=pick((0.0, 0.0, 0.0, 0.1, 0.6, 2.5)),
            outage_from_s=outage_from_s,
            outage_to_s=outage_from_s and outage_from_s + pick((0.4, 4.5)) * LEASE_S,
            loses_answers=random.random() < 0.5,
        )


@dataclass(slots=True)
class World:
    """Everything that a history consists of."""

    random: Random
    faults: Faults
    now: float = 0.0
    steps: int = 0
    folders: dict[str, dict[str, bytes]] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)
    """Part of each published run."""
    counts: Counter[str] = field(default_factory=Counter)
    """Number of events by kind."""
    trace: list[str] | None = None
    _queue: list[tuple[float, int, Process | None, Any]] = field(default_factory=list)
    _queued: int = 0

    @property
    def is_faulty(self) -> bool:
        """Return whether faults still occur."""
        return self.steps < FAULTY_STEPS

    def start(self, process: Process | None, fiber: Iterator[float | None], delay_s: float = 0.0) -> None:
        """Resume a thread after a delay."""
        self._queued += 1
        heappush(self._queue, (self.now + delay_s, self._queued, process, fiber))

    def run(self) -> None:
        """Resume threads in the order of their times until all have ended.

        Raises:
            Violation: a promise is broken.
        """
        queue, random, faults = self._queue, self.random.random, self.faults
        disturbing = faults.pause + faults.crash + faults.jump
        while queue:
            self.now, _, process, fiber = heappop(queue)
            if process is not None:
                if process.is_dead:
                    continue
                if process.paused_until > self.now:
                    self.start(process, fiber, process.paused_until - self.now)
                    continue
                if disturbing and self.is_faulty and (chance := random()) < disturbing:
                    self._disturb(process, chance)
                    self.start(process, fiber)
                    continue
            self.steps += 1
            if self.steps > _MAX_STEPS:
                raise Violation("the packs do not end although the faults have ended")
            sleep_s = next(fiber, _ENDED)
            if sleep_s is None:
                sleep_s = _ANSWER_S * random()
                if faults.slow and process is not None and self.is_faulty and random() < faults.slow:
                    sleep_s = _SLOW_S
                    process.disturbed_at = self.now + sleep_s
                if faults.outage_from_s <= self.now < faults.outage_to_s:
                    sleep_s = faults.outage_to_s - self.now + _REPEAT_S * random()
                    self.counts["accesses in an outage"] += 1
            if sleep_s != _ENDED:
                self.start(process, fiber, sleep_s)

    def _disturb(self, process: Process, chance: float) -> None:
        """Pause or kill a process, or let its clock jump; ``chance`` selects which."""
        faults = self.faults
        if chance < faults.pause:
            pause_s = self.random.choice(_PAUSES_S) * LEASE_S
            process.paused_until = process.disturbed_at = self.now + pause_s
            process.interruptions.append(process.paused_until)
            if self.random.random() < 0.5:  # a suspended machine, whose monotonic clock stands still
                process.clock_offset -= pause_s
            self.note(process, f"sleeps for {pause_s:g}", "pauses")
        elif chance < faults.pause + faults.crash:
            self.note(process, "dies", "crashes")
            process.is_dead = True
            self.start(None, process.restarted(), self.random.choice((0.0, 0.5, 4.0)) * LEASE_S)
        else:
            process.clock_offset += 3 * LEASE_S
            process.interruptions.append(self.now)
            self.note(process, "clock jumps", "clock jumps")

    def put(self, folder: str, name: str, data: bytes) -> bool:
        """Write a file unless it exists: the only change of a store besides deletions."""
        files = self.folders.setdefault(folder, {})
        if name in files:
            return False
        files[name] = data
        if folder == "runs":
            if name not in self.folders.get("epochs", ()):
                raise Violation(f"{name} is published before its epochs")
            for run in data.decode().partition("|")[0].split():
                if run in self.published:
                    raise Violation(f"run {run} is published twice, in {self.published[run]} and {name}")
                self.published[run] = name
        return True

    def note(self, process: Process | None, text: str, count: str = "") -> None:
        """Record an event."""
        if count:
            self.counts[count] += 1
        if self.trace is not None:
            self.trace.append(f"{self.now:7.3f}  {process.name if process else '':8} {text}")


@dataclass(slots=True, eq=False)
class Process:
    """A worker process on a machine of its own."""

    world: World
    name: str
    wanted: dict[str, tuple[str, ...]]
    """Ids of the wanted runs by the key of their pack."""
    clock_offset: float = 0.0
    paused_until: float = -1.0
    is_dead: bool = False
    disturbed_at: float = float("-inf")
    """Last time at which the process could not do what it wanted."""
    interruptions: list[float] = field(default_factory=list)
    """Times at which the process woke up or its clock jumped."""

    def clock(self) -> float:
        """Return the machine's monotonic clock."""
        return self.world.now + self.clock_offset

    def restarted(self) -> Fiber:
        """Start the process again; set by the history, which knows what a worker does."""
        raise NotImplementedError


class MachineBackend(Backend):
    """The store as one process sees it: with errors, lost answers and outdated listings."""

    def __init__(self, process: Process) -> None:
        self.process, self.world = process, process.world
        self._listings: dict[str, tuple[float, list[str]]] = {}

    def put_if_absent(self, path: str, data: bytes) -> bool:
        folder, _, name = path.rpartition("/")
        kind = self._draw_fault(path)
        self._listings.pop(folder, None)
        if kind == "late":
            self.world.start(None, self._put_late(folder, name, data), self.world.random.random() * LEASE_S)
            raise self._error("put later", path)
        is_new = self.world.put(folder, name, data)
        if is_new and folder == "runs" and f"|{self.process.name} ".encode() not in data:
            self.world.counts["completed by a successor"] += 1
        if self.world.trace is not None:
            self.world.note(self.process, f"put {path}: {is_new} {kind}")
        if kind == "after":
            raise self._error("put", path)
        return is_new and kind != "refused"

    def _put_late(self, folder: str, name: str, data: bytes) -> Iterator[float | None]:
        self.world.put(folder, name, data)
        self.world.note(self.process, f"late put {folder}/{name}", "late puts")
        return
        yield

    def get(self, path: str, *, max_bytes: int | None = None) -> bytes:
        self._draw_fault(path)
        folder, _, name = path.rpartition("/")
        try:
            return self.world.folders[folder][name]
        except KeyError:
            raise MissingFileError(path) from None

    def get_all(self, paths: Sequence[str], *, max_bytes: int | None = None) -> Iterator[bytes]:
        return map(self.get, paths)

    def list_names(self, folder: str) -> list[str]:
        self._draw_fault(folder)
        now = self.world.now
        listed = self._listings.get(folder)
        if listed is None or now - listed[0] >= self.world.faults.stale_s:
            listed = self._listings[folder] = (now, list(self.world.folders.get(folder, ())))
        if self.world.trace is not None:
            self.world.note(self.process, f"list {folder} of {listed[0]:.3f}: {listed[1]}")
        return listed[1]

    def exists(self, path: str) -> bool:
        self._draw_fault(path)
        folder, _, name = path.rpartition("/")
        return name in self.world.folders.get(folder, ())

    def delete(self, path: str) -> None:
        kind = self._draw_fault(path)
        folder, _, name = path.rpartition("/")
        if folder == "runs":
            raise Violation(f"{path} is deleted")
        self._listings.pop(folder, None)
        self.world.folders.get(folder, {}).pop(name, None)
        if kind == "after":
            raise self._error("delete", path)

    def list_files(self, folder: str) -> list[StoredFile]:
        raise NotImplementedError  # no worker does it

    def move(self, path: str, target: str) -> None:
        raise NotImplementedError  # no worker does it

    def full_name(self, path: str) -> str:
        return path

    def _draw_fault(self, path: str) -> str:
        """Return a fault of an access, or "" for none.

        Raises:
            StoreError: the access fails before it takes effect.
        """
        faults, world = self.world.faults, self.world
        if not faults.error or not world.is_faulty or world.random.random() >= faults.error:
            return ""
        lost_answer = "refused" if faults.loses_answers else "after"
        kind = world.random.choice(("before", "after", "late", lost_answer))
        if kind == "before":
            raise self._error("nothing done", path)
        return kind

    def _error(self, action: str, path: str) -> StoreError:
        self.process.disturbed_at = self.world.now
        self.world.note(self.process, f"error: {action} {path}", "errors")
        return StoreError(f"{path}: 503")

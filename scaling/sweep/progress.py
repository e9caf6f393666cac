"""Progress display of a sweep: the packs in training, the time left, and the laws of the finished cells.

A terminal shows a table and a bar. A pipe gets one plain line a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from threading import Event, Thread
from time import monotonic, thread_time
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from scaling.control_characters import escape_control_characters
from scaling.durations import format_duration, format_elapsed
from scaling.plan import Pack
from scaling.plan.speed_file import load_speed
from scaling.plan.time_estimate import pack_seconds
from scaling.sweep.executor import PackEvent
from scaling.sweep.time_left import PackCost, TimeLeft

MAX_ROWS = 12
"""Largest number of packs in the table."""
LINE_S = 60.0
"""Seconds between two lines in a pipe."""
_TICK_S = 1.0
"""Seconds between two looks at the clock."""
_WATCH_RATIO = 20.0
"""Smallest ratio of the time between two fits to the core time of a fit, which the training lacks."""

Watch = Callable[[], Sequence[str]]
"""Function that fits the finished cells, and returns a line for each law."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One of the sweeps of a command: for example, that of the pilot runs."""

    name: str = "training"
    """Name for people: ``pilots, 1 of 2``."""
    workers: int = 1
    """Number of packs that are planned to train at once."""
    later_s: float = 0.0
    """Planned wall seconds of the phases that follow."""
    factor: float = 1.0
    """Actual seconds of a planned second in an earlier phase."""
    watch: Watch | None = None
    """Function that fits the laws so far; None shows no laws."""


class ProgressDisplay:
    """Callback for the progress of packs.

    Args:
        packs: packs of the sweep.
        console: where to draw.
        quiet: draw nothing, even on a terminal.
        phase: what the sweep is in its command.
    """

    def __init__(
        self, packs: Sequence[Pack], console: Console, *, quiet: bool, phase: Phase | None = None
    ) -> None:
        self.packs = {pack.key: pack for pack in packs}
        self.in_training: dict[str, PackEvent] = {}
        self.finished: set[str] = set()
        self.published = 0
        self.claims_lost = 0
        self.packs_split = 0
        self.failures: dict[str, PackEvent] = {}
        self.laws: tuple[str, ...] = ()
        self._phase = phase or Phase()
        self._console, self._quiet = console, quiet
        self._started = self._line_at = monotonic()
        self._fits = _FitTimes()
        speed = load_speed()
        self._time_left = TimeLeft(
            {
                key: PackCost(seconds=pack_seconds(pack, speed), epochs=pack.cell.recipe.epochs)
                for key, pack in self.packs.items()
            },
            workers=self._phase.workers,
            later_s=self._phase.later_s,
            factor=self._phase.factor,
        )
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("runs"),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        total = sum(len(pack.runs) for pack in packs)
        self._task = self._bar.add_task(self._phase.name, total=total, left="")
        self.live = Live(get_renderable=self.draw, console=console, refresh_per_second=4, transient=True)
        self._is_over = Event()
        self._ticker = Thread(target=self._tick_repeatedly, daemon=True)

    def __enter__(self) -> ProgressDisplay:
        if not self._quiet:
            self._say(self.first_line())
            if self._console.is_terminal:
                self.live.start()
            self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._quiet:
            self._is_over.set()
            self._ticker.join()
            self.live.stop()

    def __call__(self, event: PackEvent) -> None:
        """Record an event."""
        if event.key in self.finished:  # for example, another pack of its trial killed the worker later
            return
        pack, now_s = self.packs[event.key], monotonic()
        epochs = pack.cell.recipe.epochs
        self.claims_lost += event.claim_lost
        self.packs_split += event.was_split
        self.failures.pop(event.key, None)
        self.in_training.pop(event.key, None)
        if event.failure:
            self.failures[event.key] = event
            self._time_left.give_up(event.key, now_s)
            return
        if event.epoch:
            self._time_left.advance(event.key, event.epoch, now_s)
        elif not event.claim_lost:
            self._time_left.begin(event.key, now_s)
        if event.epoch == epochs:
            self.finished.add(event.key)
            self.published += event.published
            self._bar.advance(self._task, len(pack.runs))
        elif not event.claim_lost:
            self.in_training[event.key] = event

    def first_line(self) -> str:
        """Return what is about to be trained: ``training: 112 runs in 14 packs, about 40 s``."""
        runs, packs = sum(len(pack.runs) for pack in self.packs.values()), len(self.packs)
        text = f"{self._phase.name}: {_count(runs, 'run')} in {_count(packs, 'pack')}"
        return f"{text}, {self._duration_left()}" if packs else text

    def minute_line(self) -> str:
        """Return the progress as a line: ``12 of 112 runs, 1 min 20 s, about 10 min left``."""
        done = sum(len(self.packs[key].runs) for key in tuple(self.finished))
        total = sum(len(pack.runs) for pack in self.packs.values())
        failed = sum(len(self.packs[key].runs) for key in tuple(self.failures))
        failures = f" ({failed} failed)" if failed else ""
        elapsed = format_elapsed(monotonic() - self._started)
        return f"{self._phase.name}: {done} of {total} runs{failures}, {elapsed}, {self.time_left()}"

    def time_left(self) -> str:
        """Return the estimated time left, phases that follow included, once a worker has begun."""
        if not self._time_left.has_begun:
            return "workers start"
        return f"{self._duration_left()} left"

    def factor(self) -> float:
        """Return the actual seconds of a planned second."""
        return self._time_left.factor(monotonic())

    def _duration_left(self) -> str:
        return f"about {format_duration(self._time_left.seconds(monotonic()))}"

    def tick(self) -> None:
        """Fit the laws if cells have finished, and print a line if one is due in a pipe."""
        if self._phase.watch and self._fits.is_due(len(self.finished), monotonic()):
            self._update_laws(self._phase.watch)
        if not self._console.is_terminal and monotonic() - self._line_at >= LINE_S:
            self._line_at = monotonic()
            self._say(self.minute_line())

    def _tick_repeatedly(self) -> None:
        while not self._is_over.wait(_TICK_S):
            self.tick()

    def _update_laws(self, watch: Watch) -> None:
        started_s, finished = thread_time(), len(self.finished)
        laws = tuple(watch())
        self._fits.record(finished, core_s=thread_time() - started_s, now_s=monotonic())
        if laws != self.laws and not self._console.is_terminal:
            for line in laws:
                self._say(line)
        self.laws = laws

    def _say(self, text: str) -> None:
        self._console.print(
            escape_control_characters(text), markup=False, highlight=False, emoji=False, soft_wrap=True
        )

    def draw(self) -> RenderableType:
        """Return the table of packs in training, the laws so far, and the bar."""
        table = Table(box=None, pad_edge=False)
        for heading in ("architecture", "filters", "seeds", "epoch", "accuracy", "host"):
            is_text = heading in ("architecture", "host")
            table.add_column(heading, justify="left" if is_text else "right", no_wrap=not is_text)
        for key, event in list(self.in_training.items())[:MAX_ROWS]:
            pack = self.packs[key]
            cell, count = pack.cell, len(pack.runs)
            table.add_row(
                f"{cell.architecture.type} {pack.pruning_label}".strip(),
                str(cell.architecture.filters),
                f"{count} pilots" if cell.is_pilot else str(count),
                f"{event.epoch}/{cell.recipe.epochs}",
                "" if event.accuracy is None else f"{event.accuracy:.2%}",
                event.host,
            )
        self._bar.update(self._task, left=self.time_left())
        laws = [Text(escape_control_characters(line)) for line in self.laws]
        return Group(table, *laws, self._bar)


class _FitTimes:
    """Times of the fits of the laws so far."""

    def __init__(self) -> None:
        self._finished, self._next_s = 0, -inf

    def is_due(self, finished: int, now_s: float) -> bool:
        """Return whether packs have finished since the last fit, and the last fit is long enough ago."""
        return finished > self._finished and now_s >= self._next_s

    def record(self, finished: int, *, core_s: float, now_s: float) -> None:
        """Record a fit of some finished packs, and the core time that it took."""
        self._finished, self._next_s = finished, now_s + _WATCH_RATIO * core_s


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

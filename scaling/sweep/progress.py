"""Progress display of a sweep: the packs in training, and a bar with the estimated time left."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from time import monotonic
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

from scaling.durations import format_duration
from scaling.plan import Pack
from scaling.plan.speed_file import load_speed
from scaling.plan.time_estimate import pack_seconds
from scaling.sweep.executor import PackEvent

MAX_ROWS = 12
"""Largest number of packs in the table."""


class ProgressDisplay:
    """Callback for the progress of packs. It draws on a terminal, and otherwise only counts.

    Args:
        packs: packs of the sweep.
        console: where to draw.
        quiet: draw nothing, even on a terminal.
    """

    def __init__(self, packs: Sequence[Pack], console: Console, *, quiet: bool) -> None:
        self.packs = {pack.key: pack for pack in packs}
        self.in_training: dict[str, PackEvent] = {}
        self.finished: set[str] = set()
        self.published = 0
        self.claims_lost = 0
        self.packs_split = 0
        self.failures: dict[str, PackEvent] = {}
        self._started = monotonic()
        speed = load_speed()
        self._costs_s = {pack.key: pack_seconds(pack, speed) for pack in packs}
        self._done_s: dict[str, float] = {}
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
        self._task = self._bar.add_task("trained", total=sum(len(pack.runs) for pack in packs), left="")
        self.live = Live(get_renderable=self.draw, console=console, refresh_per_second=4, transient=True)
        self._is_visible = console.is_terminal and not quiet

    def __enter__(self) -> ProgressDisplay:
        if self._is_visible:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_visible:
            self.live.stop()

    def __call__(self, event: PackEvent) -> None:
        """Record an event, and redraw."""
        if event.key in self.finished:  # for example, another pack of its trial killed the worker later
            return
        pack = self.packs[event.key]
        epochs = pack.cell.recipe.epochs
        self.claims_lost += event.claim_lost
        self.packs_split += event.was_split
        self.failures.pop(event.key, None)
        self.in_training.pop(event.key, None)
        if event.failure:
            self.failures[event.key] = event
        elif event.epoch == epochs:
            self.finished.add(event.key)
            self.published += event.published
            self._bar.advance(self._task, len(pack.runs))
        else:
            self.in_training[event.key] = event
        self._done_s[event.key] = self._costs_s[event.key] * (1 if event.failure else event.epoch / epochs)
        self._bar.update(self._task, left=self.time_left())

    def time_left(self) -> str:
        """Return the estimated time left, from the share of the estimated work that is done."""
        share = min(1.0, fsum(self._done_s.values()) / fsum(self._costs_s.values()))
        if not share:
            return ""
        left_s = (monotonic() - self._started) * (1 - share) / share
        return f"about {format_duration(left_s)} left"

    def draw(self) -> RenderableType:
        """Return the table of packs in training, and the bar."""
        table = Table(box=None, pad_edge=False)
        for heading in ("architecture", "filters", "seeds", "epoch", "accuracy", "host"):
            table.add_column(heading, justify="left" if heading in ("architecture", "host") else "right")
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
        return Group(table, self._bar)

"""What a person sees while a sweep runs: the packs at work, and a bar with the estimated time left."""

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

SHOWN = 12
"""Packs at work, at most."""


class ProgressDisplay:
    """Listens to a sweep. On a terminal it draws; in a pipe or when quiet it only keeps count."""

    def __init__(self, packs: Sequence[Pack], console: Console, *, quiet: bool) -> None:
        self.packs = {pack.key: pack for pack in packs}
        self.at_work: dict[str, PackEvent] = {}
        self.finished: set[str] = set()
        self.published = 0
        self.failures: dict[str, PackEvent] = {}
        self.spent: dict[str, float] = {}
        self.began = monotonic()
        speed = load_speed()
        self.costs = {pack.key: pack_seconds(pack, speed) for pack in packs}
        self.total = fsum(self.costs.values())
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("runs"),
            TaskProgressColumn(),
        )
        self.bar = Progress(*columns, TimeElapsedColumn(), TextColumn("{task.fields[left]}"), console=console)
        self.task = self.bar.add_task("trained", total=sum(len(pack.runs) for pack in packs), left="")
        self.live = Live(get_renderable=self.draw, console=console, refresh_per_second=4, transient=True)
        self.drawn = console.is_terminal and not quiet

    def __enter__(self) -> ProgressDisplay:
        if self.drawn:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.drawn:
            self.live.stop()

    def __call__(self, news: PackEvent) -> None:
        if news.key in self.finished:  # of a batch whose worker died later, say
            return
        pack = self.packs[news.key]
        epochs = pack.cell.recipe.epochs
        self.failures.pop(news.key, None)
        self.at_work.pop(news.key, None)
        if news.failure:
            self.failures[news.key] = news
        elif news.epoch == epochs:
            self.finished.add(news.key)
            self.published += news.published
            self.bar.advance(self.task, len(pack.runs))
        else:
            self.at_work[news.key] = news
        self.spent[news.key] = self.costs[news.key] * (1 if news.failure else news.epoch / epochs)
        self.bar.update(self.task, left=self.left())

    def left(self) -> str:
        """The time left, from the share of the estimated work that is done and the time that it took."""
        done = min(1.0, fsum(self.spent.values()) / self.total)
        if not done:
            return ""
        left = (monotonic() - self.began) * (1 - done) / done
        return f"about {format_duration(left)} left"

    def draw(self) -> RenderableType:
        table = Table(box=None, pad_edge=False)
        for heading in ("architecture", "filters", "seeds", "epoch", "accuracy", "host"):
            table.add_column(heading, justify="left" if heading in ("architecture", "host") else "right")
        for key, news in list(self.at_work.items())[:SHOWN]:
            pack = self.packs[key]
            accuracy = "" if news.accuracy is None else f"{news.accuracy:.2%}"
            architecture, filters = pack.cell.architecture.type, str(pack.cell.architecture.filters)
            runs = f"{len(pack.runs)} pilots" if pack.cell.is_pilot else str(len(pack.runs))
            table.add_row(
                architecture, filters, runs, f"{news.epoch}/{pack.cell.recipe.epochs}", accuracy, news.host
            )
        return Group(table, self.bar)

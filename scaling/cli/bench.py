"""bench."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from scaling import api
from scaling.cli.options import Quiet, console

if TYPE_CHECKING:
    from scaling.plan.speed import Speed

MICRO = 1e6


def bench(
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to keep it.", show_default="the user's cache folder"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that train at once.", show_default="one for each core"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Measure how fast this machine trains, in a minute or two; plans estimate their time from it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    progress = Progress(
        TextColumn("measuring"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    progress.disable = quiet or not progress.console.is_terminal
    with progress:
        task = progress.add_task("")
        result = api.bench(
            workers=workers,
            out=out,
            on_progress=lambda done, steps: progress.update(task, completed=done, total=steps),
        )
    speed = result.speed
    console().print(_table(speed))
    print(
        f"an epoch {speed.epoch_s:.3f} s, a pack {speed.pack_start_s:.2f} s, a sweep {speed.sweep_start_s:.1f} s besides their images"
    )
    print(f"{result.path}: {speed.machine.processor}, workers at once: {speed.machine.workers}")


def _table(speed: Speed) -> Table:
    table = Table(title="one image through one replica, on one core of as many as train at once")
    for heading in (
        "architecture",
        "channels",
        "side",
        "precision",
        "filters",
        "MACs",
        "training",
        "evaluation",
        "images/s",
    ):
        table.add_column(heading, justify="left" if heading in ("architecture", "precision") else "right")
    for curve in speed.curves:
        for point in curve.points:
            table.add_row(
                curve.architecture if curve.depth is None else f"{curve.architecture}, {curve.depth} layers",
                str(curve.channels),
                str(point.side),
                curve.precision,
                str(point.filters),
                f"{point.macs:,}",
                f"{point.train_s * MICRO:.3g} µs",
                f"{point.evaluate_s * MICRO:.3g} µs",
                f"{1 / point.train_s:,.0f}",
            )
    return table

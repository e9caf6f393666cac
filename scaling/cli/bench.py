"""``scaling bench``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scaling import api
from scaling.cli.inference_speed import print_inference
from scaling.cli.options import STORE, Also, Configs, Data, Json, Quiet, Store, workspace
from scaling.cli.output import new_table, print_json, print_table, print_text, progress_bar
from scaling.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from scaling.plan.speed import Speed, TimingCurve

_MILLISECONDS, _MICROSECONDS = 1e3, 1e6
"""Milliseconds and microseconds in a second."""


def bench(
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to write.", show_default="a file in the user's cache folder"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Number of processes that train at once.", show_default="one for each core"),
    ] = None,
    inference: Annotated[
        bool,
        typer.Option("--inference", help="Measure digits a second of classification, on one thread."),
    ] = False,
    run: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="With --inference: id of a run whose weights are stored, or the first characters of the id.",
            show_default="three historic networks",
        ),
    ] = None,
    config: Configs = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measure training speed, for the time estimates of scaling plan.

    The measurement takes about two minutes, and is kept for all later estimates. With --inference, the
    speed of classification is measured instead, which takes seconds; it is printed and not kept.
    """
    if inference:
        if workers or out:
            raise UsageError("`inference` uses one thread and writes no file; leave out `workers` and `out`")
        result = api.bench_inference(run, workspace(store, also, data), configs=config)
        print_inference(result, as_json=as_json)
        return
    if run is not None:
        raise UsageError("the training speed does not depend on a run; add `inference`", option="run")
    _bench_training(workers=workers, out=out, quiet=quiet, as_json=as_json)


def _bench_training(*, workers: int | None, out: Path | None, quiet: bool, as_json: bool) -> None:
    with progress_bar("measuring", quiet=quiet) as on_progress:
        result = api.bench(
            workers=workers,
            out=out,
            on_progress=on_progress,
        )
    speed = result.speed
    if as_json:
        print_json({"file": str(result.path)} | speed.model_dump(mode="json"))
        return
    print_table(_table(speed))
    print_text(
        f"overhead: {speed.epoch_s:.3f} s for an epoch, {speed.pack_start_s:.2f} s for a pack, "
        f"{speed.sweep_start_s:.1f} s for a sweep"
    )
    print_text(f"{result.path}: {speed.machine.processor}, {speed.machine.workers} processes at once")


def _table(speed: Speed) -> Table:
    table = new_table(
        *("architecture", "channels", "side", "precision", "filters", "MACs"),
        *("step", "training", "evaluation"),
        title="time of a step of a pack besides its images, and time for one image and one replica, "
        "on one core, while all processes train",
    )
    for curve in speed.curves:
        for point in curve.points:
            table.add_row(
                _label(curve),
                str(curve.channels),
                str(point.side),
                curve.precision,
                str(point.filters),
                f"{point.macs:,}",
                f"{point.step_s * _MILLISECONDS:.3g} ms",
                f"{point.train_s * _MICROSECONDS:.3g} µs",
                f"{point.evaluate_s * _MICROSECONDS:.3g} µs",
            )
    return table


def _label(curve: TimingCurve) -> str:
    details = [
        curve.variant,
        "compiled steps" if curve.compiled else "",
        f"{curve.depth} layers" if curve.depth else "",
    ]
    return ", ".join(filter(None, [curve.architecture, *details]))

"""plan, status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, console, workspace
from scaling.durations import format_duration

if TYPE_CHECKING:
    from scaling.plan import Plan, PlanRow
    from scaling.plan.schedule import SweepSchedule
    from scaling.plan.speed import Speed

GIB = 2**30
WRITTEN = {"ratio", "second_filters", "macs", "parameters"}
"""Leaves of a network that is more than its filters of the first convolution."""


def plan(
    config: Config,
    *,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show runs, packs, parameters, MACs, what is done and what the rest costs; nothing is trained."""
    made = api.plan(config, workspace(store, also, data), overrides=set_)
    if as_json:
        print(json.dumps(_plan_dict(made), indent=2))
        return
    table = Table(title=f"{made.study.name}: {made.new} runs to do, {len(made.done)} done")
    rows = made.rows()
    rates, pairs = _rates(rows), any(WRITTEN & row.cell.architecture.model_fields_set for row in rows)
    beside = (*(["second filters"] if pairs else []), *rates.heading)
    for heading in (
        "architecture",
        "filters",
        *beside,
        "parameters",
        "MACs",
        "runs",
        "done",
        "packs",
        "core time",
        "memory",
    ):
        table.add_column(heading, justify="left" if heading in ("architecture", *rates.heading) else "right")
    for row, rate in rates.rows:
        layers = row.cell.layer_table()
        table.add_row(
            row.label,
            str(row.cell.architecture.filters),
            *([str(_second(row) or "–")] if pairs else []),
            *rate,
            f"{layers.parameters:,}",
            f"{layers.macs:,}",
            str(row.runs),
            str(row.done),
            str(row.packs),
            format_duration(row.seconds),
            f"{row.memory_bytes / GIB:.2f} GiB",
        )
    console().print(table)
    later = (
        f"; {made.pending} more when their pilots have chosen a learning rate, packs: {len(made.pending_packs)}"
        if made.pending
        else ""
    )
    print(
        f"{made.new} runs to do, packs: {len(made.packs)}{later}; about {format_duration(made.seconds)} of one core"
    )
    _doubt(made)
    if made.packs:
        print(_placed(made.schedule))
        print(_measured(made.speed))


def status(
    config: Config,
    *,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show what is done, what diverged and what is left."""
    progress = api.status(config, workspace(store, also, data), overrides=set_)
    made, rows, timings, whole = progress.plan, progress.rows, progress.core_times, progress.core_time
    if as_json:
        counts = {
            "study": made.study.name,
            "wanted": len(made.wanted),
            "done": len(made.done),
            "awaiting": made.pending,
        }
        counts |= {
            "diverged": progress.diverged,
            "pilots_diverged": progress.pilots_diverged,
            "left_s": made.seconds,
        }
        cells = [_row_dict(row) | asdict(timing) for row, timing in zip(rows, timings, strict=True)]
        print(json.dumps(counts | asdict(whole) | {"cells": cells}, indent=2))
        return
    table, rates = Table(title=made.study.name), _rates(rows)
    for heading in (
        "architecture",
        "filters",
        *rates.heading,
        "done",
        "left",
        "estimated",
        "actual",
        "actual/estimated",
    ):
        table.add_column(heading, justify="left" if heading in ("architecture", *rates.heading) else "right")
    for (row, rate), timing in zip(rates.rows, timings, strict=True):
        spent = (
            (format_duration(timing.estimated_s), format_duration(timing.actual_s), f"{timing.ratio:.2f}")
            if timing.ratio is not None
            else ()
        )
        left = format_duration(row.seconds) if row.packs else ""
        table.add_row(
            row.label, str(row.cell.architecture.filters), *rate, f"{row.done}/{row.runs}", left, *spent
        )
    console().print(table)
    told = f"{progress.diverged} of them diverged" + (
        f" and {progress.pilots_diverged} pilots" if progress.pilots_diverged else ""
    )
    later = f"; {made.pending} more await their pilots" if made.pending else ""
    print(
        f"{len(made.done)} of {len(made.wanted)} runs done, {told}{later}; about {format_duration(made.seconds)} of one core left"
    )
    _doubt(made)
    if whole.ratio is not None:
        print(
            f"core time of what is done: estimated {format_duration(whole.estimated_s)}, actual {format_duration(whole.actual_s)} ({whole.ratio:.2f} times)"
        )
        print(_measured(made.speed))


@dataclass(frozen=True)
class _Rates:
    """The learning rates that pilots choose, as a column; none where no row has any."""

    heading: tuple[str, ...]
    rows: list[tuple[PlanRow, tuple[str, ...]]]


def _rates(rows: Sequence[PlanRow]) -> _Rates:
    if not any(row.cell.is_pilot for row in rows):
        return _Rates((), [(row, ()) for row in rows])
    return _Rates(("learning rate",), [(row, (_rate(row),)) for row in rows])


def _rate(row: PlanRow) -> str:
    if row.cell.is_pilot:
        return f"pilots, {row.rates[0]:g} to {row.rates[-1]:g}"
    return (
        f"{row.rates[0]:g}" + (f": {row.warning}" if row.warning else "")
        if row.rates
        else "awaits its pilots"
    )


def _doubt(made: Plan) -> None:
    """A line for each learning rate at an edge."""
    from scaling.config.pilots import ALL_DIVERGED

    for row in made.rows():
        if row.warning:
            diverged = row.warning == ALL_DIVERGED
            problem = row.warning if diverged else f"of the learning rates, {row.rates[0]:g} is {row.warning}"
            way_out = "try smaller ones" if diverged else "a better one may lie beyond"
            print(
                f"{row.label}, filters {row.cell.architecture.filters}: {problem}; {way_out}: pilots.learning_rates"
            )


def _placed(schedule: SweepSchedule) -> str:
    """Wall time and memory of a sweep."""
    wall, peak = format_duration(schedule.wall_s), f"{schedule.peak_bytes / GIB:.2f} GiB"
    short = (
        f" (for {schedule.held_back} more there is no memory: resources.memory_gib)"
        if schedule.held_back
        else ""
    )
    return f"workers on this machine: {schedule.workers}{short}; about {wall}, at most {peak} of memory"


def _measured(speed: Speed) -> str:
    """Whose speed the estimates are from."""
    from scaling.plan.speed_file import default_speed

    if speed is default_speed():
        return f"estimated from another machine ({speed.machine.processor}); for this one: scaling bench"
    return f"estimated from this machine as it was on {speed.machine.measured_at:%Y-%m-%d}"


def _plan_dict(made: Plan) -> dict[str, object]:
    return {
        "study": made.study.name,
        "wanted": len(made.wanted),
        "done": len(made.done),
        "new": made.new,
        "awaiting": made.pending,
        "packs": len(made.packs),
        "core_s": made.seconds,
        "wall_s": made.schedule.wall_s,
        "workers": made.schedule.workers,
        "peak_bytes": made.schedule.peak_bytes,
        "cells": [_row_dict(row) for row in made.rows()],
        "runs": [
            {
                "id": run.id,
                "done": run.id in made.done,
                "pilot": cell.is_pilot,
                "filters": cell.architecture.filters,
                "seed": run.seed,
            }
            for cell, run in made.wanted
        ],
    }


def _second(row: PlanRow) -> int | None:
    """Filters of the second convolution; None where there is none."""
    return getattr(row.cell.architecture, "second_filters", 0) or None


def _row_dict(row: PlanRow) -> dict[str, object]:
    layers = row.cell.layer_table()
    return {
        "architecture": row.cell.architecture.type,
        "label": row.label,
        "filters": row.cell.architecture.filters,
        "second_filters": _second(row),
        "parameters": layers.parameters,
        "macs": layers.macs,
        "backward_macs": layers.backward_macs,
        "routes": layers.routes,
        "training_flops": row.cell.training_flops,
        "pilots": row.cell.is_pilot,
        "awaiting": row.cell.pending,
        "learning_rates": row.rates,
        "doubt": row.warning,
        "runs": row.runs,
        "done": row.done,
        "packs": row.packs,
        "core_s": row.seconds,
        "memory_bytes": row.memory_bytes,
    }

"""``scaling plan``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, workspace
from scaling.cli.output import count, new_table, print_json, print_prose, print_table
from scaling.cli.plan_output import (
    dataset_dict,
    derived_value,
    print_datasets,
    print_other_contents,
    print_pilot_rates,
    print_rate_warnings,
    rate_heading,
    rate_text,
    row_dict,
    shown_widths,
    speed_text,
)
from scaling.cli.pruning_rounds import print_pruning_plan, pruning_plan_dict
from scaling.cli.store_damage import with_damage
from scaling.durations import format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from scaling.plan import Plan, PlanRow
    from scaling.plan.free_seeds import FreeSeeds
    from scaling.plan.sweep_schedule import SweepSchedule

_GIB = 2**30


def plan(
    config: Config,
    *,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print the runs that a study would train, and their cost.

    Each row describes one cell: parameters, MACs, finished and wanted runs, packs, core time and memory. A
    second table lists the rounds of the study's pruning.
    """
    study_plan = api.plan(config, workspace(store, also, data), overrides=set_)
    if as_json:
        print_json(with_damage(_plan_dict(study_plan)))
        return
    rows = study_plan.rows()
    print_table(_table(study_plan, rows))
    print_pilot_rates(rows)
    print_datasets(study_plan)
    for note in study_plan.training_notes:
        print_prose(note)
    pending = (
        f"; {count(study_plan.pending, 'more run')} in {count(len(study_plan.pending_packs), 'pack')} "
        "when pilots have chosen the learning rates"
        if study_plan.pending
        else ""
    )
    print_prose(
        f"{count(study_plan.new, 'run')} to do in {count(len(study_plan.packs), 'pack')}{pending}; "
        f"about {format_duration(study_plan.core_s)} of core time"
    )
    for free in study_plan.free_seeds:
        print_prose(_free_seeds_text(free))
    print_other_contents(study_plan)
    print_rate_warnings(study_plan)
    if study_plan.packs:
        print_prose(_schedule_text(study_plan.schedule))
        print_prose(speed_text(study_plan.speed))
    if study_plan.pruning:
        print_pruning_plan(study_plan.pruning)


def _table(study_plan: Plan, rows: Sequence[PlanRow]) -> Table:
    rate = rate_heading(rows)
    widths = shown_widths(rows)
    headings = [width.setting.replace("_", "\n") for width in widths]
    table = new_table(
        *("network", "filters", *headings, *rate, "parameters", "MACs", "done", "packs"),
        *("core\ntime", "memory\nin GiB"),
        title=f"{study_plan.study.name}: {count(study_plan.new, 'run')} to do, {len(study_plan.done)} done",
    )
    for row in rows:
        layers = row.cell.layer_table()
        table.add_row(
            row.label,
            str(row.cell.architecture.filters),
            *(str(derived_value(row, width) or "–") for width in widths),
            *([rate_text(row)] if rate else []),
            *(f"{number:,}" if number else "–" for number in (layers.parameters, layers.macs)),
            f"{row.done}/{row.runs}",
            str(row.packs),
            format_duration(row.core_s),
            f"{row.memory_bytes / _GIB:.2f}",
        )
    return table


def _schedule_text(schedule: SweepSchedule) -> str:
    """Return the wall time and the memory of a sweep on this machine."""
    held_back = (
        f" (no memory for {schedule.held_back} more: resources.memory_gib)" if schedule.held_back else ""
    )
    if schedule.beyond_cpus:
        held_back += f" (no core for {schedule.beyond_cpus} more: resources.workers)"
    return (
        f"{count(schedule.workers, 'worker')} on this machine{held_back}; "
        f"about {format_duration(schedule.wall_s)}, at most {schedule.peak_bytes / _GIB:.2f} GiB of memory"
    )


def _free_seeds_text(free: FreeSeeds) -> str:
    """Return which seeds would cost nothing, and how to train them too."""
    verb = "costs" if free.seeds == 1 else "cost"
    return (
        f"seeds train in blocks: for {count(free.networks, 'network')}, {count(free.seeds, 'seed')} {verb}"
        f" what {free.same_cost} cost, so that seeds: {free.same_cost} adds {count(free.runs, 'run')} at no"
        " cost"
    )


def _plan_dict(study_plan: Plan) -> dict[str, object]:
    return {
        "study": study_plan.study.name,
        "wanted": len(study_plan.wanted),
        "done": len(study_plan.done),
        "new": study_plan.new,
        "pending": study_plan.pending,
        "packs": len(study_plan.packs),
        "core_s": study_plan.core_s,
        "wall_s": study_plan.schedule.wall_s,
        "workers": study_plan.schedule.workers,
        "peak_bytes": study_plan.schedule.peak_bytes,
        "training_notes": study_plan.training_notes,
        "free_seeds": [asdict(free) for free in study_plan.free_seeds],
        "datasets": [dataset_dict(info) for info in study_plan.dataset_infos],
        "other_contents": [asdict(other) for other in study_plan.other_contents],
        "cells": [row_dict(row) for row in study_plan.rows()],
        "runs": [
            {
                "id": run.id,
                "done": run.id in study_plan.done,
                "pilot": cell.is_pilot,
                "filters": cell.architecture.filters,
                "seed": run.seed,
            }
            for cell, run in study_plan.wanted
        ],
        "pruning": study_plan.pruning and pruning_plan_dict(study_plan.pruning),
    }

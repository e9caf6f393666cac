"""``scaling status``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, workspace
from scaling.cli.output import count, new_table, print_json, print_prose, print_table
from scaling.cli.plan_output import (
    new_store_text,
    print_divergence,
    print_other_contents,
    print_pilot_rates,
    print_rate_warnings,
    rate_heading,
    rate_text,
    row_dict,
    speed_text,
)
from scaling.cli.pruning_rounds import print_pruning_status, pruning_status_dict
from scaling.cli.store_damage import with_damage
from scaling.durations import format_duration

if TYPE_CHECKING:
    from rich.table import Table

    from scaling.api import StudyStatus


def status(
    config: Config,
    *,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print which runs of a study are done, diverged or missing.

    Prints the estimated and the actual core time of the finished runs, and a second table with the rounds of
    the study's pruning.
    """
    progress = api.status(config, workspace(store, also, data), overrides=set_)
    study_plan, total = progress.plan, progress.core_time
    if as_json:
        counts = {
            "study": study_plan.study.name,
            "wanted": len(study_plan.wanted),
            "done": len(study_plan.done),
            "pending": study_plan.pending,
            "diverged": progress.diverged,
            "pilots_diverged": progress.pilots_diverged,
            "left_s": study_plan.core_s,
            "other_contents": [asdict(other) for other in study_plan.other_contents],
        }
        cells = [
            row_dict(row) | asdict(core_time)
            for row, core_time in zip(progress.rows, progress.core_times, strict=True)
        ]
        pruning = progress.pruning and pruning_status_dict(progress.pruning)
        print_json(with_damage(counts | asdict(total) | {"cells": cells, "pruning": pruning}))
        return
    print_table(_table(progress))
    print_pilot_rates(progress.rows)
    pilots = f" and {count(progress.pilots_diverged, 'pilot run')}" if progress.pilots_diverged else ""
    pending = f"; {count(study_plan.pending, 'more run')} waiting for pilots" if study_plan.pending else ""
    print_prose(
        f"{len(study_plan.done)} of {count(len(study_plan.wanted), 'run')} done; "
        f"diverged: {count(progress.diverged, 'run')}{pilots}{pending}; "
        f"about {format_duration(study_plan.core_s)} of core time left"
    )
    if progress.store_is_new:
        print_prose(new_store_text(store, progress.similar_store, runs=study_plan.new + study_plan.pending))
    print_divergence(progress.diverged, runs=len(study_plan.final_ids & study_plan.done))
    print_other_contents(study_plan)
    print_rate_warnings(study_plan)
    if total.ratio is not None:
        print_prose(
            f"core time of the finished runs: estimated {format_duration(total.estimated_s)}, "
            f"actual {format_duration(total.actual_s)} ({total.ratio:.2f} times)"
        )
        print_prose(speed_text(study_plan.speed))
    if progress.pruning:
        print_pruning_status(progress.pruning)


def _table(progress: StudyStatus) -> Table:
    rate = rate_heading(progress.rows)
    table = new_table(
        *("network", "filters", *rate, "done", "left", "estimated", "actual", "actual/\nestimated"),
        title=progress.plan.study.name,
    )
    for row, core_time in zip(progress.rows, progress.core_times, strict=True):
        times = (
            (
                format_duration(core_time.estimated_s),
                format_duration(core_time.actual_s),
                f"{core_time.ratio:.2f}",
            )
            if core_time.ratio is not None
            else ()
        )
        table.add_row(
            row.label,
            str(row.cell.architecture.filters),
            *([rate_text(row)] if rate else []),
            f"{row.done}/{row.runs}",
            format_duration(row.core_s) if row.packs else "",
            *times,
        )
    return table

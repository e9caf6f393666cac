"""``scaling status``."""

from __future__ import annotations

from dataclasses import asdict
from math import fsum
from typing import TYPE_CHECKING

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, workspace
from scaling.cli.output import console, count, new_table, print_json
from scaling.cli.plan_output import print_rate_warnings, rate_heading, rate_text, row_dict, speed_text
from scaling.durations import format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from scaling.plan import Plan


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

    Estimated and actual core time of the finished runs stand side by side.
    """
    study_plan, runs = api.results(config, workspace(store, also, data), overrides=set_)
    diverged = sum(map(bool, api.finals(study_plan, runs)["diverged"].to_pylist()))
    pilots_diverged = sum(map(bool, runs["diverged"].to_pylist())) - diverged
    timings = api.timings(study_plan, runs)
    total = api.Timing(
        fsum(timing.estimated_s for timing in timings), fsum(timing.actual_s for timing in timings)
    )
    if as_json:
        counts = {
            "study": study_plan.study.name,
            "wanted": len(study_plan.wanted),
            "done": len(study_plan.done),
            "pending": study_plan.pending,
            "diverged": diverged,
            "pilots_diverged": pilots_diverged,
            "left_s": study_plan.seconds,
        }
        cells = [
            row_dict(row) | asdict(timing) for row, timing in zip(study_plan.rows(), timings, strict=True)
        ]
        print_json(counts | asdict(total) | {"cells": cells})
        return
    console().print(_table(study_plan, timings))
    pilots = f" and {count(pilots_diverged, 'pilot')}" if pilots_diverged else ""
    pending = f"; {count(study_plan.pending, 'more run')} waiting for pilots" if study_plan.pending else ""
    print(
        f"{len(study_plan.done)} of {count(len(study_plan.wanted), 'run')} done, "
        f"{diverged} of them diverged{pilots}{pending}; "
        f"about {format_duration(study_plan.seconds)} of core time left"
    )
    print_rate_warnings(study_plan)
    if total.ratio is not None:
        print(
            f"core time of the finished runs: estimated {format_duration(total.estimated_s)}, "
            f"actual {format_duration(total.actual_s)} ({total.ratio:.2f} times)"
        )
        print(speed_text(study_plan.speed))


def _table(study_plan: Plan, timings: Sequence[api.Timing]) -> Table:
    rows = study_plan.rows()
    rate = rate_heading(rows)
    table = new_table(
        *("architecture", "filters", *rate, "done", "left", "estimated", "actual", "actual/estimated"),
        title=study_plan.study.name,
    )
    for row, timing in zip(rows, timings, strict=True):
        times = (
            (format_duration(timing.estimated_s), format_duration(timing.actual_s), f"{timing.ratio:.2f}")
            if timing.ratio is not None
            else ()
        )
        table.add_row(
            row.label,
            str(row.cell.architecture.filters),
            *([rate_text(row)] if rate else []),
            f"{row.done}/{row.runs}",
            format_duration(row.seconds) if row.packs else "",
            *times,
        )
    return table

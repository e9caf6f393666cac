"""Rounds of a pruning in the outputs of ``plan`` and ``status``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from scaling.cli.output import count, new_table, print_table, print_text
from scaling.durations import format_duration

if TYPE_CHECKING:
    from scaling.api import PruningStatus
    from scaling.plan.pruning import PruningPlan, PruningRow

_HEADINGS = ("architecture", "filters", "method", "parameters left")


def print_pruning_plan(plan: PruningPlan) -> None:
    """Print the rounds of a pruning, and what the rest costs."""
    table = new_table(*_HEADINGS, "runs", "done", "packs", "core time", title=f"{plan.study.name}: pruning")
    for row in plan.rows():
        numbers = (str(len(row.runs)), str(row.done), str(row.packs))
        table.add_row(*_cells(row), *numbers, format_duration(row.core_s))
    print_table(table)
    pending = (
        f"; {count(plan.pending, 'more pruned network')} in {count(plan.pending_packs, 'pack')} "
        "when pilots have chosen the learning rates"
        if plan.pending
        else ""
    )
    print_text(
        f"{count(plan.new, 'pruned network')} to do in {count(plan.packs, 'pack')}{pending}; about "
        f"{format_duration(plan.core_s)} of core time"
    )
    if plan.new or plan.pending:
        schedule = plan.schedule
        print_text(
            f"{count(schedule.workers, 'worker')} on this machine; about {format_duration(schedule.wall_s)};"
            " when the study is trained, prune it with: scaling prune " + str(plan.study.source)
        )


def print_pruning_status(status: PruningStatus) -> None:
    """Print which rounds of a pruning are done, with estimated and actual core time."""
    plan, total = status.plan, status.core_time
    table = new_table(
        *(*_HEADINGS, "done", "left", "estimated", "actual", "actual/estimated"),
        title=f"{plan.study.name}: pruning",
    )
    for row, core_time in zip(status.rows, status.core_times, strict=True):
        times = (format_duration(core_time.estimated_s), format_duration(core_time.actual_s))
        ratio = core_time.ratio
        table.add_row(
            *(*_cells(row), f"{row.done}/{len(row.runs)}", format_duration(row.core_s) if row.packs else ""),
            *((*times, f"{ratio:.2f}") if ratio is not None else ()),
        )
    print_table(table)
    pending = f"; {count(plan.pending, 'more pruned network')} waiting for pilots" if plan.pending else ""
    print_text(
        f"{len(plan.done)} of {count(len(plan.wanted), 'pruned network')} done; diverged: {status.diverged}"
        f"{pending}; about {format_duration(plan.core_s)} of core time left"
    )
    if total.ratio is not None:
        print_text(
            f"core time of the finished retraining: estimated {format_duration(total.estimated_s)}, "
            f"actual {format_duration(total.actual_s)} ({total.ratio:.2f} times)"
        )


def _cells(row: PruningRow) -> tuple[str, ...]:
    return row.label, str(row.filters), row.method, f"{row.parameters_left:,}"


def pruning_plan_dict(plan: PruningPlan) -> dict[str, object]:
    """Return the plan of a pruning as JSON values."""
    return {
        "wanted": len(plan.wanted),
        "done": len(plan.done),
        "new": plan.new,
        "pending": plan.pending,
        "packs": plan.packs,
        "core_s": plan.core_s,
        "wall_s": plan.schedule.wall_s,
        "rounds": [_row_dict(row) for row in plan.rows()],
        "runs": [
            {
                "id": run.id,
                "done": run.id in plan.done,
                "method": run.pruning.method,
                "parameters_left": run.pruning.parameters_left,
                "filters": run.architecture.filters,
                "seed": run.seed,
            }
            for _, run in plan.wanted
            if run.pruning
        ],
    }


def pruning_status_dict(status: PruningStatus) -> dict[str, object]:
    """Return the status of a pruning as JSON values."""
    plan = status.plan
    rounds = zip(status.rows, status.core_times, strict=True)
    return {
        "wanted": len(plan.wanted),
        "done": len(plan.done),
        "pending": plan.pending,
        "diverged": status.diverged,
        "left_s": plan.core_s,
        **asdict(status.core_time),
        "rounds": [_row_dict(row) | asdict(core_time) for row, core_time in rounds],
    }


def _row_dict(row: PruningRow) -> dict[str, object]:
    return {
        "label": row.label,
        "filters": row.filters,
        "method": row.method,
        "parameters_left": row.parameters_left,
        "runs": len(row.runs),
        "done": row.done,
        "packs": row.packs,
        "core_s": row.core_s,
    }

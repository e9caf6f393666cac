"""Summary of a page: data, runs, training, software."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analysis.formatting import format_count, format_list, format_test_set
from analysis.html_page import PageContext
from analysis.run_groups import GroupedRuns
from scaling.durations import format_duration


@dataclass(frozen=True)
class SummaryLine:
    """One line of the summary."""

    name: str
    value: str
    is_code: bool = False
    """True for a command line."""


def summarise_runs(grouped: GroupedRuns, context: PageContext) -> list[SummaryLine]:
    """Return the lines of the summary.

    Args:
        grouped: all runs of the study.
        context: the study, the command, and the runs that are missing.
    """
    runs, title = grouped.all_runs, grouped.dataset_title
    widths, seeds = (len(pc.unique(grouped.runs[name])) for name in ("filters", "seed"))
    curves, width_count = format_count(len(grouped.labels), "curve"), format_count(widths, "width")
    counts = (
        *([curves, width_count] if grouped.has_several_sizes() or not widths else [f"{curves} of one width"]),
        format_count(seeds, "seed"),
    )
    excluded = [f"included are {context.partial}"] if context.partial else []
    if grouped.diverged:
        diverged = format_count(grouped.diverged, "run")
        excluded.append(f"{diverged} without a test error (diverged), in no figure and no mean")
    data = f"{title}; errors are counted on the {format_test_set(runs, title)}"
    lines = [
        SummaryLine("Study", context.study),
        SummaryLine("Data", data if len(runs) else "none: no run is in the store"),
        SummaryLine("Runs", f"{format_count(len(grouped.runs), 'run')}: {', '.join(counts)}"),
        SummaryLine("Excluded", "; ".join(excluded) or "nothing: every wanted run is included"),
        SummaryLine("Training", _training(runs, context.core_s)),
        SummaryLine("Software", _software(runs)),
    ]
    if context.command:
        lines.append(SummaryLine("Command", context.command, is_code=True))
    if context.created:
        lines.append(SummaryLine("Created", f"{context.created:%Y-%m-%d %H:%M %Z}".strip()))
    return lines


def _training(runs: pa.Table, core_s: float | None) -> str:
    devices = [row["device"] for row in _distinct(runs, "device")]
    time = [] if core_s is None else [f"{format_duration(core_s)} of core time"]
    return ", ".join([*time, *([f"on {format_list(devices)}"] if devices else [])]) or "not recorded"


def _software(runs: pa.Table) -> str:
    """Return every commit and every set of versions that occurs."""
    commits = {
        f"commit {row['commit'][:12]}{' with uncommitted changes' if row['dirty'] else ''}"
        for row in _distinct(runs, "commit", "dirty")
    }
    versions = {_version_text(row["versions"]) for row in _distinct(runs, "versions")}
    return "; ".join((*sorted(commits), *sorted(versions))) or "not recorded"


def _version_text(versions: str) -> str:
    try:
        return ", ".join(f"{name} {number}" for name, number in json.loads(versions).items())
    except (ValueError, AttributeError):
        return "versions that cannot be read"


def _distinct(runs: pa.Table, *names: str) -> list[dict[str, Any]]:
    """Return the distinct rows of some columns, without rows whose first column is null."""
    recorded = runs.filter(pc.is_valid(runs[names[0]]))
    rows: list[dict[str, Any]] = recorded.group_by(list(names), use_threads=False).aggregate([]).to_pylist()
    return rows

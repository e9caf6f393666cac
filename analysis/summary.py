"""What a report says before its tables: which study, out of what, made by whom."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from analysis.formatting import format_count, format_interval, format_list, format_test_set
from analysis.laws import accepted_laws
from analysis.run_groups import GroupedRuns
from scaling.fit import Fit, Interval


class SummaryLine(NamedTuple):
    """One line of the summary."""

    name: str
    value: str


def describe_findings(fits: Iterable[Fit]) -> list[str]:
    """For each curve, its exponent and what that means, and the verdict between the forms, as sentences."""
    sentences = []
    for fit in fits:
        law = accepted_laws(fit).get("power")
        if law is None:
            continue
        exponent = law.parameters["exponent"]
        factor = Interval(estimate=2**-exponent.estimate, low=2**-exponent.high, high=2**-exponent.low)
        doubt = f" ({law.status}: {law.reason})" if law.reason else ""
        x = fit.points.x_name
        follows = f"the mean error goes as {x}^−ρ with ρ = {format_interval(exponent)}"
        sentences.append(
            f"{fit.label}: {follows}; twice the {x} multiply it by {format_interval(factor)}{doubt}."
        )
        if fit.verdict.evidence:
            sentences.append(
                f"{fit.label}, with a floor or without: {fit.verdict.choice} ({fit.verdict.evidence})."
            )
    return sentences


def summary_lines(
    study: str,
    runs: pa.Table,
    grouped: GroupedRuns,
    *,
    command: str,
    created: datetime | None,
    missing: int,
    pending: int,
) -> list[SummaryLine]:
    """The lines of the summary.

    Args:
        study: its name.
        runs: all runs, the diverged ones too.
        grouped: the runs that have a test error.
        command: what was typed.
        created: when the report was made; None leaves the line out.
        missing: wanted runs that the store doesn't have.
        awaiting: runs whose learning rate is not chosen yet.
    """
    widths, seeds = (len(pc.unique(grouped.runs[name])) for name in ("filters", "seed"))
    made = ", ".join(
        (
            format_count(len(grouped.labels), "curve"),
            format_count(widths, "width"),
            format_count(seeds, "seed"),
        )
    )
    left_out = [f"{format_count(missing, 'run')} of the study not in the store"] if missing else []
    left_out += [f"{format_count(pending, 'run')} whose learning rate is not chosen yet"] if pending else []
    left_out += (
        [f"{format_count(grouped.diverged, 'run')} without a test error (diverged), in no figure and no mean"]
        if grouped.diverged
        else []
    )
    lines = [
        SummaryLine("Study", study),
        SummaryLine(
            "Data",
            f"{grouped.title}; errors are counted on the {format_test_set(runs, grouped.title)}"
            if len(runs)
            else "none: no run is in the store",
        ),
        SummaryLine("Runs", f"{format_count(len(grouped.runs), 'run')}: {made}"),
        SummaryLine("Left out", "; ".join(left_out) or "nothing: every wanted run is here"),
        SummaryLine("Training", _training(runs)),
        SummaryLine("Software", _software(runs)),
        SummaryLine("Command", command),
    ]
    return lines + ([SummaryLine("Report made", f"{created:%Y-%m-%d %H:%M %Z}".strip())] if created else [])


def _training(runs: pa.Table) -> str:
    devices = _values(runs, "device")
    seconds = pc.sum(pc.divide(runs["wall_s"], pc.cast(runs["replicas"], pa.float64()))).as_py()
    spent = (
        f"{seconds / 3600:.3g} hours in all"
        if seconds and seconds >= 3600
        else f"{seconds or 0:,.0f} s in all"
    )
    return f"{spent}, on {format_list(devices)}" if devices else spent


def _software(runs: pa.Table) -> str:
    """Commits and versions, each one that occurs."""
    changed = {True: " with uncommitted changes", False: "", None: ""}
    commits = {
        f"commit {row['commit'][:12]}{changed[row['dirty']]}" for row in _distinct(runs, "commit", "dirty")
    }
    versions = {
        ", ".join(f"{name} {number}" for name, number in json.loads(row["versions"]).items())
        for row in _distinct(runs, "versions")
    }
    return "; ".join((*sorted(commits), *sorted(versions))) or "not recorded"


def _values(runs: pa.Table, name: str) -> list[str]:
    return [row[name] for row in _distinct(runs, name)]


def _distinct(runs: pa.Table, *names: str) -> list[dict[str, Any]]:
    """Rows that differ in these columns; none where the first is null."""
    kept = runs.filter(pc.is_valid(runs[names[0]]))
    rows: list[dict[str, Any]] = kept.group_by(list(names), use_threads=False).aggregate([]).to_pylist()
    return rows

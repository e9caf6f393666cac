"""Settings of a network that a study varies beside its filters: error along such a one has a figure and laws of its own."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from analysis.error_figure import FigureAxis
from analysis.run_groups import GroupedRuns, group_runs, setting_column

LEAVES = (FigureAxis("branches", "branches", "branches of the tree"),)
"""Those that are sizes."""
LEAST = 3
"""Values that make an axis."""


@dataclass(frozen=True)
class SettingAxis:
    """The runs that have such a setting, a curve for each width."""

    axis: FigureAxis
    grouped: GroupedRuns


def find_setting_axes(runs: pa.Table) -> list[SettingAxis]:
    """The axes that some runs lie along."""
    found = []
    for axis in LEAVES:
        table = runs.append_column(axis.column, setting_column(runs, f"architecture.{axis.column}"))
        table = table.filter(pc.is_valid(table[axis.column]))
        if len(pc.unique(table[axis.column])) >= LEAST:
            found.append(SettingAxis(axis, group_runs(table, axis.column)))
    return found

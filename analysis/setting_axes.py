"""Settings of a network, other than its width, along which a study has enough values to fit errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from analysis.figure_axes import SETTING_AXES, FigureAxis
from analysis.run_groups import GroupedRuns, group_runs, setting_column

_MIN_VALUES = 3
"""Smallest number of values that make an axis."""


@dataclass(frozen=True, kw_only=True)
class SettingAxis:
    """An axis, and the runs that have this setting; each width has its own curve."""

    axis: FigureAxis
    grouped: GroupedRuns


def find_setting_axes(runs: pa.Table, titles: Mapping[str, str]) -> list[SettingAxis]:
    """Return the axes along which the runs have at least three values; ``titles`` as for ``group_runs``."""
    axes = []
    for axis in SETTING_AXES:
        table = runs.append_column(axis.column, setting_column(runs, f"architecture.{axis.column}"))
        table = table.filter(pc.is_valid(table[axis.column]))
        if len(pc.unique(table[axis.column])) >= _MIN_VALUES:
            grouped = group_runs(table, axis.column, titles=titles)
            axes.append(SettingAxis(axis=axis, grouped=grouped))
    return axes

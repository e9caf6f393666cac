"""Wide tables, as trackers export charts: one column for each run, with one row a step.

Weights & Biases names such columns ``RUN - METRIC``, beside ``RUN - METRIC__MIN`` and ``RUN - METRIC__MAX``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scaling.errors import TableError
from scaling.fit.data.roles import is_step

_SEPARATOR = " - "
_EXTREMES = ("__MIN", "__MAX")
_MIN_RUNS = 2
"""Number of columns of one metric from which a table is wide."""
_VALUE = r"(?P<value>[^\s,;|&]+)"
_NAMED = re.compile(rf"(?P<name>[A-Za-z][\w./]*)\s*[=:]\s*{_VALUE}")
"""A setting in the name of a run: ``width=8``, ``config/lr: 0.1``."""
_NUMBERED = re.compile(
    r"(?<![A-Za-z0-9])(?P<name>[A-Za-z]+)[_-]?(?P<value>\d+(?:\.\d+)?(?:e-?\d+)?)(?![A-Za-z0-9])"
)
"""A setting in the name of a run without equals signs: ``w8``, ``seed_0``."""


@dataclass(frozen=True, kw_only=True)
class WideColumns:
    """Columns of a wide table."""

    metric: str
    """Name that the columns of the runs share."""
    runs: dict[str, str]
    """Column by the name of the run."""
    shared: tuple[str, ...]
    """Columns that all runs share, such as the step."""


def find_wide(table: pa.Table) -> WideColumns | None:
    """Return the columns of a wide table; None for a table with one row a run.

    Args:
        table: any table.
    """
    runs_by_metric: dict[str, dict[str, str]] = {}
    shared = []
    for column in table.column_names:
        run, separator, metric = column.rpartition(_SEPARATOR)
        if not separator:
            shared.append(column)
        elif not metric.endswith(_EXTREMES):
            runs_by_metric.setdefault(metric, {})[run] = column
    # A chart may have a column "RUN - _step" beside each value.
    metrics = {metric: runs for metric, runs in runs_by_metric.items() if not metric.startswith("_")}
    if not metrics:
        return None
    metric, runs = max(metrics.items(), key=lambda item: len(item[1]))
    if len(runs) < _MIN_RUNS:
        return None
    return WideColumns(metric=metric, runs=runs, shared=tuple(shared))


def describe_wide(wide: WideColumns) -> str:
    """Return what a wide table is, and how it becomes one with one row a run."""
    first = next(iter(wide.runs))
    return (
        f"has one column for each of {len(wide.runs)} runs, such as '{first}{_SEPARATOR}{wide.metric}', and "
        "a fit needs one row a run: `wide` melts it, with the settings in the names of the runs as columns"
        f"{_step_hint(wide)}; if the names have no settings, export the table of runs instead"
    )


def _step_hint(wide: WideColumns) -> str:
    step = next(filter(is_step, wide.shared), None)
    return f", and `last_of` {step} keeps the last row of each run" if step else ""


def melt_wide(table: pa.Table) -> pa.Table:
    """Turn a wide table into one with one row for each run and step.

    Args:
        table: a table with a column ``RUN - METRIC`` for each run.

    Returns:
        The shared columns, ``run`` with the name of the run, a column for each setting that the names of all
        runs have (``width=8``, or ``w8`` if no name has an equals sign or a colon), and the metric. Empty
        values are left out.

    Raises:
        TableError: the table is not wide, or a setting has the name of another column.
    """
    wide = find_wide(table)
    if wide is None:
        raise TableError(
            "is not a wide table, with columns named 'RUN - METRIC'; leave out `wide`", option="wide"
        )
    settings = _settings(list(wide.runs))
    names = [*wide.shared, "run", *settings, wide.metric]
    if len(set(names)) < len(names):
        raise TableError(f"several columns of the melted table would have one name ({', '.join(names)})")
    parts = []
    for index, (run, column) in enumerate(wide.runs.items()):
        rows = table.filter(pc.is_valid(table[column]))
        arrays = [rows[name] for name in wide.shared]
        arrays.append(pa.array([run] * len(rows), pa.string()))
        arrays += [pa.array([values[index]] * len(rows)) for values in settings.values()]
        arrays.append(rows[column])
        parts.append(pa.table(arrays, names=names))
    return pa.concat_tables(parts, promote_options="permissive")


def _settings(runs: list[str]) -> dict[str, list[int | float | str]]:
    """Return the settings that the names of all runs have, as numbers where all are numbers."""
    for pattern in (_NAMED, _NUMBERED):
        parsed = [{match["name"]: match["value"] for match in pattern.finditer(run)} for run in runs]
        common = [name for name in parsed[0] if all(name in settings for settings in parsed)]
        if common:
            return {name: _numbers([settings[name] for settings in parsed]) for name in common}
    return {}


def _numbers(texts: list[str]) -> list[int | float | str]:
    try:
        numbers = np.array(texts, dtype=np.float64)
    except ValueError:
        return list(texts)
    is_whole = (numbers == np.round(numbers)).all()
    return [int(number) if is_whole else float(number) for number in numbers]

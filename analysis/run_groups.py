"""Runs of a study, grouped by the curve that each run is on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from analysis.formatting import format_list
from scaling.config import DRAWN, Run
from scaling.config.curves import CONSEQUENCES, DATASET, FILTERS, SHARED, Curves, Point, curves, point
from scaling.config.labels import dataset_title

GROUPING_COLUMNS = ("id", "config_json", "train_images", "filters", "seed", "test_error", "diverged")
"""Columns of the store's runs that grouping needs."""


@dataclass(frozen=True, kw_only=True)
class GroupedRuns:
    """Runs of a study, each with the label of its curve."""

    all_runs: pa.Table
    """All runs, with the column ``group``; sorted by group, filters and seed."""
    runs: pa.Table
    """Runs that have a test error."""
    labels: tuple[str, ...]
    """Labels of the curves, in drawing order; a curve whose runs all diverged is among them."""
    notes: tuple[str, ...]
    """Sentences about settings that change along a curve, such as a learning rate tuned for each width."""
    diverged: int
    """Number of runs without a test error, which no figure and no mean includes."""
    dataset_title: str
    """Names of the data sets, as figures and headings print them."""

    def of_curve(self, label: str) -> pa.Table:
        """Return the runs of one curve that have a test error."""
        return self.runs.filter(pc.field("group") == label)

    def select_epochs(self, epochs: pa.Table) -> pa.Table:
        """Return the epochs of these runs, in the order of the runs.

        Args:
            epochs: rows of the store's table ``epochs``.

        Returns:
            The rows, with the further columns ``group``, ``filters`` and ``test_images``.
        """
        epochs = epochs.append_column("run", pc.index_in(epochs["id"], value_set=self.runs["id"]))
        epochs = epochs.filter(pc.and_kleene(pc.is_valid(epochs["run"]), pc.is_finite(epochs["test_error"])))
        epochs = epochs.sort_by([("run", "ascending"), ("epoch", "ascending")])
        for name in ("group", "filters", "test_images"):
            epochs = epochs.append_column(name, self.runs[name].take(epochs["run"]))
        return epochs.drop_columns("run")


def group_runs(runs: pa.Table, x: str = "filters") -> GroupedRuns:
    """Split runs into curves by the rule of ``scaling.config.curves``.

    Args:
        runs: rows of the store's table ``runs``.
        x: column that curves lie along.

    Raises:
        StoreError: this version cannot read the configuration of a run.
    """
    points, cells = _read_cells(runs)
    split = curves(points, x)
    labels = pa.array([split.labels[cell] for cell in cells], pa.string())
    position = pc.index_in(labels, value_set=pa.array(split.ordered, pa.string()))
    table = runs.append_column("group", labels).append_column("position", position)
    sizes = ["filters", x] if split.along != FILTERS and x in table.column_names else ["filters"]
    table = table.sort_by([(name, "ascending") for name in ("position", *sizes, "seed", "id")])
    table = table.drop_columns("position")
    has_error = pc.and_kleene(
        pc.is_finite(table["test_error"]), pc.invert(pc.fill_null(table["diverged"], False))
    )
    runs = table.filter(has_error)
    return GroupedRuns(
        all_runs=table,
        runs=runs,
        labels=split.ordered,
        notes=tuple(_changing_settings(points, split)),
        diverged=len(table) - len(runs),
        dataset_title=" and ".join(
            dataset_title(name) for name in sorted({point[DATASET] for point in points})
        ),
    )


def setting_column(runs: pa.Table, name: str) -> pa.Array:
    """Return one setting of each run as a column, with null for runs that do not have the setting.

    Args:
        runs: rows of the store's table ``runs``.
        name: dotted path of the setting.
    """
    points, cells = _read_cells(runs)
    return pa.array([points[cell].get(name) for cell in cells])


def _read_cells(runs: pa.Table) -> tuple[list[Point], list[int]]:
    """Return the configuration of each cell, and for each run the index of its cell."""
    indices: dict[tuple[str, int], int] = {}
    points: list[Point] = []
    cells = []
    for row in runs.select(["config_json", "train_images"]).to_pylist():
        cell = indices.setdefault((re.sub(DRAWN, "", row["config_json"]), row["train_images"]), len(points))
        if cell == len(points):
            points.append(point(Run.from_json(row["config_json"]), row["train_images"]))
        cells.append(cell)
    return points, cells


def _changing_settings(points: Sequence[Point], split: Curves) -> list[str]:
    """Return a sentence for each setting that changes along a curve."""
    values: dict[tuple[str, str], set[object]] = defaultdict(set)
    for settings, label in zip(points, split.labels, strict=True):
        for name in settings.keys() - SHARED - CONSEQUENCES - {split.along}:
            values[label, name].add(settings[name])
    size = "the width" if split.along == FILTERS else split.along
    return [
        f"Along {label}, {name} changes with {size}: {format_list(changing)}."
        for (label, name), changing in sorted(values.items())
        if len(changing) > 1
    ]

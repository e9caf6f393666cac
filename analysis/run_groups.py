"""Which runs belong to one curve."""

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

COLUMNS = ("id", "config_json", "train_images", "filters", "seed", "test_error", "diverged")
"""Of the store's runs: what grouping looks at."""


@dataclass(frozen=True)
class GroupedRuns:
    """The runs of a study, each with the label of its curve."""

    every: pa.Table
    """All runs, with the column ``group``; by group, filters and seed."""
    runs: pa.Table
    """Those that have a test error."""
    labels: tuple[str, ...]
    """In the order in which they are drawn; a group whose runs all diverged is among them."""
    notes: tuple[str, ...]
    """What changes with the width beside the width itself, each a sentence."""
    diverged: int
    """Runs without a test error, which no figure and no mean counts."""
    title: str
    """The data sets, as figures and headings name them."""

    def of(self, label: str) -> pa.Table:
        """The runs of one curve."""
        return self.runs.filter(pc.field("group") == label)

    def epochs(self, epochs: pa.Table) -> pa.Table:
        """Rows of the store's epochs that belong to these runs, in their order, with the columns group, filters and test_images."""
        epochs = epochs.append_column("run", pc.index_in(epochs["id"], value_set=self.runs["id"]))
        epochs = epochs.filter(pc.and_kleene(pc.is_valid(epochs["run"]), pc.is_finite(epochs["test_error"])))
        epochs = epochs.sort_by([("run", "ascending"), ("epoch", "ascending")])
        for name in ("group", "filters", "test_images"):
            epochs = epochs.append_column(name, self.runs[name].take(epochs["run"]))
        return epochs.drop_columns("run")


def group_runs(runs: pa.Table, x: str = "filters") -> GroupedRuns:
    """Split the runs into curves, as ``scaling.config.curves`` says.

    Args:
        runs: rows of the store's table.
        x: the column that curves lie along.

    Raises:
        StoreError: a run whose configuration this version can't read.
    """
    points, cells = _cells(runs)
    found = curves(points, x)
    labels = [found.labels[cell] for cell in cells]
    table = runs.append_column("group", pa.array(labels, pa.string()))
    table = table.append_column(
        "place", pc.index_in(table["group"], value_set=pa.array(found.ordered, pa.string()))
    )
    sizes = ["filters", x] if found.along != FILTERS and x in table.column_names else ["filters"]
    table = table.sort_by([(name, "ascending") for name in ("place", *sizes, "seed", "id")]).drop_columns(
        "place"
    )
    ended = table.filter(
        pc.and_kleene(pc.is_finite(table["test_error"]), pc.invert(pc.fill_null(table["diverged"], False)))
    )
    title = " and ".join(dataset_title(name) for name in sorted({each[DATASET] for each in points}))
    return GroupedRuns(
        table, ended, found.ordered, tuple(_followers(points, found)), len(table) - len(ended), title
    )


def setting_column(runs: pa.Table, name: str) -> pa.Array:
    """Of each run a leaf of its configuration, by its dotted path; null where it has none of this name."""
    points, cells = _cells(runs)
    return pa.array([points[cell].get(name) for cell in cells])


def _cells(runs: pa.Table) -> tuple[list[Point], list[int]]:
    """The configurations, each once whatever its seeds, and the place of each run's among them."""
    places: dict[tuple[str, int], int] = {}
    points: list[Point] = []
    cells = []
    for row in runs.select(["config_json", "train_images"]).to_pylist():
        cell = places.setdefault((re.sub(DRAWN, "", row["config_json"]), row["train_images"]), len(points))
        if cell == len(points):
            points.append(point(Run.from_json(row["config_json"]), row["train_images"]))
        cells.append(cell)
    return points, cells


def _followers(points: Sequence[Point], split: Curves) -> list[str]:
    """Leaves that change along a curve, as a learning rate tuned for each width does."""
    values: dict[tuple[str, str], set[object]] = defaultdict(set)
    for each, label in zip(points, split.labels, strict=True):
        for setting_column in each.keys() - SHARED - CONSEQUENCES - {split.along}:
            values[label, setting_column].add(each[setting_column])
    changing = (
        (label, setting_column, found)
        for (label, setting_column), found in sorted(values.items())
        if len(found) > 1
    )
    size = "the width" if split.along == FILTERS else split.along
    return [
        f"Along {label}, {setting_column} changes with {size}: {format_list(found)}."
        for label, setting_column, found in changing
    ]

"""Which runs belong to one curve."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from analysis.formatting import format_list
from scaling.config.cell_index import index_cells
from scaling.config.curves import DATASET, FILTERS, assign_curves, find_followers
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
    cells = index_cells(runs)
    configurations = cells.settings()
    curves = assign_curves(configurations, x)
    table = runs.append_column("group", pa.array(curves.labels, pa.string()).take(cells.cell_of_row))
    table = table.append_column(
        "place", pc.index_in(table["group"], value_set=pa.array(curves.ordered, pa.string()))
    )
    sizes = ["filters", x] if curves.x_setting != FILTERS and x in table.column_names else ["filters"]
    table = table.sort_by([(name, "ascending") for name in ("place", *sizes, "seed", "id")]).drop_columns(
        "place"
    )
    ended = table.filter(
        pc.and_kleene(pc.is_finite(table["test_error"]), pc.invert(pc.fill_null(table["diverged"], False)))
    )
    title = " and ".join(
        dataset_title(name) for name in sorted({settings[DATASET] for settings in configurations})
    )
    size = "the width" if curves.x_setting == FILTERS else curves.x_setting
    notes = tuple(
        f"Along {follower.label}, {follower.setting} changes with {size}: {format_list(follower.values)}."
        for follower in find_followers(configurations, curves)
    )
    return GroupedRuns(table, ended, curves.ordered, notes, len(table) - len(ended), title)


def setting_column(runs: pa.Table, name: str) -> pa.Array:
    """Of each run a leaf of its configuration, by its dotted path; null where it has none of this name."""
    cells = index_cells(runs)
    return pa.array([settings.get(name) for settings in cells.settings()]).take(cells.cell_of_row)

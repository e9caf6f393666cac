"""Runs of a study, grouped by the curve that each run is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from analysis.formatting import format_list
from scaling.config.cell_index import index_cells
from scaling.config.curves import DATASET, FILTERS, FINGERPRINT, assign_curves, find_covarying_settings
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

    @property
    def labels_with_most_images(self) -> frozenset[str]:
        """Labels of the curves with the most training images, whose errors differ by the network alone."""
        most = pc.equal(self.runs["train_images"], pc.max(self.runs["train_images"]))
        return frozenset(self.runs.filter(most)["group"].to_pylist())

    def of_curve(self, label: str) -> pa.Table:
        """Return the runs of one curve that have a test error."""
        return self.runs.filter(pc.field("group") == label)

    def has_several_sizes(self, x: str = "filters") -> bool:
        """Return whether some curve has several sizes, without which no law can be fitted.

        Args:
            x: column that curves lie along.
        """
        sizes = self.runs.group_by(["group", x], use_threads=False).aggregate([])
        return len(sizes) > len(pc.unique(sizes["group"]))

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


def group_runs(
    runs: pa.Table,
    x: str = "filters",
    *,
    also: str | None = None,
    titles: Mapping[str, str] | None = None,
) -> GroupedRuns:
    """Split runs into curves by the rule of ``scaling.config.curves``.

    Args:
        runs: rows of the store's table ``runs``.
        x: column that curves lie along.
        also: second column that changes along a curve; None for one column.
        titles: titles of data sets by fingerprint. Other data sets have the title of their type.

    Raises:
        StoreError: this version cannot read the configuration of a run.
    """
    cells = index_cells(runs)
    configurations = cells.settings()
    curves = assign_curves(configurations, x, also=also)
    labels = pa.array(curves.labels, pa.string()).take(cells.cell_of_row)
    position = pc.index_in(labels, value_set=pa.array(curves.ordered, pa.string()))
    table = runs.append_column("group", labels).append_column("position", position)
    sizes = ["filters", x] if curves.x_setting != FILTERS and x in table.column_names else ["filters"]
    table = table.sort_by([(name, "ascending") for name in ("position", *sizes, "seed", "id")])
    table = table.drop_columns("position")
    diverged = pc.fill_null(table["diverged"], False)
    with_error = table.filter(pc.and_kleene(pc.is_finite(table["test_error"]), pc.invert(diverged)))
    size = "the width" if curves.x_setting == FILTERS else curves.x_setting
    notes = tuple(
        f"Along {covarying.label}, {covarying.setting} changes with {size}: {format_list(covarying.values)}."
        for covarying in find_covarying_settings(configurations, curves)
    )
    datasets = {
        (titles or {}).get(settings[FINGERPRINT]) or dataset_title(settings[DATASET])
        for settings in configurations
    }
    return GroupedRuns(
        all_runs=table,
        runs=with_error,
        labels=curves.ordered,
        notes=notes,
        diverged=len(table) - len(with_error),
        dataset_title=" and ".join(sorted(datasets)),
    )


def setting_column(runs: pa.Table, name: str) -> pa.Array:
    """Return one setting of each run as a column, with null for runs that do not have the setting.

    Args:
        runs: rows of the store's table ``runs``.
        name: dotted path of the setting.
    """
    cells = index_cells(runs)
    return pa.array([settings.get(name) for settings in cells.settings()]).take(cells.cell_of_row)

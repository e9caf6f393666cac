"""Which runs belong to one curve: those that differ in width, seed and what follows from the width, and in nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from analysis.words import dataset_title, leaf_words, listed, sortable
from scaling.config import Run, flat
from scaling.errors import StoreError

DATASET, TRAIN_IMAGES = "data.type", "data.train_images"
TYPE, FILTERS, SECOND, RATIO = "architecture.type", "architecture.filters", "architecture.second_filters", "architecture.ratio"
ALONG = frozenset({TYPE, FILTERS, "seed", "order"})
"""Leaves that never split the runs of one architecture."""
CONSEQUENCES = frozenset({SECOND, RATIO})
"""Leaves that are expected to change with the width."""
FIRST = (TRAIN_IMAGES, RATIO, "recipe.optimizer.type", "recipe.schedule.type")
"""Leaves that explain others (a ratio the second filters, an optimiser its momentum) are asked before them."""

Leaves = dict[str, Any]


@dataclass(frozen=True)
class Grouped:
    """The runs of a study, each with the label of its curve."""

    runs: pa.Table
    """Those that have a test error, with the column ``group``; by group, filters and seed."""
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


def group(runs: pa.Table) -> Grouped:
    """Split the runs into curves.

    A leaf of the configuration tells curves apart where runs of one architecture and one width differ in it. The number of
    second filters follows from the width, unless a study varies the ratio of the two: then the ratio tells them apart.

    Args:
        runs: rows of the store's table.

    Raises:
        StoreError: a run whose configuration this version can't read.
    """
    rows = [_leaves(row) for row in runs.select(["id", "config_json", "train_images"]).to_pylist()]
    shared = [DATASET] if len({row[DATASET] for row in rows}) > 1 else []
    curves: dict[tuple[Any, ...], str] = {}
    labels = [""] * len(rows)
    for kind in sorted({row[TYPE] for row in rows}):
        members = [index for index, row in enumerate(rows) if row[TYPE] == kind]
        _add_ratio([rows[index] for index in members])
        keys = _keys([rows[index] for index in members], shared)
        for index in members:
            labels[index] = ", ".join([kind, *(leaf_words(key, rows[index].get(key)) for key in keys)])
            curves[kind, *(sortable(rows[index].get(key)) for key in keys)] = labels[index]
    ordered = tuple(curves[place] for place in sorted(curves))
    table = runs.append_column("group", pa.array(labels, pa.string()))
    table = table.append_column("place", pa.array([ordered.index(label) for label in labels], pa.int64()))
    table = table.sort_by([(name, "ascending") for name in ("place", "filters", "seed", "id")]).drop_columns("place")
    ended = table.filter(pc.and_kleene(pc.is_finite(table["test_error"]), pc.invert(pc.fill_null(table["diverged"], False))))
    title = " and ".join(dataset_title(name) for name in sorted({row[DATASET] for row in rows}))
    return Grouped(ended, ordered, tuple(_followers(rows, labels)), len(table) - len(ended), title)


def _leaves(row: dict[str, Any]) -> Leaves:
    try:
        leaves: Leaves = flat(Run.read(row["config_json"]))
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise StoreError(f"run {row['id']}: its {where} can't be read by this version ({fault['msg']}); upgrade scaling") from None
    # The number that was used: a study that names all images means the same data as one that names none.
    leaves[TRAIN_IMAGES] = row["train_images"]
    return {name: tuple(value) if isinstance(value, list) else value for name, value in leaves.items()}


def _add_ratio(rows: Sequence[Leaves]) -> None:
    """Give each row the nearest of the ratios d2/d1 that the widest networks show; rounding blurs it in the narrow ones."""
    widest = max(row[FILTERS] for row in rows)
    ratios = sorted({row[SECOND] / widest for row in rows if row.get(SECOND) and row[FILTERS] == widest})
    for row in rows:
        if ratios and row.get(SECOND):
            row[RATIO] = min(ratios, key=lambda ratio: abs(row[SECOND] - ratio * row[FILTERS]))


def _keys(rows: Sequence[Leaves], shared: Sequence[str]) -> list[str]:
    """The leaves that tell the curves of one architecture apart, each one needed beside those before it."""
    keys = list(shared)
    for leaf in dict.fromkeys((*FIRST, *sorted({name for row in rows for name in row}))):
        cells: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
        for row in rows:
            cells[tuple(row.get(name) for name in (*keys, FILTERS))].add(row.get(leaf))
        if leaf not in ALONG and any(len(values) > 1 for values in cells.values()):
            keys.append(leaf)
    return keys


def _followers(rows: Sequence[Leaves], labels: Sequence[str]) -> list[str]:
    """Leaves that change along a curve, as a learning rate tuned for each width does."""
    values: dict[tuple[str, str], set[object]] = defaultdict(set)
    for row, label in zip(rows, labels, strict=True):
        for leaf in row.keys() - ALONG - CONSEQUENCES:
            values[label, leaf].add(row[leaf])
    changing = ((label, leaf, found) for (label, leaf), found in sorted(values.items()) if len(found) > 1)
    return [f"Along {label}, {leaf} changes with the width: {listed(found)}." for label, leaf, found in changing]

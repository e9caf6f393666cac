"""Cells of a table of runs: runs that differ in seed and order only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scaling.config.curves import Settings, curve_settings
from scaling.config.identity import Run

SEED_AND_ORDER = r'"(?:order|seed)":\d+,'
"""Seed and order in the canonical JSON of a run. No other setting has one of these names."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CellIndex:
    """Cells of a table of runs, in the order of their first rows."""

    cell_of_row: NDArray[np.intp]
    """For each row of the table, the position of its cell."""
    runs: tuple[Run, ...]
    """One run of each cell."""
    train_images: tuple[int | None, ...]
    """Number of training images that each cell uses; None if the table does not say it."""

    def settings(self) -> list[Settings]:
        """Return the settings of each cell that decide on its curve."""
        return [curve_settings(run, used) for run, used in zip(self.runs, self.train_images, strict=True)]


def index_cells(runs: pa.Table) -> CellIndex:
    """Find the cells of a table of runs. The configuration of each cell is parsed once.

    Args:
        runs: rows of the store's table, with the columns ``config_json`` and ``train_images``.

    Raises:
        StoreError: this version cannot read the configuration of a run.
    """
    configurations = pc.replace_substring_regex(runs["config_json"], SEED_AND_ORDER, "")
    train_images = pc.cast(runs["train_images"], pa.string())
    keys = pc.binary_join_element_wise(configurations, train_images, " ", null_handling="replace")
    cell_of_row = keys.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.intp)
    _, first_rows = np.unique(cell_of_row, return_index=True)
    first = runs.select(["config_json", "train_images"]).take(first_rows)
    return CellIndex(
        cell_of_row=cell_of_row,
        runs=tuple(Run.from_json(text) for text in first["config_json"].to_pylist()),
        train_images=tuple(first["train_images"].to_pylist()),
    )

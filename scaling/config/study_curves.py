"""Curves of a study: its cells, sorted by the curve that they are on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scaling.config.curves import assign_curves
from scaling.config.study import Cell, Study


@dataclass(frozen=True, kw_only=True)
class StudyCurve:
    """The cells of a study that lie on one curve."""

    label: str
    cells: tuple[Cell, ...]
    """One cell for each width, with all seeds that the study has of this width; by rising width."""

    @property
    def widest(self) -> int:
        """Number of filters of the widest network."""
        return self.cells[-1].architecture.filters


def study_curves(study: Study) -> list[StudyCurve]:
    """Return the curves of a study along the width, in the order of its file."""
    cells_by_label: dict[str, dict[int, Cell]] = {}
    for cell, label in zip(study.cells, study.curve_labels(), strict=True):
        cells_by_width = cells_by_label.setdefault(label, {})
        filters = cell.architecture.filters
        if filters not in cells_by_width or cells_by_width[filters].seeds < cell.seeds:
            cells_by_width[filters] = cell
    return [
        StudyCurve(label=label, cells=tuple(cell for _, cell in sorted(cells_by_width.items())))
        for label, cells_by_width in cells_by_label.items()
    ]


def label_cells(cells: Sequence[Cell], x: str) -> tuple[str, ...]:
    """Return the label of each cell's curve along any setting.

    A cost that the study's file gives is fixed along a curve.

    Args:
        cells: the cells.
        x: name of the setting, such as ``ratio``.
    """
    return assign_curves([cell.settings() | cell.costs() for cell in cells], x).labels

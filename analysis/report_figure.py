"""A figure with what it shows: its caption and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from matplotlib import style as matplotlib_style
from matplotlib.figure import Figure
from pyarrow import csv

from analysis.style import STYLE


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportFigure:
    """A figure with what it shows."""

    name: str
    """Of its files."""
    heading: str
    caption: str
    """Estimand and n, in true sentences."""
    figure: Figure
    numbers: pa.Table
    """What is drawn, one row a mark."""

    def save(self, folder: Path) -> tuple[Path, Path, Path]:
        """Write ``<name>.svg``, ``<name>.png`` and ``<name>.csv``; the same numbers give the same bytes."""
        svg, png, table = (folder / f"{self.name}.{kind}" for kind in ("svg", "png", "csv"))
        self.figure.savefig(svg, metadata={"Date": None})
        self.figure.savefig(png, metadata={"Software": None})
        csv.write_csv(self.numbers, table)
        return svg, png, table


def draw_and_save(folder: Path, draw: Callable[[], Sequence[ReportFigure]]) -> list[Path]:
    """Draw in the house style and write every figure; the folder is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    # Starts from matplotlib's own defaults, so that nobody's matplotlibrc changes a figure, and leaves no trace.
    with matplotlib_style.context(["default", STYLE]):
        return [file for drawing in draw() for file in drawing.save(folder)]

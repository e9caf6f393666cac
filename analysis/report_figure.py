"""A figure together with its caption and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from matplotlib import rc_context, rcParams
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from pyarrow import csv

from analysis.style import figure_style


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportFigure:
    """A figure together with its caption and its numbers."""

    name: str
    """Name of its files, without the suffix."""
    heading: str
    caption: str
    """Sentences that name the estimand, the number of runs, and the meaning of every mark."""
    figure: Figure
    numbers: pa.Table
    """The drawn values, one row for each mark."""

    def save(self, folder: Path) -> tuple[Path, Path, Path]:
        """Write ``<name>.svg``, ``<name>.png`` and ``<name>.csv``; equal numbers give equal bytes."""
        svg, png, table = (folder / f"{self.name}.{suffix}" for suffix in ("svg", "png", "csv"))
        _lay_out(self.figure)
        with rc_context({"figure.constrained_layout.use": False}):
            self.figure.set_layout_engine(None)
            self.figure.savefig(svg, metadata={"Date": None})
            self.figure.savefig(png, metadata={"Software": None})
        csv.write_csv(self.numbers, table)
        return svg, png, table


def _lay_out(figure: Figure) -> None:
    """Lay out a figure for its SVG file, once for both files.

    ``savefig`` would lay out the figure for each file, and draw it once more for that.
    """
    canvas, dpi = figure.canvas, figure.dpi
    FigureCanvasSVG(figure)  # becomes the figure's canvas, whose letters the layout measures
    figure.dpi = rcParams["savefig.dpi"]
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    figure.dpi = dpi
    figure.set_canvas(canvas)


def draw_and_save(folder: Path, draw: Callable[[], Sequence[ReportFigure]]) -> list[Path]:
    """Draw figures in the project's style, and write each one as .svg, .png and .csv.

    Args:
        folder: it is created if needed.
        draw: draws the figures.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with figure_style():
        return [file for figure in draw() for file in figure.save(folder)]

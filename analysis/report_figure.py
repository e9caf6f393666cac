"""A figure together with its caption and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
from matplotlib import rc_context, rcParams
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from pyarrow import csv

from analysis.curve_names import place_names
from analysis.figure_options import FigureOptions
from analysis.style import figure_style
from analysis.text_fitting import fit_texts

_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What matplotlib would write into a file by its format, and what would make equal figures differ."""


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
    alt: str = ""
    """Sentences that say what the figure shows; empty for a figure on no page."""
    titles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Text about each mark, by the id of the marks in the SVG file."""
    curves: Sequence[str] = ()
    """Names of the curves whose legend entries have ids."""

    def save(self, folder: Path, options: FigureOptions | None = None) -> tuple[Path, ...]:
        """Write ``<name>.csv``, and a file of each format; equal numbers give equal bytes.

        Args:
            folder: an existing folder.
            options: the formats; by default .svg and .png.

        Returns:
            The files; the numbers come last.
        """
        formats = (options or FigureOptions()).formats
        *pictures, table = (folder / f"{self.name}.{suffix}" for suffix in (*formats, "csv"))
        self._fix_layout()
        for kind, path in zip(formats, pictures, strict=True):
            self._draw(path, kind)
        csv.write_csv(self.numbers, table)
        return *pictures, table

    def svg_with_outlines(self) -> str:
        """Return the figure as SVG with outlines in the place of letters, for a page."""
        self._fix_layout()
        svg = StringIO()
        with rc_context({"svg.fonttype": "path"}):
            self._draw(svg, "svg")
        return svg.getvalue()

    def _fix_layout(self) -> None:
        """Lay out the figure once for all files."""
        if self.figure.get_layout_engine():
            _lay_out(self.figure)
            with rc_context({"figure.constrained_layout.use": False}):
                self.figure.set_layout_engine(None)

    def _draw(self, file: Path | StringIO, kind: str) -> None:
        with rc_context({"figure.constrained_layout.use": False}):
            self.figure.savefig(file, format=kind, metadata=_METADATA[kind])


def _lay_out(figure: Figure) -> None:
    """Lay out a figure for its SVG file, once for all files.

    ``savefig`` would lay out the figure for each file, and draw it once more for that.
    """
    canvas, dpi = figure.canvas, figure.dpi
    FigureCanvasSVG(figure)  # becomes the figure's canvas, whose letters the layout measures
    figure.dpi = rcParams["savefig.dpi"]
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    fit_texts(figure)
    place_names(figure)
    figure.dpi = dpi
    figure.set_canvas(canvas)


def draw_and_save(
    folder: Path, draw: Callable[[], Sequence[ReportFigure]], options: FigureOptions | None = None
) -> list[Path]:
    """Draw figures in the project's style, and write each one with its numbers.

    Args:
        folder: it is created if needed.
        draw: draws the figures.
        options: formats, width and font of the figures; by default those of a page.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with figure_style(options):
        return [file for figure in draw() for file in figure.save(folder, options)]

"""HTML pages: their templates, and figures inside them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from analysis.formatting import format_percent
from analysis.report_figure import ReportFigure


@dataclass(frozen=True)
class EmbeddedFigure:
    """A figure inside a page, and its files beside it."""

    drawing: ReportFigure
    files: tuple[Path, Path, Path]
    """.svg, .png and .csv."""
    svg: str
    """Base64."""


def embed_figure(drawing: ReportFigure, folder: Path) -> EmbeddedFigure:
    """Save a figure and keep it for a page."""
    files = drawing.save(folder)
    return EmbeddedFigure(drawing, files, b64encode(files[0].read_bytes()).decode())


def load_template(name: str) -> Template:
    """Of this folder."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = format_percent
    return environment.get_template(name)

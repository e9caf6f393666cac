"""HTML pages: their templates, and figures inside them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from analysis.formatting import percent
from analysis.report_figure import ReportFigure


@dataclass(frozen=True)
class Embedded:
    """A figure inside a page, and its files beside it."""

    drawing: ReportFigure
    files: tuple[Path, Path, Path]
    """.svg, .png and .csv."""
    svg: str
    """Base64."""


def embed(drawing: ReportFigure, folder: Path) -> Embedded:
    """Save a figure and keep it for a page."""
    files = drawing.save(folder)
    return Embedded(drawing, files, b64encode(files[0].read_bytes()).decode())


def template(name: str) -> Template:
    """Of this folder."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = percent
    return environment.get_template(name)

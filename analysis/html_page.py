"""HTML pages: their templates, and figures inside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from analysis.figure_options import FigureOptions
from analysis.formatting import format_percent
from analysis.page_svg import PageSvg
from analysis.report_figure import ReportFigure
from analysis.style import figure_style
from analysis.typesetting import keep_intervals_together, typeset_formulas


@dataclass(frozen=True, kw_only=True)
class PageContext:
    """Facts about a page that do not follow from its runs."""

    study: str
    """Name of the study."""
    command: str | None = None
    """Command line that makes the page again; None if the page does not show one."""
    created: datetime | None = None
    """Time that the page shows; without it, the same store gives the same bytes."""
    partial: str = ""
    """How many of the wanted runs there are, and which curves lack some; empty if all runs are there."""
    core_s: float | None = None
    """Core time of the finished runs and pilot runs, in seconds; None if the page does not show it."""
    dataset_titles: Mapping[str, str] = field(default_factory=dict)
    """Titles of data sets by fingerprint. Other data sets have the title of their type."""
    damage: str = ""
    """Damaged files of the store and what is left out, without a full stop; empty if nothing is damaged."""

    @property
    def notes(self) -> list[str]:
        """Sentences that a reader of the page should know, whatever its runs show."""
        partial = [f"Partial: {self.partial}."] if self.partial else []
        return partial + ([f"The store is damaged: {self.damage}."] if self.damage else [])


@dataclass(frozen=True, kw_only=True)
class EmbeddedFigure:
    """A figure inside a page, and the same figure as files."""

    name: str
    heading: str
    caption: str
    svg: str
    """The figure as an element of the page."""
    files: tuple[Path, ...]
    """A file of each format; the .csv file comes last."""


_SENTENCE_END = re.compile(r"(?<=\.) (?=[A-Z])")


def embed_figures(
    folder: Path, draw: Callable[[], Sequence[ReportFigure]], options: FigureOptions | None = None
) -> list[EmbeddedFigure]:
    """Draw figures in the project's style, write their files, and return them for a page.

    Args:
        folder: it is created if needed.
        draw: draws the figures.
        options: formats, width and font of the figures; by default those of a page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page_svg, options = PageSvg(), options or FigureOptions()
    with figure_style(options):
        embedded = [_embed(figure, folder, page_svg, options) for figure in draw()]
    return shorten_captions(embedded)


def shorten_captions(figures: Sequence[EmbeddedFigure]) -> list[EmbeddedFigure]:
    """Replace the sentences of a caption that an earlier caption has by the name of the earlier figure."""
    first_with, shortened = dict[str, str](), list[EmbeddedFigure]()
    for figure in figures:
        sentences = _SENTENCE_END.split(figure.caption)
        new = [sentence for sentence in sentences if sentence not in first_with]
        earlier = {first_with[sentence]: None for sentence in sentences if sentence in first_with}
        see = [f"Marks as in “{heading}”." for heading in earlier]
        shortened.append(replace(figure, caption=" ".join([*new, *see])))
        first_with |= dict.fromkeys(new, figure.heading)
    return shortened


def load_template(name: str) -> Template:
    """Load a template of this folder."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "percent": format_percent,
        "typeset": typeset_formulas,
        "unbroken": keep_intervals_together,
    }
    return environment.get_template(name)


def _embed(figure: ReportFigure, folder: Path, page_svg: PageSvg, options: FigureOptions) -> EmbeddedFigure:
    files = figure.save(folder, options)
    # Letters of a paper's figures are text, for which a reader of the page may lack the font.
    svg = files[0].read_text() if options.are_default else figure.svg_with_outlines()
    return EmbeddedFigure(
        name=figure.name,
        heading=figure.heading,
        caption=figure.caption,
        svg=page_svg.embed(svg, figure),
        files=files,
    )

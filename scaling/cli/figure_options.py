"""Options of figures and tables for a paper, which several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Formats = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT,...",
        help="Formats of the figures: svg, png and pdf.",
        show_default="svg,png",
    ),
]
Width = Annotated[
    str,
    typer.Option(
        metavar="LENGTH",
        help="Width of the figures, in in, cm, mm, pt or px, such as 3.25in for a column of a journal.",
        show_default="4.4in",
    ),
]
Font = Annotated[
    str,
    typer.Option(
        metavar="FAMILY",
        help="Font of the figures, such as 'DejaVu Serif'; letters in SVG and PDF files stay text.",
        show_default="DejaVu Sans",
    ),
]
Tables = Annotated[
    str,
    typer.Option(
        metavar="FORMAT,...",
        help="Formats of the tables beside csv: tex (LaTeX with booktabs) and md (Markdown).",
        show_default="csv",
    ),
]


def parse_names(text: str) -> list[str]:
    """Parse ``csv,tex`` as names; an empty text has none."""
    return [name.strip() for name in text.lower().split(",")] if text else []

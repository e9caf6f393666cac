"""Options of figures for a paper: the formats of their files, their width and their font."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from scaling.errors import UsageError, shorten

WIDTH = 4.4
"""Width of a figure in inches; scaled to a column of 3.4 inches, the smallest letters are 5.6 points high."""
FORMATS = ("svg", "png", "pdf")

_INCHES = {"": 1.0, "in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72.27, "px": 1 / 96}
"""Inches per unit: pt is the point of TeX, in which LaTeX prints the width of a column; px is that of CSS."""
_LEAST, _MOST = 2.0, 20.0
"""Limits of the width in inches; in a narrower figure, tick labels leave no room for curves."""
_NEAREST = 3
"""Number of fonts that a message names."""


@dataclass(frozen=True, kw_only=True)
class FigureOptions:
    """Formats, width and font of figures; the defaults are those of a page.

    With any other option, letters in SVG files are text, which editors and search find, and the page beside
    the files shows outlines. Letters in PDF files are always text, and their fonts are embedded.

    Raises:
        UsageError: an unknown format, an impossible width, or a font that matplotlib does not find.
    """

    formats: tuple[str, ...] = ("svg", "png")
    """Kinds of files; the numbers of a figure are always written as .csv beside them."""
    width: float = WIDTH
    """Width in inches."""
    font: str | None = None
    """Family of the letters; None for DejaVu Sans, which comes with matplotlib."""

    def __post_init__(self) -> None:
        if not self.formats or not set(self.formats) <= set(FORMATS):
            unknown = next((name for name in self.formats if name not in FORMATS), "")
            raise UsageError(
                f"{shorten(unknown) or 'no format'}: expected {', '.join(FORMATS)}, separated by commas",
                option="formats",
            )
        if not _LEAST <= self.width <= _MOST:
            raise UsageError(
                f"{self.width:.4g} in: expected {_LEAST:g} to {_MOST:g} inches; a column of a journal has"
                " about 3.25in, a page 6.75in",
                option="width",
            )
        if self.font is not None:
            object.__setattr__(self, "font", _find_font(self.font))

    @classmethod
    def parse(cls, *, formats: str = "", width: str = "", font: str = "") -> FigureOptions:
        """Return the options that texts describe; an empty text stands for the default.

        Args:
            formats: formats, separated by commas, such as ``pdf,svg``.
            width: a number with a unit, such as ``3.25in``, ``8.5cm`` or ``252pt``; without a unit, inches.
            font: family of the letters.

        Raises:
            UsageError: as for ``FigureOptions``, or the width is no length.
        """
        return cls(
            formats=tuple(dict.fromkeys(name.strip() for name in formats.lower().split(",")))
            if formats
            else cls.formats,
            width=_parse_length(width) if width else cls.width,
            font=font or None,
        )

    @property
    def are_default(self) -> bool:
        """True for figures of a page alone, whose letters are outlines that look the same everywhere."""
        return self == FigureOptions()


def _parse_length(text: str) -> float:
    """Return a length in inches."""
    match = re.fullmatch(r"\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*([a-z]*)\s*", text.lower())
    if not match or match[2] not in _INCHES:
        units = ", ".join(unit for unit in _INCHES if unit)
        raise UsageError(
            f"{shorten(text)}: expected a number with a unit ({units}), such as 3.25in or 8.5cm",
            option="width",
        )
    return float(match[1]) * _INCHES[match[2]]


def _find_font(name: str) -> str:
    """Return the name of a family as matplotlib spells it."""
    from matplotlib.font_manager import get_font_names

    families = {family.casefold(): family for family in sorted(get_font_names())}
    if name.casefold() in families:
        return families[name.casefold()]
    nearest = get_close_matches(name.casefold(), families, n=_NEAREST, cutoff=0.0)
    raise UsageError(
        f"{shorten(name)}: matplotlib finds no such font; the nearest are"
        f" {', '.join(families[family] for family in nearest)}",
        option="font",
    )

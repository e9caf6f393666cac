"""Breaks long labels of a figure into lines, so that no text leaves a narrow figure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

_LINE_SPACING = 1.2
_POINTS_PER_INCH = 72
_ATOM = re.compile(r"\[[^]]*\]|\([^)]*\)|\$[^$]*\$|\s|\S")
"""A sign, or what no line break separates: an interval, a text in brackets, a formula."""


def fit_texts(figure: Figure) -> None:
    """Break titles, labels of axes and legends that leave a figure, and make room for their lines.

    Args:
        figure: it is laid out, and laid out again where a text was broken.
    """
    broken = [text for legend in figure.legends for text in _break_legend(figure, legend)]
    broken += [text for text in _titles_and_labels(figure) if _break_text(figure, text)]
    if not broken:
        return
    added = sum(float(text.get_fontsize()) * text.get_text().count("\n") for text in set(broken))
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + _LINE_SPACING * added / _POINTS_PER_INCH)
    if engine := figure.get_layout_engine():
        engine.execute(figure)


def _titles_and_labels(figure: Figure) -> Iterator[Text]:
    for axes in figure.axes:
        if axes.get_visible():
            for place in ("left", "center"):
                if title := axes.get_title(loc=place):
                    yield axes.set_title(title, loc=place)
            yield axes.xaxis.label


def _break_text(figure: Figure, text: Text) -> bool:
    """Break a text of one place at the edges of the figure; return True if it was broken."""
    extent = text.get_window_extent()
    if (extent.x0 >= 0 and extent.x1 <= figure.bbox.width) or not extent.width:
        return False
    outside = max(-extent.x0, extent.x1 - figure.bbox.width)
    # A centred text leaves the figure on both sides.
    room = extent.width - outside * (2 if text.get_horizontalalignment() == "center" else 1)
    return _set_lines(text, room / extent.width)


def _break_legend(figure: Figure, legend: Legend) -> list[Text]:
    """Break the longest entries of a legend until it fits, and return the entries that were broken."""
    broken: list[Text] = []
    room = figure.bbox.width - 2 * rcParams["figure.constrained_layout.w_pad"] * figure.dpi
    while (outside := legend.get_window_extent().width - room) > 0:
        for text in sorted(legend.get_texts(), key=lambda text: -text.get_window_extent().width):
            width = text.get_window_extent().width
            if width and _set_lines(text, max(1 - outside / width, 0.0)):
                broken.append(text)
                break
        else:
            break
    return broken


def _set_lines(text: Text, share: float) -> bool:
    """Break the longest line of a text where a share of it fits; return False if nothing can be broken."""
    lines = text.get_text().split("\n")
    number = max(range(len(lines)), key=lambda i: len(lines[i]))
    places = _break_places(lines[number])
    if not places:
        return False
    fitting = [place for place in places if place <= share * len(lines[number])]
    place = fitting[-1] if fitting else places[0]
    lines[number] = lines[number][:place].rstrip() + "\n" + lines[number][place:].lstrip()
    text.set_text("\n".join(lines))
    return True


def _break_places(line: str) -> list[int]:
    """Return the positions of the spaces at which a line may be broken; after a comma, if there is one."""
    atoms = list(_ATOM.finditer(line))
    spaces = [(atom.start(), line[atom.start() - 1]) for atom in atoms[1:-1] if atom[0] == " "]
    after_comma = [place for place, before in spaces if before in ",:;"]
    return after_comma or [place for place, _ in spaces]

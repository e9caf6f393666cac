"""Names of curves at their ends, where they cover neither each other nor anything else that is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from analysis import style
from analysis.curve_marks import curve_id

NAMES_ONLY = "names only"
"""Id of a legend that has nothing but names; the names at the ends replace it."""

_MAX_NAMES = 8
"""Largest number of curves with names at their ends; more names leave no room for the curves."""
_MAX_LINE = 14
"""Number of letters from which a name is broken between its parts."""
_NAME_ID = re.compile(r"curve\d+-name")
_INK = 0.88
"""Lightness below which a pixel is drawn on; the lines of the grid are lighter."""
_DPI = 100
"""Dots per inch at which free room is looked for."""
_PADDING = 1.2
"""Least distance of a name from what is drawn, in points."""
_GAPS = (4.0, 7.0, 10.0, 14.0)
"""Distances of a name from the end of its curve, in points."""
_END_RADIUS = 8.0
"""Distance from the end of a curve within which its marker and its runs are drawn, in pixels."""
_NEIGHBOURS = 20.0
"""Horizontal distance of two ends whose names keep their order, in pixels."""
_BEHIND_A_LINE = 12.0
"""Cost of a name with something between the name and the end of its curve, in points of distance."""
_POINTS_PER_INCH = 72
_SHIFTS = np.arange(0, 2.01, 0.125)
"""Distances upwards and downwards by which a name is shifted, in heights of the name."""


@dataclass(frozen=True, kw_only=True)
class NamedLine:
    """The line or the means of a curve, from left to right, whose last visible point is the curve's end."""

    index: int
    """Number of the curve."""
    name: str
    x: np.ndarray
    y: np.ndarray
    color: style.Color | str


def name_ends(axes: Axes, lines: Sequence[NamedLine]) -> None:
    """Write the names of curves at their ends; call it when the limits of the axes are final.

    ``place_names`` moves the names into free room, or removes them where there is too little.

    Args:
        axes: the panel.
        lines: the curves; too many get no names.
    """
    if len(lines) > _MAX_NAMES:
        return
    names = _shorten([line.name for line in lines])
    (left, right), (bottom, top) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    for line, name in zip(lines, names, strict=True):
        is_visible = (left <= line.x) & (line.x <= right) & (bottom <= line.y) & (line.y <= top)
        if is_visible.any():
            last = np.flatnonzero(is_visible)[-1]
            axes.annotate(
                name,
                (line.x[last], line.y[last]),
                (_GAPS[0], 0),
                textcoords="offset points",
                ha="left",
                va="center",
                color=style.text_color(line.color),
                size=rcParams["legend.fontsize"],
                gid=curve_id(line.index, "name"),
                zorder=6,
            )


def place_names(figure: Figure) -> None:
    """Move each name into free room near the end of its curve; without enough room, remove all names.

    Args:
        figure: it is laid out, and laid out again where names replace a legend or are removed.
    """
    names = [text for axes in figure.axes for text in axes.texts if _NAME_ID.fullmatch(text.get_gid() or "")]
    annotations = [name for name in names if isinstance(name, Annotation)]
    if not annotations:
        return
    legends = [*figure.legends]
    # A layout makes room for every legend of a figure, even if the legend is not visible.
    figure.legends[:] = [legend for legend in legends if legend.get_gid() != NAMES_ONLY]
    _lay_out(figure)
    if not _find_places(figure, annotations):
        for name in annotations:
            name.remove()
        figure.legends[:] = legends
        _lay_out(figure)


def _shorten(names: Sequence[str]) -> list[str]:
    """Leave out the parts that all names have, and break long names between their parts."""
    parts = [name.split(", ") for name in names]
    common = set.intersection(*map(set, parts)) if len(parts) > 1 else set[str]()
    own = [[part for part in name if part not in common] for name in parts]
    joined = [", ".join(name) for name in (own if all(own) else parts)]
    return [name.replace(", ", ",\n") if len(name) > _MAX_LINE else name for name in joined]


def _lay_out(figure: Figure) -> None:
    if engine := figure.get_layout_engine():
        engine.execute(figure)


def _find_places(figure: Figure, names: Sequence[Annotation]) -> bool:
    """Move each name to a free place; return False without enough room."""
    canvas, dpi, engine = figure.canvas, figure.dpi, figure.get_layout_engine()
    figure.set_layout_engine("none")
    figure.dpi = _DPI
    ink = _draw_ink(figure, names)
    names = sorted(names, key=lambda name: -_end(name)[1])
    free = [_free_places(name, ink) for name in names]
    placements = [placed for start in range(len(names)) if (placed := _place_from(start, free))]
    figure.dpi = dpi
    figure.set_canvas(canvas)
    figure.set_layout_engine(engine)
    if not placements:
        return False
    best = min(placements, key=lambda placed: sum(place.cost for place in placed.values()))
    for index, place in best.items():
        names[index].set_position(place.offset)
    return True


def _place_from(start: int, free: Sequence[Sequence[_Place]]) -> dict[int, _Place]:
    """Place one name, then the names above, then the names below; return nothing without enough room.

    Args:
        start: number of the first name.
        free: free places of each name, from the upper to the lower end, by rising cost.
    """
    placed: dict[int, _Place] = {}
    for index in (*range(start, -1, -1), *range(start + 1, len(free))):
        compatible = (
            place
            for place in free[index]
            if all(_keeps_order(*sorted([(index, place), other])) for other in placed.items())
        )
        if not (place := next(compatible, None)):
            return {}
        placed[index] = place
    return placed


def _draw_ink(figure: Figure, names: Sequence[Annotation]) -> np.ndarray:
    """Return the number of pixels above and left of each pixel that something other than a band is drawn on.

    Rows count from the bottom of the figure.
    """
    bands = [band for axes in figure.axes for band in axes.collections if isinstance(band, PolyCollection)]
    hidden = [artist for artist in (*names, *bands) if artist.get_visible()]
    for artist in hidden:
        artist.set_visible(False)
    canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
    canvas.draw()
    for artist in hidden:
        artist.set_visible(True)
    pixels = np.asarray(canvas.buffer_rgba())[::-1, :, :3].min(axis=-1) < 255 * _INK
    return np.pad(pixels.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A place of a name."""

    offset: tuple[float, float]
    """Distance of the name's left edge and middle from the end of the curve, in points."""
    box: Bbox
    """The name with its padding, in pixels."""
    end: float
    """Horizontal position of the end of the curve, in pixels."""
    cost: float
    """Distance from the end in points, and more where another curve lies between."""


def _end(name: Annotation) -> np.ndarray:
    """Return the end of the curve in pixels."""
    assert name.axes
    return np.asarray(name.axes.transData.transform(name.xy))


def _free_places(name: Annotation, ink: np.ndarray) -> list[_Place]:
    """Return the places of a name in which nothing is drawn, by rising cost."""
    end = _end(name)
    free = [
        replace(place, cost=place.cost + _BEHIND_A_LINE * _has_ink_between(end, place.box, ink))
        for place in _possible_places(name)
        if _is_free(place.box, ink)
    ]
    return sorted(free, key=lambda place: place.cost)


def _possible_places(name: Annotation) -> Iterator[_Place]:
    """Yield places on the right of the end of a curve, and above and below the end."""
    (x, y), pixel = _end(name), _DPI / _POINTS_PER_INCH
    extent = name.get_window_extent()
    width, height = extent.width / pixel, extent.height / pixel
    offsets = [
        (gap, sign * shift * height, gap / 4 + shift * height)
        for gap, shift, sign in product(_GAPS, _SHIFTS, (1, -1))
    ]
    offsets += [(-width, sign * (height / 2 + gap), width / 2 + gap) for gap, sign in product(_GAPS, (1, -1))]
    for right, up, cost in offsets:
        box = Bbox.from_bounds(x + pixel * right, y + pixel * (up - height / 2), extent.width, extent.height)
        yield _Place(offset=(right, up), box=box.padded(pixel * _PADDING), end=x, cost=cost)


def _is_free(box: Bbox, ink: np.ndarray) -> bool:
    """Return whether a box lies within the figure, and nothing is drawn in it."""
    x0, y0, x1, y1 = map(int, (np.floor(box.x0), np.floor(box.y0), np.ceil(box.x1), np.ceil(box.y1)))
    if x0 < 0 or y0 < 0 or y1 >= ink.shape[0] or x1 >= ink.shape[1]:
        return False
    return bool(ink[y1, x1] - ink[y0, x1] - ink[y1, x0] + ink[y0, x0] == 0)


def _has_ink_between(end: np.ndarray, box: Bbox, ink: np.ndarray) -> bool:
    """Return whether something is drawn between a name and the end of its curve, such as another curve."""
    nearest = np.clip(end, box.min, box.max)
    steps = np.arange(_END_RADIUS, np.hypot(*(nearest - end)))
    pixels = end + np.outer(steps, (nearest - end) / max(np.hypot(*(nearest - end)), 1.0))
    return not all(_is_free(Bbox.from_bounds(x, y, 0.5, 0.5), ink) for x, y in pixels)


def _keeps_order(upper: tuple[int, _Place], lower: tuple[int, _Place]) -> bool:
    """Return whether two names do not overlap, and of two ends side by side the upper has the upper name."""
    (_, first), (_, second) = upper, lower
    if first.box.overlaps(second.box):
        return False
    return abs(first.end - second.end) >= _NEIGHBOURS or first.box.y0 > second.box.y0

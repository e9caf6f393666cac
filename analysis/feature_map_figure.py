"""One network looked at: its first layer's filters, and what its convolutions make of an image, as small pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, UInt8
from matplotlib import style as matplotlib_style
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis import style
from analysis.formatting import format_count
from analysis.report_figure import ReportFigure

ACROSS = 8
"""Pictures in a line."""
MOST_FILTERS, MOST_MAPS = 64, 16
"""Of a group that are drawn."""
COLOURS = ("red", "green", "blue")
SIGNED = LinearSegmentedColormap.from_list("signed", [style.PALETTE[0], "#ffffff", style.PALETTE[1]])
"""Blue below 0, white at 0, orange above."""
PIXELS, FRAME, GAP = 64, 1, 6
"""Of a picture at least, of the line around it, and between two."""
MARGIN, HEAD, TITLE, SPACE = 0.12, 0.66, 0.2, 0.06
"""Inches: around a figure, of its head, of a group's title, and between two groups."""
PICTURE = (style.WIDTH - 2 * MARGIN) / ACROSS
OUTLIERS = 99.5
"""Percentile of the magnitudes that has full colour; what is beyond has too."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Pictures under one title."""

    title: str
    pictures: Float[np.ndarray, "n height width rgb"]
    """From 0 to 1."""

    @property
    def lines(self) -> int:
        return -(-len(self.pictures) // ACROSS)


def write_network_figures(
    *,
    network: Sequence[str],
    image: str,
    filters: Float[np.ndarray, "filters channels row col"],
    maps: dict[str, Float[np.ndarray, "maps height width"]],
    pixels: UInt8[np.ndarray, "side side C"],
    out: Path,
) -> tuple[Path, ...]:
    """Draw both, and write an .svg, a .png and a .csv of each.

    Args:
        network: what it is, and how it was trained; a line each.
        image: in words.
        filters: of the first layer; each with one channel where colours are convolved apart, those of the first colour first.
        maps: of each convolution by its name.
        pixels: of the image.
        out: a folder; made where it is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    apart = pixels.shape[2] if filters.shape[1] < pixels.shape[2] else 1
    with matplotlib_style.context(["default", style.STYLE, {"figure.constrained_layout.use": False}]):
        drawings = (
            draw_filters(filters, network=network, apart=apart),
            draw_feature_maps(maps, network=network, image=image, pixels=pixels, apart=apart),
        )
        return tuple(path for drawing in drawings for path in drawing.save(out))


def draw_filters(
    filters: Float[np.ndarray, "filters channels row col"], *, network: Sequence[str], apart: int
) -> ReportFigure:
    """The filters of a first layer, all on one scale.

    Args:
        filters: as in ``write_network_figures``.
        network: likewise.
        apart: colours that are convolved apart, each a group; 1 where filters see all of them.
    """
    channels, unit = filters.shape[1], _unit(filters)
    shades = np.moveaxis(np.clip(0.5 + filters / (2 * unit), 0, 1), 1, 3)
    pictures = shades[..., np.arange(3) % channels]
    scale = f"grey is 0, {'black and white' if channels == 1 else 'full colour'} at ±{unit:.2g}"
    groups, shown = [], []
    for colour, part in _parts(len(filters), apart):
        title = _title([colour] if colour else [], len(part), MOST_FILTERS, "filter")
        groups.append(Group(title=f"{title}, {scale}", pictures=pictures[part[:MOST_FILTERS]]))
        shown += part[:MOST_FILTERS]
    numbers = _numbers(filters[shown], ("filter", "channel", "row", "col"))
    size = f"{filters.shape[2]}x{filters.shape[3]}"
    return ReportFigure(
        name="filters",
        heading="Filters of the first layer",
        caption=f"Filters of the first layer, {size}, of {', '.join(network)}. All have one scale: {scale}.",
        figure=_figure(f"First-layer filters, {size}", network, groups),
        numbers=numbers.set_column(0, "filter", pa.array(np.array(shown)[numbers["filter"]])),
    )


def draw_feature_maps(
    maps: dict[str, Float[np.ndarray, "maps height width"]],
    *,
    network: Sequence[str],
    image: str,
    pixels: UInt8[np.ndarray, "side side C"],
    apart: int,
) -> ReportFigure:
    """The maps that each convolution makes of one image, before its activation; each convolution has a scale of its own.

    Args:
        maps, network, image, pixels: as in ``write_network_figures``.
        apart: colours that the first convolution takes apart, each a group; 1 where it sees all of them.
    """
    shade = pixels[..., np.arange(3) % pixels.shape[2]] / 255
    groups, numbers = [Group(title=image, pictures=shade[None])], []
    for nth, (name, values) in enumerate(maps.items()):
        unit, side = _unit(values), values.shape[1]
        for colour, part in _parts(len(values), apart if nth == 0 else 1):
            title = _title([name, colour] if colour else [name], len(part), MOST_MAPS, "map")
            shown = values[part[:MOST_MAPS]]
            pictures = SIGNED(0.5 + shown / (2 * unit))[..., :3]
            groups.append(
                Group(title=f"{title}, {side}x{side}, full colour at ±{unit:.2g}", pictures=pictures)
            )
            mine = _numbers(shown, ("map", "row", "col"))
            mine = mine.set_column(0, "map", pa.array(np.array(part)[mine["map"]]))
            numbers.append(mine.add_column(0, "layer", pa.array([name] * len(mine))))
    return ReportFigure(
        name="maps",
        heading="Feature maps of one image",
        caption=(
            f"What each convolution of {', '.join(network)} makes of {image}: with biases and batch norm, before activation and pooling. "
            "Blue is below 0, white is 0, orange above."
        ),
        figure=_figure("Feature maps: blue below 0, orange above", network, groups),
        numbers=pa.concat_tables(numbers),
    )


def _parts(n: int, apart: int) -> list[tuple[str, list[int]]]:
    """Which of n belong to which colour; those of the first come first."""
    each = n // apart
    names = (
        [""]
        if apart == 1
        else COLOURS
        if apart == len(COLOURS)
        else [f"channel {c + 1}" for c in range(apart)]
    )
    return [(name, list(range(c * each, (c + 1) * each))) for c, name in enumerate(names)]


def _unit(values: NDArray[np.floating]) -> float:
    """What has full colour."""
    return float(np.percentile(np.abs(values), OUTLIERS)) or 1.0


def _title(names: Sequence[str], n: int, most: int, thing: str) -> str:
    """``conv1: 16 of 64 maps``."""
    of = f"{most} of " if n > most else ""
    return f"{', '.join(names)}{': ' if names else ''}{of}{format_count(n, thing)}"


def _figure(title: str, network: Sequence[str], groups: Sequence[Group]) -> Figure:
    """Groups below each other, every picture of the same size."""
    height = HEAD + sum(TITLE + group.lines * PICTURE + SPACE for group in groups) + MARGIN
    figure = Figure(figsize=(style.WIDTH, height))
    figure.text(MARGIN / style.WIDTH, 1 - MARGIN / height, title, fontsize=9, weight="bold", va="top")
    figure.text(
        MARGIN / style.WIDTH, 1 - (MARGIN + 0.17) / height, "\n".join(network), fontsize=7.5, va="top"
    )
    top = height - HEAD
    for group in groups:
        figure.text(MARGIN / style.WIDTH, (top - 0.03) / height, group.title, fontsize=7.5, va="top")
        mosaic = _mosaic(group.pictures)
        wide, high = min(ACROSS, len(group.pictures)) * PICTURE, group.lines * PICTURE
        top -= TITLE + high
        axes = figure.add_axes((MARGIN / style.WIDTH, top / height, wide / style.WIDTH, high / height))
        axes.imshow(mosaic, interpolation="nearest", aspect="auto")
        axes.set_axis_off()
        top -= SPACE
    return figure


def _mosaic(pictures: Float[np.ndarray, "n height width rgb"]) -> Float[np.ndarray, "down across rgb"]:
    """Side by side, each with a thin line around it; what is left of the last line is white."""
    n, height = pictures.shape[:2]
    large = pictures.repeat(-(-PIXELS // height), axis=1).repeat(-(-PIXELS // height), axis=2)
    framed = np.pad(large, ((0, 0), (FRAME, FRAME), (FRAME, FRAME), (0, 0)), constant_values=0.7)
    gap = round(GAP * large.shape[1] / PIXELS)
    tiles = np.pad(framed, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=1.0)
    across = min(ACROSS, n)
    tiles = np.concatenate([tiles, np.ones((-n % across, *tiles.shape[1:]))])
    return np.concatenate(
        [np.concatenate(list(line), axis=1) for line in tiles.reshape(-1, across, *tiles.shape[1:])]
    )


def _numbers(values: NDArray[np.floating], axes: Sequence[str]) -> pa.Table:
    """One row a value, with its place along each axis."""
    places = np.indices(values.shape).reshape(len(axes), -1)
    return pa.table(dict(zip(axes, places, strict=True)) | {"value": values.ravel()})

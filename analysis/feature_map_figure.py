"""Figures of one stored network: the filters of its first layer, and its feature maps of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, UInt8
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis import style
from analysis.figure_options import WIDTH
from analysis.formatting import format_count
from analysis.report_figure import ReportFigure

PICTURES_PER_LINE = 8
MAX_FILTERS = 64
"""Largest number of filters of a group that are drawn."""
MAX_MAPS = 16
"""Largest number of feature maps of a group that are drawn."""

_COLOUR_NAMES = ("red", "green", "blue")
_SIGNED_COLORMAP = LinearSegmentedColormap.from_list(
    "signed", [style.PALETTE[0], "#ffffff", style.PALETTE[1]]
)
"""Blue below 0, white at 0, orange above 0."""
_MIN_PIXELS, _FRAME_PIXELS, _GAP_PIXELS = 64, 1, 6
"""Smallest size of a picture, width of the line around it, and gap between two pictures."""
_MARGIN, _HEAD, _TITLE, _SPACE = 0.12, 0.66, 0.2, 0.06
"""Inches: around a figure, of its head, of a group's title, and between two groups."""
_PICTURE = (WIDTH - 2 * _MARGIN) / PICTURES_PER_LINE
"""Size of a picture in inches."""
_FULL_COLOUR_PERCENTILE = 99.5
"""Percentile of the magnitudes that has full colour; larger values are clipped to full colour."""


@dataclass(frozen=True, kw_only=True)
class PictureGroup:
    """Pictures below one title."""

    title: str
    pictures: Float[np.ndarray, "n height width rgb"]
    """Pictures in red, green and blue, from 0 to 1."""

    @property
    def lines(self) -> int:
        """Number of lines of pictures."""
        return -(-len(self.pictures) // PICTURES_PER_LINE)


def write_network_figures(
    *,
    network: Sequence[str],
    image: str,
    filters: Float[np.ndarray, "filters channels row col"],
    maps: dict[str, Float[np.ndarray, "maps height width"]],
    pixels: UInt8[np.ndarray, "side side C"],
    out: Path,
) -> tuple[Path, ...]:
    """Draw the filters and the feature maps, and write each figure as .svg, .png and .csv.

    Args:
        network: lines that describe the network and its training.
        image: description of the image.
        filters: filters of the first layer. If each filter convolves one colour, the filters of the first
            colour come first.
        maps: feature maps of each convolution, by the layer's name; without any, only filters are drawn.
        pixels: the image.
        out: a folder; it is created if needed.
    """
    out.mkdir(parents=True, exist_ok=True)
    colour_groups = pixels.shape[2] if filters.shape[1] < pixels.shape[2] else 1
    with style.figure_style(**{"figure.constrained_layout.use": False}):
        figures = [draw_filters(filters, network=network, colour_groups=colour_groups)]
        if maps:
            figures.append(
                draw_feature_maps(
                    maps, network=network, image=image, pixels=pixels, colour_groups=colour_groups
                )
            )
        return tuple(path for figure in figures for path in figure.save(out))


def draw_filters(
    filters: Float[np.ndarray, "filters channels row col"], *, network: Sequence[str], colour_groups: int
) -> ReportFigure:
    """Draw the filters of a first layer, all on one scale.

    Args:
        filters: filters of the first layer, as in ``write_network_figures``.
        network: lines that describe the network and its training.
        colour_groups: number of colours that have filters of their own; 1 if each filter sees all colours.
    """
    channels, full_colour = filters.shape[1], _full_colour(filters)
    shades = np.moveaxis(np.clip(0.5 + filters / (2 * full_colour), 0, 1), 1, 3)
    pictures = shades[..., np.arange(3) % channels]
    scale = f"grey is 0, {'black and white' if channels == 1 else 'full colour'} at ±{full_colour:.2g}"
    groups, shown_indices = [], []
    for colour, indices in _split_by_colour(len(filters), colour_groups):
        title = _group_title([colour] if colour else [], len(indices), max_drawn=MAX_FILTERS, noun="filter")
        groups.append(PictureGroup(title=f"{title}, {scale}", pictures=pictures[indices[:MAX_FILTERS]]))
        shown_indices += indices[:MAX_FILTERS]
    numbers = _numbers(filters[shown_indices], ("filter", "channel", "row", "col"))
    size = f"{filters.shape[2]}x{filters.shape[3]}"
    return ReportFigure(
        name="filters",
        heading="Filters of the first layer",
        caption=f"Filters of the first layer, {size}, of {', '.join(network)}. All have one scale: {scale}.",
        figure=_compose(f"First-layer filters, {size}", network, groups=groups),
        numbers=numbers.set_column(0, "filter", pa.array(np.array(shown_indices)[numbers["filter"]])),
    )


def draw_feature_maps(
    maps: dict[str, Float[np.ndarray, "maps height width"]],
    *,
    network: Sequence[str],
    image: str,
    pixels: UInt8[np.ndarray, "side side C"],
    colour_groups: int,
) -> ReportFigure:
    """Draw the feature maps of one image before activation; each convolution has its own scale.

    Args:
        maps, network, image, pixels: as in ``write_network_figures``.
        colour_groups: number of colours that the first convolution processes separately; 1 if it mixes them.
    """
    image_picture = pixels[..., np.arange(3) % pixels.shape[2]] / 255
    groups, numbers = [PictureGroup(title=image, pictures=image_picture[None])], []
    for position, (layer, values) in enumerate(maps.items()):
        full_colour, side = _full_colour(values), values.shape[1]
        for colour, indices in _split_by_colour(len(values), colour_groups if position == 0 else 1):
            title = _group_title(
                [layer, colour] if colour else [layer], len(indices), max_drawn=MAX_MAPS, noun="map"
            )
            shown_maps = values[indices[:MAX_MAPS]]
            pictures = _SIGNED_COLORMAP(0.5 + shown_maps / (2 * full_colour))[..., :3]
            scale = f"{side}x{side}, full colour at ±{full_colour:.2g}"
            groups.append(PictureGroup(title=f"{title}, {scale}", pictures=pictures))
            table = _numbers(shown_maps, ("map", "row", "col"))
            table = table.set_column(0, "map", pa.array(np.array(indices)[table["map"]]))
            numbers.append(table.add_column(0, "layer", pa.array([layer] * len(table))))
    return ReportFigure(
        name="maps",
        heading="Feature maps of one image",
        caption=(
            f"Output of each convolution of {', '.join(network)}, for {image}. Biases and batch norm are"
            " included; activation and pooling are not. Blue is below 0, white is 0, orange is above 0."
        ),
        figure=_compose("Feature maps: blue below 0, orange above", network, groups=groups),
        numbers=pa.concat_tables(numbers),
    )


def _split_by_colour(n: int, colour_groups: int) -> list[tuple[str, list[int]]]:
    """Split n indices into a part for each colour; the indices of the first colour come first."""
    size = n // colour_groups
    names: Sequence[str] = [f"channel {index + 1}" for index in range(colour_groups)]
    if colour_groups == 1:
        names = [""]
    elif colour_groups == len(_COLOUR_NAMES):
        names = _COLOUR_NAMES
    return [(name, list(range(index * size, (index + 1) * size))) for index, name in enumerate(names)]


def _full_colour(values: NDArray[np.floating]) -> float:
    """Return the magnitude that has full colour."""
    return float(np.percentile(np.abs(values), _FULL_COLOUR_PERCENTILE)) or 1.0


def _group_title(names: Sequence[str], n: int, *, max_drawn: int, noun: str) -> str:
    """Return ``conv1: 16 of 64 maps``."""
    prefix = f"{', '.join(names)}: " if names else ""
    return f"{prefix}{f'{max_drawn} of ' if n > max_drawn else ''}{format_count(n, noun)}"


def _compose(title: str, network: Sequence[str], *, groups: Sequence[PictureGroup]) -> Figure:
    """Place the groups below each other, with all pictures of the same size."""
    height = _HEAD + sum(_TITLE + group.lines * _PICTURE + _SPACE for group in groups) + _MARGIN
    figure, left = Figure(figsize=(WIDTH, height)), _MARGIN / WIDTH
    figure.text(left, 1 - _MARGIN / height, title, fontsize=9, weight="bold", va="top")
    figure.text(left, 1 - (_MARGIN + 0.17) / height, "\n".join(network), fontsize=7.5, va="top")
    top = height - _HEAD
    for group in groups:
        figure.text(left, (top - 0.03) / height, group.title, fontsize=7.5, va="top")
        group_width = min(PICTURES_PER_LINE, len(group.pictures)) * _PICTURE
        group_height = group.lines * _PICTURE
        top -= _TITLE + group_height
        axes = figure.add_axes((left, top / height, group_width / WIDTH, group_height / height))
        axes.imshow(_mosaic(group.pictures), interpolation="nearest", aspect="auto")
        axes.set_axis_off()
        top -= _SPACE
    return figure


def _mosaic(pictures: Float[np.ndarray, "n height width rgb"]) -> Float[np.ndarray, "down across rgb"]:
    """Return the pictures side by side, each in a thin frame; the end of the last line is white."""
    n, height = pictures.shape[:2]
    zoom = -(-_MIN_PIXELS // height)
    large = pictures.repeat(zoom, axis=1).repeat(zoom, axis=2)
    frame = (_FRAME_PIXELS, _FRAME_PIXELS)
    framed = np.pad(large, ((0, 0), frame, frame, (0, 0)), constant_values=0.7)
    gap = round(_GAP_PIXELS * large.shape[1] / _MIN_PIXELS)
    tiles = np.pad(framed, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=1.0)
    per_line = min(PICTURES_PER_LINE, n)
    tiles = np.concatenate([tiles, np.ones((-n % per_line, *tiles.shape[1:]))])
    lines = tiles.reshape(-1, per_line, *tiles.shape[1:])
    return np.concatenate([np.concatenate(list(line), axis=1) for line in lines])


def _numbers(values: NDArray[np.floating], axes: Sequence[str]) -> pa.Table:
    """Return one row for each value, with its index along each axis."""
    indices = np.indices(values.shape).reshape(len(axes), -1)
    return pa.table(dict(zip(axes, indices, strict=True)) | {"value": values.ravel()})

"""Test images that most runs misclassify, as a contact sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from jaxtyping import Int64, UInt8
from matplotlib.figure import Figure

from analysis import style
from analysis.formatting import format_count
from analysis.report_figure import ReportFigure

MAX_IMAGES = 48
"""Largest number of images on a contact sheet."""

_PER_LINE = 8
"""Number of images side by side in a page."""
_PICTURE_PIXELS, _GAP_PIXELS, _TEXT_PIXELS, _LINE_PIXELS = 64, 6, 34, 12
"""Size of a picture, gap between two pictures, height of the text below a picture, and of a line more, in
canvas pixels."""
_MARGIN, _TITLE = 0.12, 0.22
"""Inches: around the figure, and of its title."""
_TITLE_LINES = "Missed by most runs:\nclass \N{RIGHTWARDS ARROW} answer, share of runs"
"""Title of a narrow figure; in a page it is one line."""
_MAX_NAME = 9
"""Largest number of characters of a label's name below an image."""


@dataclass(frozen=True, kw_only=True)
class MissedImage:
    """A test image that more than half of the runs misclassify."""

    index: int
    """Position in the test split in canonical order, from 0: the order of stored predictions."""
    label: int
    """Class of the image, as the data set's file labels it."""
    wrong_label: int
    """Wrong class that most runs give; if several have equally many runs, the smallest."""
    runs_wrong: int
    """Number of runs that give any wrong class."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MissedImages:
    """All test images that more than half of the runs misclassify."""

    images: tuple[MissedImage, ...]
    """The images; those that the most runs miss come first, and among equal ones the first of the split."""
    pixels: UInt8[np.ndarray, "n side side C"]
    """The first ``MAX_IMAGES`` of the images."""
    runs: int
    """Number of runs with predictions."""
    runs_without: int
    """Number of runs without predictions, which are left out."""
    test_images: int
    dataset_title: str
    label_names: Mapping[int, str] = field(default_factory=dict)
    """Names of the labels; empty if the data set gives none."""


def find_missed_images(
    votes: Int64[np.ndarray, "images classes"], labels: UInt8[np.ndarray, " images"]
) -> tuple[MissedImage, ...]:
    """Return the images that more than half of the runs misclassify, in the order of ``MissedImages``.

    Args:
        votes: number of runs that give each class for each image; each run gives one class.
        labels: classes of the images.
    """
    everyone = np.arange(len(labels))
    wrong_votes = votes.copy()
    wrong_votes[everyone, labels] = 0
    runs_wrong = wrong_votes.sum(axis=1)
    missed = np.flatnonzero(2 * runs_wrong > votes.sum(axis=1))
    return tuple(
        MissedImage(
            index=int(index),
            label=int(labels[index]),
            wrong_label=int(wrong_votes[index].argmax()),
            runs_wrong=int(runs_wrong[index]),
        )
        for index in missed[np.argsort(-runs_wrong[missed], kind="stable")]
    )


def draw_missed_images(missed: MissedImages) -> ReportFigure | None:
    """Draw the images, each with its class, the most frequent wrong class and the share of runs that miss it.

    Returns:
        The contact sheet; None if there is no such image.
    """
    if not missed.images:
        return None
    shown = missed.images[: len(missed.pixels)]
    return ReportFigure(
        name="missed_images",
        heading="Test images that most runs miss",
        caption=_caption(missed),
        figure=_draw_sheet(shown, missed),
        alt=(
            f"{format_count(len(shown), 'test image')}, each with its class, the most frequent wrong class"
            " and the share of runs that miss the image. The CSV file has the same numbers."
        ),
        numbers=pa.Table.from_pylist(
            [
                {
                    "image": image.index,
                    "label": image.label,
                    "wrong_label": image.wrong_label,
                    "runs_wrong": image.runs_wrong,
                    "runs": missed.runs,
                    "share": image.runs_wrong / missed.runs,
                }
                for image in missed.images
            ]
        ),
    )


def describe_missed_images(missed: MissedImages | str | None) -> list[str]:
    """Return a sentence if there is no contact sheet: what is missing, or that no image is missed often."""
    if missed is None:
        return []
    if isinstance(missed, str):
        return [missed]
    if missed.images:
        return []
    return [
        f"No contact sheet of missed test images: none of the {missed.test_images:,} test images is missed by"
        f" more than half of {format_count(missed.runs, 'run')}."
    ]


def _caption(missed: MissedImages) -> str:
    images, shown = len(missed.images), len(missed.pixels)
    always = sum(image.runs_wrong == missed.runs for image in missed.images)
    which = f" The {shown} that the most runs miss are shown." if shown < images else ""
    left_out = (
        f" {format_count(missed.runs_without, 'run')} without stored predictions left out."
        if missed.runs_without
        else ""
    )
    return (
        f"{images:,} of the {missed.test_images:,} test images of {missed.dataset_title} are missed by more"
        f" than half of {format_count(missed.runs, 'run')} of this study, and {always:,} by every run.{which}"
        " Below each image: its class, the wrong class that most runs give, and the share of the runs that"
        f" give any wrong class.{left_out}"
    )


def _draw_sheet(images: tuple[MissedImage, ...], missed: MissedImages) -> Figure:
    width, scale = style.width(), style.letter_scale()
    per_line = max(1, round(_PER_LINE * style.width_scale() / scale))
    columns, lines = min(per_line, len(images)), -(-len(images) // per_line)
    text_pixels = _TEXT_PIXELS + (_LINE_PIXELS if missed.label_names else 0)
    across, down = _PICTURE_PIXELS + _GAP_PIXELS, _PICTURE_PIXELS + text_pixels
    inches = (width - 2 * _MARGIN) / (per_line * across)
    title = _TITLE_LINES if style.width_scale() < 1 else _TITLE_LINES.replace("\n", " ")
    height = _MARGIN + _TITLE * (1 + title.count("\n")) + lines * down * inches
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("none")
    figure.text(_MARGIN / width, 1 - _MARGIN / height, title, fontsize=9 * scale, weight="bold", va="top")
    size = (columns * across * inches / width, lines * down * inches / height)
    axes = figure.add_axes((_MARGIN / width, 0, *size))
    axes.set(xlim=(0, columns * across), ylim=(lines * down, 0), aspect="auto")
    axes.set_axis_off()
    for position, (image, picture) in enumerate(zip(images, missed.pixels, strict=True)):
        line, column = divmod(position, per_line)
        left, top = column * across, line * down
        axes.imshow(
            picture[..., np.arange(3) % picture.shape[2]],
            extent=(left, left + _PICTURE_PIXELS, top + _PICTURE_PIXELS, top),
            interpolation="none",
            aspect="auto",
        )
        text = f"{_labels_text(image, missed)}\n{_share(image, missed.runs)}"
        axes.text(left, top + _PICTURE_PIXELS + 3, text, fontsize=6, va="top", linespacing=1.0)
    axes.set(xlim=(0, columns * across), ylim=(lines * down, 0))
    return figure


def _labels_text(image: MissedImage, missed: MissedImages) -> str:
    """Return the class and the answer; names of classes are cut, and stand on a line each."""
    arrow = "\N{RIGHTWARDS ARROW}"
    if not missed.label_names:
        return f"{image.label} {arrow} {image.wrong_label}"
    right, wrong = (_short_name(missed, label) for label in (image.label, image.wrong_label))
    return f"{right}\n{arrow} {wrong}"


def _short_name(missed: MissedImages, label: int) -> str:
    """Return the beginning of a name, without a sign that starts a formula or that the font may lack."""
    name = "".join(sign for sign in missed.label_names[label] if " " <= sign <= "~" and sign != "$")
    return name.strip()[:_MAX_NAME] or str(label)


def _share(image: MissedImage, runs: int) -> str:
    return f"{100 * image.runs_wrong / runs:.3g} %"

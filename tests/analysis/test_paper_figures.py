"""Figures for a paper: their looks, the text in their files, and what their files do not depend on."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.text import Text

from analysis.figure_options import FigureOptions
from analysis.style import figure_style
from tests.analysis.paper_figures import (
    BASELINES,
    OPTIONS,
    distance,
    draw,
    paper_style,
    planted_runs,
    read_picture,
)

TOLERANCE = 0.06
"""Largest distance to a baseline."""
VISIBLE = 0.1
"""Least distance of a figure from which something is missing."""
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def runs():
    return planted_runs()


@pytest.fixture(scope="module", params=OPTIONS)
def figure(request, runs):
    """Return the name of a figure, and the figure."""
    with paper_style(request.param):
        yield request.param, draw(request.param, runs)


def picture(drawn, name, folder):
    with paper_style(name):
        return read_picture(drawn.save(folder, OPTIONS[name])[0])


def test_a_figure_looks_like_its_baseline(figure, tmp_path):
    name, drawn = figure
    assert distance(picture(drawn, name, tmp_path), read_picture(BASELINES / f"{name}.png")) < TOLERANCE


def _remove(drawn, part: str) -> None:
    (axes,) = drawn.figure.axes
    dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
    markers = [line for line in axes.lines if line.get_marker() not in ("None", None)]
    bands = [band for band in axes.collections if len(band.get_offsets()) <= 1]
    artists = {"dashes": dashed, "markers": markers, "bands": bands, "legend": drawn.figure.legends}[part]
    assert artists
    for artist in artists:
        artist.set_visible(False)


@pytest.mark.parametrize("part", ["dashes", "markers", "bands", "legend"])
def test_a_figure_without_a_part_does_not_look_like_its_baseline(runs, part, tmp_path):
    """The comparison cannot pass by accident."""
    name = "against_macs"
    with paper_style(name):
        drawn = draw(name, runs)
    _remove(drawn, part)
    assert distance(picture(drawn, name, tmp_path), read_picture(BASELINES / f"{name}.png")) > VISIBLE


def visible_texts(drawn) -> list[Text]:
    return [text for text in drawn.figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def test_no_text_leaves_a_narrow_figure_and_no_labels_of_an_axis_overlap(figure, tmp_path):
    name, drawn = figure
    picture(drawn, name, tmp_path)  # lays out the figure
    with paper_style(name):
        drawn.figure.draw_without_rendering()
        inside = drawn.figure.bbox.padded(1)
        for text in visible_texts(drawn):
            box = text.get_window_extent()
            assert inside.x0 <= box.x0 <= box.x1 <= inside.x1, text
            assert inside.y0 <= box.y0 <= box.y1 <= inside.y1, text
        for axis in (drawn.figure.axes[0].xaxis, drawn.figure.axes[0].yaxis):
            labels = [label.get_window_extent() for label in axis.get_ticklabels() if label.get_text()]
            assert len(labels) >= 3
            assert not any(first.overlaps(second) for first, second in combinations(labels, 2))


def test_letters_of_svg_and_pdf_files_are_text(figure, tmp_path):
    name, drawn = figure
    options = FigureOptions(formats=("svg", "pdf"), width=3.25, font=OPTIONS[name].font)
    with figure_style(options):
        svg, pdf, _ = drawn.save(tmp_path, options)
        outlines = ElementTree.fromstring(drawn.svg_with_outlines())
    root = ElementTree.parse(svg).getroot()
    assert root.attrib["width"] == f"{3.25 * 72:g}pt"
    written = {"".join(text.itertext()): text.get("style", "") for text in root.iter(f"{SVG}text")}
    assert f"'{options.font or 'DejaVu Sans'}'" in written["Test error"]
    assert not list(outlines.iter(f"{SVG}text"))
    content = pdf.read_bytes()
    (box,) = re.findall(rb"/MediaBox \[ 0 0 ([0-9.]+) [0-9.]+ \]", content)
    assert float(box) == pytest.approx(3.25 * 72)
    # TrueType fonts are embedded; Type 3 fonts, which many publishers refuse, are absent.
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    named = set(re.findall(rb"/BaseFont /(?:[A-Z]{6}\+)?([A-Za-z]+)", content))
    assert (options.font or "DejaVu Sans").replace(" ", "").encode() in named


def test_equal_figures_give_equal_files(runs, tmp_path):
    options = FigureOptions(formats=("pdf", "svg", "png"), width=3.25, font="DejaVu Serif")
    contents = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        with figure_style(options):
            files = draw("error_against_filters", runs).save(tmp_path / name, options)
        contents.append([path.read_bytes() for path in files])
    assert contents[0] == contents[1]


def test_numbers_of_a_figure_have_the_floor_of_its_law_with_limits(figure):
    _, drawn = figure
    rows = [row for row in drawn.numbers.to_pylist() if row.get("E") is not None]
    has_floor = "floor" in drawn.numbers.column_names or "floor" in drawn.numbers["form"].to_pylist()
    assert bool(rows) == has_floor
    assert all(row["E_low"] <= row["E"] <= row["E_high"] for row in rows)


def test_a_long_label_of_a_curve_is_broken_and_makes_the_figure_higher(runs):
    def height(label: str) -> tuple[float, str]:
        options = FigureOptions(width=3.25)
        with figure_style(options):
            drawn = draw("error_against_filters", runs)
            text = drawn.figure.legends[0].get_texts()[0]
            text.set_text(label)
            drawn.svg_with_outlines()
            assert drawn.figure.legends[0].get_window_extent().width <= drawn.figure.bbox.width
            return drawn.figure.get_figheight(), text.get_text()

    short, long = (
        height("tree3"),
        height("tree3, branches 16, rows 2, recipe.optimizer.type sgd, 0.5 [0.25, 1], 8 runs"),
    )
    assert short[1] == "tree3"
    assert long[0] > short[0]
    assert "[0.25, 1]" in long[1]  # no interval is broken
    assert np.all([len(line) < 60 for line in long[1].split("\n")])

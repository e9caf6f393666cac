"""Marks of the figures on a page: their texts, and the picture without scripts."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from analysis.comparison import compare_curves
from analysis.comparison_page import write_comparison
from analysis.html_page import PageContext
from analysis.report import write_report
from scaling.config import Recipe
from tests.analysis.planted_study import lenets, plant_study

RUN_TITLE = re.compile(r"(\w+), (\d+) filters?, seed (\d+): ([\d.]+) %, run (\w+)")
MEAN_TITLE = re.compile(r"(\w+), (\d+) filters?: mean ([\d.]+) \[.*\] % of (\d+) runs")


def figures(page: str) -> dict[str, ElementTree.Element]:
    """Return the SVG elements of a page as they are without scripts, by the id of the figure."""
    found = re.findall(r'<figure[^>]* id="(\w+)">.*?(<svg.*?</svg>)', page, flags=re.DOTALL)
    return {name: ElementTree.fromstring(svg) for name, svg in found}


def titles(figure: ElementTree.Element) -> list[str]:
    return [title.text for title in figure.iter("title")]


@pytest.fixture(scope="module")
def page(report):
    return report.path.read_text()


@pytest.fixture(scope="module")
def compared(study, tmp_path_factory):
    runs, epochs = study
    flops = runs["macs"].cast("float64")
    runs = runs.append_column("training_flops", flops).append_column("core_s", flops)
    comparison = compare_curves(runs, epochs)
    out = tmp_path_factory.mktemp("comparison")
    return write_comparison(comparison, out, context=PageContext(study="planted")).path.read_text()


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("page", [f"error_against_{axis}" for axis in ("filters", "parameters", "macs")]),
        ("compared", [f"against_{axis}" for axis in ("filters", "filters_total", "parameters", "core_s")]),
    ],
)
def test_the_title_of_each_point_equals_the_row_of_its_run(study, source, names, request):
    rows = {row["id"]: row for row in study[0].to_pylist()}
    drawn = figures(request.getfixturevalue(source))
    for name in names:
        points = [match for title in titles(drawn[name]) if (match := RUN_TITLE.fullmatch(title))]
        assert sorted(point[5] for point in points) == sorted(rows)
        for architecture, filters, seed, error, run in map(re.Match.groups, points):
            row = rows[run]
            assert (architecture, int(filters), int(seed)) == (
                row["architecture"],
                row["filters"],
                row["seed"],
            )
            assert float(error) == pytest.approx(100 * row["test_error"], abs=0.005)


def test_points_lie_at_their_errors(study, page):
    """Vertical positions on a logarithmic axis are an affine function of the log of the error."""
    errors = {row["id"]: row["test_error"] for row in study[0].to_pylist()}
    points = [
        (float(use.get("y")), errors[use.find("title").text.rpartition(" ")[2]])
        for use in figures(page)["error_against_filters"].iter("use")
        if use.find("title") is not None and "run " in use.find("title").text
    ]
    assert len(points) == len(errors)
    heights, logs = np.array([y for y, _ in points]), np.log([error for _, error in points])
    slope, offset = np.polyfit(logs, heights, 1)
    assert slope < 0
    np.testing.assert_allclose(heights, slope * logs + offset, atol=0.02)


def test_titles_of_means_count_their_runs(study, page):
    means = [
        match
        for title in titles(figures(page)["error_against_filters"])
        if (match := MEAN_TITLE.fullmatch(title))
    ]
    assert len(means) == 14
    for architecture, filters, mean, runs in map(re.Match.groups, means):
        errors = [
            row["test_error"]
            for row in study[0].to_pylist()
            if (row["architecture"], row["filters"]) == (architecture, int(filters))
        ]
        assert int(runs) == len(errors)
        assert float(mean) == pytest.approx(100 * sum(errors) / len(errors), abs=0.05)


@pytest.mark.parametrize("source", ["page", "compared"])
def test_every_figure_is_a_picture_with_a_text_where_scripts_are_off(source, request):
    text = request.getfixturevalue(source)
    without_script = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    drawn = figures(without_script)
    assert drawn.keys() == set(re.findall(r'<figure[^>]* id="(\w+)">', text))
    for name, figure in drawn.items():
        heading = re.search(rf'id="{name}">\s*<h[23]>(.*?)</h', text)[1]
        assert figure.get("role") == "img"
        assert len(figure.get("aria-label")) > len(heading)
        assert len([*figure.iter("path")]) > 5


@pytest.mark.parametrize("source", ["page", "compared"])
def test_every_reference_inside_a_page_is_defined_once(source, request):
    text = request.getfixturevalue(source)
    ids = re.findall(r' id="(s\d+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)(s\d+)', text)) == set(ids)


def test_a_figure_of_many_runs_has_no_texts_of_points(tmp_path):
    runs, epochs = plant_study(lenets((1, 2)), seeds=1001, recipe=Recipe(epochs=1))
    report = write_report(runs=runs, epochs=epochs[:0], out=tmp_path, context=PageContext(study="many"))
    figure = figures(report.path.read_text())["error_against_filters"]
    assert len(titles(figure)) == 2
    assert [image.get("href")[:15] for image in figure.iter("image")] == ["data:image/webp"]


def test_names_of_hidden_curves_are_those_of_the_study(page):
    figure = figures(page)["error_against_filters"]
    named = {
        entry.get("data-name"): entry.get("data-legend")
        for entry in figure.iter("g")
        if entry.get("data-name")
    }
    assert named == {"lenet5": "0", "tree3": "1"}
    curves = [group.get("data-curve") for group in figure.iter("g") if group.get("data-curve")]
    assert {curve: curves.count(curve) > 3 for curve in curves} == {"0": True, "1": True}


def test_the_page_chooses_the_colour_behind_its_figures(page):
    for figure in figures(page).values():
        assert not [shape for shape in figure.iter() if shape.get("style") == "fill:#ffffff"]

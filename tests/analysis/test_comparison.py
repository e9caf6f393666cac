"""Comparison of curves, on planted studies."""

from __future__ import annotations

import csv
from math import inf
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from matplotlib.collections import PathCollection
from rich.console import Console

from analysis.answers import answer_questions
from analysis.comparison import compare_curves
from analysis.comparison_page import WrittenComparison, write_comparison
from analysis.comparison_text import equal_error_tables, render_comparison
from analysis.figure_axes import COMPARISON_AXES, COST_AXES, EQUAL_ERROR_AXES, TRAINING_FLOPS_AXIS
from analysis.html_page import PageContext
from analysis.laws_text import render_sizes_for_error
from analysis.style import figure_style
from scaling.architectures import Lenet5
from scaling.fit import compare_sizes, fit_table, preferred_law
from tests.analysis.parsed_page import ParsedPage
from tests.analysis.planted_study import WIDTHS, add_costs, lenets, plant_study, trees


def crossing_error(network, epoch: int) -> float:
    """Return errors whose laws cross at 7.6 filters, where 0.3 / 0.2 = x^(0.4 - 0.2)."""
    final = 0.3 * network.filters**-0.4 if isinstance(network, Lenet5) else 0.2 * network.filters**-0.2
    return final * (1 + 1 / epoch**2)


def write(study: tuple[pa.Table, pa.Table], out: Path, **options: Any) -> WrittenComparison:
    context = PageContext(study="planted <study>", command="scaling compare x.yaml")
    return write_comparison(compare_curves(*study, **options), out, context=context)


@pytest.fixture(scope="module")
def study():
    return add_costs(plant_study([*lenets(), *trees()], error=crossing_error))


@pytest.fixture(scope="module")
def written(study, tmp_path_factory):
    return write(study, tmp_path_factory.mktemp("compare"), errors=[0.15])


def read_rows(written, name: str) -> list[dict[str, str]]:
    with (written.path.parent / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_axis_has_a_figure_with_its_numbers(written):
    assert [path.name for path in written.figures] == [
        f"against_{axis.column}.{suffix}" for axis in COMPARISON_AXES for suffix in ("svg", "png", "csv")
    ]
    assert all(path.stat().st_size for path in written.figures)
    for axis in COMPARISON_AXES:
        for row in read_rows(written, f"against_{axis.column}"):
            assert float(row["law_low"]) <= float(row["law"]) <= float(row["law_high"])
            assert int(row["runs"]) == 8


def test_sizes_at_equal_error_agree_with_the_fits(study, written):
    runs = study[0].append_column("group", study[0]["architecture"])
    lenet5, tree3 = fit_table(runs, x="macs", by=("group",))
    (sizes,) = [
        sizes for sizes in written.comparison.equal_errors if (sizes.x, sizes.error) == ("macs", 0.15)
    ]
    assert sizes.ratio.estimate == pytest.approx(
        compare_sizes(lenet5, tree3, error=0.15).ratio.estimate, rel=1e-6
    )
    for axis in EQUAL_ERROR_AXES:
        errors = [sizes.error for sizes in written.comparison.equal_errors if sizes.x == axis.column]
        assert errors[0] == 0.15
        assert 1 < len(errors) <= 3
    row = next(
        row for row in read_rows(written, "equal_error") if (row["x"], float(row["error"])) == ("macs", 0.15)
    )
    assert float(row["ratio_low"]) == sizes.ratio.low


def test_the_time_of_a_width_is_the_mean_over_its_runs(study, written):
    rows = read_rows(written, "against_core_s")
    for label in ("lenet5", "tree3"):
        times = [float(row["core_s"]) for row in rows if row["group"] == label]
        assert len(times) == len(set(times)) == 7
    runs = study[0].filter((pc.field("architecture") == "lenet5") & (pc.field("filters") == 4))
    mean = sum(runs["core_s"].to_pylist()) / 8
    times = [float(row["core_s"]) for row in rows if row["group"] == "lenet5"]
    assert any(time == pytest.approx(mean, rel=1e-12) for time in times)


def floored_error(network, epoch: int) -> float:
    """Return errors of laws with a floor; the widest mean of lenet5 lies below its law."""
    floor, amplitude = (0.05, 0.3) if isinstance(network, Lenet5) else (0.15, 0.4)
    dip = 0.96 if isinstance(network, Lenet5) and network.filters == max(WIDTHS) else 1
    return dip * (floor + amplitude * network.filters**-1.5)


def test_a_measured_error_below_its_law_is_not_called_unreached():
    comparison = compare_curves(*add_costs(plant_study([*lenets(), *trees()], error=floored_error)))
    fits = comparison.laws["macs"].fits
    lenet5 = fits[0]
    lowest = float(lenet5.points.means.min())
    law = preferred_law(lenet5)
    assert law is not None
    assert float(law.point.inverse(lowest)[0]) == inf
    (sizes,) = [sizes for sizes in comparison.equal_errors if (sizes.x, sizes.error) == ("macs", lowest)]
    assert (sizes.measured, sizes.extrapolated, sizes.ratio) == (("lenet5",), ("tree3",), None)
    (table,) = equal_error_tables(comparison)
    (row,) = [row for row in table.rows if row[2] == f"{100 * lowest:.3g} %"]
    assert row[6] == "the law of lenet5 lies above its mean; tree3 does not reach it"
    (question,) = [
        question
        for question in answer_questions(fits, {}, errors=(lowest,))
        if question.question.startswith("How many")
    ]
    assert [answer.verdict for answer in question.rows] == ["the law lies above a measured mean", ""]
    rendered = render_sizes_for_error(fits, (lowest,))
    assert [row[4] for row in rendered.rows if row[:2] == ("lenet5", law.form.formula)] == [
        "the law lies above a measured mean"
    ]


def test_laws_cross_where_planted(written):
    (crossing,) = [crossing for crossing in written.comparison.crossings if crossing.x == "filters"]
    assert crossing.within
    assert crossing.size.low <= 1.5**5 <= crossing.size.high
    assert read_rows(written, "crossings")[0]["x"] == "filters"


def test_every_cost_has_a_pareto_front_and_best_curves(written):
    comparison = written.comparison
    for axis in COST_AXES:
        points = comparison.pareto_fronts[axis.column]
        assert len(points) == 14
        assert {point.label for point in points if point.on_front} <= {"lenet5", "tree3"}
        assert comparison.best_at_budgets[axis.column]
    assert {row["cost"] for row in read_rows(written, "best_at_budget")} == {
        axis.column for axis in COST_AXES
    }
    assert len(read_rows(written, "pareto_front")) == 14 * len(COST_AXES)


def test_the_text_compares_sizes_and_budgets(written):
    console = Console(width=220, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(render_comparison(written.comparison))
    text = capture.get()
    for phrase in (
        "lenet5: law along filters: A x^-rho",
        "mean error over seeds, on this test set, 56 runs",
        "Size of the first curve divided by that of the second, at equal error",
        "15 %",
        "Lowest error within a budget of multiply-adds",
        "Laws of two curves along filters",
    ):
        assert phrase in text


def test_the_page_contains_its_tables_and_figures(written):
    source = written.path.read_text()
    page = ParsedPage(source)
    assert "Laws of two curves along filters" in page.text
    assert "Lowest error within a budget of training time" in page.text
    assert source.count("<svg") == len(COMPARISON_AXES)
    assert "planted <study>: comparison of curves" in page.text


def test_a_curve_without_a_law_is_drawn_and_explained(tmp_path):
    """One width has no law; the figures show its runs, and a note gives the reason."""
    study = add_costs(plant_study([*lenets((1, 2, 4)), *trees((4,))], seeds=4, error=crossing_error))
    comparison = compare_curves(*study)
    assert comparison.equal_errors == ()
    assert comparison.crossings == ()
    assert any("tree3 has no law" in note for note in comparison.notes)
    assert {point.label for point in comparison.pareto_fronts["macs"]} == {"lenet5"}
    with figure_style():
        figures = comparison.draw_figures()
        assert all(path.stat().st_size for path in figures[-1].save(tmp_path))
    assert [figure.name for figure in figures] == [f"against_{axis.column}" for axis in COMPARISON_AXES]
    for figure in figures:
        (axes,) = figure.figure.axes
        assert [len(runs.get_offsets()) for runs in axes.collections if isinstance(runs, PathCollection)] == [
            3 * 4,
            4,
        ]


def test_networks_of_one_width_are_drawn_along_their_costs_without_a_law():
    comparison = compare_curves(*add_costs(plant_study([*lenets((4,)), *trees((2,))], seeds=2)))
    assert comparison.notes == ("No curve has several widths, so no scaling law is fitted.",)
    with figure_style():
        figures = comparison.draw_figures()
    assert [figure.name for figure in figures] == [f"against_{axis.column}" for axis in COST_AXES]
    for figure in figures:
        (legend,) = figure.figure.legends
        assert [text.get_text() for text in legend.get_texts()] == ["lenet5: 2 runs", "tree3: 2 runs"]
        assert [row["runs"] for row in figure.numbers.to_pylist()] == [2, 2]
        assert "law" not in figure.caption


def test_an_axis_with_unknown_values_has_no_figure():
    runs, epochs = add_costs(plant_study([*lenets((1, 4)), *trees((1, 4))], seeds=2, error=crossing_error))
    unknown = pa.array([None, *runs["training_flops"].to_pylist()[1:]], pa.int64())
    runs = runs.set_column(runs.column_names.index("training_flops"), "training_flops", unknown)
    comparison = compare_curves(runs, epochs)
    with figure_style():
        names = [figure.name for figure in comparison.draw_figures()]
    assert names == [f"against_{axis.column}" for axis in COMPARISON_AXES if axis is not TRAINING_FLOPS_AXIS]
    assert set(comparison.pareto_fronts) == {axis.column for axis in COST_AXES} - {"training_flops"}

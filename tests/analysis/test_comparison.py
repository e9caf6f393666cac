"""Curves against each other, on planted studies."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from rich.console import Console

from analysis.comparison import COMPARISON_AXES, COST_AXES, EQUAL_ERROR_AXES, compare_curves
from analysis.comparison_page import WrittenComparison, write_comparison
from analysis.comparison_text import render_comparison
from scaling.architectures import Lenet5
from scaling.fit import compare_sizes, fit_table
from tests.analysis.page import Page
from tests.analysis.planted_study import lenets, planted, trees


def law(network, epoch: int) -> float:
    """LeNet's lies lower from 9 filters on: 0.3 / 0.2 = x^(0.4 - 0.2) at 7.6."""
    return (0.3 * network.filters**-0.4 if isinstance(network, Lenet5) else 0.2 * network.filters**-0.2) * (
        1 + 1 / epoch**2
    )


def costed(study: tuple[pa.Table, pa.Table]) -> tuple[pa.Table, pa.Table]:
    """With a training's operations, and seconds that differ between the runs of a width."""
    runs, epochs = study
    seconds = pa.array(runs["macs"].to_numpy() / 1e4 * np.random.default_rng(0).uniform(0.9, 1.1, len(runs)))
    return runs.append_column("training_flops", pc.multiply(runs["macs"], 6 * 8 * 4000)).append_column(
        "core_s", seconds
    ), epochs


def write(study: tuple[pa.Table, pa.Table], out: Path, **how: Any) -> WrittenComparison:
    return write_comparison(
        compare_curves(*study, **how), out, study="planted <study>", command="scaling compare x.yaml"
    )


@pytest.fixture(scope="module")
def study():
    return costed(planted([*lenets(), *trees()], law=law))


@pytest.fixture(scope="module")
def made(study, tmp_path_factory):
    return write(study, tmp_path_factory.mktemp("compare"), errors=[0.15])


def rows(made, name: str) -> list[dict[str, str]]:
    with (made.path.parent / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_axis_has_a_figure_with_its_numbers(made):
    assert [path.name for path in made.figures] == [
        f"against_{axis.column}.{kind}" for axis in COMPARISON_AXES for kind in ("svg", "png", "csv")
    ]
    assert all(path.stat().st_size for path in made.figures)
    for axis in COMPARISON_AXES:
        for row in rows(made, f"against_{axis.column}"):
            assert float(row["law_low"]) <= float(row["law"]) <= float(row["law_high"])
            assert int(row["runs"]) == 8


def test_sizes_at_equal_error_are_those_of_the_fits(study, made):
    macs = dict(
        zip(
            ("lenet5", "tree3"),
            fit_table(study[0].append_column("group", study[0]["architecture"]), x="macs", by=("group",)),
            strict=True,
        )
    )
    (found,) = [each for each in made.found.equal if each.x == "macs" and each.error == 0.15]
    expected = compare_sizes(macs["lenet5"], macs["tree3"], 0.15)
    assert found.ratio.estimate == pytest.approx(expected.ratio.estimate, rel=1e-6)
    for axis in EQUAL_ERROR_AXES:
        errors = [each.error for each in made.found.equal if each.x == axis.column]
        assert errors[0] == 0.15
        assert 1 < len(errors) <= 3
    written = next(
        row for row in rows(made, "equal_error") if row["x"] == "macs" and float(row["error"]) == 0.15
    )
    assert float(written["ratio_low"]) == found.ratio.low


def test_a_time_is_one_number_a_width_the_mean_of_its_runs(study, made):
    for row in rows(made, "against_core_s"):
        near = [
            float(other["core_s"]) for other in rows(made, "against_core_s") if other["group"] == row["group"]
        ]
        assert len(near) == len(set(near)) == 7
    lenet = study[0].filter((pc.field("architecture") == "lenet5") & (pc.field("filters") == 4))
    times = [float(row["core_s"]) for row in rows(made, "against_core_s") if row["group"] == "lenet5"]
    assert any(time == pytest.approx(sum(lenet["core_s"].to_pylist()) / 8, rel=1e-12) for time in times)


def test_laws_meet_where_they_were_planted(made):
    (crossing,) = [each for each in made.found.crossings if each.x == "filters"]
    assert crossing.within
    assert crossing.place.low <= 1.5**5 <= crossing.place.high
    assert rows(made, "crossings")[0]["x"] == "filters"


def test_every_cost_has_a_front_and_winners(made):
    for axis in COST_AXES:
        assert len(made.found.pareto_front[axis.column]) == 14
        assert {place.label for place in made.found.pareto_front[axis.column] if place.on_front} <= {
            "lenet5",
            "tree3",
        }
        assert made.found.best_at_budget[axis.column]
    assert {row["cost"] for row in rows(made, "winners")} == {axis.column for axis in COST_AXES}
    assert len(rows(made, "front")) == 14 * len(COST_AXES)


def test_the_text_says_how_much_the_first_needs(made):
    console = Console(width=220, record=True, file=None, quiet=False)
    with console.capture() as said:
        console.print(render_comparison(made.found))
    text = said.get()
    for word in (
        "lenet5: followed along filters by A x^-rho",
        "mean error over seeds, on this test set, 56 runs",
        "The first over the second, at equal error",
        "15 %",
        "The least error for a budget of multiply-adds",
        "exponents differ by",
    ):
        assert word in text


def test_the_page_holds_its_tables_and_figures(made):
    page = Page(made.path.read_text())
    assert "exponents differ by" in page.text
    assert "The least error for a budget of training time" in page.text
    assert made.path.read_text().count("data:image/svg+xml;base64,") == len(COMPARISON_AXES)
    assert "planted <study>: curves compared" in page.text


def test_a_curve_without_a_law_stands_beside_the_others(tmp_path):
    """One width has no law; the figure shows its point, and a note says why it has no more."""
    made = write(costed(planted([*lenets(), *trees((4,))], law=law)), tmp_path)
    assert made.found.equal == ()
    assert made.found.crossings == ()
    assert len(made.figures) == 3 * len(COMPARISON_AXES)
    assert any("tree3 has no law" in note for note in made.found.notes)
    assert {place.label for place in made.found.pareto_front["macs"]} == {"lenet5"}


def test_operations_that_are_not_known_of_every_run_have_no_figure(study, tmp_path):
    runs, epochs = study
    place = runs.column_names.index("training_flops")
    runs = runs.set_column(
        place, "training_flops", pa.array([None, *runs["training_flops"].to_pylist()[1:]], pa.int64())
    )
    made = write((runs, epochs), tmp_path)
    assert len(made.figures) == 3 * (len(COMPARISON_AXES) - 1)
    assert "training_flops" not in made.found.pareto_front

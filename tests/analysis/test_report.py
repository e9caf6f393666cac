"""Reports of planted studies."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO
from math import log, sqrt
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pyarrow.compute as pc
import pytest
from rich.console import Console
from scipy import stats

from analysis import Report, render_laws, write_report
from analysis.error_figure import draw_error_figure
from analysis.figure_axes import FILTERS_AXIS, PARAMETERS_AXIS
from analysis.formatting import format_interval
from analysis.html_page import PageContext
from analysis.laws import fit_laws
from analysis.means import mean_errors
from analysis.run_groups import group_runs
from analysis.style import figure_style
from scaling.config import Recipe
from scaling.fit import Interval, fit_table, preferred_law
from scaling.plan.forecast_score import Outcome, TargetScore
from scaling.store.schema import EPOCHS_SCHEMA, RUNS_SCHEMA
from tests.analysis.parsed_page import ParsedPage
from tests.analysis.planted_study import (
    COMMAND,
    CREATED,
    PARTIAL,
    SHORT_RECIPE,
    WIDTHS,
    join_studies,
    lenets,
    plant_study,
    replace_column,
    trees,
)

NAMES = (
    "error_against_filters",
    "error_against_parameters",
    "error_against_macs",
    "learning_curves",
    "residuals",
    "exponent_against_epoch",
)


def write(out: Path, study, **facts) -> tuple[Report, ParsedPage]:
    runs, epochs = study
    context = PageContext(study="planted <study>", command=COMMAND, **facts)
    report = write_report(runs=runs, epochs=epochs, out=out, context=context)
    return report, ParsedPage(report.path.read_text())


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def written(study, report):
    return report, ParsedPage(report.path.read_text())


def test_every_figure_has_its_three_files(written):
    report, _ = written
    assert [path.name for path in report.figures] == [
        f"{name}.{suffix}" for name in NAMES for suffix in ("svg", "png", "csv")
    ]
    assert all(path.stat().st_size for path in report.figures)


@pytest.mark.parametrize("axis", ["filters", "parameters", "macs"])
def test_means_and_their_intervals_equal_those_of_a_plain_loop(study, written, axis):
    rows = read_rows(written[0].path.parent / "figures" / f"error_against_{axis}.csv")
    assert [(row["group"], int(row["filters"])) for row in rows] == [
        (name, width) for name in ("lenet5", "tree3") for width in WIDTHS
    ]
    for row in rows:
        members = [
            run
            for run in study[0].to_pylist()
            if (run["architecture"], run["filters"]) == (row["group"], int(row["filters"]))
        ]
        errors = [run["test_error"] for run in members]
        mean = sum(errors) / len(errors)
        std = sqrt(sum((error - mean) ** 2 for error in errors) / (len(errors) - 1))
        low, high = stats.t.interval(0.95, len(errors) - 1, mean, std / sqrt(len(errors)))
        assert {run[axis] for run in members} == {int(row[axis])}
        assert int(row["runs"]) == 8
        # Sums of eight numbers in another order differ by a few units in the last digit.
        assert float(row["mean_error"]) == pytest.approx(mean, rel=1e-14)
        assert float(row["std_error"]) == pytest.approx(std, rel=1e-12)
        assert (float(row["low_error"]), float(row["high_error"])) == pytest.approx((low, high), rel=1e-12)


def test_laws_in_the_table_of_means_equal_the_fit(study, written):
    runs = study[0].sort_by([("filters", "ascending"), ("seed", "ascending")])
    fits = {fit.label: fit for fit in fit_table(runs, x="parameters", y="test_error", by=("architecture",))}
    for row in read_rows(written[0].path.parent / "figures" / "error_against_parameters.csv"):
        fit, x = fits[row["group"]], float(row["parameters"])
        assert float(row["power"]) == pytest.approx(float(fit.laws["power"].predict(x)), rel=1e-9)
        assert float(row["floor"]) == pytest.approx(float(fit.laws["floor"].predict(x)), rel=1e-9)
        assert float(row["power_low"]) <= float(row["power"]) <= float(row["power_high"])


def test_residuals_are_logs_of_mean_over_fitted(written):
    folder = written[0].path.parent / "figures"
    means = {(row["group"], row["filters"]): row for row in read_rows(folder / "error_against_filters.csv")}
    rows = read_rows(folder / "residuals.csv")
    assert len(rows) == 2 * 2 * len(WIDTHS)
    for row in rows:
        mean = means[row["group"], row["filters"]]
        ratio = float(mean["mean_error"]) / float(mean[row["form"]])
        assert float(row["residual"]) == pytest.approx(log(ratio), abs=1e-12)


def test_hollow_residuals_are_those_of_the_form_fitted_without_the_widest_widths(study, written):
    runs = study[0].sort_by([("filters", "ascending"), ("seed", "ascending")])
    rows = read_rows(written[0].path.parent / "figures" / "residuals.csv")
    for group in ("lenet5", "tree3"):
        for form in ("power", "floor"):
            held_out = [
                row
                for row in rows
                if (row["group"], row["form"]) == (group, form) and row["held_out_residual"]
            ]
            widths = [int(row["filters"]) for row in held_out]
            assert widths == list(WIDTHS[-len(widths) :])
            of_curve = runs.filter(pc.field("architecture") == group)
            narrow = of_curve.filter(pc.field("filters") < widths[0])
            (fit,) = fit_table(narrow, x="filters", y="test_error")
            means = of_curve.group_by("filters").aggregate([("test_error", "mean")]).to_pylist()
            for row in held_out:
                (mean,) = (
                    cell["test_error_mean"] for cell in means if str(cell["filters"]) == row["filters"]
                )
                predicted = float(fit.laws[form].predict(float(row["filters"])))
                assert float(row["held_out_residual"]) == pytest.approx(log(mean / predicted), abs=1e-5)


def test_learning_curves_are_means_over_seeds(study, written):
    runs, epochs = study
    errors: dict[tuple[str, str, str], list[float]] = {}
    names = {run["id"]: (run["architecture"], str(run["filters"])) for run in runs.to_pylist()}
    for row in epochs.to_pylist():
        errors.setdefault((*names[row["id"]], str(row["epoch"])), []).append(row["test_error"])
    rows = read_rows(written[0].path.parent / "figures" / "learning_curves.csv")
    assert len(rows) == len(errors) == 2 * len(WIDTHS) * 3
    for row in rows:
        expected = errors[row["group"], row["filters"], row["epoch"]]
        assert float(row["mean_error"]) == pytest.approx(sum(expected) / 8, rel=1e-12)
        assert min(expected) <= float(row["lower_quartile"]) <= float(row["upper_quartile"]) <= max(expected)


def test_a_floor_from_short_training_shrinks_with_training(written):
    rows = {
        (row["group"], row["epoch"]): row
        for row in read_rows(written[0].path.parent / "figures" / "exponent_against_epoch.csv")
    }
    first, last = rows["lenet5", "1"], rows["lenet5", "3"]
    assert float(first["exponent"]) < float(last["exponent_low"])
    assert float(first["floor_share"]) > float(last["floor_share"])


def test_the_page_is_self_contained_and_states_the_laws(written):
    report, page = written
    source = report.path.read_text()
    assert not page.open_tags
    assert "http://" not in source
    assert "https://" not in source
    assert page.loads == []
    assert page.tags.count("svg") == len(NAMES)
    assert all((report.path.parent / link).is_file() for link in page.links)
    assert "planted <study>" in page.text
    for fit in report.fits:
        assert fit.verdict.evidence in page.text
        assert f"the exponent ρ = {format_interval(preferred_law(fit).parameters['exponent'])}" in page.text
    for phrase in (
        f"included are {PARTIAL}",
        f"Partial: {PARTIAL}.",
        "2 min of core time, on ",
        "2025-02-03 04:05 UTC",
        "c0ffeec0ffee",
        "torch 2.14.1",
        "1,000 test images of MNIST-5k",
    ):
        assert phrase in page.text


def test_laws_along_every_axis_are_in_one_table(written):
    rows = read_rows(written[0].path.parent / "laws.csv")
    assert [row["x"] for row in rows] == [
        axis for axis in ("filters", "parameters", "macs") for _ in range(4)
    ]
    exponents = [
        fit.laws[name].parameters["exponent"].estimate for fit in written[0].fits for name in fit.laws
    ]
    assert [float(row["exponent"]) for row in rows[:4]] == pytest.approx(exponents, rel=1e-12)


def test_the_terminal_states_the_same_laws(written):
    console = Console(width=200, record=True, file=StringIO())
    console.print(render_laws(written[0].fits))
    text = console.export_text()
    for fit in written[0].fits:
        assert format_interval(fit.laws["power"].parameters["exponent"]) in text
        assert fit.estimand in text


def test_the_order_of_the_runs_changes_no_byte_and_no_setting_of_matplotlib(study, written, tmp_path):
    before = dict(mpl.rcParams)
    reverse_order = tuple(part.take(list(reversed(range(len(part))))) for part in study)
    second, _ = write(tmp_path, reverse_order, created=CREATED, partial=PARTIAL, core_s=125.0)
    assert dict(mpl.rcParams) == before
    first = written[0]
    for path, other in zip((first.path, *first.figures), (second.path, *second.figures), strict=True):
        assert path.read_bytes() == other.read_bytes(), path.name


def test_curves_with_few_runs_are_drawn_with_a_complete_curve(tmp_path):
    def curve(rate, widths, seeds):
        return plant_study(lenets(widths), seeds=seeds, recipe=Recipe(epochs=2, learning_rate=rate))

    runs, epochs = join_studies(
        curve(0.01, (6,), 3),
        curve(0.02, (3, 6), 3),
        curve(0.05, WIDTHS, 1),
        curve(0.1, (1, 3, 6, 12), 4),
        curve(0.2, WIDTHS, 1),
    )
    runs = replace_column(runs, "diverged", lambda row: row["learning_rate"] == 0.2)
    runs = replace_column(
        runs,
        "test_error",
        lambda row: 0.0 if (row["learning_rate"], row["seed"]) == (0.1, 0) else row["test_error"],
    )
    report, page = write(tmp_path, (runs, epochs))
    assert [fit.label for fit in report.fits] == [
        f"lenet5, learning rate {rate}" for rate in (0.02, 0.05, 0.1)
    ]
    assert "lenet5, learning rate 0.01 has no law" in page.text
    assert "lenet5, learning rate 0.2 has no law: none of its runs ended with a test error" in page.text
    assert "4 runs with an error of 0 cannot be drawn" in page.text
    rows = {
        (row["group"][-4:], row["filters"]): row
        for row in read_rows(tmp_path / "figures" / "error_against_filters.csv")
    }
    assert len(rows) == 1 + 2 + 7 + 4
    # A rejected law is in the table with its reason, and in no figure.
    assert "any data would fit" in page.text
    assert rows["0.02", "6"]["power"] == ""
    assert rows["0.05", "6"]["power"] != ""
    assert rows["0.05", "6"]["low_error"] == ""
    zeros = [
        run["test_error"] for run in runs.to_pylist() if (run["learning_rate"], run["filters"]) == (0.1, 12)
    ]
    assert float(rows[" 0.1", "12"]["mean_error"]) == pytest.approx(sum(zeros) / 4, rel=1e-14)


def test_one_run_without_epochs_has_a_report(tmp_path):
    runs, _ = plant_study(lenets((6,)), seeds=1)
    report, page = write(tmp_path, (runs, EPOCHS_SCHEMA.empty_table()))
    assert {path.stem for path in report.figures} == set(NAMES[1:3])
    assert report.fits == ()
    assert report.findings == ("No curve has several widths, so no scaling law is fitted.",)
    for phrase in (
        *report.findings,
        "1 run: 1 curve of one width, 1 seed",
        "No learning curves",
        "none: single run",
    ):
        assert phrase in page.text
    for phrase in ("add widths", "no law", "ρ"):
        assert phrase not in page.text


def test_forecasts_older_than_their_runs_are_drawn_with_their_intervals():
    grouped = group_runs(plant_study(lenets((1, 2, 4)), seeds=2, recipe=SHORT_RECIPE)[0])
    target = TargetScore(
        label="lenet5",
        form="power",
        filters=16,
        extrapolation=4.0,
        outcome=Outcome.OPEN,
        predicted=Interval(estimate=0.02, low=0.015, high=0.03),
        observed=None,
        wanted=2,
        trained=0,
        runs=0,
        relative_error=None,
        z=None,
        runs_inside=None,
    )
    targets = [target, replace(target, outcome=Outcome.NOT_BLIND), replace(target, label="another study")]

    def intervals(axis):
        fits = fit_laws(grouped, EPOCHS_SCHEMA.empty_table(), x=axis.column)
        with figure_style():
            means = mean_errors(grouped, axis.column)
            figure = draw_error_figure(grouped, means, fits=fits, axis=axis, forecasts=targets).figure
        labels = [entry.get_label() for entry in figure.legends[0].legend_handles]
        assert ("forecast" in labels[-1]) is (axis is FILTERS_AXIS)
        return [bar.lines[2][0].get_segments()[0][:, 1] for bar in figure.axes[0].containers]

    np.testing.assert_allclose(intervals(FILTERS_AXIS), [[0.015, 0.03]])
    assert intervals(PARAMETERS_AXIS) == []


def test_page_of_a_study_like_the_quickstart_has_less_than_500_kilobytes(tmp_path):
    widths = (1, 2, 3, 4, 6, 8, 12)
    report, _ = write(
        tmp_path, plant_study([*lenets(widths), *trees(widths)], seeds=8, recipe=Recipe(epochs=8))
    )
    assert report.path.stat().st_size < 500_000


def test_a_curve_with_errors_of_0_alone_is_reported_beside_others(tmp_path):
    perfect = plant_study(trees((1, 2)), seeds=2, recipe=SHORT_RECIPE, error=lambda network, epoch: 0.0)
    others = plant_study(lenets((1, 2, 4)), seeds=2, recipe=SHORT_RECIPE)
    report, page = write(tmp_path, join_studies(perfect, others))
    assert {path.stem for path in report.figures} >= set(NAMES[:4])
    assert "4 runs with an error of 0 cannot be drawn" in page.text
    assert "tree3 has no law: test_error: no value is above 0" in page.text


def test_a_study_with_errors_of_0_has_a_page(tmp_path):
    runs, epochs = plant_study(lenets((1, 2, 4, 8)), seeds=2, recipe=SHORT_RECIPE)
    report, page = write(tmp_path, (replace_column(runs, "test_error", lambda row: 0.0), epochs))
    assert (report.figures, report.fits) == ((), ())
    assert "lenet5 has no law" in page.text
    assert "No figures: every error is 0" in page.text


def test_a_study_whose_wide_networks_have_an_error_in_one_run_has_laws(tmp_path):
    """The runs of the two widest sizes have no errors but for one, so that their spread is 0."""
    runs, epochs = plant_study(lenets((1, 2, 4, 8, 16)), seeds=4, recipe=SHORT_RECIPE)
    odd = runs.filter(pc.field("filters") == 16)["id"][0].as_py()
    runs = replace_column(
        runs,
        "test_error",
        lambda row: row["test_error"] if row["filters"] < 8 else 0.002 * (row["id"] == odd),
    )
    report, page = write(tmp_path, (runs, epochs))
    (fitted,) = report.fits
    assert np.isfinite(fitted.laws["power"].parameters["exponent"].estimate)
    assert "error_against_filters" in {path.stem for path in report.figures}
    assert "nan" not in page.text.split()


def test_a_study_whose_runs_all_diverged_has_a_page(tmp_path):
    runs, epochs = plant_study(lenets((1, 2, 4)), seeds=2, recipe=SHORT_RECIPE)
    runs = replace_column(replace_column(runs, "diverged", lambda row: True), "test_error", lambda row: None)
    report, page = write(tmp_path, (runs, epochs))
    assert report.figures == ()
    assert "6 runs without a test error" in page.text
    assert "none of its runs ended with a test error" in page.text


def test_a_study_without_runs_has_a_page(tmp_path):
    report, page = write(
        tmp_path,
        (RUNS_SCHEMA.empty_table(), EPOCHS_SCHEMA.empty_table()),
        partial="0 of 112 wanted runs",
        damage="1 part is damaged",
    )
    assert "The store is damaged: 1 part is damaged." in page.text
    assert (report.figures, report.fits) == ((), ())
    assert "Partial: 0 of 112 wanted runs." in page.text

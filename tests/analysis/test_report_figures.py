"""Figures of reports without their page."""

from __future__ import annotations

import pytest

from analysis.error_figure import draw_error_figure
from analysis.figure_axes import PARAMETERS_AXIS
from analysis.laws import fit_laws
from analysis.learning_curves import draw_learning_curves
from analysis.means import mean_errors
from analysis.residuals import draw_residuals
from analysis.run_groups import group_runs
from analysis.style import figure_style
from analysis.training_length import draw_training_length
from scaling.config import Recipe
from scaling.store.schema import EPOCHS_SCHEMA
from tests.analysis.planted_study import SHORT_RECIPE, lenets, plant_study, trees


def test_training_of_one_epoch_has_no_learning_curves():
    def curves(epochs):
        runs, rows = plant_study(lenets((1, 2)), seeds=2, recipe=Recipe(epochs=epochs))
        grouped = group_runs(runs)
        with figure_style():
            return draw_learning_curves(grouped, grouped.select_epochs(rows))

    assert curves(1) is None
    assert curves(2).numbers.num_rows == 2 * 2


def test_no_panel_is_empty_where_few_widths_have_no_law_with_a_floor():
    runs, rows = plant_study(lenets((2, 4, 8)), seeds=3, recipe=SHORT_RECIPE)
    grouped = group_runs(runs)
    epochs = grouped.select_epochs(rows)
    fits = fit_laws(grouped, epochs, x="filters")
    with figure_style():
        residuals = draw_residuals(grouped, mean_errors(grouped), fits=fits)
        exponents = draw_training_length(grouped, epochs)
    assert [axes.get_title(loc="left") for axes in residuals.figure.axes] == ["power law"]
    assert [axes.get_ylabel() for axes in exponents.figure.axes] == ["Exponent $\\rho$"]
    assert "floor" not in exponents.caption.lower()
    assert "Floor" not in exponents.alt


def test_legends_of_widths_have_the_order_of_the_lines():
    runs, rows = plant_study(lenets((2, 4, 8)), seeds=2, recipe=SHORT_RECIPE)
    grouped = group_runs(runs)
    with figure_style():
        figure = draw_learning_curves(grouped, grouped.select_epochs(rows)).figure
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["2", "4", "8"]


def test_legends_name_the_laws_that_are_drawn():
    def legend(networks):
        grouped = group_runs(plant_study(networks, seeds=2, recipe=SHORT_RECIPE)[0])
        fits = fit_laws(grouped, EPOCHS_SCHEMA.empty_table(), x="parameters")
        with figure_style():
            drawn = draw_error_figure(grouped, mean_errors(grouped), fits=fits, axis=PARAMETERS_AXIS)
        return drawn.figure.legends[0].legend_handles

    one_width = legend([*lenets((6,)), *trees((2,))])
    assert [(entry.get_label(), entry.get_linestyle()) for entry in one_width] == [
        ("lenet5: 2 runs", "None"),
        ("tree3: 2 runs", "None"),
    ]
    several = legend([*lenets((1, 2, 4)), *trees((2,))])
    assert several[1].get_label() == "tree3: no law, 2 runs"
    assert [entry.get_linestyle() for entry in several[:2]] == ["-", "None"]
    named, other = "law that the verdict names, with its 95 % band", "the same data with another form"
    assert [entry.get_label() for entry in several[2:]] == [named]
    wide = legend(lenets((1, 2, 3, 4, 6, 8)))
    assert [entry.get_label() for entry in wide[1:]] == [named, other]


def test_the_points_of_one_size_do_not_look_like_several_sizes():
    """Runs are shifted sideways by at most 0.018 decades, 1/16 of an axis from 1 to 2."""
    grouped = group_runs(plant_study(lenets((6,)), seeds=8, recipe=SHORT_RECIPE)[0])
    fits = fit_laws(grouped, EPOCHS_SCHEMA.empty_table(), x="parameters")
    with figure_style():
        drawn = draw_error_figure(grouped, mean_errors(grouped), fits=fits, axis=PARAMETERS_AXIS)
    low, high = drawn.figure.axes[0].get_xlim()
    (size,) = set(grouped.runs["parameters"].to_pylist())
    assert high / low == pytest.approx(2)
    assert low * high == pytest.approx(size**2, rel=1e-3)

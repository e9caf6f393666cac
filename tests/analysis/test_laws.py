"""Laws as rows of text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from analysis.laws import has_wide_band, law_rows
from analysis.laws_text import render_predictions, render_sizes_for_error
from scaling.fit import EstimationOptions, FormChoice, Points, Verdict, fit, preferred_law
from scaling.fit.form_choice import PossibleBend
from scaling.fit.forms import BROKEN

WIDTHS = np.array([1.0, 2, 4, 8, 16, 32])


@pytest.mark.parametrize(
    ("test_images", "unit"), [(None, False), (1000, True)], ids=["a loss", "errors of counted images"]
)
def test_only_error_rates_are_printed_in_percent(test_images, unit):
    points = Points(x_name="x", y_name="y", x=WIDTHS, y=0.3 / WIDTHS + 0.05, test_images=test_images)
    floor, power = law_rows([fit(points, EstimationOptions(resamplings=200))])
    assert power.floor == "–"
    assert floor.floor.endswith(" %") is unit
    assert float(floor.floor.split()[0]) == pytest.approx(5 if unit else 0.05, abs=1e-3)


def test_the_named_law_is_the_one_that_the_other_parts_of_a_report_use():
    """Three widths reject the law with a floor, which the verdict would name."""
    x = np.repeat(WIDTHS[:3], 4)
    y = 0.3 * x**-0.5 * np.tile([0.98, 0.99, 1.01, 1.02], 3)
    fit_of_few = fit(
        Points(x_name="x", y_name="y", x=x, y=y, test_images=None), EstimationOptions(resamplings=200)
    )
    named = [row for row in law_rows([fit_of_few]) if row.is_named]
    assert [row.form for row in named] == [preferred_law(fit_of_few).form.formula]


@pytest.mark.parametrize(("spread", "is_wide"), [(0.05, False), (1.3, True)])
def test_a_band_is_too_wide_if_the_runs_say_nothing(spread, is_wide):
    rng = np.random.default_rng(0)
    x = np.repeat(WIDTHS[:3], 3)
    y = 0.3 * x**-0.5 * np.exp(spread * rng.standard_normal(len(x)))
    points = Points(x_name="x", y_name="y", x=x, y=y, test_images=None)
    assert has_wide_band(fit(points, EstimationOptions(resamplings=200))) is is_wide


@pytest.fixture(scope="module")
def fitted():
    points = Points(x_name="x", y_name="y", x=WIDTHS, y=0.3 / WIDTHS + 0.05, test_images=1000)
    return fit(points, EstimationOptions(resamplings=200))


def test_tables_say_where_a_size_lies_outside_the_data(fitted):
    console = Console(width=200)
    with console.capture() as capture:
        console.print(render_predictions([fitted], [0.5, 4, 64]))
        console.print(render_sizes_for_error([fitted], [0.9, 0.001]))
    text = capture.get()
    assert text.count("below the narrowest") == 4
    assert text.count("2 times the widest") == 2
    assert "never [never" not in text


@pytest.mark.parametrize(("test_images", "shown"), [(None, "0.0425"), (1000, "4.25 %")])
def test_a_prediction_that_a_bend_contradicts_has_the_mean_with_the_bend(fitted, test_images, shown):
    """A law that is 0.34 / x below the bend and constant beyond it ends at 0.34 / 8 = 0.0425."""
    bend = PossibleBend(
        form=BROKEN,
        parameters=np.array([0.34, 1.0, 0.0, 8.0]),
        fits_p=0.5,
        agrees_to=2.0,
        far_means=(0.05, 0.0425),
    )
    contradicted = replace(
        fitted,
        verdict=Verdict(choice=FormChoice.FLOOR, possible_bend=bend),
        points=replace(fitted.points, test_images=test_images),
    )
    console = Console(width=200)
    with console.capture() as capture:
        console.print(render_predictions([contradicted], [64, 4096]))
    text = capture.get()
    assert text.count("with a bend") == 1
    assert f"128 times the widest; {shown} with a bend" in text

"""Laws as rows of text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from analysis.laws import law_rows
from analysis.laws_text import render_predictions, render_sizes_for_error
from scaling.fit import EstimationOptions, FormChoice, Points, Verdict, fit
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

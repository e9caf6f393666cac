"""Choice of the law by which a group is compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scaling.errors import FitError
from scaling.fit import EstimationOptions, Fit, FormChoice, Status, fit, preferred_law
from scaling.fit.comparison.law_choice import require_law
from tests.fit.planted_laws import plant


@pytest.fixture(scope="module")
def planted_fit() -> Fit:
    points = plant((0.4, 0.5, 0.05), np.random.default_rng(0), seeds=8, test_images=10_000)
    return fit(points, EstimationOptions(forms=("power", "floor", "broken"), resamplings=50))


def with_verdict(fitted: Fit, choice: FormChoice) -> Fit:
    return replace(fitted, verdict=replace(fitted.verdict, choice=choice, bend_form="broken"))


def without_law(fitted: Fit, form: str) -> Fit:
    laws = {
        name: law if name != form else replace(law, status=Status.REJECTED)
        for name, law in fitted.laws.items()
    }
    return replace(fitted, laws=laws)


@pytest.mark.parametrize(
    ("choice", "form"),
    [
        (FormChoice.POWER, "power"),
        (FormChoice.FLOOR, "floor"),
        (FormChoice.BENDS, "broken"),
        (FormChoice.UNCLEAR, "floor"),
    ],
)
def test_the_preferred_law_is_that_of_the_verdict(planted_fit, choice, form):
    assert preferred_law(with_verdict(planted_fit, choice)) is planted_fit.laws[form]


def test_a_rejected_law_is_replaced_by_the_power_law(planted_fit):
    floor_needed = with_verdict(planted_fit, FormChoice.FLOOR)
    without_floor = without_law(floor_needed, "floor")
    assert preferred_law(without_floor) is planted_fit.laws["power"]
    assert preferred_law(without_law(without_floor, "power")) is None


def test_a_missing_law_is_named_with_the_existing_ones(planted_fit):
    with pytest.raises(FitError, match="all has no law of the form m4; it has floor, power, broken"):
        require_law(planted_fit, "m4")


def test_a_group_without_a_usable_law_cannot_be_compared(planted_fit):
    rejected = without_law(without_law(planted_fit, "floor"), "power")
    with pytest.raises(FitError, match="all has no usable law to compare"):
        require_law(rejected)

"""The selection of a form is part of the intervals and the status of the laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scaling.fit import EstimationOptions, Fit, FormChoice, Points, Status, fit, predict, preferred_law
from scaling.fit.diagnosis.selection import include_selection
from scaling.fit.form_choice import Verdict
from tests.fit.planted_laws import plant

WIDE = (1, 2, 3, 4, 6, 8, 12, 16)
OPTIONS = EstimationOptions(resamplings=400)


def fit_planted(floor: float, seed: int, *, seeds: int = 16) -> Fit:
    points = plant(
        (0.4, 0.5, floor), np.random.default_rng([31, seed]), widths=WIDE, seeds=seeds, test_images=10_000
    )
    return fit(points, OPTIONS)


@pytest.fixture(scope="module")
def power_law() -> Fit:
    fitted = fit_planted(0.0, 0)
    assert fitted.verdict.choice is FormChoice.POWER
    return fitted


def test_the_named_power_law_covers_the_law_with_a_floor(power_law):
    power, floor = power_law.laws["power"], power_law.laws["floor"]
    for name, interval in power.parameters.items():
        other = floor.parameters[name]
        assert interval.low <= other.low <= other.high <= interval.high
    intervals = {
        (prediction.form, prediction.x): prediction.mean for prediction in predict(power_law, [32, 160])
    }
    for x in (32, 160):
        named, other = intervals["power", x], intervals["floor", x]
        assert named.low <= other.low <= other.high <= named.high
    low, high = power.band([32.0, 160.0])
    other_low, other_high = floor.band([32.0, 160.0])
    assert (low <= other_low).all()
    assert (other_high <= high).all()


def test_the_named_law_is_the_first_and_the_only_usable_one(power_law):
    assert next(iter(power_law.laws)) == "power"
    assert preferred_law(power_law) is power_law.laws["power"]
    assert power_law.laws["power"].status is Status.USABLE
    floor_needed = fit_planted(0.1, 1)
    assert floor_needed.verdict.choice is FormChoice.FLOOR
    assert next(iter(floor_needed.laws)) == "floor"
    assert floor_needed.laws["power"].status is Status.CAUTION


@pytest.mark.parametrize("choice", [FormChoice.UNCLEAR, FormChoice.POWER])
def test_the_law_with_a_floor_covers_the_power_law_unless_a_floor_is_needed(choice):
    """A test that does not reject a floor of 0 holds also where no resampled study has one so small."""
    fitted = fit_planted(0.1, 1)
    power, floor = fitted.laws["power"], fitted.laws["floor"]
    assert floor.parameters["floor"].low > 0
    assert floor.status is Status.USABLE
    verdict = Verdict(choice=choice, floor_p=0.03)
    included = include_selection(fitted.points, fitted.laws, verdict)["floor"]
    assert included.parameters["floor"].low == 0
    for name, other in power.parameters.items():
        interval = included.parameters[name]
        assert interval.low <= other.low <= other.high <= interval.high
    assert (included.band([160.0])[0] <= power.band([160.0])[0]).all()
    assert (included.status, included.reason) == (
        Status.CAUTION,
        "the floor's interval reaches its bound, 0",
    )


def test_a_law_that_bends_is_not_usable_beside_a_power_law(power_law):
    options = replace(OPTIONS, forms=("power", "floor", "m4"), resamplings=50)
    laws = fit(power_law.points, options).laws
    assert (laws["m4"].status, laws["m4"].reason.split("; ")[-1]) == (
        Status.CAUTION,
        "beyond the measured sizes, other curves with a bend differ from this one",
    )


def test_the_law_without_outliers_covers_the_law_with_a_floor_too(power_law):
    y = power_law.points.y.copy()
    y[0] *= 1.06
    fitted = fit(replace(power_law.points, y=y), OPTIONS)
    assert fitted.verdict.choice is FormChoice.POWER
    power, floor = (fitted.robust[name] for name in ("power", "floor"))
    for name, interval in power.parameters.items():
        other = floor.parameters[name]
        assert interval.low <= other.low <= other.high <= interval.high
    assert floor.status is Status.CAUTION


@pytest.mark.simulation
def test_a_small_floor_lies_in_the_interval_of_a_named_power_law():
    """With a floor of 3 % of the widest error, the pure interval misses the exponent in most studies."""
    studies, covered, pure = 40, 0, 0
    for study in range(studies):
        floor = 0.03 * 0.4 * 16**-0.5
        fitted = fit_planted(floor, 100 + study, seeds=8)
        interval = preferred_law(fitted).parameters["exponent"]
        covered += interval.low <= 0.5 <= interval.high
        low, high = np.quantile(fitted.laws["power"].draws[:, 1], [0.025, 0.975])
        pure += low <= 0.5 <= high
    assert covered >= 34  # 95 % of 40, fewer with a probability of 3e-3
    assert pure < 25


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (lambda x: 0.4 * x**-0.5, {FormChoice.POWER}),
        (lambda x: 0.05 + 0.9 / (1 + (x / 8) ** 0.6), {FormChoice.BENDS}),
        (lambda x: 0.6 * x**-0.2 * (1 + (x / 12) ** 4) ** -0.1, {FormChoice.BENDS}),
        (lambda x: 0.1 + 0.5 * np.exp(-x / 10), {FormChoice.BENDS, FormChoice.UNCLEAR}),
    ],
    ids=["power law", "plateau", "steepening", "exponential"],
)
def test_curves_without_replicates_are_judged_against_a_smooth_curve(curve, expected):
    x = np.geomspace(1, 64, 12)
    y = curve(x) * np.exp(0.002 * np.random.default_rng(5).standard_normal(12))
    fitted = fit(Points(x_name="x", y_name="loss", x=x, y=y, test_images=None), OPTIONS)
    assert fitted.verdict.choice in expected
    assert all(law.status is Status.CAUTION for law in fitted.laws.values())
    held_out = fitted.laws["power"].held_out[-1]
    assert not (fitted.verdict.holdout_ok and abs(held_out.bias) > 0.1)


def test_few_widths_without_replicates_cannot_tell():
    x = np.geomspace(1, 64, 7)
    points = Points(x_name="x", y_name="loss", x=x, y=0.4 * x**-0.5, test_images=None)
    assert fit(points, OPTIONS).verdict.choice is FormChoice.UNCLEAR


def test_a_law_that_bends_predicts_within_its_form_and_with_caution():
    """Values of a formula from a plateau to a floor; the prediction at twice the widest size is right."""
    x = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64.0])
    points = Points(
        x_name="x", y_name="loss", x=x, y=(0.05 + 0.9 / (1 + (x / 8) ** 0.6)).round(5), test_images=None
    )
    fitted = fit(points, OPTIONS)
    assert (fitted.verdict.choice, fitted.verdict.form) == (FormChoice.BENDS, "m4")
    assert fitted.laws["m4"].status is Status.CAUTION
    truth = 0.05 + 0.9 / (1 + (128 / 8) ** 0.6)
    prediction = next(p for p in predict(fitted, [128]) if p.form == "m4")
    assert prediction.mean.estimate == pytest.approx(truth, rel=0.01)


def test_one_run_with_errors_beside_runs_without_any_is_an_outlier():
    """The other runs of its width have no errors, so that their spread is 0."""
    x = np.repeat(np.array([1, 2, 4, 8, 16, 32.0]), 4)
    rng = np.random.default_rng(9)
    y = np.where(x < 32, (0.05 / x * np.exp(0.05 * rng.standard_normal(24))).round(3), 0.0)
    y[-1] = 0.004
    fitted = fit(Points(x_name="x", y_name="test_error", x=x, y=y, test_images=1000), OPTIONS)
    assert any(note.startswith("Outliers, far from the other runs") for note in fitted.notes)
    assert set(fitted.robust) == set(fitted.laws)

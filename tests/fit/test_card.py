"""Cards of laws: refits against plain loops, and verdicts on planted laws."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from scaling.fit import EstimationOptions, Fit, Points, fit, fit_table
from scaling.fit.card import LawCard, law_card
from tests.fit.planted_laws import plant

WIDE = (1, 2, 3, 4, 6, 8, 12, 16)
OPTIONS = EstimationOptions(resamplings=400)


def fit_planted(law: tuple[float, float, float], *, seed: int = 0) -> Fit:
    points = plant(law, np.random.default_rng(seed), widths=WIDE, seeds=16, test_images=10_000)
    return fit(points, OPTIONS)


@pytest.fixture(scope="module")
def floored() -> Fit:
    return fit_planted((0.4, 0.5, 0.1))


@pytest.fixture(scope="module")
def card(floored: Fit) -> LawCard:
    return law_card(floored)


def test_the_card_names_what_the_law_rests_on(floored, card):
    assert (card.form, card.runs, card.widths, card.x_range) == ("floor", 128, 8, (1.0, 16.0))
    assert card.parameters == floored.laws["floor"].parameters
    assert card.noise.startswith("binomial counts of 10,000 images; dispersion 0.")
    assert card.starts_agreeing >= card.starts - 2


def test_held_out_widths_equal_fits_of_the_narrower_ones(floored, card):
    points = floored.points
    for held in card.held_out:
        narrow = points.x <= held.cutoff
        alone = fit(
            Points(x_name="x", y_name="y", x=points.x[narrow], y=points.y[narrow], test_images=10_000),
            EstimationOptions(forms=("floor",), holdout=0, resamplings=2),
        ).laws["floor"]
        measured = points.means[points.widths == held.x][0]
        assert held.factor == held.x / held.cutoff
        assert held.error == pytest.approx(float(alone.predict(held.x)) / measured - 1, rel=1e-5, abs=1e-7)
        assert card.drift[held.cutoff] == pytest.approx(alone.parameters["exponent"].estimate, rel=1e-6)


def test_least_squares_of_logarithms_equals_a_straight_line():
    fitted = fit_planted((0.4, 0.5, 0.0))
    assert fitted.verdict.form == "power"
    points = fitted.points
    slope = np.polyfit(np.log(points.widths), np.log(points.means), 1)[0]
    exponents = {choice.name: choice.exponent for choice in law_card(fitted).choices}
    assert exponents["least squares of logarithms"] == pytest.approx(-slope, rel=1e-5)
    half = points.x[np.tile(np.arange(16) < 8, len(WIDE))]
    means = points.y[np.tile(np.arange(16) < 8, len(WIDE))].reshape(len(WIDE), 8).mean(axis=1)
    assert len(half) == 64
    assert exponents["first half of the runs"] == pytest.approx(
        -np.polyfit(np.log(points.widths), np.log(means), 1)[0], abs=0.01
    )
    assert len(exponents) >= 10


def test_a_curve_that_is_no_power_law_is_fragile():
    """The exponent of a flattening curve depends on the widths that are fitted."""
    x = np.repeat(np.array(WIDE, float), 4)
    y = 0.5 * x ** (-0.2 - 0.1 * np.log(x)) * np.tile([0.99, 1.0, 1.0, 1.01], len(WIDE))
    fitted = fit(Points(x_name="x", y_name="loss", x=x, y=y, test_images=None), OPTIONS)
    power = fit(
        fitted.points, EstimationOptions(forms=("power",), resamplings=400)
    )  # without a law with a floor, the power law is the only one
    assert law_card(power).fragile


def test_a_table_of_many_widths_and_orders_has_a_card_of_bounded_length():
    rng, x = np.random.default_rng(0), np.tile(np.geomspace(1, 1000, 300), 4)
    orders = rng.permutation(len(x)) // 4
    points = Points(
        x_name="x",
        y_name="loss",
        x=x,
        y=0.5 * x**-0.4 * np.exp(0.01 * rng.standard_normal(len(x))),
        test_images=None,
        order=orders,
    )
    card = law_card(fit(points, EstimationOptions(resamplings=50)))
    cutoffs = sorted(card.drift)
    assert len(cutoffs) == 40
    assert (cutoffs[0], cutoffs[-1]) == (points.widths[2], points.widths[-2])
    assert len(card.held_out) <= 40 * 40
    assert {held.x for held in card.held_out if held.cutoff == cutoffs[0]} >= {
        points.widths[3],
        points.widths[-1],
    }
    without = [choice.name for choice in card.choices if choice.name.startswith("without orders")]
    assert len(without) == 16
    assert without[0] == "without orders 0 to 18"  # 300 orders in 16 groups


def planted_table(**columns: np.ndarray) -> pa.Table:
    rng, filters = np.random.default_rng(0), np.repeat(WIDE, 8)
    error = 0.4 * filters**-0.5 * np.exp(0.02 * rng.standard_normal(len(filters)))
    return pa.table({"filters": filters, "test_error": error, **columns})


def choices_of(table: pa.Table) -> dict[str, float]:
    card = law_card(*fit_table(table, OPTIONS, by=()))
    return {choice.name: choice.exponent for choice in card.choices}


def test_the_exponent_along_a_power_of_x_is_converted_to_that_along_x():
    """Parameters that are exactly a multiple of filters^2 give the same law."""
    table = planted_table(parameters=300 * np.repeat(WIDE, 8) ** 2)
    (fitted,) = fit_table(table, OPTIONS, by=())
    card = law_card(fitted)
    exponents = {choice.name: choice.exponent for choice in card.choices}
    assert exponents["parameters in place of filters"] == pytest.approx(
        card.parameters["exponent"].estimate, rel=1e-6
    )
    assert card.skipped == ("the best validation epoch (the runs have no epochs with validation)",)
    assert law_card(*fit_table(planted_table(), OPTIONS, by=())).skipped[0].startswith("another x (")


def test_the_exponent_at_the_best_epoch_is_that_of_a_table_with_its_errors():
    table = planted_table()
    at_best = table["test_error"].to_numpy() * np.repeat(WIDE, 8) ** -0.1
    exponents = choices_of(table.append_column("test_error_at_best_epoch", pa.array(at_best)))
    (other,) = fit_table(
        table.set_column(1, "test_error", pa.array(at_best)), EstimationOptions(resamplings=2), by=()
    )
    named = law_card(*fit_table(table, OPTIONS, by=())).form
    assert exponents["the best validation epoch in place of the last"] == pytest.approx(
        other.laws[named].parameters["exponent"].estimate, rel=1e-6
    )
    gaps = np.where(np.arange(len(at_best)) == 3, np.nan, at_best)
    incomplete = table.append_column("test_error_at_best_epoch", pa.array(gaps, from_pandas=True))
    assert "the best validation epoch in place of the last" not in choices_of(incomplete)


def test_a_card_of_copies_is_json():
    x = np.tile([1.0, 2, 4, 8, 16, 32], 4)
    card = law_card(fit(Points(x_name="width", y_name="loss", x=x, y=0.4 * x**-0.5, test_images=None)))
    assert json.loads(json.dumps(card.to_dict()))["starts_agreeing"] >= 1

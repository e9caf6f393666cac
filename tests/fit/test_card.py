"""Cards of laws: refits against plain loops, and verdicts on planted laws."""

from __future__ import annotations

import numpy as np
import pytest

from scaling.fit import EstimationOptions, Fit, Points, fit
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

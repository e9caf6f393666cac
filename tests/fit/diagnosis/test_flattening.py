"""Bends that flatten a curve as a floor does: where both predict the same, and the status of the floor."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom

from scaling.fit import EstimationOptions, Fit, FormChoice, Points, Status, fit, predict
from scaling.fit.forms import BROKEN, BROKEN_FORMS, FLOOR, BrokenForm

SIZES = np.geomspace(1, 64, 8)
OPTIONS = EstimationOptions(resamplings=100)
WIDEST = 0.4 * 64**-0.5
Curve = Callable[[np.ndarray], np.ndarray]


def floored(x: np.ndarray) -> np.ndarray:
    """A floor of a fifth of the widest mean."""
    return 0.32 * x**-0.5 + 0.2 * WIDEST


def bent(x: np.ndarray) -> np.ndarray:
    """A sharp bend at size 8."""
    return np.asarray(BROKEN.evaluate(np.array([0.6, 0.5, 0.25, 8.0]), x))


def smoothly_bent(x: np.ndarray) -> np.ndarray:
    """A bend that takes nearly all sizes."""
    return np.asarray(BROKEN_FORMS[-1].evaluate(np.array([0.6, 0.7, 0.2, 8.0]), x))


def fit_planted(curve: Curve, study: int, *, runs: int = 8, noise: float = 0.02) -> Fit:
    """Return the fit of one simulated study."""
    x = np.repeat(SIZES, runs)
    scatter = np.exp(noise * np.random.default_rng([48, study]).standard_normal(len(x)))
    return fit(Points(x_name="x", y_name="loss", x=x, y=curve(x) * scatter, test_images=None), OPTIONS)


def fit_with_bend(curve: Curve, *, runs: int = 8) -> Fit:
    """Return the first simulated study in which a floor is said to be needed and a bend fits too."""
    fits = (fit_planted(curve, study, runs=runs) for study in range(20))
    return next(fitted for fitted in fits if fitted.verdict.possible_bend)


@pytest.fixture(scope="module")
def with_floor() -> Fit:
    return fit_with_bend(floored)


@pytest.fixture(scope="module")
def with_bend() -> Fit:
    return fit_with_bend(bent, runs=4)


def test_a_floor_is_a_bend_to_the_exponent_zero_that_is_as_smooth_as_its_power_law():
    """(x / B)^(1 / s) with s = 1 / rho makes A x^-rho (1 + (x / B)^rho) = A x^-rho + A B^-rho."""
    x, rho = np.geomspace(0.1, 1000, 30), 0.5
    broken = BrokenForm(smoothness=1 / rho).evaluate(np.array([0.4, rho, 0.0, 9.0]), x)
    np.testing.assert_allclose(broken, FLOOR.evaluate(np.array([0.4, rho, 0.4 / 3]), x), rtol=1e-12)


def test_both_laws_agree_up_to_the_stated_size_and_no_further(with_floor, with_bend):
    for fitted in (with_floor, with_bend):
        bend, floor = fitted.verdict.possible_bend, fitted.laws["floor"]
        factors = [*np.linspace(1, bend.agrees_to, 20).tolist(), 1.012 * bend.agrees_to]
        ratios = [bend.predict(64 * factor) / float(floor.predict(64 * factor)) for factor in factors]
        assert (np.abs(np.log(ratios)) <= np.log(1.05)).tolist() == [True] * 20 + [False]
        assert bend.far_means == pytest.approx((float(floor.predict(640)), bend.predict(640)), rel=1e-9)


def test_a_bend_is_found_beside_the_floor_and_its_prediction_is_right(with_bend):
    assert with_bend.verdict.choice is FormChoice.FLOOR
    bend = with_bend.verdict.possible_bend
    assert bend.predict(640) == pytest.approx(float(bent(np.array([640.0]))[0]), rel=0.1)
    assert float(with_bend.laws["floor"].predict(640)) > 1.3 * float(bent(np.array([640.0]))[0])


def test_a_law_with_a_floor_that_a_bend_soon_leaves_is_not_usable(with_bend):
    law, bend = with_bend.laws["floor"], with_bend.verdict.possible_bend
    assert bend.agrees_to < 2
    assert law.status is Status.CAUTION
    assert law.reason.endswith(f"its means differ beyond {bend.agrees_to:.2g} times the widest size")


def test_a_law_with_a_floor_is_usable_where_a_bend_predicts_the_same(with_floor):
    assert with_floor.verdict.possible_bend.agrees_to >= 2
    assert with_floor.laws["floor"].status is Status.USABLE


def test_predictions_beyond_the_agreement_have_the_mean_with_a_bend(with_floor):
    bend = with_floor.verdict.possible_bend
    marks = {(one.form, one.x): one.mean_with_bend for one in predict(with_floor, [8, 64, 128, 640])}
    assert marks.pop(("floor", 640.0)) == bend.predict(640)
    assert set(marks.values()) == {None}


def test_the_verdict_says_that_both_are_possible(with_bend):
    verdict = with_bend.verdict
    floor_mean, bend_mean = verdict.possible_bend.far_means
    assert f"the mean is {floor_mean:.3g} with the floor or {bend_mean:.3g} with the bend" in verdict.evidence
    saved = json.loads(json.dumps(verdict.to_dict()))["possible_bend"]
    assert list(saved["parameters"]) == ["amplitude", "exponent", "beyond", "bend"]
    assert saved["far_means"] == [floor_mean, bend_mean]


def test_precise_data_exclude_the_bends_that_differ_from_a_large_floor():
    """With an exponent of 1, the smoothest bend remains: it is the law with a floor."""
    fitted = fit_planted(lambda x: 0.4 / x + 0.1, 0, noise=1e-3)
    assert fitted.verdict.choice is FormChoice.FLOOR
    assert fitted.verdict.possible_bend.form is BROKEN_FORMS[-1]
    assert "to 5 %, up to 10 times the widest size or more" in fitted.verdict.evidence
    assert fitted.laws["floor"].status is Status.USABLE


def test_no_other_verdict_has_a_possible_bend():
    fitted = fit_planted(lambda x: 0.4 * x**-0.5, 0)
    assert (fitted.verdict.choice, fitted.verdict.possible_bend) == (FormChoice.POWER, None)


@pytest.mark.simulation
@pytest.mark.parametrize("curve", [bent, smoothly_bent])
def test_a_law_with_a_floor_is_rarely_usable_on_a_curve_that_falls_on(curve):
    studies = 40
    fits = [fit_planted(curve, study, runs=4) for study in range(studies)]
    usable = sum(fitted.laws["floor"].status is Status.USABLE for fitted in fits)
    assert usable <= binom.isf(1e-3, studies, 0.05)


@pytest.mark.simulation
def test_most_laws_with_a_true_floor_stay_usable():
    studies = 40
    fits = [fit_planted(floored, study) for study in range(studies)]
    assert sum(fitted.laws["floor"].status is Status.USABLE for fitted in fits) >= 0.75 * studies

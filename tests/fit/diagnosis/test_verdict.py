"""Verdicts between the forms: right if the data decide, ``cannot tell`` if they do not, and rarely wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from scaling.fit import EstimationOptions, FormChoice, Points, fit
from scaling.fit.diagnosis.verdict import FLOOR_P, MIN_COVARIANCE_DRAWS
from scaling.fit.estimation.quasi_likelihood import quasi_loglik
from scaling.fit.form_choice import Verdict
from scaling.fit.forms import BROKEN, FLOOR, Form
from tests.fit.planted_laws import DISPERSION, bare_points, curve, plant, variance_model

WIDE = (1, 2, 3, 4, 6, 8, 12, 16)
STUDIES = 100


def verdicts(
    floor: float,
    *,
    seeds: int = 8,
    widths: tuple[int, ...] = WIDE,
    test_images: int = 10_000,
    studies: int = STUDIES,
) -> list[FormChoice]:
    """Return the verdicts of many studies of one planted law."""
    laws = (
        plant(
            (0.4, 0.5, floor),
            np.random.default_rng([7, k]),
            widths=widths,
            seeds=seeds,
            test_images=test_images,
        )
        for k in range(studies)
    )
    return [fit(points, EstimationOptions(resamplings=200)).verdict.choice for points in laws]


@pytest.mark.parametrize("test_images", [1000, None])
def test_quasi_loglik_is_the_integral_of_the_quasi_score(test_images):
    """Compare with quadrature between two curves; one exceeds 1/2, above which the variance is constant."""
    y, low, high = 0.45, 0.3, 0.8
    points = Points(x_name="x", y_name="y", x=np.array([2.0]), y=np.array([y]), test_images=test_images)
    expected, _ = integrate.quad(
        lambda t: (y - t) / float(variance_model(test_images).variance(np.array([t]))[0]),
        low,
        high,
        points=[0.5],
    )
    assert quasi_loglik(points, np.array([high])) - quasi_loglik(points, np.array([low])) == pytest.approx(
        expected, rel=1e-9
    )


def test_quasi_loglik_is_binomial_for_counts_and_gamma_for_bare_values():
    counts = plant((0.4, 0.5, 0.0), np.random.default_rng(0))
    bare_values = bare_points(counts.x, counts.y)
    curves = [curve(counts.widths, law) for law in ((0.4, 0.5, 0.0), (0.35, 0.45, 0.01))]
    for points, log_density in (
        (counts, lambda mean: stats.binom.logpmf((1000 * counts.y).round(), 1000, mean)),
        (bare_values, lambda mean: stats.gamma.logpdf(bare_values.y, 1, scale=mean)),
    ):
        first, second = (float(log_density(mean[points.width_index]).sum()) for mean in curves)
        assert quasi_loglik(points, curves[0]) - quasi_loglik(points, curves[1]) == pytest.approx(
            first - second, rel=1e-9
        )


@pytest.mark.simulation
def test_a_missing_floor_is_rarely_needed():
    n_floor = verdicts(0.0).count(FormChoice.FLOOR)
    # The test rejects a share FLOOR_P of such studies; more than this with a probability of 1e-4.
    assert n_floor <= stats.binom.isf(1e-4, STUDIES, FLOOR_P)


@pytest.mark.simulation
def test_precise_data_without_a_floor_give_a_power_law():
    assert (
        verdicts(0.0, seeds=16, widths=(*WIDE, 32, 64), test_images=100_000, studies=60).count(
            FormChoice.POWER
        )
        > 45
    )


@pytest.mark.simulation
def test_precise_data_with_a_floor_need_one():
    assert verdicts(0.05, studies=60).count(FormChoice.FLOOR) == 60


@pytest.mark.simulation
def test_a_floor_of_more_than_a_fifth_is_rarely_called_a_power_law():
    floor = 0.3 * 0.4 * 16**-0.5 / 0.7  # three tenths of the widest mean
    assert verdicts(floor).count(FormChoice.POWER) <= stats.binom.isf(1e-4, STUDIES, 0.05)


@pytest.mark.simulation
def test_few_noisy_widths_cannot_tell():
    choices = verdicts(0.0, seeds=2, widths=(1, 2, 3, 4, 6), test_images=500, studies=60)
    assert choices.count(FormChoice.UNCLEAR) > 50


def test_a_misfit_of_both_laws_is_not_evidence_of_a_floor():
    """The law with a floor also misfits a curve that falls, rests and falls again."""
    x = np.repeat(np.array(WIDE, float), 8)
    mean = 0.3 * x**-0.5 * np.exp(0.15 * np.sin(3 * np.log(x)))
    rng = np.random.default_rng(3)
    errors = rng.normal(10_000 * mean, np.sqrt(DISPERSION * 10_000 * mean * (1 - mean))).round() / 10_000
    verdict = fit(
        Points(x_name="filters", y_name="test_error", x=x, y=errors, test_images=10_000),
        EstimationOptions(resamplings=200),
    ).verdict
    assert verdict.choice is not FormChoice.POWER
    assert verdict.floor_p > FLOOR_P


def test_a_limit_below_one_per_cent_is_not_shown_as_zero():
    evidence = Verdict(choice=FormChoice.UNCLEAR, floor_limit=0.0, drift_limit=0.004).evidence
    assert evidence.startswith("the floor is at most 1 % of the mean")
    assert "changes by at most 1 %" in evidence


def plant_form(rng: np.random.Generator, law: tuple[float, ...], form: Form) -> Points:
    """Return points at ten widths of a law of another form."""
    x = np.repeat(np.array((*WIDE, 24, 32), float), 8)
    mean = form.evaluate(np.array(law), x)
    errors = rng.normal(10_000 * mean, np.sqrt(DISPERSION * 10_000 * mean * (1 - mean))).round() / 10_000
    return Points(x_name="filters", y_name="test_error", x=x, y=errors, test_images=10_000)


@pytest.mark.simulation
def test_precise_data_with_a_bend_give_that_verdict():
    fits = [
        fit(
            plant_form(np.random.default_rng([5, k]), (0.4, 0.2, 0.9, 7.0), BROKEN),
            EstimationOptions(resamplings=100),
        )
        for k in range(30)
    ]
    assert [fitted.verdict.choice for fitted in fits] == [FormChoice.BENDS] * 30
    n_covered = sum(
        fitted.laws["broken"].parameters["beyond"].low
        <= 0.9
        <= fitted.laws["broken"].parameters["beyond"].high
        for fitted in fits
    )
    assert n_covered >= 24  # 95 % of 30, fewer with a probability of 1e-3
    assert "of the law that bends: p =" in fits[0].verdict.evidence


@pytest.mark.simulation
def test_a_floor_is_rarely_called_a_bend():
    fits = [
        fit(
            plant_form(np.random.default_rng([6, k]), (0.4, 0.5, 0.03), FLOOR),
            EstimationOptions(resamplings=50),
        )
        for k in range(100)
    ]
    bends = [fitted.verdict.choice for fitted in fits].count(FormChoice.BENDS)
    assert bends <= 2  # 0.1 % of 100: more with a probability of 2e-4
    assert all(
        "broken" not in fitted.laws for fitted in fits if fitted.verdict.choice is not FormChoice.BENDS
    )


def test_a_verdict_lists_its_evidence():
    verdict = fit(
        plant((0.4, 0.5, 0.05), np.random.default_rng(0), widths=WIDE, seeds=8, test_images=10_000),
        EstimationOptions(resamplings=200),
    ).verdict
    assert verdict.choice is FormChoice.FLOOR
    assert verdict.floor_p < FLOOR_P < 0.2 < verdict.floor_limit
    expected = (
        f"a floor of 0: p = {verdict.floor_p:.2g}; {verdict.possible_bend.description}; "
        f"the floor is at most {100 * verdict.floor_limit:.0f} % of the mean of the widest networks"
    )
    assert verdict.evidence.startswith(expected)
    assert verdict.to_dict()["choice"] == "floor needed"


def test_without_both_forms_there_is_no_verdict():
    verdict = fit(
        plant((0.4, 0.5, 0.0), np.random.default_rng(0)), EstimationOptions(forms=("power",), resamplings=50)
    ).verdict
    assert (verdict.choice, verdict.floor_p, verdict.floor_limit, verdict.holdout_ok, verdict.evidence) == (
        FormChoice.UNCLEAR,
        None,
        None,
        None,
        "",
    )


def test_rounding_of_a_formula_is_not_evidence():
    x = np.array(WIDE, float)
    for points in (
        bare_points(x, 2 * x**-0.5),
        bare_points(np.repeat(x, 3), np.repeat(2 * x**-0.5 * (1 + 0.01 * np.cos(x)), 3)),
    ):
        verdict = fit(points, EstimationOptions(resamplings=50)).verdict
        assert (verdict.choice, verdict.floor_p) == (FormChoice.UNCLEAR, None)


@pytest.mark.parametrize(
    "y", [[0.3] * 8, [1.0] * 8, [0.1 * k for k in range(1, 9)]], ids=["constant", "all wrong", "rising"]
)
def test_values_that_do_not_fall_get_no_verdict(y):
    verdict = fit(bare_points(WIDE, y), EstimationOptions(resamplings=50)).verdict
    assert verdict.choice is FormChoice.UNCLEAR


def test_a_rising_error_is_a_reason_for_caution():
    rng = np.random.default_rng(0)
    x = np.repeat(np.array(WIDE, float), 4)
    law = fit(
        bare_points(x, 0.1 * x**0.3 * rng.normal(1, 0.02, len(x))), EstimationOptions(resamplings=100)
    ).laws["power"]
    assert "loss rises" in law.reason


@pytest.mark.parametrize("resamplings", [1, 2, 30])
def test_few_resamplings_suffice_for_a_verdict(resamplings):
    fitted = fit(plant((0.4, 0.5, 0.0), np.random.default_rng(0)), EstimationOptions(resamplings=resamplings))
    assert (fitted.verdict.holdout_ok is None) == (resamplings < MIN_COVARIANCE_DRAWS)

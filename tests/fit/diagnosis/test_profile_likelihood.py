"""Profile intervals and estimates against SciPy and lmfit on the same likelihood."""

from __future__ import annotations

import lmfit
import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.stats import binom, f

from scaling.errors import FitError
from scaling.fit import EstimationOptions, Fit, Points, fit, preferred_law
from scaling.fit.diagnosis.profile_likelihood import profile_law, profile_laws
from scaling.fit.estimation.quasi_likelihood import quasi_loglik
from simulations.scenarios import EXPONENT, Scenario
from tests.fit.planted_laws import bare_points, plant

FLOORED = plant((0.4, 0.5, 0.06), np.random.default_rng(0), seeds=8, test_images=10_000)
SPREAD = np.exp(0.03 * np.random.default_rng(1).standard_normal(len(FLOORED.x)))
CASES = pytest.mark.parametrize(
    ("points", "form"),
    [(FLOORED, "power"), (FLOORED, "floor"), (bare_points(FLOORED.x, FLOORED.y * SPREAD), "floor")],
    ids=["counts, power", "counts, floor", "bare values, floor"],
)


def fit_points(points: Points) -> Fit:
    return fit(points, EstimationOptions(resamplings=50))


def loss(parameters: np.ndarray, fitted: Fit, form: str) -> float:
    """Minus twice the quasi-likelihood over the dispersion."""
    if (parameters[[0, *range(2, len(parameters))]] <= 0).any():
        return np.inf
    law = fitted.laws[form]
    return (
        -2
        * quasi_loglik(fitted.points, law.form.evaluate(parameters, fitted.points.widths))
        / law.dispersion.value
    )


@pytest.mark.simulation
@CASES
def test_scipy_finds_the_same_parameters_and_profile(points: Points, form: str):
    fitted = fit_points(points)
    law = fitted.laws[form]
    estimate = np.array([law.parameters[name].estimate for name in law.form.parameters])
    options = {"xatol": 1e-12, "fatol": 1e-13, "maxiter": 10_000, "maxfev": 10_000}
    best = minimize(loss, estimate * 1.05, (fitted, form), method="Nelder-Mead", options=options)
    np.testing.assert_allclose(estimate, best.x, rtol=1e-6)
    profile, level = profile_law(fitted, form), f.ppf(0.95, 1, law.dispersion.dof)
    assert profile.confirmed

    # The loss rises by the level over the interval: an error of 1e-8 in it is far below the bound of 1e-4.
    inner_options = options | {"xatol": 1e-7, "fatol": 1e-8}

    def excess(exponent: float) -> float:
        def rest(others: np.ndarray) -> float:
            return loss(np.insert(others, 1, exponent), fitted, form)

        return (
            minimize(rest, np.delete(estimate, 1), method="Nelder-Mead", options=inner_options).fun
            - best.fun
            - level
        )

    low, high = (
        brentq(excess, estimate[1] - 0.3, estimate[1], xtol=1e-7),
        brentq(excess, estimate[1], estimate[1] + 0.3, xtol=1e-7),
    )
    exponent_interval = profile.parameters["exponent"]
    np.testing.assert_allclose((exponent_interval.low, exponent_interval.high), (low, high), rtol=1e-4)


@CASES
def test_lmfit_finds_the_same_parameters_and_intervals(points: Points, form: str):
    """Least squares of the signed roots of the deviance have the same optimum and the same profile."""
    fitted = fit_points(points)
    law, means, weights = fitted.laws[form], points.means, points.weights

    def residuals(given: lmfit.Parameters) -> np.ndarray:
        curve = law.form.evaluate(
            np.array([given[name].value for name in law.form.parameters]), points.widths
        )
        deviance = (
            2
            * weights
            * (
                points.variance_model.quasi_loglik(means, means)
                - points.variance_model.quasi_loglik(means, curve)
            )
            / law.dispersion.value
        )
        return np.sign(means - curve) * np.sqrt(np.maximum(deviance, 0))

    start = lmfit.Parameters()
    for name in law.form.parameters:
        start.add(name, law.parameters[name].estimate * 1.02, min=-10 if name == "exponent" else 1e-9)
    fitter = lmfit.Minimizer(residuals, start, scale_covar=False)
    result = fitter.minimize(method="leastsq", xtol=1e-14, ftol=1e-14)
    for name in law.form.parameters:
        assert result.params[name].value == pytest.approx(law.parameters[name].estimate, rel=2e-6)

    def chance(best: object, other: object) -> float:
        """Return the confidence that a value is wrong: F with the degrees of freedom of the dispersion."""
        return float(f.cdf(other.chisqr - best.chisqr, 1, law.dispersion.dof))

    limits = lmfit.conf_interval(fitter, result, sigmas=[0.95], prob_func=chance)
    profile = profile_law(fitted, form)
    for name in law.form.parameters:
        (_, low), *_, (_, high) = limits[name]
        np.testing.assert_allclose(
            (profile.parameters[name].low, profile.parameters[name].high), (low, high), rtol=1e-3
        )


def test_a_floor_at_its_bound_has_a_one_sided_profile():
    fitted = next(
        fitted
        for k in range(10)
        if (fitted := fit_points(plant((0.4, 0.5, 0.0), np.random.default_rng(k))))
        .laws["floor"]
        .parameters["floor"]
        .estimate
        == 0
    )
    floor = profile_law(fitted, "floor").parameters["floor"]
    assert floor.low == 0 < floor.high < 0.2


def test_a_profile_interval_agrees_with_the_bootstrap():
    """With many seeds, the widths of the two intervals agree within a fifth."""
    fitted = fit(
        plant((0.4, 0.5, 0.0), np.random.default_rng(3), seeds=16, test_images=10_000),
        EstimationOptions(forms=("power",), resamplings=2000),
    )
    profile_interval, bootstrap = (
        profile_law(fitted).parameters["exponent"],
        fitted.laws["power"].parameters["exponent"],
    )
    width, bootstrap_width = (interval.high - interval.low for interval in (profile_interval, bootstrap))
    assert width / bootstrap_width == pytest.approx(1, abs=0.2)


def test_a_profile_of_very_many_runs_has_limits():
    rng, x = np.random.default_rng(9), np.tile(2.0 ** np.arange(8), 12_500)
    fitted = fit_points(bare_points(x, 0.4 * x**-0.5 * np.exp(0.02 * rng.standard_normal(len(x)))))
    for profile in profile_laws(fitted):
        exponent = profile.parameters["exponent"]
        assert 0.499 < exponent.low < 0.5 < exponent.high < 0.501


def test_a_profile_of_a_curve_with_little_scatter_has_limits():
    x = np.geomspace(1, 64, 12)
    for study in range(4):
        scatter = np.exp(1e-4 * np.random.default_rng(study).standard_normal(12))
        fitted = fit(
            bare_points(x, (0.05 + 0.9 / (1 + (x / 8) ** 0.6)) * scatter),
            EstimationOptions(resamplings=50, forms=("m4",)),
        )
        profile = profile_law(fitted, "m4")
        exponent = profile.parameters["exponent"]
        assert profile.confirmed
        assert 0.55 < exponent.low < exponent.estimate < exponent.high < 0.65


def test_a_profile_covers_the_forms_that_the_law_covers():
    """The named power law covers the law with a floor, in its bootstrap and in its profile interval."""
    scenario = Scenario(noise="under", widths=8, seeds=16, floor=0.05)
    fitted = fit(scenario.simulate(np.random.default_rng(0)), EstimationOptions(resamplings=200))
    profiles = {profile.form: profile for profile in profile_laws(fitted)}
    for name, law in fitted.laws.items():
        covered = {draws.form.name for draws in law.draw_sets} - {name}
        assert set(profiles[name].covered_forms) == covered
        for other in covered:
            inner, outer = (profiles[form].parameters["exponent"] for form in (other, name))
            assert outer.low <= inner.estimate <= outer.high
    assert fitted.verdict.form == "power"
    assert profiles["power"].covered_forms == ("floor",)


@pytest.mark.simulation
def test_the_profile_of_the_named_law_contains_the_truth_whatever_its_form():
    """With a floor of 5 % of the widest error, the profile of the power law alone misses the exponent in most
    studies with 16 seeds."""
    studies, covered = 40, 0
    scenario = Scenario(noise="under", widths=8, seeds=16, floor=0.05)
    for study in range(studies):
        points = scenario.simulate(np.random.default_rng([3, study]))
        fitted = fit(points, EstimationOptions(resamplings=200, seed=study))
        exponent = profile_law(fitted, preferred_law(fitted).form.name).parameters["exponent"]
        covered += exponent.low <= EXPONENT <= exponent.high
    assert covered >= binom.ppf(1e-3, studies, 0.95)


def test_a_missing_law_has_no_profile():
    with pytest.raises(FitError, match="has no law of the form m4"):
        profile_law(fit_points(FLOORED), "m4")

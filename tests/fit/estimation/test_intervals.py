"""Intervals hold the planted truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm, t

from scaling.fit import EstimationOptions, Points, fit
from scaling.fit.data.variance import Dispersion, DispersionSource
from scaling.fit.estimation.bootstrap import resample_means
from tests.fit.planted_laws import DISPERSION, WIDTHS, bare, plant, variance_model


def hits(law: tuple[float, float, float], form: str, parameter: str, studies: int) -> int:
    """How many of many studies' intervals hold the truth."""
    truth = dict(zip(("amplitude", "exponent", "floor"), law, strict=True))[parameter]
    found = 0
    for study in range(studies):
        points = plant(law, np.random.default_rng([1, study]))
        interval = (
            fit(points, EstimationOptions(forms=(form,), holdout=0, resamplings=200, seed=study))
            .laws[form]
            .parameters[parameter]
        )
        found += interval.low <= truth <= interval.high
    return found


@pytest.mark.parametrize(
    ("form", "floor", "studies"), [("power", 0.0, 400), ("floor", 0.03, 400), ("floor", 0.0, 400)]
)
def test_exponents_interval_is_honest_with_four_seeds(form: str, floor: float, studies: int):
    found = hits((0.4, 0.5, floor), form, "exponent", studies)
    # Hits are binomial. Intervals that hold the truth in 90 % of all studies or less would hit as often as this in one of 20 repeats at most,
    # and those that hold it in 99 % or more as seldom as this in one of 10. So the coverage lies between, at these levels.
    assert binom.sf(found - 1, studies, 0.90) < 0.05
    assert binom.cdf(found, studies, 0.99) < 0.10


def test_without_a_floor_its_interval_is_one_sided():
    laws = [
        fit(
            plant((0.4, 0.5, 0.0), np.random.default_rng(k)),
            EstimationOptions(forms=("floor",), resamplings=200),
        ).laws["floor"]
        for k in range(40)
    ]
    floors = [law.parameters["floor"] for law in laws]
    # Each lower end is above 0 with a probability of 2.5 %: more than 5 of 40 with one of 3e-4.
    assert sum(floor.low > 0 for floor in floors) <= 5
    assert all(floor.low >= 0 for floor in floors)
    assert (
        sum(floor.estimate == 0 for floor in floors) >= 8
    )  # half of them are; fewer than 8 with a probability of 2e-5
    assert np.median([floor.estimate for floor in floors]) < 0.02


def test_resampled_means_scatter_as_students_interval_has_it():
    points = plant((0.4, 0.5, 0.0), np.random.default_rng(0), seeds=5)
    draws = 20_000
    known = Dispersion(value=1.0, dof=points.run_dispersion.dof, source=DispersionSource.RUNS)
    drawn = resample_means(points, points.means, dispersion=known, draws=draws, seed=1)
    expected = points.std / np.sqrt(5) * t.ppf(0.975, known.dof) / norm.ppf(0.975)
    # Four sigma of a mean and of a standard deviation.
    assert (np.abs(drawn.mean(axis=0) - points.means) < 4 * expected / np.sqrt(draws)).all()
    np.testing.assert_allclose(drawn.std(axis=0), expected, rtol=4 / np.sqrt(2 * draws))


def test_a_single_run_scatters_as_the_others_do():
    points = plant((0.4, 0.5, 0.0), np.random.default_rng(0), seeds=8)
    single = Points(
        x_name="filters",
        y_name="test_error",
        x=np.append(points.x, 24.0),
        y=np.append(points.y, 0.08),
        test_images=1000,
    )
    share = single.run_dispersion.value
    assert share == pytest.approx(points.run_dispersion.value)
    draws = 20_000
    curve = 0.4 * single.widths**-0.5
    known = Dispersion(value=share, dof=single.run_dispersion.dof, source=DispersionSource.RUNS)
    drawn = resample_means(single, curve, dispersion=known, draws=draws, seed=1)
    expected = (
        t.ppf(0.975, known.dof)
        / norm.ppf(0.975)
        * np.sqrt(share * variance_model(1000).variance(curve[-1:])[0])
    )
    assert drawn[:, -1].std() == pytest.approx(expected, rel=4 / np.sqrt(2 * draws))
    assert (
        fit(single, EstimationOptions(resamplings=50)).notes[0]
        == "Widths with one run: 1; their scatter is estimated from the other widths."
    )


def test_dispersion_is_the_planted_one():
    points = plant((0.4, 0.5, 0.0), np.random.default_rng(0), seeds=300)
    # Four sigma of a variance.
    assert points.run_dispersion.value == pytest.approx(
        DISPERSION, rel=4 * np.sqrt(2 / points.run_dispersion.dof)
    )
    spread = np.random.default_rng(0).lognormal(0, 0.1, len(points.x))
    assert bare(points.x, spread / points.x).run_dispersion.value == pytest.approx(
        0.1**2, rel=0.2
    )  # log-normal: exp(0.01) - 1, and four sigma


def test_without_replicates_the_interval_rests_on_the_residuals():
    rng = np.random.default_rng(0)
    laws = [
        fit(
            plant((0.4, 0.5, 0.0), rng, seeds=1, widths=(*WIDTHS, 16)),
            EstimationOptions(forms=("power",), holdout=0, resamplings=100),
        ).laws["power"]
        for _ in range(200)
    ]
    held = sum(law.parameters["exponent"].low <= 0.5 <= law.parameters["exponent"].high for law in laws)
    assert 178 <= held <= 198  # 95 % of 200; beyond with a probability of 1e-3 on either side
    noted = fit(plant((0.4, 0.5, 0.0), rng, seeds=1)).notes
    assert noted == (
        "No width has two runs from which to estimate the scatter: the intervals rest on the residuals of the "
        "means about each law. Train more seeds for intervals that rest on replicates.",
    )


def test_draws_are_those_of_the_seed_and_paired_between_forms():
    points = plant((0.4, 0.5, 0.05), np.random.default_rng(0))
    first, again, other = (
        fit(points, EstimationOptions(resamplings=50, seed=seed)).laws for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first["floor"].draws, again["floor"].draws)
    assert (first["floor"].draws != other["floor"].draws).any()
    alone = fit(points, EstimationOptions(resamplings=50, seed=3, forms=("floor",))).laws["floor"]
    np.testing.assert_array_equal(first["floor"].draws, alone.draws)


def test_a_band_holds_its_curve_and_an_interval_its_estimate():
    law = fit(plant((0.4, 0.5, 0.05), np.random.default_rng(0)), EstimationOptions(resamplings=200)).laws[
        "floor"
    ]
    x = np.geomspace(1, 100, 20)
    low, high = law.band(x)
    assert low.shape == law.predict(x).shape == (20,)
    np.testing.assert_allclose(
        (law.predict(1), *law.band(1)), (law.predict(x)[0], low[0], high[0]), rtol=1e-12
    )
    assert ((low <= law.predict(x)) & (law.predict(x) <= high)).all()
    lower, higher = law.band(x, simultaneous=True)
    assert ((lower < low) & (high < higher)).all()
    assert all(interval.low <= interval.estimate <= interval.high for interval in law.parameters.values())


def test_a_simultaneous_band_holds_the_whole_curve():
    """In about 95 % of studies, where bands at each x by itself hold it less often."""
    studies, x = 200, np.geomspace(1, 24, 25)
    truth, held = 0.4 * x**-0.5, {"each": 0, "all": 0}
    for k in range(studies):
        law = fit(
            plant((0.4, 0.5, 0.0), np.random.default_rng([8, k])),
            EstimationOptions(forms=("power",), holdout=0, resamplings=300, seed=k),
        ).laws["power"]
        for name, (low, high) in {"each": law.band(x), "all": law.band(x, simultaneous=True)}.items():
            held[name] += ((low <= truth) & (truth <= high)).all()
    # Of 200 at 95 %, between 178 and 198, beyond with a probability of 1e-3 on either side.
    assert 178 <= held["all"] <= 198
    assert held["each"] < held["all"]

"""Simulated studies have the means, the scatter and the shared effects of the study that they repeat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scaling.fit.data.points import Points
from scaling.fit.data.variance import Dispersion, DispersionSource
from scaling.fit.simulated_study import simulate_study
from tests.fit.planted_laws import WIDTHS, curve, plant

LAW = (0.4, 0.5, 0.05)
SEEDS, COPIES, STUDIES = 8, 3, 400
MEANS = curve(np.array(WIDTHS, dtype=float), LAW)


def study() -> Points:
    points = plant(LAW, np.random.default_rng(0), seeds=SEEDS, test_images=10_000)
    seed = np.tile(np.arange(SEEDS), len(WIDTHS))
    return replace(points, seed=seed, order=seed // 4)


def simulate(dispersion: Dispersion, points: Points | None = None) -> list[Points]:
    given = points or study()
    return [
        simulate_study(given, MEANS, dispersion, np.random.default_rng(k), copies=COPIES)
        for k in range(STUDIES)
    ]


def test_copies_have_seeds_and_orders_of_their_own():
    points = study()
    (one, *_) = simulate(points.run_dispersion)
    assert list(one.counts) == [COPIES * SEEDS] * len(WIDTHS)
    assert len(set(zip(one.x, one.seed, strict=True))) == len(one.x)
    assert len(np.unique(one.order)) == COPIES * len(np.unique(points.order))
    assert all(len(set(one.order[one.seed == seed])) == 1 for seed in np.unique(one.seed))


def test_runs_scatter_about_the_curve_as_the_measured_ones():
    dispersion = study().run_dispersion
    studies = simulate(dispersion)
    std = np.sqrt(dispersion.value * study().variance_model.variance(MEANS) / (COPIES * SEEDS))
    means = np.array([one.means for one in studies])
    # Both bounds lie five standard errors from the truth.
    assert np.abs(means.mean(axis=0) - MEANS).max() < 5 * (std / np.sqrt(STUDIES)).max()
    assert means.std(axis=0) / std == pytest.approx(np.ones(len(WIDTHS)), abs=5 / np.sqrt(2 * STUDIES))
    assert np.mean([one.run_dispersion.value for one in studies]) == pytest.approx(dispersion.value, rel=0.05)


@pytest.mark.parametrize(
    ("source", "share"), [(DispersionSource.ORDERS, 1 / COPIES), (DispersionSource.CURVE, 1)]
)
def test_more_seeds_reduce_the_effects_of_orders_but_no_misfit(source, share):
    runs = study().run_dispersion
    studies = simulate(Dispersion(value=9 * runs.value, dof=6, source=source, inflation=3.0))
    variance = np.var([one.means for one in studies], axis=0)
    one_run = runs.value * study().variance_model.variance(MEANS)
    expected = one_run / (COPIES * SEEDS) + (3.0**2 - 1) * one_run / SEEDS * share
    assert (variance / expected).mean() == pytest.approx(1, abs=5 * np.sqrt(2 / STUDIES / len(WIDTHS)))


def test_an_inflation_that_chance_explains_is_left_out():
    runs = study().run_dispersion
    inflated = Dispersion(value=2 * runs.value, dof=6, source=DispersionSource.CURVE, inflation=np.sqrt(2))
    for one, other in zip(simulate(inflated)[:5], simulate(runs)[:5], strict=True):
        assert np.array_equal(one.y, other.y)


def test_seeds_that_deviate_alike_stay_together():
    """A seed whose errors are 10 % too large at one width is so at every width of a simulated study."""
    given = study()
    factor = 1 + 0.1 * np.linspace(-1, 1, SEEDS)
    points = replace(given, y=MEANS[given.width_index] * factor[given.seed])
    dispersion = Dispersion(value=points.run_dispersion.value, dof=SEEDS - 1, source=DispersionSource.SEEDS)
    for one in simulate(dispersion, points)[:5]:
        relative = one.y / MEANS[one.width_index]
        per_seed = relative.reshape(COPIES, len(WIDTHS), SEEDS)
        assert np.ptp(per_seed, axis=1).max() < 0.05 < np.ptp(per_seed, axis=2).min()

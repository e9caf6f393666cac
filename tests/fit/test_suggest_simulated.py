"""Expected half widths of designs, and proposals, against many simulated studies."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import stats

from scaling.fit import EstimationOptions, Points, Quantity, fit, propose_runs
from scaling.fit.estimation.quasi_likelihood import maximise
from scaling.fit.forms import FLOOR
from scaling.fit.quantity import require_floored_law
from scaling.fit.result import DrawSet
from tests.fit.planted_laws import curve, plant
from tests.fit.suggest_cases import (
    CANDIDATES,
    LAW,
    SIZES,
    TEST_IMAGES,
    VALUES_LAW,
    make_candidates,
    make_design,
    plant_values,
)


def plant_study(kind: str, seed, seeds: int) -> Points:
    """Return a study of error counts or of values."""
    if kind == "values":
        return plant_values(seed, counts=seeds)
    return plant(LAW, np.random.default_rng(seed), widths=SIZES, seeds=seeds, test_images=TEST_IMAGES)


@cache
def small_and_large_studies(kind: str):
    """Return 60 fits of four seeds, and the parameters of the law with a floor of 400 studies of sixteen
    seeds; shared by three tests.
    """
    options = EstimationOptions(holdout=0, resamplings=400)
    small = [fit(plant_study(kind, [2, study], 4), options) for study in range(60)]
    large = [plant_study(kind, [1, study], 16) for study in range(400)]
    means = np.stack([points.means for points in large])
    return small, maximise(FLOOR, large[0], means, np.broadcast_to(large[0].weights, means.shape))


@pytest.mark.simulation
@pytest.mark.parametrize("of", ["exponent", "prediction@2x", "floor"])
@pytest.mark.parametrize(("kind", "law"), [("counts", LAW), ("values", VALUES_LAW)])
def test_expected_half_width_equals_that_of_many_fits(kind, law, of):
    """With four times the seeds, it is 1.96 times the scatter of the estimates of such studies."""
    quantity = Quantity.parse(of, 12.0)
    small, estimates = small_and_large_studies(kind)
    unit = 1.0 if of == "exponent" else float(curve(np.array([quantity.at]), law)[0])
    scatter = np.std(quantity.evaluate(DrawSet(FLOOR, estimates))) / unit
    expected = []
    for fitted in small:
        design = make_design(fitted, 1e-9, of, make_candidates(*SIZES))
        design.blocks += 3
        expected.append(design.expected_half_width)
    # The scatter of 400 estimates has an error of 3.5 %, and the median of 60 expectations a similar one:
    # four sigma of both.
    assert np.median(expected) == pytest.approx(1.96 * scatter, rel=0.2)


@pytest.mark.simulation
@pytest.mark.parametrize(("of", "target"), [("exponent", 0.03), ("prediction@2x", 0.02)])
@pytest.mark.parametrize("seeds", [4, 1])
def test_proposed_runs_reach_their_target_and_contain_the_truth(of, target, seeds):
    """Runs are proposed, trained and fitted until the interval is narrow enough, also from single values.

    A proposal costs at most about as much as all runs before it, because a law of few runs is a poor plan."""
    studies, covered, quantity = 20, 0, Quantity.parse(of, float(max(SIZES)))
    cost_of_run = np.array([one.block_cost_s / one.block_size for one in CANDIDATES])
    truth = VALUES_LAW[1] if of == "exponent" else float(curve(np.array([quantity.at]), VALUES_LAW)[0])
    for study in range(studies):
        runs = np.full(len(SIZES), seeds)
        for _ in range(12):
            fitted = fit(plant_values([3, study], counts=runs), EstimationOptions(holdout=0, resamplings=400))
            law = require_floored_law(fitted)
            if quantity.half_width(law) <= target:
                break
            sizes = [replace(one, existing_seeds=int(n)) for one, n in zip(CANDIDATES, runs, strict=True)]
            design = make_design(fitted, target, of, sizes=sizes)
            propose_runs([design], stop_after_s=float(runs @ cost_of_run))
            runs = design.runs
        assert quantity.half_width(law) <= target
        interval = law.derived_interval(quantity.evaluate)
        covered += interval.low <= truth <= interval.high
    assert covered >= stats.binom.ppf(1e-3, studies, 0.93)

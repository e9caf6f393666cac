"""The lowest place of planted curves: against a plain fit, refusals, and intervals that hold the truth as often as they say."""

from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
import pytest
from scipy.optimize import curve_fit

from scaling.errors import FitError
from scaling.fit import Points, Status
from scaling.fit.optimum import find_optimum

RATIOS = np.array([0.44, 0.88, 1.57, 2.67, 4.4, 7.75, 14.7, 32.5])
IMAGES, SEEDS = 10_000, 8


def planted(
    rng,
    *,
    least: float = 3.0,
    curvature: float = 0.02,
    level: float = 0.4,
    ratios=RATIOS,
    seeds: int = SEEDS,
    spread: float = 1.0,
):
    """Errors of networks whose mean is lowest at ``least``; seeds scatter ``spread`` times as far as counts of images."""
    x = np.repeat(ratios, seeds)
    mean = level * np.exp(curvature * np.log(x / least) ** 2)
    y = mean + spread * np.sqrt(mean * (1 - mean) / IMAGES) * rng.standard_normal(len(x))
    return Points(
        x_name="ratio", y_name="test_error", x=x, y=np.round(y * IMAGES) / IMAGES, test_images=IMAGES
    )


def test_the_parabola_is_that_of_a_plain_fit():
    points = planted(np.random.default_rng(7))
    found = find_optimum(points)
    means = np.array([points.y[points.x == x].mean() for x in RATIOS])
    std = np.sqrt(means * (1 - means) / IMAGES / SEEDS) / means
    fitted, _ = curve_fit(lambda u, a, b, c: a + b * u + c * u**2, np.log(RATIOS), np.log(means), sigma=std)
    assert found.x_opt.estimate == pytest.approx(np.exp(-fitted[1] / (2 * fitted[2])), rel=1e-6)
    assert found.curvature.estimate == pytest.approx(fitted[2], rel=1e-6)
    assert found.predict(RATIOS) == pytest.approx(np.exp(np.polyval(fitted[::-1], np.log(RATIOS))), rel=1e-6)
    assert (found.status, found.reason) == (Status.USABLE, "")


def test_ends_of_the_interval_are_where_the_slope_is_as_far_from_0_as_students_quantile():
    found = find_optimum(planted(np.random.default_rng(1)))
    for end in (found.x_opt.low, found.x_opt.high):
        u = log(end) - found.center
        slope, by = found.coefficients[1] + 2 * found.coefficients[2] * u, np.array([0, 1, 2 * u])
        assert abs(slope) / sqrt(by @ found.covariance @ by) == pytest.approx(
            2.0, abs=0.05
        )  # of 50 degrees of freedom and more


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("spread", "seeds", "ratios"), [(1.0, 8, RATIOS), (2.0, 4, RATIOS), (0.6, 8, RATIOS[1:6])]
)
def test_intervals_hold_the_planted_place(spread, seeds, ratios):
    rng, studies = np.random.default_rng(2), 600
    held = 0
    for _ in range(studies):
        found = find_optimum(planted(rng, spread=spread, seeds=seeds, ratios=ratios, curvature=0.04))
        held += found.x_opt.low <= 3.0 <= found.x_opt.high
    # Four sigma of a count. The scatter about the parabola is taken where it is larger by chance too, so a little more may be held.
    sigma = sqrt(studies * 0.95 * 0.05)
    assert 0.95 * studies - 4 * sigma < held < 0.95 * studies + 4.5 * sigma


@pytest.mark.simulation
def test_the_error_elsewhere_over_the_least_holds_the_truth():
    rng, studies, held = np.random.default_rng(3), 200, 0
    truth = np.exp(0.04 * np.log(1.0 / 3.0) ** 2)
    for _ in range(studies):
        over = find_optimum(planted(rng, curvature=0.04)).relative_to_minimum(1.0)
        held += over.low <= truth <= over.high
    assert held > 0.95 * studies - 4 * sqrt(studies * 0.95 * 0.05)
    found = find_optimum(planted(rng, curvature=0.04))
    assert found.relative_to_minimum(found.x_opt.estimate).low == 1
    assert found.relative_to_minimum(found.x_opt.estimate).estimate == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"curvature": 0.0}, "the curvature is not clearly positive"),
        ({"curvature": -0.02}, "the curvature is not clearly positive"),
        ({"least": 300.0}, "the optimum lies outside the values of ratio"),
        ({"ratios": RATIOS[2:5]}, "3 values of ratio for 3 parameters: any data would fit"),
    ],
)
def test_what_the_points_do_not_bracket_is_refused(changed, said):
    found = find_optimum(planted(np.random.default_rng(4), **changed))
    assert found.status is Status.REJECTED
    assert found.reason.startswith(said)
    if "curvature" in changed:
        assert (found.x_opt.low, found.x_opt.high) == (0, inf)


def test_few_values_few_seeds_and_another_shape_ask_for_a_look():
    rng = np.random.default_rng(5)
    few = find_optimum(planted(rng, ratios=RATIOS[[0, 2, 4, 7]], seeds=2, curvature=0.1))
    assert few.status is Status.CAUTION
    assert few.reason == "fewer than 5 values of ratio; fewer than 4 runs at a value"
    edge = find_optimum(planted(np.random.default_rng(1), least=30.0))
    assert "the interval reaches beyond" in edge.reason
    kink = planted(rng)
    bent = Points(
        **{
            **vars(kink),
            "y": 0.4 * np.maximum(1, kink.x / 8) ** 0.3 + 0.001 * rng.standard_normal(len(kink.x)),
        }
    )
    assert "from the parabola as their seeds explain" in find_optimum(bent).reason


def test_what_has_no_parabola_is_said():
    points = planted(np.random.default_rng(6), ratios=RATIOS[:2])
    with pytest.raises(FitError, match=r"needs at least 3 values of ratio, not 2; add values$"):
        find_optimum(points)
    zero = Points(
        x_name="ratio",
        y_name="test_error",
        x=np.array([1.0, 2, 3, 4]),
        y=np.array([0.1, 0, 0.1, 0.2]),
        test_images=10,
    )
    with pytest.raises(FitError, match=r"no run made an error at ratio 2"):
        find_optimum(zero)

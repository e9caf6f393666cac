"""Pareto fronts and winners against plain loops."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from scaling.fit import EstimationOptions, Fit, best_at_budget, fit_table, pareto_front, preferred_law
from tests.fit.planted_laws import plant

LAWS = {"shallow": (0.4, 0.3, 0.0), "deep": (0.9, 0.6, 0.0), "poor": (1.2, 0.3, 0.0)}
SIZES = {"shallow": (1, 2, 4, 8, 16, 32), "deep": (2, 4, 8, 16, 32, 64), "poor": (8, 16, 32, 64, 128, 256)}


@pytest.fixture(scope="module")
def fits() -> list[Fit]:
    """Shallow wins to 14.9, deep beyond, as (0.9 / 0.4)^(1 / 0.3)."""
    tables = []
    for k, (name, law) in enumerate(LAWS.items()):
        points = plant(law, np.random.default_rng([5, k]), widths=SIZES[name], seeds=6, test_images=10**5)
        n = len(points.x)
        columns = {
            "architecture": [name] * n,
            "macs": points.x,
            "test_error": points.y,
            "test_images": [10**5] * n,
        }
        tables.append(pa.table(columns))
    return fit_table(pa.concat_tables(tables), EstimationOptions(resamplings=300), x="macs")


def test_the_front_is_what_a_plain_loop_finds(fits):
    places = pareto_front(fits)
    assert len(places) == 18
    assert [place.x for place in places] == sorted(place.x for place in places)
    for place in places:
        assert place.on_front == all(other.error >= place.error for other in places if other.x <= place.x)
    assert {place.label for place in places if place.on_front} == {"shallow", "deep"}


def test_a_place_is_on_the_front_in_as_many_draws_as_its_margin_says(fits):
    shares = {(place.label, place.x): place.share_on_front for place in pareto_front(fits)}
    assert shares["shallow", 1.0] == 1
    assert shares["deep", 64.0] == 1
    assert all(share == 0 for (label, _), share in shares.items() if label == "poor")


def test_equal_means_share_the_front_about_half_and_half():
    rows = [("a", 1, 0.3 + d) for d in (-0.01, 0.0, 0.01)] + [("b", 1, 0.3 + d) for d in (-0.01, 0.0, 0.01)]
    rows += [(name, 2, 0.2 + d) for name in "ab" for d in (-0.01, 0.01)] + [(name, 3, 0.4) for name in "ab"]
    table = pa.table(
        dict(zip(("architecture", "macs", "loss"), map(list, zip(*rows, strict=True)), strict=True))
    )
    places = pareto_front(fit_table(table, EstimationOptions(resamplings=20), x="macs", y="loss"))
    first = [place for place in places if place.x == 1]
    assert [place.on_front for place in first] == [True, True]
    assert all(0.45 < place.share_on_front < 0.55 for place in first)
    assert [place.share_on_front for place in places if place.x == 3] == [None, None]  # trained once


def test_the_winner_of_a_budget_has_the_least_law_there(fits):
    budgets = [1.0, 3.0, 10.0, 20.0, 100.0, 200.0, 900.0]
    found = best_at_budget(fits, budgets, max_extrapolation=4.0)
    assert [each.budget for each in found] == budgets
    for each in found:
        able = {fit.label: float(preferred_law(fit).predict(each.budget)) for fit in fits}
        able = {
            fit.label: able[fit.label]
            for fit in fits
            if fit.points.widths[0] <= each.budget <= 4 * fit.points.widths[-1]
        }
        ranked = sorted(able, key=lambda name: able[name])
        assert (each.label, each.runner_up) == (ranked[0], ranked[1] if len(ranked) > 1 else "")
        assert each.error.low <= each.error.estimate <= each.error.high
    assert [each.label for each in found] == ["shallow", "shallow", "shallow", "deep", "deep", "deep", "poor"]
    assert found[0].runner_up_error is None
    assert [each.extrapolated for each in found] == [
        (),
        (),
        (),
        (),
        ("deep", "shallow"),
        ("deep",),
        ("poor",),
    ]
    assert all(each.share_best is None if not each.runner_up else each.share_best > 0.9 for each in found)
    assert best_at_budget(fits, [0.5]) == []

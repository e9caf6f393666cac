"""The simulation behind docs/suggest.md, in small: what it plants, how studies grow, and what the page shows."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from simulations.rounds import (
    BEYOND,
    BLOCK,
    CSV,
    HEADING,
    PAGE,
    SEEDS,
    TARGETS,
    WIDTHS,
    World,
    block_cost,
    cost,
    even,
    grow,
    line,
    suggested,
    table,
)


def test_runs_are_the_same_whoever_asks_for_them():
    world = World(draw=4, noise="under")
    few, many = world.points({1: 4, 6: 8}), world.points({1: 12, 2: 4, 6: 8})
    assert few.y[:4].tolist() == many.y[:4].tolist()
    assert few.y[4:].tolist() == many.y[16:].tolist()


@pytest.mark.parametrize(("noise", "dispersion"), [("under", 0.6), ("over", 3.0)])
def test_what_is_planted_is_the_law_and_its_noise(noise, dispersion):
    world = World(draw=1, noise=noise)
    points = world.points({3: 4000})
    amplitude, exponent, floor = world.law
    mean = amplitude * 3**-exponent + floor
    variance = dispersion * mean * (1 - mean) / 10_000
    assert points.y.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / 4000))
    assert points.y.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / 4000))
    assert World(draw=3, noise=noise).law[2] == 0 < floor


@pytest.mark.simulation
@pytest.mark.parametrize("of", TARGETS)
def test_studies_grow_until_they_are_within_the_target(of):
    start = cost(dict.fromkeys(WIDTHS, SEEDS))
    for draw in range(3):
        world = World(draw=draw, noise="under")
        ended = [grow(world, of, after) for after in (suggested(of, [*WIDTHS, *BEYOND]), even(of))]
        assert all(each.cost >= 1 for each in ended)
        # An even grid grows by the cost of all its widths.
        grown = (ended[1].cost - 1) * start / sum(map(block_cost, WIDTHS))
        assert grown == pytest.approx(ended[1].rounds)
        assert SEEDS == BLOCK


def test_the_page_shows_what_the_file_says():
    lines = list(csv.reader(CSV.read_text().splitlines()))
    assert tuple(lines[0]) == HEADING
    assert table(lines[1:]) in PAGE.read_text()


def test_a_line_has_every_column():
    assert len(line("exponent", "under", "between", 2)) == len(HEADING)

"""The simulation behind ``make coverage``, in small: what it plants, what it counts, and that intervals pass where they should."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from simulations.__main__ import confusion, coverage, page
from simulations.cells import Cell, cells, verdict_cells
from simulations.tally import QUANTITIES, Tally, tally

STUDIES = 80


@pytest.mark.parametrize("noise", ["under", "over", "orders", "images"])
def test_what_is_planted_is_the_cells_law(noise):
    """Means over many seeds, at four sigma of their scatter."""
    cell = Cell(noise=noise, widths=8, seeds=400, floor=0.25)
    points = cell.study(np.random.default_rng(0))
    truth = np.array([cell.mean(x) for x in points.widths])
    # Images are shared by all seeds: their own part does not shrink with them.
    images = (
        0
        if points.misclassified is None
        else points.misclassified.mean(axis=0).std() / np.sqrt(points.misclassified.shape[1])
    )
    orders = 0.03 * truth / np.sqrt(50) if noise == "orders" else 0
    assert (np.abs(points.means - truth) < 4 * (points.std / np.sqrt(400) + orders + 2 * images)).all()


def test_the_widest_error_is_the_same_whatever_the_floor():
    assert len({round(cell.mean(cell.sizes[-1]), 12) for cell in verdict_cells()}) == 1


@pytest.mark.simulation
@pytest.mark.parametrize(
    "cell",
    [cell for cell in cells() if cell.noise in ("under", "images") and cell.widths == 8 and cell.seeds == 8],
    ids=str,
)
def test_intervals_are_honest_in_small(cell):
    found = tally(cell, STUDIES)
    assert not any(found.fails(name) for name in QUANTITIES if name != "naive exponent")


def test_a_coverage_fails_where_a_binomial_test_refuses_it():
    cell = Cell(noise="under", widths=8, seeds=8, floor=0.4)

    def counted(held: int, floor: float = 0.4) -> Tally:
        return Tally(Cell(noise="under", widths=8, seeds=8, floor=floor), 4000, {"floor": held}, 0, Counter())

    assert [counted(round(4000 * share)).fails("floor") for share in (0.90, 0.93, 0.95, 0.97, 0.99)] == [
        True,
        False,
        False,
        False,
        True,
    ]
    assert [counted(round(4000 * share), floor=0.0).fails("floor") for share in (0.90, 0.95, 1.0)] == [
        True,
        False,
        False,
    ]
    assert cell.law[2] > 0


def test_the_page_shows_every_cell():
    grid = list(cells())
    found = [Tally(cell, 100, dict.fromkeys(QUANTITIES, 95), 3, Counter({"power law": 100})) for cell in grid]
    text = page(100, {"coverage": coverage(found), "verdicts": confusion(found)})
    assert text.count("| 95.0 | 95.0 | 95.0 | 95.0 | 3.0 |") == len(grid)
    assert text.count("| 100.0 | 0.0 | 0.0 |") == len(grid)

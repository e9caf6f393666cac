"""Free seeds are those that a plan of more seeds trains in the same packs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling.config import CellRun
from scaling.plan.free_seeds import FreeSeeds, find_free_seeds
from scaling.plan.packs import make_packs
from tests.plan.example_cells import cell


def packs_of(filters: int, seeds: int, done: int = 0):
    """Return the packs of one network with so many seeds, of which the first are trained."""
    network = replace(cell(filters), seeds=seeds)
    return make_packs(CellRun(network, network.run(seed)) for seed in range(done, seeds))


@pytest.mark.parametrize(("filters", "size"), [(2, 8), (40, 4), (100, 2), (300, 1)])
@pytest.mark.parametrize("seeds", range(1, 18))
def test_free_seeds_cost_no_pack_and_one_more_seed_costs_one(filters, size, seeds):
    free = find_free_seeds(packs_of(filters, seeds))
    same_cost = -(-seeds // size) * size
    assert free == ([FreeSeeds(seeds=seeds, same_cost=same_cost, networks=1)] if seeds < same_cost else [])
    assert (
        len(packs_of(filters, seeds))
        == len(packs_of(filters, same_cost))
        < len(packs_of(filters, same_cost + 1))
    )


def test_networks_of_equal_numbers_are_counted_together_and_trained_blocks_are_not():
    packs = [*packs_of(2, 3), *packs_of(3, 3), *packs_of(4, 3, done=1), *packs_of(6, 8, done=3)]
    (free,) = find_free_seeds([*packs, *packs_of(8, 3, done=3)])
    assert free == FreeSeeds(seeds=3, same_cost=8, networks=3)
    assert free.runs == 15

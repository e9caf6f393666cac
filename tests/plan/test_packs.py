"""Packs are canonical: what stands in a pack, and in which slot, follows from the runs alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.architectures import LayerTable, Lenet5, Tree3
from scaling.config import Cell, Run
from scaling.plan import Pack
from scaling.plan.packs import PACK_SIZE_BY_MACS, PACK_SIZES, make_packs, pack_size
from scaling.settings import ImageShape
from tests.plan.planned_cells import cell, chosen

CELLS = [
    cell(filters, learning_rate=rate, weight_decay=decay, epochs=epochs)
    for filters in (2, 40, 100, 300)
    for rate in (0.05, 0.1)
    for decay in (0.0, 1e-4)
    for epochs in (1, 2)
]
"""LeNets that train in packs of 8, 4, 2 and 1."""

wanted = chosen(CELLS, seeds=41)


def test_the_cells_are_of_every_size():
    assert sorted({pack_size(cell.layer_table()) for cell in CELLS}) == list(PACK_SIZES) == [1, 2, 4, 8]


@given(wanted)
def test_every_run_is_in_exactly_one_pack(runs: list[tuple[Cell, Run]]):
    assert sorted(run.id for made in make_packs(runs) for run in made.runs) == sorted(
        run.id for _, run in runs
    )


@given(wanted)
def test_a_pack_is_of_one_shape_one_order_and_one_aligned_block(runs: list[tuple[Cell, Run]]):
    for made in make_packs(runs):
        size = pack_size(made.layer_table)
        assert made.size == size
        assert len({run.seed // size for run in made.runs}) == 1
        assert made.slots == [run.seed % size for run in made.runs]
        assert made.slots == sorted(set(made.slots))
        assert len({(run.data, run.architecture, run.order, run.training_version) for run in made.runs}) == 1
        assert {run.recipe for run in made.runs} == {made.cell.recipe}


@given(wanted, st.randoms())
def test_packs_do_not_depend_on_the_order_of_the_runs(runs: list[tuple[Cell, Run]], random):
    shuffled = random.sample(runs, len(runs))
    assert {made.key for made in make_packs(runs)} == {made.key for made in make_packs(shuffled)}


@given(wanted)
def test_what_trains_is_whole_and_has_each_run_in_its_slot(runs: list[tuple[Cell, Run]]):
    for made in make_packs(runs):
        assert [run.seed % made.size for run in made.replicas] == list(range(made.size))
        assert len({run.order for run in made.replicas}) == 1
        assert all(made.replicas[slot] is run for slot, run in zip(made.slots, made.runs, strict=True))


def test_a_partial_pack_keeps_its_size_and_fills_up_with_the_runs_that_would_stand_there():
    mine = cell(2)
    whole = [mine.run(seed) for seed in range(8, 16)]
    (made,) = make_packs((mine, run) for run in whole if run.seed in (9, 14))
    assert (made.size, made.slots) == (8, [1, 6])
    assert [run.id for run in made.replicas] == [run.id for run in whole]


few = chosen(CELLS[:4], seeds=10)


@given(few, few)
def test_packs_have_one_key_exactly_where_they_train_the_same_networks(
    some: list[tuple[Cell, Run]], others: list[tuple[Cell, Run]]
):
    """So two that share a run share a claim, and a checkpoint is only found by who can go on from it."""
    for one in make_packs(some):
        for other in make_packs(others):
            same = [run.id for run in one.replicas] == [run.id for run in other.replicas]
            assert (one.key == other.key) == same
            assert same or not {run.id for run in one.runs} & {run.id for run in other.runs}


def test_packs_of_one_plan_have_keys_of_their_own():
    made = make_packs((mine, mine.run(seed)) for mine in CELLS for seed in range(41))
    assert len({one.key for one in made}) == len(made)


def test_mixed_rates_are_another_pack():
    """No plan makes one, but training takes it, and a checkpoint of one is of no use to the other."""
    tame, wild = cell(2, learning_rate=0.1), cell(2, learning_rate=0.2)
    makes = [
        (tame, tame, tame),
        (tame, wild, tame),
        (tame, tame, wild),
        (wild, tame, tame),
        (wild, wild, wild),
    ]
    assert (
        len({Pack(cells[0], tuple(c.run(seed) for seed, c in enumerate(cells)), 8).key for cells in makes})
        == 5
    )


def test_rates_are_not_mixed():
    low, high = cell(2, learning_rate=0.1), cell(2, learning_rate=0.2)
    packs = make_packs((c, c.run(seed)) for seed in range(8) for c in (low, high))
    assert [[run.recipe.learning_rate for run in made.runs] for made in packs] == [[0.1] * 8, [0.2] * 8]
    packs = make_packs([(low, low.run(0)), (high, high.run(1))])
    assert [[run.recipe.learning_rate for run in made.replicas] for made in packs] == [[0.1] * 8, [0.2] * 8]


@given(
    st.sets(st.sampled_from([0.01 * 2**i for i in range(12)]), min_size=1),
    st.sampled_from([2, 40]),
    st.randoms(),
)
def test_pilots_of_one_network_share_packs(rates, filters, random):
    wanted = [replace(cell(filters, learning_rate=rate), is_pilot=True) for rate in rates]
    random.shuffle(wanted)
    packs = make_packs((mine, mine.run(seed)) for mine in wanted for seed in range(2))
    size = 8 if filters == 2 else 4
    for seed in range(2):
        mine = [made for made in packs if made.runs[0].seed == seed]
        assert [run.recipe.learning_rate for made in mine for run in made.runs] == sorted(rates)
        assert [len(made.runs) for made in mine] == [size] * (len(rates) // size) + [len(rates) % size] * (
            len(rates) % size > 0
        )
        for made in mine:
            assert {run.seed for run in made.runs} == {seed}
            assert len(made.replicas) == made.size == size
            assert all(made.replicas[slot] is run for slot, run in zip(made.slots, made.runs, strict=True))
    assert len({made.key for made in packs}) == len(packs)


@pytest.mark.parametrize(("seeds", "blocks"), [((0, 5), 2), ((3, 4), 2), ((0, 3), 1), ((7, 8), 2)])
def test_blocks_are_aligned(seeds, blocks):
    """Of networks that train by fours: two seeds share a pack where one quarter holds both, however few they are."""
    mine = cell(40)
    packs = make_packs((mine, mine.run(seed)) for seed in seeds)
    assert len(packs) == blocks
    assert all(made.size == 4 for made in packs)


def test_orders_are_never_mixed():
    mine = cell(2)
    other = mine.run(1).model_copy(update={"order": 5})
    assert [made.runs for made in make_packs([(mine, mine.run(0)), (mine, other)])] == [
        (mine.run(0),),
        (other,),
    ]
    assert len(make_packs((mine, mine.run(seed)) for seed in range(24))) == 3


def test_an_architecture_that_is_spelled_in_two_ways_is_one():
    short, long = cell(Lenet5(filters=2)), cell(Lenet5(filters=2, second_filters=5))
    (made,) = make_packs([(short, short.run(0)), (long, long.run(1))])
    assert made.slots == [0, 1]


def test_the_size_is_a_static_function_of_the_network():
    """Frozen: with another size the bits of stored runs could not be had again."""
    assert PACK_SIZE_BY_MACS == ((1_000_000, 8), (20_000_000, 4), (80_000_000, 2))
    image = ImageShape(1, 28, 10)
    sizes = {
        8: [
            Lenet5(filters=6),
            Lenet5(filters=10),
            Tree3(filters=6, rows=4),
            Tree3(filters=15, branches=40, rows=4),
        ],
        4: [Lenet5(filters=12), Lenet5(filters=48)],
        2: [Lenet5(filters=96)],
        1: [Lenet5(filters=192)],
    }
    for size, networks in sizes.items():
        assert [pack_size(network.layer_table(image)) for network in networks] == [size] * len(networks)


@given(st.integers(1, 400))
def test_wider_networks_never_train_in_larger_packs(filters):
    def layers(filters: int) -> LayerTable:
        return Lenet5(filters=filters).layer_table(ImageShape(3, 32, 10))

    assert pack_size(layers(filters + 1)) <= pack_size(layers(filters))


def test_labels_name_the_seeds():
    mine = cell(2)
    assert Pack(mine, (mine.run(3),), 8).label == "lenet5 2 seed 3"
    assert Pack(mine, tuple(mine.run(seed) for seed in (1, 3, 6)), 8).label == "lenet5 2 seeds 1-6"
    tries = [replace(cell(2, learning_rate=rate), is_pilot=True) for rate in (0.1, 0.2)]
    assert (
        Pack(tries[0], tuple(each.run(0) for each in tries), 8).label
        == "lenet5 2 pilots of 2 learning rates, seed 0"
    )

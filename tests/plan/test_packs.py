"""Packs are canonical: the runs alone determine what each pack and each slot contains."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.architectures import LayerTable, Lenet5, Tree3
from scaling.config import CellRun
from scaling.plan import Pack
from scaling.plan.packs import PACK_SIZE_BY_MACS, PACK_SIZES, make_packs, pack_size
from scaling.settings import ImageShape
from tests.plan.example_cells import cell, distinct_runs

CELLS = [
    cell(filters, learning_rate=rate, weight_decay=decay, epochs=epochs)
    for filters in (2, 40, 100, 300)
    for rate in (0.05, 0.1)
    for decay in (0.0, 1e-4)
    for epochs in (1, 2)
]
"""LeNets that train in packs of 8, 4, 2 and 1."""

wanted_runs = distinct_runs(CELLS, seeds=41)


def test_the_cells_have_every_pack_size():
    assert sorted({pack_size(cell.layer_table()) for cell in CELLS}) == list(PACK_SIZES) == [1, 2, 4, 8]


@given(wanted_runs)
def test_every_run_is_in_exactly_one_pack(runs: list[CellRun]):
    assert sorted(run.id for pack in make_packs(runs) for run in pack.runs) == sorted(
        run.id for _, run in runs
    )


@given(wanted_runs)
def test_a_pack_has_one_shape_one_order_and_one_aligned_block_of_seeds(runs: list[CellRun]):
    for pack in make_packs(runs):
        size = pack_size(pack.layer_table)
        assert pack.size == size
        assert len({run.seed // size for run in pack.runs}) == 1
        assert pack.slots == [run.seed % size for run in pack.runs]
        assert pack.slots == sorted(set(pack.slots))
        assert len({(run.data, run.architecture, run.order, run.training_version) for run in pack.runs}) == 1
        assert {run.recipe for run in pack.runs} == {pack.cell.recipe}


@given(wanted_runs, st.randoms())
def test_packs_do_not_depend_on_the_order_of_the_runs(runs: list[CellRun], random):
    shuffled = random.sample(runs, len(runs))
    assert {pack.key for pack in make_packs(runs)} == {pack.key for pack in make_packs(shuffled)}


@given(wanted_runs)
def test_replicas_fill_all_slots_and_each_run_is_in_its_slot(runs: list[CellRun]):
    for pack in make_packs(runs):
        assert [run.seed % pack.size for run in pack.replicas] == list(range(pack.size))
        assert len({run.order for run in pack.replicas}) == 1
        assert all(pack.replicas[slot] is run for slot, run in zip(pack.slots, pack.runs, strict=True))


@pytest.mark.parametrize("size", PACK_SIZES)
def test_split_packs_train_the_replicas_of_the_pack_that_are_wanted(size: int):
    lenet = cell(2)
    (pack,) = make_packs(CellRun(lenet, lenet.run(seed)) for seed in (8, 9, 10, 15))
    groups = pack.split(size)
    assert [run for group in groups for run in group.runs] == list(pack.runs)
    assert {group.size for group in groups} == {size}
    starts = sorted({slot - slot % size for slot in pack.slots})
    assert [group.replicas for group in groups] == [pack.replicas[start : start + size] for start in starts]


def test_a_partial_pack_keeps_its_size_and_fills_empty_slots_with_the_runs_of_these_seeds():
    lenet = cell(2)
    whole = [lenet.run(seed) for seed in range(8, 16)]
    (pack,) = make_packs(CellRun(lenet, run) for run in whole if run.seed in (9, 14))
    assert (pack.size, pack.slots) == (8, [1, 6])
    assert [run.id for run in pack.replicas] == [run.id for run in whole]


few_runs = distinct_runs(CELLS[:4], seeds=10)


@given(few_runs, few_runs)
def test_packs_have_equal_keys_if_and_only_if_they_train_the_same_networks(
    first_runs: list[CellRun], second_runs: list[CellRun]
):
    """Packs that share a run share a claim, and a checkpoint is found only by packs that can use it."""
    for first in make_packs(first_runs):
        for second in make_packs(second_runs):
            is_same = [run.id for run in first.replicas] == [run.id for run in second.replicas]
            assert (first.key == second.key) == is_same
            assert is_same or not {run.id for run in first.runs} & {run.id for run in second.runs}


def test_packs_of_one_plan_have_different_keys():
    packs = make_packs(CellRun(cell, cell.run(seed)) for cell in CELLS for seed in range(41))
    assert len({pack.key for pack in packs}) == len(packs)


def test_the_key_depends_on_mixed_rates():
    """No plan makes a pack of mixed rates, but training accepts such packs, and their checkpoints differ."""
    low, high = cell(2, learning_rate=0.1), cell(2, learning_rate=0.2)
    mixtures = [(low, low, low), (low, high, low), (low, low, high), (high, low, low), (high, high, high)]
    packs = [
        Pack(cells[0], tuple(cell.run(seed) for seed, cell in enumerate(cells)), 8) for cells in mixtures
    ]
    assert len({pack.key for pack in packs}) == 5


def test_rates_are_not_mixed():
    low, high = cell(2, learning_rate=0.1), cell(2, learning_rate=0.2)
    packs = make_packs(CellRun(c, c.run(seed)) for seed in range(8) for c in (low, high))
    assert [[run.recipe.learning_rate for run in pack.runs] for pack in packs] == [[0.1] * 8, [0.2] * 8]
    packs = make_packs([CellRun(low, low.run(0)), CellRun(high, high.run(1))])
    assert [[run.recipe.learning_rate for run in pack.replicas] for pack in packs] == [[0.1] * 8, [0.2] * 8]


@given(
    st.sets(st.sampled_from([0.01 * 2**i for i in range(12)]), min_size=1),
    st.sampled_from([2, 40]),
    st.randoms(),
)
def test_pilots_of_one_network_share_packs(rates, filters, random):
    pilots = [replace(cell(filters, learning_rate=rate), is_pilot=True) for rate in rates]
    random.shuffle(pilots)
    packs = make_packs(CellRun(pilot, pilot.run(seed)) for pilot in pilots for seed in range(2))
    size = 8 if filters == 2 else 4
    whole, rest = divmod(len(rates), size)
    for seed in range(2):
        of_seed = [pack for pack in packs if pack.runs[0].seed == seed]
        assert [run.recipe.learning_rate for pack in of_seed for run in pack.runs] == sorted(rates)
        assert [len(pack.runs) for pack in of_seed] == [size] * whole + [rest] * (rest > 0)
        for pack in of_seed:
            assert {run.seed for run in pack.runs} == {seed}
            assert len(pack.replicas) == pack.size == size
            assert all(pack.replicas[slot] is run for slot, run in zip(pack.slots, pack.runs, strict=True))
    assert len({pack.key for pack in packs}) == len(packs)


@pytest.mark.parametrize(("seeds", "blocks"), [((0, 5), 2), ((3, 4), 2), ((0, 3), 1), ((7, 8), 2)])
def test_blocks_are_aligned(seeds, blocks):
    """In packs of four, two seeds share a pack if one aligned block of four contains both."""
    lenet = cell(40)
    packs = make_packs(CellRun(lenet, lenet.run(seed)) for seed in seeds)
    assert len(packs) == blocks
    assert all(pack.size == 4 for pack in packs)


def test_orders_are_never_mixed():
    lenet = cell(2)
    other = lenet.run(1).model_copy(update={"order": 5})
    assert [pack.runs for pack in make_packs([CellRun(lenet, lenet.run(0)), CellRun(lenet, other)])] == [
        (lenet.run(0),),
        (other,),
    ]
    assert len(make_packs(CellRun(lenet, lenet.run(seed)) for seed in range(24))) == 3


def test_two_spellings_of_one_architecture_share_a_pack():
    short, long = cell(Lenet5(filters=2)), cell(Lenet5(filters=2, second_filters=5))
    (pack,) = make_packs([CellRun(short, short.run(0)), CellRun(long, long.run(1))])
    assert pack.slots == [0, 1]


def test_pack_sizes_are_frozen():
    """The sizes are frozen, because stored runs could not be reproduced bit by bit with other sizes."""
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


def test_labels_state_the_seeds():
    lenet = cell(2)
    assert Pack(lenet, (lenet.run(3),), 8).label == "lenet5 2 seed 3"
    assert Pack(lenet, tuple(lenet.run(seed) for seed in (1, 3, 6)), 8).label == "lenet5 2 seeds 1-6"
    pilots = [replace(cell(2, learning_rate=rate), is_pilot=True) for rate in (0.1, 0.2)]
    pack = Pack(pilots[0], tuple(pilot.run(0) for pilot in pilots), 8)
    assert pack.label == "lenet5 2 pilots of 2 learning rates, seed 0"

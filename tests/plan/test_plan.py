"""A plan is the wanted runs of a study minus the stored runs."""

from __future__ import annotations

import re

import pytest

from scaling.errors import ConfigError
from scaling.plan import Plan, machine, make_plan
from scaling.plan.memory import GIB, WORKER_BYTES, memory_bytes

LENET, TREE = "type: lenet5, filters: [2, 6]", "type: tree3, filters: 2, rows: 4"


def wanted_ids(plan: Plan) -> set[str]:
    return {run.id for _, run in plan.wanted}


def missing_ids(plan: Plan) -> set[str]:
    return {run.id for pack in plan.packs for run in pack.runs}


def test_packs_hold_wanted_runs_minus_stored_runs(study):
    everything = make_plan(study(LENET, TREE), set())
    assert (len(everything.wanted), everything.new, len(everything.packs)) == (24, 24, 3)
    assert missing_ids(everything) == wanted_ids(everything)
    stored = set(sorted(wanted_ids(everything))[:10])
    rest = make_plan(study(LENET, TREE), stored | {"a run of another study"})
    assert rest.done == stored
    assert rest.new == 14
    assert missing_ids(rest) == wanted_ids(everything) - stored


def test_nothing_is_left_when_all_runs_are_stored(study):
    done = make_plan(study(LENET), wanted_ids(make_plan(study(LENET), set())))
    assert (done.new, done.packs, done.core_s) == (0, (), 0)


def test_a_wider_grid_and_more_seeds_train_only_the_new_runs(study):
    stored = wanted_ids(make_plan(study("type: lenet5, filters: [2, 6]", rest="seeds: 8"), set()))
    wider = make_plan(study("type: lenet5, filters: [1, 2, 6, 12]", rest="seeds: 8"), stored)
    assert sorted((run.architecture.filters, run.seed) for pack in wider.packs for run in pack.runs) == [
        (filters, seed) for filters in (1, 12) for seed in range(8)
    ]
    longer = make_plan(study("type: lenet5, filters: [2, 6]", rest="seeds: 11"), stored)
    assert sorted((run.architecture.filters, run.seed) for pack in longer.packs for run in pack.runs) == [
        (filters, seed) for filters in (2, 6) for seed in (8, 9, 10)
    ]


def test_a_partly_stored_pack_trains_its_remaining_slots(study):
    """The size stays, because the bits of a replica can depend on it."""
    whole = make_plan(study("type: lenet5, filters: 6"), set())
    stored = {run.id for run in whole.packs[0].runs if run.seed not in (2, 5)}
    (pack,) = make_plan(study("type: lenet5, filters: 6"), stored).packs
    assert (pack.size, pack.slots) == (8, [2, 5])
    assert [run.id for run in pack.replicas] == [run.id for run in whole.packs[0].runs]


def test_studies_share_common_runs(study):
    one, other = (
        make_plan(study(LENET), set()),
        make_plan(study("type: lenet5, filters: [6, 12]", "type: lenet5, filters: 2"), set()),
    )
    assert len(wanted_ids(one) & wanted_ids(other)) == len(wanted_ids(one)) == 16


def test_rows_add_up_to_the_plan(study):
    overlapping = study(LENET, TREE, "type: lenet5, filters: [6, 8]")
    everything = make_plan(overlapping, set())
    assert [row.runs for row in everything.rows()] == [
        8,
        8,
        8,
        0,
        8,
    ]  # the runs of the second entry with 6 filters count in the first
    stored = {run.id for _, run in everything.wanted if run.seed < 3}
    plan = make_plan(overlapping, stored)
    rows = plan.rows()
    assert [row.cell for row in rows] == list(overlapping.cells)
    assert [row.done for row in rows] == [3, 3, 3, 0, 3]
    assert [row.packs for row in rows] == [1, 1, 1, 0, 1]
    assert sum(row.core_s for row in rows) == pytest.approx(plan.core_s)


def test_the_cost_of_a_pack_that_rows_share_is_counted_once(study):
    """Two entries spell one network in two ways, and share a pack."""
    plan = make_plan(
        study("type: lenet5, filters: 6", "type: lenet5, filters: 6, second_filters: 16", rest="seeds: 2"),
        set(),
    )
    assert len(plan.packs) == 1
    assert [row.packs for row in plan.rows()] == [1, 0]
    assert plan.rows()[0].core_s == pytest.approx(plan.core_s)


@pytest.mark.parametrize(
    "network", ["type: lenet5", "type: lenet5, second_filters: 16", "type: tree3, rows: 4"]
)
def test_too_wide_networks_are_refused_with_the_largest_width_that_fits(study, network):
    """The largest width in the message fits, and one filter more does not.

    No width is refused if all runs are stored, or if nothing is trained on this machine.
    """
    limited = "resources: {memory_gib: 1.2}"
    wide = study(network + ", filters: [6, 90000]", rest=limited)
    with pytest.raises(ConfigError) as refused:
        make_plan(wide, {wide.cells[0].run(0).id})
    assert not make_plan(wide, {run.id for _, run in wide.runs()}).packs
    assert make_plan(wide, set(), trains=False).packs
    (problem,) = refused.value.problems
    path, need, limit, most = re.fullmatch(
        r"(.*): 90000 filters need (.*) GiB for a pack and its worker, more than resources.memory_gib: (.*);"
        r" at most (\d+) fit",
        problem,
    ).groups()
    assert (path, limit) == ("architectures[0].filters[1]", "1.2")
    assert float(need) == pytest.approx(
        (WORKER_BYTES + memory_bytes(wide.cells[1])) / GIB, rel=0.005
    )  # three digits
    assert make_plan(study(f"{network}, filters: {most}", rest=limited), set()).packs
    with pytest.raises(ConfigError, match=f"at most {most} fit"):
        make_plan(study(f"{network}, filters: {int(most) + 1}", rest=limited), set())


def test_the_message_says_if_no_width_fits(study):
    with pytest.raises(
        ConfigError,
        match=r"filters: 6 filters need .* not even 1 fits, so make the rest of the network or recipe\.batch",
    ):
        make_plan(
            study("type: lenet5, filters: 6, hidden: [1000000, 1000000]", rest="resources: {memory_gib: 4}"),
            set(),
        )


def test_astronomical_widths_are_refused(study):
    with pytest.raises(ConfigError, match=r"more than resources\.memory_gib: 4;"):
        make_plan(
            study(f"type: lenet5, ratio: 1.0, filters: {2**52}", rest="resources: {memory_gib: 4}"), set()
        )
    with pytest.raises(
        ConfigError, match=r"ratio and filters make 9\.01e\+21 second filters, more than can be counted"
    ):
        study(f"type: lenet5, ratio: 1.0e+6, filters: {2**53 - 1}")


def test_the_default_memory_limit_is_that_of_the_machine(study, monkeypatch):
    monkeypatch.setattr(machine, "usable_memory", lambda: 4.0 * GIB)
    with pytest.raises(
        ConfigError, match=r"more than resources\.memory_gib: 4, its default on this machine;"
    ):
        make_plan(study("type: lenet5, filters: 90000"), set())


def test_the_message_names_each_too_wide_network_once(study):
    with pytest.raises(ConfigError) as refused:
        make_plan(
            study(
                "type: lenet5, filters: [60000, 70000], recipe: {learning_rate: [0.1, 0.2]}",
                rest="resources: {memory_gib: 4}",
            ),
            set(),
        )
    assert [problem.split(":")[0] for problem in refused.value.problems] == [
        "architectures[0].filters[0]",
        "architectures[0].filters[1]",
    ]

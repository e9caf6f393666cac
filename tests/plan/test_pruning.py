"""A pruning is planned round by round; finished rounds are left out."""

from __future__ import annotations

import pytest

from scaling.config import Study, load_study
from scaling.plan import make_plan
from scaling.plan.memory import CURVATURE_BATCH, peak_bytes
from scaling.plan.pruning import PruningPlan, make_pruning_plan
from tests.plan.example_speed import speed

STUDY = """\
study: pruned
dataset: {type: usps}
architectures:
  - {type: net1_1989, filters: 1}
recipe: {loss: mse}
pruning: {parameters_left: 642, factor: 0.5, methods: [saliency, random]}
seeds: 10
store: {weights: all}
"""
AUTO = "{loss: mse, learning_rate: auto}\npilots: {learning_rates: [0.1, 0.2], validation: 1000}"


@pytest.fixture
def study(tmp_path) -> Study:
    return load(tmp_path, STUDY)


def load(folder, text: str) -> Study:
    (folder / "study.yaml").write_text(text)
    return load_study(folder / "study.yaml", data=folder)


def plan_pruning(study: Study, stored: set[str] | frozenset[str] = frozenset()) -> PruningPlan:
    return make_pruning_plan(study, stored, speed=speed())


def test_a_round_has_a_pack_for_each_method_and_block_of_seeds(study):
    plan = plan_pruning(study)
    assert plan.new == len(plan.wanted) == 2 * 2 * 10
    assert [len(packs) for packs in plan.rounds] == [4, 4]
    for number, packs in enumerate(plan.rounds, 1):
        assert {len(pack.runs) for pack in packs} == {8, 2}
        assert all(len(run.pruning.sizes) == number for pack in packs for run in pack.runs)
        assert all(len({run.pruning for run in pack.runs}) == 1 for pack in packs)
    assert len({pack.key for packs in plan.rounds for pack in packs}) == 8
    assert {run.id for run in plan.finished_parents} == {run.id for _, run in study.runs()}
    assert {run.unpruned.id for _, run in plan.wanted} == {run.id for _, run in study.runs()}


def test_finished_rounds_are_left_out(study):
    whole = plan_pruning(study)
    first, second = ({run.id for pack in packs for run in pack.runs} for packs in whole.rounds)
    rest = plan_pruning(study, first)
    assert (rest.done, rest.new) == (first, len(second))
    assert {run.id for run in rest.finished_parents} == first
    assert [{run.id for pack in packs for run in pack.runs} for packs in rest.rounds] == [second]
    assert plan_pruning(study, first | second).rounds == ()


def test_rows_list_the_rounds_of_each_method_with_what_is_done_and_left(study):
    first = {run.id for pack in plan_pruning(study).rounds[0] for run in pack.runs}
    plan = plan_pruning(study, first)
    rows = plan.rows()
    assert [(row.method, row.parameters_left, len(row.runs), row.done, row.packs) for row in rows] == [
        (method, size, 10, *left)
        for method in ("saliency", "random")
        for size, left in ((1285, (10, 0)), (642, (0, 2)))
    ]
    assert sum(row.core_s for row in rows) == pytest.approx(plan.core_s)
    assert plan.schedule.wall_s < plan_pruning(study).schedule.wall_s
    assert plan_pruning(study, {run.id for _, run in plan.wanted}).schedule.wall_s == 0


def test_networks_whose_learning_rate_is_not_chosen_yet_cost_the_same(tmp_path, study):
    pending = plan_pruning(load(tmp_path, STUDY.replace("{loss: mse}", AUTO)))
    known = plan_pruning(study)
    assert (pending.new, pending.pending, pending.pending_packs) == (0, 40, known.packs)
    assert pending.core_s == pytest.approx(known.core_s)
    assert [(row.runs[0].run.pruning.sizes, row.done, row.packs) for row in pending.rows()] == [
        (row.runs[0].run.pruning.sizes, 0, row.packs) for row in known.rows()
    ]


def test_the_plan_of_a_study_has_its_pruning_beside_its_own_runs(tmp_path, study):
    plain = make_plan(load(tmp_path, STUDY.replace("pruning:", "#")), frozenset(), speed=speed())
    plan = make_plan(study, frozenset(), speed=speed())
    assert (plan.wanted, plan.core_s) == (plain.wanted, plain.core_s)
    assert plain.pruning is None
    assert plan.pruning.new == 40


def test_a_pack_names_its_round(study):
    pack = plan_pruning(study).rounds[0][0]
    assert pack.label == "net1_1989 1 saliency to 1,285 parameters, seeds 0-7"


def test_a_round_needs_memory_for_the_results_and_derivatives_of_the_curvature(study):
    round_pack = plan_pruning(study).rounds[0][0]
    training = make_plan(study, frozenset(), speed=speed()).packs[0]
    kept = round_pack.size * CURVATURE_BATCH * 10 * 4 * 2  # Net-1 has 10 units in fp32
    assert peak_bytes([round_pack], 1) >= peak_bytes([training], 1) + kept

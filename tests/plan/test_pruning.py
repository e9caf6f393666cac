"""A pruning is planned round by round; finished rounds are left out."""

from __future__ import annotations

import pytest

from scaling.config import Study, load_study
from scaling.plan.pruning import make_pruning_plan

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


@pytest.fixture
def study(tmp_path) -> Study:
    (tmp_path / "study.yaml").write_text(STUDY)
    return load_study(tmp_path / "study.yaml", data=tmp_path)


def test_a_round_has_a_pack_for_each_method_and_block_of_seeds(study):
    plan = make_pruning_plan(study, frozenset())
    assert plan.new == len(plan.wanted) == 2 * 2 * 10
    assert [len(packs) for packs in plan.rounds] == [4, 4]
    for number, packs in enumerate(plan.rounds, 1):
        assert {len(pack.runs) for pack in packs} == {8, 2}
        assert all(len(run.pruning.sizes) == number for pack in packs for run in pack.runs)
        assert all(len({run.pruning for run in pack.runs}) == 1 for pack in packs)
    assert len({pack.key for packs in plan.rounds for pack in packs}) == 8
    assert {run.id for run in plan.trained_parents} == {run.id for _, run in study.runs()}


def test_finished_rounds_are_left_out(study):
    whole = make_pruning_plan(study, frozenset())
    first, second = ({run.id for pack in packs for run in pack.runs} for packs in whole.rounds)
    rest = make_pruning_plan(study, first)
    assert (rest.done, rest.new, rest.trained_parents) == (first, len(second), [])
    assert [{run.id for pack in packs for run in pack.runs} for packs in rest.rounds] == [second]
    assert make_pruning_plan(study, first | second).rounds == ()


def test_a_pack_names_its_round(study):
    pack = make_pruning_plan(study, frozenset()).rounds[0][0]
    assert pack.label == "net1_1989 1 saliency to 1,285 parameters, seeds 0-7"

"""The section ``pruning`` of a study, and the identity of pruned networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling.config import Run, load_study
from scaling.config.pruning import METHODS, PruningConfig, round_sizes
from scaling.config.recipe import Constant, Recipe
from scaling.errors import ConfigError

STUDY = """\
study: pruned
dataset: {type: usps}
architectures:
  - {type: net1_1989, filters: 1}
recipe: {loss: mse}
seeds: 2
"""
SECTIONS = "pruning: {parameters_left: 500, factor: 0.5}\nstore: {weights: all}\n"
PARAMETERS = 2570
SIZES = (1285, 642, 500)


def load(tmp_path: Path, text: str):
    (tmp_path / "study.yaml").write_text(text)
    return load_study(tmp_path / "study.yaml", data=tmp_path)


def test_sizes_of_rounds_fall_by_a_factor_to_the_final_size():
    assert round_sizes(1000, final=300, factor=0.5) == (500, 300)
    assert round_sizes(9760, final=2600, factor=0.8) == (7808, 6246, 4997, 3998, 3198, 2600)
    assert round_sizes(100, final=90, factor=0.5) == (90,)


def test_the_section_changes_no_id_of_the_study(tmp_path):
    plain, pruned = load(tmp_path, STUDY), load(tmp_path, STUDY + SECTIONS)
    assert [run.id for _, run in plain.runs()] == [run.id for _, run in pruned.runs()]
    assert not list(plain.pruned_runs())


def test_every_method_has_all_rounds_of_all_seeds_in_their_order(tmp_path):
    runs = [run for _, run in load(tmp_path, STUDY + SECTIONS).pruned_runs()]
    assert [(run.pruning.method, run.pruning.sizes, run.seed) for run in runs] == [
        (method, SIZES[:number], seed) for method in METHODS for number in (1, 2, 3) for seed in (0, 1)
    ]
    assert len({run.id for run in runs}) == len(runs)


def test_a_round_starts_from_the_round_before_and_the_first_from_the_trained_network(tmp_path):
    study = load(tmp_path, STUDY + SECTIONS)
    trained = {run.id for _, run in study.runs()}
    wanted = {run.id for _, run in study.pruned_runs()}
    for _, run in study.pruned_runs():
        assert run.parent.seed == run.seed
        assert run.parent.id in (trained if len(run.pruning.sizes) == 1 else wanted)


def test_schedules_with_the_same_first_rounds_share_them(tmp_path):
    """The number of parameters after the last round is no part of the earlier rounds."""
    further = SECTIONS.replace("500", "300")
    first, second = (
        {run.id: run.pruning.sizes for _, run in load(tmp_path, STUDY + sections).pruned_runs()}
        for sections in (SECTIONS, further)
    )
    shared = {sizes for run_id, sizes in first.items() if run_id in second}
    assert shared == {SIZES[:1], SIZES[:2]}


def test_a_pruned_network_survives_its_identity(tmp_path):
    for cell, run in load(tmp_path, STUDY + SECTIONS).pruned_runs():
        again = Run.from_json(run.config_json)
        assert (again, again.id) == (run, run.id)
        assert cell.recipe == run.last_recipe == run.pruning.recipe


def test_the_retraining_keeps_the_settings_that_the_section_does_not_give():
    recipe = Recipe(loss="mse", batch_size=50)
    assert PruningConfig(parameters_left=9).retraining(recipe) == recipe
    changed = PruningConfig(parameters_left=9, epochs=2, learning_rate=0.01, schedule=Constant())
    assert changed.retraining(recipe) == recipe.model_copy(
        update={"epochs": 2, "learning_rate": 0.01, "schedule": Constant()}
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("{weights: all}", "{}", "store.weights: expected all, because pruning starts from stored weights"),
        ("left: 500", "left: 2570", "pruning.parameters_left: expected fewer than the network's 2,570 param"),
        ("loss: mse", "epochs: 2", "pruning: needs the loss mse, whose second derivatives it computes"),
        ("net1_1989, filters: 1", "knn", "pruning: knn has no weights to delete; move it to another study"),
        ("factor: 0.5", "factor: 1.0", "pruning.factor: expected a number <= 0.99, got 1.0"),
        (
            "factor: 0.5",
            "factor: 0.99",
            "pruning.factor: 0.99 makes 163 rounds from 2,570 parameters; expected",
        ),
        ("factor: 0.5", "methods: [random, random]", "pruning.methods: expected each method once"),
        ("factor: 0.5", "methods: [obd]", "pruning.methods[0]: expected 'saliency', 'magnitude' or 'random'"),
        ("factor: 0.5", "rounds: 3", "pruning.rounds: unknown key"),
    ],
)
def test_problems_are_named_before_anything_is_trained(tmp_path, old, new, problem):
    text = STUDY + SECTIONS
    assert old in text
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text.replace(old, new))
    assert problem in str(error.value)

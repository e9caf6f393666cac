"""Recipes and seeds of architectures that are fitted in one go."""

from __future__ import annotations

import pytest

from scaling.errors import ConfigError

HEAD = "study: example\ndataset: {type: mnist}\n"
SVM = "architectures:\n  - {type: svm, C: 10}\n"


def ids(study) -> list[str]:
    return [run.id for _, run in study.runs()]


def test_the_recipe_of_the_networks_changes_no_id(load):
    plain = load(HEAD + SVM)
    for recipe in ("{epochs: 3, optimizer: {type: adam}, loss: mse}", "{learning_rate: [0.1, 0.2]}"):
        study = load(HEAD + SVM + f"recipe: {recipe}\n")
        assert ids(study) == ids(plain)
        assert len(study.cells) == 1


def test_a_learning_rate_that_pilots_choose_is_left_to_the_networks(load):
    study = load(HEAD + SVM + "  - {type: lenet5, filters: 6}\nrecipe: {learning_rate: auto}\n")
    svm, lenet = study.cells
    assert (svm.pending, lenet.pending) == (False, True)
    assert svm.pilots == ()


def test_settings_of_the_classifier_and_the_range_of_the_input_change_the_id(load):
    studies = (
        load(HEAD + SVM, *overrides)
        for overrides in (
            (),
            ("architectures[0].C=3",),
            ("architectures[0].gamma=0.1",),
            ("recipe={input_range: [-1, 1]}",),
        )
    )
    assert len({run_id for study in studies for run_id in ids(study)}) == 4


def test_own_input_range_is_used(load):
    (cell,) = load(HEAD + "architectures: [{type: knn, recipe: {input_range: [0, 1]}}]\n").cells
    assert cell.recipe.input_range == (0, 1)


def test_a_grid_of_types_gives_each_its_own_recipe(load):
    study = load(
        "study: example\ndataset: {type: usps}\nrecipe: {epochs: [2, 3]}\n"
        "architectures: [{type: [net1_1989, knn], filters: 1}]\n"
    )
    points = [(cell.architecture.type, cell.recipe.epochs) for cell in study.cells]
    assert points == [("net1_1989", 2), ("net1_1989", 3), ("knn", 1)]


def test_there_is_one_run_whatever_the_number_of_seeds(load):
    study = load(HEAD + SVM + "  - {type: lenet5, filters: 6}\nseeds: 3\n")
    assert [cell.seeds for cell in study.cells] == [1, 3]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "{type: svm, seeds: 2}",
            r"architectures\[0\]\.seeds: expected 1, because svm has no random numbers",
        ),
        ("{type: svm, recipe: {epochs: 2}}", r"architectures\[0\]\.recipe\.epochs: has no meaning for"),
        ("{type: svm, recipe: {learning_rate: auto}}", r"recipe\.learning_rate: has no meaning for"),
        ("{type: svm, recipe: {epoch: 2}}", r"recipe\.epoch: unknown key; did you mean epochs"),
        ("{type: knn, filters: 2}", r"architectures\[0\]\.filters: expected 1, because knn has no filters"),
        ("{type: knn, macs: 100}", r"architectures\[0\]\.macs: leave it out; knn has no width"),
    ],
)
def test_what_has_no_meaning_is_refused(load, entry, problem):
    with pytest.raises(ConfigError, match=problem):
        load(HEAD + f"architectures: [{entry}]\n")


def test_an_unknown_key_of_the_recipe_is_reported(load):
    with pytest.raises(ConfigError, match=r"recipe\.epohcs: unknown key; did you mean epochs"):
        load(HEAD + SVM + "recipe: {epohcs: 3}\n")

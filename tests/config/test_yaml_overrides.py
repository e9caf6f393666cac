"""Overrides of a study's file."""

from __future__ import annotations

import pytest

from scaling.errors import ConfigError
from tests.config.example_studies import STUDIES

STUDY = "study: example\ndataset: {type: mnist}\narchitectures:\n  - {type: lenet5, filters: 6}\n"


def test_override_has_the_effect_of_a_changed_file(load):
    written = (
        STUDY.replace("6}", "[1, 2], recipe: {optimizer: {type: adam}}}")
        + "recipe: {epochs: 3, learning_rate: 1e-3}\nseeds: 2\n"
    )
    overrides = [
        "architectures[0].filters=[1, 2]",
        "architectures[0].recipe.optimizer={type: adam}",
        "recipe.epochs=3",
        "seeds=2",
    ]
    assert load(STUDY, *overrides, "recipe.learning_rate=1e-3").cells == load(written).cells


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("seeds=1", "seeds=2"),
        ("recipe.epochs=1", "recipe={epochs: 2}"),
        ("recipe={epochs: 1, learning_rate: 0.1}", "recipe.epochs=2"),
        ("recipe={}", "recipe={epochs: 2}"),
        ("architectures[0].filters=[1, 2]", "architectures[0].filters[1]=3"),
        ("architectures=[{type: lenet5, filters: [1]}]", "architectures[0].filters=3"),
        ("architectures[0].recipe={optimizer: {type: adam}}", "architectures[0].recipe.optimizer.type=sgd"),
    ],
)
def test_override_that_replaces_another_is_refused(load, first, second):
    """Neither order leaves a value that has no effect."""
    with pytest.raises(ConfigError) as error:
        load(STUDY, "study=other", first, second)
    assert str(error.value) == (
        f"`overrides` {second}: replaces the value of `overrides` {first}; give one of the two"
    )
    with pytest.raises(ConfigError, match=r"the value of `overrides`|no such setting"):
        load(STUDY, second, first)


def test_overrides_of_one_group_add_up(load):
    group = ["recipe={schedule: {type: step, every: 2}}", "recipe.schedule.factor=0.5", "recipe.epochs=3"]
    whole = "recipe={schedule: {type: step, every: 2, factor: 0.5}, epochs: 3}"
    assert load(STUDY, *group).cells == load(STUDY, whole).cells


def test_value_may_contain_an_equals_sign(load):
    with pytest.raises(ConfigError, match="got 'a=b'"):
        load(STUDY, "study=a=b")


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("recipe.epochs", "expected path=value, such as recipe.epochs=5"),
        ("=5", "expected path=value, such as recipe.epochs=5"),
        ("recipe..epochs=5", "expected path=value, such as recipe.epochs=5"),
        ("architectures[5].filters=3", "no such setting in {source}"),
        ("architectures[x].filters=3", "no such setting in {source}"),
        ("architectures[00].filters=3", "no such setting in {source}"),
        ("study.name=3", "no such setting in {source}"),
        ("architectures[0].filters=[1", "expected ',' or ']', but got '<stream end>'"),
        (
            "recipe={epochs: 3, epochs: 4}",
            'found duplicate key "epochs", value "4" (original value: "3")',
        ),
    ],
)
def test_invalid_override_is_named(load, tmp_path, override, problem):
    with pytest.raises(ConfigError) as error:
        load(STUDY, override)
    assert str(error.value) == f"`overrides` {override}: {problem.format(source=tmp_path / 'study.yaml')}"


TWO = (
    "study: example\ndataset: {type: mnist, validation: 10}\narchitectures:\n"
    "  - {type: lenet5, filters: 6, seeds: 2, recipe: {learning_rate: 0.05, schedule: {factor: 0.3}}}\n"
    "  - {type: tree3, rows: 4, filters: 6, seeds: 3,\n"
    "     recipe: {learning_rate: [0.4, 0.8], schedule: {type: cosine}}}\n"
    "recipe: {schedule: {type: step, every: 2, factor: 0.5}}\n"
)
FIRST = "architectures[0].recipe"


@pytest.mark.parametrize(
    ("override", "reasons"),
    [
        *(
            (
                f"recipe.learning_rate={value}",
                f"{FIRST}.learning_rate=0.05, architectures[1].recipe.learning_rate=[0.4, 0.8]",
            )
            for value in ("0.1", "auto", "[0.1, 0.2]")
        ),
        (
            "recipe.schedule.factor=0.1",
            f"{FIRST}.schedule.factor=0.3, architectures[1].recipe.schedule={{'type': 'cosine'}}",
        ),
        ("seeds=5", "architectures[0].seeds=2, architectures[1].seeds=3"),
    ],
)
def test_override_that_reaches_no_run_names_what_wins(load, override, reasons):
    with pytest.raises(ConfigError) as error:
        load(TWO, override)
    path = override.partition("=")[0]
    assert error.value.problems == (f"{path}: no run uses it; set what wins: {reasons}",)


def test_override_of_a_group_is_judged_setting_by_setting(load):
    with pytest.raises(ConfigError) as error:
        load(TWO, "recipe={schedule: {type: step, every: 3, factor: 0.5}, learning_rate: 0.1, epochs: 2}")
    unused = ["recipe.schedule.factor", "recipe.learning_rate"]
    assert [problem.partition(":")[0] for problem in error.value.problems] == unused


@pytest.mark.parametrize(
    ("study", "override", "problem"),
    [
        (
            "{type: lenet5, filters: 6}",
            "dataset.labels_draw=5",
            "dataset.labels_draw: no run uses it; all labels are used without: dataset.labels",
        ),
        ("{type: svm}", "recipe.epochs=5", "recipe.epochs: no run uses it; fitted without it: svm"),
        ("{type: svm}", "seeds=5", "seeds: no run uses it; without random numbers: svm"),
        (
            "{type: lenet5, filters: 6, recipe: {learning_rate: auto}}",
            "pilots.validation=5",
            "pilots.validation: no run uses it; set what wins: dataset.validation=10",
        ),
    ],
)
def test_override_without_a_meaning_is_refused(load, study, override, problem):
    with pytest.raises(ConfigError) as error:
        load(
            f"study: example\ndataset: {{type: mnist, validation: 10}}\narchitectures: [{study}]\n", override
        )
    assert error.value.problems == (f"{problem}",)


@pytest.mark.parametrize(
    "override", ["recipe.schedule.every=3", "architectures[1].recipe.learning_rate=3", "recipe.epochs=3"]
)
def test_override_that_one_architecture_takes_is_accepted(load, override):
    assert load(TWO, override).cells != load(TWO).cells


@pytest.mark.parametrize(
    ("recipe", "problem"),
    [
        ("learning_rate: abc", "recipe.learning_rate: expected a number, got 'abc'"),
        ("learning_rate: -5", "recipe.learning_rate: expected a number >= 1e-12, got -5"),
        ("learning_rate: [0.1, .nan]", "recipe.learning_rate[1]: expected a finite number, got nan"),
        (
            "schedule: {type: step, every: 2, factor: 7}",
            "recipe.schedule.factor: expected a number <= 1, got 7",
        ),
    ],
)
def test_value_that_no_run_uses_is_validated(load, recipe, problem):
    with pytest.raises(ConfigError) as error:
        load(TWO[: TWO.index("recipe: {schedule: {type: step")] + f"recipe: {{{recipe}, epochs: 2}}\n")
    assert problem in error.value.problems


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("recipe.epochs=none", "recipe.epochs: expected an integer, got 'none'"),
        ("seeds=", "seeds: expected an integer, got None"),
        ("architectures[0].filters=[1,1]", "architectures[0].filters[1]: 1 is listed twice in this grid"),
        ("datset.type=mnist", f"datset: unknown key; did you mean dataset? permitted: {STUDIES}"),
    ],
)
def test_overridden_setting_is_validated(load, override, problem):
    with pytest.raises(ConfigError) as error:
        load(STUDY, override)
    assert error.value.problems == (problem,)

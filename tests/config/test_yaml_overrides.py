"""Overrides of a study's file."""

from __future__ import annotations

import pytest

from scaling.architectures import Lenet5
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


def test_last_override_of_a_setting_counts(load):
    assert [
        cell.architecture
        for cell in load(STUDY, "architectures[0].filters=2", "architectures[0].filters=3").cells
    ] == [Lenet5(filters=3)]


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

"""The JSON Schema accepts what the loader accepts, and refuses what it refuses at the same setting."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from scaling.architectures import registered
from scaling.config.grid import dotted, grid_axes
from scaling.config.model_members import model_members
from scaling.config.recipe import Recipe
from scaling.config.reference import reference_page
from scaling.config.schema import study_schema
from scaling.config.setting_docs import model_doc, setting_docs
from scaling.config.study import StudyFile
from scaling.config.yaml_reader import parse_yaml
from scaling.datasets import AnyDataset
from tests.config.example_studies import HEAD, LENET, STUDY, network
from tests.config.problem_cases import CASES

ROOT = Path(__file__).parents[2]
STUDIES = sorted([*(ROOT / "configs").rglob("*.yaml"), *(ROOT / "examples").rglob("study*.yaml")])
VALIDATOR = Draft202012Validator(study_schema())
BEYOND_A_SCHEMA = {
    "a mistake of YAML": {
        "key twice",
        "key twice in a mapping",
        "not YAML",
        "not printable",
    },
    "the images": {
        "rows that do not divide",
        "kernel that is too large",
        "pilots without training images",
        "batch that is too large for pilots",
        "batch that is too large",
        "batch of its own recipe",
        "crop beyond the image",
        "shift beyond the image",
        "more images than the data set has",
        "validation without training images",
    },
    "several settings at once": {
        "subset of the images of features",
        "contradiction",
        "pilots without auto",
        "nesterov without momentum",
        "piecewise schedule without rising epochs",
        "piecewise schedule with a factor too many",
        "piecewise schedule without changes",
        "range of one number in a grid",
        "targets without the loss mse",
        "missing type in its own recipe",
        "setting that both recipes lack",
    },
    "a number that JSON Schema cannot tell from another": {
        "fraction for a count",
        "own seeds that are a fraction",
        "rate that is NaN",
    },
    "one problem of the loader, two of the schema, or another position in the same list": {
        "unknown key in place of a required one",
        "key of its own recipe that is null",
        "key at the top that is null",
        "value twice",
        "group twice",
        "pilots with a learning rate twice",
        "one number for a range in a grid",
        "not a mapping",
        "empty",
    },
}
"""Problems that the schema does not see, or not at the same place, by the reason."""


def paths(error: ValidationError) -> Iterator[str]:
    """Yield the settings that an error is about, as the loader names them."""
    path = tuple(error.absolute_path)
    if error.validator == "required":
        yield dotted((*path, re.match("'(.*?)'", error.message)[1]))
    elif error.validator == "additionalProperties":
        yield from (dotted((*path, key)) for key in error.instance if key not in error.schema["properties"])
    else:
        yield dotted(path)


def refused(text: str) -> set[str]:
    """Return the settings at which the schema refuses a study."""
    return {path for error in VALIDATOR.iter_errors(parse_yaml(text, "study")) for path in paths(error)}


def test_the_schema_is_one():
    Draft202012Validator.check_schema(study_schema())


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_study_of_the_repository_is_valid_and_names_the_schema(file):
    text = file.read_text()
    assert refused(text) == set()
    named = re.match(r"# yaml-language-server: \$schema=(.*)\n", text)
    assert (file.parent / named[1]).resolve() == ROOT / "docs" / "study.schema.json"


@pytest.mark.parametrize(
    "text",
    [
        STUDY + "recipe: {learning_rate: auto, schedule: {type: [cosine, constant]}}",
        STUDY + "recipe: {optimizer: [{type: adam}, {type: sgd, momentum: 0.5}], input_range: [~, [-1, 1]]}",
        STUDY
        + "recipe: {optimizer: {type: sgd, momentum: [0.5, 0.9]}, augmentation: {affine: {scale: [0, 1]}}}",
        network("type: lenet5, macs: 651720, ratio: [0.5, 1], filters: 6"),
        network("type: lenet5, macs: [100000, 200000], hidden: [[120, 84], []], seeds: 3"),
        network("type: [svm, knn], recipe: {input_range: [-1, 1]}, seeds: 1"),
        network("type: [lenet5, vgg], filters: [3, 6]"),
        network(
            "type: lenet5, filters: 6, recipe: {schedule: {factor: 0.5}, learning_rate: auto}",
            "{schedule: {type: step, every: 5}}",
        ),
        "study: x\ndataset: {type: skeleton_features, of: {type: [usps, mnist5k]}, deskew: [true, false]}\n"
        + LENET,
        HEAD.replace("mnist}", "mnist, labels: [2, 5], train_images: [100, ~]}") + LENET,
        STUDY + "store: {weights: all}\npruning: {parameters_left: 10, schedule: {type: cosine}}",
        STUDY + "resources: {workers: 2, gpus: 0.5, memory_gib: 3, engine: ray}",
    ],
)
def test_grids_and_partial_recipes_are_valid(text):
    assert refused(text) == set()


def test_broken_studies_are_refused_at_the_setting_that_the_loader_names():
    beyond = set().union(*BEYOND_A_SCHEMA.values())
    assert beyond <= CASES.keys()
    seen = CASES.keys() - beyond
    assert len(seen) >= 50
    assert {name: refused(CASES[name][0]) for name in seen} == {
        name: {CASES[name][1].partition(": ")[0]} for name in seen
    }


def test_a_step_without_its_length_is_refused_unless_an_own_recipe_may_give_it():
    schedule = "{schedule: {type: step, factor: 0.5}}"
    assert refused(STUDY + f"recipe: {schedule}") == {"recipe.schedule.every"}
    assert refused(network("type: tree3, filters: 6, recipe: {schedule: {every: 5}}", schedule)) == set()


@pytest.mark.parametrize("model", [StudyFile, Recipe, *registered(), *model_members(AnyDataset)])
def test_every_setting_has_a_description(model):
    assert model_doc(model)
    assert model.model_fields.keys() - setting_docs(model).keys() <= {"type"}


def test_every_setting_of_lists_is_known_to_grids():
    """A list that the grid took for an axis would not be accepted as the schema promises."""
    for name, definition in study_schema()["$defs"].items():
        for key, setting in definition["properties"].items():
            value = setting.get("else", {}) if isinstance(setting, dict) else {}
            if "array" in (value.get("type"), *value.get("type", [])):
                group = {"schedule": {key: [1, 2]}} if name.startswith("Piecewise") else {key: [1, 2]}
                assert list(grid_axes(group)) == [], key


def test_the_written_schema_and_reference_are_those_of_the_models():
    """Write them again with `scaling schema` and `scaling schema --markdown`."""
    assert json.loads((ROOT / "docs" / "study.schema.json").read_text()) == study_schema()
    assert (ROOT / "docs" / "configuration.md").read_text() == reference_page()

"""Writing of a study's YAML file: cells as entries, and values that are read back unchanged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from scaling.config.yaml_file import architecture_entries, yaml_text

HEAD = "study: example\ndataset: {type: mnist}\n"
RECIPE = (
    "recipe: {epochs: [1, 2], optimizer: {type: sgd, momentum: [0.5, 0.9]}, "
    "schedule: {type: step, every: 2, factor: 0.5}}\n"
)
STUDY = (
    HEAD + RECIPE + "architectures:\n"
    "  - {type: [lenet5, tree3], filters: [3, 6]}\n"
    "  - {type: lenet5, filters: [3, 6], hidden: [[120, 84], [84], []], "
    "recipe: {learning_rate: [1e-3, 0.2], schedule: {factor: 0.1}}}\n"
    "  - {type: lenet5, filters: 6, ratio: 3, seeds: 3, "
    "recipe: {optimizer: [{type: adam}, {type: sgd, nesterov: false}]}}\n"
)


def ids(study) -> list[str]:
    return sorted(run.id for _, run in study.runs())


def written(cells) -> str:
    return HEAD + RECIPE + yaml_text({"architectures": architecture_entries(cells)})


def test_written_study_has_the_same_runs(load):
    study = load(STUDY)
    assert ids(load(written(study.cells))) == ids(study)


@pytest.mark.parametrize("stride", [1, 2, 3, 7])
def test_written_study_has_the_given_cells_and_seeds_only(load, stride):
    cells = [replace(cell, seeds=1 + i % 5) for i, cell in enumerate(load(STUDY).cells)][::stride]
    cells.append(cells[0].with_filters(24, seeds=2))
    expected = {cell.run(seed).id for cell in cells for seed in range(cell.seeds)}
    assert set(ids(load(written(cells)))) == expected


def test_cells_that_differ_in_width_only_share_an_entry(load):
    study = load(HEAD + "architectures:\n  - {type: lenet5, filters: [3, 6], activation: tanh}\n")
    first, second = study.cells
    wider = first.with_filters(12, seeds=8), first.with_filters(24, seeds=16)
    assert architecture_entries([first, second, *wider]) == [
        {"type": "lenet5", "filters": [3, 6, 12], "activation": "tanh", "seeds": 8},
        {"type": "lenet5", "filters": [24], "activation": "tanh", "seeds": 16},
    ]


def test_cell_of_another_width_is_read_back_from_its_entry(load):
    (narrow,) = load(HEAD + "architectures:\n  - {type: lenet5, filters: 6, ratio: 2}\n").cells
    cell = narrow.with_filters(10, seeds=1)
    (again,) = load(HEAD + yaml_text({"architectures": architecture_entries([cell])})).cells
    assert again.architecture == cell.architecture
    assert (again.architecture.filters, again.architecture.second_filters) == (10, 20)


# YAML's own signs are more likely to be misread than letters.
signs = "?:-#&*!|>%@`'\"[]{}, 0aye\n\t~=<."
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.text(signs, max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
@example("?0")
@example(["?0", {"?0": "?"}])
@example({": ": "- ", "# ": "a: b"})
def test_written_value_is_read_back(value):
    assert YAML(typ="safe", pure=True).load(yaml_text({"key": value})) == {"key": value}


@given(texts)
@example("?0")
@example("yes")
@example("NO")
@example("y")
@example("1e-3")
@example("0o7")
@example("12:30:00")
@example("2001-01-01")
@example("=")
@example("<<")
@example("\x85")
@example("\ufeff")
@example(" leading and trailing ")
@example("line\nbreak")
def test_written_text_is_text_in_yaml_1_1_and_1_2(text):
    written = yaml_text({"key": text, text: "key"})
    for version in ((1, 1), (1, 2)):
        reader = YAML(typ="safe", pure=True)
        reader.version = version
        assert reader.load(written) == {"key": text, text: "key"}


def test_shared_value_is_written_twice():
    shared = {"learning_rate": 0.1}
    assert "&" not in yaml_text([{"recipe": shared}, {"recipe": shared}])

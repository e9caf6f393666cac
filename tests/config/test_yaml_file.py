"""A study's cells written as architectures again: any of them, with any seeds, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from scaling.config.yaml_file import architecture_entries, yaml_text

HEAD = "study: tried\ndataset: {type: mnist}\n"
RECIPE = "recipe: {epochs: [1, 2], optimizer: {type: sgd, momentum: [0.5, 0.9]}, schedule: {type: step, every: 2, factor: 0.5}}\n"
STUDY = (
    HEAD + RECIPE + "architectures:\n"
    "  - {type: [lenet5, tree3], filters: [3, 6]}\n"
    "  - {type: lenet5, filters: [3, 6], hidden: [[120, 84], [84], []], recipe: {learning_rate: [1e-3, 0.2], schedule: {factor: 0.1}}}\n"
    "  - {type: lenet5, filters: 6, ratio: 3, seeds: 3, recipe: {optimizer: [{type: adam}, {type: sgd, nesterov: false}]}}\n"
)


def ids(study) -> list[str]:
    return sorted(run.id for _, run in study.runs())


def written(cells) -> str:
    return HEAD + RECIPE + yaml_text({"architectures": architecture_entries(cells)})


def test_a_study_as_it_is_written_again_has_the_same_runs(load):
    study = load(STUDY)
    assert ids(load(written(study.cells))) == ids(study)


@pytest.mark.parametrize("stride", [1, 2, 3, 7])
def test_any_cells_with_any_seeds_and_no_others(load, stride):
    cells = [replace(cell, seeds=1 + nth % 5) for nth, cell in enumerate(load(STUDY).cells)][::stride]
    cells.append(cells[0].with_filters(24, seeds=2))
    wanted = {cell.run(seed).id for cell in cells for seed in range(cell.seeds)}
    assert set(ids(load(written(cells)))) == wanted


def test_cells_that_differ_in_their_width_alone_share_an_entry(load):
    study = load(HEAD + "architectures:\n  - {type: lenet5, filters: [3, 6], activation: tanh}\n")
    first, second = study.cells
    assert architecture_entries(
        [first, second, first.with_filters(12, seeds=8), first.with_filters(24, seeds=16)]
    ) == [
        {"type": "lenet5", "filters": [3, 6, 12], "activation": "tanh", "seeds": 8},
        {"type": "lenet5", "filters": [24], "activation": "tanh", "seeds": 16},
    ]


def test_a_cell_at_another_width_is_what_its_entry_says(load):
    cell = (
        load(HEAD + "architectures:\n  - {type: lenet5, filters: 6, ratio: 2}\n")
        .cells[0]
        .with_filters(10, seeds=1)
    )
    (again,) = load(HEAD + yaml_text({"architectures": architecture_entries([cell])})).cells
    assert again.architecture == cell.architecture
    assert (again.architecture.filters, again.architecture.second_filters) == (10, 20)


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="ascii", exclude_categories=["C"]))
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_what_is_written_is_what_is_read(value):
    assert YAML(typ="safe", pure=True).load(yaml_text({"key": value})) == {"key": value}


def test_what_is_shared_is_written_out(load):
    shared = {"learning_rate": 0.1}
    assert "&" not in yaml_text([{"recipe": shared}, {"recipe": shared}])

"""Cells of a study."""

from __future__ import annotations

STUDY = (
    "study: example\ndataset: {type: mnist, train_images: [60000, null]}\n"
    "recipe: {learning_rate: auto, epochs: [1, 2]}\npilots: {learning_rates: [0.1, 0.2]}\n"
    "architectures:\n  - {type: lenet5, filters: [3, 6]}\n  - {type: lenet5, filters: [3, 6], seeds: 12}\n"
    "  - {type: lenet5, filters: 6, ratio: [2, 2.01]}\n"
)


def test_cells_have_distinct_keys_even_if_they_have_the_same_runs(load):
    study = load(STUDY)
    cells = [member for cell in study.cells for member in (cell, *cell.pilots)]
    assert len(cells) == 6 * 2 * 2 * 3
    assert len({cell.key for cell in cells}) == len(cells)
    assert len({cell.run(0).id for cell in cells}) < len(cells)


def test_keys_are_equal_if_a_file_is_loaded_again(load):
    assert [cell.key for cell in load(STUDY).cells] == [cell.key for cell in load(STUDY).cells]

"""The axis of labels of a study: problems, run ids and curves."""

from __future__ import annotations

import pytest

from scaling.config import Run
from scaling.config.study_curves import label_cells
from scaling.datasets import Mnist
from scaling.errors import ConfigError

NETWORK = "architectures: [{type: lenet5, filters: 1}]\n"


def study(dataset: str, network: str = NETWORK) -> str:
    return f"study: s\ndataset: {{{dataset}}}\n{network}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            study("type: mnist, labels: [5, 11]"),
            "dataset.labels[1]: expected at most 10 classes, got 11",
        ),
        (study("type: mnist, labels: 1"), "dataset.labels: expected a number >= 2, got 1"),
        (
            study("type: mnist, labels: 2, train_images: 20000"),
            "dataset.train_images: expected at most 11760, got 20000",
        ),
        (
            study("type: skeleton_features, of: {type: usps, labels: 3}"),
            "dataset: give labels and not of.labels; the data set is computed from the whole of usps",
        ),
        (
            study("type: mnist, labels: 5", "architectures: [{type: lenet5_1998, filters: 6}]\n"),
            "architectures[0].type: has output codes for 10 classes, not 5; use lenet5 or lenet4 instead",
        ),
    ],
)
def test_problem_is_named(load, text, problem):
    with pytest.raises(ConfigError) as error:
        load(text)
    assert error.value.problems == (problem,)


def test_labels_are_part_of_an_id_unless_they_are_all(load):
    (every,) = (cell.run(0) for cell in load(study("type: mnist")).cells)
    cells = load(study("type: mnist, labels: [2, 10, null], labels_draw: [0, 3]")).cells
    drawn = {cell.dataset.labels_draw: cell.run(0) for cell in cells if cell.dataset.labels == 2}
    assert {cell.run(0) for cell in cells if cell.dataset.labels != 2} == {every}
    assert len({run.id for run in (every, *drawn.values())}) == 3
    assert every.data.labels is None
    assert {draw: (run.data.labels, run.data.labels_draw) for draw, run in drawn.items()} == {
        0: (2, 0),
        3: (2, 3),
    }
    for run in drawn.values():
        assert Run.from_json(run.config_json) == run


def test_a_cell_has_the_sizes_of_its_classes(load, tmp_path):
    (cell,) = load(study("type: mnist, labels: 2, validation: 100")).cells
    assert cell.info == Mnist(labels=2).info(tmp_path)
    assert cell.info.image.classes == cell.layer_table().layers[-1].shape[0] == 2
    assert cell.dataset.train_size(cell.info) == cell.info.train_images - 100
    assert cell.data.train_images is None
    (all_images,) = load(study("type: mnist, labels: 2, validation: 100, train_images: 11660")).cells
    assert all_images.run(0).id == cell.run(0).id


def test_curves_along_labels_have_one_network_one_draw_and_one_number_of_images(load):
    cells = load(
        study(
            "type: mnist, labels: [2, 5, null], labels_draw: [0, 1], train_images: [500, 1000]",
            "architectures: [{type: lenet5, filters: [1, 2]}]\n",
        )
    ).cells
    along = label_cells(cells, "labels")
    members = {label: [] for label in along}
    for label, cell in zip(along, cells, strict=True):
        members[label].append(cell)
    assert len(members) == 2 * 2 * 2
    for label, of_curve in members.items():
        network, images, draw = (
            {cell.architecture.filters for cell in of_curve},
            {cell.dataset.train_images for cell in of_curve},
            {cell.data.labels_draw for cell in of_curve if cell.data.labels},
        )
        assert len(network) == len(images) == len(draw) == 1, label
    assert {label.split(", ")[0] for label in members} == {"lenet5"}


def test_curves_along_filters_are_labelled_by_their_labels(load):
    text = study("type: mnist, labels: [2, 5, null]", "architectures: [{type: lenet5, filters: [1, 2]}]\n")
    labels = load(text).curve_labels()
    assert sorted(labels) == [f"lenet5, {number} labels" for number in (2, 5, "all") for _ in range(2)]
    assert load(study("type: mnist, labels: 10")).curve_labels() == ("lenet5",)


def test_all_labels_are_one_cell_whatever_their_draw(load):
    cells = load(study("type: mnist, labels: [2, 10, null], labels_draw: [0, 1, 2]")).cells
    assert [cell.dataset.labels for cell in cells] == [2, 2, 2, 10]

"""Expansion of a study's file into cells: grids, own recipes and seeds, and what a run id includes."""

from __future__ import annotations

from scaling.architectures import Lenet5, Tree3
from scaling.config import Recipe
from scaling.config.recipe import Adam, Augmentation, Cosine, Sgd, Step

HEAD = "study: example\ndataset: {type: mnist}\n"
STUDY = HEAD + "architectures:\n  - {type: lenet5, filters: 6}\n"


def ids(study) -> list[str]:
    return [run.id for _, run in study.runs()]


def test_minimal_file(load):
    study = load(STUDY)
    (cell,) = study.cells
    assert (study.name, cell.seeds, cell.dataset.type, cell.architecture, cell.recipe) == (
        "example",
        8,
        "mnist",
        Lenet5(filters=6),
        Recipe(),
    )
    runs = [run for _, run in study.runs()]
    assert [run.seed for run in runs] == list(range(8))
    assert {run.data.fingerprint for run in runs} == {cell.info.fingerprint}


def test_cells_are_the_product_of_all_lists_in_the_order_of_the_file(load):
    study = load(
        "study: example\ndataset: {type: mnist, train_images: [100, null]}\n"
        "recipe: {epochs: [1, 2], optimizer: {type: sgd, momentum: [0.5, 0.9]}}\n"
        "architectures:\n  - {type: [lenet5, tree3], filters: [3, 6]}\n"
    )
    points = [
        (
            type(c.architecture),
            c.architecture.filters,
            c.dataset.train_images,
            c.recipe.epochs,
            c.recipe.optimizer.momentum,
        )
        for c in study.cells
    ]
    assert points == [
        (kind, filters, images, epochs, momentum)
        for kind in (Lenet5, Tree3)
        for filters in (3, 6)
        for images in (100, None)
        for epochs in (1, 2)
        for momentum in (0.5, 0.9)
    ]
    assert len(set(ids(study))) == len(ids(study)) == 8 * 32


def test_list_of_lists_is_the_grid_of_a_list_setting(load):
    study = load(
        HEAD
        + "architectures:\n  - {type: lenet5, filters: 6, hidden: [[120, 84], [84], []]}\n"
        + "  - {type: lenet5, filters: 6, hidden: [30, 20]}\n"
    )
    assert [cell.architecture.hidden for cell in study.cells] == [(120, 84), (84,), (), (30, 20)]


def test_list_of_mappings_is_a_grid(load):
    study = load(STUDY + "recipe: {optimizer: [{type: sgd, momentum: 0.5}, {type: adam}]}\n")
    assert [cell.recipe.optimizer for cell in study.cells] == [Sgd(momentum=0.5), Adam()]


def test_numbers_in_exponent_notation_are_numbers(load):
    study = load(STUDY + "recipe: {learning_rate: [1e-3, 0.5, 2], weight_decay: 5E-4}\n")
    assert [cell.recipe.learning_rate for cell in study.cells] == [0.001, 0.5, 2.0]
    assert all(
        type(cell.recipe.learning_rate) is float and cell.recipe.weight_decay == 0.0005
        for cell in study.cells
    )


def test_own_recipe_is_merged_over_the_studys(load):
    study = load(
        HEAD
        + "recipe: {epochs: 3, schedule: {type: step, every: 2, factor: 0.5}, augmentation: {flip: true}}\n"
        "architectures:\n"
        "  - {type: lenet5, filters: 6}\n"
        "  - {type: lenet5, filters: 7, recipe: "
        "{learning_rate: [0.1, 0.2], schedule: {factor: 0.1}, augmentation: {crop: 4}}}\n"
        "  - {type: lenet5, filters: 8, recipe: {epochs: 9, schedule: {type: cosine}}}\n"
    )
    flip, both = Augmentation(flip=True), Augmentation(flip=True, crop=4)
    assert [(cell.architecture.filters, cell.recipe) for cell in study.cells] == [
        (6, Recipe(epochs=3, schedule=Step(every=2, factor=0.5), augmentation=flip)),
        (7, Recipe(epochs=3, schedule=Step(every=2, factor=0.1), augmentation=both, learning_rate=0.1)),
        (7, Recipe(epochs=3, schedule=Step(every=2, factor=0.1), augmentation=both, learning_rate=0.2)),
        (8, Recipe(epochs=9, schedule=Cosine(), augmentation=flip)),
    ]


def test_cell_knows_the_paths_of_its_settings(load):
    study = load(
        HEAD + "architectures:\n  - {type: lenet5, filters: 6}\n  - {type: tree3, filters: [3, 6], rows: 4}\n"
    )
    assert [cell.setting_paths["filters"] for cell in study.cells] == [
        "architectures[0].filters",
        "architectures[1].filters[0]",
        "architectures[1].filters[1]",
    ]
    assert study.cells[2].setting_paths["rows"] == "architectures[1].rows"


def test_cells_of_one_width_have_distinct_curve_labels(load):
    study = load(
        HEAD.replace("mnist}", "mnist, train_images: [1000, null]}")
        + "recipe: {loss: [cross_entropy, mse]}\n"
        + "architectures:\n  - {type: lenet5, filters: [3, 6], activation: [relu, tanh]}\n"
        + "  - {type: tree3, filters: 3}\n"
    )
    assert (
        len(set(zip(study.curve_labels(), (cell.architecture.filters for cell in study.cells), strict=True)))
        == len(study.cells)
        == 20
    )
    assert study.curve_labels()[0] == "lenet5, 1,000 images, relu, cross_entropy"
    assert study.curve_labels()[-1] == "tree3, 60,000 images, mse"


def test_curve_label_omits_shared_settings_and_settings_that_follow_from_the_width(load):
    assert (
        load(STUDY.replace("filters: 6", "filters: [3, 6], activation: tanh")).curve_labels()
        == ("lenet5",) * 2
    )


def test_ids_exclude_name_machine_and_store(load):
    other = (
        STUDY.replace("example", "another")
        + "resources: {workers: 2, memory_gib: 1, gpus: 0.5}\nstore: {weights: all}\n"
    )
    assert ids(load(other)) == ids(load(STUDY))


def test_more_seeds_add_runs_and_change_none(load):
    few, many = ids(load(STUDY + "seeds: 3\n")), ids(load(STUDY + "seeds: 20\n"))
    assert many[:3] == few
    assert len(set(many)) == 20


def test_each_block_of_eight_seeds_has_its_own_order(load):
    assert [run.order for _, run in load(STUDY + "seeds: 20\n").runs()] == [0] * 8 + [1] * 8 + [2] * 4


def test_ids_include_the_data_in_use(load):
    studies = [
        load(STUDY.replace("mnist}", f"mnist{settings}}}"))
        for settings in ("", ", train_images: 1000", ", validation: 1000")
    ]
    assert len({i for study in studies for i in ids(study)}) == 24
    written = load(STUDY.replace("mnist}", "mnist, train_images: null, validation: 0}"))
    assert ids(written) == ids(studies[0])


def test_overlapping_cells_share_their_runs(load):
    study = load(
        HEAD + "architectures:\n  - {type: lenet5, filters: [3, 6]}\n"
        "  - {type: lenet5, filters: 6, second_filters: 16}\n"
        "  - {type: lenet5, filters: 6, ratio: [2.6, 3]}\n"
    )
    assert len(study.cells) == 5
    runs = list(study.runs())
    assert len(runs) == len(set(ids(study))) == 3 * 8
    assert [cell.architecture for cell, _ in runs[8:16]] == [study.cells[1].architecture] * 8


def test_own_seeds_replace_the_studys_and_ids_exclude_their_number(load):
    text = (
        HEAD
        + "architectures:\n  - {type: lenet5, filters: [3, 6]}\n"
        + "  - {type: lenet5, filters: [8, 12], seeds: 20}\nseeds: 4\n"
    )
    study = load(text)
    assert [cell.seeds for cell in study.cells] == [4, 4, 20, 20]
    assert [run.seed for _, run in study.runs()] == [*range(4)] * 2 + [*range(20)] * 2
    assert ids(study)[8:] == ids(load(text.replace("seeds: 4", "seeds: 20").replace(", seeds: 20", "")))[40:]
    assert study.curve_labels() == ("lenet5",) * 4


def test_overlapping_cells_with_different_seeds_have_each_run_once(load):
    study = load(
        HEAD
        + "architectures:\n  - {type: lenet5, filters: 6, seeds: 3}\n"
        + "  - {type: lenet5, filters: 6, seeds: 5}\n"
    )
    assert [run.seed for _, run in study.runs()] == [*range(5)]


def test_ratios_separate_curves_that_end_at_different_widths(load):
    grids = (
        "architectures:\n  - {type: lenet5, ratio: 2, filters: [3, 6, 12, 24]}\n"
        "  - {type: lenet5, ratio: 3, filters: [3, 6, 12]}\n"
    )
    assert load(HEAD + grids).curve_labels() == ("lenet5, d2/d1 2",) * 4 + ("lenet5, d2/d1 3",) * 3

"""Grouping of runs by curve."""

from __future__ import annotations

from hashlib import sha256

import pytest

from analysis.means import mean_errors
from analysis.run_groups import group_runs
from scaling.architectures import Lenet1, Lenet5
from scaling.config import Data, Recipe
from scaling.config.identity import ID_DIGITS
from scaling.config.recipe import Adam
from scaling.errors import StoreError
from tests.analysis.planted_study import join_studies, lenets, plant_study, replace_column, trees

FEW = (2, 6, 12)


def curve_labels(*studies):
    return group_runs(join_studies(*studies)[0]).labels


def test_architectures_are_curves_and_second_filters_follow_the_width():
    assert curve_labels(plant_study(lenets(FEW), seeds=2), plant_study(trees(FEW), seeds=2)) == (
        "lenet5",
        "tree3",
    )


def test_settings_that_differ_only_between_architectures_are_not_in_labels():
    lenet = plant_study(lenets(FEW), seeds=1, recipe=Recipe(learning_rate=0.05))
    assert curve_labels(lenet, plant_study(trees(FEW), seeds=1, recipe=Recipe(learning_rate=0.1))) == (
        "lenet5",
        "tree3",
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Recipe(epochs=8), Recipe(epochs=16), ("lenet5, 8 epochs", "lenet5, 16 epochs")),
        (
            Recipe(learning_rate=0.1),
            Recipe(learning_rate=0.02),
            ("lenet5, learning rate 0.02", "lenet5, learning rate 0.1"),
        ),
        (Recipe(), Recipe(weight_decay=0.0005), ("lenet5, weight decay 0.0", "lenet5, weight decay 0.0005")),
        (Recipe(), Recipe(precision="fp32"), ("lenet5, bf16", "lenet5, fp32")),
        # An optimiser has settings of its own; its name is enough.
        (Recipe(), Recipe(optimizer=Adam()), ("lenet5, adam", "lenet5, sgd")),
    ],
)
def test_labels_name_the_settings_that_differ(first, second, expected):
    assert (
        curve_labels(
            plant_study(lenets(FEW), seeds=1, recipe=first), plant_study(lenets(FEW), seeds=1, recipe=second)
        )
        == expected
    )


def test_settings_of_the_network_are_compared_within_their_architecture():
    networks = [*lenets(FEW), *trees(FEW, branches=8), *trees(FEW)]
    assert curve_labels(plant_study(networks, seeds=1)) == (
        "lenet5",
        "tree3, 8 branches",
        "tree3, 16 branches",
    )
    assert curve_labels(plant_study([*lenets(FEW), *lenets(FEW, hidden=(84,))], seeds=1)) == (
        "lenet5, hidden 120-84",
        "lenet5, hidden 84",
    )


def test_a_ratio_splits_curves_although_no_run_stores_it():
    runs, _ = plant_study([*lenets(FEW), *lenets(FEW, ratio=1.0)], seeds=1)
    grouped = group_runs(runs)
    assert grouped.labels == ("lenet5, d2/d1 1", "lenet5, d2/d1 2.67")
    assert all(grouped.of_curve(label)["filters"].to_pylist() == [2, 6, 12] for label in grouped.labels)


def test_a_subset_is_named_by_its_images_and_all_images_are_no_subset():
    small = plant_study(
        lenets(FEW), seeds=1, data=Data(type="mnist5k", fingerprint="0", train_images=1000), train_images=1000
    )
    all_images = plant_study(lenets(FEW[:2]), seeds=1)
    named = plant_study(
        lenets(FEW[2:]), seeds=1, data=Data(type="mnist5k", fingerprint="0" * 64, train_images=4000)
    )
    assert curve_labels(small, all_images, named)[:1] == ("lenet5, 1,000 images",)


def test_two_data_sets_name_every_curve():
    cifar = plant_study(trees(FEW), seeds=1, data=Data(type="cifar10", fingerprint="1"))
    grouped = group_runs(join_studies(plant_study(lenets(FEW), seeds=1), cifar)[0])
    assert grouped.labels == ("lenet5, MNIST-5k", "tree3, CIFAR-10")
    assert grouped.dataset_title == "CIFAR-10 and MNIST-5k"


def test_means_are_in_the_order_of_curves_and_widths():
    """Arrow's groups of these sizes are in the order 4, 8, 16, 64, 32."""
    networks = [Lenet1(filters=width) for width in (64, 8, 32, 4, 16)]
    means = mean_errors(group_runs(plant_study([*lenets((16, 1, 8, 2, 4)), *networks], seeds=1)[0]))
    assert list(zip(means["group"].to_pylist(), means["filters"].to_pylist(), strict=True)) == [
        *(("lenet1", width) for width in (4, 8, 16, 32, 64)),
        *(("lenet5", width) for width in (1, 2, 4, 8, 16)),
    ]


def test_a_given_title_of_a_data_set_replaces_that_of_its_type():
    runs = plant_study(lenets(FEW), seeds=1, data=Data(type="skeleton_features", fingerprint="1"))[0]
    assert group_runs(runs).dataset_title == "skeleton features"
    titles = {"1": "USPS zip codes, skeleton features", "2": "other"}
    assert group_runs(runs, titles=titles).dataset_title == titles["1"]


def test_a_note_names_settings_that_change_along_a_curve():
    narrow = plant_study(lenets((1, 2)), seeds=1, recipe=Recipe(learning_rate=0.1))
    wide = plant_study(lenets((4, 8)), seeds=1, recipe=Recipe(learning_rate=0.02))
    grouped = group_runs(join_studies(narrow, wide)[0])
    assert grouped.labels == ("lenet5",)
    assert grouped.notes == ("Along lenet5, recipe.learning_rate changes with the width: 0.02 and 0.1.",)


def test_diverged_runs_are_counted_and_excluded():
    runs, epochs = plant_study(lenets(FEW), seeds=4)
    runs = replace_column(runs, "diverged", lambda row: row["filters"] == 12 and row["seed"] < 3)
    runs = replace_column(runs, "test_error", lambda row: None if row["diverged"] else row["test_error"])
    grouped = group_runs(runs)
    assert (len(grouped.runs), grouped.diverged) == (9, 3)
    assert mean_errors(grouped)["runs"].to_pylist() == [4, 4, 1]
    diverged = {row["id"] for row in runs.to_pylist() if row["diverged"]}
    assert not diverged & set(grouped.select_epochs(epochs)["id"].to_pylist())


def test_the_order_of_the_rows_changes_nothing():
    runs, _ = plant_study([*lenets(FEW), *trees(FEW)], seeds=3)
    assert group_runs(runs.take(list(reversed(range(len(runs)))))).runs.equals(group_runs(runs).runs)


def test_an_unreadable_configuration_names_its_run():
    runs, _ = plant_study([Lenet5(filters=2)], seeds=1)
    runs = replace_column(
        runs, "config_json", lambda row: row["config_json"].replace('"seed"', '"later":1,"seed"')
    )
    run = sha256(runs["config_json"][0].as_py().encode()).hexdigest()[:ID_DIGITS]
    hint = "upgrade with: pip install --upgrade scaling-studies"
    with pytest.raises(StoreError, match=f"run {run}: this version cannot read later .* {hint}"):
        group_runs(runs)


def test_along_another_setting_the_width_splits_curves():
    few = join_studies(
        *(
            plant_study([*lenets((2, 6)), *trees((2,))], seeds=1, train_images=images)
            for images in (500, 1000)
        )
    )[0]
    assert group_runs(few).labels == (
        "lenet5, 500 images",
        "lenet5, 1,000 images",
        "tree3, 500 images",
        "tree3, 1,000 images",
    )
    assert group_runs(few, "train_images").labels == ("lenet5, filters 2", "lenet5, filters 6", "tree3")
    assert group_runs(few, "macs").labels == group_runs(few).labels  # no setting: it follows from the filters
    assert group_runs(few, "filters", also="train_images").labels == ("lenet5", "tree3")
    assert group_runs(few, "train_images", also="filters").labels == ("lenet5", "tree3")


def test_a_note_names_settings_that_change_along_another_setting():
    runs = join_studies(
        *(
            plant_study(lenets((2,)), seeds=1, recipe=Recipe(epochs=epochs, learning_rate=1 / epochs))
            for epochs in (4, 8)
        )
    )[0]
    grouped = group_runs(runs, "epochs")
    assert grouped.labels == ("lenet5",)
    assert grouped.notes == (
        "Along lenet5, recipe.learning_rate changes with recipe.epochs: 0.125 and 0.25.",
    )

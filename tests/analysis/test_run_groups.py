"""Which runs share a curve."""

from __future__ import annotations

from hashlib import sha256

import pytest

from analysis.means import mean_errors
from analysis.run_groups import group_runs
from scaling.architectures import Lenet5
from scaling.config import Data, Recipe
from scaling.config.identity import ID_DIGITS
from scaling.config.recipe import Adam
from scaling.errors import StoreError
from tests.analysis.planted_study import changed, joined, lenets, planted, trees

FEW = (2, 6, 12)


def labels(*studies):
    return group_runs(joined(*studies)[0]).labels


def test_architectures_are_curves_and_second_filters_follow_the_width():
    assert labels(planted(lenets(FEW), seeds=2), planted(trees(FEW), seeds=2)) == ("lenet5", "tree3")


def test_what_differs_between_architectures_only_is_no_news():
    lenet = planted(lenets(FEW), seeds=1, recipe=Recipe(learning_rate=0.05))
    assert labels(lenet, planted(trees(FEW), seeds=1, recipe=Recipe(learning_rate=0.1))) == (
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
        # An optimiser brings leaves of its own; its name says enough.
        (Recipe(), Recipe(optimizer=Adam()), ("lenet5, adam", "lenet5, sgd")),
    ],
)
def test_recipes_are_told_apart_by_what_differs(first, second, expected):
    assert (
        labels(planted(lenets(FEW), seeds=1, recipe=first), planted(lenets(FEW), seeds=1, recipe=second))
        == expected
    )


def test_leaves_of_the_network_are_told_apart_within_their_architecture():
    networks = [*lenets(FEW), *trees(FEW, branches=8), *trees(FEW)]
    assert labels(planted(networks, seeds=1)) == ("lenet5", "tree3, 8 branches", "tree3, 16 branches")
    assert labels(planted([*lenets(FEW), *lenets(FEW, hidden=(84,))], seeds=1)) == (
        "lenet5, hidden 120-84",
        "lenet5, hidden 84",
    )


def test_a_ratio_is_an_axis_although_no_run_knows_it():
    runs, _ = planted([*lenets(FEW), *lenets(FEW, ratio=1.0)], seeds=1)
    grouped = group_runs(runs)
    assert grouped.labels == ("lenet5, d2/d1 1", "lenet5, d2/d1 2.67")
    assert all(grouped.of(label)["filters"].to_pylist() == [2, 6, 12] for label in grouped.labels)


def test_subsets_are_counted_in_images_and_all_images_is_no_subset():
    small = planted(
        lenets(FEW), seeds=1, data=Data(type="mnist5k", fingerprint="0", train_images=1000), train_images=1000
    )
    every = planted(lenets(FEW[:2]), seeds=1)
    named = planted(
        lenets(FEW[2:]), seeds=1, data=Data(type="mnist5k", fingerprint="0" * 64, train_images=4000)
    )
    assert labels(small, every, named)[:1] == ("lenet5, 1,000 images",)


def test_two_data_sets_name_every_curve():
    cifar = planted(trees(FEW), seeds=1, data=Data(type="cifar10", fingerprint="1"))
    grouped = group_runs(joined(planted(lenets(FEW), seeds=1), cifar)[0])
    assert grouped.labels == ("lenet5, MNIST-5k", "tree3, CIFAR-10")
    assert grouped.title == "CIFAR-10 and MNIST-5k"


def test_what_changes_along_a_curve_is_said():
    narrow = planted(lenets((1, 2)), seeds=1, recipe=Recipe(learning_rate=0.1))
    wide = planted(lenets((4, 8)), seeds=1, recipe=Recipe(learning_rate=0.02))
    grouped = group_runs(joined(narrow, wide)[0])
    assert grouped.labels == ("lenet5",)
    assert grouped.notes == ("Along lenet5, recipe.learning_rate changes with the width: 0.02 and 0.1.",)


def test_diverged_runs_are_counted_and_left_out():
    runs, epochs = planted(lenets(FEW), seeds=4)
    runs = changed(runs, "diverged", lambda row: row["filters"] == 12 and row["seed"] < 3)
    runs = changed(runs, "test_error", lambda row: None if row["diverged"] else row["test_error"])
    grouped = group_runs(runs)
    assert (len(grouped.runs), grouped.diverged) == (9, 3)
    assert mean_errors(grouped)["runs"].to_pylist() == [4, 4, 1]
    lost = {row["id"] for row in runs.to_pylist() if row["diverged"]}
    assert not lost & set(grouped.epochs(epochs)["id"].to_pylist())


def test_the_order_of_the_rows_changes_nothing():
    runs, _ = planted([*lenets(FEW), *trees(FEW)], seeds=3)
    assert group_runs(runs.take(list(reversed(range(len(runs)))))).runs.equals(group_runs(runs).runs)


def test_an_unreadable_configuration_names_its_run():
    runs, _ = planted([Lenet5(filters=2)], seeds=1)
    runs = changed(runs, "config_json", lambda row: row["config_json"].replace('"seed"', '"later":1,"seed"'))
    run = sha256(runs["config_json"][0].as_py().encode()).hexdigest()[:ID_DIGITS]
    with pytest.raises(StoreError, match=f"run {run}: this version cannot read later .* upgrade scaling"):
        group_runs(runs)


def test_along_another_leaf_the_width_tells_curves_apart():
    few = joined(
        *(planted([*lenets((2, 6)), *trees((2,))], seeds=1, train_images=images) for images in (500, 1000))
    )[0]
    assert group_runs(few).labels == (
        "lenet5, 500 images",
        "lenet5, 1,000 images",
        "tree3, 500 images",
        "tree3, 1,000 images",
    )
    assert group_runs(few, "train_images").labels == ("lenet5, filters 2", "lenet5, filters 6", "tree3")
    assert group_runs(few, "macs").labels == group_runs(few).labels  # no leaf: it follows from the filters


def test_what_changes_along_another_leaf_is_named():
    runs = joined(
        *(
            planted(lenets((2,)), seeds=1, recipe=Recipe(epochs=epochs, learning_rate=1 / epochs))
            for epochs in (4, 8)
        )
    )[0]
    grouped = group_runs(runs, "epochs")
    assert grouped.labels == ("lenet5",)
    assert grouped.notes == (
        "Along lenet5, recipe.learning_rate changes with recipe.epochs: 0.125 and 0.25.",
    )

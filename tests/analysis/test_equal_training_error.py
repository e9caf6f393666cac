"""Test error at equal training error: the level, the epochs and the means, against plain loops."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from analysis.equal_training_error import compare_at_equal_training_error, draw_equal_training_error
from analysis.run_groups import group_runs
from scaling.fit import Interval
from tests.analysis.planted_study import DATA, SHORT_RECIPE, lenets, plant_study, trees

TRAIN_IMAGES = 40


def plant(networks, *, learning_rates=(SHORT_RECIPE.learning_rate,), train_images=(4000,)):
    """Return grouped runs and their epochs, with training accuracies of single precision."""
    recipes = [SHORT_RECIPE.model_copy(update={"learning_rate": rate}) for rate in learning_rates]
    studies = [
        plant_study(
            networks,
            seeds=4,
            recipe=recipe,
            data=DATA.model_copy(update={"train_images": images}),
            train_images=images,
        )
        for recipe in recipes
        for images in train_images
    ]
    runs, epochs = (pa.concat_tables(tables) for tables in zip(*studies, strict=True))
    wrong = np.random.default_rng(0).integers(0, TRAIN_IMAGES, len(epochs))
    accuracy = 1 - wrong.astype(np.float32) / np.float32(TRAIN_IMAGES)
    position = epochs.schema.get_field_index("train_accuracy")
    epochs = epochs.set_column(position, "train_accuracy", pa.array(accuracy.astype(float)))
    grouped = group_runs(runs)
    return grouped, grouped.select_epochs(epochs)


@pytest.fixture(scope="module")
def planted():
    return plant([*lenets([2]), *trees([3])])


def test_the_level_is_the_lowest_that_every_run_reaches(planted):
    grouped, epochs = planted
    wrong = {}
    for row in epochs.to_pylist():
        wrong.setdefault(row["id"], []).append(round(TRAIN_IMAGES * (1 - row["train_accuracy"])))
    level = compare_at_equal_training_error(grouped, epochs).level
    assert all(min(counts) <= round(level * TRAIN_IMAGES) for counts in wrong.values())
    assert any(min(counts) == round(level * TRAIN_IMAGES) for counts in wrong.values())


def test_a_run_that_stopped_learning_is_named_with_the_level_of_the_others(planted):
    grouped, epochs = planted
    before = compare_at_equal_training_error(grouped, epochs).level
    stalled = grouped.of_curve("tree3")["id"][0].as_py()
    accuracy = [0.1 if row["id"] == stalled else row["train_accuracy"] for row in epochs.to_pylist()]
    position = epochs.schema.get_field_index("train_accuracy")
    compared = compare_at_equal_training_error(
        grouped, epochs.set_column(position, "train_accuracy", pa.array(accuracy))
    )
    assert (compared.level, compared.limiting_group) == (0.9, "tree3")
    assert compared.level_without == pytest.approx(before)


def test_each_run_is_taken_at_the_first_epoch_that_reaches_the_level(planted):
    grouped, epochs = planted
    compared = compare_at_equal_training_error(grouped, epochs)
    rows = draw_equal_training_error(grouped, epochs).numbers.to_pylist()
    assert [row["group"] for row in rows] == ["lenet5", "tree3"]
    for row in rows:
        first, errors = [], []
        for run in grouped.of_curve(row["group"]).to_pylist():
            own = [epoch for epoch in epochs.to_pylist() if epoch["id"] == run["id"]]
            reached = [epoch for epoch in own if 1 - epoch["train_accuracy"] <= compared.level + 1e-6]
            first.append(reached[0]["epoch"])
            errors.append(reached[0]["test_error"])
            assert run["parameters"] == row["parameters"]
        mean = Interval.of_mean(np.array(errors), at_least=0, at_most=1)
        assert row["mean_error"] == pytest.approx(mean.estimate)
        assert (row["low_error"], row["high_error"]) == pytest.approx((mean.low, mean.high))
        assert (row["first_epoch"], row["last_epoch"]) == (min(first), max(first))
        assert (row["median_epoch"], row["runs"]) == (np.median(first), 4)


def test_there_is_no_figure_unless_networks_of_one_width_share_a_training_set(planted):
    assert draw_equal_training_error(*plant([*lenets([1, 2]), *trees([3])])) is None
    assert draw_equal_training_error(*plant(lenets([2]))) is None
    assert draw_equal_training_error(*plant(lenets([2]), learning_rates=(0.01, 0.02))) is None
    assert draw_equal_training_error(*plant([*lenets([2]), *trees([3])], train_images=(400, 4000))) is None
    grouped, epochs = planted
    position = epochs.schema.get_field_index("train_accuracy")
    unknown = epochs.set_column(position, "train_accuracy", pa.nulls(len(epochs), pa.float64()))
    assert draw_equal_training_error(grouped, unknown) is None
    assert draw_equal_training_error(grouped, epochs.slice(0, 0)) is None


def test_runs_of_a_single_epoch_are_left_out(planted):
    grouped, epochs = planted
    is_last = np.array([row["epoch"] == SHORT_RECIPE.epochs for row in epochs.to_pylist()])
    assert compare_at_equal_training_error(grouped, epochs.filter(pa.array(is_last))) is None
    one = grouped.of_curve("lenet5")["id"][0].as_py()
    has_run_one = np.array([row["id"] == one for row in epochs.to_pylist()])
    compared = compare_at_equal_training_error(grouped, epochs.filter(pa.array(is_last | ~has_run_one)))
    assert compared.left_out == 1
    assert [len(network.runs) for network in compared.networks] == [3, 4]

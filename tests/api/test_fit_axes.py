"""Laws along every axis, and what the epochs of a study say of them, on a store whose errors follow a known law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.planted_store import EXPONENT, plant, study
from scaling import api
from scaling.fit import Status, group_points
from scaling.fit.diagnosis.convergence import CONVERGENCE_ALPHA

IMAGES, WIDTHS, SEEDS = (500, 1000, 2000, 7000), 4, 8
BY = ("architecture", "train_images")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    file = tmp_path_factory.mktemp("planted") / "study.yaml"
    file.write_text(study(widths=WIDTHS, seeds=SEEDS, epochs=100, train_images=IMAGES))
    plant(file, file.parent / "store")
    return file


@pytest.fixture(scope="module")
def workspace(config):
    return api.Workspace(store=str(config.parent / "store"))


@pytest.mark.parametrize("x", ["train_images", "data.train_images"])
def test_error_against_training_images_has_a_curve_a_width(config, workspace, x):
    fits = api.fit(str(config), workspace, options=api.FitOptions(x=x))
    assert [fit.label for fit in fits] == [
        f"{name}, filters {width}" for name in ("lenet5", "tree3") for width in range(1, WIDTHS + 1)
    ]
    for fit in fits:
        assert fit.points.widths.tolist() == list(IMAGES)
        exponent = fit.laws["power"].interval("exponent")
        # Four standard errors, where a 95 % interval is about four of them wide.
        assert abs(exponent.estimate - EXPONENT) < exponent.high - exponent.low


@pytest.mark.parametrize(
    ("source", "x"),
    [
        *(
            ("study", x)
            for x in ("filters", "filters_total", "parameters", "macs", "connections", "training_flops")
        ),
        ("store", "training_flops"),
    ],
)
def test_what_follows_from_the_width_has_the_reports_curves(config, workspace, source, x):
    fits = api.fit(
        str(config) if source == "study" else workspace.store, workspace, options=api.FitOptions(x=x)
    )
    table = api.tidy_table(api.load_results(config, workspace).runs)
    points = {
        (group.values["architecture"], group.values["train_images"]): group.points
        for group in group_points(table, x=x, by=BY)
    }
    assert len(fits) == len(points) == 2 * len(IMAGES)
    for fit in fits:
        architecture, images, _ = fit.label.replace(",", "").split()[-3:]
        mine = points[architecture, images]
        assert (fit.points.x_name, fit.points.widths.tolist(), fit.points.means.tolist()) == (
            x,
            mine.widths.tolist(),
            mine.means.tolist(),
        )
        assert fit.laws["power"].interval("exponent").estimate > 0


def test_training_flops_are_two_operations_a_multiply_add_forward_and_backward_and_the_plans(
    config, workspace
):
    results = api.load_results(config, workspace)
    made, runs = results.plan, results.runs
    cells = {run.id: cell for cell, run in made.wanted}
    for row in api.tidy_table(runs).to_pylist():
        steps = row["train_images"] // row["batch_size"]
        assert (
            row["training_flops"]
            == 2 * (row["macs"] + row["backward_macs"]) * row["epochs"] * steps * row["batch_size"]
        )
        assert row["training_flops"] == cells[row["id"]].training_flops


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Trained for ten epochs, over the last of which the error still falls by a thirtieth."""
    file = tmp_path_factory.mktemp("short") / "study.yaml"
    file.write_text(study(widths=WIDTHS, seeds=40, epochs=10, train_images=(1000,)))
    plant(file, file.parent / "store")
    return file


@pytest.mark.parametrize("source", ["study", "store"])
def test_widths_that_still_improve_ask_for_a_look(short, source):
    workspace = api.Workspace(store=str(short.parent / "store"))
    fits = api.fit(str(short) if source == "study" else workspace.store, workspace)
    assert {law.status for fit in fits for law in fit.laws.values()} == {Status.CAUTION}
    assert all("from epoch 9 to 10, the last" in law.reason for fit in fits for law in fit.laws.values())


def test_networks_that_have_learnt_are_let_be_but_for_chance(config, workspace):
    """Over the last tenth of a hundred epochs their error falls by 0.4 %."""
    doubtful = [fit for fit in api.fit(str(config), workspace) if "still falls" in fit.laws["power"].reason]
    assert len(doubtful) <= binom.isf(1e-2, 2 * len(IMAGES), CONVERGENCE_ALPHA)


def test_exponents_against_training_length_come_from_a_grid_of_lengths(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(
        study(widths=WIDTHS, seeds=4, epochs=5, train_images=(1000,)).replace(
            '"epochs": 5', '"epochs": [5, 10, 20, 50, 100]'
        )
    )
    plant(file, tmp_path / "store")
    workspace = api.Workspace(store=str(tmp_path / "store"))
    lengths = [fit.label for fit in api.fit(str(file), workspace)]
    assert lengths == [
        f"{name}, {length} epochs" for name in ("lenet5", "tree3") for length in (5, 10, 20, 50, 100)
    ]
    along = api.fit(str(file), workspace, options=api.FitOptions(x="epochs"))
    assert [fit.label for fit in along] == [
        f"{name}, filters {width}" for name in ("lenet5", "tree3") for width in range(1, WIDTHS + 1)
    ]
    assert all(np.array_equal(fit.points.widths, [5, 10, 20, 50, 100]) for fit in along)
    assert not any("still falls" in law.reason for fit in along for law in fit.laws.values())

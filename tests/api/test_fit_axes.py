"""Fits along every axis, with warnings from the epochs, on a store whose errors follow a known law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.planted_store import EXPONENT, plant, study
from scaling import api
from scaling.fit import Status, group_points
from scaling.fit.diagnosis.convergence import CONVERGENCE_ALPHA

IMAGES, WIDTHS, SEEDS = (500, 1000, 2000, 7000), 3, 8
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
def test_curves_along_training_images_have_one_width(config, workspace, x):
    fits = api.fit(str(config), workspace, options=api.FitOptions(x=x))
    assert [fit.label for fit in fits] == [
        f"{name}, filters {width}" for name in ("lenet5", "tree3") for width in range(1, WIDTHS + 1)
    ]
    for fit in fits:
        assert fit.points.widths.tolist() == list(IMAGES)
        exponent = fit.laws["power"].interval("exponent")
        # Four standard errors: a 95 % interval is about four standard errors wide.
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
def test_curves_along_a_cost_are_those_of_the_report(config, workspace, source, x):
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
        expected = points[architecture, images]
        assert (fit.points.x_name, fit.points.widths.tolist(), fit.points.means.tolist()) == (
            x,
            expected.widths.tolist(),
            expected.means.tolist(),
        )
        assert fit.laws["power"].interval("exponent").estimate > 0


def test_training_flops_are_two_operations_per_mac_and_equal_the_plans(config, workspace):
    results = api.load_results(config, workspace)
    cells = {run.id: cell for cell, run in results.plan.wanted}
    for row in api.tidy_table(results.runs).to_pylist():
        steps = row["train_images"] // row["batch_size"]
        assert (
            row["training_flops"]
            == 2 * (row["macs"] + row["backward_macs"]) * row["epochs"] * steps * row["batch_size"]
        )
        assert row["training_flops"] == cells[row["id"]].training_flops


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Study of ten epochs, in the last of which the error still falls by a thirtieth."""
    file = tmp_path_factory.mktemp("short") / "study.yaml"
    file.write_text(study(widths=4, seeds=40, epochs=10, train_images=(1000,)))
    plant(file, file.parent / "store")
    return file


@pytest.mark.parametrize("source", ["study", "store"])
def test_widths_that_still_improve_are_flagged(short, source):
    workspace = api.Workspace(store=str(short.parent / "store"))
    fits = api.fit(str(short) if source == "study" else workspace.store, workspace)
    assert {law.status for fit in fits for law in fit.laws.values()} == {Status.CAUTION}
    assert all(
        "between epoch 9 and the last epoch, 10" in law.reason for fit in fits for law in fit.laws.values()
    )


def test_converged_networks_are_flagged_only_by_chance(config, workspace):
    """Over the last tenth of a hundred epochs, the error falls by 0.4 %."""
    flagged = [fit for fit in api.fit(str(config), workspace) if "still falls" in fit.laws["power"].reason]
    assert len(flagged) <= binom.isf(1e-2, 2 * len(IMAGES), CONVERGENCE_ALPHA)


def test_a_grid_of_training_lengths_gives_curves_along_epochs(tmp_path):
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


@pytest.mark.parametrize("source", ["study", "store"])
def test_a_joint_law_has_one_group_for_each_architecture(tmp_path, source):
    file = tmp_path / "study.yaml"
    file.write_text(study(widths=5, seeds=4, epochs=100, train_images=IMAGES))
    plant(file, tmp_path / "store")
    workspace = api.Workspace(store=str(tmp_path / "store"))
    fits = api.fit_joint(
        str(file) if source == "study" else workspace.store,
        workspace,
        options=api.JointOptions(x=("filters", "train_images"), cost="training_flops"),
    )
    assert [fit.label for fit in fits] == ["lenet5", "tree3"]
    for fit in fits:
        assert (len(fit.points.widths), len(fit.points.y)) == (5 * len(IMAGES), 4 * 5 * len(IMAGES))
        assert fit.points.test_images is not None
        exponent = fit.law.parameters["exponent_d"]
        assert exponent.low < exponent.estimate < exponent.high
        assert fit.frontier.cost.exponents[1] == pytest.approx(1, abs=0.1)

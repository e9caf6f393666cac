"""Inputs that invite a wrong answer, with the right one: tables, labels of images, environments."""

from __future__ import annotations

import json

import numpy as np
import pytest

SYNTHETIC = """\
study: narrow
dataset: {type: synthetic, size: 200, test_size: 100, side: 16}
architectures: [{type: lenet5, filters: [1, 2]}]
recipe: {epochs: 1, batch_size: 50, learning_rate: 0.05}
seeds: 2
"""


def write_rows(file, names, rows):
    file.write_text("\n".join(",".join(map(str, row)) for row in (names, *rows)) + "\n")
    return file


def fit_one(scaling, *words):
    result = scaling("fit", *words, "--json")
    assert (result.code, result.err) == (0, "")
    (fitted,) = json.loads(result.out)["fits"]
    return fitted


def test_iterations_of_trials_are_no_runs(scaling, tmp_path):
    """A progress table of Ray Tune: the last rows follow 0.8 filters^-0.5, the earlier ones lie above."""
    rng = np.random.default_rng(2)
    rows = [
        (0.8 * filters**-0.5 * (1 + 3 / iteration**2 - 0.12) * noise, iteration, f"t_{trial}", filters, 0.01)
        for trial, (filters, noise) in enumerate(
            (filters, np.exp(0.01 * rng.standard_normal()))
            for filters in (1, 2, 4, 8, 16, 32)
            for _ in "abcd"
        )
        for iteration in range(1, 6)
    ]
    names = ("test_error", "training_iteration", "trial_id", "config/filters", "config/lr")
    words = (write_rows(tmp_path / "progress.csv", names, rows), "--x", "config/filters")
    fitted = fit_one(scaling, *words)
    assert not {law["status"] for law in fitted["laws"].values()} & {"usable"}
    assert any("training_iteration" in note for note in fitted["notes"])
    last = fit_one(scaling, *words, "--last-of", "training_iteration")
    exponent = last["laws"]["power"]["parameters"]["exponent"]
    assert exponent["low"] <= 0.5 <= exponent["high"]
    assert last["points"]["runs"] == [4] * 6


def test_a_second_size_is_named_and_a_joint_law_recovers_both(scaling, tmp_path):
    rows = [
        (size, data, 1.8 + 480 * size**-0.35 + 2000 * data**-0.37)
        for size in np.geomspace(1e7, 1e10, 7)
        for data in np.geomspace(1e9, 1e12, 7)
    ]
    table = write_rows(tmp_path / "sizes.csv", ("N", "D", "loss"), rows)
    fitted = fit_one(scaling, table, "--x", "N", "--y", "loss")
    assert not {law["status"] for law in fitted["laws"].values()} & {"usable"}
    assert any("differ in D" in note and "--x N,D" in note for note in fitted["notes"])
    joint = fit_one(scaling, table, "--x", "N,D", "--y", "loss")["laws"]["joint"]["parameters"]
    planted = {"amplitude_n": 480, "exponent_n": 0.35, "amplitude_d": 2000, "exponent_d": 0.37, "floor": 1.8}
    assert {name: joint[name]["estimate"] for name in planted} == pytest.approx(planted, rel=1e-3)


def test_a_curve_between_two_plateaus_is_predicted_and_is_no_power_law(scaling, tmp_path):
    def curve(x):
        return 0.05 + 0.9 / (1 + (x / 8) ** 0.6)

    rows = [(x, f"{curve(x):.5f}") for x in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)]
    table = write_rows(tmp_path / "curve.csv", ("x", "loss"), rows)
    words = (table, "--x", "x", "--y", "loss", "--predict", 128)
    fitted = fit_one(scaling, *words)
    assert fitted["verdict"]["choice"] == "bends"
    means = {prediction["form"]: prediction["mean"] for prediction in fitted["predictions"]}
    assert means["m4"]["estimate"] == pytest.approx(curve(128), rel=0.01)
    assert "predicts the widest" not in " ".join(scaling("fit", *words).out.split())


def test_one_run_with_errors_among_runs_without_is_flagged_in_fit_and_report(scaling, tmp_path):
    rng = np.random.default_rng(3)
    rows = [
        (filters, round(0.1 / filters * np.exp(0.02 * rng.standard_normal()), 3) if filters < 32 else 0, 1000)
        for filters in (1, 2, 4, 8, 16, 32)
        for _ in range(4)
    ]
    rows[-1] = (32, 0.003, 1000)
    table = write_rows(tmp_path / "runs.csv", ("filters", "test_error", "test_images"), rows)
    fitted = fit_one(scaling, table)
    assert any("0.003" in note and "32" in note for note in fitted["notes"])
    assert np.isfinite(fitted["laws"]["power"]["parameters"]["exponent"]["estimate"])
    report = scaling("report", table, "--x", "filters", "--y", "test_error", "--out", tmp_path / "page")
    assert (report.code, report.err) == (0, "")


@pytest.mark.parametrize(
    ("values", "classes", "mapped"),
    [
        ([0, 1], 2, ""),
        ([3, 10, 20, 30], 4, "the labels 3, 10, 20, 30 of its file become the classes 0 to 3"),
        ([1, 2, 3, 4], 4, "the labels 1, 2, 3, 4 of its file become the classes 0 to 3"),
    ],
    ids=["two", "gaps", "from one"],
)
def test_a_file_has_as_many_classes_as_labels(scaling, tmp_path, values, classes, mapped):
    labels = np.array(values * 8, np.uint8)
    images = np.zeros((len(labels), 28, 28), np.uint8)
    np.savez(tmp_path / "mine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    study = tmp_path / "own.yaml"
    study.write_text(SYNTHETIC.replace("{type: synthetic, size: 200, test_size: 100, side: 16}", "DATA"))
    study.write_text(study.read_text().replace("DATA", "{type: npz, path: mine.npz}").replace("50", "8"))
    out = scaling("plan", study, "--store", tmp_path / "new").out
    assert f"mine: {classes} classes" in out
    assert mapped in out
    assert ("become the classes" in out) == bool(mapped)


def test_a_sweep_in_one_task_of_a_slurm_job_trains_all_runs(scaling, tmp_path, monkeypatch):
    """Lightning would join the four tasks as one training."""
    variables = {"JOB_ID": 1, "JOB_NAME": "train", "NTASKS": 4, "PROCID": 0, "LOCALID": 0, "NODEID": 0}
    for name, value in variables.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    monkeypatch.setenv("SLURM_JOB_NODELIST", "localhost")
    study = tmp_path / "narrow.yaml"
    study.write_text(SYNTHETIC)
    store = tmp_path / "new"
    assert scaling("run", study, "--in-process", "--store", store).code == 0
    runs = json.loads(scaling("plan", study, "--store", store, "--json").out)["runs"]
    assert [run["done"] for run in runs] == [True] * 4

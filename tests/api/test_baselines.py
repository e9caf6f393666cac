"""Baselines beside a network: planned, run, resumed, fitted, compared and listed like any run."""

from __future__ import annotations

import sys
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from scaling import api
from scaling.config import load_study
from scaling.errors import FitError, UsageError
from scaling.fit import EstimationOptions, fit_table
from scaling.plan.candidate_widths import extendable_curves

STUDY = """\
study: baselines
dataset: {type: synthetic, size: 200, test_size: 100, side: 16, noise: 0.6}
architectures:
  - {type: lenet5, filters: [1, 2, 3], hidden: [8]}
  - {type: svm, C: [1, 10]}
  - {type: knn}
  - {type: linear_classifier, C: 0.01}
recipe: {epochs: 1, batch_size: 20, precision: fp32}
seeds: 2
store: {weights: all}
"""
LABELS = ("knn", "lenet5", "linear_classifier", "svm, C 1", "svm, C 10")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("baselines") / "baselines.yaml"
    file.write_text(STUDY)
    return file


@pytest.fixture(scope="module")
def stored(file):
    """Workspace with all runs of the study."""
    folder = file.parent
    workspace = api.Workspace(store=str(folder / "store"), data=folder, artifacts=folder / "artifacts")
    plan = api.plan(file, workspace)
    assert plan.new == 3 * 2 + 2 + 1 + 1
    assert all(row.core_s > 0 and row.memory_bytes > 0 for row in plan.rows())
    assert {pack.size for pack in plan.packs if pack.cell.architecture.fit_profile} == {1}
    outcome = api.run(file, workspace, in_process=True, quiet=True)
    assert (outcome.trained, outcome.failures) == (10, ())
    return workspace


def test_nothing_is_left_to_do(file, stored):
    assert api.plan(file, stored).new == 0
    file.with_name("longer.yaml").write_text(STUDY.replace("epochs: 1", "epochs: 2"))
    plan = api.plan(file.with_name("longer.yaml"), stored)
    assert {pack.cell.architecture.type for pack in plan.packs} == {"lenet5"}


def test_the_fit_leaves_the_baselines_without_a_law(file, stored):
    fits = {fit.label: fit for fit in api.fit(str(file), stored)}
    assert tuple(fits) == LABELS
    assert [label for label, fit in fits.items() if fit.laws] == ["lenet5"]
    assert fits["knn"].notes == (
        "No law: the architecture has one size, and a law needs several; the table of means has its error.",
    )


def test_a_study_of_baselines_alone_has_no_law(file, stored):
    lines = STUDY.splitlines(keepends=True)
    alone = file.with_name("baselines_alone.yaml")
    alone.write_text("".join(line for line in lines if "lenet5" not in line))
    one_size = "the architecture has one size, and a law needs several; the table of means has its error"
    expected = "; ".join(f"{label}: {one_size}" for label in LABELS if label != "lenet5")
    with pytest.raises(FitError) as error:
        api.fit(str(alone), stored)
    assert error.value.problem == f"{alone}: {expected}"


def test_no_further_runs_of_a_baseline_are_proposed(file):
    study = load_study(file, data=file.parent)
    assert [curve.label for curve in extendable_curves(study)] == ["lenet5"]
    alone = file.with_name("alone.yaml")
    alone.write_text("study: alone\ndataset: {type: synthetic}\narchitectures: [{type: knn}]\n")
    with pytest.raises(UsageError, match="no architecture has a width, so no runs can be proposed"):
        extendable_curves(load_study(alone, data=file.parent))


def test_a_baseline_has_one_run_and_no_interval_of_its_rejection(file, stored):
    reasons = {cell.curve: cell.rejection.reason for cell in api.reject(file, stored).cells}
    assert tuple(reasons) == LABELS
    assert reasons["lenet5"] == "fewer than 4 runs"
    expected = "a single run has no interval; there is one, because the fit uses no random numbers"
    assert {reasons[label] for label in LABELS if label != "lenet5"} == {expected}
    pools = api.ensemble(file, stored)
    assert {
        pool.curve: pool.ensembles[0].reason for pool in pools if pool.curve != "lenet5"
    } == dict.fromkeys([label for label in LABELS if label != "lenet5"], expected)


def test_no_seeds_of_baselines_are_asked_for(file, stored):
    """Along the number of training images, a baseline has a law through single runs."""
    lines = STUDY.splitlines(keepends=True)
    alone = file.with_name("knn.yaml")
    alone.write_text(
        "".join(line for line in lines if "type: " not in line or "synthetic" in line or "knn" in line)
    )
    with pytest.raises(UsageError, match=r"no pool has more than 1 runs; ask for fewer members$"):
        api.ensemble(alone, stored, sizes=[2])
    runs = api.load_results(file, stored).final_runs
    (row,) = runs.filter(pc.field("architecture") == "knn").to_pylist()
    sizes = pa.Table.from_pylist(
        [row | {"train_images": n, "test_error": 0.3 * n**-0.2} for n in (50, 100, 200, 400)]
    )
    (fitted,) = fit_table(sizes, EstimationOptions(resamplings=5), x="train_images")
    assert fitted.laws
    assert not any("seeds" in note for note in fitted.notes)
    with pytest.raises(FitError, match=r"without replicates has no interval; add widths$"):
        fit_table(sizes.slice(0, 2), EstimationOptions(resamplings=5), x="train_images")


def test_the_comparison_names_them_and_draws_what_has_a_law(file, stored, monkeypatch):
    monkeypatch.setattr("analysis.comparison_page.write_comparison", lambda comparison, *_, **__: comparison)
    comparison = api.compare(file, stored)
    assert comparison.grouped.labels == LABELS
    assert {point.label for point in comparison.pareto_fronts["macs"]} == {"lenet5"}


def test_the_table_has_their_settings_and_no_gradients(file, stored):
    rows = api.table(file, stored).runs.to_pylist()
    by_type = {row["architecture"]: row for row in rows}
    assert by_type["knn"]["architecture_k"] == 3
    assert by_type["svm"]["test_errors"] < 90
    assert by_type["svm"]["routes"] is None
    assert by_type["lenet5"]["routes"] > 0
    assert by_type["knn"]["parameters"] == 200 * 16 * 16


def test_no_weights_are_kept(file, stored):
    runs = api.load_results(file, stored).final_runs.to_pylist()
    run_id = next(row["id"] for row in runs if row["architecture"] == "svm")
    with pytest.raises(UsageError, match="svm is fitted in one go, and its weights are not kept"):
        api.inspect(run_id, stored, configs=[file])


def test_without_scikit_learn_nothing_is_trained_but_plans_work(file, stored, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    empty = replace(stored, store=str(tmp_path / "store"))
    assert api.plan(file, empty).new == 10
    with pytest.raises(UsageError, match=r"svm: .*scikit-learn.*'scaling-studies\[history\]'"):
        api.run(file, empty, in_process=True, quiet=True)
    assert not (tmp_path / "store").exists()

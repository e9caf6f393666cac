"""A study from Python: plan, run, load, fit, report."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Group

from scaling import api
from scaling.api._table import PROMOTED_SETTINGS
from scaling.config import Run, flatten_settings
from scaling.errors import TableError

STUDY = """\
study: tiny
dataset: {type: synthetic, size: 200, test_size: 100, side: 10, noise: 0.6, validation: 50}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: [1, 2, 4]}
  - {type: lenet5, convolutions: 1, hidden: [[], [8]], filters: [1, 2]}
recipe: {epochs: 2, batch_size: 25, learning_rate: 0.1}
seeds: 2
store: {weights: all}
"""
WANTED = 2 * (3 + 4)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    file = tmp_path_factory.mktemp("study") / "tiny.yaml"
    file.write_text(STUDY)
    return file


@pytest.fixture(scope="module")
def workspace(study):
    return api.Workspace(
        store=str(study.parent / "store"), data=study.parent, artifacts=study.parent / "artifacts"
    )


@pytest.fixture(scope="module")
def outcome(study, workspace):
    return api.run(study, workspace, in_process=True)


def test_the_outcome_of_a_run(outcome):
    assert (outcome.trained, outcome.missing, outcome.failures) == (WANTED, 0, ())
    assert (len(outcome.plan.wanted), outcome.plan.new) == (WANTED, WANTED)
    assert outcome.wall_s > 0


@pytest.mark.usefixtures("outcome")
def test_a_second_run_has_nothing_to_do(study, workspace):
    assert (api.plan(study, workspace).new, api.run(study, workspace).trained) == (0, 0)


@pytest.mark.usefixtures("outcome")
def test_results_contain_only_runs_of_the_study(study, workspace):
    results = api.load_results(study, workspace, overrides=["architectures[0].filters=[2,3]"])
    assert len(results.plan.done) == 2 * (1 + 4)
    assert set(results.runs["id"].to_pylist()) == results.plan.done
    assert results.runs["val_error"].null_count == 0


@pytest.mark.usefixtures("outcome")
def test_a_tidy_table_has_every_setting_of_every_run(study, workspace):
    runs = api.load_results(study, workspace).runs
    table = api.tidy_table(runs)
    rows = {row["id"]: row for row in table.to_pylist()}
    assert table.num_rows == WANTED
    for text in runs["config_json"].to_pylist():
        run = Run.from_json(text)
        row = rows[run.id]
        for path, value in flatten_settings(run).items():
            column = PROMOTED_SETTINGS.get(path, path.replace(".", "_"))
            # None stands for all images or all classes, whose number the column has.
            assert value is None or row[column] == (str(value) if isinstance(value, list) else value), path
        # A setting that only other architectures have is null.
        assert (
            row["architecture_kernel" if run.architecture.type == "tree3" else "architecture_branches"]
            is None
        )
    assert table["architecture_hidden"].to_pylist().count("[8]") == 4


@pytest.fixture(scope="module")
def report(study, workspace, outcome):
    return api.report(study, workspace)


@pytest.mark.usefixtures("outcome")
def test_fits_and_the_report_are_objects(study, workspace, report):
    fits = api.fit(str(study), workspace, options=api.FitOptions(by=["architecture", "depth"]))
    assert {(fit.group["architecture"], fit.group["depth"]) for fit in fits} == {
        ("tree3", "3"),
        ("lenet5", "2"),
        ("lenet5", "3"),
    }
    assert isinstance(api.render_laws(fits), Group)
    assert report.path == workspace.artifacts / "tiny" / "report.html"
    assert all(file.exists() for file in report.figures)


@pytest.mark.usefixtures("outcome")
@pytest.mark.parametrize("source", ["study", "store"])
def test_fit_and_report_have_the_same_curves(study, workspace, report, source):
    """Networks that differ in their hidden layers are never pooled."""
    fits = api.fit(str(study) if source == "study" else workspace.store, workspace)
    assert [fit.label for fit in fits] == ["lenet5, hidden none", "lenet5, hidden 8", "tree3"]
    assert [len(fit.points.y) for fit in fits] == [4, 4, 6]
    assert {law.label for law in report.fits} == {fit.label for fit in fits}


@pytest.mark.usefixtures("outcome")
def test_every_setting_can_be_a_column_of_a_fit(study, workspace):
    fits = api.fit(
        str(study),
        workspace,
        options=api.FitOptions(x="architecture.filters", by=["architecture.type", "architecture.hidden"]),
    )
    assert {fit.group["architecture.hidden"] for fit in fits} == {"none", "[]", "[8]"}
    with pytest.raises(TableError, match=r"recipe\.epoch: no such column; did you mean recipe\.epochs\?"):
        api.fit(str(study), workspace, options=api.FitOptions(by=["recipe.epoch"]))


@pytest.mark.usefixtures("outcome")
def test_an_external_table_is_split_by_architecture(study, workspace, tmp_path):
    api.write_table(api.load_results(study, workspace).runs, tmp_path / "runs.parquet")
    fits = api.fit(str(tmp_path / "runs.parquet"), workspace)
    assert [set(fit.group) for fit in fits] == [{"architecture"}] * 2


@pytest.mark.usefixtures("outcome")
def test_stored_weights_are_those_of_the_network(study, workspace):
    from safetensors.numpy import load

    for cell, run in api.plan(study, workspace).wanted:
        weights = load(workspace.stores().first.weights(run.id))
        assert sum(weight.size for weight in weights.values()) == cell.layer_table().parameters
        assert all(np.isfinite(weight).all() for weight in weights.values())


def test_the_suffix_of_a_table_selects_its_format(tmp_path):
    table = pa.table({"filters": [1, 2]})
    assert api.write_table(table, tmp_path / "deep" / "x.parquet") == 2
    assert api.write_table(table, tmp_path / "x.csv") == 2
    assert (tmp_path / "x.csv").read_text().splitlines() == ['"filters"', "1", "2"]
    for name in ("x.json", "x", "x.CSV.gz"):
        with pytest.raises(TableError, match=r"ends in \.parquet or \.csv"):
            api.write_table(table, tmp_path / name)

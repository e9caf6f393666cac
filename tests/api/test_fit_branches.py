"""Fits along the branches of tree3, in a study with an architecture that has no branches."""

from __future__ import annotations

import json

import pytest

from benchmarks.planted_store import plant
from scaling import api
from scaling.errors import TableError

BRANCHES, WIDTHS = [1, 4, 16], [1, 2, 4]
STUDY = {
    "study": "branches",
    "dataset": {"type": "usps"},
    "architectures": [
        {"type": "tree3", "filters": WIDTHS, "branches": BRANCHES},
        {"type": "lenet5", "filters": WIDTHS},
    ],
    "recipe": {"epochs": 2},
    "seeds": 2,
}
TREES = ["tree3, 1 branch", "tree3, 4 branches", "tree3, 16 branches"]


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    file = tmp_path_factory.mktemp("branches") / "study.yaml"
    file.write_text(json.dumps(STUDY))
    plant(file, file.parent / "store")
    return file


@pytest.fixture(scope="module")
def workspace(config):
    return api.Workspace(store=str(config.parent / "store"), artifacts=config.parent / "artifacts")


def test_each_number_of_branches_is_a_curve_along_filters(config, workspace):
    assert set(api.plan(config, workspace).study.curve_labels()) == {"lenet5", *TREES}
    assert [fit.label for fit in api.fit(str(config), workspace)] == ["lenet5", *TREES]


@pytest.mark.parametrize("x", ["branches", "architecture.branches"])
@pytest.mark.parametrize("source", ["study", "store"])
def test_each_width_is_a_curve_along_branches_and_other_networks_are_noted(config, workspace, source, x):
    fits = api.fit(
        str(config) if source == "study" else workspace.store, workspace, options=api.FitOptions(x=x)
    )
    assert [fit.label for fit in fits] == [f"tree3, filters {width}" for width in WIDTHS]
    for fit in fits:
        assert fit.points.widths.tolist() == BRANCHES
        assert f"Left out: 6 of 24 runs (lenet5 has no {x})." in fit.notes


def test_an_unknown_setting_is_refused(config, workspace):
    with pytest.raises(TableError, match=r"widths: no such column"):
        api.fit(str(config), workspace, options=api.FitOptions(x="widths"))
    with pytest.raises(TableError, match=r"type: no such column"):
        api.fit(str(config), workspace, options=api.FitOptions(x="type"))


def test_the_report_has_a_figure_and_laws_along_branches(config, workspace):
    report = api.report(config, workspace)
    (table,) = [file for file in report.figures if file.name == "error_against_branches.csv"]
    rows = [line.split(",")[1:4:2] for line in table.read_text().replace(", ", " ").splitlines()[1:]]
    runs = api.tidy_table(api.load_results(config, workspace).runs).to_pylist()
    parameters = {(str(run["filters"]), run["architecture_branches"]): str(run["parameters"]) for run in runs}
    assert rows == [
        [str(width), parameters[str(width), branches]] for width in WIDTHS for branches in BRANCHES
    ]
    assert (report.path.parent / "laws.csv").read_text().count('"branches"') == 2 * len(WIDTHS)
    assert "Each doubling of branches multiplies it by" in report.path.read_text()

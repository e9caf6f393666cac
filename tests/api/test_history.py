"""Published systems beside planted runs of the networks that rebuild them, and the published page."""

from __future__ import annotations

import json
from dataclasses import replace
from math import sqrt
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pytest
from scipy.stats import ttest_ind

from analysis.history_order import rank
from analysis.history_page import history_page
from analysis.published_system import Era, PublishedSystem, Rebuild
from analysis.published_systems import PUBLISHED_SYSTEMS
from benchmarks import planted_store
from scaling import api
from scaling.errors import UsageError
from scaling.store import open_store

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "configs" / "history"
T_OF_2_DOF = 4.302652729911275
"""Two-sided 95 % quantile of Student's t with two degrees of freedom."""


def write_study(folder: Path, name: str, *types: str) -> None:
    (folder / name).write_text(
        json.dumps(
            {
                "study": "x",
                "dataset": {"type": "usps"},
                "architectures": [{"type": network, "filters": 12} for network in types],
                "recipe": {"learning_rate": 0.1, "epochs": 23},
                "seeds": 3,
            }
        )
    )


def plant(file: Path, workspace: api.Workspace, errors: list[float | None]) -> None:
    """Publish runs of a study with these test errors; a run whose error is None has diverged."""
    for pack in api.plan(file, workspace).packs:
        tables = planted_store.planted_tables(pack, {"host": "here", "versions": "{}"})
        rows = [
            row | {"test_error": error, "diverged": error is None}
            for row, error in zip(tables["runs"].to_pylist(), errors, strict=True)
        ]
        runs = pa.Table.from_pylist(rows, schema=tables["runs"].schema)
        open_store(workspace.store).publish(tables | {"runs": runs})


def system(*studies: str, percent: str = "5.0") -> PublishedSystem:
    rebuilds = tuple(
        Rebuild(study=study, architecture="zipcode1989", era=Era.PUBLISHED, differences="None.")
        for study in studies
    )
    return PublishedSystem(
        name="Network of 1989",
        year=1989,
        data="paper's digits",
        percent=percent,
        parameters="9,760",
        rebuilds=rebuilds,
    )


def test_the_mean_of_the_runs_stands_beside_the_published_error(tmp_path, workspace):
    write_study(tmp_path, "a.yaml", "zipcode1989")
    plant(tmp_path / "a.yaml", workspace, [0.03, 0.04, 0.05])
    (row,) = api.history(tmp_path, workspace, systems=[system("a.yaml")]).rows
    half = T_OF_2_DOF * 0.01 / sqrt(3)
    measured = row.to_dict()
    assert (measured["published_error"], measured["runs"], measured["diverged"]) == (0.05, 3, 0)
    assert [measured[name] for name in ("error", "error_low", "error_high")] == pytest.approx(
        [0.04, 0.04 - half, 0.04 + half], rel=1e-12
    )
    limits = (row.difference.estimate, row.difference.low, row.difference.high)
    assert limits == pytest.approx([-0.01, -0.01 - half, -0.01 + half])
    assert row.parameters_text == "9,760"
    assert row.data_text == "published: paper's digits; here: USPS zip codes, 7,291 and 2,007 images"
    parts = ("23 epochs, batches of 100", "cross entropy", "momentum 0.9", "one cycle", "learning rate 0.1")
    assert all(part in row.network.recipe for part in parts)


def test_diverged_runs_are_counted_and_left_out(tmp_path, workspace):
    write_study(tmp_path, "a.yaml", "zipcode1989")
    plant(tmp_path / "a.yaml", workspace, [0.04, None, 0.06])
    (row,) = api.history(tmp_path, workspace, systems=[system("a.yaml")]).rows
    assert (row.measured.error.estimate, row.runs_text) == (pytest.approx(0.05), "2 (1 diverged)")


def test_nothing_is_measured_without_runs(tmp_path, workspace):
    """A system has no study, its study has no runs, its runs diverged, or its published error is unknown."""
    for name, epochs in (("a.yaml", 23), ("b.yaml", 24)):
        write_study(tmp_path, name, "zipcode1989")
        (tmp_path / name).write_text((tmp_path / name).read_text().replace("23", str(epochs)))
    plant(tmp_path / "b.yaml", workspace, [None] * 3)
    systems = [system(), system("a.yaml", "b.yaml"), system("a.yaml", percent="")]
    history = api.history(tmp_path, workspace, systems=systems)
    texts = [row.measured_text for row in history.rows]
    assert texts == ["no study", "not trained", "all 3 runs diverged", "not trained"]
    assert {row.difference_text for row in history.rows} == {"–"}
    assert [row.published_text for row in history.rows] == ["5.0 %"] * 3 + ["–"]
    assert {row["error"] for row in history.table().to_pylist()} == {None}


def test_neighbours_of_a_published_order_are_compared_by_welch_s_interval(tmp_path, workspace):
    errors = {"a.yaml": [0.03, 0.04, 0.05], "b.yaml": [0.02, 0.021, 0.022], "c.yaml": [0.06, 0.07, 0.0801]}
    systems = []
    for epochs, (study, percent) in enumerate(zip(errors, ("3.0", "5.0", "2.0"), strict=True), 23):
        write_study(tmp_path, study, "zipcode1989")
        (tmp_path / study).write_text((tmp_path / study).read_text().replace("23", str(epochs)))
        plant(tmp_path / study, workspace, errors[study])
        (rebuild,) = system(study).rebuilds
        today = replace(rebuild, era=Era.TODAY)
        systems.append(replace(system(percent=percent), name=study, ranking="here", rebuilds=(today,)))
    pairs = rank(api.history(tmp_path, workspace, systems=systems))
    assert [(pair.worse.system.name, pair.better.system.name, pair.verdict) for pair in pairs] == [
        ("b.yaml", "a.yaml", "cannot tell"),
        ("a.yaml", "c.yaml", "reversed"),
    ]
    for pair in pairs:
        names = pair.worse.system.name, pair.better.system.name
        expected = ttest_ind(*(errors[name] for name in names), equal_var=False).confidence_interval(0.95)
        assert (pair.difference.low, pair.difference.high) == pytest.approx((expected.low, expected.high))
    assert [pair.published_difference for pair in pairs] == pytest.approx([0.02, 0.01])


@pytest.mark.parametrize("types", [("lenet5",), ("zipcode1989", "zipcode1989")])
def test_a_rebuild_is_one_network_of_its_study(tmp_path, workspace, types):
    write_study(tmp_path, "a.yaml", *types)
    text = f"a.yaml: expected one network of the type zipcode1989, got {types.count('zipcode1989')}"
    with pytest.raises(UsageError, match=text):
        api.history(tmp_path, workspace, systems=[system("a.yaml")])


def test_files_of_the_page(tmp_path, workspace):
    write_study(tmp_path, "a.yaml", "zipcode1989")
    plant(tmp_path / "a.yaml", workspace, [0.03, 0.04, 0.05])
    history = api.history(tmp_path, workspace, systems=[system("a.yaml"), system()])
    files = api.write_history(history, tmp_path / "docs")
    names = ["history.md", *(f"figures/history.{kind}" for kind in ("svg", "png", "csv"))]
    assert [file.relative_to(tmp_path / "docs").as_posix() for file in files] == names
    assert all(file.stat().st_size for file in files)
    assert len(csv.read_csv(files[-1])) == 2


@pytest.fixture(scope="module")
def published() -> api.Workspace:
    return api.Workspace(store=str(ROOT / "artifacts" / "published" / "store"))


def test_the_page_shows_the_published_store(published, tmp_path):
    """If this fails: scaling history --store artifacts/published/store --out docs."""
    history = api.history(STUDIES, published)
    assert (ROOT / "docs" / "history.md").read_text() == history_page(history)
    written = tmp_path / "history.csv"
    csv.write_csv(history.table(), written)
    assert (ROOT / "docs" / "figures" / "history.csv").read_text() == written.read_text()
    for row in history.rows:
        if row.network and row.network.parameters and row.system.parameters.replace(",", "").isdecimal():
            assert row.system.parameters == f"{row.network.parameters:,}"


def test_each_network_rebuilds_one_system_at_most():
    networks = [
        (rebuild.study, rebuild.architecture) for system in PUBLISHED_SYSTEMS for rebuild in system.rebuilds
    ]
    assert len(set(networks)) == len(networks)
    assert {study for study, _ in networks} <= {file.name for file in STUDIES.glob("*.yaml")}

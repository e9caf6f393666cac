"""Tests of ``scaling table``."""

from __future__ import annotations

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from scaling.store import open_store

READERS = {"parquet": pq.read_table, "csv": pc.read_csv}


@pytest.mark.parametrize("kind", READERS)
def test_a_table_has_a_row_for_each_run_and_a_column_for_each_setting(scaling, study, store, tmp_path, kind):
    out = tmp_path / "deep" / f"runs.{kind}"
    result = scaling("table", study, "--store", store, "--out", out)
    assert (result.code, result.out, result.err) == (0, f"{out}: 10 runs\n", "")
    rows = READERS[kind](out).to_pylist()
    assert {row["id"] for row in rows} == open_store(store).ids()
    for row in rows:
        settings = {
            "dataset": "synthetic",
            "architecture_branches": 2,
            "recipe_schedule_type": "one_cycle",
            "recipe_schedule_warmup": 0.3,
            "epochs": 2,
            "learning_rate": 0.3,
            "recipe_augmentation_flip": False,
            "data_order": 0,
        }
        assert {name: row[name] for name in settings} == settings
        assert "config_json" not in row


@pytest.mark.parametrize(
    ("out", "problem"), [("x.txt", "ends in .parquet or .csv"), ("study.yaml/x.csv", "cannot be written")]
)
def test_a_file_that_cannot_be_written_is_refused(scaling, study, store, tmp_path, out, problem):
    (tmp_path / "study.yaml").touch()
    result = scaling("table", study, "--store", store, "--out", tmp_path / out)
    assert (result.code, result.out) == (2, "")
    assert problem in result.err


def test_a_table_of_a_part_of_the_study_has_the_runs_of_that_part(scaling, study, store, tmp_path):
    scaling(
        "table", study, "--store", store, "--set", "architectures[0].filters=[2]", "--out", tmp_path / "x.csv"
    )
    assert pc.read_csv(tmp_path / "x.csv")["filters"].to_pylist() == [2, 2]

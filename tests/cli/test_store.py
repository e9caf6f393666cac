"""Tests of ``scaling store``."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256

import pyarrow.parquet as pq

from scaling.store import open_store


def test_a_merged_store_has_the_finished_runs_once(scaling, study, store, tmp_path):
    other = tmp_path / "other"
    words = ("store", "merge", study, "--store", store, "--into", other)
    assert scaling(*words).out == f"{other}: 10 runs added\n"
    assert scaling(*words).out == f"{other}: 0 runs added\n"
    ids = open_store(store).ids()
    assert open_store(other).runs().equals(open_store(store).runs())
    assert open_store(other).epochs().equals(open_store(store).epochs())
    assert len(open_store(other).predictions(ids)) == 0
    assert (
        scaling("store", "merge", study, "--store", store, "--into", tmp_path / "whole", "--predictions").code
        == 0
    )
    assert open_store(tmp_path / "whole").predictions(ids).equals(open_store(store).predictions(ids))


def test_damaged_part_is_counted_by_every_command_and_moved_aside(scaling, study, store):
    damaged, other, *_ = sorted((store / "runs").iterdir())
    run_id = pq.read_table(other)["id"][0].as_py()
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    counted = "1 part is damaged: 2 runs left out; move the files aside with: scaling store repair\n"
    for words in (
        ("plan", study),
        *((*words, "--json") for words in (("status", study), ("fit", study), ("diff", run_id, run_id))),
    ):
        result = scaling(*words, "--store", store)
        assert result.code == 0
        if "--json" in words:
            assert json.loads(result.out)["damage"] == {"parts": 1, "runs": 2, "files": 1}
        assert result.err.startswith(counted)
        assert str(damaged) in result.err
        assert len(result.err.splitlines()) == 2
    result = scaling("store", "verify", "--store", store)
    assert (result.code, result.err) == (1, "")
    assert f"{store}: 4 parts with 8 runs; 1 part is damaged: 2 runs left out\n  {damaged}: " in result.out
    (file,) = json.loads(scaling("store", "verify", "--store", store, "--json").out)["damage"]
    assert file["name"] == str(damaged)
    assert f": {file['reason']}\n" in result.out
    result = scaling("store", "repair", "--store", store)
    assert result.code == 0
    assert f"moved to {store}/damaged/runs/{damaged.name}\n" in result.out
    assert scaling("status", study, "--store", store).err == ""
    damage = json.loads(scaling("status", study, "--store", store, "--json").out)["damage"]
    assert damage == {"parts": 0, "runs": 0, "files": 0}
    assert "8 of 10 runs done" in scaling("status", study, "--store", store).out
    assert scaling("store", "verify", "--store", store).code == 0


def test_runs_without_predictions_are_left_out_of_a_merge_and_a_later_merge_adds_them(
    scaling, study, store, tmp_path
):
    words = ("store", "merge", study, "--into", tmp_path / "other", "--predictions", "--store")
    damaged = tmp_path / "damaged"
    shutil.copytree(store, damaged)
    missing = sorted((damaged / "predictions").iterdir())[0]
    missing.unlink()
    result = scaling(*words, damaged)
    assert (result.code, result.out) == (
        1,
        f"{tmp_path}/other: 8 runs added\n"
        "2 runs left out: the predictions are missing or damaged; merge them without --predictions\n",
    )
    assert f"{missing}: does not exist" in result.err
    result = scaling(*words, store)
    assert (result.code, result.out) == (0, f"{tmp_path}/other: 2 runs added\n")
    ids, other = open_store(store).ids(), open_store(tmp_path / "other")
    assert other.predictions(ids).equals(open_store(store).predictions(ids))
    damage = json.loads(scaling("status", study, "--store", damaged, "--json").out)["damage"]
    assert damage == {"parts": 0, "runs": 0, "files": 1}


def test_merge_names_the_store_that_is_wrong(scaling, study, store, tmp_path):
    result = scaling("store", "merge", study, "--store", tmp_path / "typo", "--into", tmp_path / "new")
    hint = "no such store; name the folder or the URI of a store"
    assert (result.code, result.err) == (2, f"--store {tmp_path}/typo: {hint}\n")
    (tmp_path / "dangling").symlink_to("nowhere")
    result = scaling("store", "merge", study, "--store", store, "--into", tmp_path / "dangling")
    assert result.code == 2
    assert result.err.startswith(f"--into {tmp_path}/dangling/")
    result = scaling("store", "verify", "--store", "s3:/bucket/path")
    assert result.code == 2
    assert "two slashes after the colon, such as s3://bucket/path;" in result.err
    result = scaling("store", "merge", study, "--store", store, "--into", "memory:///x")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("--into memory:///x: is lost when this process ends; name a folder")


def test_a_merge_with_a_forecast_that_cannot_be_read_adds_nothing(scaling, study, store, tmp_path):
    content = b"[]"
    folder = store / "forecasts"
    folder.mkdir(exist_ok=True)
    (folder / f"{sha256(content).hexdigest()[:20]}.json").write_bytes(content)
    result = scaling("store", "merge", study, "--store", store, "--into", tmp_path / "new")
    assert result.code != 0
    assert not open_store(tmp_path / "new").ids()


def test_status_of_a_mistyped_store_names_the_store_with_runs(scaling, study, store):
    mistyped = store.with_name(store.name + "s")
    result = scaling("status", study, "--store", mistyped)
    assert result.code == 0
    assert (
        f"{mistyped}: a new store, so 10 runs to train; did you mean {store}, which has runs?\n" in result.out
    )


def test_run_writes_a_test_set_that_was_moved_aside(scaling, study, store):
    (labels,) = (store / "test_sets").iterdir()
    before = labels.read_bytes()
    labels.write_bytes(before[:-1])
    assert "1 file of test sets is damaged" in scaling("store", "verify", "--store", store).out
    assert scaling("store", "repair", "--store", store).code == 0
    assert scaling("run", study, "--in-process", "--store", store).code == 0
    assert labels.read_bytes() == before


def test_compact_and_sweep_say_what_they_did(scaling, study, store):
    before = open_store(store).runs()
    assert scaling("store", "compact", "--store", store).out == (
        f"{store}: 5 parts with 10 runs replaced by 1 part\n"
    )
    assert scaling("store", "compact", "--store", store).out == f"{store}: nothing to compact\n"
    assert open_store(store).runs().equals(before)
    assert scaling("store", "sweep", "--store", store).out == (
        f"{store}: 0 files and folders removed, 0 bytes\n"
    )
    for command in ("verify", "repair", "compact", "sweep"):
        result = scaling("store", command, "--store", store / "nowhere")
        assert result.code == 2
        assert (
            result.err == f"--store {store}/nowhere: no such store; name the folder or the URI of a store\n"
        )

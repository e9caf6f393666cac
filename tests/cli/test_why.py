"""Tests of ``scaling why``."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def longer_study(study, tmp_path):
    """The same study, trained for longer."""
    file = tmp_path / "longer_study.yaml"
    file.write_text(study.read_text().replace("epochs: 2", "epochs: 5"))
    return file


def test_a_stored_run_is_in_the_store(scaling, store, ids):
    run = ids[2, 1]
    result = scaling("why", run[:8], "--store", store)
    assert (result.code, result.out) == (0, f"{run} is not new: it is in the store\n")


def test_why_names_the_settings_that_make_a_run_new(scaling, study, store, ids, longer_study):
    nearest = ids[3, 0]
    runs = json.loads(scaling("plan", longer_study, "--store", store, "--json").out)["runs"]
    (run,) = [run["id"] for run in runs if (run["filters"], run["seed"]) == (3, 0)]
    result = scaling("why", run, "--store", store, "--config", longer_study)
    assert result.code == 0
    assert f"{run} is new; the most similar stored run is {nearest}" in result.out
    (row,) = [line for line in result.out.splitlines() if "recipe." in line]
    assert row.split() == ["recipe.epochs", "2", "5"]


def test_every_run_is_new_in_an_empty_store(scaling, study, tmp_path, ids):
    run = ids[1, 0]
    result = scaling("why", run, "--store", tmp_path / "empty", "--config", study)
    assert (result.code, result.out) == (0, f"{run} is new: the store is empty\n")


def test_an_unknown_run_is_refused(scaling, store):
    result = scaling("why", "zzz", "--store", store)
    assert (result.code, result.out) == (2, "")
    assert "zzz: no such run in" in result.err
    assert "--config" in result.err


def test_an_ambiguous_id_is_refused(scaling, store):
    result = scaling("why", "", "--store", store)
    assert result.code == 2
    assert "10 run ids begin with this" in result.err

"""why and diff: runs apart by the leaves of their identities."""

from __future__ import annotations

import json
from hashlib import sha256

import pyarrow as pa
import pytest

from scaling.store import RUNS_SCHEMA, open_store


@pytest.fixture
def ids(scaling, study, store):
    """Ids of runs that are wanted, by filters and seed."""

    def planned(*words: object) -> dict[tuple[int, int], str]:
        runs = json.loads(scaling("plan", study, "--store", store, *words, "--json").out)["runs"]
        return {(run["filters"], run["seed"]): run["id"] for run in runs}

    return planned


@pytest.fixture
def deeper(study, tmp_path):
    """The same study, trained for longer."""
    file = tmp_path / "deeper.yaml"
    file.write_text(study.read_text().replace("epochs: 2", "epochs: 5"))
    return file


def test_a_stored_run_is_in_the_store(scaling, store, ids):
    run = ids()[2, 1]
    typed = scaling("why", run[:8], "--store", store)
    assert (typed.code, typed.out) == (0, f"{run} is in the store\n")


def test_a_new_run_names_the_leaves_that_make_it_new(scaling, study, store, ids, deeper):
    nearest = ids()[3, 0]
    runs = json.loads(scaling("plan", deeper, "--store", store, "--json").out)["runs"]
    (run,) = [run["id"] for run in runs if (run["filters"], run["seed"]) == (3, 0)]
    typed = scaling("why", run, "--store", store, "--config", deeper)
    assert typed.code == 0
    assert f"{run} is new; the nearest stored run is {nearest}" in typed.out
    (row,) = [line for line in typed.out.splitlines() if "recipe." in line]
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["recipe.epochs", "2", "5"]


def test_in_an_empty_store_every_run_is_new(scaling, study, tmp_path, ids):
    run = ids()[1, 0]
    typed = scaling("why", run, "--store", tmp_path / "empty", "--config", study)
    assert (typed.code, typed.out) == (0, f"{run} is new: the store is empty\n")


def test_an_unknown_run_is_refused(scaling, store):
    typed = scaling("why", "zzz", "--store", store)
    assert (typed.code, typed.out) == (2, "")
    assert "zzz: no such run in" in typed.err
    assert "--config" in typed.err


def test_a_beginning_that_several_runs_share_is_refused(scaling, store):
    typed = scaling("why", "", "--store", store)
    assert typed.code == 2
    assert "10 run ids begin with this" in typed.err


def test_diff_lists_the_leaves_that_differ(scaling, store, ids):
    typed = scaling("diff", ids()[1, 0], ids()[6, 1], "--store", store)
    assert typed.code == 0
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in typed.out.splitlines()
        if line.startswith("│")
    ]
    assert rows == [["architecture.filters", "1", "6"], ["seed", "0", "1"]]


def test_a_run_of_a_later_version_is_in_nobodys_way_and_named_where_it_is_asked_for(scaling, store, ids):
    opened = open_store(store)
    runs = opened.runs().slice(0, 1)
    later = runs["config_json"][0].as_py().replace('"seed"', '"later":1,"seed"')
    name = sha256(later.encode()).hexdigest()[:20]
    rows = [row | {"id": name, "config_json": later} for row in runs.to_pylist()]
    opened.publish({"runs": pa.Table.from_pylist(rows, schema=RUNS_SCHEMA)})
    run = ids()[2, 1]
    assert scaling("why", run, "--store", store).out == f"{run} is in the store\n"
    assert scaling("diff", run, ids()[2, 0], "--store", store).code == 0
    typed = scaling("diff", run, name, "--store", store)
    assert (typed.code, typed.out) == (2, "")
    assert typed.err.startswith(f"run {name}: this version cannot read later")
    assert len(typed.err.splitlines()) == 1


def test_a_run_does_not_differ_from_itself(scaling, store, ids):
    run = ids()[1, 0]
    assert scaling("diff", run, run[:10], "--store", store).out == "the same run\n"

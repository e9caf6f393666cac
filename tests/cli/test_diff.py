"""Tests of ``scaling diff``."""

from __future__ import annotations

from hashlib import sha256

import pyarrow as pa

from scaling.store import RUNS_SCHEMA, open_store


def test_diff_lists_the_settings_that_differ(scaling, store, ids):
    result = scaling("diff", ids[1, 0], ids[6, 1], "--store", store)
    assert result.code == 0
    rows = [line.split() for line in result.out.splitlines()[2:]]
    assert rows == [["architecture.filters", "1", "6"], ["seed", "0", "1"]]


def test_a_run_of_a_later_version_is_an_error_only_for_a_command_that_names_it(scaling, store, ids):
    opened = open_store(store)
    runs = opened.runs().slice(0, 1)
    later = runs["config_json"][0].as_py().replace('"seed"', '"later":1,"seed"')
    name = sha256(later.encode()).hexdigest()[:20]
    rows = [row | {"id": name, "config_json": later} for row in runs.to_pylist()]
    opened.publish({"runs": pa.Table.from_pylist(rows, schema=RUNS_SCHEMA)})
    run = ids[2, 1]
    assert scaling("why", run, "--store", store).out == f"{run} is not new: it is in the store\n"
    assert scaling("diff", run, ids[2, 0], "--store", store).code == 0
    result = scaling("diff", run, name, "--store", store)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"run {name}: this version cannot read later")
    assert len(result.err.splitlines()) == 1


def test_a_run_does_not_differ_from_itself(scaling, store, ids):
    run = ids[1, 0]
    assert scaling("diff", run, run[:10], "--store", store).out == "the same run\n"

"""Tests of ``scaling ensemble``."""

from __future__ import annotations

import json

import pyarrow.compute as pc
import pyarrow.csv as csv
import pytest

from scaling.store import open_store


def test_one_member_has_the_error_of_its_runs_and_counts_are_summed_over_members(scaling, study, store):
    rows = json.loads(scaling("ensemble", study, "--store", store, "--json").out)["ensembles"]
    assert [(row["label"], row["rule"], row["members"]) for row in rows] == [
        (f"tree3, filters {width}", rule, n)
        for width in (1, 2, 3, 4, 6)
        for rule in ("mean probability", "votes")
        for n in (1, 2)
    ]
    runs = open_store(store).runs()
    for row in rows:
        same_width = runs.filter(pc.field("filters") == row["filters"])
        assert (row["runs"], row["combinations"]) == (2, 3 - row["members"])
        assert row["parameters"] == row["members"] * same_width["parameters"][0].as_py()
        assert row["macs"] == row["members"] * same_width["macs"][0].as_py()
        assert row["status"] == "caution"
        if row["members"] == 1:
            assert row["error"] == pytest.approx(pc.mean(same_width["test_error"]).as_py(), rel=1e-12)


def test_the_table_and_two_figures(scaling, study, store, tmp_path):
    result = scaling("ensemble", study, "--store", store, "--sizes", "2", "--out", tmp_path / "here")
    assert (result.code, result.err) == (0, "")
    assert "2 of 2" in result.out
    assert "1 of 2" not in result.out
    names = [
        f"ensembles_against_{axis}.{kind}" for axis in ("members", "macs") for kind in ("svg", "png", "csv")
    ]
    assert result.out.split()[-6:] == [str(tmp_path / "here" / name) for name in names]
    assert len(csv.read_csv(tmp_path / "here" / names[2])) == 2 * 5


def test_members_may_have_different_widths(scaling, study, store):
    result = scaling("ensemble", study, "--store", store, "--by", "architecture", "--sizes", "1,10", "--json")
    mean = [row for row in json.loads(result.out)["ensembles"] if row["rule"] == "mean probability"]
    assert [(row["label"], row["filters"], row["members"], row["runs"]) for row in mean] == [
        ("tree3", None, n, 10) for n in (1, 10)
    ]
    assert mean[1]["parameters"] == pc.sum(open_store(store).runs()["parameters"]).as_py()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sizes", "3"), "--sizes 3: no pool has more than 2 runs"),
        (("--sizes", "1,x"), "--sizes 1,x: expected integers above 0"),
        (("--by", "filter"), "filter: no such column; did you mean filters?"),
    ],
)
def test_a_usage_error_has_one_line(scaling, study, store, words, message):
    result = scaling("ensemble", study, "--store", store, *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message)
    assert result.err.count("\n") == 1


def test_a_store_without_predictions_is_refused_with_a_hint(scaling, study, store, tmp_path):
    scaling("store", "merge", study, "--store", store, "--into", tmp_path / "small")
    result = scaling("ensemble", study, "--store", tmp_path / "small")
    assert result.code == 2
    assert result.err.startswith("10 of 10 runs have no predictions here; read the store that trained them")
    assert result.err.endswith("with --predictions\n")

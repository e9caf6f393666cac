"""ensemble: from a store's logits to a table, JSON and figures."""

from __future__ import annotations

import json

import pyarrow.compute as pc
import pyarrow.csv as csv
import pytest

from scaling.store import open_store


def test_single_members_err_as_their_runs_and_totals_are_of_all_members(scaling, study, store):
    rows = json.loads(scaling("ensemble", study, "--store", store, "--json").out)
    assert [(row["label"], row["rule"], row["members"]) for row in rows] == [
        (f"tree3, filters {width}", rule, n)
        for width in (1, 2, 3, 4, 6)
        for rule in ("mean probability", "votes")
        for n in (1, 2)
    ]
    runs = open_store(store).runs()
    for row in rows:
        mine = runs.filter(pc.field("filters") == row["filters"])
        assert (row["runs"], row["combinations"]) == (2, 3 - row["members"])
        assert row["parameters"] == row["members"] * mine["parameters"][0].as_py()
        assert row["macs"] == row["members"] * mine["macs"][0].as_py()
        assert row["status"] == "caution"
        if row["members"] == 1:
            assert row["error"] == pytest.approx(pc.mean(mine["test_error"]).as_py(), rel=1e-12)


def test_the_table_and_two_figures(scaling, study, store, tmp_path):
    typed = scaling("ensemble", study, "--store", store, "--sizes", "2", "--out", tmp_path / "here")
    assert (typed.code, typed.err) == (0, "")
    assert "2 of 2" in typed.out
    assert "1 of 2" not in typed.out
    names = [
        f"ensembles_against_{axis}.{kind}" for axis in ("members", "macs") for kind in ("svg", "png", "csv")
    ]
    assert typed.out.split()[-6:] == [str(tmp_path / "here" / name) for name in names]
    assert len(csv.read_csv(tmp_path / "here" / names[2])) == 2 * 5


def test_members_may_be_of_any_width(scaling, study, store):
    typed = scaling("ensemble", study, "--store", store, "--by", "architecture", "--sizes", "1,10", "--json")
    mean = [row for row in json.loads(typed.out) if row["rule"] == "mean probability"]
    assert [(row["label"], row["filters"], row["members"], row["runs"]) for row in mean] == [
        ("tree3", None, n, 10) for n in (1, 10)
    ]
    assert mean[1]["parameters"] == pc.sum(open_store(store).runs()["parameters"]).as_py()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sizes", "3"), "--sizes 3: no pool has more than 2 runs"),
        (("--sizes", "1,x"), "--sizes 1,x: expected integers above 0"),
        (("--by", "filter"), "filter: no such column; did you mean filters?"),
    ],
)
def test_mistakes_are_told_in_a_line(scaling, study, store, words, said):
    typed = scaling("ensemble", study, "--store", store, *words)
    assert (typed.code, typed.out) == (2, "")
    assert typed.err.startswith(said)
    assert typed.err.count("\n") == 1


def test_a_store_without_predictions_says_where_they_are(scaling, study, store, tmp_path):
    scaling("merge", study, "--store", store, "--into", tmp_path / "small")
    typed = scaling("ensemble", study, "--store", tmp_path / "small")
    assert typed.code == 2
    assert (
        typed.err
        == "2 of 2 runs have no predictions here; read the store that trained them, or merge that store again with --predictions\n"
    )

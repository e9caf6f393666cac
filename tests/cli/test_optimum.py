"""optimum: a table, a sentence, JSON and a figure."""

from __future__ import annotations

import json


def test_the_table_the_sentence_and_the_figure(scaling, study, store, tmp_path):
    typed = scaling("optimum", study, "--store", store, "--x", "filters", "--out", tmp_path / "here")
    assert (typed.code, typed.err) == (0, "")
    assert "tree3: " in typed.out
    assert "10 runs at 5 values" in typed.out
    assert typed.out.split()[-3:] == [
        str(tmp_path / "here" / f"optimum_of_filters.{kind}") for kind in ("svg", "png", "csv")
    ]


def test_json_has_no_infinity(scaling, study, store):
    (found,) = json.loads(scaling("optimum", study, "--store", store, "--x", "filters", "--json").out)
    assert found["points"]["x"] == [1, 2, 3, 4, 6]
    assert found["status"] in ("usable", "caution", "rejected")
    assert found["size_depth_ratios"] == []


def test_networks_without_a_ratio_are_told_in_a_line(scaling, study, store):
    typed = scaling("optimum", study, "--store", store)
    assert (typed.code, typed.out, typed.err.count("\n")) == (2, "", 1)
    assert typed.err.startswith("ratio: no such column")

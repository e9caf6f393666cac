"""Tests of ``scaling optimum``."""

from __future__ import annotations

import json


def test_optimum_prints_a_table_and_a_sentence_and_writes_a_figure(scaling, study, store, tmp_path):
    result = scaling("optimum", study, "--store", store, "--x", "filters", "--out", tmp_path / "here")
    assert (result.code, result.err) == (0, "")
    assert "tree3: " in result.out
    assert "10 runs at 5 values" in result.out
    assert result.out.split()[-3:] == [
        str(tmp_path / "here" / f"optimum_of_filters.{kind}") for kind in ("svg", "png", "csv")
    ]


def test_json_has_no_infinity(scaling, study, store):
    (optimum,) = json.loads(scaling("optimum", study, "--store", store, "--x", "filters", "--json").out)[
        "optima"
    ]
    assert optimum["points"]["x"] == [1, 2, 3, 4, 6]
    assert optimum["status"] in ("usable", "caution", "rejected")
    assert optimum["size_depth_ratios"] == []


def test_networks_without_a_ratio_are_refused_in_one_line(scaling, study, store):
    result = scaling("optimum", study, "--store", store)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert result.err.startswith("ratio: no such column")

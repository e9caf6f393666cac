"""Tests of ``scaling optimum``."""

from __future__ import annotations

import json

import numpy as np
import pytest


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


@pytest.fixture
def table(tmp_path):
    """Return a table of losses E + a x^-p + b x^q with two curves, whose minima are at 4 and 8."""
    rng, rows = np.random.default_rng(0), ["tokens/B,budget,loss"]
    for budget, x_opt in (("small", 4.0), ("large", 8.0)):
        for x in np.geomspace(0.5, 40, 8):
            mean = 2 + 0.3 * (x / x_opt) ** -0.5 + 0.5 * (x / x_opt) ** 0.3
            rows += [f"{x},{budget},{mean * (1 + 0.002 * rng.standard_normal())}" for _ in range(4)]
    file = tmp_path / "losses.csv"
    file.write_text("\n".join(rows))
    return file


def test_a_foreign_table_has_an_optimum_for_each_curve(scaling, table, tmp_path):
    options = ("--x", "tokens/B", "--y", "loss", "--by", "budget")
    result = json.loads(scaling("optimum", table, *options, "--json").out)["optima"]
    assert [optimum["label"] for optimum in result] == ["small", "large"]
    for optimum, truth in zip(result, (4, 8), strict=True):
        assert optimum["x_opt"]["low"] < truth < optimum["x_opt"]["high"]
        assert optimum["estimand"] == "smallest mean loss over seeds"
    drawn = scaling("optimum", table, *options, "--out", tmp_path / "here")
    assert (drawn.code, drawn.err) == (0, "")
    assert "large: the smallest mean loss over seeds is at tokens/B " in drawn.out
    assert (tmp_path / "here" / "optimum_of_tokens_B.csv").exists()


def test_options_that_the_source_does_not_have_are_refused(scaling, table, study, store):
    override = scaling("optimum", table, "--x", "tokens/B", "--y", "loss", "--set", "seeds=2")
    assert (override.code, override.out) == (2, "")
    assert "only a study has settings" in override.err
    split = scaling("optimum", study, "--store", store, "--x", "filters", "--by", "filters")
    assert (split.code, split.out) == (2, "")
    assert split.err.startswith("--by filters: is for tables, and ")
    missing = scaling("optimum", table, "--x", "token", "--y", "loss")
    assert "token: no such column; did you mean tokens/B?" in missing.err


def test_an_optimum_of_rows_that_are_no_replicates_is_not_usable(scaling, tmp_path):
    """The last steps have their minimum at 4; earlier ones, at which runs had the same error, at 16."""
    rng, rows = np.random.default_rng(0), ["lr,seed,step,loss"]
    for x in np.geomspace(0.5, 40, 8):
        for seed in range(4):
            for step, x_opt in ((1, 16.0), (2, 4.0)):
                mean = 2 + 0.3 * (x / x_opt) ** -0.5 + 0.5 * (x / x_opt) ** 0.3
                rows.append(f"{x},{seed},{step},{mean * (1 + 0.002 * rng.standard_normal())}")
    file = tmp_path / "steps.csv"
    file.write_text("\n".join(rows))
    options = (file, "--x", "lr", "--y", "loss", "--json")
    (mixed,) = json.loads(scaling("optimum", *options).out)["optima"]
    assert mixed["status"] == "caution"
    assert mixed["reason"].endswith("the means are over rows that differ in step, which are no replicates")
    assert any("with --last-of step" in note for note in mixed["notes"])
    (last,) = json.loads(scaling("optimum", *options, "--last-of", "step").out)["optima"]
    assert (last["status"], sum(last["points"]["runs"])) == ("usable", 32)
    assert last["x_opt"]["low"] < 4 < last["x_opt"]["high"]


def test_the_best_accuracy_is_the_smallest_one_minus_accuracy(scaling, tmp_path):
    rng, rows = np.random.default_rng(0), ["lr,accuracy"]
    for x in np.geomspace(0.5, 40, 8):
        mean = 0.2 + 0.05 * (x / 4) ** -0.5 + 0.05 * (x / 4) ** 0.5
        rows += [f"{x},{1 - mean * (1 + 0.002 * rng.standard_normal())}" for _ in range(4)]
    file = tmp_path / "accuracies.csv"
    file.write_text("\n".join(rows))
    (optimum,) = json.loads(scaling("optimum", file, "--x", "lr", "--accuracy", "accuracy", "--json").out)[
        "optima"
    ]
    assert (optimum["y"], optimum["status"]) == ("1 - accuracy", "usable")
    assert optimum["x_opt"]["low"] < 4 < optimum["x_opt"]["high"]

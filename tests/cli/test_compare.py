"""Tests of ``scaling compare``, with a trained study of two curves."""

from __future__ import annotations

import json

import pytest

TWO = """\
study: two
dataset: {type: synthetic, size: 200, test_size: 100, side: 10, noise: 0.6}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: [1, 2, 3, 4]}
  - {type: lenet5, convolutions: 1, kernel: 3, hidden: [], filters: [1, 2, 3, 4]}
recipe: {epochs: 1, batch_size: 25, learning_rate: 0.1}
seeds: 4
"""


@pytest.fixture
def two(scaling, tmp_path):
    file = tmp_path / "two.yaml"
    file.write_text(TWO)
    assert scaling("run", file, "--in-process").code == 0
    return file


@pytest.mark.simulation
def test_two_curves_are_compared_and_drawn(scaling, two, tmp_path):
    result = scaling("compare", two, "--for-error", "0.5", "--set", "seeds=8")
    assert (result.code, result.err) == (0, "")
    assert "Size of the first curve divided by that of the second, at equal error" in result.out
    assert result.out.endswith("figures and tables: artifacts/two/compare\n")
    assert len(list((tmp_path / "artifacts" / "two" / "compare").glob("against_*.svg"))) == 6
    assert "Not included: 32 runs of the study not in the store.\n" in result.out
    comparison = json.loads(scaling("compare", two, "--json", "--out", tmp_path / "elsewhere").out)
    assert {(row["first"], row["second"]) for row in comparison["equal_error"]} == {("lenet5", "tree3")}
    assert {row["x"] for row in comparison["equal_error"]} == {
        "filters",
        "filters_total",
        "parameters",
        "macs",
        "training_flops",
    }
    assert set(comparison["best_at_budget"]) == {"parameters", "macs", "training_flops", "core_s"}


def test_a_study_with_one_curve_cannot_be_compared(scaling, study, store, two):
    result = scaling("compare", study, "--store", store)
    assert (result.code, result.out) == (2, "")
    assert "has one curve, tree3, and a comparison needs two; add an entry to architectures" in result.err
    for errors in ("-1", "50", "x"):
        assert scaling("compare", two, "--for-error", errors).code == 2

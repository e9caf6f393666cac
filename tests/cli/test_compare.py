"""compare: a study of two curves, really trained."""

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


def test_two_curves_are_compared_and_drawn(scaling, two, tmp_path):
    typed = scaling("compare", two, "--errors", "0.5")
    assert (typed.code, typed.err) == (0, "")
    assert "Size of the first curve divided by that of the second, at equal error" in typed.out
    assert typed.out.endswith("figures and tables: artifacts/two/compare\n")
    assert len(list((tmp_path / "artifacts" / "two" / "compare").glob("against_*.svg"))) == 6
    assert "Not included" not in typed.out
    assert (
        "Not included: 32 runs of the study not in the store.\n"
        in scaling("compare", two, "--set", "seeds=8").out
    )
    told = json.loads(scaling("compare", two, "--json", "--out", tmp_path / "elsewhere").out)
    assert {(each["first"], each["second"]) for each in told["equal_error"]} == {("lenet5", "tree3")}
    assert {each["x"] for each in told["equal_error"]} == {
        "filters",
        "filters_total",
        "parameters",
        "macs",
        "training_flops",
    }
    assert set(told["best_at_budget"]) == {"parameters", "macs", "training_flops", "core_s"}


def test_what_cannot_be_compared_is_said(scaling, study, store, two):
    typed = scaling("compare", study, "--store", store)
    assert (typed.code, typed.out) == (2, "")
    assert "has one curve, tree3, and a comparison needs two; add an entry to architectures" in typed.err
    for odd in ("-1", "50", "x"):
        assert scaling("compare", two, "--errors", odd).code == 2

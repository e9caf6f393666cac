"""Tests of ``scaling compare`` and ``scaling power``, with a simulated study of two curves."""

from __future__ import annotations

import json
from functools import partial

import pytest

from analysis.comparison import StudyComparison
from scaling.fit import detectable
from tests.api.simulated_training import TWO


@pytest.fixture
def two(scaling, simulated_study):
    simulated_study.write_text(
        TWO.replace("[1, 2, 3, 4, 6, 12]", "[1, 2, 3, 4]").replace("seeds: 8", "seeds: 4")
    )
    assert scaling("run", simulated_study, "--in-process").code == 0
    return simulated_study


@pytest.mark.simulation
def test_two_curves_are_compared_and_drawn(scaling, two, tmp_path, monkeypatch):
    draw, drawn = StudyComparison.draw_figures, []

    def draw_and_keep_one(comparison):
        drawn.extend(draw(comparison))
        return drawn[:1]

    monkeypatch.setattr(StudyComparison, "draw_figures", draw_and_keep_one)
    result = scaling("compare", two, "--for-error", "0.5", "--set", "seeds=8")
    assert (result.code, result.err) == (0, "")
    assert "Size of the first curve divided by that of the second, at equal error" in result.out
    assert result.out.endswith("figures and tables: artifacts/grown/compare\n")
    assert len(drawn) == 6
    assert (tmp_path / "artifacts" / "grown" / "compare" / "against_filters.svg").exists()
    assert "Partial: 32 of 64 wanted runs; tree3 has 16 of 32; lenet5 has 16 of 32.\n" in result.out
    monkeypatch.setattr(StudyComparison, "draw_figures", lambda comparison: [])  # drawn above already
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


@pytest.mark.simulation
def test_detectable_differences_are_printed_for_each_size(scaling, two, monkeypatch):
    quick = partial(detectable.detectable_differences, studies=4, factors=(1, 2))
    monkeypatch.setattr(detectable, "detectable_differences", quick)
    printed = json.loads(scaling("power", two, "--json").out)
    assert printed["power"] == 0.8
    assert [one["x"] for one in printed["differences"]] == [None, 1, 2, 3, 4]
    result = scaling("power", two, "--power", "0.9")
    assert (result.code, result.err) == (0, "")
    assert "is shown in 90 % of studies like this one" in " ".join(result.out.split())
    assert scaling("power", two, "--power", "0.3").code == 2
    result = scaling("power", two, "--set", "seeds=1")
    assert (result.code, result.out) == (2, "")
    assert "lenet5 has one run at each size" in result.err


def test_a_study_with_one_curve_cannot_be_compared(scaling, study, store, two):
    result = scaling("compare", study, "--store", store)
    assert (result.code, result.out) == (2, "")
    assert "has one curve, tree3, and a comparison needs two; add an entry to architectures" in result.err
    for errors in ("-1", "50", "x"):
        assert scaling("compare", two, "--for-error", errors).code == 2

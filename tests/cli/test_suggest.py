"""Tests of ``scaling suggest``."""

from __future__ import annotations

import json

import pytest
from ruamel.yaml import YAML


def test_suggest_prints_the_runs_and_the_yaml(scaling, simulated_study):
    assert scaling("run", simulated_study, "--in-process").code == 0
    result = scaling("suggest", simulated_study, "--until", "0.02")
    assert (result.code, result.err) == (0, "")
    table, _, patch = result.out.partition("the study with these runs:\n\n")
    for heading in (
        "curve",
        "filters",
        "seeds now",
        "seeds proposed",
        "core time",
        "half width now",
        "expected",
    ):
        assert heading in table
    asked = json.loads(scaling("suggest", simulated_study, "--until", "0.02", "--json").out)
    assert asked["patch"] == patch
    assert YAML(typ="safe", pure=True).load(patch)["architectures"]
    (curve,) = asked["curves"]
    assert curve["half_width"] > 0.02 >= curve["expected"]
    assert asked["core_s"] == pytest.approx(sum(row["core_s"] for row in curve["runs"]))
    assert f"{curve['half_width']:.3g}" in table
    assert f"{curve['expected']:.3g}" in table


def test_the_runs_that_a_law_needs_come_first(scaling, simulated_study):
    few = ("--set", "architectures[0].filters=[2,3]", "--set", "seeds=2")
    assert scaling("run", simulated_study, "--in-process", *few).code == 0
    result = scaling("suggest", simulated_study, "--until", "0.02", *few)
    assert (result.code, result.err) == (0, "")
    assert "too few widths or seeds for a law of tree3: the runs that a law needs come first" in result.out
    table, _, patch = result.out.partition("the study with these runs:\n\n")
    assert "no law yet" in table
    (entry,) = YAML(typ="safe", pure=True).load(patch)["architectures"]
    assert len(entry["filters"]) == 6
    assert entry["seeds"] == 8
    (curve,) = json.loads(scaling("suggest", simulated_study, "--until", "0.02", *few, "--json").out)[
        "curves"
    ]
    assert curve["half_width"] is None
    assert curve["runs"]


def test_suggest_says_why_it_proposes_nothing(scaling, simulated_study):
    assert scaling("run", simulated_study, "--in-process").code == 0
    assert (
        "every interval is within the target: nothing to train"
        in scaling("suggest", simulated_study, "--until", "0.9").out
    )
    result = scaling("suggest", simulated_study, "--until", "0.001", "--budget", "0.001s")
    assert result.code == 0
    assert "no run that would help is within the budget and the memory" in result.out
    assert "architectures" not in result.out

"""suggest and run --until: a table and a patch, and a line a round."""

from __future__ import annotations

import json

import pytest
from ruamel.yaml import YAML

from scaling.sweep import worker
from tests.api.simulated_training import STUDY, TWO, SimulatedTraining


@pytest.fixture
def grown(tmp_path, monkeypatch):
    """A study whose networks err by a planted law."""
    monkeypatch.setattr(worker, "train", SimulatedTraining())
    file = tmp_path / "grown.yaml"
    file.write_text(STUDY)
    return file


def test_suggest_shows_what_to_train_and_a_patch(scaling, grown):
    assert scaling("run", grown, "--in-process").code == 0
    typed = scaling("suggest", grown, "--target", "0.02")
    assert (typed.code, typed.err) == (0, "")
    table, _, patch = typed.out.partition("the study with these runs:\n\n")
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
    asked = json.loads(scaling("suggest", grown, "--target", "0.02", "--json").out)
    assert asked["patch"] == patch
    assert YAML(typ="safe", pure=True).load(patch)["architectures"]
    (curve,) = asked["curves"]
    assert curve["half_width"] > 0.02 >= curve["expected"]
    assert asked["core_s"] == pytest.approx(sum(row["core_s"] for row in curve["runs"]))
    assert f"{curve['half_width']:.3g}" in table
    assert f"{curve['expected']:.3g}" in table


def test_suggest_says_that_nothing_is_wanted_or_nothing_can_be_had(scaling, grown):
    assert scaling("run", grown, "--in-process").code == 0
    assert (
        "every interval is within the target: nothing to train"
        in scaling("suggest", grown, "--target", "0.9").out
    )
    typed = scaling("suggest", grown, "--target", "0.001", "--budget", "0.001s")
    assert typed.code == 0
    assert "no run that would help is within the budget and the memory" in typed.out
    assert "architectures" not in typed.out


@pytest.mark.simulation
def test_run_until_tells_a_line_a_round_and_again_trains_nothing(scaling, grown):
    grown.write_text(TWO)
    words = ("run", grown, "--in-process", "--until", "0.03", "--of", "prediction@2x")
    typed = scaling(*words)
    assert (typed.code, typed.err) == (0, "")
    *rounds, last = typed.out.splitlines()
    assert [line.partition(":")[0] for line in rounds] == [f"round {nth}" for nth in range(len(rounds))]
    assert "96 runs trained, 0 were done before; half width of prediction@2x: tree3 0." in rounds[0]
    assert ", lenet5 0." in rounds[0]
    assert "core time beyond the study: 0 s, as recorded" in rounds[0]
    assert (
        last == "every interval is within the target; the study with all runs is artifacts/grown/until.yaml"
    )
    again = scaling(*words)
    assert [line.split("; ")[1] for line in again.out.splitlines()] == [
        line.split("; ")[1] for line in typed.out.splitlines()
    ]
    assert all(": 0 runs trained, " in line for line in again.out.splitlines()[:-1])
    report = scaling("report", "artifacts/grown/until.yaml")
    assert (report.code, report.err) == (0, "")


@pytest.mark.simulation
def test_run_until_with_a_budget_ends_without_the_target(scaling, grown):
    typed = scaling("run", grown, "--in-process", "--until", "0.001", "--budget", "90s")
    assert typed.code == 0
    assert typed.out.splitlines()[-1].startswith(
        "no run that would help is within the budget and the memory; the study with all runs is "
    )


def test_run_until_names_packs_that_fail(scaling, grown, monkeypatch):
    monkeypatch.setattr(
        worker,
        "train",
        SimulatedTraining(failing=lambda pack, attempt: RuntimeError("no luck") if attempt else None),
    )
    typed = scaling("run", grown, "--in-process", "--until", "0.02")
    assert typed.code == 1
    assert "failed: tree3 1 seeds 0-7: RuntimeError: no luck" in typed.out
    assert "48 runs missing; the same command tries them again" in typed.out

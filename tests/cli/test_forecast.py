"""Tests of ``scaling forecast`` and ``scaling score``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path


def words_of_command(text: str) -> list[str]:
    """Return the words of a printed command without the name of the program."""
    return shlex.split(text)[1:]


def test_a_forecast_names_its_file_and_the_command_that_trains_its_networks(scaling, simulated_study):
    assert scaling("run", simulated_study, "--in-process").code == 0
    result = scaling("forecast", simulated_study, "--at", "48,96")
    assert (result.code, result.err) == (0, "")
    for text in ("Forecast of grown", "48 (4x)", "96 (8x)", "mean of runs", "fitted to 48 runs"):
        assert text in result.out
    file, command = result.out.splitlines()[-2:]
    assert Path(file.removeprefix("forecast: ")).is_file()
    assert file.startswith("forecast: ")
    scored = scaling("score", simulated_study)
    assert (scored.code, scored.err) == (0, "")
    assert "2 forecasts open: not all of the runs are trained." in scored.out
    train = command.removeprefix("train its networks with: ")
    assert f"train what is open with: {train}" in scored.out

    assert scaling(*words_of_command(train), "--in-process").code == 0
    scored = scaling("score", simulated_study)
    assert "2 of 2 forecasts hit" in scored.out
    assert "train what is open" not in scored.out
    assert "8 of 8" in scored.out


def test_json_has_the_forecast_its_score_and_the_command(scaling, simulated_study):
    assert scaling("run", simulated_study, "--in-process").code == 0
    written = json.loads(scaling("forecast", simulated_study, "--at", "48", "--json").out)
    assert json.loads(Path(written["file"]).read_text())["curves"] == written["forecast"]["curves"]
    (score,) = json.loads(scaling("score", simulated_study, "--json").out)["forecasts"]
    assert (score["id"], score["train"]) == (written["id"], written["train"])
    assert [target["outcome"] for target in score["score"]] == ["open"]
    assert scaling(*words_of_command(score["train"]), "--in-process").code == 0
    (score,) = json.loads(scaling("score", simulated_study, "--json").out)["forecasts"]
    assert score["train"] is None
    assert [target["outcome"] for target in score["score"]] == ["hit"]
    (reported,) = json.loads(scaling("report", simulated_study, "--json").out)["forecasts"]
    assert reported == {name: score[name] for name in ("id", "forecast", "score")}


def test_a_refusal_names_the_option(scaling, simulated_study):
    assert scaling("run", simulated_study, "--in-process").code == 0
    result = scaling("forecast", simulated_study, "--at", "12")
    assert result.code == 2
    assert result.err.startswith("--at 12: ")
    assert scaling("forecast", simulated_study, "--at", "x").code == 2
    assert (
        "--curve vgg: no such curve"
        in scaling("forecast", simulated_study, "--at", "48", "--curve", "vgg").err
    )
    assert scaling("score", simulated_study).out == "The stores have no forecast of this study.\n"


def test_maintenance_counts_forecasts(scaling, simulated_study, tmp_path):
    assert scaling("run", simulated_study, "--in-process").code == 0
    assert scaling("forecast", simulated_study, "--at", "48").code == 0
    assert (
        "6 parts with 48 runs, 1 forecast; every file is as it was published"
        in scaling("store", "verify").out
    )
    merged = scaling("store", "merge", simulated_study, "--into", tmp_path / "other")
    assert merged.out == f"{tmp_path}/other: 48 runs added\n{tmp_path}/other: 1 forecast added\n"

"""A user's mistake is one or two lines and exit code 2, never a traceback unless asked for."""

from __future__ import annotations

import pytest

MISTAKES = {
    "plan": "Missing argument 'CONFIG'.",
    "nonsense": "No such command 'nonsense'.",
    "plan {study} --nope": "No such option: --nope",
    "table {study}": "Missing option '--out'.",
    "fit {study} --holdout 0": "'--holdout'",
    "fit {study} --holdout many": "'--holdout'",
    "plan {folder}/none.yaml": "none.yaml: no such file",
    "plan {folder}": "cannot be read",
    "plan {study} --set recipe.epochs=many": "recipe.epochs: must be an integer, not 'many'",
    "plan {study} --set recipe.epoch=3": "did you mean epochs?",
    "plan {study} --set nonsense": "must be path=value",
    "plan {study} --set architectures[7].filters=3": "no such setting in",
    "plan {study} --set architectures[-1].filters=3": "no such setting in",
    "plan {study} --also {folder}/none": "--also {folder}/none: holds no runs",
    "fit {folder} --set recipe.epochs=3": "only a study has settings",
    "plan {study} --store ftp://here": "unknown kind of store",
    "plan {study} --store {study}": "must be a folder",
    "plan {study} --also {study}": "must be a folder",
    "run {study} --in-process --store {study}": "must be a folder",
    "run {study} --store {folder}/unwritable": "cannot be written",
    "run {study} --store memory:///x": "--store memory:///x: is visible to this process only",
    "table {study} --store {folder}/none --out {folder}/x.txt": "must end in .parquet or .csv",
    "table {study} --store {folder}/none --out {study}/x.csv": "cannot be written",
    "fit {folder}/none.csv": "none.csv: no such file",
    "fit {folder}/none": "no such study (.yaml), store (a folder or URI) or table (.parquet, .csv)",
    "fit {study}": "train it with: scaling run",
    "fit {folder}": "holds no runs",
    "fit {study} --predict 3,many": "--predict 3,many: expected numbers above 0",
    "fit {study} --errors wrong": "--errors and --of go together",
    "fit {study} --errors wrong --of images": "have test_error already",
    "fit {study} --form cubic": "must be one of auto, power, floor",
    "report {study}": "train it with: scaling run",
    "merge {study}": "Missing option '--into'.",
    "suggest {study}": "Missing option '--target'.",
    "suggest {study} --target many": "'--target'",
    "suggest {study} --target 0.02": "train it with: scaling run",
    "suggest {study} --target 0": "must be above 0, such as 0.02, got 0",
    "suggest {study} --target nan": "must be above 0, such as 0.02, got nan",
    "suggest {study} --target 0.02 --of accuracy": "--of accuracy: must be exponent, floor, or prediction@2x",
    "suggest {study} --target 0.02 --budget 2": "--budget 2: expected a number above 0 with the unit s, m, h or d, such as 30m or 2h",
    "suggest {study} --target 0.02 --budget 0h": "--budget 0h: expected a number",
    "run {study} --until -1": "must be above 0, such as 0.02, got -1",
    "run {study} --until 0.02 --of accuracy": "--of accuracy: must be",
    "run {study} --until 0.02 --budget 2hours": "--budget 2hours: expected a number",
    "run {study} --of exponent": "--of and --budget need --until",
    "run {study} --budget 2h": "--of and --budget need --until",
    "run {study} --until 0.02 --set dataset.draw=[0,1]": "dataset.draw is a grid, and an architecture cannot have its own data set",
    "diff a b": "a: no such run",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_told_in_a_line_or_two(scaling, study, tmp_path, words, monkeypatch):
    monkeypatch.setattr("ray.init", None)  # whatever is told, is told before anything starts
    (tmp_path / "unwritable").symlink_to("nowhere/at/all")  # also for a superuser
    typed = scaling(*words.format(study=study, folder=tmp_path).split())
    assert typed.code == 2
    assert typed.out == ""
    assert MISTAKES[words].format(folder=tmp_path) in typed.err
    assert len(typed.err.splitlines()) <= 2
    assert "Traceback" not in typed.err


def test_a_store_needs_a_name(scaling, study):
    typed = scaling("plan", study, "--store", "")
    assert typed.code == 2
    assert "--store the name is empty" in typed.err


def test_every_fault_of_a_study_has_a_line(scaling, study):
    problems = ("--set", "recipe.epochs=0", "--set", "seeds=many", "--set", "recipe.loss=best")
    typed = scaling("plan", study, *problems)
    assert typed.code == 2
    assert all(line.startswith(f"{study}: ") for line in typed.err.splitlines())


@pytest.mark.parametrize("where", [0, 1, 3])
def test_a_traceback_is_shown_where_it_is_asked_for(scaling, study, where):
    words = ["plan", study, "--set", "recipe.epochs=many"]
    typed = scaling(*words[:where], "--debug", *words[where:]) if where != 3 else scaling(*words, "--debug")
    assert typed.code == 2
    assert typed.err.startswith("Traceback")
    assert "recipe.epochs: must be an integer" in typed.err


def test_data_that_cannot_say_is_a_failure_not_a_mistake(scaling, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text("filters,test_error\n1,0.5\n1,0.4\n")
    typed = scaling("fit", points)
    assert typed.code == 1
    assert "Traceback" not in typed.err
    assert len(typed.err.splitlines()) <= 2


@pytest.mark.parametrize("words", [(), ("--help",)])
def test_without_a_command_there_is_help(scaling, words):
    typed = scaling(*words)
    assert typed.code == 0
    assert "Usage: scaling" in typed.out

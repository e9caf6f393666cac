"""Usage errors have one or two lines and exit code 2; a traceback is printed only with ``--debug``."""

from __future__ import annotations

import os

import pytest

from scaling.cli.command import run_command
from scaling.cli.options import parse_integers
from scaling.errors import UsageError

USAGE_ERRORS = {
    "plan": "Missing argument 'CONFIG'.",
    "nonsense": "No such command 'nonsense'.",
    "plan {study} --nope": "No such option: --nope",
    "table {study}": "Missing option '--out'.",
    "fit {study} --holdout 0": "'--holdout'",
    "fit {study} --holdout many": "'--holdout'",
    "plan {folder}/none.yaml": "none.yaml: no such file",
    "plan {folder}": "is a folder; give a YAML file",
    "plan {study} --set recipe.epochs=many": "recipe.epochs: expected an integer, got 'many'",
    "plan {study} --set recipe.epoch=3": "did you mean epochs?",
    "plan {study} --set nonsense": "expected path=value",
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
    "table {study} --store {folder}/none --out {folder}/x.csv": "to train what is missing: scaling run",
    "fit {folder}/none.csv": "none.csv: no such file",
    "fit {folder}/none": "no such study (.yaml), store (a folder or URI) or table (.parquet, ",
    "fit {folder}/a.txt": "a.txt: expected a study (.yaml), a store (a folder or URI) or a table (.parquet, ",
    "fit {study}": "to train what is missing: scaling run",
    "fit {folder}": "holds no runs",
    "fit {study} --predict 3,many": "--predict 3,many: expected numbers above 0",
    "fit {study} --error-counts wrong": "--error-counts and --image-counts go together",
    "fit {study} --error-counts wrong --image-counts images": "have test_error already",
    "fit {study} --form cubic": "expected one of auto, power, floor",
    "report {study}": "to train what is missing: scaling run",
    "store merge {study}": "Missing option '--into'.",
    "suggest {study}": "Missing option '--until'.",
    "suggest {study} --until many": "'--until'",
    "suggest {study} --until 0.02": "to train what is missing: scaling run",
    "suggest {study} --until 0": "--until 0: expected a number > 0, such as 0.02",
    "suggest {study} --until nan": "--until nan: expected a number > 0, such as 0.02",
    "suggest {study} --until 0.02 --quantity accuracy": "--quantity accuracy: expected exponent, floor, or",
    "suggest {study} --until 0.02 --budget 2": "--budget 2: expected a number above 0 with the unit s, m",
    "suggest {study} --until 0.02 --budget 0h": "--budget 0h: expected a number",
    "run {study} --until -1": "--until -1: expected a number > 0, such as 0.02",
    "run {study} --until 0.02 --quantity accuracy": "--quantity accuracy: expected",
    "run {study} --until 0.02 --budget 2hours": "--budget 2hours: expected a number",
    "run {study} --quantity exponent": "--quantity and --budget need --until",
    "run {study} --budget 2h": "--quantity and --budget need --until",
    "run {study} --until 0.02 --set dataset.draw=[0,1]": "dataset.draw has several values; runs can be",
    "diff a b": "a: no such run in artifacts/store; name the studies that may contain the run with --config "
    "(scaling plan CONFIG --json lists the ids of a study)",
}


@pytest.mark.parametrize("words", USAGE_ERRORS)
def test_a_usage_error_has_one_or_two_lines(scaling, study, tmp_path, words, monkeypatch):
    monkeypatch.setattr("scaling.sweep.local_workers.start_server", None)  # the error must come before
    (tmp_path / "a.txt").touch()
    (tmp_path / "unwritable").symlink_to("nowhere/at/all")  # also for a superuser
    result = scaling(*words.format(study=study, folder=tmp_path).split())
    assert result.code == 2
    assert result.out == ""
    assert USAGE_ERRORS[words].format(folder=tmp_path) in result.err
    assert len(result.err.splitlines()) <= 2
    assert "Traceback" not in result.err


def test_a_store_needs_a_name(scaling, study, store):
    result = scaling("plan", study, "--store", "")
    assert result.code == 2
    assert "--store the name of the store is empty" in result.err
    result = scaling("store", "merge", study, "--store", store, "--into", "")
    assert "--into the name of the store is empty" in result.err


def test_a_path_that_the_system_refuses_is_named(scaling, tmp_path):
    name = f"{'a' * 300}.yaml"
    for words in (("report", name), ("submit", name), ("fit", f"{'a' * 300}.csv")):
        result = scaling(*words)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        assert result.err.startswith("aaa")
        assert "File name too long" in result.err


def test_a_deleted_working_folder_is_named(scaling, study, tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    for words in (("run", study, "--in-process"), ("store", "verify", "--store", "st")):
        result = scaling(*words)
        assert (result.code, result.out) == (2, "")
        assert result.err == "the working folder was deleted; change to another folder\n"


@pytest.mark.parametrize("backend", [None, "nonsense"])
def test_commands_draw_without_a_screen_whatever_the_environment_says(monkeypatch, backend):
    """Matplotlib refuses to be imported with the name of a backend that it does not know."""
    monkeypatch.delenv("MPLBACKEND", raising=False)
    if backend:
        monkeypatch.setenv("MPLBACKEND", backend)
    seen = []
    record = lambda *_, **__: seen.append(os.environ["MPLBACKEND"])  # noqa: E731
    monkeypatch.setattr("scaling.cli.command.get_command", lambda app: record)
    assert run_command(["report"]) == 0
    assert (seen, os.environ.get("MPLBACKEND")) == (["agg"], backend)


def test_every_problem_of_a_study_has_a_line(scaling, study):
    problems = ("--set", "recipe.epochs=0", "--set", "seeds=many", "--set", "recipe.loss=best")
    result = scaling("plan", study, *problems)
    assert result.code == 2
    assert all(line.startswith(f"{study}: ") for line in result.err.splitlines())


@pytest.mark.parametrize("where", [0, 1, 3])
def test_debug_prints_a_traceback(scaling, study, where):
    words = ["plan", study, "--set", "recipe.epochs=many"]
    result = scaling(*words[:where], "--debug", *words[where:]) if where != 3 else scaling(*words, "--debug")
    assert result.code == 2
    assert result.err.startswith("Traceback")
    assert "recipe.epochs: expected an integer" in result.err


def test_data_that_do_not_determine_a_law_are_a_failure_not_a_usage_error(scaling, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text("filters,test_error\n1,0.5\n1,0.4\n")
    result = scaling("fit", points)
    assert result.code == 1
    assert "Traceback" not in result.err
    assert len(result.err.splitlines()) <= 2


@pytest.mark.parametrize("words", [(), ("--help",)])
def test_help_is_printed_without_a_command(scaling, words):
    result = scaling(*words)
    assert result.code == 0
    assert "Usage: scaling" in result.out


def test_integer_of_too_many_digits_is_refused():
    with pytest.raises(UsageError, match="expected integers above 0"):
        parse_integers("1," + "9" * 5000, "sizes")

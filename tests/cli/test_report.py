"""Tests of ``scaling report``."""

from __future__ import annotations

import html
import json
import re
import shlex

import numpy as np
import pytest
from pyarrow import csv

from scaling.errors import DataError
from scaling.store import open_store


def test_a_report_is_a_page_with_figures_and_their_numbers(scaling, study, store, tmp_path):
    result = scaling("report", study, "--store", store)
    assert (result.code, result.err) == (0, "")
    folder = tmp_path / "artifacts" / "tiny"
    assert "report:  artifacts/tiny/report.html" in result.out
    assert (
        "<svg" in (folder / "report.html").read_text() or "image/svg" in (folder / "report.html").read_text()
    )
    names = {file.stem: set() for file in (folder / "figures").iterdir()}
    for file in (folder / "figures").iterdir():
        names[file.stem].add(file.suffix)
    assert names
    assert all(kinds == {".svg", ".png", ".csv"} for kinds in names.values())


def test_the_command_on_a_page_is_the_one_that_wrote_the_page(scaling, study, store, tmp_path):
    out, line = tmp_path / "a page", "architectures[0].filters=[1, 2, 3]"
    assert scaling("report", study, "--store", store, "--also", store, "--set", line, "--out", out).code == 0
    page = (out / "report.html").read_text()
    (command,) = re.findall(r"scaling report [^<]*", page)
    words = shlex.split(html.unescape(command))
    assert words == [
        "scaling",
        "report",
        str(study),
        *f"--store {store} --also {store}".split(),
        "--set",
        line,
        "--out",
        str(out),
    ]


@pytest.mark.parametrize("place", ["file", "file/inside"])
def test_a_report_that_cannot_be_written_is_an_error_of_one_line(scaling, study, store, tmp_path, place):
    (tmp_path / "file").touch()
    result = scaling("report", study, "--store", store, "--out", tmp_path / place)
    assert (result.code, result.out) == (2, "")
    assert f"{tmp_path / place}: cannot be written (" in result.err
    assert "choose another --out" in result.err
    assert len(result.err.splitlines()) == 1


def test_the_contact_sheet_has_the_images_that_more_than_half_of_the_runs_miss(
    scaling, study, store, tmp_path
):
    assert scaling("report", study, "--store", store).code == 0
    trained = open_store(store)
    runs = trained.runs(["id", "fingerprint"])
    wrong = trained.misclassified(runs["id"].to_pylist())
    rows = csv.read_csv(tmp_path / "artifacts/tiny/figures/missed_images.csv").to_pylist()
    assert {row["image"] for row in rows} == set(np.flatnonzero(wrong.sum(axis=0) > len(wrong) / 2))
    labels = trained.labels(runs["fingerprint"][0].as_py())
    assert all(row["label"] == labels[row["image"]] != row["wrong_label"] for row in rows)
    assert "missed_images.csv" in (tmp_path / "artifacts/tiny/report.html").read_text()


def test_a_report_without_predictions_or_data_says_so(scaling, study, store, tmp_path, monkeypatch):
    page = tmp_path / "artifacts/tiny/report.html"
    scaling("store", "merge", study, "--store", store, "--into", tmp_path / "small")
    assert scaling("report", study, "--store", tmp_path / "small").code == 0
    assert "the store has no predictions of these runs" in page.read_text()

    def missing(*_, **__):
        raise DataError("planted: the files are missing")

    monkeypatch.setattr("scaling.data.load", missing)
    assert scaling("report", study, "--store", store).code == 0
    assert "No contact sheet of missed test images: planted: the files are missing." in page.read_text()


TABLE = "model,width,err\n" + "".join(
    f"{model},{width},{factor * width**-rho}\n"
    for model, factor, rho in (("a", 0.5, 0.3), ("b", 0.4, 0.2))
    for width in (1, 2, 4, 8, 16, 32)
)
"""Two power laws without scatter."""
COLUMNS = ("--x", "width", "--y", "err", "--by", "model")


def test_table_of_others_is_drawn_as_a_figure_and_a_page(scaling, tmp_path):
    (tmp_path / "others.csv").write_text(TABLE)
    result = scaling("report", "others.csv", *COLUMNS)
    assert (result.code, result.err) == (0, "")
    folder = tmp_path / "artifacts" / "others"
    assert result.out.endswith("report:  artifacts/others/report.html\nfigures: artifacts/others/figures\n")
    page = (folder / "report.html").read_text()
    assert "err against width" in page
    assert "scaling report others.csv --x width --y err --by model" in page
    numbers = csv.read_csv(folder / "figures" / "laws.csv").to_pylist()
    assert [row["mean err"] for row in numbers if row["curve"] == "b"] == pytest.approx(
        [0.4 * width**-0.2 for width in (1, 2, 4, 8, 16, 32)]
    )
    laws = csv.read_csv(folder / "laws.csv").to_pylist()
    exponents = {law["label"]: law["exponent"] for law in laws if law["form"] == "power"}
    assert exponents == {"a": pytest.approx(0.3), "b": pytest.approx(0.2)}
    fitted = json.loads(scaling("fit", "others.csv", *COLUMNS, "--json").out)["fits"]
    printed = json.loads(scaling("report", "others.csv", *COLUMNS, "--json").out)
    assert [law["label"] for law in printed["fits"]] == [law["label"] for law in fitted] == ["a", "b"]


def test_an_accuracy_is_reported_as_an_error(scaling, tmp_path):
    table = tmp_path / "acc.csv"
    table.write_text("width,acc\n1,0.5\n2,0.6\n4,0.7\n8,0.75\n16,0.8\n")
    raw = scaling("report", table, "--x", "width", "--y", "acc", "--out", tmp_path / "raw")
    assert "Fit 1 - acc, with --accuracy acc" in " ".join(raw.out.split())
    result = scaling("report", table, "--x", "width", "--accuracy", "acc", "--out", tmp_path / "page")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("1 - acc against width")
    assert "looks like an accuracy" not in result.out  # it is an error now
    assert "--accuracy acc" in (tmp_path / "page" / "report.html").read_text()


def test_columns_are_for_tables_and_settings_for_studies(scaling, study, store, tmp_path):
    (tmp_path / "others.csv").write_text(TABLE)
    result = scaling("report", "others.csv", *COLUMNS, "--set", "seeds=2")
    assert (result.code, result.err) == (2, "--set seeds=2: a table has no settings; leave it out\n")
    for words in (["--x", "macs"], ["--where", "lr=0.1"], ["--std", "sd"], ["--wide"]):
        result = scaling("report", study, "--store", store, *words)
        given = f"{' '.join(words)}: is for" if words[1:] else "--wide is for"
        assert result.code == 2
        assert result.err == f"{given} tables; the columns of a study's report are fixed\n"


def test_rows_of_a_reported_table_are_chosen_as_for_a_fit(scaling, tmp_path):
    steps = [
        f"{model},{width},{step},{lr},{width**-0.5 * (2 if lr == 0.5 else 1) * 4 / step},{0.01 * width**-0.5}"
        for model in ("a", "b")
        for width in (1, 2, 4, 8, 16, 32)
        for lr in (0.1, 0.5)
        for step in (1, 2, 4)
    ]
    (tmp_path / "steps.csv").write_text("\n".join(["model,width,step,lr,err,sd", *steps]))
    options = (*COLUMNS, "--std", "sd", "--where", "lr=0.1", "--last-of", "step", "--run", "lr")
    result = scaling("report", "steps.csv", *options)
    assert (result.code, result.err) == (0, "")
    page = tmp_path / "artifacts" / "steps"
    numbers = csv.read_csv(page / "figures" / "laws.csv").to_pylist()
    assert [row["mean err"] for row in numbers if row["curve"] == "a"] == pytest.approx(
        [width**-0.5 for width in (1, 2, 4, 8, 16, 32)]
    )
    (command,) = re.findall(r"scaling report [^<]*", (page / "report.html").read_text())
    assert shlex.split(html.unescape(command)) == ["scaling", "report", "steps.csv", *options]


def test_a_wide_export_is_reported(scaling, tmp_path):
    header = ",".join(
        ["Step", *(f"width_{width}-s{seed} - val" for width in (1, 2, 4, 8) for seed in (0, 1))]
    )
    last = [0.4 * width**-0.5 * factor for width in (1, 2, 4, 8) for factor in (0.99, 1.01)]
    lines = [header, *(",".join(map(str, [step, *(2 / step * y for y in last)])) for step in (1, 2))]
    (tmp_path / "wide.csv").write_text("\n".join(lines))
    options = ("--x", "width", "--y", "val", "--last-of", "Step", "--wide")
    result = scaling("report", "wide.csv", *options)
    assert (result.code, result.err) == (0, "")
    (command,) = re.findall(r"scaling report [^<]*", (tmp_path / "artifacts/wide/report.html").read_text())
    assert shlex.split(html.unescape(command)) == ["scaling", "report", "wide.csv", *options]

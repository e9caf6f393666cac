"""Tests of ``scaling report``."""

from __future__ import annotations

import html
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

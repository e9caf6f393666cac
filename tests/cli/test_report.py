"""Tests of ``scaling report``."""

from __future__ import annotations

import html
import re
import shlex

import pytest


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

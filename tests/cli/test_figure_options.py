"""Figures and tables for a paper from the command line."""

from __future__ import annotations

import html
import re
import shlex

import pytest

PAPER = ("--format", "pdf,svg", "--width", "84mm", "--font", "dejavu serif")


def test_a_report_has_figures_for_a_paper_and_the_command_that_draws_them(scaling, study, store, tmp_path):
    result = scaling("report", study, "--store", store, *PAPER)
    assert (result.code, result.err) == (0, "")
    folder = tmp_path / "artifacts" / "tiny"
    files = {path.name for path in (folder / "figures").iterdir()}
    stems = {name.partition(".")[0] for name in files}
    assert files == {f"{stem}.{kind}" for stem in stems for kind in ("pdf", "svg", "csv")}
    svg = (folder / "figures" / "error_against_filters.svg").read_text()
    assert "DejaVu Serif" in svg
    page = (folder / "report.html").read_text()
    # The page shows outlines: its readers need no font.
    assert "DejaVu Serif" not in re.sub(r"<code>.*?</code>", "", page)
    assert set(re.findall(r'href="figures/([^"]*)"', page)) == files
    (command,) = re.findall(r"scaling report [^<]*", page)
    assert shlex.split(html.unescape(command))[-6:] == list(PAPER)
    assert not list(folder.glob("*.tex"))  # nobody asked for them


def test_tables_of_a_report_are_written_in_every_wanted_format(scaling, study, store, tmp_path):
    result = scaling("report", study, "--store", store, "--tables", "csv,TEX", "--format", "svg")
    assert (result.code, result.err) == (0, "")
    folder = tmp_path / "artifacts" / "tiny"
    names = [path.name for path in folder.iterdir() if path.is_file()]
    assert sorted(names) == ["laws.csv", "laws.tex", "means.csv", "means.tex", "report.html"]
    result = scaling("report", study, "--store", store, "--tables", "docx", "--out", tmp_path / "other")
    problem = "--tables docx: expected csv, tex, md, separated by commas\n"
    assert (result.code, result.out, result.err) == (2, "", problem)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("command", ["report", "optimum"])
def test_an_impossible_option_is_named_before_anything_is_written(scaling, study, store, tmp_path, command):
    for option, value, problem in (
        ("--format", "pdf,eps", "--format eps: expected svg, png, pdf, separated by commas"),
        ("--width", "3furlong", "--width 3furlong: expected a number with a unit (in, cm, mm, pt, px)"),
        (
            "--font",
            "DejaVu Seri",
            "--font DejaVu Seri: matplotlib finds no such font; the nearest are DejaVu",
        ),
    ):
        result = scaling(command, study, "--store", store, option, value)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(problem)
        assert result.err.count("\n") == 1
    assert not (tmp_path / "artifacts").exists()


def test_an_optimum_and_a_table_of_others_are_drawn_for_a_paper(scaling, study, store, tmp_path):
    result = scaling("optimum", study, "--store", store, "--x", "filters", *PAPER)
    assert result.out.split()[-3:] == [
        f"artifacts/tiny/figures/optimum_of_filters.{kind}" for kind in ("pdf", "svg", "csv")
    ]
    (tmp_path / "others.csv").write_text("width,err\n" + "".join(f"{x},{x**-0.3}\n" for x in (1, 2, 4, 8)))
    result = scaling("report", "others.csv", "--x", "width", "--y", "err", *PAPER)
    assert (result.code, result.err) == (0, "")
    folder = tmp_path / "artifacts" / "others" / "figures"
    assert {path.name for path in folder.iterdir()} == {"laws.pdf", "laws.svg", "laws.csv"}
    assert 'width="238.11' in (folder / "laws.svg").read_text()  # 84 mm are 238.11 points of 1/72 inch

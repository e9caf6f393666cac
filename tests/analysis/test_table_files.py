"""Tables for papers: what LaTeX and Markdown show is what the numbers are."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv

from analysis.html_page import PageContext
from analysis.latex_table import escape, latex_table
from analysis.markdown_table import markdown_table
from analysis.report import write_report
from analysis.table_files import PaperTable, write_tables
from analysis.text_table import TextTable
from scaling.config import Recipe
from tests.analysis.latex_parser import parse_tables, plain
from tests.analysis.planted_study import lenets, plant_study, trees

AWKWARD = r"a_b & 50 % #1 {x} $y$ ~z ^ \n <3> | ρ “q” [1]"
NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]\d+)?"


def text_table(*rows: tuple[str, ...], columns: tuple[str, ...] = ("curve", "status")) -> TextTable:
    return TextTable(title="Title", caption="50 % & more", columns=columns, rows=rows, right=frozenset())


def in_latex(table: TextTable):
    (parsed,) = parse_tables("% \\usepackage{booktabs}\n" + latex_table(table, label="x"))
    return parsed


def in_markdown(text: str) -> list[list[str]]:
    """Return the cells of a table; only a backslash takes the meaning of a sign."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [[re.sub(r"\\([!-/:-@[-`{-~])", r"\1", cell) for cell in row] for row in cells]


def test_special_signs_are_shown_as_they_are():
    parsed = in_latex(text_table((AWKWARD, "usable")))
    assert parsed.rows == [[AWKWARD.replace("ρ", "rho"), "usable"]]
    assert parsed.caption == "Title. 50 % & more."
    assert in_markdown(markdown_table(text_table((AWKWARD, "usable"))))[2] == [AWKWARD, "usable"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "), max_size=40))
def test_every_text_is_one_cell(text):
    parsed = in_latex(text_table((text, "a")))
    assert len(parsed.rows) == 1
    (row,) = in_markdown(markdown_table(text_table((f".{text}.", "a"))))[2:]
    assert row == [f".{text}.", "a"]


@pytest.mark.parametrize("text", ["[a]", "*", "[0.1, 0.2]"])
def test_the_beginning_of_a_row_is_no_argument_of_the_row_before(text):
    assert in_latex(text_table((text, "a"), (text, "b"))).rows == [[text, "a"], [text, "b"]]


def test_formulas_signs_and_units():
    assert escape("A x^-rho + E") == r"$A x^{-\rho} + E$"
    assert escape("is E + A N^-alpha + B D^-beta here") == r"is $E + A N^{-\alpha} + B D^{-\beta}$ here"
    assert escape("A x^-rho, x^-rho' beyond B") == r"$A x^{-\rho}$, $x^{-\rho'}$ beyond B"
    assert escape("[-0.1, 2.5] %") == r"[$-$0.1, 2.5]~\%"
    assert escape("1e-05, mnist-5k, 2026-11-30") == "1e-05, mnist-5k, 2026-11-30"
    for unescaped in ("50 %", "a & b", "x^2", r"\unknown{}", "{", "$1"):
        with pytest.raises(ValueError, match=r"escaped|open"):
            plain(unescaped)  # the parser of these tests refuses what LaTeX would not print


def test_reasons_of_statuses_are_notes_below_the_table():
    rows = [
        ("a", "caution: 50 % left"),
        ("b", "usable"),
        ("c", "caution: 50 % left"),
        ("d", "rejected: none"),
    ]
    parsed = in_latex(text_table(*rows))
    assert [row[1] for row in parsed.rows] == ["caution*a", "usable", "caution*a", "rejected*b"]
    assert parsed.notes == {"a": "50 % left.", "b": "none."}


def test_an_empty_table_has_numbers_only(tmp_path):
    table = PaperTable(name="none", numbers=pa.table({"x": pa.array([], pa.float64())}), texts=())
    assert [path.name for path in write_tables([table], tmp_path, ("csv", "tex", "md"))] == ["none.csv"]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    runs, epochs = plant_study([*lenets((1, 2, 4, 8)), *trees((1, 2, 4))], seeds=4, recipe=Recipe(epochs=1))
    return write_report(
        runs=runs,
        epochs=epochs,
        out=tmp_path_factory.mktemp("report"),
        context=PageContext(study="planted_study"),
        tables=("tex", "md"),
    )


def numbers(cell: str) -> list[float]:
    """Return the numbers of a cell; those of a percentage as fractions."""
    scale = 0.01 if cell.endswith("%") else 1.0
    return [scale * float(number.replace(",", "")) for number in re.findall(NUMBER, cell.replace("−", "-"))]


def last_digit(cell: str) -> float:
    """Return half a unit of the last digit of a cell, which is the largest error of rounding."""
    decimals = max((len(part) for part in re.findall(r"\.(\d+)", cell)), default=0)
    return 0.51 * 10.0**-decimals * (0.01 if cell.endswith("%") else 1.0)


def read(report, name: str):
    folder = report.path.parent
    return csv.read_csv(folder / f"{name}.csv").to_pylist(), folder


def test_laws_in_latex_and_markdown_are_the_numbers_of_the_csv_file(report):
    rows, folder = read(report, "laws")
    tables = parse_tables((folder / "laws.tex").read_text())
    assert [table.label for table in tables] == ["tab:laws", "tab:laws-2", "tab:laws-3"]
    shown = [dict(zip(table.columns, row, strict=True)) for table in tables for row in table.rows]
    markdown = [row for row in in_markdown((folder / "laws.md").read_text()) if row[0] in ("lenet5", "tree3")]
    assert len(rows) == len(shown) == len(markdown) > 6
    for row, latex, cells in zip(rows, shown, markdown, strict=True):
        assert (latex["curve"], latex["form"]) == (row["label"], row["formula"])
        assert cells[:8] == list(latex.values())[:8]
        assert latex["status"].partition("*")[0] == row["status"]
        assert cells[8] == f"{row['status']}: {row['reason']}".removesuffix(": ")
        for column in ("exponent", "floor"):
            wanted = [row[f"{column}{end}"] for end in ("", "_low", "_high")]
            found = numbers(latex[column])
            if wanted[0] is None:
                assert latex[column] == "–"
            elif len(found) == 3:
                assert found == pytest.approx(wanted, abs=last_digit(latex[column]))
    assert any("%" in row["floor"] for row in shown)  # the unit is there


def test_means_in_latex_and_markdown_are_the_numbers_of_the_csv_file(report):
    rows, folder = read(report, "means")
    (table,) = parse_tables((folder / "means.tex").read_text())
    assert table.alignment == "lrrlrrrr"
    assert in_markdown((folder / "means.md").read_text())[2:] == table.rows
    assert len(rows) == len(table.rows) == 7
    for row, cells in zip(rows, table.rows, strict=True):
        assert cells[0] == row["group"]
        assert numbers(cells[1]) == [row["filters"]]
        assert numbers(cells[2]) == pytest.approx([row["mean_error"]], rel=5.1e-3)
        low, high = cells[3].split(" to ")
        assert numbers(low) + numbers(high) == pytest.approx(
            [row["low_error"], row["high_error"]], rel=5.1e-3
        )
        assert [numbers(cell) for cell in cells[4:7]] == [[row["runs"]], [row["parameters"]], [row["macs"]]]


def test_files_of_tables_are_listed(report):
    assert [path.name for path in report.tables] == [
        f"{name}.{kind}" for name in ("laws", "means") for kind in ("csv", "tex", "md")
    ]

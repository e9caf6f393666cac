"""Tables in the terminal: no number is broken at any width, and no line is wider than it has to be."""

from __future__ import annotations

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from analysis.formatting import format_interval, format_status
from analysis.text_table import TextTable
from scaling.fit import Interval, Status

COLUMNS = ("network", "runs", "error, mean probability", "ratio to one", "parameters", "status")
REASON = "the fit rests on very few runs, and a longer reason follows here"


def printed(table: TextTable, width: int) -> list[str]:
    console = Console(file=StringIO(), width=width)
    console.print(table)
    return console.file.getvalue().splitlines()


def table_of(rows) -> TextTable:
    return TextTable(title="Errors", caption="", columns=COLUMNS, rows=tuple(rows))


@st.composite
def intervals(draw) -> str:
    low, step, high = (draw(st.floats(1e-3, 1e6)) for _ in range(3))
    return format_interval(Interval(estimate=low + step, low=low, high=low + step + high))


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["lenet5", "tree3, recipe.optimizer.momentum 0.9, dataset.train_images 4000"]),
        st.integers(1, 10**6).map(str),
        intervals(),
        st.one_of(intervals(), st.just("–")),
        st.integers(1, 10**12).map("{:,}".format),
        st.sampled_from([format_status(Status.USABLE, ""), format_status(Status.CAUTION, REASON)]),
    ),
    min_size=1,
    max_size=4,
)


@given(rows=ROWS, width=st.integers(60, 200))
def test_every_number_is_on_one_line_and_every_text_is_whole(rows, width):
    lines = printed(table_of(rows), width)
    assert all(cell_len(line) <= width for line in lines)
    words = " ".join(lines).split()
    for row in rows:
        for number in row[1:5]:
            assert number == "–" or any(number in line for line in lines)
        for word in (*row[0].split(), *row[5].plain.split()):
            assert any(word.strip(",:") in shown for shown in words)


def test_table_that_fits_has_its_statuses_in_a_column():
    rows = [("lenet5", "8", "4.1 [3.9, 4.3] %", "–", "1,234", format_status(Status.CAUTION, REASON))]
    title, headings, rule, row = printed(table_of(rows), 200)[1:]
    assert title == "Errors"
    assert headings.split("  ")[0] == "network"
    assert set(rule) == {"─"}
    assert row.endswith(f"caution: {REASON}")


def test_reasons_get_lines_of_their_own_before_a_table_becomes_a_list():
    rows = [("lenet5", "8", "4.1 [3.9, 4.3] %", "–", "1,234", format_status(Status.CAUTION, REASON))]
    *_, row, reason = printed(table_of(rows), 90)
    assert row.startswith("lenet5 ")
    assert row.endswith("  caution")
    assert reason == f"  caution: {REASON}"


def test_rows_of_a_list_share_the_heading_of_their_texts():
    rows = [("lenet5", str(runs), "4.1 [3.9, 4.3] %", "–", "1,234", Text("usable")) for runs in (4, 8)]
    lines = printed(table_of(rows), 50)[2:]
    assert lines == [
        "lenet5",
        *(
            line
            for runs in (4, 8)
            for line in (
                f"  runs {runs};",
                "  error, mean probability 4.1 [3.9, 4.3] %;",
                "  parameters 1,234; status usable",
            )
        ),
    ]


def test_row_with_fewer_cells_ends_with_empty_ones():
    *_, row = printed(table_of([("lenet5", "8", "4.1 [3.9, 4.3] %")]), 120)
    assert row.split("  ")[0] == "lenet5"
    assert row.endswith("4.1 [3.9, 4.3] %")


def test_table_without_rows_has_its_headings():
    assert "network" in " ".join(printed(table_of([]), 80))

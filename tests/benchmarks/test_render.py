"""Tables from results: their rows, their environments, and their places in the pages."""

from __future__ import annotations

import pytest

from benchmarks import render
from benchmarks.render import RenderedTable
from benchmarks.results_file import read_results, replace_result
from tests.benchmarks.planted_results import ENVIRONMENT, measurement


def results_of(benchmark: str, *measurements):
    return replace_result({}, benchmark, measurements=measurements, environment=ENVIRONMENT)


def test_selected_table_shows_selected_measurements_and_their_environment():
    results = results_of(
        "sweeps", measurement(note="equal"), measurement(quantity="wall time, peer", value=1234.5)
    )
    text = render.selected_table(results)
    assert "| Anything | mnist | runs per hour relative to the peer | 8 (equal) | 7.5 to 9 | 3 |" in text
    assert text.count("runs per hour relative to the peer") == 1
    assert "1,234" not in text
    assert (
        "sweeps: 2 cores of Anything (V, family 25, model 17; AVX512, with bf16 instructions), torch 2.14.1"
        in text
    )


def test_steps_table_has_one_row_per_network():
    shares = [
        measurement("steps", f"share of the matrix-product rate, {how}", value, case="a", unit="%")
        for how, value in (("alone", 12.5), ("fused", 31.25))
    ]
    alone = measurement("steps", "share of the matrix-product rate, alone", 50.0, case="b", unit="%")
    lines = render.steps_table(results_of("steps", *shares, alone)).splitlines()
    assert lines[2:4] == [
        "| Anything | a |  |  |  | 12.5 % | 31.2 % |  |",
        "| Anything | b |  |  |  | 50 % |  |  |",
    ]
    assert lines[0].count("|") == lines[2].count("|")


def test_rivals_table_has_one_row_per_case_and_rival():
    measurements = [
        measurement("rivals", f"{quantity}: {label}", value, case="a", unit=unit, note=note, rounds=rounds)
        for label in ("scaling, bf16", "JAX, fp32")
        for quantity, value, unit, note, rounds in (
            ("images per second", 1234.0, "1/s", "R=8", 3),
            ("time of the first step", 2.5, "s", "", 1),
        )
    ]
    ratio = measurement("rivals", "images per second relative to the fastest rival", 2.0, case="a")
    results = results_of("rivals", *measurements, ratio)
    lines = render.rivals_table(results).splitlines()
    assert lines[2:5] == [
        "| Anything | a | scaling, bf16 | 1,234 1/s (R=8), 7.5 to 9 |  | 2.5 s |  |",
        "| Anything | a | JAX, fp32 | 1,234 1/s (R=8), 7.5 to 9 |  | 2.5 s |  |",
        "",
    ]
    assert lines[0].count("|") == lines[2].count("|")
    assert f"| Anything | a | {ratio.quantity} | 2 |" in render.selected_table(results)


def test_every_headline_has_a_published_measurement():
    """There is one row for each processor, so that a label may repeat."""
    lines = render.headline_table(read_results()).splitlines()
    rows = [tuple(line.removeprefix("| ").split(" | ")[:2]) for line in lines[2:]]
    assert len(rows) == len(set(rows))
    assert list(dict.fromkeys(label for label, _ in rows)) == [
        headline.label for headline in render.HEADLINES
    ]


def test_headlines_without_results_say_so():
    assert render.headline_table({}) == render.NOT_MEASURED


def test_tables_are_written_between_their_markers_repeatedly(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("before\n<!-- one -->\nold\n<!-- /one -->\nbetween\n<!-- two --><!-- /two -->\nafter\n")
    tables = [
        RenderedTable(file, "one", render.selected_table),
        RenderedTable(file, "two", render.variants_table),
    ]
    results = results_of("sweeps", measurement())
    for _ in range(2):
        render.write_tables(results, tables)
        assert file.read_text() == (
            f"before\n<!-- one -->\n\n{render.selected_table(results)}\n\n<!-- /one -->\nbetween\n"
            f"<!-- two -->\n\n{render.NOT_MEASURED}\n\n<!-- /two -->\nafter\n"
        )


def test_page_without_markers_is_named(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("nothing\n")
    with pytest.raises(ValueError, match=r"page\.md: needs a line <!-- one -->"):
        render.write_tables({}, [RenderedTable(file, "one", render.selected_table)])


@pytest.mark.parametrize("table", render.TABLES, ids=lambda table: f"{table.file.name}-{table.marker}")
def test_pages_show_the_published_results(table):
    between = f"<!-- {table.marker} -->\n\n{table.render(read_results())}\n\n<!-- /{table.marker} -->"
    assert between in table.file.read_text()

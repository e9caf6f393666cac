"""Text of stores, tables, studies and file names cannot control the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from rich.table import Table
from rich.text import Text

from analysis.text_table import TextTable
from scaling import api
from scaling.cli import output
from scaling.cli.output import console, new_table, print_prose, print_table, print_text
from scaling.control_characters import escape_control_characters

HOSTILE = "\x1b[31m\x1b]0;title\x07[red]x[/red] :smile: \u202eback\x9b2J"
SHOWN = r"\x1b[31m\x1b]0;title\x07[red]x[/red] :smile: \u202eback\x9b2J"


def test_every_control_character_and_no_other_is_escaped():
    characters = [chr(code) for code in (*range(0x3000), *range(0xD7FF, 0xE001))]
    escaped = {character for character in characters if escape_control_characters(character) != character}
    controls = {character for character in characters if unicodedata.category(character) in ("Cc", "Cs")}
    directions = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    assert controls - {"\n", "\t"} <= escaped
    assert all(unicodedata.category(character) in ("Cc", "Cs", "Cf", "Zl", "Zp") for character in escaped)
    assert {c for c in characters if unicodedata.bidirectional(c) in directions} <= escaped


def test_text_of_others_is_printed_as_it_stands(capsys):
    print_text(f"{HOSTILE}: no such file", to_stderr=True)
    assert capsys.readouterr().err == f"{SHOWN}: no such file\n"
    table = Table(HOSTILE, title=HOSTILE, caption=HOSTILE)
    table.add_row(HOSTILE)
    text_table = TextTable(title=HOSTILE, caption=HOSTILE, columns=(HOSTILE,), rows=((HOSTILE,),))
    for printed, times in ((HOSTILE, 1), (table, 4), (text_table, 4)):
        console().print(printed)
        output = capsys.readouterr().out
        assert output.count(SHOWN) == times
        assert escape_control_characters(output) == output
    console().print(Text("\x1b[31mred"))
    assert capsys.readouterr().out == "\\x1b[31mred\n"


def test_an_error_names_a_file_without_its_control_characters(scaling):
    result = scaling("plan", "\x1b[31mx.yaml")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(r"\x1b[31mx.yaml: no such file; ")


@pytest.mark.parametrize("columns", [80, 120])
def test_lines_fit_and_no_number_is_cut(scaling, study, store, monkeypatch, columns):
    monkeypatch.setattr(output, "_PIPE_WIDTH", columns)
    for command in (["plan", study, "--set", "seeds=16"], ["status", study], ["fit", study], ["models"]):
        options = ["--store", store] if command != ["models"] else []
        result = scaling(*command, *options)
        numbers = ["61,706", "416,520"]
        if command != ["models"]:
            tables = [row.cell.layer_table() for row in api.plan(study).rows()]
            numbers = [f"{count:,}" for table in tables for count in (table.parameters, table.macs)]
        if command[0] in ("plan", "models"):
            assert [number for number in numbers if number not in result.out.split()] == []
        if command[0] in ("fit", "models"):
            assert max(len(line.rstrip()) for line in result.out.splitlines()) <= columns


def test_a_table_is_wider_than_the_terminal_rather_than_cut(capsys, monkeypatch):
    monkeypatch.setattr(output, "_PIPE_WIDTH", 20)
    table = new_table("network", "parameters", "MACs")
    table.add_row("a long name of a network", "1,234,567", "12,345,678,901")
    print_table(table)
    assert {"1,234,567", "12,345,678,901", "network"} <= set(capsys.readouterr().out.split())


def test_names_stand_above_their_rows_in_a_narrow_terminal(capsys, monkeypatch):
    table = new_table("network", "filters", "parameters", title="study")
    rows = [
        (name, str(width), f"{width:,}") for width in (1, 10**9) for name in ("vgg, 1,000 images", HOSTILE)
    ]
    for row in rows:
        table.add_row(*row)
    printed = []
    for columns in (160, 40):
        monkeypatch.setattr(output, "_PIPE_WIDTH", columns)
        print_table(table)
        printed.append(capsys.readouterr().out.splitlines())
    flat, grouped = ([line.split() for line in lines if not line.isspace()] for lines in printed)
    assert flat[-4:] == [f"{escape_control_characters(name)} {a} {b}".split() for name, a, b in rows]
    names = [escape_control_characters(name).split() for name in ("vgg, 1,000 images", HOSTILE)]
    numbers = [["1", "1"], ["1000000000", "1,000,000,000"]]
    assert grouped[:2] == [["study"], ["filters", "parameters"]]
    assert [word for line in grouped[3:] for word in line] == [
        word for name in names for line in (name, *numbers) for word in line
    ]
    assert max(map(len, printed[1])) <= 40


def test_prose_is_broken_between_words_on_a_terminal_only(capsys, monkeypatch):
    text = "about 1,234,567 runs in 7,654,321 packs"
    print_prose(text)
    assert capsys.readouterr().out == text + "\n"
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    print_prose(text)
    assert capsys.readouterr().out == "about 1,234,567 runs\nin 7,654,321 packs\n"

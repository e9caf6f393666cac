"""Tests of ``scaling schema``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaling.config.reference import reference_page
from scaling.config.schema import study_schema
from tests.cli.test_surface import all_commands

ROOT = Path(__file__).parents[2]


def test_schema_prints_the_schema_and_the_reference(scaling):
    assert json.loads(scaling("schema").out) == study_schema()
    assert scaling("schema", "--markdown").out == reference_page()


@pytest.mark.parametrize("page", ["columns", "commands"])
def test_the_page_of_the_documentation_is_the_one_that_schema_prints(scaling, page):
    assert (ROOT / "docs" / f"{page}.md").read_text() == scaling("schema", f"--{page}").out


def test_one_page_at_a_time(scaling):
    result = scaling("schema", "--columns", "--commands")
    assert (result.code, result.out, result.err) == (
        2,
        "",
        "--commands prints one page; leave the other options out\n",
    )


def test_the_reference_of_commands_names_every_command_and_option(scaling):
    page = scaling("schema", "--commands").out
    for name, command in all_commands().items():
        _, _, section = page.partition(f"## `scaling {name}`\n")
        section = section.partition("\n## ")[0]
        assert command.help.splitlines()[0] in section, name
        for parameter in command.params:
            assert f"| `{parameter.opts[0] if parameter.opts[0][0] == '-' else parameter.metavar}" in section

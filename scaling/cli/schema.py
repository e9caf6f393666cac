"""``scaling schema``."""

from __future__ import annotations

from typing import Annotated

import typer

from scaling import api
from scaling.cli.command_reference import commands_page
from scaling.cli.output import print_text
from scaling.errors import UsageError


def schema(
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the reference of all keys as Markdown instead.")
    ] = False,
    columns: Annotated[
        bool,
        typer.Option("--columns", help="Print the meaning of all columns of tables as Markdown instead."),
    ] = False,
    commands: Annotated[
        bool, typer.Option("--commands", help="Print the reference of all commands as Markdown instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of a study's file.

    The schema has every key with its meaning and default. Editors complete and check a study with it.
    The options print the generated pages of the documentation: keys, columns of tables, commands.
    """
    if markdown + columns + commands > 1:
        raise UsageError(
            "prints one page; leave the other options out", option="commands" if commands else "columns"
        )
    if columns:
        print_text(api.column_reference(), end="")
    elif commands:
        print_text(commands_page(), end="")
    else:
        print_text(api.schema_reference() if markdown else api.schema_text(), end="")

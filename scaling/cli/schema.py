"""``scaling schema``."""

from __future__ import annotations

from typing import Annotated

import typer

from scaling import api
from scaling.cli.output import print_text


def schema(
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the reference of all keys as Markdown instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of a study's file.

    The schema has every key with its meaning and default. Editors complete and check a study with it.
    """
    print_text(api.schema_reference() if markdown else api.schema_text(), end="")

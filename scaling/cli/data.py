"""``scaling data``."""

from __future__ import annotations

from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Data, Json, workspace
from scaling.cli.output import console, print_json, print_text


def data(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME ...]", help="Data sets to download; without a name, list all.", show_default=False
        ),
    ] = [],
    *,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the published data sets and their files, or download some."""
    folders = workspace(STORE, [], data)
    rows = api.download_datasets(names, folders) if names else api.list_datasets(folders)
    if as_json:
        print_json(
            [
                {"name": row.name, "title": row.title, "present": row.present, "location": row.location}
                for row in rows
            ]
        )
        return
    from rich.table import Table

    table = Table(
        *("name", "title", "files", "location, or how to get the files"),
        caption="files are verified when they are downloaded or trained on",
    )
    for row in rows:
        table.add_row(row.name, row.title, "found" if row.present else "missing", row.location)
    console().print(table)
    print_text(f"data folder: {folders.data}")

"""``scaling data``."""

from __future__ import annotations

from typing import Annotated

import typer

from scaling import api
from scaling.cli.data_check import check_dict, print_check
from scaling.cli.options import STORE, Data, Json, workspace
from scaling.cli.output import console, print_json, print_text
from scaling.errors import UsageError

_CHECK = "check"
"""Word that asks for a check in place of a download."""


def data(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME ...]",
            help="Data sets to download; without a name, list all. `check SOURCE ...` describes what the data"
            " set of a study, an .npz file, or a folder of images or of Parquet files holds.",
            show_default=False,
        ),
    ] = [],
    *,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List or download published data sets, or check your own."""
    folders = workspace(STORE, [], data)
    if names[:1] == [_CHECK]:
        _check(names[1:], folders, as_json=as_json)
        return
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


def _check(sources: list[str], folders: api.Workspace, *, as_json: bool) -> None:
    if not sources:
        raise UsageError("scaling data check: give a study, an .npz file, a folder or the name of a data set")
    checks = api.check_datasets(sources, folders)
    if as_json:
        print_json([check_dict(check) for check in checks])
        return
    for index, check in enumerate(checks):
        if index:
            print_text()
        print_check(check)

"""``scaling history``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Data, Json, Store, workspace
from scaling.cli.output import console, print_json, print_text
from scaling.cli.store_damage import with_damage


def history(
    studies: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder with the studies of the systems.")
    ] = Path("configs/history"),
    *,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder for the page; the figure is in its folder figures.")
    ] = Path("artifacts/history"),
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Compare published systems with the networks that rebuild them.

    Writes a page with the table, and a figure of the published and the measured errors by year.
    """
    systems = api.history(studies, workspace(store, also, data))
    if as_json:
        print_json(with_damage({"systems": [row.to_dict() for row in systems.rows]}))
        return
    console().print(api.render_history(systems))
    for file in api.write_history(systems, out):
        print_text(str(file))

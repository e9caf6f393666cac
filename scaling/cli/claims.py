"""``scaling claims``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Data, Json, Store, workspace
from scaling.cli.output import console, print_json, print_text
from scaling.cli.store_damage import with_damage


def claims(
    studies: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder with the studies of the claims.")
    ] = Path("configs"),
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for the page claims.md.", show_default="no page is written"
        ),
    ] = None,
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Judge claims of the literature by the stored runs.

    A verdict is holds, does not hold, or cannot tell. Nothing is trained; a claim without stored runs is
    named with the command that trains them.
    """
    ledger = api.claims(studies, workspace(store, also, data))
    page = api.write_claims(ledger, out) if out else None
    if as_json:
        rows = [row.to_dict() for row in ledger.rows]
        print_json(with_damage({"claims": rows, "page": page and str(page)}))
        return
    console().print(api.render_claims(ledger))
    if page:
        print_text(str(page))

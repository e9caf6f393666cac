"""``scaling ensemble``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, parse_integers, workspace
from scaling.cli.output import console, print_json, print_text
from scaling.cli.store_damage import with_damage


def ensemble(
    config: Config,
    *,
    sizes: Annotated[
        str,
        typer.Option(
            metavar="N,N,...", help="Numbers of members, such as 1,2,5,10.", show_default="1 to all"
        ),
    ] = "",
    by: Annotated[
        list[str],
        typer.Option(
            metavar="COLUMN",
            help="Column whose values separate the pools from which ensembles are drawn; may be repeated.",
            show_default="the curves of the report, and filters",
        ),
    ] = [],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for the figures.", show_default="artifacts/<study>/figures"
        ),
    ] = None,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print the error of ensembles of finished runs.

    Ensembles decide by votes and by mean probability; their parameters and MACs are printed too.
    """
    folders = workspace(store, also, data)
    ensembles = api.ensemble(config, folders, overrides=set_, sizes=parse_integers(sizes, "sizes"), by=by)
    if as_json:
        print_json(with_damage({"ensembles": api.ensemble_rows(ensembles)}))
        return
    console().print(api.render_ensembles(ensembles))
    for file in api.draw_ensemble(ensembles, out or api.figure_folder(config, folders, overrides=set_)):
        print_text(str(file))

"""ensemble."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, console, wholes, workspace


def ensemble(
    config: Config,
    *,
    sizes: Annotated[
        str, typer.Option(metavar="N,N,...", help="Members, such as 1,2,5,10.", show_default="one to all")
    ] = "",
    by: Annotated[
        list[str],
        typer.Option(
            metavar="COLUMN",
            help="Members agree in it; may be repeated.",
            show_default="the report's curves, and filters",
        ),
    ] = [],
    out: Annotated[
        Path | None, typer.Option(help="A folder for the figures.", show_default="artifacts/<study>/figures")
    ] = None,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Tell the error of ensembles of stored runs, by votes and by mean probability, beside their parameters and MACs."""
    known = workspace(store, also, data)
    pools = api.ensemble(config, known, overrides=set_, sizes=wholes("--sizes", sizes), by=by)
    if as_json:
        print(json.dumps(api.replace_nonfinite(api.ensemble_rows(pools)), indent=2, allow_nan=False))
        return
    console().print(api.render_ensembles(pools))
    for file in api.draw_ensemble(pools, out or api.figure_folder(config, known, overrides=set_)):
        print(file)

"""``scaling reject``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, workspace
from scaling.cli.output import console, print_json, print_text
from scaling.cli.store_damage import with_damage


def reject(
    config: Config,
    *,
    error: Annotated[
        float,
        typer.Option(
            metavar="ERROR",
            help="Error among accepted images to be reached by rejection: a fraction, such as 0.01.",
        ),
    ] = 0.01,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for the figure.", show_default="artifacts/<study>/figures"
        ),
    ] = None,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print error-reject curves, and the rejection for an error.

    Images are rejected by rising margin: the difference between the two largest outputs of a network.
    """
    folders = workspace(store, also, data)
    rejection = api.reject(config, folders, error=error, overrides=set_)
    if as_json:
        print_json(with_damage(rejection.to_dict()))
        return
    console().print(api.render_rejection(rejection))
    for file in api.draw_rejection(rejection, out or api.figure_folder(config, folders, overrides=set_)):
        print_text(str(file))

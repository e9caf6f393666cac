"""``scaling shift``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, workspace
from scaling.cli.output import console, print_json, print_text
from scaling.cli.store_damage import with_damage


def shift(
    config: Config,
    *,
    largest: Annotated[
        int, typer.Option(metavar="PIXELS", help="Largest horizontal and largest vertical shift.")
    ] = 4,
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
    """Print the error of stored networks on shifted test images.

    The study has to store its weights. Pixels that are shifted in have the value 0, the background of digits.
    """
    folders = workspace(store, also, data)
    shifts = api.shift(config, folders, largest=largest, overrides=set_)
    if as_json:
        print_json(with_damage(shifts.to_dict()))
        return
    console().print(api.render_shifts(shifts))
    for file in api.draw_shifts(shifts, out or api.figure_folder(config, folders, overrides=set_)):
        print_text(str(file))

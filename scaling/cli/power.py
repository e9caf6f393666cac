"""``scaling power``."""

from __future__ import annotations

from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Quiet, Store, workspace
from scaling.cli.output import console, print_json, progress_bar
from scaling.cli.store_damage import with_damage


def power(
    config: Config,
    *,
    power: Annotated[
        float,
        typer.Option(
            metavar="SHARE", help="Share of such studies in which the difference is shown, 0.5 to below 1."
        ),
    ] = 0.8,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Print the smallest differences between curves that would show.

    The table also shows what two and four times as many seeds would buy. Each number comes from 200 simulated
    studies, which takes about half a minute for two curves.
    """
    with progress_bar("simulating studies", quiet=quiet) as on_progress:
        differences = api.power(
            config, workspace(store, also, data), power=power, overrides=set_, on_progress=on_progress
        )
    if as_json:
        print_json(with_damage({"power": power, "differences": [one.to_dict() for one in differences]}))
        return
    console().print(api.render_power(differences, power=power))

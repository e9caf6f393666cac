"""``scaling diff``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Configs, Data, Json, Store, workspace
from scaling.cli.output import print_json, print_text
from scaling.cli.run_differences import print_differences
from scaling.cli.store_damage import with_damage


def diff(
    first: Annotated[
        str, typer.Argument(metavar="A", help="Id of a run, or its first characters.", show_default=False)
    ],
    second: Annotated[
        str,
        typer.Argument(metavar="B", help="Id of another run, or its first characters.", show_default=False),
    ],
    *,
    config: Configs = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print the settings in which two runs differ."""
    differences = api.diff(first, second, workspace(store, also, data), configs=config)
    if as_json:
        print_json(with_damage({"differences": [asdict(difference) for difference in differences]}))
    elif differences:
        print_differences(differences, first, second)
    else:
        print_text("the same run")

"""``scaling merge``."""

from __future__ import annotations

from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Overrides, Store, workspace
from scaling.cli.output import count, print_text


def merge(
    config: Config,
    *,
    into: Annotated[
        str,
        typer.Option(
            metavar="STORE", help="Store to copy to: a folder or an object-store URI.", show_default=False
        ),
    ],
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Copy the predictions too; their table is the largest.")
    ] = False,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> None:
    """Copy the finished runs of a study into another store.

    Merge to publish results, or to bring the results of several machines together. Pruned networks are runs
    as well. Weights are not copied.
    """
    added = api.merge(config, into, workspace(store, also, data), overrides=set_, predictions=predictions)
    print_text(f"{into}: {count(added, 'run')} added")

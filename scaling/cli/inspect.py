"""``scaling inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Configs, Data, Json, RunId, Store, workspace
from scaling.cli.output import print_json, print_text
from scaling.cli.store_damage import with_damage


def inspect(
    run: RunId,
    *,
    image: Annotated[int, typer.Option(help="Index of a test image, from 0.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder to write.", show_default="artifacts/inspect/<id>"),
    ] = None,
    config: Configs = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Draw the first filters and the feature maps of a run.

    The feature maps are those of one test image. The run's weights must be stored (store: {weights: all}).
    """
    inspection = api.inspect(run, workspace(store, also, data), image=image, out=out, configs=config)
    if as_json:
        figures = [str(figure) for figure in inspection.figures]
        print_json(with_damage({"id": inspection.run.id, "image": inspection.image, "figures": figures}))
        return
    print_text(f"run {inspection.run.id}, {inspection.image}")
    for figure in inspection.figures:
        print_text(str(figure))

"""optimum."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, console, workspace


def optimum(
    config: Config,
    *,
    x: Annotated[
        str, typer.Option(help="The axis: ratio for d2/d1, or any setting, such as branches.")
    ] = "ratio",
    y: Annotated[str, typer.Option(help="Column of the error, such as val_error.")] = "test_error",
    out: Annotated[
        Path | None, typer.Option(help="A folder for the figure.", show_default="artifacts/<study>/figures")
    ] = None,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Tell where the error is least along an axis, with its interval; along the ratio, beside sqrt(size) x depth = constant."""
    known = workspace(store, also, data)
    made = api.optimum(config, known, x=x, y=y, overrides=set_)
    if as_json:
        print(json.dumps(api.replace_nonfinite(made.to_dict()), indent=2, allow_nan=False))
        return
    console().print(api.render_optima(made))
    for file in api.draw_optimum(made, out or api.figure_folder(config, known, overrides=set_)):
        print(file)

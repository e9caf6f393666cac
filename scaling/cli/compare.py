"""compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, console, numbers, workspace
from scaling.errors import UsageError


def compare(
    config: Config,
    *,
    errors: Annotated[
        str,
        typer.Option(metavar="ERROR,...", help="Errors at which sizes are compared too, such as 0.3,0.25."),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="A folder.", show_default="artifacts/<study>/compare")
    ] = None,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Set a study's curves against each other: exponents, sizes at equal error, who wins at a budget, and figures."""
    wanted = numbers("--errors", errors)
    if any(error >= 1 for error in wanted):
        raise UsageError(
            f"--errors {errors}: must be fractions of the test images, below 1, such as 0.3,0.25"
        )
    made = api.compare(config, workspace(store, also, data), overrides=set_, errors=wanted, out=out)
    if as_json:
        print(json.dumps(api.replace_nonfinite(made.found.to_dict()), indent=2, allow_nan=False))
        return
    console().print(api.render_comparison(made.found))
    for note in filter(None, (made.left_out, *made.found.notes)):
        print(note)
    print(f"page:               {made.path}")
    print(f"figures and tables: {made.path.parent}")

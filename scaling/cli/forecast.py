"""``scaling forecast``."""

from __future__ import annotations

from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import (
    STORE,
    Also,
    Config,
    Data,
    Json,
    Overrides,
    Store,
    parse_integers,
    workspace,
)
from scaling.cli.output import console, print_json, print_text
from scaling.cli.reproduce import reproduce_command
from scaling.cli.store_damage import with_damage


def forecast(
    config: Config,
    *,
    at: Annotated[
        str,
        typer.Option(
            metavar="FILTERS,...",
            help="Numbers of filters outside the fitted widths, such as 48,96.",
            show_default=False,
        ),
    ],
    curve: Annotated[
        list[str],
        typer.Option(metavar="LABEL", help="Curve to forecast; may be repeated.", show_default="all curves"),
    ] = [],
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Forecast widths that are not trained yet.

    The forecast is a file of the store that never changes. scaling score compares it with the runs that are
    trained afterwards.
    """
    written = api.forecast(
        config, parse_integers(at, "at"), workspace(store, also, data), overrides=set_, curves=curve
    )
    training = written.forecast.training_overrides
    command = reproduce_command("run", config, store=store, also=also, overrides=training)
    if as_json:
        content = written.forecast.model_dump(mode="json")
        print_json(
            with_damage({"id": written.id, "file": written.file, "train": command, "forecast": content})
        )
        return
    console().print(api.render_forecast(written.forecast))
    print_text(f"forecast: {written.file}")
    print_text(f"train its networks with: {command}")

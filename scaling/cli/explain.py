"""why, diff, look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from scaling import api
from scaling.cli.options import STORE, Also, Configs, Data, Store, console, workspace

Name = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or its beginning.", show_default=False)]


def why(run: Name, *, config: Configs = [], store: Store = STORE, also: Also = [], data: Data = None) -> None:
    """Say which leaf makes a run new."""
    reason = api.why(run, workspace(store, also, data), configs=config)
    if reason.is_stored:
        print(f"{reason.run.id} is in the store")
    elif reason.nearest is None:
        print(f"{reason.run.id} is new: the store is empty")
    else:
        print(
            f"{reason.run.id} is new; the nearest stored run is {reason.nearest.id}, and these leaves differ"
        )
        _print(reason.differences, reason.nearest.id, reason.run.id)


def diff(
    first: Annotated[str, typer.Argument(metavar="A", show_default=False)],
    second: Annotated[str, typer.Argument(metavar="B", show_default=False)],
    *,
    config: Configs = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> None:
    """List the leaves in which two runs differ."""
    differences = api.diff(first, second, workspace(store, also, data), configs=config)
    if differences:
        _print(differences, first, second)
    else:
        print("the same run")


def look(
    run: Name,
    *,
    image: Annotated[int, typer.Option(help="Of the test images, from 0.")] = 0,
    out: Annotated[Path | None, typer.Option(help="A folder.", show_default="artifacts/inspect/<id>")] = None,
    config: Configs = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> None:
    """Draw the first layer's filters of a run whose weights are stored, and its feature maps of one test image."""
    made = api.inspect(run, workspace(store, also, data), image=image, out=out, configs=config)
    print(f"run {made.run.id}, {made.image}")
    for figure in made.figures:
        print(figure)


def _print(differences: tuple[api.Difference, ...], first: str, second: str) -> None:
    table = Table("leaf", first, second)
    for difference in differences:
        table.add_row(difference.setting, str(difference.first), str(difference.second))
    console().print(table)

"""``scaling push``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Overrides, Store, workspace
from scaling.cli.output import count, print_text


def push(
    config: Config,
    repo: Annotated[
        str | None,
        typer.Argument(metavar="[REPO]", help="Data set of the hub, such as me/digits.", show_default=False),
    ] = None,
    *,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder to write; without a REPO, nothing is uploaded.",
            show_default="artifacts/<study>/hub",
        ),
    ] = None,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Include the predictions, by far the largest table.")
    ] = False,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> None:
    """Publish a study on the Hugging Face hub.

    The files are its runs, its report and a card. They are written into a folder first. A new repository is
    private.
    """
    pushed = api.push(
        config, repo, workspace(store, also, data), to=to, overrides=set_, predictions=predictions
    )
    print_text(f"{pushed.folder}: {count(pushed.runs, 'run')}, figures, report and card")
    if pushed.url:
        print_text(f"uploaded: {pushed.url}")

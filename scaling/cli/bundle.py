"""``scaling bundle``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.figure_options import Font, Formats, Width
from scaling.cli.options import STORE, Also, Config, Data, Overrides, Store, workspace
from scaling.cli.output import count, print_text


def bundle(
    config: Config,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.zip", help="Archive to write.", show_default="artifacts/<study>/<study>.zip"
        ),
    ] = None,
    formats: Formats = "pdf,svg,png",
    width: Width = "",
    font: Font = "",
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> None:
    """Write a study and its results into one archive.

    The archive, such as for a DOI, has the study, its runs as a store, from which the laws can be fitted
    again, its report with figures and tables, the command behind every figure, and checksums.
    """
    written = api.bundle(
        config,
        workspace(store, also, data),
        overrides=set_,
        out=out,
        figures=api.FigureOptions.parse(formats=formats, width=width, font=font),
    )
    print_text(f"{written.path}: {count(written.runs, 'run')}, {count(len(written.files), 'file')}")
    print_text(f"sha256: {written.sha256}")

"""``scaling compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.figure_options import Font, Formats, Tables, Width, parse_names
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, parse_numbers, workspace
from scaling.cli.output import console, print_json, print_text
from scaling.cli.page_context import context_dict, print_context
from scaling.cli.reproduce import reproduce_command
from scaling.cli.store_damage import with_damage


def compare(
    config: Config,
    *,
    for_error: Annotated[
        str,
        typer.Option(
            metavar="ERROR,...", help="More errors at which to compare the sizes, such as 0.3,0.25."
        ),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder to write.", show_default="artifacts/<study>/compare"),
    ] = None,
    formats: Formats = "",
    width: Width = "",
    font: Font = "",
    tables: Tables = "",
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Compare the curves of a study with each other.

    Prints the differences of exponents, the sizes at equal error and the best architecture for each
    budget of parameters, MACs, FLOPs or time, and writes a page with figures.
    """
    figures = api.FigureOptions.parse(formats=formats, width=width, font=font)
    target_errors = parse_numbers(for_error, "for_error")
    command = reproduce_command(
        "compare",
        config,
        store=store,
        also=also,
        overrides=set_,
        out=out,
        formats=formats,
        width=width,
        font=font,
        tables=tables,
        for_error=",".join(f"{error:g}" for error in target_errors),
    )
    comparison = api.compare(
        config,
        workspace(store, also, data),
        overrides=set_,
        errors=target_errors,
        out=out,
        command=command,
        figures=figures,
        tables=parse_names(tables),
    )
    if as_json:
        print_json(with_damage(comparison.comparison.to_dict() | context_dict(comparison.context)))
        return
    console().print(api.render_comparison(comparison.comparison))
    for note in comparison.comparison.notes:
        print_text(note)
    print_context(comparison.context)
    print_text(f"page:               {comparison.path}")
    print_text(f"figures and tables: {comparison.path.parent}")

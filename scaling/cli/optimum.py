"""``scaling optimum``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.figure_options import Font, Formats, Width
from scaling.cli.flags import with_note_flags
from scaling.cli.options import STORE, Also, Data, Json, Overrides, Store, workspace
from scaling.cli.output import console, print_json, print_text
from scaling.cli.store_damage import with_damage
from scaling.cli.table_options import Accuracy, LastOf, RunColumns, Std, Where, Wide


def optimum(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A study (.yaml), or any table (.parquet or .csv).", show_default=False
        ),
    ],
    *,
    x: Annotated[
        str,
        typer.Option(
            metavar="SETTING",
            help="Setting to optimize: ratio (d2/d1), any other, such as branches, or a column of the table.",
        ),
    ] = "ratio",
    y: Annotated[
        str, typer.Option(metavar="COLUMN", help="Column of the error, such as val_error or test_loss.")
    ] = "test_error",
    by: Annotated[
        list[str],
        typer.Option(
            metavar="COLUMN",
            help="For a table: column whose values separate the curves; may be repeated.",
            show_default="architecture",
        ),
    ] = [],
    std: Std = "",
    where: Where = [],
    last_of: LastOf = "",
    run: RunColumns = [],
    wide: Wide = False,
    accuracy: Accuracy = "",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for the figure.", show_default="artifacts/<study>/figures"
        ),
    ] = None,
    formats: Formats = "",
    width: Width = "",
    font: Font = "",
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print the value of a setting at which the error is smallest.

    The optimum has a confidence interval. For the ratio, the prediction of the rule
    sqrt(map size) x number of maps = constant is printed too.
    """
    figures = api.FigureOptions.parse(formats=formats, width=width, font=font)
    folders = workspace(store, also, data)
    rows = api.RowOptions(where=where, last_of=last_of or None, run=run, wide=wide, accuracy=accuracy or None)
    optima = api.optimum(source, folders, x=x, y=y, by=by, std=std or None, rows=rows, overrides=set_)
    optima = replace(optima, optima=tuple(with_note_flags(optima.optima, context)))
    if as_json:
        print_json(with_damage({"optima": optima.to_dict()}))
        return
    console().print(api.render_optima(optima))
    folder = out or api.figure_folder(Path(source), folders, overrides=set_)
    for file in api.draw_optimum(optima, folder, figures):
        print_text(str(file))

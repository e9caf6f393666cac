"""Options that say which rows of a table are runs, and what their columns are."""

from __future__ import annotations

from typing import Annotated

import typer

Std = Annotated[
    str,
    typer.Option(metavar="COLUMN", help="For a table: column with known standard deviations of the error."),
]
Where = Annotated[
    list[str],
    typer.Option(
        metavar="COLUMN=VALUE",
        help="Fit only the rows with this value; may be repeated: all columns have to agree, and several "
        "values of one column are alternatives.",
    ),
]
LastOf = Annotated[
    str,
    typer.Option(
        metavar="COLUMN",
        help="For a table with a row for each step: keep the row of each run with the largest value of this "
        "column, such as step or epoch.",
    ),
]
RunColumns = Annotated[
    list[str],
    typer.Option(
        metavar="COLUMN",
        help="Column that tells runs apart for --last-of; may be repeated.",
        show_default="ids, or seeds and settings",
    ),
]
Wide = Annotated[
    bool,
    typer.Option(
        "--wide", help="The table has a column for each run, as trackers export charts: RUN - METRIC."
    ),
]
Accuracy = Annotated[
    str,
    typer.Option(metavar="COLUMN", help="For a table: column with an accuracy; 1 - accuracy is fitted."),
]

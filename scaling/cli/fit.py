"""table, fit, report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, console, numbers, workspace
from scaling.errors import UsageError


def table(
    config: Config,
    *,
    out: Annotated[Path, typer.Option(help="A .parquet or .csv file.", show_default=False)],
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> None:
    """Write one tidy table: a row a run, every leaf of its configuration a column; without pilots."""
    made = api.table(config, workspace(store, also, data), overrides=set_)
    rows = api.write_table(made.runs, out)
    left_out = f"; left out: {made.pilots} pilots, which chose the learning rates" if made.pilots else ""
    print(f"{out}: {rows} runs{left_out}" + (f"; {made.pending} runs await theirs" if made.pending else ""))


def fit(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A study, a store, or any .parquet or .csv.", show_default=False
        ),
    ],
    *,
    x: Annotated[
        str,
        typer.Option(
            help="Column of the size, such as parameters, macs, training_flops, train_images or branches."
        ),
    ] = "filters",
    y: Annotated[str, typer.Option(help="Column of the error.")] = "test_error",
    by: Annotated[
        list[str],
        typer.Option(
            metavar="COLUMN",
            help="Its values tell curves apart; may be repeated.",
            show_default="the report's curves",
        ),
    ] = [],
    form: Annotated[str, typer.Option(help="auto, power, floor, broken or m4.")] = "auto",
    holdout: Annotated[
        int, typer.Option(min=1, help="Up to how many of the widest networks a law is tested on.")
    ] = 3,
    predict: Annotated[str, typer.Option(metavar="X,X,...", help="Sizes to predict, such as 96,192.")] = "",
    reach: Annotated[
        str, typer.Option(metavar="ERROR,...", help="Errors whose size is wanted, such as 0.02.")
    ] = "",
    errors: Annotated[
        str, typer.Option(metavar="COLUMN", help="Of someone else's table: how many were wrong, with --of.")
    ] = "",
    of: Annotated[str, typer.Option(metavar="COLUMN", help="Out of how many.")] = "",
    std: Annotated[str, typer.Option(metavar="COLUMN", help="Known standard deviations of y.")] = "",
    best_over: Annotated[
        str,
        typer.Option(
            metavar="COLUMN", help="Only its best value at each size counts, such as learning_rate."
        ),
    ] = "",
    validation: Annotated[
        str, typer.Option(metavar="COLUMN", help="What --best-over chooses by.")
    ] = "val_error",
    population: Annotated[
        bool, typer.Option("--population", help="Count the test images as a sample too.")
    ] = False,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Fit power laws, with and without a floor, with their intervals and their held-out error."""
    sizes, reached = numbers("--predict", predict), numbers("--reach", reach)
    known = workspace(store, also, data)
    if bool(errors) != bool(of):
        raise UsageError(
            "--errors and --of go together: a column of how many were wrong, and one of out of how many"
        )
    fits = api.fit(
        source,
        known,
        options=api.FitOptions(x=x, y=y, by=by or None, form=form, holdout=holdout, std=std or None),
        overrides=set_,
        population=population,
        counts=api.CountColumns(errors=errors, of=of) if errors else None,
        best=api.BestOver(column=best_over, validation=validation) if best_over else None,
    )
    if as_json:
        told = [
            fitted.to_dict() | api.fit_details(fitted, fits, sizes=sizes, errors=reached).to_dict()
            for fitted in fits
        ]
        print(json.dumps(api.replace_nonfinite(told), indent=2, allow_nan=False))
        return
    console().print(api.render_laws(fits))
    if sizes:
        console().print(api.render_predictions(fits, sizes))
    if reached:
        console().print(api.render_sizes_for_error(fits, reached))
    for fitted in fits:
        for note in fitted.notes:
            print(f"{fitted.label}: {note}")


def report(
    config: Config,
    *,
    out: Annotated[Path | None, typer.Option(help="A folder.", show_default="artifacts/<study>")] = None,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> None:
    """Draw the figures and write one page."""
    made = api.report(config, workspace(store, also, data), overrides=set_, out=out)
    console().print(api.render_laws(made.fits))
    print(f"report:  {made.path}")
    print(f"figures: {made.path.parent / 'figures'}")


def merge(
    config: Config,
    *,
    into: Annotated[str, typer.Option(help="Another store: a folder or a URI.", show_default=False)],
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Copy the predictions too, the largest table.")
    ] = False,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> None:
    """Copy a study's finished runs, without weights, into another store, to publish them or to bring machines together."""
    count = api.merge(config, into, workspace(store, also, data), overrides=set_, predictions=predictions)
    print(f"{into}: {count} runs added")

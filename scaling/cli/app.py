"""The typer application: all commands, in the order in which ``scaling --help`` lists them."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import typer
import typer.main

from scaling.cli import (
    bench,
    bundle,
    claims,
    classify,
    compare,
    data,
    diff,
    ensemble,
    export,
    fit,
    forecast,
    history,
    init,
    inspect,
    models,
    optimum,
    plan,
    power,
    prune,
    push,
    reject,
    report,
    run,
    schema,
    score,
    separable,
    shift,
    status,
    store,
    submit,
    suggest,
    table,
    why,
)
from scaling.cli.flags import Command
from scaling.cli.output import print_text
from scaling.errors import DISTRIBUTION

app = typer.Typer(
    name="scaling",
    help="Train small neural networks over grids of filter counts, and fit how their error falls.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> bool:
    if not wanted:
        return False
    from importlib.metadata import version

    print_text(f"scaling {version(DISTRIBUTION)}")
    raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Print the traceback of an error; permitted after any command.")
    ] = False,
) -> None:
    """Train small neural networks over grids of filter counts, and fit how their error falls."""


for command in (
    init.init,
    plan.plan,
    run.run,
    submit.submit,
    status.status,
    table.table,
    export.export,
    fit.fit,
    report.report,
    push.push,
    bundle.bundle,
    compare.compare,
    ensemble.ensemble,
    reject.reject,
    prune.prune,
    shift.shift,
    optimum.optimum,
    power.power,
    history.history,
    claims.claims,
    suggest.suggest,
    forecast.forecast,
    score.score,
    why.why,
    diff.diff,
    inspect.inspect,
    classify.classify,
    data.data,
    separable.separable,
    models.models,
    schema.schema,
    bench.bench,
):
    app.command(cls=Command)(command)


app.add_typer(store.app, name="store")

get_command = cache(typer.main.get_command)
"""Return the command of the application. A process that runs several commands builds it once."""

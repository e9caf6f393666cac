"""All commands, in the order in which ``scaling --help`` lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from scaling.cli import bench, compare, ensemble, explain, fit, models, optimum, plan, run, suggest

app = typer.Typer(
    name="scaling",
    help="Scaling studies: train small networks over grids of filter counts, and fit how their error falls.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> bool:
    if not wanted:
        return False
    from importlib.metadata import version

    print(f"scaling {version('scaling-studies')}")
    raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback for an error; permitted after any command.")
    ] = False,
) -> None:
    """Scaling studies: train small networks over grids of filter counts, and fit how their error falls."""


for command in (
    plan.plan,
    run.run,
    plan.status,
    fit.table,
    fit.fit,
    fit.report,
    compare.compare,
    ensemble.ensemble,
    optimum.optimum,
    suggest.suggest,
    fit.merge,
    explain.why,
    explain.diff,
    explain.look,
    models.data,
    models.models,
    bench.bench,
):
    app.command()(command)

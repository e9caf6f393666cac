"""All commands, in the order in which ``scaling --help`` lists them."""

from __future__ import annotations

import typer

from scaling.cli import bench, catalogue, comparing, ensembling, explaining, optima, reading, running, studies, suggesting

app = typer.Typer(
    name="scaling",
    help="Scaling studies: train small networks over grids of filter counts, and fit how their error falls.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def root(debug: bool = typer.Option(False, "--debug", help="Show tracebacks; works after any command too.")) -> None:
    """Scaling studies: train small networks over grids of filter counts, and fit how their error falls."""


for command in (
    studies.plan,
    running.run,
    studies.status,
    reading.table,
    reading.fit,
    reading.report,
    comparing.compare,
    ensembling.ensemble,
    optima.optimum,
    suggesting.suggest,
    reading.merge,
    explaining.why,
    explaining.diff,
    explaining.look,
    catalogue.data,
    catalogue.models,
    bench.bench,
):
    app.command()(command)

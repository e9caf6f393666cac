"""All commands, in the order in which ``scaling --help`` lists them."""

from __future__ import annotations

import typer

from scaling.cli import bench, compare, ensemble, explain, fit, models, optimum, plan, run, suggest

app = typer.Typer(
    name="scaling",
    help="Scaling studies: train small networks over grids of filter counts, and fit how their error falls.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def root(
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks; works after any command too."),
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

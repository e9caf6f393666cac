"""``scaling report``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scaling import api
from scaling.cli.figure_options import Font, Formats, Tables, Width, parse_names
from scaling.cli.flags import note_text
from scaling.cli.options import STORE, Also, Data, Json, Overrides, Store, workspace
from scaling.cli.output import console, print_json, print_text
from scaling.cli.page_context import context_dict, print_context
from scaling.cli.reproduce import reproduce_command
from scaling.cli.store_damage import with_damage
from scaling.cli.table_options import Accuracy, LastOf, RunColumns, Std, Where, Wide
from scaling.errors import UsageError

if TYPE_CHECKING:
    from analysis.report import Report
    from analysis.table_report import TableReport


def report(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="YAML file of a study, or a table with one row for each run.",
            show_default=False,
        ),
    ],
    *,
    x: Annotated[
        str, typer.Option(metavar="COLUMN", help="For a table: column of the size.", show_default="filters")
    ] = "",
    y: Annotated[
        str,
        typer.Option(metavar="COLUMN", help="For a table: column of the error.", show_default="test_error"),
    ] = "",
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
        typer.Option(metavar="FOLDER", help="Folder to write.", show_default="artifacts/<study>"),
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
    """Write the figures and the page of a study or a table."""
    columns: dict[str, Any] = {
        "x": x,
        "y": y,
        "by": by,
        "std": std,
        "where": where,
        "last_of": last_of,
        "run": run,
        "wide": wide,
        "accuracy": accuracy,
    }
    figures = api.FigureOptions.parse(formats=formats, width=width, font=font)
    command = reproduce_command(
        "report",
        source,
        store=store,
        also=also,
        overrides=set_,
        out=out,
        formats=formats,
        width=width,
        font=font,
        tables=tables,
        **columns,
    )
    folders = workspace(store, also, data)
    if api.is_external_table(str(source)) and source.exists():
        if set_:
            raise UsageError(f"{set_[0]}: a table has no settings; leave it out", option="overrides")
        table = _report_table(
            str(source),
            folders,
            columns,
            out=out,
            command=command,
            note_text=note_text(context),
            figures=figures,
            tables=parse_names(tables),
        )
        _print_table_report(table, as_json=as_json)
        return
    _check_study_options(columns)
    page = api.report(
        source, folders, overrides=set_, out=out, command=command, figures=figures, tables=parse_names(tables)
    )
    _print_report(page, as_json=as_json)


def _report_table(
    source: str,
    folders: api.Workspace,
    columns: dict[str, Any],
    *,
    out: Path | None,
    command: str,
    note_text: Callable[[str], str],
    figures: api.FigureOptions,
    tables: list[str],
) -> TableReport:
    options = api.FitOptions(
        x=columns["x"] or "filters",
        y=columns["y"] or "test_error",
        by=columns["by"] or None,
        std=columns["std"] or None,
    )
    rows = api.RowOptions(
        where=columns["where"],
        last_of=columns["last_of"] or None,
        run=columns["run"],
        wide=columns["wide"],
        accuracy=columns["accuracy"] or None,
    )
    return api.report_table(
        source,
        folders,
        options=options,
        rows=rows,
        out=out,
        command=command,
        note_text=note_text,
        figures=figures,
        tables=tables,
    )


def _check_study_options(columns: dict[str, Any]) -> None:
    """Check that no option is given that only a table has."""
    for option, value in columns.items():
        if value:
            given = "" if value is True else ", ".join([value] if isinstance(value, str) else value) + ": "
            raise UsageError(
                f"{given}is for tables; the columns of a study's report are fixed", option=option
            )


def _print_table_report(page: TableReport, *, as_json: bool) -> None:
    figures = page.path.parent / "figures"
    if as_json:
        laws = [fitted.to_dict() for fitted in page.fits]
        print_json({"report": str(page.path), "figures": str(figures), "fits": laws})
        return
    console().print(api.render_laws(page.fits))
    _print_files(page.path)


def _print_report(page: Report, *, as_json: bool) -> None:
    if as_json:
        laws = [fitted.to_dict() for fitted in page.fits]
        joint_laws = [fitted.to_dict() for fitted in page.joint_fits]
        forecasts = [scored.to_dict() for scored in page.forecasts]
        files = {"report": str(page.path), "figures": str(page.path.parent / "figures")}
        fits = {"fits": laws, "joint_fits": joint_laws, "forecasts": forecasts}
        print_json(with_damage({**files, **context_dict(page.context), **fits}))
        return
    console().print(api.render_laws(page.fits) if page.fits else "\n".join(page.findings))
    if any(fitted.law for fitted in page.joint_fits):
        console().print(api.render_joint_laws(page.joint_fits))
    print_context(page.context)
    _print_files(page.path)


def _print_files(page: Path) -> None:
    print_text(f"report:  {page}")
    print_text(f"figures: {page.parent / 'figures'}")

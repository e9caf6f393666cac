"""data, models."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from scaling import api
from scaling.cli.options import STORE, Data, Json, console, workspace

LONG = 10**10
"""Counts from here on are rounded, but for --json."""


def data(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME ...]", help="Sets to fetch; without any, list them.", show_default=False
        ),
    ] = [],
    *,
    data: Data = None,
) -> None:
    """List which data sets are present and where, or fetch some by name."""
    known = workspace(STORE, [], data)
    rows = api.fetch_datasets(names, known) if names else api.list_datasets(known)
    table = Table(
        "name",
        "title",
        "files",
        "where, or how to get it",
        caption="files are verified when they are fetched or trained on",
    )
    for row in rows:
        table.add_row(row.name, row.title, "found" if row.present else "missing", row.location)
    console().print(table)
    print(f"data folder: {known.data}")


def models(*, as_json: Json = False) -> None:
    """List the architectures: units, connections, parameters, MACs forward and backward, and routes, beside published counts."""
    rows = api.list_models()
    if as_json:
        print(json.dumps([row.to_dict() for row in rows], indent=2))
        return
    table = Table()
    for heading in (
        "network",
        "image",
        "units",
        "connections",
        "parameters",
        "MACs",
        "backward MACs",
        "routes",
        "published",
        "source",
    ):
        table.add_column(
            heading, justify="left" if heading in ("network", "image", "published", "source") else "right"
        )
    for row in rows:
        layers = row.layer_table
        counts = (
            layers.units,
            layers.connections,
            layers.parameters,
            layers.macs,
            layers.backward_macs,
            layers.routes,
        )
        table.add_row(
            row.name,
            row.dataset,
            *(f"{n:,}" if n < LONG else f"{n:.2e}" for n in counts),
            row.published,
            row.source,
        )
    console().print(table)

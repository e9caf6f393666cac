"""plan, run, status."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Quiet, Store, console, settings
from scaling.plan import Plan, Row
from scaling.words import duration

GIB = 2**30


def plan(config: Config, *, set_: Overrides = [], store: Store = STORE, also: Also = [], data: Data = None, as_json: Json = False) -> None:  # noqa: B006
    """Show runs, packs, parameters, MACs, what is done and what the rest costs; nothing is trained."""
    made = api.plan(config, settings(store, also, data), overrides=set_)
    if as_json:
        print(json.dumps(_plan_dict(made), indent=2))
        return
    table = Table(title=f"{made.study.name}: {made.new} runs to do, {len(made.done)} done")
    for heading in ("architecture", "filters", "parameters", "MACs", "runs", "done", "packs", "core time", "memory"):
        table.add_column(heading, justify="left" if heading == "architecture" else "right")
    for row in made.rows():
        layers = row.cell.layers()
        table.add_row(
            row.cell.label,
            str(row.cell.architecture.filters),
            f"{layers.parameters:,}",
            f"{layers.macs:,}",
            str(row.runs),
            str(row.done),
            str(row.packs),
            duration(row.seconds),
            f"{row.memory_bytes / GIB:.2f} GiB" if row.packs else "",
        )
    console().print(table)
    workers = made.study.resources.workers
    print(
        f"{made.new} runs to do, packs: {len(made.packs)}; about {duration(made.seconds)} of one core"
        + (f", {workers} workers" if workers else "")
    )


def run(
    config: Config,
    *,
    address: Annotated[str | None, typer.Option(help="Of a running Ray cluster, such as 10.0.0.1:6379 or auto.")] = None,
    in_process: Annotated[bool, typer.Option("--in-process", help="Without Ray: one pack after the other.")] = False,
    set_: Overrides = [],  # noqa: B006
    store: Store = STORE,
    also: Also = [],  # noqa: B006
    data: Data = None,
    quiet: Quiet = False,
) -> int:
    """Train what is missing; safe to interrupt and to start again."""
    outcome = api.run(config, settings(store, also, data), overrides=set_, address=address, in_process=in_process, quiet=quiet)
    made = outcome.plan
    if not made.new:
        print(f"{made.study.name}: 0 runs to do, {len(made.done)} done")
        return 0
    print(f"{made.study.name}: {outcome.trained} runs trained in {duration(outcome.wall_s)}, {len(made.done)} were done before")
    for failure in outcome.failures:
        print(f"failed: {failure.pack.label}: {failure.reason}; log: {failure.log or 'could not be written'}")
    if outcome.missing:
        print(f"{outcome.missing} runs are missing; the same command tries them again")
    return 1 if outcome.missing else 0


def status(config: Config, *, set_: Overrides = [], store: Store = STORE, also: Also = [], data: Data = None, as_json: Json = False) -> None:  # noqa: B006
    """Show what is done, what diverged and what is left."""
    made, runs = api.results(config, settings(store, also, data), overrides=set_)
    diverged = sum(map(bool, runs["diverged"].to_pylist()))
    if as_json:
        print(
            json.dumps(
                {"study": made.study.name, "wanted": len(made.wanted), "done": len(made.done), "diverged": diverged, "left_s": made.seconds}
            )
        )
        return
    table = Table(title=made.study.name)
    for heading in ("architecture", "filters", "done", "left"):
        table.add_column(heading, justify="left" if heading == "architecture" else "right")
    for row in made.rows():
        table.add_row(row.cell.label, str(row.cell.architecture.filters), f"{row.done}/{row.runs}", duration(row.seconds) if row.packs else "")
    console().print(table)
    print(f"{len(made.done)} of {len(made.wanted)} runs done, {diverged} of them diverged; about {duration(made.seconds)} of one core left")


def _plan_dict(made: Plan) -> dict[str, object]:
    return {
        "study": made.study.name,
        "wanted": len(made.wanted),
        "done": len(made.done),
        "new": made.new,
        "packs": len(made.packs),
        "core_s": made.seconds,
        "cells": [_row_dict(row) for row in made.rows()],
        "runs": [
            {"id": run.id, "done": run.id in made.done, "filters": cell.architecture.filters, "seed": run.seed} for cell, run in made.wanted
        ],
    }


def _row_dict(row: Row) -> dict[str, object]:
    layers = row.cell.layers()
    return {
        "architecture": row.cell.architecture.type,
        "label": row.cell.label,
        "filters": row.cell.architecture.filters,
        "parameters": layers.parameters,
        "macs": layers.macs,
        "runs": row.runs,
        "done": row.done,
        "packs": row.packs,
        "core_s": row.seconds,
        "memory_bytes": row.memory_bytes,
    }

"""``scaling store``: verify, repair, compact, sweep, merge."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from scaling import api
from scaling.cli.flags import Command
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, workspace
from scaling.cli.output import count, print_json, print_text
from scaling.cli.store_damage import with_damage

if TYPE_CHECKING:
    from scaling.store import Verification


app = typer.Typer(help="Verify, repair, compact, sweep or merge stores.", no_args_is_help=True)


@app.command(cls=Command)
def verify(store: Store = STORE, *, as_json: Json = False) -> int:
    """Read every file of the store and compare it with what was published.

    The exit code is 1 if a file is damaged.
    """
    verification = api.store_verify(workspace(store, [], None))
    if as_json:
        print_json(asdict(verification))
    else:
        _print_state(store, verification)
    return 1 if verification.damage else 0


@app.command(cls=Command)
def repair(store: Store = STORE, *, as_json: Json = False) -> None:
    """Move damaged parts, test sets and forecasts to the folder damaged/ of the store.

    The next scaling run of a study trains their runs again, and writes its test set again.
    """
    outcome = api.store_repair(workspace(store, [], None))
    if as_json:
        print_json(asdict(outcome))
        return
    _print_state(store, outcome.verification)
    for file in outcome.moved:
        print_text(f"moved to {file}")
    if outcome.verification.damage:
        print_text("the next scaling run of a study trains again what it lacks")


@app.command(cls=Command)
def compact(store: Store = STORE, *, as_json: Json = False) -> None:
    """Put many small parts together into few large parts, which are read much faster.

    Sweeps that use the store may go on meanwhile.
    """
    outcome = api.store_compact(workspace(store, [], None))
    if as_json:
        print_json(with_damage(asdict(outcome)))
    elif outcome.replaced:
        print_text(
            f"{store}: {count(outcome.replaced, 'part')} with {count(outcome.runs, 'run')} replaced by"
            f" {count(outcome.new, 'part')}"
        )
    else:
        print_text(f"{store}: nothing to compact")


@app.command(cls=Command)
def sweep(store: Store = STORE, *, as_json: Json = False) -> None:
    """Remove files that killed processes left behind at least a day ago.

    These are temporary files, tables without a part, claims and checkpoints of published packs, old probes,
    and empty folders.
    """
    outcome = api.store_sweep(workspace(store, [], None))
    if as_json:
        print_json(with_damage(asdict(outcome)))
        return
    for kind, files in outcome.removed.items():
        print_text(f"removed {len(files)} {kind}, such as {files[0]}")
    number = sum(map(len, outcome.removed.values()))
    print_text(f"{store}: {number} files and folders removed, {outcome.bytes:,} bytes")


def _print_state(store: str, verification: Verification) -> None:
    state = api.count_damage(verification.damage) or "every file is as it was published"
    runs = f"{count(verification.parts, 'part')} with {count(verification.runs, 'run')}"
    if verification.forecasts:
        runs += f", {count(verification.forecasts, 'forecast')}"
    print_text(f"{store}: {runs}; {state}")
    for file in verification.damage:
        print_text(f"  {file.name}: {file.reason}")


@app.command(cls=Command)
def merge(
    config: Config,
    *,
    into: Annotated[
        str,
        typer.Option(
            metavar="STORE", help="Store to copy to: a folder or an object-store URI.", show_default=False
        ),
    ],
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Copy the predictions too; their table is the largest.")
    ] = False,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> int:
    """Copy the finished runs and the forecasts of a study into another store.

    Merge to publish results, or to bring the results of several machines together. Pruned networks are runs
    as well. Weights are not copied. The exit code is 1 if a run is left out, because its epochs or
    predictions are damaged or missing.
    """
    outcome = api.store_merge(
        config, into, workspace(store, also, data), overrides=set_, predictions=predictions
    )
    print_text(f"{into}: {count(outcome.added, 'run')} added")
    if outcome.forecasts:
        print_text(f"{into}: {count(outcome.forecasts, 'forecast')} added")
    for kind, number in outcome.left_out.items():
        hint = "; merge them without --predictions" if kind == "predictions" else ""
        print_text(f"{count(number, 'run')} left out: the {kind} are missing or damaged{hint}")
    return 1 if outcome.left_out else 0

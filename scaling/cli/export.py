"""``scaling export``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Overrides, Store, workspace
from scaling.cli.output import count, print_text
from scaling.cli.reproduce import reproduce_command

if TYPE_CHECKING:
    from scaling.api import TrackingOutcome


def export(
    config: Config,
    *,
    to: Annotated[
        str,
        typer.Option(metavar="TRACKER", help="tensorboard, wandb, mlflow or trackio.", show_default=False),
    ],
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> int:
    """Copy the finished runs of a study to a tracker.

    A run that the tracker has is not copied again. Pilot runs are left out.
    """
    outcome = api.export(config, workspace(store, also, data), to=to, overrides=set_)
    print_tracking([outcome], config, store=store, also=also, overrides=set_)
    return 1 if outcome.failure else 0


def print_tracking(
    outcomes: Sequence[TrackingOutcome],
    config: Path,
    *,
    store: str,
    also: Sequence[str],
    overrides: Sequence[str],
) -> None:
    """Print what trackers have got, a line each, and why they lack some runs.

    Args:
        outcomes: what each tracker has got.
        config: YAML file of the study.
        store: store of the results.
        also: further stores that are read.
        overrides: changed settings, such as ``recipe.epochs=5``.
    """
    for outcome in outcomes:
        again = reproduce_command(
            "export", config, store=store, also=also, overrides=overrides, to=outcome.tracker
        )
        _print_one(outcome, again)


def _print_one(outcome: TrackingOutcome, again: str) -> None:
    if outcome.written or outcome.present or not outcome.failure:
        present = f", {outcome.present} were there" if outcome.present else ""
        copied = count(outcome.written, "run")
        print_text(f"{outcome.tracker}: {copied} copied{present}; {outcome.how_to_view}")
    if outcome.failure:
        log = f"; log: {outcome.log}" if outcome.log.is_file() else ""
        print_text(
            f"warning: {outcome.tracker}: {count(outcome.missing, 'run')} not copied, because the tracker"
            f" failed: {outcome.failure}; every run is in the store{log}; to try again: {again}"
        )

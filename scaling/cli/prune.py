"""``scaling prune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import (
    STORE,
    Address,
    Also,
    Config,
    Data,
    InProcess,
    Json,
    Overrides,
    Quiet,
    Store,
    workspace,
)
from scaling.cli.output import console, count, print_json, print_text
from scaling.cli.store_damage import with_damage
from scaling.cli.sweep_counts import print_missing
from scaling.durations import format_duration


def prune(
    config: Config,
    *,
    address: Address = None,
    in_process: InProcess = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for the figures.", show_default="artifacts/<study>/figures"
        ),
    ] = None,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Prune trained networks by saliency, by magnitude and at random.

    Each round deletes parameters and retrains the others. The section pruning of the study says how far. The
    command may be interrupted and started again: finished rounds are kept.
    """
    folders = workspace(store, also, data)
    outcome = api.prune(config, folders, overrides=set_, address=address, in_process=in_process, quiet=quiet)
    result = outcome.result
    if as_json:
        counts = {"trained": outcome.trained, "missing": outcome.missing}
        failures = [{"pack": failure.pack.label, "reason": failure.reason} for failure in outcome.failures]
        print_json(with_damage(counts | {"failures": failures} | result.to_dict()))
        return 1 if outcome.missing else 0
    done = len(outcome.plan.done)
    if outcome.plan.new:
        trained = f"{count(outcome.trained, 'pruned network')} trained in {format_duration(outcome.wall_s)}"
        print_text(f"{outcome.plan.study.name}: {trained}, {done} were done before")
    else:
        print_text(f"{outcome.plan.study.name}: 0 pruned networks to train, {done} done")
    code = print_missing(outcome)
    if result.networks:
        console().print(api.render_pruning(result))
        for file in api.draw_pruning(result, out or api.figure_folder(config, folders, overrides=set_)):
            print_text(str(file))
    elif result.diverged:
        print_text(
            f"all {count(result.diverged, 'pruned network')} diverged; set a smaller pruning.learning_rate"
        )
    return code

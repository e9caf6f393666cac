"""``scaling submit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Overrides, Store, Track
from scaling.cli.output import print_text

if TYPE_CHECKING:
    from scaling.api import Job


def submit(
    config: Config,
    *,
    address: Annotated[
        str, typer.Option(help="Address of the dashboard of a running Ray cluster, such as 10.0.0.1:8265.")
    ] = "127.0.0.1:8265",
    env: Annotated[
        list[str],
        typer.Option(
            metavar="NAME[=VALUE]",
            help="Environment variable for the job, by default with its value here; may be repeated.",
        ),
    ] = [],
    track: Track = [],
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> int:
    """Train the missing runs of a study as a job on a Ray cluster.

    The working folder is sent to the cluster, and scaling run is started there. The command shows its output
    and ends with its exit code. If the command is interrupted, the job goes on.
    """
    arguments = ["--address", "auto"]
    arguments += [word for uri in also for word in ("--also", uri)]
    arguments += [word for override in set_ for word in ("--set", override)]
    return api.submit(
        config,
        arguments,
        address=address,
        store=store,
        also=also,
        data=data,
        env=env,
        track=track,
        on_start=_print_start,
        on_output=lambda text: print_text(text, end="", flush=True),
    )


def _print_start(job: Job) -> None:
    """Print how to follow and to stop a job."""
    print_text(f"{job.id}: on the cluster; stop it with: {job.stop_command}", flush=True)

"""``scaling why``."""

from __future__ import annotations

from dataclasses import asdict

from scaling import api
from scaling.cli.options import STORE, Also, Configs, Data, Json, RunId, Store, workspace
from scaling.cli.output import print_json, print_text
from scaling.cli.run_differences import print_differences
from scaling.cli.store_damage import with_damage


def why(
    run: RunId,
    *,
    config: Configs = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print how a run differs from the most similar stored run.

    Prints the settings in which the two runs differ.
    """
    reason = api.why(run, workspace(store, also, data), configs=config)
    if as_json:
        nearest = reason.nearest and reason.nearest.id
        differences = [asdict(difference) for difference in reason.differences]
        print_json(
            with_damage(
                {
                    "id": reason.run.id,
                    "stored": reason.is_stored,
                    "nearest": nearest,
                    "differences": differences,
                }
            )
        )
    elif reason.is_stored:
        print_text(f"{reason.run.id} is not new: it is in the store")
    elif reason.nearest is None:
        print_text(f"{reason.run.id} is new: the store is empty")
    else:
        print_text(
            f"{reason.run.id} is new; the most similar stored run is {reason.nearest.id}, "
            "which differs in these settings:"
        )
        print_differences(reason.differences, reason.nearest.id, reason.run.id)

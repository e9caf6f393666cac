"""Look up runs by their id, or by the beginning of their id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scaling.api._plan import plan
from scaling.api._workspace import Workspace
from scaling.config import Run
from scaling.errors import StoreError

RunsById = dict[str, Run | StoreError]
"""Runs by id. A run that only a later version can read is represented by the error that its use raises."""

_CONFIG_HINT = "name the studies that may contain the run with `config`"


def stored_runs(workspace: Workspace) -> RunsById:
    """Return all stored runs."""
    runs = workspace.stores().runs(["id", "config_json"])
    return {row["id"]: _read_run(row["config_json"]) for row in runs.to_pylist()}


def _read_run(config_json: str) -> Run | StoreError:
    try:
        return Run.from_json(config_json)
    except StoreError as error:
        return error


def planned_runs(workspace: Workspace, configs: Sequence[Path]) -> RunsById:
    """Return the runs of some studies, trained or not, pruned networks included."""
    plans = [plan(config, workspace, trains=False) for config in configs]
    pruned = (study_plan.pruning.wanted for study_plan in plans if study_plan.pruning)
    return {
        run.id: run for runs in (*(study_plan.wanted for study_plan in plans), *pruned) for _, run in runs
    }


def find_run(
    prefix: str, runs: RunsById, *, workspace: Workspace, searched: str = "", hint: str = _CONFIG_HINT
) -> Run:
    """Return the only run whose id begins with a prefix.

    Args:
        prefix: beginning of the id.
        runs: runs to search.
        workspace: names the store in messages.
        searched: what was searched, in messages, if it was not the store.
        hint: next step for the user if there is no such run.

    Raises:
        StoreError: there is no such run, there are several, or this version cannot read the run.
    """
    ids = [run_id for run_id in runs if run_id.startswith(prefix)]
    if len(ids) > 1:
        raise StoreError(
            f"{prefix}: {len(ids)} run ids begin with this; give more of the id, such as {ids[0]}"
        )
    if not ids:
        raise StoreError(
            f"{prefix}: no such run in {searched or workspace.store}; {hint} "
            "(scaling plan CONFIG `json` lists the ids of a study)"
        )
    run = runs[ids[0]]
    if isinstance(run, StoreError):
        raise run
    return run

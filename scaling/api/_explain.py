"""Explain why a run is new, and how two runs differ, by the settings in their identities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scaling.api._stored_runs import find_run, planned_runs, stored_runs
from scaling.api._workspace import Workspace
from scaling.config import Run, flatten_settings


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A setting in which two runs differ."""

    setting: str
    """Dotted path of the setting."""
    first: object
    """Value in the first run; None if the run has no such setting."""
    second: object
    """Value in the second run; None if the run has no such setting."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Reason why a run is new, or that it is stored."""

    run: Run
    is_stored: bool
    nearest: Run | None
    """Stored run with the fewest different settings.

    The run itself if it is stored; None if the store is empty.
    """
    differences: tuple[Difference, ...]
    """Differences from the nearest stored run (first) to this run (second)."""


def why(run: str, workspace: Workspace | None = None, *, configs: Sequence[Path] = ()) -> Reason:
    """Explain why a run is new: return the settings in which it differs from the nearest stored run.

    Args:
        run: id of the run, or its beginning.
        workspace: stores and folders.
        configs: YAML files of studies that may contain the run.

    Raises:
        StoreError: there is no such run, or there are several.
    """
    workspace = workspace or Workspace()
    stored = stored_runs(workspace)
    wanted = find_run(run, stored | planned_runs(workspace, configs), workspace=workspace)
    if wanted.id in stored:
        return Reason(run=wanted, is_stored=True, nearest=wanted, differences=())
    readable = (other for other in stored.values() if isinstance(other, Run))
    nearest = min(readable, key=lambda other: (len(compare_settings(other, wanted)), other.id), default=None)
    differences = compare_settings(nearest, wanted) if nearest else ()
    return Reason(run=wanted, is_stored=False, nearest=nearest, differences=differences)


def diff(
    first: str, second: str, workspace: Workspace | None = None, *, configs: Sequence[Path] = ()
) -> tuple[Difference, ...]:
    """Return the settings in which two runs differ.

    Args:
        first: id of the first run, or its beginning.
        second: id of the second run, or its beginning.
        workspace: stores and folders.
        configs: YAML files of further studies whose runs may be named, trained or not.

    Raises:
        StoreError: there is no such run, or there are several.
    """
    workspace = workspace or Workspace()
    runs = stored_runs(workspace) | planned_runs(workspace, configs)
    return compare_settings(
        find_run(first, runs, workspace=workspace), find_run(second, runs, workspace=workspace)
    )


def compare_settings(first: Run, second: Run) -> tuple[Difference, ...]:
    """Return the settings in which two runs differ, including dependent settings such as the order."""
    values, others = flatten_settings(first), flatten_settings(second)
    return tuple(
        Difference(setting=setting, first=values.get(setting), second=others.get(setting))
        for setting in values | others
        if values.get(setting) != others.get(setting)
    )

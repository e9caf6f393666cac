"""Why a run is new, and how two runs differ: by the leaves of their identities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scaling.api._plan import plan
from scaling.api._workspace import Workspace
from scaling.config import Run, flatten_settings
from scaling.errors import StoreError

PLANNED = "name the studies it may be wanted by with --config"


@dataclass(frozen=True)
class Difference:
    """One leaf that two runs don't share; None where a run has no such leaf."""

    leaf: str
    first: object
    second: object


@dataclass(frozen=True)
class Reason:
    """A run, and the stored run that is nearest to it."""

    run: Run
    stored: bool
    nearest: Run | None
    differences: tuple[Difference, ...]
    """From the nearest to this one."""


def diff(
    first: str, second: str, workspace: Workspace | None = None, *, configs: Sequence[Path] = ()
) -> tuple[Difference, ...]:
    """The leaves in which two runs differ.

    Args:
        first, second: ids, or their beginnings.
        configs: studies whose runs are known too, trained or not.

    Raises:
        StoreError: no such run, or several.
    """
    workspace = workspace or Workspace()
    known = known_runs(workspace) | _planned(workspace, configs)
    return differences(named(first, known, workspace), named(second, known, workspace))


def why(name: str, workspace: Workspace | None = None, *, configs: Sequence[Path] = ()) -> Reason:
    """Whether a run is stored; if not, which leaves set it apart from the nearest stored run.

    Args:
        name: an id, or its beginning.
        configs: studies in which it is looked for.

    Raises:
        StoreError: no such run, or several.
    """
    workspace = workspace or Workspace()
    stored = known_runs(workspace)
    run = named(name, stored | _planned(workspace, configs), workspace)
    if run.id in stored:
        return Reason(run, True, run, ())
    readable = (other for other in stored.values() if isinstance(other, Run))
    nearest = min(readable, key=lambda other: (len(differences(other, run)), other.id), default=None)
    return Reason(run, False, nearest, differences(nearest, run) if nearest else ())


def differences(first: Run, second: Run) -> tuple[Difference, ...]:
    """Leaf by leaf; what follows from another leaf, such as the order from the seed, is listed too."""
    one, other = flatten_settings(first), flatten_settings(second)
    return tuple(
        Difference(leaf, one.get(leaf), other.get(leaf))
        for leaf in one | other
        if one.get(leaf) != other.get(leaf)
    )


Known = dict[str, Run | StoreError]
"""By id; in the place of a run that only a later version can read stands what is wrong with it, for whoever asks for that one."""


def known_runs(workspace: Workspace) -> Known:
    """Those that are stored."""
    runs = workspace.stores().runs(["id", "config_json"])
    return {row["id"]: _read(row["config_json"]) for row in runs.to_pylist()}


def _read(config_json: str) -> Run | StoreError:
    try:
        return Run.from_json(config_json)
    except StoreError as error:
        return error


def _planned(workspace: Workspace, configs: Sequence[Path]) -> Known:
    return {run.id: run for config in configs for _, run in plan(config, workspace, trains=False).wanted}


def named(name: str, known: Known, workspace: Workspace, remedy: str = PLANNED) -> Run:
    """The one run whose id begins so.

    Args:
        remedy: what to do where there is none.

    Raises:
        StoreError: no such run, several, or one that this version can't read.
    """
    found = [run_id for run_id in known if run_id.startswith(name)]
    if len(found) > 1:
        raise StoreError(f"{name}: begins the ids of {len(found)} runs; give more of it, such as {found[0]}")
    if found:
        run = known[found[0]]
        if isinstance(run, StoreError):
            raise run
        return run
    raise StoreError(f"{name}: no such run in {workspace.store}; {remedy} (ids: scaling plan CONFIG --json)")

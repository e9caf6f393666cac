"""Submit a study to a Ray cluster: the working folder is sent there, and a job trains the missing runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.errors import ConfigError, StoreError, UsageError

if TYPE_CHECKING:
    from scaling.sweep.submit import Job


def submit(
    config: Path,
    arguments: Sequence[str],
    *,
    address: str,
    store: str,
    also: Sequence[str] = (),
    data: Path | None = None,
    env: Sequence[str] = (),
    track: Sequence[str] = (),
    on_start: Callable[[Job], None] = lambda job: None,
    on_output: Callable[[str], None] = lambda text: None,
) -> int:
    """Send the working folder to a cluster, train the missing runs of a study there, and follow the output.

    Args:
        config: YAML file of the study, in the working folder.
        arguments: further words of the command ``scaling run`` after the study.
        address: address of the cluster's dashboard, such as ``10.0.0.1:8265``.
        store: store that all nodes of the cluster see: a URI, or the absolute path of a folder.
        also: further stores; ``arguments`` has them as well.
        data: folder of the data sets on the cluster; by default that of the user there.
        env: environment variables of the job: names whose values it shares, or ``NAME=VALUE``.
        track: names of trackers that get a copy of each finished run, from the head.
        on_start: called once the job is on the cluster.
        on_output: called with each piece of the job's output.

    Returns:
        Exit code of ``scaling run``.

    Raises:
        ConfigError: there is no such file.
        StoreError: the nodes of a cluster cannot see a store.
        UsageError: the study is not in the working folder, which is too large, an environment variable is not
            set, a tracker does not exist or would write into a folder that Ray deletes, or the cluster does
            not answer or refuses the job.
        SweepError: the cluster could not start the job, or somebody stopped it.
        Interrupted: SIGINT, SIGTERM or SIGHUP arrived; a job that had started goes on.
    """
    folder = Path.cwd()
    _check_paths(config, folder, store=store, also=also, data=data)
    from scaling.sweep import submit as sweep

    study = config.resolve().relative_to(folder).as_posix()
    variables = {"SCALING_STORE": store} | ({} if data is None else {"SCALING_DATA": str(data)})
    variables |= _variables(env)
    _check_trackers(track, variables)
    trackers = [word for name in track for word in ("--track", name)]
    return sweep.submit(
        address,
        folder,
        ["python", "-m", "scaling", "run", study, *arguments, *trackers],
        variables=variables,
        on_start=on_start,
        on_output=on_output,
    )


def _check_paths(config: Path, folder: Path, *, store: str, also: Sequence[str], data: Path | None) -> None:
    """Check that the study is sent to the cluster, and that all other paths are paths there."""
    if not config.is_file():
        raise ConfigError(["there is no such file"], str(config))
    if not config.resolve().is_relative_to(folder):
        raise UsageError(
            f"{config}: only the working folder {folder} is sent to the cluster; change to a folder that"
            " contains the study"
        )
    for uri, option in [(store, "store"), *((other, "also") for other in also)]:
        if _is_local(uri):
            raise StoreError(
                f"{uri}: is a folder on this machine; name a store that all nodes of the cluster see, such as"
                " s3://bucket/path, or the absolute path of a folder that they share",
                option=option,
            )
    if data is not None and _is_local(str(data)):
        raise UsageError(f"{data}: name the absolute path of a folder on the cluster", option="data")


def _is_local(uri: str) -> bool:
    """Return True for a relative path, which exists in the working folder of this machine only."""
    return "://" not in uri and not uri.startswith(("/", "~"))


def _check_trackers(names: Sequence[str], variables: Mapping[str, str]) -> None:
    """Check that what trackers write outlives the job, whose working folder Ray deletes.

    Raises:
        UsageError: there is no such tracker, or it would write into the working folder.
    """
    from scaling.tracking import find_tracker

    for name in names:
        if find_tracker(name, option="track").writes_into_folder(variables):
            raise UsageError(
                f"{name}: would write into the job's working folder, which Ray deletes; name its server in"
                " the job's environment with `env`, such as MLFLOW_TRACKING_URI, or copy the finished runs"
                " from the store with `scaling export`",
                option="track",
            )


def _variables(assignments: Sequence[str]) -> dict[str, str]:
    """Return the environment variables that ``NAME=VALUE`` sets, or that ``NAME`` shares.

    Raises:
        UsageError: a variable is not set here.
    """
    variables = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals and name not in os.environ:
            raise UsageError(f"{name}: this environment variable is not set", option="env")
        variables[name] = value if equals else os.environ[name]
    return variables

"""Jobs on a Ray cluster: the working tree is sent to its head, and a command runs there."""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ray._private import ray_constants
from ray._private.runtime_env import packaging
from ray.exceptions import AuthenticationError
from ray.job_submission import JobSubmissionClient

from scaling import interruption
from scaling.errors import SweepError, UsageError, install_command
from scaling.plan.pack_memory import MIB
from scaling.sweep.ray_cluster import connect, is_host_and_port, shows_token, token_problem
from scaling.sweep.ray_session import environment, show_token
from scaling.sweep.worker_config import first_line

DASHBOARD_PORT = 8265
_EXCLUDED = ["/artifacts", "/data"]
"""Folders of results and images. Ray itself leaves out .git, .venv and what .gitignore names."""
_MAX_TREE_BYTES = 100 * MIB
_VARIABLES = {
    "PYTHONUNBUFFERED": "1",
    "RAY_JOB_STOP_WAIT_TIME_S": "15",  # a sweep needs up to ten seconds to save its checkpoints
}
_POLL_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Job:
    """A command that was sent to a cluster."""

    id: str
    address: str
    """URL of the cluster's dashboard."""
    needs_token: bool
    """True if the commands of Ray must show the user's token."""

    @property
    def follow_command(self) -> str:
        """Command that shows the output of the job."""
        return self._command("logs --follow")

    @property
    def stop_command(self) -> str:
        """Command that stops the job."""
        return self._command("stop")

    def _command(self, action: str) -> str:
        mode = "RAY_AUTH_MODE=token " if self.needs_token else ""
        return f"{mode}ray job {action} --address {self.address} {self.id}"


def submit(
    address: str,
    folder: Path,
    command: Sequence[str],
    *,
    variables: Mapping[str, str],
    on_start: Callable[[Job], None],
    on_output: Callable[[str], None],
) -> int:
    """Send a folder to the head of a cluster, run a command in it, and follow its output.

    Args:
        address: address of the cluster's dashboard: ``host:port``, or a URL.
        folder: working tree.
        command: words of the command.
        variables: environment variables of the command and of its workers.
        on_start: called once the job is on the cluster.
        on_output: called with each piece of the output.

    Returns:
        Exit code of the command.

    Raises:
        UsageError: no dashboard answers at the address, it demands another token, or the folder is too large.
        SweepError: the cluster could not start the command, or somebody stopped it.
        Interrupted: a signal arrived. The job goes on if it had started.
    """
    with _quiet_ray():
        _check_size(folder)
    # In Ray, these variables take precedence over an address.
    without_addresses = dict.fromkeys(
        (
            ray_constants.RAY_API_SERVER_ADDRESS_ENVIRONMENT_VARIABLE,
            ray_constants.RAY_ADDRESS_ENVIRONMENT_VARIABLE,
        )
    )
    with show_token(), environment(without_addresses), _quiet_ray():
        client = _connect(address)
        try:
            job_id = client.submit_job(
                entrypoint=shlex.join(command),
                runtime_env={
                    "working_dir": str(folder),
                    "excludes": _EXCLUDED,
                    "env_vars": {**_VARIABLES, **variables},
                },
            )
        except RuntimeError as error:
            raise UsageError(
                f"{address}: this Ray cluster refuses the job ({first_line(error)})", option="address"
            ) from error
        job = Job(id=job_id, address=client.get_address(), needs_token=shows_token())
        on_start(job)
        try:
            return _follow(client, job, on_output)
        except interruption.Interrupted as stop:
            stop.last_words = (
                f"the job goes on; follow it with: {job.follow_command}\nstop it with: {job.stop_command}"
            )
            raise


def _connect(address: str) -> JobSubmissionClient:
    if not find_spec("aiohttp"):
        raise UsageError(f"the package ray[default] is missing: {install_command('cluster')}")
    url = address if "://" in address else f"http://{address}"
    try:
        if is_host_and_port(address):
            connect(address)  # gives up earlier than Ray does
        return JobSubmissionClient(url)
    except AuthenticationError as error:
        raise UsageError(f"{address}: {token_problem()}", option="address") from error
    except (OSError, RuntimeError, ValueError) as error:  # requests raises subclasses of OSError
        reason = getattr(error, "strerror", None) or first_line(error)
        raise UsageError(
            f"{address}: no dashboard of Ray answers ({reason}); its port on the head is"
            f" {DASHBOARD_PORT} by default, and the head needs ray[default]: {install_command('cluster')}",
            option="address",
        ) from error


def _check_size(folder: Path) -> None:
    """Check that a folder, without the files that Ray leaves out, can be sent to a cluster.

    Raises:
        UsageError: the folder is too large.
    """
    excluded = [*ray_constants.get_runtime_env_default_excludes(), *_EXCLUDED]
    sizes: dict[Path, int] = {}

    def add(path: Path) -> None:
        if path.is_file():
            part = folder / path.relative_to(folder).parts[0]
            sizes[part] = sizes.get(part, 0) + path.stat().st_size

    packaging._dir_travel(folder, [packaging._get_excludes(folder, excluded)], add, include_gitignore=True)
    if (total := sum(sizes.values())) > _MAX_TREE_BYTES:
        largest = max(sizes, key=lambda part: sizes[part])
        raise UsageError(
            f"{folder}: at most {_MAX_TREE_BYTES / MIB:.0f} MiB are sent to a cluster, and this folder has"
            f" {total / MIB:,.0f} ({largest.name}: {sizes[largest] / MIB:,.0f}); name in .gitignore or in"
            " .rayignore what the study does not need"
        )


def _follow(client: JobSubmissionClient, job: Job, on_output: Callable[[str], None]) -> int:
    """Pass on the output of a job, and return its exit code."""

    async def pass_on() -> None:
        async for text in client.tail_job_logs(job.id):
            on_output(text)

    try:
        asyncio.run(pass_on())
        while not (details := client.get_job_info(job.id)).status.is_terminal():
            interruption.pause(_POLL_S)
    except Exception as error:  # Ray and its HTTP client raise exceptions of many classes
        raise SweepError(
            f"the cluster no longer answers ({first_line(error)}); if it lives, the job goes on;"
            f" follow it with: {job.follow_command}"
        ) from error
    if details.driver_exit_code is None:
        raise SweepError(f"{job.id}: this job has no exit code ({details.message or details.status})")
    return int(details.driver_exit_code)


@contextmanager
def _quiet_ray() -> Iterator[None]:
    """Print no messages of Ray about the folder and the connection inside the block."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)

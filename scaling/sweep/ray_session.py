"""Ray during a sweep: a private instance on this machine, or a running cluster."""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import signal
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import psutil
import ray
from ray._private import ray_constants
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

from scaling import interruption
from scaling.errors import SweepError, UsageError
from scaling.sweep.ray_cluster import check_head, has_token, is_host_and_port
from scaling.sweep.ray_watch import cluster_is_alive, end_if_dead, local_instance_is_alive
from scaling.sweep.worker_config import first_line
from scaling.temporary_folder import NAME_LENGTH, parent_folders, temporary_folder

_DEFAULTS = {
    "RAY_AIR_NEW_OUTPUT": "0",  # the new output prints a box even at verbosity 0
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # five unused files per trial
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Tune's handler turns Ctrl+C into an ordinary end
}
_START_TIMED_OUT = "timed out during startup"
"""Part of Ray's message if a node did not start in the 30 seconds that Ray waits."""
_LEAVE_S = 5.0
"""Longest time to leave a cluster whose head is dead, in seconds."""
_KILL_S = 5.0
"""Longest time in which the operating system ends processes that are killed, in seconds."""
_KILL_POLL_S = 0.02
_CLUSTER_CHECK_S = 5.0
"""Pause between two checks that a cluster is alive."""
_SOCKET_PATH_LENGTH = 103 if sys.platform == "darwin" else 107
"""Longest path of a socket that the operating system permits."""
_RAY_FOLDER = "ray"
"""Folder of Ray's files inside that of the session. Ray lets every user of the machine enter it."""
_SOCKET = f"{_RAY_FOLDER}/session_2000-01-01_00-00-00_000000_4194304/sockets/plasma_store"
"""Longest path of a socket in the session's folder."""
_FOLDER_LENGTH = _SOCKET_PATH_LENGTH - len(_SOCKET) - 1
"""Longest path of a folder in which Ray can start."""


@contextmanager
def ray_session(address: str | None, workers: int) -> Iterator[Path]:
    """Start Ray on this machine, or join the cluster at an address, and leave it at the end.

    Args:
        address: address of a running cluster; None starts Ray on this machine.
        workers: number of cores that Ray uses on this machine.

    Yields:
        A folder for files of the session, which is deleted at the end.

    Raises:
        UsageError: no cluster can be joined at ``address``, or Ray cannot start here.
        SweepError: Ray has died.
    """
    defaults = {name: os.environ.get(name, value) for name, value in _DEFAULTS.items()}
    # Ray would print messages about dead processes among the command's own results.
    silence = _replaced(ray._private.worker, "print_to_stdstream", lambda *_, **__: None)
    with environment(defaults), silence, ExitStack() as stack:
        folder = stack.enter_context(_short_folder())
        if address:
            stack.enter_context(_cluster(address))
        else:
            stack.enter_context(_local_instance(folder, workers))
        yield folder


@contextmanager
def _local_instance(folder: Path, workers: int) -> Iterator[None]:
    """Start Ray for this user only: on the loopback interface, and with a token of its own.

    Ray would listen on all interfaces, keep its token in the home folder, where ``ray start`` finds it, and
    open the folder of its files to every user. The session's folder, which holds the token, stays closed.
    """
    token = folder / "auth_token"
    token.write_text(secrets.token_hex(32))
    variables = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": None,  # it would take precedence
        "RAY_AUTH_TOKEN_PATH": str(token),
        ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0",  # listen on the loopback interface, as on macOS
    }
    with (
        environment(variables),
        _replaced(ray_constants, "ENABLE_RAY_CLUSTER", False),  # Ray has read the variable at its import
        interruption.before_immediate_end(_kill_agents),
    ):
        try:
            processes = _start_local(folder, workers)
        except Exception as error:  # Ray raises exceptions of many classes, and Exception itself
            raise UsageError(
                f"Ray cannot start on this machine ({first_line(error)}); train without Ray with `in_process`"
            ) from error
        try:
            interruption.check()
            with end_if_dead(local_instance_is_alive, name="Ray on this machine"):
                yield
        finally:
            _end_local(processes)


def _start_local(folder: Path, workers: int, *, is_last: bool = False) -> set[psutil.Process]:
    """Start Ray on this machine, a second time if a busy machine needs longer than Ray waits.

    Returns:
        The processes that Ray has started.
    """
    others = _descendants(psutil.Process())
    try:
        # Without an address, Ray would join any cluster on this machine.
        ray_folder = str(folder / _RAY_FOLDER)
        _init(address="local", num_cpus=workers, include_dashboard=False, _temp_dir=ray_folder)
    except Exception as error:
        _end_local(_descendants(psutil.Process()) - others)
        if is_last or _START_TIMED_OUT not in str(error):
            raise
        return _start_local(folder, workers, is_last=True)
    return _descendants(psutil.Process()) - others


def _end_local(processes: Collection[psutil.Process]) -> None:
    """Leave Ray on this machine, and kill its processes.

    They block SIGTERM, so Ray itself would wait a second for each of them, and leave its agents. After a
    start that failed, it would leave all of them until the end of this process.

    Args:
        processes: processes that Ray started first; they have started the others.
    """

    def kill_all() -> None:
        family = set(processes).union(*map(_descendants, processes))
        for process in family:
            with suppress(psutil.Error):
                process.kill()
        end = monotonic() + _KILL_S
        while any(map(_is_alive, family)) and monotonic() < end:
            sleep(_KILL_POLL_S)

    node: Any = ray._private.worker._global_node
    end_node = node.kill_all_processes if node else None

    def kill_first(**options: Any) -> None:
        kill_all()
        if end_node:  # asks the system how they have ended, and forgets them
            end_node(check_alive=False)

    with _replaced(node, "kill_all_processes", kill_first) if node else nullcontext():
        _shut_down()
    kill_all()


def _is_alive(process: psutil.Process) -> bool:
    """Return whether a process has not ended; it may wait for its parent to ask how."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _descendants(process: psutil.Process) -> set[psutil.Process]:
    with suppress(psutil.Error):
        return set(process.children(recursive=True))
    return set()


def _kill_agents() -> None:
    """Kill the agents of Ray on this machine: without their raylet they would live for another minute."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any("agent" in argument.lower() for argument in process.cmdline()):
                process.kill()


@contextmanager
def _cluster(address: str) -> Iterator[None]:
    """Join a cluster."""
    with show_token():
        if is_host_and_port(address):
            check_head(address)
        try:
            _init(address=address)
        except Exception as error:  # Ray raises exceptions of many classes
            _shut_down()
            raise UsageError(
                f"{address}: this Ray cluster cannot be joined ({first_line(error)})", option="address"
            ) from error
        try:
            interruption.check()
            is_alive = partial(cluster_is_alive, address, ray.get_runtime_context().get_node_id())
            with end_if_dead(is_alive, name=f"the Ray cluster at {address}", every_s=_CLUSTER_CHECK_S):
                yield
        except SweepError:
            _leave_dead_cluster()
            raise
        except BaseException:
            _shut_down()
            raise
        _shut_down()


@contextmanager
def show_token() -> Iterator[None]:
    """Show the user's token to the clusters that the block connects to, unless RAY_AUTH_MODE says otherwise.

    A head that was started on this machine has asked for the token ever since there was one. Ray itself shows
    it to a cluster only where RAY_AUTH_MODE is set.
    """
    mode = os.environ.get("RAY_AUTH_MODE", "token" if has_token() else None)
    with environment({"RAY_AUTH_MODE": mode}):
        yield


def _init(**options: Any) -> None:
    # Ray's start cannot be interrupted in the middle, and Ray's handler would print a stack and end the
    # process: signals that were blocked arrive after the handlers are back.
    with interruption.deferred(), _without_signals(), interruption.kept_handlers():
        ray.init(logging_level=logging.ERROR, log_to_driver=False, configure_logging=True, **options)


@contextmanager
def _without_signals() -> Iterator[None]:
    """Block SIGHUP and SIGTERM for the processes that start inside the block, and delay them here to its end.

    The end of a terminal, a scheduler or a service manager may send them to all processes of a command. They
    would end Ray at once, before its workers have saved their checkpoints. A worker lets SIGTERM through as
    soon as it has a trial.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _shut_down() -> None:
    with interruption.deferred():
        ray.shutdown()


def _leave_dead_cluster() -> None:
    """Leave a cluster whose head is dead. Ray would wait for it, and end this process after a minute."""
    thread = Thread(target=ray.shutdown, daemon=True)
    thread.start()
    thread.join(_LEAVE_S)
    if thread.is_alive():
        atexit.register(_exit_at_once)  # before Ray's function, which waits as well


def _exit_at_once() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


@contextmanager
def _short_folder() -> Iterator[Path]:
    """Create a folder whose path is short enough for Ray's sockets.

    Raises:
        UsageError: there is no such folder.
    """
    for parent in parent_folders():
        if len(os.fsencode(parent)) + 1 + NAME_LENGTH <= _FOLDER_LENGTH:
            with ExitStack() as stack:
                try:
                    folder = stack.enter_context(temporary_folder(parent))
                except OSError:
                    continue
                yield folder
                return
    raise UsageError(
        "Ray needs a folder for temporary files whose path has at most"
        f" {_FOLDER_LENGTH - 1 - NAME_LENGTH} letters: set TMPDIR to such a folder,"
        " or train without Ray with `in_process`"
    )


@contextmanager
def environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables inside the block, unset those with None, and make Ray read its own again."""
    before = {name: os.environ.get(name) for name in variables}
    _set_variables(variables)
    try:
        yield
    finally:
        _set_variables(before)


def _set_variables(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


@contextmanager
def _replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Replace an attribute of a module or an object of Ray inside the block."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)

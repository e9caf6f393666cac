"""Ray on this machine is private, whatever the environment says, and a cluster gets the user's token."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import ray
from ray._private import ray_constants
from ray.exceptions import AuthenticationError

from scaling import interruption
from scaling.errors import SweepError, UsageError
from scaling.interruption import Interrupted, handled_signals
from scaling.sweep import ray_cluster, ray_session, ray_watch
from scaling.sweep.ray_watch import end_if_dead

LONG_NAME = "a" * 60
TOKENS = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


@pytest.fixture
def inits(monkeypatch, tmp_path):
    """Replace Ray by nothing, and return what it was called with, together with its environment."""
    calls = []

    def init(**options):
        variables = {name: os.environ[name] for name in TOKENS if name in os.environ}
        calls.append(options | variables | {"is_open": ray_constants.ENABLE_RAY_CLUSTER})
        if "_temp_dir" in options:
            folder = Path(options["_temp_dir"])
            folder.mkdir(exist_ok=True)
            folder.chmod(0o777)  # as Ray does

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda **options: None)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in TOKENS:
        monkeypatch.delenv(name, raising=False)
    return calls


@pytest.mark.parametrize("mode", ["disabled", "token", None])
def test_local_instance_has_a_token_of_its_own_and_listens_on_the_loopback_interface(
    mode, inits, monkeypatch, tmp_path
):
    if mode:
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of a cluster")
    before, is_open = dict(os.environ), ray_constants.ENABLE_RAY_CLUSTER
    with ray_session.ray_session(None, 1) as folder:
        token = folder / "auth_token"
        assert len(token.read_text()) == 64
        assert folder.stat().st_mode & 0o777 == 0o700
    (call,) = inits
    assert call["_temp_dir"] == str(folder / "ray")
    assert (call["RAY_AUTH_MODE"], call["RAY_AUTH_TOKEN_PATH"]) == ("token", str(token))
    assert not call["is_open"]
    assert "RAY_AUTH_TOKEN" not in call
    assert (dict(os.environ), ray_constants.ENABLE_RAY_CLUSTER) == (before, is_open)
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []  # nothing in the home folder, which may be read-only


@pytest.mark.parametrize("variable", ["RAY_TMPDIR", "TMPDIR"])
def test_folders_with_long_paths_are_left_out(variable, inits, monkeypatch, tmp_path):
    (tmp_path / LONG_NAME).mkdir()
    monkeypatch.setenv(variable, str(tmp_path / LONG_NAME))
    monkeypatch.setattr("tempfile.tempdir", None)
    with ray_session.ray_session(None, 1) as folder:
        assert len(f"{folder}/{ray_session._SOCKET}") <= ray_session._SOCKET_PATH_LENGTH


def test_machine_without_a_folder_for_sockets_is_told_so(inits, monkeypatch):
    monkeypatch.setattr(ray_session, "_FOLDER_LENGTH", 3)
    with (
        pytest.raises(
            UsageError, match=r"^Ray needs a folder .* set TMPDIR .* without Ray with `in_process`$"
        ),
        ray_session.ray_session(None, 1),
    ):
        pass
    assert not inits


def test_failure_of_ray_is_one_line(inits, monkeypatch):
    def fail(**options):
        raise Exception("The node timed out.\nIts log:\n...")

    monkeypatch.setattr(ray, "init", fail)
    with (
        pytest.raises(UsageError, match=r"^Ray cannot start on this machine \(The node timed out\.\)"),
        ray_session.ray_session(None, 1),
    ):
        pass


def test_start_that_timed_out_is_repeated_once_and_leaves_no_process(inits, monkeypatch):
    first_init, started = ray.init, []

    def time_out_at_first(**options):
        if started:
            return first_init(**options)
        started.append(subprocess.Popen(["sleep", "600"]))
        raise Exception("The current node timed out during startup. This could happen because ...")

    monkeypatch.setattr(ray, "init", time_out_at_first)
    with ray_session.ray_session(None, 1):
        assert started[0].wait(10) == -signal.SIGKILL
    assert len(inits) == 1


def test_processes_of_ray_start_with_the_signals_blocked_that_a_whole_job_gets(inits, monkeypatch):
    """A worker that has a trial lets SIGTERM through again."""
    program = "import signal; print(*signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    blocked = []

    def init(**options):
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
        blocked.extend(done.stdout.split())

    monkeypatch.setattr(ray, "init", init)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with ray_session.ray_session(None, 1):
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    assert {str(int(signal.SIGHUP)), str(int(signal.SIGTERM))} <= set(blocked)


def kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def test_a_signal_while_ray_starts_meets_the_handlers_of_this_process(monkeypatch, tmp_path):
    """Ray installs a handler in C, which would print a stack; here, faulthandler does."""
    with (tmp_path / "stack").open("w") as stack, handled_signals():

        def init(**options):
            faulthandler.register(signal.SIGTERM, file=stack, chain=False)
            signal.raise_signal(signal.SIGTERM)

        monkeypatch.setattr(ray, "init", init)
        with pytest.raises(Interrupted) as stop:  # noqa: PT012
            try:
                ray_session._init()
                interruption.check()
            finally:
                faulthandler.unregister(signal.SIGTERM)
    assert stop.value.exit_code == 143
    assert (tmp_path / "stack").read_text() == ""


FAMILY = """\
import signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
child = subprocess.Popen(["sleep", "600"])
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.parametrize("is_started", [True, False])
def test_end_kills_processes_that_block_sigterm_and_their_children(is_started, inits, monkeypatch):
    """Ray itself waits a second for each, and leaves children without their parent."""
    family: list[psutil.Process] = []
    graceful: list[bool] = []

    def init(**options):
        words = [sys.executable, "-c", FAMILY]
        process = stack.enter_context(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
        family.extend([psutil.Process(process.pid), psutil.Process(int(process.stdout.readline()))])
        for member in family:
            stack.callback(kill, member)
        if not is_started:
            raise Exception("a port is not free")
        monkeypatch.setattr(ray._private.worker, "_global_node", node)

    end = lambda allow_graceful=False, **options: graceful.append(allow_graceful)  # noqa: E731
    node = SimpleNamespace(kill_all_processes=end, dead_processes=list)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: node.kill_all_processes(allow_graceful=True))
    with ExitStack() as stack:
        with nullcontext() if is_started else pytest.raises(UsageError), ray_session.ray_session(None, 1):
            assert all(map(ray_session._is_alive, family))
        assert not any(map(ray_session._is_alive, family))
    assert graceful == [not is_started]  # Ray's own end only finds that they are dead


@pytest.mark.parametrize(
    ("variables", "mode"),
    [
        ({}, None),
        ({"RAY_AUTH_TOKEN": "secret"}, "token"),
        ({"RAY_AUTH_TOKEN": "secret", "RAY_AUTH_MODE": "disabled"}, "disabled"),
        ({"HOME": "with a token"}, "token"),
    ],
)
def test_cluster_is_shown_the_token_of_the_user(variables, mode, inits, monkeypatch, tmp_path):
    (tmp_path / ".ray").mkdir()
    if "HOME" in variables:
        (tmp_path / ".ray" / "auth_token").write_text("secret")
    for name in variables.keys() - {"HOME"}:
        monkeypatch.setenv(name, variables[name])
    heads = []
    monkeypatch.setattr(ray_session, "check_head", heads.append)
    monkeypatch.setattr(ray_session, "cluster_is_alive", lambda address, node_id: True)
    monkeypatch.setattr(ray, "get_runtime_context", lambda: Context())
    with ray_session.ray_session("head:6379", 1):
        pass
    (call,) = inits
    assert (heads, call["address"], call.get("RAY_AUTH_MODE")) == (["head:6379"], "head:6379", mode)


class Context:
    def get_node_id(self):
        return "a"


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({}, "demands a token; copy ~/.ray/auth_token from its head"),
        (
            {"RAY_AUTH_TOKEN": "another", "RAY_AUTH_MODE": "token"},
            "demands another token than that of RAY_AUTH_TOKEN; copy",
        ),
    ],
)
def test_cluster_that_demands_another_token_is_named_as_such(variables, problem, inits, monkeypatch):
    def refuse(address):
        raise AuthenticationError("Authentication token is missing or incorrect")

    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ray_session._set_variables({})
    monkeypatch.setattr(ray_cluster, "connect", lambda address: None)
    monkeypatch.setattr(ray_cluster, "GcsClient", refuse)
    with pytest.raises(UsageError, match=rf"^address: head:6379: this Ray cluster {problem}"):
        ray_cluster.check_head("head:6379")


def swallow_errors() -> None:
    while True:
        try:
            os.getpid()
        except Exception:
            continue


def test_death_of_ray_ends_a_block_that_swallows_errors():
    with (
        pytest.raises(SweepError, match=r"^Ray has died.* every finished run is in the store"),
        end_if_dead(lambda: False, name="Ray", every_s=0.1),
    ):
        swallow_errors()


def test_death_of_ray_ends_a_process_that_waits_for_it(monkeypatch):
    is_ended = threading.Event()
    monkeypatch.setattr(ray_watch, "_GRACE_S", 0.0)
    monkeypatch.setattr(ray_watch, "_end_process", lambda last_words: is_ended.set())
    with pytest.raises(SweepError), end_if_dead(lambda: False, name="Ray", every_s=0.1):
        is_ended.wait()


def test_errors_of_a_block_pass_while_ray_lives():
    with pytest.raises(KeyboardInterrupt), end_if_dead(lambda: True, name="Ray"):
        raise KeyboardInterrupt
    with end_if_dead(lambda: True, name="Ray"):
        pass


def test_error_that_dead_ray_raises_is_explained():
    with pytest.raises(SweepError), end_if_dead(lambda: False, name="Ray", every_s=1e6):
        raise ConnectionError("GCS")


def test_head_that_is_dead_does_not_hold_the_process(monkeypatch):
    is_over, registered = threading.Event(), []
    monkeypatch.setattr(ray_session, "_LEAVE_S", 0.0)
    monkeypatch.setattr("atexit.register", registered.append)
    monkeypatch.setattr(ray, "shutdown", is_over.wait)
    ray_session._leave_dead_cluster()
    is_over.set()
    assert registered == [ray_session._exit_at_once]

"""A Ray cluster of several nodes on this machine, whose nodes can be killed and started again."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

_START_S = 120.0
"""Longest time for the start of a node, in seconds."""
_ATTEMPTS = 3
"""Number of attempts to start a node: on a busy machine, Ray does not wait long enough for itself."""


class RayNodes:
    """A head and further nodes, one core each.

    Every node is a process with descendants of its own. The token of the cluster lies in the home folder, as
    it does where ``ray get-auth-token --generate`` wrote it.

    Args:
        folder: folder of the nodes' files, which is created.
        environment: environment of the nodes, with a HOME of their own.
        nodes: number of nodes, the head among them.

    Raises:
        RuntimeError: a node does not start.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], *, nodes: int) -> None:
        token = Path(environment["HOME"]) / ".ray" / "auth_token"
        token.parent.mkdir()
        token.write_text(secrets.token_hex(32))
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.address = f"127.0.0.1:{server.getsockname()[1]}"
        folder.mkdir()
        self._folder = folder
        self._environment = {**environment, "RAY_AUTH_MODE": "token", "RAY_TMPDIR": str(folder)}
        port = self.address.rpartition(":")[2]
        self._nodes: list[subprocess.Popen[bytes]] = []
        try:
            self._start("--head", f"--port={port}", "--include-dashboard=false")
            for _ in range(nodes - 1):
                self.add_node()
        except RuntimeError:
            self.stop()
            raise

    def lose_node(self) -> None:
        """Kill all processes of the oldest node that is not the head."""
        _kill(self._nodes.pop(1))

    def add_node(self) -> None:
        """Start another node, which joins the cluster.

        Raises:
            RuntimeError: the node does not start.
        """
        self._start(f"--address={self.address}")

    def stop(self) -> None:
        """Kill all nodes."""
        for node in self._nodes:
            _kill(node)

    def _start(self, *options: str, attempt: int = 1) -> None:
        """Start a node, and wait until it runs: nodes that start at once would choose the same sockets."""
        output = self._folder / f"node-{len(list(self._folder.glob('node-*')))}.txt"
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1"]
        any_ports = ["--min-worker-port=0", "--max-worker-port=0"]
        with output.open("wb") as file:
            node = subprocess.Popen(
                [*ray, *any_ports, *options],
                env=self._environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._nodes.append(node)
        end = time.monotonic() + _START_S
        while "Ray runtime started" not in output.read_text():
            if time.monotonic() > end or node.poll() is not None:
                _kill(self._nodes.pop())
                if attempt == _ATTEMPTS:
                    raise RuntimeError(f"a node of the cluster did not start: see {output}")
                self._start(*options, attempt=attempt + 1)
                return
            time.sleep(0.2)


def _kill(node: subprocess.Popen[bytes]) -> None:
    """Kill a node. Its daemons are its children; the workers of its raylet are children of that."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(node.pid)
        for process in [*parent.children(recursive=True), parent]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
    node.wait()

"""Watch over Ray: a sweep ends with an error when Ray's own processes die. Ray itself would wait, or exit."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

import ray
from ray._private import ray_constants
from ray.exceptions import RayError

from scaling import interruption
from scaling.errors import SweepError
from scaling.sweep.ray_cluster import connect, is_host_and_port, live_nodes

_GRACE_S = 10.0
"""Time for the block to end after Ray's death, in seconds."""
_PATIENCE = 3
"""Number of attempts to reach the head of a cluster, which may be restarting."""
_PAUSE_S = 5.0


class _RayDied(BaseException):
    """Interruption of the block. Code that catches errors of all classes does not catch it."""


@contextmanager
def end_if_dead(is_alive: Callable[[], bool], *, name: str, every_s: float = 1.0) -> Iterator[None]:
    """End the block with an error if Ray dies.

    Args:
        is_alive: returns False when Ray's processes have died.
        name: instance of Ray, for the message.
        every_s: pause between two checks.

    Raises:
        SweepError: Ray has died.
    """
    thread, is_over, has_died = threading.get_ident(), threading.Event(), threading.Event()

    error = SweepError(
        f"{name} has died, perhaps for lack of memory; every finished run is in the store, and the same"
        " command continues from there"
    )

    def check_repeatedly() -> None:
        while not is_over.wait(every_s):
            if not is_alive():
                has_died.set()
                _raise_in_thread(thread, _RayDied)
                if not is_over.wait(_GRACE_S):
                    _end_process(error.problem)
                return

    watcher = threading.Thread(target=check_repeatedly, daemon=True)
    watcher.start()
    try:
        yield
    except BaseException:
        is_over.set()
        if not has_died.is_set() and is_alive():
            raise
        has_died.set()
    finally:
        is_over.set()
        watcher.join()
        _raise_in_thread(thread, None)
    if has_died.is_set():
        interruption.check()  # the signal was sent to Ray's processes as well
        raise error


def local_instance_is_alive() -> bool:
    """Return False if a process is dead without which the instance on this machine cannot work."""
    node: Any = ray._private.worker._global_node
    dead = {kind for kind, _ in node.dead_processes()} if node else set()
    return dead.isdisjoint({ray_constants.PROCESS_TYPE_RAYLET, ray_constants.PROCESS_TYPE_GCS_SERVER})


def cluster_is_alive(address: str, node_id: str) -> bool:
    """Return False if the head of a cluster does not answer for some time, or has given up a node.

    Args:
        address: address of the head.
        node_id: node of this process.
    """
    for attempt in range(_PATIENCE):
        if attempt:
            sleep(_PAUSE_S)
        try:
            if is_host_and_port(address):
                connect(address)
            return node_id in {node.id for node in live_nodes()}
        except (OSError, RayError):
            continue
    return False


def _end_process(last_words: str) -> None:
    """End the process, whose block waits in Ray's C++ part. After a minute, Ray would end it as well."""
    show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
    os.write(2, f"{show_cursor}{last_words}\n".encode())
    os._exit(1)


def _raise_in_thread(thread: int, error: type[BaseException] | None) -> None:
    """Raise an exception in a thread at its next step in Python; None withdraws one that waits for that."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if error is None else ctypes.py_object(error)
    )

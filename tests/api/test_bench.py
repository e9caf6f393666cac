"""Processes of ``scaling bench`` end with their parent, however it ends."""

from __future__ import annotations

import os
import select
import signal
from multiprocessing import get_context

import pytest

from scaling.api import _bench

DEADLINE_S = 60.0
"""Time after which a process counts as left behind."""


def wait_like_a_worker() -> None:
    _bench._obey_parent()
    signal.pause()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_worker_ends_when_its_parent_is_killed():
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        get_context("fork").Process(target=wait_like_a_worker).start()
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(writer)
    os.waitpid(parent, 0)
    ready, _, _ = select.select([reader], [], [], DEADLINE_S)
    assert ready  # the end of the pipe: nobody holds its other end
    assert os.read(reader, 1) == b""
    os.close(reader)

"""``scaling bench`` measures twice, and its processes end with their parent, however it ends."""

from __future__ import annotations

import os
import select
import signal
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from math import inf
from multiprocessing import active_children, get_context
from threading import Thread

import pytest

from scaling.api import _bench
from scaling.architectures import Tree3
from scaling.interruption import Interrupted
from scaling.train.measure_speed import TimingCase

DEADLINE_S = 60.0
"""Time after which a process counts as left behind."""


def wait_like_a_worker() -> None:
    _bench._obey_parent()
    signal.pause()


def work_for_ever(writer: int) -> None:
    os.write(writer, b"x")
    signal.pause()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_interruption_ends_a_worker_in_the_middle_of_a_step(monkeypatch):
    monkeypatch.setattr(_bench, "get_context", lambda method: get_context("fork"))
    reader, writer = os.pipe()

    threads: list[Thread] = []

    def measure() -> None:
        with _bench._processes(1) as run_in_all:
            threads.append(Thread(target=wait_for_the_step, args=(run_in_all,)))
            threads[0].start()
            assert os.read(reader, 1) == b"x"
            raise Interrupted(signal.SIGTERM)

    def wait_for_the_step(run_in_all) -> None:
        with suppress(BrokenProcessPool):
            run_in_all(work_for_ever, writer)

    with pytest.raises(Interrupted):
        measure()
    threads[0].join(DEADLINE_S)
    assert not threads[0].is_alive()
    assert not active_children()
    os.close(reader)
    os.close(writer)


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


@pytest.mark.parametrize(
    ("seconds", "expected"), [(inf, [(1.0, 2.0), (3.0, 3.0)]), (-1.0, [(9.0, 2.0), (3.0, 4.0)])]
)
def test_the_faster_of_two_measurements_counts_if_there_is_time_for_two(seconds, expected):
    """Other work slowed down the first time of the first network, and the second one of the second."""
    first, second = (TimingCase(Tree3(filters=filters, rows=1), 1, 8, "bf16") for filters in (1, 2))
    measured = iter([(9.0, 2.0), (3.0, 4.0), (1.0, 5.0), (6.0, 3.0)])
    done: list[int] = []
    times = _bench._measure_twice(
        [first, second], lambda case: next(measured), on_measured=done.append, seconds=seconds
    )
    assert [times[first], times[second]] == expected
    assert done == ([1, 2, 3, 4] if seconds > 0 else [1, 2])

"""What a person sees of a sweep, and what a pipe doesn't."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from scaling.plan.time_estimate import pack_seconds
from scaling.sweep import progress
from scaling.sweep.executor import PackEvent
from scaling.sweep.progress import SHOWN, ProgressDisplay
from tests.sweep.planted_training import packs

PACKS = packs(1, 2, 3, seeds=8)
ONE, TWO, THREE = (pack.key for pack in PACKS)


def console(*, terminal: bool) -> Console:
    return Console(file=StringIO(), force_terminal=terminal, width=120, height=40)


@pytest.fixture
def table():
    return ProgressDisplay(PACKS, console(terminal=True), quiet=False)


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test sets."""
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def drawn(table: ProgressDisplay) -> str:
    sink = console(terminal=False)
    sink.print(table.draw())
    return sink.file.getvalue()


def test_packs_at_work_are_shown_and_runs_counted(table):
    table(PackEvent(key=ONE, epoch=1, accuracy=0.25, host="here"))
    table(PackEvent(key=TWO, epoch=2, accuracy=None, host="there"))
    text = drawn(table)
    assert "25.00%" in text
    assert "1/3" in text
    assert "2/3" in text
    assert "0/24" in text
    table(PackEvent(key=ONE, epoch=3, accuracy=0.5))
    assert table.finished == {ONE}
    assert list(table.at_work) == [TWO]
    assert "8/24" in drawn(table)


def test_news_of_a_finished_pack_count_once(table):
    for _ in range(3):
        table(PackEvent(key=ONE, epoch=3))
    assert "8/24" in drawn(table)


def test_a_failure_is_kept_with_its_log_and_does_not_count_as_done(table):
    table(PackEvent(key=ONE, epoch=1))
    table(PackEvent(key=ONE, epoch=0, failure="ValueError: no luck", log="x.log"))
    assert table.failures[ONE].log == "x.log"
    assert not table.at_work
    assert "0/24" in drawn(table)


def test_a_pack_that_is_done_in_the_end_is_no_failure(table):
    table(PackEvent(key=ONE, epoch=0, failure="its worker died"))
    table(PackEvent(key=ONE, epoch=1))
    table(PackEvent(key=ONE, epoch=3))
    assert not table.failures
    assert "8/24" in drawn(table)


def test_a_pack_that_was_done_before_its_worker_died_is_no_failure(table):
    table(PackEvent(key=ONE, epoch=3))
    table(PackEvent(key=ONE, epoch=0, failure="its worker died"))
    assert not table.failures
    assert table.finished == {ONE}


def test_the_time_left_follows_from_the_share_of_the_estimated_work(clock):
    table = ProgressDisplay(PACKS, console(terminal=False), quiet=False)
    assert table.left() == ""
    clock[0] += 30
    table(PackEvent(key=ONE, epoch=1))
    done = pack_seconds(PACKS[0]) / 3 / sum(map(pack_seconds, PACKS))
    left = 30 * (1 - done) / done
    assert 100 < left < 5400
    assert table.left() == f"about {left / 60:.0f} min left"
    assert table.left() in drawn(table)
    for key in (ONE, TWO):
        table(PackEvent(key=key, epoch=3))
    table(PackEvent(key=THREE, epoch=0, failure="given up"))
    assert table.left() == "about 0 s left"


def test_no_more_packs_are_shown_than_fit():
    many = packs(*range(1, SHOWN + 6))
    table = ProgressDisplay(many, console(terminal=True), quiet=False)
    for pack in many:
        table(PackEvent(key=pack.key, epoch=1))
    assert drawn(table).count("tree3") == SHOWN


def test_a_terminal_sees_it():
    sink = console(terminal=True)
    with ProgressDisplay(PACKS, sink, quiet=False) as table:
        table(PackEvent(key=ONE, epoch=1, accuracy=0.25))
        table.live.refresh()
    assert "25.00%" in sink.file.getvalue()


@pytest.mark.parametrize(("terminal", "quiet"), [(False, False), (True, True)], ids=["pipe", "quiet"])
def test_a_pipe_and_a_quiet_terminal_see_nothing(terminal, quiet):
    sink = console(terminal=terminal)
    with ProgressDisplay(PACKS, sink, quiet=quiet) as table:
        table(PackEvent(key=ONE, epoch=3))
    assert sink.file.getvalue() == ""
    assert table.finished == {ONE}

"""Progress display of a sweep: what a terminal shows, and that a pipe shows nothing."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from scaling.plan.time_estimate import pack_seconds
from scaling.sweep import progress
from scaling.sweep.executor import PackEvent
from scaling.sweep.progress import MAX_ROWS, ProgressDisplay
from tests.sweep.planted_training import packs

PACKS = packs(1, 2, 3, seeds=8)
FIRST, SECOND, THIRD = (pack.key for pack in PACKS)


def console(*, terminal: bool) -> Console:
    return Console(file=StringIO(), force_terminal=terminal, width=120, height=40)


@pytest.fixture
def display():
    return ProgressDisplay(PACKS, console(terminal=True), quiet=False)


@pytest.fixture
def clock(monkeypatch):
    """Time in seconds that the test sets."""
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def drawn_text(display: ProgressDisplay) -> str:
    sink = console(terminal=False)
    sink.print(display.draw())
    return sink.file.getvalue()


def test_packs_in_training_are_shown_and_runs_counted(display):
    display(PackEvent(key=FIRST, epoch=1, accuracy=0.25, host="here"))
    display(PackEvent(key=SECOND, epoch=2, accuracy=None, host="there"))
    text = drawn_text(display)
    assert "25.00%" in text
    assert "1/3" in text
    assert "2/3" in text
    assert "0/24" in text
    display(PackEvent(key=FIRST, epoch=3, accuracy=0.5))
    assert display.finished == {FIRST}
    assert list(display.in_training) == [SECOND]
    assert "8/24" in drawn_text(display)


def test_repeated_events_of_a_finished_pack_count_once(display):
    for _ in range(3):
        display(PackEvent(key=FIRST, epoch=3))
    assert "8/24" in drawn_text(display)


def test_failure_is_kept_with_its_log_and_does_not_count_as_finished(display):
    display(PackEvent(key=FIRST, epoch=1))
    display(PackEvent(key=FIRST, epoch=0, failure="ValueError: no luck", log="x.log"))
    assert display.failures[FIRST].log == "x.log"
    assert not display.in_training
    assert "0/24" in drawn_text(display)


def test_pack_that_succeeds_after_a_failure_is_not_a_failure(display):
    display(PackEvent(key=FIRST, epoch=0, failure="its worker died"))
    display(PackEvent(key=FIRST, epoch=1))
    display(PackEvent(key=FIRST, epoch=3))
    assert not display.failures
    assert "8/24" in drawn_text(display)


def test_pack_that_finished_before_its_worker_died_is_not_a_failure(display):
    display(PackEvent(key=FIRST, epoch=3))
    display(PackEvent(key=FIRST, epoch=0, failure="its worker died"))
    assert not display.failures
    assert display.finished == {FIRST}


def test_time_left_follows_from_the_share_of_the_estimated_work(clock):
    display = ProgressDisplay(PACKS, console(terminal=False), quiet=False)
    assert display.time_left() == ""
    clock[0] += 30
    display(PackEvent(key=FIRST, epoch=1))
    share = pack_seconds(PACKS[0]) / 3 / sum(map(pack_seconds, PACKS))
    left = 30 * (1 - share) / share
    assert 100 < left < 5400
    assert display.time_left() == f"about {left / 60:.0f} min left"
    assert display.time_left() in drawn_text(display)
    for key in (FIRST, SECOND):
        display(PackEvent(key=key, epoch=3))
    display(PackEvent(key=THIRD, epoch=0, failure="given up"))
    assert display.time_left() == "about 0 s left"


def test_table_has_a_largest_number_of_rows():
    many = packs(*range(1, MAX_ROWS + 6))
    display = ProgressDisplay(many, console(terminal=True), quiet=False)
    for pack in many:
        display(PackEvent(key=pack.key, epoch=1))
    assert drawn_text(display).count("tree3") == MAX_ROWS


def test_terminal_shows_the_display():
    sink = console(terminal=True)
    with ProgressDisplay(PACKS, sink, quiet=False) as display:
        display(PackEvent(key=FIRST, epoch=1, accuracy=0.25))
        display.live.refresh()
    assert "25.00%" in sink.file.getvalue()


@pytest.mark.parametrize(("terminal", "quiet"), [(False, False), (True, True)], ids=["pipe", "quiet"])
def test_pipe_and_quiet_terminal_show_nothing(terminal, quiet):
    sink = console(terminal=terminal)
    with ProgressDisplay(PACKS, sink, quiet=quiet) as display:
        display(PackEvent(key=FIRST, epoch=3))
    assert sink.file.getvalue() == ""
    assert display.finished == {FIRST}

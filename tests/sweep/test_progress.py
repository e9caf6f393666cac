"""Progress display of a sweep: what a terminal shows, and the lines that a pipe gets."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from scaling.durations import format_duration
from scaling.plan.time_estimate import pack_seconds
from scaling.sweep import progress
from scaling.sweep.executor import PackEvent
from scaling.sweep.progress import MAX_ROWS, Phase, ProgressDisplay
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


def test_time_left_is_shown_beside_the_bar(clock):
    display = ProgressDisplay(PACKS, console(terminal=False), quiet=False)
    left_s = sum(map(pack_seconds, PACKS))
    assert display.time_left() == "workers start"
    display(PackEvent(key=FIRST, epoch=0))
    assert display.time_left() == f"about {format_duration(left_s)} left"
    assert list(display.in_training) == [FIRST]
    assert "0/3" in drawn_text(display)
    clock[0] += 300
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


def test_quiet_terminal_shows_nothing():
    sink = console(terminal=True)
    with ProgressDisplay(PACKS, sink, quiet=True) as display:
        display(PackEvent(key=FIRST, epoch=3))
    assert sink.file.getvalue() == ""
    assert display.finished == {FIRST}


def test_pipe_gets_a_plain_line_a_minute(clock):
    sink = console(terminal=False)
    phase = Phase(name="pilots, 1 of 2", later_s=100.0)
    display = ProgressDisplay(PACKS, sink, quiet=False, phase=phase)
    total_s = sum(map(pack_seconds, PACKS)) + 100.0
    assert display.first_line() == (f"pilots, 1 of 2: 24 runs in 3 packs, about {format_duration(total_s)}")
    for _ in range(80):
        clock[0] += 1
        display.tick()
    display(PackEvent(key=FIRST, epoch=3))
    display(PackEvent(key=SECOND, epoch=0, failure="given up"))
    for _ in range(120):
        clock[0] += 1
        display.tick()
    first, second, third = sink.file.getvalue().splitlines()
    assert first.startswith("pilots, 1 of 2: 0 of 24 runs, 1 min 0 s, workers start")
    assert second.startswith("pilots, 1 of 2: 8 of 24 runs (8 failed), 2 min 0 s, about ")
    assert third.startswith("pilots, 1 of 2: 8 of 24 runs (8 failed), 3 min 0 s, about ")
    assert "\x1b" not in sink.file.getvalue()


def test_terminal_gets_no_line_a_minute(clock):
    sink = console(terminal=True)
    display = ProgressDisplay(PACKS, sink, quiet=False)
    clock[0] += 61
    display.tick()
    assert sink.file.getvalue() == ""


def test_laws_are_fitted_as_packs_finish_but_not_so_often_that_they_slow_the_training(clock, monkeypatch):
    fits = []
    monkeypatch.setattr(progress, "thread_time", lambda: 2.0 * len(fits))  # so each fit waits for 40 s

    def watch():
        fits.append(clock[0])
        return [f"law {len(fits)} [low, high]"]

    sink = console(terminal=False)
    display = ProgressDisplay(PACKS, sink, quiet=False, phase=Phase(watch=watch))
    display.tick()
    assert not fits
    for key in (FIRST, SECOND):
        display(PackEvent(key=key, epoch=3))
        display.tick()
    assert len(fits) == 1
    clock[0] += 40
    display.tick()
    assert display.laws == ("law 2 [low, high]",)
    assert "law 2 [low, high]" in drawn_text(display)
    clock[0] += 1000
    display.tick()
    assert len(fits) == 2
    lines = [line for line in sink.file.getvalue().splitlines() if line.startswith("law")]
    assert lines == ["law 1 [low, high]", "law 2 [low, high]"]

"""Signals become interruptions: at once, or at the next check of a block that defers them."""

from __future__ import annotations

import ctypes
import signal
from errno import EIO
from threading import Thread
from unittest.mock import Mock

import pytest

from scaling import interruption
from scaling.interruption import Interrupted, before_immediate_end, deferred, handled_signals, kept_handlers

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture(autouse=True)
def _python_handlers():
    """Set handlers: a shell lets its background processes ignore SIGINT, and nohup SIGHUP."""
    before = {signum: signal.signal(signum, signal.default_int_handler) for signum in SIGNALS}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.mark.parametrize(("signum", "code"), SIGNALS.items())
def test_first_signal_interrupts_at_once_with_the_code_of_a_shell(signum, code):
    before = signal.getsignal(signum)
    with pytest.raises(Interrupted) as stop, handled_signals():
        signal.raise_signal(signum)
    assert stop.value.code == stop.value.exit_code == code
    assert signal.getsignal(signum) is before
    assert not interruption.is_requested()


@pytest.mark.parametrize(("signum", "code"), SIGNALS.items())
def test_interruption_that_a_library_replaces_keeps_its_code(signum, code):
    """Ray does so while its C++ part waits for an answer."""
    with pytest.raises(Interrupted) as stop, handled_signals():  # noqa: PT012
        try:
            signal.raise_signal(signum)
        except SystemExit:
            raise SystemExit(1) from None
    assert stop.value.exit_code == code


def test_end_without_a_signal_keeps_its_code():
    with pytest.raises(SystemExit) as stop, handled_signals():
        raise SystemExit(7)
    assert stop.value.code == 7


@pytest.mark.parametrize(("signum", "code"), SIGNALS.items())
def test_deferred_signal_waits_for_the_next_check(signum, code):
    with handled_signals():
        with deferred(), deferred():
            signal.raise_signal(signum)
        assert interruption.is_requested()
        for stop_here in (interruption.check, lambda: interruption.pause(1e6)):
            with pytest.raises(Interrupted) as stop:
                stop_here()
            assert stop.value.exit_code == code


def test_second_ctrl_c_ends_the_process_and_other_second_signals_do_not(monkeypatch, capfd):
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)
    for first in SIGNALS:
        with handled_signals("kept"), deferred():
            signal.raise_signal(first)
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)
            assert codes == []
            signal.raise_signal(signal.SIGINT)
            assert codes == [130]
        codes.clear()
    assert capfd.readouterr() == ("", "kept\n" * 3)


def test_second_ctrl_c_ends_the_process_also_if_the_terminal_is_closed(monkeypatch):
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)
    with handled_signals("kept"), deferred():
        monkeypatch.setattr("os.write", Mock(side_effect=OSError(EIO, "gone")))
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert codes == [130]


def test_second_ctrl_c_first_calls_the_actions_of_the_block_it_is_in_even_if_one_fails(monkeypatch):
    calls: list[str] = []
    monkeypatch.setattr("os._exit", lambda code: calls.append("end"))
    with handled_signals(), deferred():
        with before_immediate_end(lambda: calls.append("over")):
            pass
        with (
            before_immediate_end(Mock(side_effect=OSError)),
            before_immediate_end(lambda: calls.append("act")),
        ):
            signal.raise_signal(signal.SIGINT)
            assert calls == []
            signal.raise_signal(signal.SIGINT)
    assert calls == ["act", "end"]


def test_ignored_signals_stay_ignored_and_other_threads_handle_none():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with handled_signals():
        signal.raise_signal(signal.SIGINT)
        assert not interruption.is_requested()
    before, seen = signal.getsignal(signal.SIGTERM), []

    def look() -> None:
        with handled_signals(), kept_handlers():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]


def test_inner_block_leaves_the_signals_to_the_outer_one():
    with handled_signals():
        outer = signal.getsignal(signal.SIGTERM)
        with deferred():
            signal.raise_signal(signal.SIGTERM)
        with handled_signals():
            assert signal.getsignal(signal.SIGTERM) is outer
        assert interruption.is_requested()


def test_libraries_cannot_replace_the_handlers_that_are_kept():
    with handled_signals():
        ours = signal.getsignal(signal.SIGTERM)
        with kept_handlers():
            assert signal.signal(signal.SIGTERM, signal.SIG_DFL) is ours
            before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGTERM) is ours
        assert signal.signal(signal.SIGUSR1, before) is signal.SIG_IGN


def test_handlers_that_a_library_replaced_in_c_are_restored():
    libc, ignore = ctypes.CDLL(None), ctypes.c_void_p(int(signal.SIG_IGN))
    with handled_signals(), deferred():
        with kept_handlers():
            libc.signal(int(signal.SIGTERM), ignore)
            signal.raise_signal(signal.SIGTERM)
            assert not interruption.is_requested()
        signal.raise_signal(signal.SIGTERM)
        assert interruption.is_requested()

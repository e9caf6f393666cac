"""Interruption of a command by a signal.

SIGINT is Ctrl+C; every scheduler sends SIGTERM before it kills; SIGHUP comes when the terminal closes, unless
``nohup`` lets the command ignore it. The first signal raises ``Interrupted``: at once, or in a ``deferred``
block at the next ``check``. A second Ctrl+C ends the process at once, without any cleaning: a store is
consistent at every moment. A second signal of the others is ignored, because some senders repeat it:
``timeout`` sends SIGTERM to the process and to its group, a shell and the kernel both send SIGHUP.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_S = 0.1
"""Longest time until a pause notices that an interruption is requested."""


class Interrupted(SystemExit):
    """End of the process by a signal, with the exit code that a shell would report: 129, 130 or 143.

    It is no KeyboardInterrupt: Lightning would end the process with exit code 1.
    """

    last_words = ""
    """What goes on after the end, and how to stop it; empty if nothing goes on."""

    def __init__(self, signum: int) -> None:
        self.exit_code = 128 + signum
        super().__init__(self.exit_code)


class _Deferrals(threading.local):
    """Number of ``deferred`` blocks in which a thread is."""

    depth = 0


_deferrals = _Deferrals()
_requested: int | None = None
"""Number of the signal that requests an interruption."""
_is_handled = False
"""True inside ``handled_signals``."""
_immediate_actions: list[Callable[[], object]] = []
"""What a second Ctrl+C does before it ends the process."""


def request(signum: int) -> None:
    """Request an interruption: each thread stops at its next ``check``."""
    global _requested
    _requested = signum


def is_requested() -> bool:
    """Return whether an interruption is requested."""
    return _requested is not None


def check() -> None:
    """Raise ``Interrupted`` if an interruption is requested."""
    if _requested is not None:
        raise Interrupted(_requested)


def pause(seconds: float) -> None:
    """Sleep, unless an interruption is requested."""
    end = monotonic() + seconds
    check()
    while (left := end - monotonic()) > 0:
        sleep(min(left, _POLL_S))
        check()


@contextmanager
def deferred() -> Iterator[None]:
    """Defer an interruption inside the block to the next ``check``, which may be in the block or after it."""
    _deferrals.depth += 1
    try:
        yield
    finally:
        _deferrals.depth -= 1


@contextmanager
def handled_signals(last_words: str = "") -> Iterator[None]:
    """Turn signals inside the block into ``Interrupted``.

    The block changes nothing inside another such block, in a thread that is not the main one, and for a
    signal that the process ignores.

    Args:
        last_words: line that a second Ctrl+C writes to stderr.
    """
    global _requested, _is_handled
    if _is_handled or threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {signum: signal.getsignal(signum) for signum in _SIGNALS}
    _requested, _is_handled = None, True
    for signum, handler in handlers.items():
        if handler is not signal.SIG_IGN:
            signal.signal(signum, _make_handler(last_words))
    try:
        yield
    except SystemExit as end:
        if not isinstance(end, Interrupted):
            check()  # Ray's C++ part, which waits for an answer, replaces the exception by one of its own
        raise
    finally:
        for signum, handler in handlers.items():
            signal.signal(signum, handler)
        _requested, _is_handled = None, False


@contextmanager
def before_immediate_end(action: Callable[[], object]) -> Iterator[None]:
    """Let a second Ctrl+C inside the block call a short function before it ends the process."""
    _immediate_actions.append(action)
    try:
        yield
    finally:
        _immediate_actions.remove(action)


def ignore_signals() -> None:
    """Ignore the signals from now on."""
    for signum in _SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


def _make_handler(last_words: str) -> Callable[[int, FrameType | None], None]:
    def handle(signum: int, frame: FrameType | None) -> None:
        if not is_requested():
            request(signum)
            if not _deferrals.depth:
                check()
        elif signum == signal.SIGINT:
            for action in _immediate_actions:
                with suppress(Exception):
                    action()
            show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
            with suppress(OSError):  # the terminal may be closed
                os.write(2, f"{show_cursor}{last_words}\n".encode())
            os._exit(128 + signum)

    return handle


@contextmanager
def kept_handlers() -> Iterator[None]:
    """Keep the handlers of the signals inside the block; libraries would replace them, in Python and in C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    set_handler = signal.signal

    def refuse(signum: int, handler: signal._HANDLER) -> signal._HANDLER:
        return signal.getsignal(signum) if signum in _SIGNALS else set_handler(signum, handler)

    signal.signal = refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        signal.signal = set_handler
        for signum in _SIGNALS:
            signal.signal(signum, signal.getsignal(signum))

"""One start of Ray for several sweeps of a command. Ray is imported when the first of them starts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

StartRay = Callable[[str | None, int], Path]
"""Function that starts or joins Ray as ``ray_session`` does, unless it runs, and returns its folder."""


@contextmanager
def shared_ray() -> Iterator[StartRay]:
    """Yield a function that starts Ray at its first call, and leave Ray at the end of the block."""
    with ExitStack() as stack:

        @cache
        def start(address: str | None, workers: int) -> Path:
            from scaling.sweep.ray_session import ray_session

            return stack.enter_context(ray_session(address, workers))

        yield start

"""What an executor is: something that works through packs and tells how it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from scaling.plan import Pack


@dataclass(frozen=True, kw_only=True)
class PackEvent:
    """Where a pack stands."""

    key: str
    """Of the pack."""
    epoch: int
    """Ended so far; all of them means that its runs are in the store."""
    accuracy: float | None = None
    """Mean over the replicas, on the test images."""
    published: int = 0
    """Runs that were not in the store before, with the news that the pack is done; fewer than its runs where another driver had some."""
    host: str = ""
    failure: str = ""
    """Why the pack was given up, in a line; empty where it was not."""
    log: str = ""
    """Of a failure: the file with its traceback."""


OnPackEvent = Callable[[PackEvent], None]


class Executor(Protocol):
    """Places work; it owns neither identity nor resumption, which are the store's."""

    def run(self, packs: Sequence[Pack], on_progress: OnPackEvent) -> None:
        """Work through all packs. Packs that fail are told to the listener, and the others go on."""

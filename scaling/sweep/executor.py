"""Interface of an executor, which trains packs and reports its progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from scaling.plan import Pack


@dataclass(frozen=True, kw_only=True)
class PackEvent:
    """Progress of a pack: the begin of its training, the end of an epoch, its publication, or a failure."""

    key: str
    """Key of the pack."""
    epoch: int
    """Number of epochs that have ended.

    With 0, the training begins; all epochs of the recipe mean that the runs are in the store.
    """
    accuracy: float | None = None
    """Mean accuracy of the replicas on the test images: a fraction."""
    published: int = 0
    """Number of runs that this publication added; smaller if another driver had published some of them."""
    claim_lost: bool = False
    """True if another worker took the pack over, so that this training was stopped or discarded."""
    was_split: bool = False
    """True if the pack does not fit into memory, so that its networks train in smaller groups."""
    host: str = ""
    """Name of the machine that trains the pack."""
    failure: str = ""
    """Reason why the pack was given up, in one line; empty if it was not."""
    log: str = ""
    """File with the traceback of a failure."""


OnPackEvent = Callable[[PackEvent], None]
"""Callback for the progress of packs."""


class Executor(Protocol):
    """Runner of packs. Run ids and resumption are matters of the store, not of the executor."""

    def session(self) -> AbstractContextManager[None]:
        """Keep running inside the block what takes seconds to start, for several calls of ``run``.

        Raises:
            UsageError: it cannot start.
        """

    def run(self, packs: Sequence[Pack], on_progress: OnPackEvent, *, workers: int | None = None) -> None:
        """Train and publish all packs; a pack that fails is reported to ``on_progress``; others continue.

        Args:
            packs: packs to train.
            on_progress: called for each event.
            workers: number of packs that train at once on this machine; by default that of the executor.
        """

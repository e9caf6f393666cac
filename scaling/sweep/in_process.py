"""The executor without Ray: one pack after the other, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scaling.sweep.executor import Batch, Listener
from scaling.sweep.work import Work, work_through


@dataclass(frozen=True)
class InProcess:
    """For tests, debuggers and machines where Ray can't start."""

    work: Work

    def run(self, batches: Sequence[Batch], listener: Listener) -> None:
        for batch in batches:
            work_through(batch, self.work, listener)

"""The executor without Ray: one pack after the other, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scaling.plan import Pack
from scaling.sweep.executor import Listener
from scaling.sweep.worker import work_through
from scaling.sweep.worker_config import WorkerConfig


@dataclass(frozen=True)
class InProcess:
    """For tests, debuggers and machines where Ray can't start."""

    work: WorkerConfig

    def run(self, packs: Sequence[Pack], listener: Listener) -> None:
        work_through(tuple(packs), self.work, listener)

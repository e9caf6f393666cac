"""Executor without Ray: one pack after the other, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from scaling.plan import Pack
from scaling.sweep.executor import OnPackEvent
from scaling.sweep.worker import process_packs
from scaling.sweep.worker_config import WorkerConfig


@dataclass(frozen=True)
class InProcessExecutor:
    """Executor for tests, debuggers and machines on which Ray cannot start."""

    config: WorkerConfig

    def session(self) -> AbstractContextManager[None]:
        return nullcontext()

    def run(self, packs: Sequence[Pack], on_progress: OnPackEvent, *, workers: int | None = None) -> None:
        process_packs(tuple(packs), self.config, on_progress)

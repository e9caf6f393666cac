"""Process settings during training: one thread, no denormals, and nothing that Lightning reads elsewhere."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

from scaling.interruption import kept_handlers


@contextmanager
def training_runtime() -> Iterator[None]:
    """Use one thread, no denormals and exact cuDNN inside the ``with`` block.

    Each training needs its own block: a worker trains its packs from several threads, one after the
    other, and the processor keeps its mode for denormals per thread.

    Lightning's handlers of signals stay out: after SIGTERM it would end the process with exit code 0.

    Raises:
        KeyboardInterrupt: Ctrl+C outside of ``handled_signals``, which Lightning turns into SystemExit.
    """
    _keep_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        with (
            warnings.catch_warnings(),
            _silence_advice(),
            _hide_trainer_defaults(),
            kept_handlers(),
            # By default, cuDNN rounds fp32 to 10 bits, and adds in an order that differs from run to run.
            torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False),
        ):
            yield
    except SystemExit as stop:
        if not isinstance(stop.__context__, KeyboardInterrupt):
            raise
        raise KeyboardInterrupt from None
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


@contextmanager
def _silence_advice() -> Iterator[None]:
    """Suppress advice of Lightning and torch that the user cannot follow, and that every run would repeat.

    The data loader has no workers because all images are in memory. Validation steps of a user's own module
    are not called. An operation without a rule for batches takes as long as for one replica after the other.
    """
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*have no `val_dataloader`.*")
    warnings.filterwarnings("ignore", message=".*not yet implemented the batching rule.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
    log = logging.getLogger("pytorch_lightning")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


@contextmanager
def _hide_trainer_defaults() -> Iterator[None]:
    """Hide environment variables such as PL_TRAINER_MAX_TIME, from which Lightning completes its options."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PL_TRAINER_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


@cache
def _keep_freed_memory() -> None:
    """Keep freed memory in the process: otherwise page faults cost up to half of a step."""
    if sys.platform == "linux":
        libc, m_trim_threshold, m_mmap_max = ctypes.CDLL(None), -1, -4
        libc.mallopt(m_mmap_max, 0)
        libc.mallopt(m_trim_threshold, 2**31 - 1)

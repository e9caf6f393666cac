"""What training asks of its process, and gives back: one thread, no denormals, a silent Lightning."""

from __future__ import annotations

import ctypes
import logging
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch


@contextmanager
def training_runtime() -> Iterator[None]:
    """One thread and no denormals while the body trains.

    Asked for each time: a worker trains its packs from several threads, one after the other, and the processor keeps its mode for
    denormals a thread.

    Raises:
        KeyboardInterrupt: Ctrl+C in the body, which Lightning makes an exit of.
    """
    _keep_memory()
    threads, handler = torch.get_num_threads(), signal.getsignal(signal.SIGINT)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        with warnings.catch_warnings(), _silent():
            yield
    except SystemExit as stop:
        if not isinstance(stop.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)  # Lightning has switched it off
        raise KeyboardInterrupt from None
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


@contextmanager
def _silent() -> Iterator[None]:
    """Lightning's advice is for other uses: its data loader has no workers because the images are in memory already."""
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
    log = logging.getLogger("pytorch_lightning")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


@cache
def _keep_memory() -> None:
    """glibc hands every large tensor back to the kernel, and page faults then cost up to half of a step: keep it instead."""
    if sys.platform == "linux":
        libc, m_trim_threshold, m_mmap_max = ctypes.CDLL(None), -1, -4
        libc.mallopt(m_mmap_max, 0)
        libc.mallopt(m_trim_threshold, 2**31 - 1)

"""Errors of a training that needs more memory than there is, on the CPU or on a GPU."""

from __future__ import annotations

import errno

import torch

_MESSAGES = ("can't allocate memory", "out of memory", "bad_alloc", "status_alloc_failed")
"""Parts of the messages of torch's CPU allocator, of CUDA, of C++ and of cuBLAS, in lower case."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory could not be allocated."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _MESSAGES)

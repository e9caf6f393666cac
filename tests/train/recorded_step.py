"""A capture on the CPU, which repeats recorded operations as a CUDA graph repeats kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

READS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "unique")
"""Operations that wait for the device and read a number or a shape from it."""


class _Recorder(TorchDispatchMode):
    """Records the operations below autograd, with their arguments and results."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple, dict[str, Any], list[Tensor]]] = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = operation.overloadpacket.__name__
        assert not name.startswith(READS), f"the step reads from the device: {operation}"
        result = operation(*args, **kwargs)
        self.calls.append((operation, args, kwargs, [t for t in tree_leaves(result) if _is_tensor(t)]))
        return result


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


class RecordedCapture:
    """Capture of steps on the CPU.

    Unlike during the capture of a CUDA graph, the operations of a step run while it is recorded.

    Args:
        changed: returns the tensors that a step changes, which are then restored.
    """

    def __init__(self, changed: Callable[[], Iterator[Tensor]]) -> None:
        self.changed = changed
        self.warm_ups = self.captures = self.replays = 0

    def warm_up(self, step: Callable[[], object]) -> None:
        self.warm_ups += 1
        step()

    def capture(self, step: Callable[[], object]) -> Callable[[], object]:
        self.captures += 1
        before = [(tensor, tensor.detach().clone()) for tensor in self.changed()]
        with _Recorder() as recorder:
            step()
        with torch.no_grad():
            for tensor, value in before:
                tensor.copy_(value)
        return lambda: self._replay(recorder)

    @torch.no_grad()
    def _replay(self, recorder: _Recorder) -> None:
        """Repeat the operations on the recorded tensors, and write their results in place."""
        self.replays += 1
        for operation, args, kwargs, results in recorder.calls:
            repeated = [t for t in tree_leaves(operation(*args, **kwargs)) if _is_tensor(t)]
            for result, again in zip(results, repeated, strict=True):
                if result.data_ptr() != again.data_ptr():
                    result.detach().copy_(again)

"""Capture of a training step as a CUDA graph: all kernels of a step start at once.

The step of a narrow network is many short kernels. To start them one by one can take the CPU longer than the
GPU needs to run them. A graph holds the kernels with their arguments: a replay repeats them and runs no
Python. A step can therefore be captured if it

- takes no arguments, and reads what changes from step to step from tensors that stay in place;
- writes its results in place;
- reads no number on the host, and copies nothing between host and device.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch

from scaling.train.out_of_memory import is_out_of_memory

Step = Callable[[], object]

WARM_UP_STEPS = 3
"""Steps before the capture, in which the libraries choose kernels and allocate their own memory."""


@runtime_checkable
class Capture(Protocol):
    """Way to capture a step."""

    def warm_up(self, step: Step) -> None:
        """Run the step without capturing it."""

    def capture(self, step: Step) -> Step:
        """Return a function that repeats the step; nothing is computed meanwhile."""


class CudaCapture:
    """Capture as a CUDA graph with memory of its own, on a stream of its own."""

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def warm_up(self, step: Step) -> None:
        """Run the step on the stream of the capture, for which cuBLAS then has its memory."""
        current = torch.cuda.current_stream()
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            step()
        current.wait_stream(self.stream)

    def capture(self, step: Step) -> Step:
        graph = torch.cuda.CUDAGraph()
        # A capture that fails leaves its stream as the current one; the outer block restores the stream.
        with torch.cuda.stream(self.stream), torch.cuda.graph(graph, stream=self.stream):
            step()
        return graph.replay


class CapturedStep:
    """A step that runs as Python code a few times, is then captured, and is replayed from then on.

    The first steps are steps of the training like all others. A step that cannot be captured keeps running as
    Python code.

    Args:
        step: function that meets the conditions of this module.
        capture: way to capture it.
    """

    def __init__(self, step: Step, capture: Capture) -> None:
        self._step, self._capture = step, capture
        self._replay: Step | None = None
        self._warm_ups = 0
        self.is_captured = False
        """True after a capture that succeeded."""

    def __call__(self) -> None:
        if self._replay is None and self._warm_ups < WARM_UP_STEPS:
            self._warm_ups += 1
            self._capture.warm_up(self._step)
            return
        if self._replay is None:
            self._replay = self._try_capture()
        self._replay()

    def release(self) -> None:
        """Free the memory of the graph; a later call warms up and captures again."""
        self._replay, self._warm_ups, self.is_captured = None, 0, False

    def _try_capture(self) -> Step:
        try:
            replay = self._capture.capture(self._step)
        except RuntimeError as error:
            cause = _first_error(error)
            if is_out_of_memory(cause):
                raise cause from None
            warnings.warn(
                f"a step is not captured as a CUDA graph and takes longer: {cause}",
                RuntimeWarning,
                stacklevel=2,
            )
            return self._step
        self.is_captured = True
        return replay


def _first_error(error: BaseException) -> BaseException:
    """Return the error that came first: the end of a capture that failed raises an error of its own."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def make_capture(device: torch.device) -> Capture | None:
    """Return the way to capture steps on a device; None for a CPU, on which nothing has to be captured."""
    return CudaCapture() if device.type == "cuda" else None

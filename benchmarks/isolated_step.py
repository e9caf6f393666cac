"""Time of one fused training step in a process of its own, for settings that hold for a whole process.

python -m benchmarks.isolated_step kept|returned    # memory of large tensors after each step: kept, or
returned
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from unittest import mock

from benchmarks.steps import StepCase, median_seconds, training_step
from scaling.architectures import Lenet5
from scaling.datasets import mnist
from scaling.train.runtime import training_runtime

if __name__ == "__main__":
    is_returned = sys.argv[1] == "returned"
    with (
        mock.patch("scaling.train.runtime._keep_freed_memory") if is_returned else nullcontext(),
        training_runtime(),
    ):
        case = StepCase("mnist", mnist.MNIST_INFO.image, Lenet5(filters=6))
        print(median_seconds(training_step(case, 8)))

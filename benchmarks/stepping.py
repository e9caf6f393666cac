"""Seconds of one fused training step in a process of its own, for what holds of a whole process.

python -m benchmarks.stepping kept|returned    # large tensors: memory is kept, or goes back to the kernel after each step
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from unittest import mock

from benchmarks.steps import Case, seconds, training_step
from scaling.architectures import Lenet5
from scaling.datasets import mnist
from scaling.train.runtime import training_runtime

if __name__ == "__main__":
    with (
        mock.patch("scaling.train.runtime._keep_memory") if sys.argv[1] == "returned" else nullcontext(),
        training_runtime(),
    ):
        print(seconds(training_step(Case("mnist", mnist.MNIST_INFO.image, Lenet5(filters=6)), 8)))

"""A rival in a process of its own, which ``benchmarks.rival_jax`` runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from benchmarks.commands import ROOT
from benchmarks.rival_networks import initial_weights
from benchmarks.rival_steps import RivalUnavailableError, StepsResult, StepTask
from scaling.architectures import Precision, Tree3

_ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "NPROC": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
}
"""Settings that hold JAX to one thread, and that keep freed memory, as this software does.

The process inherits the core to which its parent is bound.
"""
_REPORTED_LINES = 20


class JaxSide:
    """JAX in a process of its own, in fp32: XLA computes convolutions in bf16 by way of fp32 on CPUs.

    Raises:
        RivalUnavailableError: JAX is not installed.
    """

    def __init__(self, task: StepTask, precision: Precision) -> None:
        if find_spec("jax") is None:
            raise RivalUnavailableError("JAX is not installed; pip install jax")
        self.precision = precision
        self.form = ""
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        write_task(task, precision, folder)
        self.messages = (folder / "messages").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.rival_jax", str(folder)],
            cwd=ROOT,
            env=os.environ | _ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.messages,
            text=True,
        )

    def train(self, first: int, steps: int) -> StepsResult:
        with suppress(BrokenPipeError):  # the process has ended; the missing answer says so
            self.process.stdin.write(f"{first} {steps}\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.messages.seek(0)
            tail = "\n".join(self.messages.read().splitlines()[-_REPORTED_LINES:])
            raise RuntimeError(f"benchmarks.rival_jax: exit code {self.process.wait()}\n{tail}")
        answer = json.loads(line)
        self.form = answer["form"]
        return StepsResult(answer["seconds"], torch.tensor(answer["losses"]))

    def close(self) -> None:
        self.process.communicate()
        self.messages.close()
        self.folder.cleanup()


def write_task(task: StepTask, precision: Precision, folder: Path) -> None:
    """Write the weights, minibatches and settings of a task as ``benchmarks.rival_jax`` reads them."""
    spec, image = task.pack.cell.architecture, task.pack.cell.info.image
    images, labels = zip(*task.batches(precision), strict=True)
    np.savez(
        folder / "task.npz",
        images=torch.stack(images).permute(0, 1, 3, 4, 2).numpy(),
        labels=torch.stack(labels).numpy().astype(np.int32),
        **{name: weight.numpy() for name, weight in initial_weights(task.pack).items()},
    )
    shape = {"rows": spec.rows} if isinstance(spec, Tree3) else {"padding": spec.padding(image)}
    settings = {
        "network": spec.type,
        "momentum": task.recipe.optimizer.momentum,
        "rates": [task.learning_rate(step) for step in range(task.recipe.epochs * task.steps_per_epoch)],
        **shape,
    }
    (folder / "task.json").write_text(json.dumps(settings))

"""Machine code of the vector operations on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scaling.models import vector_kernels
from scaling.models.vector_instructions import HAS_WIDE_REGISTERS

SCRIPT = """
import numpy as np
from vector_instructions import LANES, SIGMOID
from vector_products import connect
out = np.zeros((1, 1, LANES), np.float32)
connect(np.zeros((1, 1, LANES), np.float32), np.ones((1, 1, 1), np.float32), (1, 1),
        np.zeros((1, 1), np.float32), SIGMOID, out)
print(out[0, 0, 0], sum(connect.stats.cache_hits.values()))
"""
COMPILATION = "from scaling.train.kernel_compilation import main; main()"
TRAINING = """
from numba.core import event
with event.install_recorder("numba:compile") as recorder:
    import torch
    from scaling.architectures import Lenet5, Tree3
    from scaling.models import build
    from scaling.settings import ImageShape
    for network in Lenet5(filters=1), Lenet5(filters=5), Lenet5(filters=6), Tree3(rows=4, filters=1):
        networks = build(network, ImageShape(1, 28, 10), [0, 1])
        networks(torch.zeros(40, 1, 28, 28, dtype=torch.bfloat16)).sum().backward()
print(len(recorder.buffer))
"""


def test_of_two_processes_that_need_a_kernel_one_compiles_it(tmp_path):
    copy_kernels(tmp_path)
    processes = [start(tmp_path) for _ in range(2)]
    assert sorted(process.communicate()[0].strip() for process in processes) == ["0.5 0", "0.5 1"]


def test_kernels_are_compiled_ahead_of_a_training(tmp_path):
    """A training in another process compiles none."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for script in (COMPILATION, TRAINING):
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
    assert done.stdout.split() == ["0"]


def test_kernels_are_compiled_again_after_a_change_of_another_file(tmp_path):
    """Another file than the one that defines the kernel, because numba notices that one by itself."""
    copy_kernels(tmp_path)
    assert run(tmp_path) == "0.5 0"
    assert run(tmp_path) == "0.5 1"
    instructions = tmp_path / "vector_instructions.py"
    instructions.write_text(
        instructions.read_text().replace("one = self.constant(1.0)", "one = self.constant(3.0)")
    )
    assert run(tmp_path) == "0.75 0"


@pytest.mark.skipif(not HAS_WIDE_REGISTERS, reason="the other tests compile for shorter vectors")
def test_kernels_compile_for_processors_with_short_vectors(tmp_path):
    """Tests of the operations pass with AVX2, without AVX-512 and instructions for bf16."""
    tests = str(Path(__file__).with_name("test_ops_vector_cpu.py"))
    environment = os.environ | {
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+avx2,+fma",
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests]
    selected = ["-k", "two_convolutions or fully_connected or reaches_only"]
    done = subprocess.run([*command, *selected], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def copy_kernels(folder: Path) -> None:
    """Copy the files of the kernel of ``SCRIPT``, as modules of no package."""
    for name in ("vector_instructions", "vector_kernels", "vector_products"):
        text = Path(vector_kernels.__file__).with_name(f"{name}.py").read_text()
        (folder / f"{name}.py").write_text(text.replace("from scaling.models.", "from "))


def start(folder: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", SCRIPT]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def run(folder: Path) -> str:
    process = start(folder)
    output, _ = process.communicate()
    assert process.returncode == 0
    return output.strip()

"""Predicted memory of a pack against processes that train one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("peak_memory.py")
NETWORKS = [("lenet5", filters) for filters in (1, 3, 6, 24, 48)] + [("lenet5 average", 6)]
NETWORKS += [("tree3", filters) for filters in (1, 6, 15)]
NETWORKS += [("vgg 6", 1), ("vgg 6", 4), ("vgg 8", 16), ("vgg 16", 1), ("vgg 16", 16), ("vgg 11 late", 4)]
CASES = [(*network, data, 100) for network in NETWORKS for data in ("mnist", "cifar10")]
CASES += [("lenet5_1998", 6, "mnist", batch_size) for batch_size in (10, 100, 1000)]
CASES += [
    (*network, "cifar10", batch_size)
    for network in (("lenet5", 1), ("lenet5", 48), ("tree3", 1), ("tree3", 15))
    for batch_size in (1, 1000)
]
CASES += [("vgg 6", 4, "cifar10", 1000)]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize(("architecture", "filters", "data", "batch_size"), CASES)
def test_the_prediction_is_an_upper_bound_and_at_most_twice_the_memory(
    architecture, filters, data, batch_size, precision
):
    words = [architecture, str(filters), data, precision, str(batch_size)]
    done = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=True)
    predicted, measured = map(int, done.stdout.split())
    # The gaps that torch's allocator leaves differ more than those of few large tensors.
    limit = 1.8 if architecture in ("lenet5", "tree3") else 2
    assert measured <= predicted <= limit * measured

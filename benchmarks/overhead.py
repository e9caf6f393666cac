"""Overhead of the orchestration: a thousand networks of one training step each, on two cores.

The overhead is the wall time without start-up and training, divided by the number of networks. Start-up is
the wall time of a sweep of one pack without its training. The training time is that in the store's rows, each
pack once, divided by the cores that share it.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from benchmarks.commands import run_scaling
from benchmarks.measurement import Measurement, summarise_rounds
from scaling.store import open_store

NAME = "overhead"
MANY_SEEDS, PACK_SEEDS = 1000, 8
_WORKERS = 2
_IMAGES = 100
"""Number of training images, equal to the batch size: an epoch is one step."""


def measure(rounds: int, many_seeds: int = MANY_SEEDS) -> list[Measurement]:
    per_run_s, startup_s, help_s = [], [], []
    case = f"{many_seeds} one-step runs, {_WORKERS} cores"
    for _ in range(rounds):
        one_pack_s, all_s = (
            train_one_step_runs(seeds).without_training_s for seeds in (PACK_SEEDS, many_seeds)
        )
        startup_s.append(one_pack_s)
        per_run_s.append((all_s - one_pack_s) / many_seeds)
        help_s.append(run_scaling("--help").wall_s)
    per_run = "wall time per run, without start-up and training"
    return [
        summarise_rounds(NAME, case, per_run, unit="s", values=per_run_s),
        summarise_rounds(NAME, case, "start-up", unit="s", values=startup_s),
        summarise_rounds(NAME, "scaling --help", "wall time", unit="s", values=help_s),
    ]


@dataclass(frozen=True, kw_only=True)
class OneStepSweep:
    """A sweep of networks of one training step."""

    without_training_s: float
    """Wall time without the training."""
    peak_bytes: int
    """Largest memory of the driver."""


def train_one_step_runs(seeds: int) -> OneStepSweep:
    """Train networks of one training step each, in an empty store."""
    with tempfile.TemporaryDirectory() as folder:
        config, store = Path(folder, "study.yaml"), Path(folder, "store")
        config.write_text(_study(seeds))
        result = run_scaling("run", config, "--quiet", "--store", store)
        runs = open_store(store).runs(["wall_s"])
    if runs.num_rows != seeds:
        raise RuntimeError(f"{runs.num_rows} of {seeds} runs were trained")
    pack_times = pc.unique(runs["wall_s"])  # each row has the wall time of its pack
    training_s = pc.sum(pack_times).as_py() / min(_WORKERS, len(pack_times))
    return OneStepSweep(without_training_s=result.wall_s - training_s, peak_bytes=result.peak_bytes)


def _study(seeds: int) -> str:
    return json.dumps(
        {
            "study": "benchmark",
            "dataset": {"type": "synthetic", "size": _IMAGES, "test_size": _IMAGES},
            "architectures": [{"type": "lenet5", "filters": 1}],
            "recipe": {"epochs": 1, "batch_size": _IMAGES},
            "seeds": seeds,
            "resources": {"workers": _WORKERS},
        }
    )

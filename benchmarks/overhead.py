"""Overhead of the orchestration: a thousand networks of one training step each, on two cores.

The overhead is the wall time without start-up and training, divided by the number of networks. Start-up is
the wall time of a sweep of one pack without its training. The training time is that in the store's rows, each
pack once, divided by the cores that share it.
"""

from __future__ import annotations

import json
import tempfile
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
        one_pack_s, all_s = (_wall_without_training_s(seeds) for seeds in (PACK_SEEDS, many_seeds))
        startup_s.append(one_pack_s)
        per_run_s.append((all_s - one_pack_s) / many_seeds)
        help_s.append(run_scaling("--help").wall_s)
    per_run = "wall time per run, without start-up and training"
    return [
        summarise_rounds(NAME, case, per_run, unit="s", values=per_run_s),
        summarise_rounds(NAME, case, "start-up", unit="s", values=startup_s),
        summarise_rounds(NAME, "scaling --help", "wall time", unit="s", values=help_s),
    ]


def _wall_without_training_s(seeds: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        config, store = Path(folder, "study.yaml"), Path(folder, "store")
        config.write_text(_study(seeds))
        wall_s = run_scaling("run", config, "--quiet", "--store", store).wall_s
        runs = open_store(store).runs(["wall_s", "replicas"])
    if runs.num_rows != seeds:
        raise RuntimeError(f"{runs.num_rows} of {seeds} runs were trained")
    # Each replica's row has the wall time of its pack. All packs are full, so the shares add up to the packs'
    # times.
    training_s = pc.sum(pc.divide(runs["wall_s"], runs["replicas"])).as_py()
    return wall_s - training_s / min(_WORKERS, seeds // PACK_SEEDS)


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

"""What the orchestrator costs: a thousand networks of one training step each, through the command line on two cores.

What remains of the wall time after start-up (that of a sweep of one pack, without its training) and after the training itself (what the rows of
the store say, each pack once, over the cores that share it) is divided by the number of networks.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pyarrow.compute as pc

from benchmarks import processes
from benchmarks.rows import Row, over_rounds
from scaling.store import open_store

NAME = "overhead"
MANY, FEW = 1000, 8
WORKERS = 2
IMAGES = 100
"""As many as the batch: an epoch is one step."""


def measure(rounds: int, many: int = MANY) -> list[Row]:
    per_run, startup, helps = [], [], []
    case = f"{many} one-step runs, {WORKERS} cores"
    for _ in range(rounds):
        few_s, many_s = (_untrained(seeds) for seeds in (FEW, many))
        startup.append(few_s)
        per_run.append((many_s - few_s) / many)
        helps.append(processes.scaling("--help").wall_s)
    return [
        over_rounds(NAME, case, "wall time a run beyond start-up and training", "s", per_run),
        over_rounds(NAME, case, "start-up", "s", startup),
        over_rounds(NAME, "scaling --help", "wall time", "s", helps),
    ]


def _untrained(seeds: int) -> float:
    """Wall time of a sweep beside its training."""
    with tempfile.TemporaryDirectory() as folder:
        config, store = Path(folder, "study.yaml"), Path(folder, "store")
        config.write_text(_study(seeds))
        done = processes.scaling("run", config, "--quiet", "--store", store)
        runs = open_store(store).runs(["wall_s", "replicas"])
    if runs.num_rows != seeds:
        raise RuntimeError(f"{runs.num_rows} of {seeds} runs were trained")
    # All replicas of a pack have its time. Packs are full here, so each one's share sums up to the packs' times.
    return done.wall_s - pc.sum(pc.divide(runs["wall_s"], runs["replicas"])).as_py() / min(
        WORKERS, seeds // FEW
    )


def _study(seeds: int) -> str:
    return json.dumps(
        {
            "study": "benchmark",
            "dataset": {"type": "synthetic", "size": IMAGES, "test_size": IMAGES},
            "architectures": [{"type": "lenet5", "filters": 1}],
            "recipe": {"epochs": 1, "batch_size": IMAGES},
            "seeds": seeds,
            "resources": {"workers": WORKERS},
        }
    )

"""Overhead of the orchestration: a thousand networks of one training step each, on two cores.

The overhead is the wall time without start-up and training, divided by the number of networks. Start-up and
end are the wall time of a sweep of one pack without its training, and imports are their largest part. The
training time is that in the store's rows, each pack once, divided by the cores that share it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from benchmarks.commands import run_command, run_scaling
from benchmarks.measurement import Measurement, summarise_rounds
from scaling.store import open_store

NAME = "overhead"
MANY_SEEDS, PACK_SEEDS = 1000, 8
_WORKERS = 2
_IMAGES = 100
"""Number of training images, equal to the batch size: an epoch is one step."""


_ENGINES = {"worker processes": "processes", "Ray": "ray"}
"""Value of ``resources.engine`` by name."""
_IMPORTS = {
    "torch": "import torch",
    "torch and Lightning": "import pytorch_lightning",
    "all that a worker needs": "import scaling.sweep.worker",
    "all that a worker needs, as the server of worker processes imports it": (
        "from scaling.sweep.worker_server import import_libraries; import_libraries()"
    ),
}
"""Program of each import."""


def measure(rounds: int, many_seeds: int = MANY_SEEDS) -> list[Measurement]:
    values: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    case = f"{many_seeds} one-step runs, {_WORKERS} cores"
    for _ in range(rounds):
        for name, engine in _ENGINES.items():
            one_pack_s, all_s = (
                train_one_step_runs(seeds, engine).without_training_s for seeds in (PACK_SEEDS, many_seeds)
            )
            under = "" if engine == "processes" else f" under {name}"
            values[case, f"start-up and end of {name}"].append(one_pack_s)
            per_run = f"wall time per run{under}, without start-up and training"
            values[case, per_run].append((all_s - one_pack_s) / many_seeds)
        for name, program in _IMPORTS.items():
            values["start of a process", f"imports: {name}"].append(
                run_command([sys.executable, "-c", program]).wall_s
            )
        values["scaling --help", "wall time"].append(run_scaling("--help").wall_s)
    return [
        summarise_rounds(NAME, of_case, quantity, unit="s", values=rounds_s)
        for (of_case, quantity), rounds_s in values.items()
    ]


@dataclass(frozen=True, kw_only=True)
class OneStepSweep:
    """A sweep of networks of one training step."""

    without_training_s: float
    """Wall time without the training."""
    peak_bytes: int
    """Largest memory of the driver."""


def train_one_step_runs(seeds: int, engine: str = "auto") -> OneStepSweep:
    """Train networks of one training step each, in an empty store, with a value of ``resources.engine``."""
    with tempfile.TemporaryDirectory() as folder:
        config, store = Path(folder, "study.yaml"), Path(folder, "store")
        config.write_text(_study(seeds, engine))
        result = run_scaling("run", config, "--quiet", "--store", store)
        runs = open_store(store).runs(["wall_s"])
    if runs.num_rows != seeds:
        raise RuntimeError(f"{runs.num_rows} of {seeds} runs were trained")
    pack_times = pc.unique(runs["wall_s"])  # each row has the wall time of its pack
    training_s = pc.sum(pack_times).as_py() / min(_WORKERS, len(pack_times))
    return OneStepSweep(without_training_s=result.wall_s - training_s, peak_bytes=result.peak_bytes)


def _study(seeds: int, engine: str) -> str:
    return json.dumps(
        {
            "study": "benchmark",
            "dataset": {"type": "synthetic", "size": _IMAGES, "test_size": _IMAGES},
            "architectures": [{"type": "lenet5", "filters": 1}],
            "recipe": {"epochs": 1, "batch_size": _IMAGES},
            "seeds": seeds,
            "resources": {"workers": _WORKERS, "engine": engine},
        }
    )

"""Time to plan and to read 10,000 finished runs of 100 epochs: fresh processes, on a planted store."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.commands import run_scaling
from benchmarks.measurement import Measurement, summarise_rounds
from benchmarks.planted_store import plant, study

NAME = "store_reading"
WIDTHS, SEEDS, EPOCHS = 25, 40, 100
_TRAIN_IMAGES = (1000, 2000, 3000, 5000, 7000)


def measure(
    rounds: int, *, widths: int = WIDTHS, seeds: int = SEEDS, train_images: Sequence[int] = _TRAIN_IMAGES
) -> list[Measurement]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config, store = folder / "study.yaml", folder / "store"
        config.write_text(study(widths=widths, seeds=seeds, epochs=EPOCHS, train_images=train_images))
        runs = plant(config, store)
        groups = ("--by", "architecture", "--by", "train_images")
        commands = {
            "plan": ("plan", config),
            "table": ("table", config, "--out", folder / "runs.parquet"),
            f"fit of {2 * len(train_images)} groups": ("fit", config, *groups),
        }
        walls_s = defaultdict(list)
        for _ in range(rounds):
            for command, arguments in commands.items():
                walls_s[command].append(run_scaling(*arguments, "--store", store).wall_s)
    case = f"{runs:,} finished runs of {EPOCHS} epochs"
    return [
        summarise_rounds(NAME, case, f"scaling {command}", unit="s", values=values)
        for command, values in walls_s.items()
    ]

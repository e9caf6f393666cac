"""Planning and reading 10,000 finished runs of 100 epochs: commands in fresh processes, on a store that is planted."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks import processes
from benchmarks.planted import plant, study
from benchmarks.rows import Row, over_rounds

NAME = "reading"
WIDTHS, SEEDS, EPOCHS = 25, 40, 100
TRAIN_IMAGES = (1000, 2000, 3000, 5000, 7000)


def measure(
    rounds: int, *, widths: int = WIDTHS, seeds: int = SEEDS, train_images: Sequence[int] = TRAIN_IMAGES
) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config, store = folder / "study.yaml", folder / "store"
        config.write_text(study(widths=widths, seeds=seeds, epochs=EPOCHS, train_images=train_images))
        runs = plant(config, store)
        commands = {
            "plan": ("plan", config),
            "table": ("table", config, "--out", folder / "runs.parquet"),
            f"fit of {2 * len(train_images)} groups": (
                "fit",
                config,
                "--by",
                "architecture",
                "--by",
                "train_images",
            ),
        }
        walls = defaultdict(list)
        for _ in range(rounds):
            for command, words in commands.items():
                walls[command].append(processes.scaling(*words, "--store", store).wall_s)
    case = f"{runs:,} finished runs of {EPOCHS} epochs"
    return [over_rounds(NAME, case, f"scaling {command}", "s", wall_s) for command, wall_s in walls.items()]

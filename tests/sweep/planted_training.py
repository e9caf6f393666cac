"""Packs of a tiny study, and a replacement of the training that takes no time and counts its calls."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scaling.architectures import Architecture, Tree3
from scaling.config import Cell, CellRun, Recipe
from scaling.data import LoadedDataset
from scaling.datasets import Synthetic
from scaling.plan import Pack
from scaling.plan.packs import make_packs
from scaling.sweep.worker_config import WorkerConfig
from scaling.train import EpochMetrics, PackResult

DATASET = Synthetic(size=100, test_size=50, side=10)
RECIPE = Recipe(epochs=3, batch_size=25, precision="fp32")
SMALL_TREE = partial(Tree3, branches=2, rows=1)
LONG_S = 1e6
"""A lease that never expires in a test, whatever else the machine does."""


def packs(
    *filters: int,
    seeds: int = 2,
    dataset: Synthetic = DATASET,
    architecture: Callable[..., Architecture] = SMALL_TREE,
    recipe: Recipe = RECIPE,
) -> tuple[Pack, ...]:
    """Return one pack per width."""
    cells = [
        Cell(
            dataset=dataset,
            info=dataset.info(Path("nowhere")),
            architecture=architecture(filters=width),
            recipe=recipe,
        )
        for width in filters
    ]
    return tuple(make_packs(CellRun(cell, cell.run(seed)) for cell in cells for seed in range(seeds)))


def ids(packs: tuple[Pack, ...]) -> set[str]:
    return {run.id for pack in packs for run in pack.runs}


def worker_config(folder: Path, **settings: Any) -> WorkerConfig:
    defaults = {
        "store": str(folder / "store"),
        "data": folder,
        "logs": folder / "logs",
        "weights": False,
        "lease_s": LONG_S,
    }
    return WorkerConfig(**defaults | settings)


@dataclass
class Training:
    """Training that trains nothing. Patch it over ``scaling.sweep.worker.train``."""

    failing: Callable[[Pack, int], BaseException | None] = lambda pack, attempt: None
    """Error that an attempt at a pack raises; None for a success."""
    during: Callable[[], object] = lambda: None
    """Function that is called during each training."""
    attempts: Counter[str] = field(default_factory=Counter)
    """Number of trainings by the key of the pack."""
    running: int = 0
    most_running: int = 0
    """Largest number of trainings at the same time."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(
        self, pack: Pack, loaded: LoadedDataset, *, on_epoch_end: Callable[[EpochMetrics], None], **_: Any
    ) -> PackResult:
        with self.lock:
            self.attempts[pack.key] += 1
            attempt = self.attempts[pack.key]
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            self.during()
            return self.train(pack, loaded, attempt, on_epoch_end)
        finally:
            with self.lock:
                self.running -= 1

    def train(
        self, pack: Pack, loaded: LoadedDataset, attempt: int, on_epoch_end: Callable[[EpochMetrics], None]
    ) -> PackResult:
        history = []
        for number in range(1, pack.cell.recipe.epochs + 1):
            if (error := self.failing(pack, attempt)) is not None:
                raise error
            numbers = torch.full((pack.size,), 0.5)
            metrics = dict.fromkeys(("train_loss", "test_loss", "train_accuracy", "test_accuracy"), numbers)
            for name in ("val_loss", "val_accuracy"):
                metrics[name] = numbers.clone() if pack.cell.dataset.validation else None
            history.append(
                EpochMetrics(
                    number=number, zero_gradients=None, lr_factor=1.0, wall_s=float(number), **metrics
                )
            )
            on_epoch_end(history[-1])
        return PackResult(
            pack=pack,
            history=history,
            logits=np.zeros((pack.size, loaded.info.test_images, loaded.info.image.classes), np.float16),
            diverged=np.zeros(pack.size, bool),
            weights=[{"w": torch.ones(2)}] * pack.size,
            wall_s=3.0,
            images_per_s=1.0,
            device="cpu",
            threads=1,
        )

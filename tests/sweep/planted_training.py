"""Packs of a tiny study, and a stand-in for training that takes no time and knows how often it was asked."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import torch

from scaling.architectures import Tree3
from scaling.config import Cell, Recipe
from scaling.data import LoadedDataset
from scaling.datasets import Synthetic
from scaling.plan import Pack
from scaling.plan.packs import make_packs
from scaling.sweep.worker_config import WorkerConfig
from scaling.train import EpochMetrics, PackResult

SET = Synthetic(size=100, test_size=50, side=10)
RECIPE = Recipe(epochs=3, batch_size=25, precision="fp32")


def packs(*filters: int, seeds: int = 2, of: Synthetic = SET) -> tuple[Pack, ...]:
    """One pack a width."""
    cells = [
        Cell(of, of.info(Path("nowhere")), Tree3(filters=width, branches=2, rows=1), RECIPE, {})
        for width in filters
    ]
    return tuple(make_packs((cell, cell.run(seed)) for cell in cells for seed in range(seeds)))


def ids(packs: tuple[Pack, ...]) -> set[str]:
    return {run.id for pack in packs for run in pack.runs}


def work(folder: Path, **settings: Any) -> WorkerConfig:
    return WorkerConfig(
        **{"store": str(folder / "store"), "data": folder, "logs": folder / "logs", "weights": False}
        | settings
    )


@dataclass
class Training:
    """Trains nothing. Patch it over ``scaling.sweep.worker.train``."""

    seconds: float = 0.0
    failing: Callable[[Pack, int], BaseException | None] = lambda pack, attempt: None
    """What to raise, from a pack and how often it was asked for."""
    asked: Counter[str] = field(default_factory=Counter)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(
        self, pack: Pack, loaded: LoadedDataset, *, on_epoch_end: Callable[[EpochMetrics], None], **_: Any
    ) -> PackResult:
        with self.lock:
            self.asked[pack.key] += 1
            attempt = self.asked[pack.key]
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self.trained(pack, loaded, attempt, on_epoch_end)
        finally:
            with self.lock:
                self.at_once -= 1

    def trained(
        self, pack: Pack, loaded: LoadedDataset, attempt: int, on_epoch_end: Callable[[EpochMetrics], None]
    ) -> PackResult:
        history = []
        for number in range(1, pack.cell.recipe.epochs + 1):
            sleep(self.seconds / pack.cell.recipe.epochs)
            if (error := self.failing(pack, attempt)) is not None:
                raise error
            numbers = torch.full((pack.size,), 0.5)
            loss = dict.fromkeys(("train_loss", "test_loss", "train_accuracy", "test_accuracy"), numbers)
            loss["val_accuracy"] = numbers.clone() if pack.cell.dataset.validation else None
            history.append(
                EpochMetrics(number=number, zero_gradients=None, lr_factor=1.0, wall_s=float(number), **loss)
            )
            on_epoch_end(history[-1])
        logits = np.zeros((pack.size, loaded.info.test_images, loaded.info.image.classes), np.float16)
        measured = {
            "logits": logits,
            "diverged": np.zeros(pack.size, bool),
            "weights": [{"w": torch.ones(2)}] * pack.size,
        }
        return PackResult(
            pack=pack, history=history, **measured, wall_s=3.0, images_per_s=1.0, device="cpu", threads=1
        )

"""A study that can grow, and a stand-in for training whose networks err by a planted law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import log2
from typing import Any

import numpy as np

from scaling.data import LoadedDataset
from scaling.plan import Pack
from scaling.train import EpochMetrics, PackResult
from tests.sweep.planted_training import Training

STUDY = """\
study: grown
dataset: {type: synthetic, size: 50, test_size: 2000, side: 6}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: [1, 2, 3, 4, 6, 12]}
recipe: {epochs: 1, batch_size: 25, precision: fp32}
seeds: 8
"""
TWO = STUDY.replace(
    "recipe:",
    "  - {type: lenet5, convolutions: 1, kernel: 3, hidden: [], filters: [1, 2, 3, 4, 6, 12]}\nrecipe:",
)
"""The same, and a second curve."""
TUNED = (
    STUDY.replace("epochs: 1", "epochs: 1, learning_rate: auto").replace("size: 50", "size: 100")
    + "pilots: {validation: 50}\n"
)
"""The same, and pilots choose its learning rates."""
LAWS = {"tree3": (0.5, 0.5, 0.05), "lenet5": (0.4, 0.7, 0.02)}


@dataclass
class SimulatedTraining(Training):
    """Patch it over ``scaling.sweep.worker.train``. A pack takes a second for each of its filters."""

    diverges: Callable[[int], bool] = lambda filters: False
    """By the number of filters."""

    @staticmethod
    def best(filters: int) -> float:
        """The learning rate with the least validation error; the test error knows nothing of it."""
        return max(0.0125, 0.8 / 2 ** round(filters**0.5))

    def train(
        self, pack: Pack, loaded: LoadedDataset, attempt: int, on_epoch_end: Callable[[EpochMetrics], None]
    ) -> PackResult:
        made = super().train(pack, loaded, attempt, on_epoch_end)
        labels = np.asarray(loaded.test.labels)
        spec: Any = pack.cell.architecture
        amplitude, exponent, floor = LAWS[spec.type]
        error = amplitude * spec.filters**-exponent + floor
        for slot, run in enumerate(pack.replicas):
            rng = np.random.default_rng([spec.filters, run.seed])
            wrong = rng.random(len(labels)) < error
            off = log2(run.recipe.learning_rate / self.best(spec.filters))
            if (validated := made.history[-1].val_accuracy) is not None:
                validated[slot] = 0.8 - 0.01 * off**2
            made.logits[slot, np.arange(len(labels)), (labels + wrong) % loaded.info.image.classes] = 1
        made.diverged[:] = self.diverges(spec.filters)
        return replace(made, wall_s=float(spec.filters))

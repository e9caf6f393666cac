"""Example studies, and a simulation of training in which errors follow a known law."""

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
"""The study with a second curve."""
TUNED = (
    STUDY.replace("epochs: 1", "epochs: 1, learning_rate: auto").replace("size: 50", "size: 100")
    + "pilots: {validation: 50}\n"
)
"""The study with learning rates that pilot runs choose."""
_LAWS = {"tree3": (0.5, 0.5, 0.05), "lenet5": (0.4, 0.7, 0.02)}


@dataclass
class SimulatedTraining(Training):
    """Replacement for ``scaling.sweep.worker.train``."""

    diverges: Callable[[int], bool] = lambda filters: False
    """Function of the number of filters that returns True if all runs diverge."""
    excess: Callable[[int], float] = lambda filters: 0.0
    """Function of the number of filters that returns the error in excess of the known law."""
    wall_s: Callable[[Pack], float] = lambda pack: float(pack.cell.architecture.filters)
    """Function of a pack that returns its training time: by default one second for each filter."""

    @staticmethod
    def best(filters: int) -> float:
        """Return the learning rate with the smallest validation error; no test error depends on it."""
        return max(0.0125, 0.8 / 2 ** round(filters**0.5))

    def train(
        self, pack: Pack, loaded: LoadedDataset, attempt: int, on_epoch_end: Callable[[EpochMetrics], None]
    ) -> PackResult:
        result = super().train(pack, loaded, attempt, on_epoch_end)
        labels = np.asarray(loaded.test.labels)
        spec: Any = pack.cell.architecture
        amplitude, exponent, floor = _LAWS[spec.type]
        error = amplitude * spec.filters**-exponent + floor + self.excess(spec.filters)
        for slot, run in enumerate(pack.replicas):
            rng = np.random.default_rng([spec.filters, run.seed])
            wrong = rng.random(len(labels)) < error
            log_distance = log2(run.recipe.learning_rate / self.best(spec.filters))
            if (accuracy := result.history[-1].val_accuracy) is not None:
                accuracy[slot] = 0.8 - 0.01 * log_distance**2
            result.logits[slot, np.arange(len(labels)), (labels + wrong) % loaded.info.image.classes] = 1
        result.diverged[:] = self.diverges(spec.filters)
        return replace(result, wall_s=self.wall_s(pack))
